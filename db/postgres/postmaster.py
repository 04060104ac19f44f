"""The postmaster, the server's main process: find, launch and stop it, and clean up after a crash."""

import os
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from db.errors import EmbeddedError
from db.postgres.account import Account
from db.postgres.binaries import Binaries
from db.postgres.cluster import root_cause_line, socket_folder_of
from db.postgres.socket_probe import PORT

STOP_TIMEOUT = 60.0  # seconds
PROC = Path("/proc")  # missing on macOS, where a pid cannot be verified


def postmaster_pid(cluster: Path) -> int | None:
    """Return the pid of the cluster's postmaster, or None.

    The pid in the lock file is verified, because a zombie or an unrelated process may have it.
    """
    try:
        pid = _read_pid(cluster / "postmaster.pid")
        if pid is None or not (PROC / "self").exists():
            return pid if pid and is_running(pid) else None
        return pid if (PROC / str(pid) / "cwd").samefile(cluster) else None
    except (FileNotFoundError, PermissionError):
        return None


def is_running(pid: int) -> bool:
    """Return whether the process runs. A zombie does not; PID 1 may reap it late or never."""
    try:
        os.kill(pid, 0)
        return ") Z " not in (PROC / str(pid) / "stat").read_text()
    except ProcessLookupError:
        return False
    except FileNotFoundError:
        return not (PROC / "self").exists()


def launch(cluster: Path, binaries: Binaries, account: Account, settings: Mapping[str, str]) -> int:
    """Start the server in a new session, as a child of PID 1, so it outlives this process. Return its pid."""
    log = cluster / "server.log"
    with suppress(FileNotFoundError):
        log.replace(cluster / "server.log.previous")
    settings = {**settings, "unix_socket_directories": str(socket_folder_of(cluster)), "port": str(PORT)}
    flags = [flag for name, value in settings.items() for flag in ("-c", f"{name}={value}")]
    shell = ("/bin/sh", "-c", '"$@" >>"$0" 2>&1 & echo $!', log)
    done = account.run(*shell, binaries.folder / "postgres", "-D", cluster, *flags, new_session=True)
    if done.stderr:
        raise EmbeddedError(f"PostgreSQL does not start in {cluster}: {root_cause_line(done.stderr)}")
    return int(done.stdout)


def shut_down(cluster: Path, pid: int) -> None:
    """Stop the server by PostgreSQL's fast shutdown: sessions end, and committed data is on disk."""
    os.kill(pid, signal.SIGINT)
    if not _wait_for_exit(pid, STOP_TIMEOUT):
        raise EmbeddedError(
            f"process {pid}, the server of {cluster}, has not ended after {STOP_TIMEOUT:.0f} s: "
            f"see {cluster}/server.log, then retry"
        )


def clean_up_crashed_server(cluster: Path) -> None:
    """Remove the remains of a killed server: backends that still run a statement, and lock files.

    PostgreSQL does not start while such a backend runs. It also does not start while any process has the pid
    in a lock file, for example a zombie or, after a reboot, an unrelated process. The next start runs crash
    recovery.

    A lock file in the cluster may have been copied with it from a server that still runs.
    """
    if not (PROC / "self").exists():
        return
    socket_folder = socket_folder_of(cluster)
    socket_lock = socket_folder / f".s.PGSQL.{PORT}.lock"
    holder = None if socket_folder == cluster else _read_pid(socket_lock)  # it outlives a deleted data folder
    for process in PROC.glob("[0-9]*"):
        with suppress(FileNotFoundError, PermissionError, ProcessLookupError):
            if (process / "exe").readlink().name.startswith("postgres") and (
                int(process.name) == holder or (process / "cwd").samefile(cluster)
            ):
                os.kill(int(process.name), signal.SIGKILL)
                _wait_for_exit(int(process.name), STOP_TIMEOUT)
    (cluster / "postmaster.pid").unlink(missing_ok=True)
    socket_lock.unlink(missing_ok=True)


def _read_pid(lock: Path) -> int | None:
    try:
        return int(lock.read_text().partition("\n")[0])
    except (FileNotFoundError, ValueError):
        return None


def _wait_for_exit(pid: int, timeout: float) -> bool:
    until = time.monotonic() + timeout
    while is_running(pid):
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True
