"""A server's main process: finding, launching and ending it, and clearing up after one that was killed."""

import os
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from db.errors import EmbeddedError
from db.postgres.account import Account
from db.postgres.binaries import Binaries
from db.postgres.cluster import socket_folder_of, telling_line
from db.postgres.dialogue import PORT

STOP_SECONDS = 60.0
PROC = Path("/proc")  # not on macOS, where process numbers must be believed


def postmaster_of(cluster: Path) -> int | None:
    """The process that serves the cluster. Its number proves nothing: a zombie or a stranger may have it."""
    try:
        pid = _first_number(cluster / "postmaster.pid")
        if pid is None or not (PROC / "self").exists():
            return pid if pid and runs(pid) else None
        return pid if (PROC / str(pid) / "cwd").samefile(cluster) else None
    except (FileNotFoundError, PermissionError):
        return None


def runs(pid: int) -> bool:
    """Whether the process lives; a zombie does not. PID 1 may take seconds, or for ever, to bury it."""
    try:
        os.kill(pid, 0)
        return ") Z " not in (PROC / str(pid) / "stat").read_text()
    except ProcessLookupError:
        return False
    except FileNotFoundError:
        return not (PROC / "self").exists()


def launch(cluster: Path, binaries: Binaries, account: Account, settings: Mapping[str, str]) -> int:
    """Start the server in a session of its own, as a child of PID 1: it outlives us."""
    log = cluster / "server.log"
    with suppress(FileNotFoundError):
        log.replace(cluster / "server.log.previous")
    settings = {**settings, "unix_socket_directories": str(socket_folder_of(cluster)), "port": str(PORT)}
    flags = [flag for name, value in settings.items() for flag in ("-c", f"{name}={value}")]
    shell = ("/bin/sh", "-c", '"$@" >>"$0" 2>&1 & echo $!', log)
    done = account.run(*shell, binaries.folder / "postgres", "-D", cluster, *flags, new_session=True)
    if done.stderr:
        raise EmbeddedError(f"PostgreSQL does not start in {cluster}: {telling_line(done.stderr)}")
    return int(done.stdout)


def shut_down(cluster: Path, pid: int) -> None:
    """PostgreSQL's fast shutdown: sessions end, what was committed is on the disk."""
    os.kill(pid, signal.SIGINT)
    if not _ended(pid, STOP_SECONDS):
        raise EmbeddedError(
            f"process {pid}, the server of {cluster}, has not ended after {STOP_SECONDS:.0f} s: "
            f"see {cluster}/server.log, and try again"
        )


def bury(cluster: Path) -> None:
    """Clear away what a killed server left: backends busy in a statement, and lock files.

    PostgreSQL would refuse to start beside the former, and while any process at all, be it a zombie or a
    stranger after a reboot, has the number in the latter. Crash recovery then makes the data whole.
    """
    if not (PROC / "self").exists():
        return
    socket_lock = socket_folder_of(cluster) / f".s.PGSQL.{PORT}.lock"
    holder = _first_number(socket_lock)  # in /tmp it may outlive the data folder it served
    for process in PROC.glob("[0-9]*"):
        with suppress(FileNotFoundError, PermissionError, ProcessLookupError):
            if (process / "exe").readlink().name.startswith("postgres") and (
                int(process.name) == holder or (process / "cwd").samefile(cluster)
            ):
                os.kill(int(process.name), signal.SIGKILL)
                _ended(int(process.name), STOP_SECONDS)
    (cluster / "postmaster.pid").unlink(missing_ok=True)
    socket_lock.unlink(missing_ok=True)


def _first_number(lock: Path) -> int | None:
    try:
        return int(lock.read_text().partition("\n")[0])
    except (FileNotFoundError, ValueError):
        return None


def _ended(pid: int, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while runs(pid):
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True
