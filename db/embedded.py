"""The embedded PostgreSQL: one server per data folder, which outlives the process that started it.

    <data>/postgresql-18/            the cluster, named by its major version, with the socket and server.log
    <data>/postgresql-18.*.partial   a cluster in the making: renamed when whole, removed when found
    <data>/postgresql.lock           held while a server is started or stopped
    <data>/binaries-18.6/            a copy for the server's account, where that cannot reach the programs

As root the server runs as `postgres` or `nobody`. Where that account cannot reach the data folder (a clone
below /root), <data>/postgresql-18 is a symbolic link into /var/lib/bookstore, which holds the cluster.
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
from db.postgres.binaries import Binaries, binaries_in, reachable_binaries, require_extensions
from db.postgres.cluster import (
    SUPERUSER,
    clusters_of,
    create_cluster,
    major_of,
    open_data_folder,
    open_socket_folder,
    place_for,
    require_major,
    size_of,
    socket_folder_of,
    sweep,
    telling_line,
)
from db.postgres.dialogue import (
    DATABASE_EXISTS,
    FULL,
    NO_DATABASE,
    PORT,
    READY,
    STARTING,
    Answer,
    ask,
)
from db.postgres.postmaster import bury, launch, postmaster_of, runs, shut_down

DATABASE = "bookstore"
# Modest enough for a small machine. What the caller passes wins.
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "log_checkpoints": "off",
}
START_SECONDS = 120.0  # crash recovery may take long
LOCK_SECONDS = 150.0
LINGER_SECONDS = 10.0  # what is left of a killed server may take so long to vanish
SILENCE_SECONDS = 3.0  # a living server without a socket is given up after so long


@dataclass(frozen=True, slots=True)
class Server:
    data_folder: Path  # the cluster's own, links followed
    socket_folder: Path
    version: int  # the major one
    dsn: str


@dataclass(frozen=True, slots=True)
class Status:
    server: Server
    pid: int | None  # None: not running
    size: int  # bytes on disk


def start(data: Path, *, bin_folder: Path | None = None, options: Mapping[str, str] | None = None) -> Server:
    """Start the server of a data folder, or join the one that runs, which then keeps its settings.

    `options` are settings of postgresql.conf. The superuser `app` and the database `bookstore` exist
    afterwards. Blocks for up to two seconds the first time. Raises EmbeddedError.
    """
    with _one_line_errors(data):
        data = _absolute(data)
        binaries = binaries_in(bin_folder)
        cluster = Path(os.path.realpath(data / f"postgresql-{binaries.major}"))
        if not (account_for(cluster) and _lets_us_in(_answer_of(cluster))):
            open_data_folder(data)
            with _lock(data):
                cluster = _started(data, binaries, {**SETTINGS, **(options or {})})
        return _server(cluster)


def stop(data: Path) -> bool:
    """Shut down every server of a data folder, ending its sessions; False when none was running."""
    with _one_line_errors(data):
        data = _absolute(data)
        if not clusters_of(data):
            return False
        with _lock(data):
            running = [(cluster, pid) for cluster in clusters_of(data) if (pid := postmaster_of(cluster))]
            for cluster, pid in running:
                shut_down(cluster, pid)
        return bool(running)


def status(data: Path) -> tuple[Status, ...]:
    """Every cluster of a data folder by rising version: one, unless that of an older version was kept."""
    with _one_line_errors(data):
        clusters = clusters_of(_absolute(data))
        return tuple(
            Status(_server(cluster), postmaster_of(cluster), size_of(cluster)) for cluster in clusters
        )


def _started(data: Path, binaries: Binaries, settings: Mapping[str, str]) -> Path:
    """The cluster with its server up, having created what was missing. Runs under the lock."""
    link = data / f"postgresql-{binaries.major}"
    account = account_for(link)
    cluster = place_for(link, account)
    require_major(cluster, data, binaries)
    sweep(cluster.parent)
    binaries = reachable_binaries(binaries, account, cluster.parent)
    require_extensions(binaries, account)
    if not cluster.exists():
        create_cluster(cluster, binaries, account, durable=settings.get("fsync") != "off")
    if not link.exists():
        link.symlink_to(cluster)
    if not account.can_enter(cluster):
        raise EmbeddedError(f"{account.name}, who owns {cluster}, cannot reach it: move the data folder")
    open_socket_folder(socket_folder_of(cluster), account)
    _bring_up(cluster, lambda: launch(cluster, binaries, account, settings))
    return cluster


def _bring_up(cluster: Path, launch: Callable[[], int]) -> None:
    """Ask until the server lets us in, seeing to it meanwhile that there is one, with the database."""
    log = cluster / "server.log"
    began, ours = time.monotonic(), None
    while (elapsed := time.monotonic() - began) < START_SECONDS:
        answer = _answer_of(cluster)
        if _lets_us_in(answer):
            return
        if answer is None:
            ours = _revived(cluster, launch, ours, elapsed)
        elif answer.code == NO_DATABASE:
            answer = ask(socket_folder_of(cluster), "postgres", f"CREATE DATABASE {DATABASE}")
            if answer and answer.code not in (READY, DATABASE_EXISTS):
                raise EmbeddedError(f"{cluster} refuses to create its database {DATABASE}: {answer.message}")
        elif answer.code != STARTING:
            raise EmbeddedError(f"the server of {cluster} refuses us: {answer.message}; see {log}")
        time.sleep(0.01)
    raise EmbeddedError(
        f"the server of {cluster} is not ready after {START_SECONDS:.0f} s: see {log}, try again"
    )


def _revived(cluster: Path, launch: Callable[[], int], ours: int | None, elapsed: float) -> int | None:
    """One step towards a server that listens. `ours`: the process launched before, if it may yet come up."""
    if ours is not None and runs(ours):
        return ours
    if ours is not None:
        reason = telling_line((cluster / "server.log").read_text(errors="replace"))
        if elapsed > LINGER_SECONDS or not re.search("still in use|already exists", reason):
            raise EmbeddedError(f"PostgreSQL does not start in {cluster}: {reason}")
        time.sleep(0.1)
    pid = postmaster_of(cluster)
    if pid is None:
        bury(cluster)
        return launch()
    if elapsed > SILENCE_SECONDS:  # its socket was swept from /tmp: nobody can reach it any more
        shut_down(cluster, pid)
    return None


def _answer_of(cluster: Path) -> Answer | None:
    """None without a lock file too: a socket in /tmp may be that of a data folder since deleted."""
    listening = (cluster / "postmaster.pid").exists()
    return ask(socket_folder_of(cluster), DATABASE) if listening else None


def _lets_us_in(answer: Answer | None) -> bool:
    return answer is not None and answer.code in (READY, FULL)


def _server(cluster: Path) -> Server:
    folder = socket_folder_of(cluster)
    # The port is named because a driver would take PGPORT from the environment.
    dsn = f"postgresql://{SUPERUSER}@/{DATABASE}?host={quote(str(folder))}&port={PORT}"
    return Server(cluster, folder, major_of(cluster), dsn)


def _absolute(data: Path) -> Path:
    return Path(os.path.realpath(data.expanduser()))


@contextmanager
def _lock(data: Path) -> Generator[None]:
    try:
        with FileLock(data / "postgresql.lock", timeout=LOCK_SECONDS, poll_interval=0.02):
            yield
    except Timeout as error:
        raise EmbeddedError(
            f"another process has held {error.lock_file} for {LOCK_SECONDS:.0f} s: end it, and try again"
        ) from error


ADVICE: Mapping[int | None, str] = {
    errno.ENOSPC: "free some space there",
    errno.ENAMETOOLONG: "choose a data folder with a shorter path",
    errno.EEXIST: "a file or a broken link is in its place, choose another data folder",
    errno.ENOTDIR: "it is below a file, choose another data folder",
}


@contextmanager
def _one_line_errors(data: Path) -> Generator[None]:
    """Turn what the system refuses into EmbeddedError."""
    try:
        yield
    except OSError as error:
        advice = ADVICE.get(error.errno, "give your account the right to it, or choose another data folder")
        raise EmbeddedError(f"{error.filename or data}: {error.strerror or error}; {advice}") from error
