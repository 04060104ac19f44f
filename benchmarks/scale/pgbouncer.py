"""PgBouncer: its programs from Debian, and private processes of it in transaction mode."""

import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from benchmarks.scale.debian import extract_packages
from db.postgres.account import account_for

SUITE = "trixie"
"""The release of Debian whose PgBouncer keeps prepared statements in transaction mode."""

PACKAGES = (
    *("pgbouncer", "libc6", "libcares2", "libevent-2.1-7t64", "libpam0g", "libssl3t64", "libsystemd0"),
    *("libcap2", "libaudit1", "libcap-ng0", "libgcc-s1", "zlib1g", "libzstd1"),
)
"""PgBouncer and its libraries, since those of an older release do not suit it."""

PORT = 6432
START_TIMEOUT = 60.0
"""Seconds in which a PgBouncer starts or ends."""


@dataclass(frozen=True, slots=True)
class PgBouncer:
    """A PgBouncer that runs. `folder` holds its socket, its configuration and its log."""

    folder: Path
    pid: int

    def dsn(self, database: str, user: str = "app") -> str:
        """Return the address of a database behind it."""
        return f"postgresql://{user}@/{database}?host={quote(str(self.folder))}&port={PORT}"


def install_pgbouncer(folder: Path) -> Path:
    """Return the program of SUITE, with its own libraries, in a folder. Raises PackageError."""
    program = folder / "pgbouncer"
    if not program.exists():
        root = extract_packages(folder, PACKAGES, suite=SUITE)
        [loader] = root.glob("usr/lib/*/ld-linux-*.so.*")
        command = f'"{loader}" --library-path "{loader.parent}" "{root}/usr/sbin/pgbouncer"'
        program.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        program.chmod(0o755)
    return program


def install_old_pgbouncer(folder: Path) -> Path:
    """Return the program of the machine's own release in a folder. Raises PackageError."""
    program = folder / "pgbouncer"
    if not program.exists():
        root = extract_packages(folder, ("pgbouncer", "libc-ares2"))
        [library] = root.glob("usr/lib/*/libcares.so.2")
        command = f'LD_LIBRARY_PATH="{library.parent}" exec "{root}/usr/sbin/pgbouncer"'
        program.write_text(f'#!/bin/sh\n{command} "$@"\n')
        program.chmod(0o755)
    return program


def version_of(program: Path) -> tuple[int, int]:
    """Return the major and the minor version of a program."""
    printed = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    major, minor = printed.split()[1].split(".")[:2]
    return int(major), int(minor)


@contextmanager
def run_pgbouncer(program: Path, socket_folder: Path, /, **settings: str | int) -> Generator[PgBouncer]:
    """Run a PgBouncer before the PostgreSQL with that socket within the block, with its defaults and `settings`.

    It runs as the account of that PostgreSQL, in transaction mode, and asks for no password.
    """
    account = account_for(socket_folder)
    folder = Path(tempfile.mkdtemp(prefix="pgbouncer-", dir="/tmp"))  # a path of a socket must be short
    chosen = {
        "listen_addr": "",
        "unix_socket_dir": folder,
        "auth_type": "trust",
        "auth_file": folder / "users.txt",
        "logfile": folder / "pgbouncer.log",
        "pool_mode": "transaction",
        **settings,
    }
    target = f"[databases]\n* = host={socket_folder} port=5432\n[pgbouncer]\n"
    configuration = folder / "pgbouncer.ini"
    configuration.write_text(target + "".join(f"{name} = {value}\n" for name, value in chosen.items()))
    (folder / "users.txt").write_text('"app" ""\n')
    account.chown(folder)
    process = subprocess.Popen(
        [program, "--quiet", configuration],
        cwd="/",
        stdin=subprocess.DEVNULL,
        user=None if account.is_current_user else account.uid,
        group=None if account.is_current_user else account.gid,
        extra_groups=None if account.is_current_user else [],
    )
    try:
        wait_for_socket(folder, process)
        yield PgBouncer(folder, process.pid)
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait(START_TIMEOUT)
        shutil.rmtree(folder)


def wait_for_socket(folder: Path, process: "subprocess.Popen[bytes]") -> None:
    """Return when PgBouncer listens. Raises RuntimeError if it does not start."""
    deadline = time.monotonic() + START_TIMEOUT
    while not (folder / f".s.PGSQL.{PORT}").exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"PgBouncer does not start: {(folder / 'pgbouncer.log').read_text()}")
        time.sleep(0.01)
