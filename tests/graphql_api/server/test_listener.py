"""The listening socket."""

import asyncio
import os
import socket
import stat
from pathlib import Path

import pytest

from graphql_api.server.listener import listening, url_of
from graphql_api.settings import Settings, SettingsError
from tests.http_client import read_response
from tests.serving import BOOKSTORE, run_bookstore, run_server
from tests.waiting import wait_until

NOWHERE = "postgresql://app@127.0.0.1:1/nowhere"


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")


@needs_ipv6
def test_the_ipv6_wildcard_address_accepts_ipv4() -> None:
    with listening(Settings(host="::", port=0)) as listener:
        port = listener.getsockname()[1]
        for host in ("127.0.0.1", "::1"):
            socket.create_connection((host, port)).close()

        assert url_of(listener) == f"http://[::]:{port}/graphql"


@needs_ipv6
def test_an_ipv6_address_does_not_accept_ipv4() -> None:
    with listening(Settings(host="::1", port=0)) as listener:
        port = listener.getsockname()[1]
        socket.create_connection(("::1", port)).close()

        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))


def test_an_ipv4_listener_accepts_connections_at_its_url() -> None:
    with listening(Settings(port=0)) as listener:
        host, port = listener.getsockname()
        socket.create_connection((host, port)).close()

        assert url_of(listener) == f"http://127.0.0.1:{port}/graphql"


def test_a_unix_socket_has_mode_0660_and_is_removed_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "shop.sock"
    umask = os.umask(0)
    try:
        with listening(Settings(uds=path)) as listener:
            mode = path.stat().st_mode
            url = url_of(listener)
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(path))
        umask_afterwards = os.umask(0)
    finally:
        os.umask(umask)

    assert (stat.S_ISSOCK(mode), stat.S_IMODE(mode)) == (True, 0o660)
    assert url == f"http://unix:{path}:/graphql"
    assert (path.exists(), umask_afterwards) == (False, 0)


def test_a_unix_socket_is_removed_when_serving_fails(tmp_path: Path) -> None:
    path = tmp_path / "shop.sock"

    with pytest.raises(ZeroDivisionError), listening(Settings(uds=path)):
        raise ZeroDivisionError

    assert not path.exists()


def test_the_unix_socket_of_a_killed_server_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "shop.sock"
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(path))

    with listening(Settings(uds=path)) as listener, socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        accepted, _ = listener.accept()
        accepted.close()

    assert not path.exists()


@pytest.mark.parametrize("backlog", [0, 10])
def test_a_unix_socket_in_use_is_kept_and_an_error(tmp_path: Path, backlog: int) -> None:
    path = tmp_path / "shop.sock"
    waiting = [socket.socket(socket.AF_UNIX) for _ in range(2)]
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen(backlog)
        for client in waiting:  # with a backlog of 0 the second is not accepted
            client.setblocking(False)
            client.connect_ex(str(path))

        with pytest.raises(SettingsError) as caught, listening(Settings(uds=path)):
            pass

    for client in waiting:
        client.close()
    assert str(caught.value) == f"Cannot listen on {path}: Address already in use. Change UDS."
    assert path.is_socket()


def test_a_file_in_the_place_of_a_unix_socket_is_kept_and_an_error(tmp_path: Path) -> None:
    path = tmp_path / "shop.sock"
    path.write_text("important")

    with pytest.raises(SettingsError, match="Address already in use"), listening(Settings(uds=path)):
        pass

    assert path.read_text() == "important"


@pytest.mark.parametrize(
    ("name", "reason"),
    [("x" * 150, "AF_UNIX path too long"), ("nowhere/shop.sock", "No such file or directory")],
)
def test_an_invalid_socket_path_is_named_in_the_error(tmp_path: Path, name: str, reason: str) -> None:
    path = tmp_path / name

    with pytest.raises(SettingsError) as caught, listening(Settings(uds=path)):
        pass

    assert str(caught.value) == f"Cannot listen on {path}: {reason}. Change UDS."


def test_a_unix_socket_that_replaced_ours_is_not_removed(tmp_path: Path) -> None:
    path = tmp_path / "shop.sock"
    with listening(Settings(uds=path)), socket.socket(socket.AF_UNIX) as successor:
        path.unlink()
        successor.bind(str(path))

    assert path.is_socket()


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_the_api_is_served_on_a_unix_socket(tmp_path: Path, workers: str) -> None:
    path = tmp_path / "shop.sock"
    with run_server(
        tmp_path, BOOKSTORE, ["--workers", workers], UDS="shop.sock", DATABASE_URL=NOWHERE
    ) as server:
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(
            b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\nGET /graphql HTTP/1.1\r\nhost: x\r\naccept: text/html\r\n\r\n"
        )
        live, page = await read_response(reader), await read_response(reader)
        writer.close()
        server.process.terminate()
        wait_until(lambda: server.process.poll() is not None)

    assert server.url == "http://unix:shop.sock:/graphql"
    assert (live.status, page.status) == (200, 200)
    assert (server.process.returncode, path.exists()) == (0, False)


def test_an_unusable_socket_path_is_reported_in_one_line(tmp_path: Path) -> None:
    result = run_bookstore("serve", cwd=tmp_path, UDS="nowhere/shop.sock", DATABASE_URL=NOWHERE)

    assert result.returncode == 1
    assert result.stderr == (
        "Error: Cannot listen on nowhere/shop.sock: No such file or directory. Change UDS.\n"
    )
