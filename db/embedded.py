"""The embedded PostgreSQL: one server per data folder, which outlives the process that started it.

    <data>/postgresql-18/            the cluster, named by its major version, with the socket and server.log
    <data>/postgresql-18.*.partial   an incomplete cluster: renamed on completion, removed by the next start
    <data>/postgresql.lock           locked while a server is started or stopped
    <data>/binaries-18.6/            a copy of the programs, if the server's account cannot run the originals

If started by root, the server runs as `postgres` or `nobody`. If that account cannot reach the data folder (a
clone below /root), <data>/postgresql-18 is a symbolic link to the cluster in /var/lib/bookstore.
"""

import errno
import os
import re
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from filelock import FileLock, Timeout

from db.errors import EmbeddedError
from db.postgres.account import account_for
from db.postgres.binaries import Binaries, find_binaries, reachable_binaries, require_extensions
from db.postgres.cluster import (
    SUPERUSER,
    cluster_path,
    clusters_in,
    create_cluster,
    ensure_data_folder,
    ensure_socket_folder,
    major_of,
    remove_partial_clusters,
    require_same_major,
    root_cause_line,
    size_on_disk,
    socket_folder_of,
)
from db.postgres.memory import memory_size, shared_buffers
from db.postgres.postmaster import clean_up_crashed_server, is_running, launch, postmaster_pid, shut_down
from db.postgres.socket_probe import (
    DATABASE_EXISTS,
    NO_DATABASE,
    PORT,
    READY,
    STARTING,
    TOO_MANY_CONNECTIONS,
    ProbeResult,
    probe,
)

DATABASE = "bookstore"
# The caller's options override them.
_DEFAULT_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "log_checkpoints": "off",
}
# Times in seconds.
START_TIMEOUT = 120.0  # includes crash recovery
LOCK_FILE_TIMEOUT = 150.0
_STALE_PROCESS_TIMEOUT = 10.0  # maximum wait for the processes of a killed server to end
MISSING_SOCKET_TIMEOUT = 3.0  # after this time a running server without a socket is shut down


@dataclass(frozen=True, slots=True)
class Server:
    data_folder: Path  # the cluster's folder, links resolved
    socket_folder: Path
    version: int  # major version
    dsn: str


@dataclass(frozen=True, slots=True)
class ClusterStatus:
    server: Server
    pid: int | None  # None: not running
    size: int  # bytes on disk


def start(data: Path, *, bin_folder: Path | None = None, options: Mapping[str, str] | None = None) -> Server:
    """Start the server of a data folder, or reuse the running one, whose settings do not change.

    `options` are settings of postgresql.conf. The superuser `app` and the database `bookstore` exist
    afterwards. Blocks for up to two seconds the first time. Raises EmbeddedError.
    """
    with _translate_os_errors(data):
        data = _absolute(data)
        binaries = find_binaries(bin_folder)
        cluster = Path(os.path.realpath(data / f"postgresql-{binaries.major}"))
        if not (account_for(cluster) and _accepts_connections(_probe(cluster))):
            ensure_data_folder(data)
            with _lock_data_folder(data):
                settings = {**_DEFAULT_SETTINGS, "shared_buffers": shared_buffers(memory_size())}
                cluster = _ensure_running(data, binaries, {**settings, **(options or {})})
        return _server(cluster)


def stop(data: Path) -> bool:
    """Shut down every server of a data folder and end its sessions. Return False if none was running."""
    with _translate_os_errors(data):
        data = _absolute(data)
        if not clusters_in(data):
            return False
        with _lock_data_folder(data):
            running = [(cluster, pid) for cluster in clusters_in(data) if (pid := postmaster_pid(cluster))]
            for cluster, pid in running:
                shut_down(cluster, pid)
        return bool(running)


def status(data: Path) -> tuple[ClusterStatus, ...]:
    """Return the clusters of a data folder by ascending version: one, unless an older version was kept."""
    with _translate_os_errors(data):
        clusters = clusters_in(_absolute(data))
        return tuple(
            ClusterStatus(_server(cluster), postmaster_pid(cluster), size_on_disk(cluster))
            for cluster in clusters
        )


def _ensure_running(data: Path, binaries: Binaries, settings: Mapping[str, str]) -> Path:
    """Create the missing parts, start the server and return the cluster. The caller must hold the lock."""
    link = data / f"postgresql-{binaries.major}"
    account = account_for(link)
    cluster = cluster_path(link, account)
    require_same_major(cluster, data, binaries)
    remove_partial_clusters(cluster.parent)
    binaries = reachable_binaries(binaries, account, cluster.parent)
    require_extensions(binaries, account)
    if not cluster.exists():
        create_cluster(cluster, binaries, account, durable=settings.get("fsync") != "off")
    if not link.exists():
        link.symlink_to(cluster)
    if not account.can_enter(cluster):
        raise EmbeddedError(f"{account.name}, the owner of {cluster}, cannot reach it: move the data folder")
    ensure_socket_folder(socket_folder_of(cluster), account)
    _wait_until_ready(cluster, lambda: launch(cluster, binaries, account, settings))
    return cluster


def _wait_until_ready(cluster: Path, launch: Callable[[], int]) -> None:
    """Probe until the server accepts connections. Restart it if it died, and create the database."""
    log = cluster / "server.log"
    started_at, launched_pid = time.monotonic(), None
    while (elapsed := time.monotonic() - started_at) < START_TIMEOUT:
        result = _probe(cluster)
        if _accepts_connections(result):
            return
        if result is None:
            launched_pid = _restart_if_dead(cluster, launch, launched_pid, elapsed)
        elif result.code == NO_DATABASE:
            result = probe(socket_folder_of(cluster), "postgres", f"CREATE DATABASE {DATABASE}")
            if result and result.code not in (READY, DATABASE_EXISTS):
                raise EmbeddedError(f"cannot create the database {DATABASE} in {cluster}: {result.message}")
        elif result.code != STARTING:
            raise EmbeddedError(f"the server of {cluster} rejects connections: {result.message}; see {log}")
        time.sleep(0.01)
    raise EmbeddedError(
        f"the server of {cluster} is not ready after {START_TIMEOUT:.0f} s: see {log}, then retry"
    )


def _restart_if_dead(
    cluster: Path, launch: Callable[[], int], launched_pid: int | None, elapsed: float
) -> int | None:
    """Restart the server if it is dead. Return the pid of the launched process, None for another server.

    `launched_pid` is the process of the previous launch, which may still be starting.
    """
    if launched_pid is not None and is_running(launched_pid):
        return launched_pid
    if launched_pid is not None:
        reason = root_cause_line((cluster / "server.log").read_text(errors="replace"))
        if elapsed > _STALE_PROCESS_TIMEOUT or not re.search("still in use|already exists", reason):
            raise EmbeddedError(f"PostgreSQL does not start in {cluster}: {reason}")
        time.sleep(0.1)
    pid = postmaster_pid(cluster)
    if pid is None:
        clean_up_crashed_server(cluster)
        return launch()
    if elapsed > MISSING_SOCKET_TIMEOUT:  # its socket was removed from /tmp, so no client can reach it
        shut_down(cluster, pid)
    return None


def _probe(cluster: Path) -> ProbeResult | None:
    """Probe the server. Return None if it does not listen, or if it has no lock file.

    Without a lock file, a socket in /tmp may belong to a deleted data folder.
    """
    listening = (cluster / "postmaster.pid").exists()
    return probe(socket_folder_of(cluster), DATABASE) if listening else None


def _accepts_connections(result: ProbeResult | None) -> bool:
    return result is not None and result.code in (READY, TOO_MANY_CONNECTIONS)


def _server(cluster: Path) -> Server:
    folder = socket_folder_of(cluster)
    # The DSN includes the port because drivers would otherwise use PGPORT of the environment.
    dsn = f"postgresql://{SUPERUSER}@/{DATABASE}?host={quote(str(folder))}&port={PORT}"
    return Server(cluster, folder, major_of(cluster), dsn)


def _absolute(data: Path) -> Path:
    return Path(os.path.realpath(data.expanduser()))


@contextmanager
def _lock_data_folder(data: Path) -> Generator[None]:
    try:
        with FileLock(data / "postgresql.lock", timeout=LOCK_FILE_TIMEOUT, poll_interval=0.02):
            yield
    except Timeout as error:
        raise EmbeddedError(
            f"another process has held {error.lock_file} for {LOCK_FILE_TIMEOUT:.0f} s: "
            "end that process, then retry"
        ) from error


_ADVICE: Mapping[int | None, str] = {
    errno.ENOSPC: "free some space there",
    errno.ENAMETOOLONG: "choose a data folder with a shorter path",
    errno.EEXIST: "a file or a broken link is in its place, choose another data folder",
    errno.ENOTDIR: "it is below a file, choose another data folder",
}


@contextmanager
def _translate_os_errors(data: Path) -> Generator[None]:
    """Convert OSError to an EmbeddedError with a one-line message."""
    try:
        yield
    except OSError as error:
        advice = _ADVICE.get(error.errno, "give your account permission, or choose another data folder")
        raise EmbeddedError(f"{error.filename or data}: {error.strerror or error}; {advice}") from error
