"""The listening socket: TCP, for IPv6 with IPv4, or a Unix socket."""

import os
import socket
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from graphql_api.http.paths import GRAPHQL_PATH
from graphql_api.settings import Settings, SettingsError

BACKLOG = 2_048

UNIX_SOCKET_UMASK = 0o117
"""The owner and the group of a Unix socket may connect to it."""


@contextmanager
def listening(settings: Settings) -> Generator[socket.socket]:
    """Listen where the settings say. A Unix socket is removed at the end.

    Raise SettingsError if the address cannot be listened on.
    """
    if settings.uds is None:
        with _listen_on_tcp(settings.host, settings.port) as listener:
            yield listener
        return
    with _listen_on_unix_socket(settings.uds) as listener:
        created = settings.uds.stat()
        try:
            yield listener
        finally:
            _remove_socket(settings.uds, created)


def url_of(listener: socket.socket) -> str:
    """Return the API's URL. That of a Unix socket is written as nginx's `proxy_pass` takes it."""
    if listener.family == socket.AF_UNIX:
        return f"http://unix:{listener.getsockname()}:{GRAPHQL_PATH}"
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}{GRAPHQL_PATH}"


def _listen_on_tcp(host: str, port: int) -> socket.socket:
    """Listen on a host. `::` stands for all addresses of both IP versions."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    dual_stack = host == "::" and socket.has_dualstack_ipv6()
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG, dualstack_ipv6=dual_stack)
    except OSError as error:
        raise SettingsError(
            f"Cannot listen on {host}:{port}: {_describe_os_error(error)}. Change HOST or PORT."
        ) from error


def _listen_on_unix_socket(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    try:
        _remove_stale_socket(path)
        umask = os.umask(UNIX_SOCKET_UMASK)
        try:
            listener.bind(str(path))
        finally:
            os.umask(umask)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise SettingsError(f"Cannot listen on {path}: {_describe_os_error(error)}. Change UDS.") from error
    return listener


def _remove_socket(path: Path, created: os.stat_result) -> None:
    """Remove our socket, but not that of a server that has taken its place."""
    with suppress(FileNotFoundError):
        if os.path.samestat(created, path.stat()):
            path.unlink()


def _remove_stale_socket(path: Path) -> None:
    """Remove a socket on which no process listens, because its server was killed."""
    if not path.is_socket():
        return
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
        except BlockingIOError:
            pass  # its server has not accepted the last connections yet


def _describe_os_error(error: OSError) -> str:
    return (error.strerror or str(error)).partition(" (")[0]
