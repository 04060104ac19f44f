"""A private PgBouncer in transaction mode before the PostgreSQL of a test, where the machine has one."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from db.postgres.account import account_for
from tests.waiting import GUARD, wait_until

MIN_VERSION = (1, 21)
"""The first version that keeps prepared statements of its clients in transaction mode."""


@dataclass(frozen=True)
class PgBouncer:
    """A PgBouncer that runs. `folder` holds its socket, its configuration and its log."""

    folder: Path
    process: subprocess.Popen[bytes]

    def dsn(self, database: str, user: str = "app") -> str:
        """Return the address of a database behind it."""
        return f"postgresql://{user}@/{database}?host={quote(str(self.folder))}&port=6432"

    @property
    def log(self) -> str:
        return (self.folder / "pgbouncer.log").read_text()


def find_pgbouncer() -> Path | None:
    """Return the program that PGBOUNCER names, or else the one on PATH; None if there is none."""
    found = os.environ.get("PGBOUNCER") or shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    return Path(found) if found else None


def pgbouncer_version(program: Path) -> tuple[int, int]:
    """Return the major and the minor version of a program."""
    printed = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    major, minor = printed.split()[1].split(".")[:2]
    return int(major), int(minor)


PROGRAM = find_pgbouncer()
needs_pgbouncer = pytest.mark.skipif(
    PROGRAM is None or pgbouncer_version(PROGRAM) < MIN_VERSION,
    reason="PgBouncer 1.21 or newer is neither on PATH nor in PGBOUNCER",
)


@contextmanager
def run_pgbouncer(
    postgres_socket_folder: Path, /, program: Path | None = PROGRAM, **settings: str | int
) -> Generator[PgBouncer]:
    """Run a PgBouncer of its defaults and `settings` within the block. It accepts each user without a password.

    It runs as the account of the PostgreSQL whose socket is in the folder.
    """
    assert program is not None
    account = account_for(postgres_socket_folder)
    folder = Path(tempfile.mkdtemp(prefix="pgb-", dir="/tmp"))
    chosen = {
        "listen_addr": "",
        "unix_socket_dir": folder,
        "auth_type": "trust",
        "auth_file": folder / "users.txt",
        "logfile": folder / "pgbouncer.log",
        "pool_mode": "transaction",
        **settings,
    }
    lines = [f"{name} = {value}" for name, value in chosen.items()]
    target = f"* = host={postgres_socket_folder} port=5432"
    configuration = folder / "pgbouncer.ini"
    configuration.write_text("\n".join(["[databases]", target, "[pgbouncer]", *lines, ""]))
    (folder / "users.txt").write_text('"app" ""\n"shop" ""\n')
    account.chown(folder)
    other = None if account.is_current_user else account
    process = subprocess.Popen(
        [program, "--quiet", configuration],
        cwd="/",
        stdin=subprocess.DEVNULL,
        user=other and other.uid,
        group=other and other.gid,
        extra_groups=other and [],
    )
    try:
        wait_until(lambda: (folder / ".s.PGSQL.6432").exists() or process.poll() is not None)
        assert process.poll() is None, (folder / "pgbouncer.log").read_text()
        yield PgBouncer(folder, process)
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait(GUARD)
        shutil.rmtree(folder)


def database_of(dsn: str) -> str:
    """Return the name of the database of an address of the tests' PostgreSQL."""
    return dsn.partition("@/")[2].partition("?")[0]
