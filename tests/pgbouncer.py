"""A private PgBouncer before the PostgreSQL of a test, where the machine has one that suits."""

import os
import shutil
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from benchmarks.scale import pgbouncer
from benchmarks.scale.pgbouncer import PgBouncer

MIN_VERSION = (1, 21)
"""The first version that keeps prepared statements of its clients in transaction mode."""


def find_pgbouncer() -> Path | None:
    """Return the program that PGBOUNCER names, or else the one on PATH; None if there is none."""
    path = f"{os.environ['PATH']}:/usr/sbin"
    found = os.environ.get("PGBOUNCER") or shutil.which("pgbouncer", path=path)
    return Path(found) if found else None


PROGRAM = find_pgbouncer()
needs_pgbouncer = pytest.mark.skipif(
    PROGRAM is None or pgbouncer.version_of(PROGRAM) < MIN_VERSION,
    reason="PgBouncer 1.21 or newer is neither on PATH nor in PGBOUNCER",
)


def run_pgbouncer(socket_folder: Path, **settings: str | int) -> AbstractContextManager[PgBouncer]:
    """Run it before the PostgreSQL with that socket within a block, with its defaults and `settings`."""
    assert PROGRAM is not None
    return pgbouncer.run_pgbouncer(PROGRAM, socket_folder, **settings)


def database_of(dsn: str) -> str:
    """Return the name of the database of an address of the tests' PostgreSQL."""
    return dsn.partition("@/")[2].partition("?")[0]
