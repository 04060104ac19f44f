"""Helpers for tests of the embedded server: private folders, accounts, processes and statements."""

import asyncio
import atexit
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import asyncpg
import pytest

from db import embedded
from db.embedded import Server, start, stop
from db.errors import EmbeddedError
from db.postgres import cluster
from tests.waiting import GUARD

ROOT = os.geteuid() == 0
REPOSITORY = Path(__file__).parents[2]
FAST = {"fsync": "off", "shared_buffers": "16MB"}
NOBODY = pwd.getpwnam("nobody")

needs_root = pytest.mark.skipif(not ROOT, reason="only root can change accounts, owners and mounts")


def find_installed_bin() -> Path | None:
    """Return the bin folder of the newest installed PostgreSQL."""
    folders = [program.parent for program in Path("/usr/lib/postgresql").glob("*/bin/postgres")]
    return max(folders, key=lambda folder: int(folder.parent.name), default=None)


needs_installed = pytest.mark.skipif(
    find_installed_bin() is None, reason="no PostgreSQL is installed beside the wheel"
)


@contextmanager
def private_folder() -> Generator[Path]:
    """Yield a folder that every account can reach (unlike pytest's). Stop its servers at the end."""
    folder = Path(mkdtemp(prefix="bookstore-test-", dir=_choose_parent_folder()))
    folder.chmod(0o755)
    state, cluster.FALLBACK_ROOT = cluster.FALLBACK_ROOT, folder / "state"
    try:
        yield folder
    finally:
        cluster.FALLBACK_ROOT = state
        kill_servers(folder)
        shutil.rmtree(folder)


def _choose_parent_folder() -> str:
    """Return /dev/shm if it has enough space, because a cluster is a thousand files; else /var/tmp."""
    with suppress(FileNotFoundError):
        memory = os.statvfs("/dev/shm")  # noqa: S108
        if memory.f_bavail * memory.f_frsize > 2 << 30 and not memory.f_flag & os.ST_NOEXEC:
            return "/dev/shm"  # noqa: S108
    return "/var/tmp"  # noqa: S108


def kill_servers(folder: Path) -> None:
    """Stop servers by immediate shutdown, which frees shared memory. Kill them after 3 s."""
    deadline = time.monotonic() + 3
    while pids := find_server_pids(folder):
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGQUIT if time.monotonic() < deadline else signal.SIGKILL)
        time.sleep(0.02)


def find_server_pids(folder: Path) -> list[int]:
    """Return the pids of all server processes whose cluster is, or was, below the folder."""
    found: list[int] = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            cwd = str((process / "cwd").readlink())
            if cwd.startswith(f"{folder}/") and (process / "exe").readlink().name.startswith("postgres"):
                found.append(int(process.name))
    return found


def uids_of(processes: Iterable[int]) -> set[int]:
    """Return the uids of the processes. Processes that have ended are skipped."""
    found: set[int] = set()
    for process in processes:
        with suppress(OSError):
            found.add(Path(f"/proc/{process}").stat().st_uid)
    return found


@contextmanager
def run_as_ordinary_user(uid: int = NOBODY.pw_uid, gid: int = NOBODY.pw_gid) -> Generator[None]:
    """Run the block as an ordinary user. The saved ids allow the return to root."""
    groups = os.getgroups()
    os.setgroups([])
    os.setresgid(gid, gid, 0)
    os.setresuid(uid, uid, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)
        os.setresgid(0, 0, 0)
        os.setgroups(groups)


def embedded_error(call: Callable[[], object]) -> str:
    """Return the one-line message of the EmbeddedError that the call raises."""
    with pytest.raises(EmbeddedError) as caught:
        call()
    message = str(caught.value)
    assert "\n" not in message
    return message


def fetch_rows(dsn: str, statement: str) -> list[tuple[object, ...]]:
    """Run a statement on a new connection, and return its rows."""

    async def fetch() -> list[tuple[object, ...]]:
        connection = await asyncpg.connect(dsn)
        try:
            return [tuple(row) for row in await connection.fetch(statement)]
        finally:
            await connection.close()

    return asyncio.run(fetch())


def postmaster_pid(server: Server) -> int:
    """Return the id of the server's main process."""
    return int((server.data_folder / "postmaster.pid").read_text().splitlines()[0])


def start_server(data: Path, **options: str) -> Server:
    """Start or join the server of a data folder, with options that make it fast."""
    return start(data, options={**FAST, **options})


def create_stopped_server(data: Path) -> Server:
    """Create the data folder of a stopped server, with a table `kept` of one row."""
    template = _template_folder()
    shutil.copytree(template, data, symlinks=True, copy_function=shutil.copy2)
    owner = (template / "postgresql-18").stat()
    for path in (data / "postgresql-18", *(data / "postgresql-18").rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)
    return embedded._server(data / "postgresql-18")


def create_running_server(data: Path, **options: str) -> Server:
    """Create the same data folder, and start its server."""
    create_stopped_server(data)
    return start_server(data, **options)


@cache
def _template_folder() -> Path:
    """Create the data folder to copy, once per process, because initdb takes longer than a copy."""
    stack = ExitStack()
    data = stack.enter_context(private_folder()) / "data"
    atexit.register(stack.close)
    fetch_rows(start_server(data).dsn, "CREATE TABLE kept AS SELECT 1 AS one")
    stop(data)
    return data


def start_in_subprocess(
    data: Path,
    *,
    python: str = sys.executable,
    mount: str = "",
    bin_folder: Path | None = None,
    user: int | None = None,
) -> "subprocess.Popen[str]":
    """Start the server from a subprocess, which prints the data folder and the server's pid.

    `mount` is a mount command, run in a mount namespace of that process.
    """
    script = f"""
import sys
from pathlib import Path
from db.embedded import start, status
from db.errors import EmbeddedError
from db.postgres import cluster
try:
    bin_folder = {str(bin_folder or "")!r}
    server = start(Path(sys.argv[1]), bin_folder=Path(bin_folder) if bin_folder else None, options={FAST!r})
except EmbeddedError as error:
    sys.exit(str(error))
print(server.data_folder, status(Path(sys.argv[1]))[0].pid)
"""
    site = Path(asyncpg.__file__).parents[1]
    command = [python, "-c", script, str(data)]
    return subprocess.Popen(
        ["unshare", "--mount", "/bin/sh", "-c", f'{mount} && exec "$@"', "sh", *command]
        if mount
        else command,
        cwd="/",
        env={"PATH": os.defpath, "PYTHONPATH": f"{REPOSITORY}:{site}", "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
    )


def read_output(process: "subprocess.Popen[str]", seconds: float = GUARD) -> str:
    """Wait until the process ends, assert that it succeeded, and return what it printed."""
    output, errors = process.communicate(timeout=seconds)
    assert process.returncode == 0, errors
    return output.strip()
