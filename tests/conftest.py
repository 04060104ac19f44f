"""A PostgreSQL of the tests' own: one server for each test process, one migrated template, a clone for each test.

POSTGRES_BIN=/usr/lib/postgresql/15/bin runs it by an installed PostgreSQL instead of the wheel's.
"""

import os
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import asyncpg
import pytest
from hypothesis import HealthCheck, settings

from db import embedded
from db.migrations import migrate
from tests.serving import private_folder
from tests.tables import print_tables

NUMBERS = count(1)

# Whether a test passes depends on no time. A database that is reset in the test itself may be a fixture.
settings.register_profile(
    "any machine",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("any machine")


@pytest.fixture(scope="session")
def data_folder() -> Generator[Path]:
    with private_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def server(data_folder: Path) -> Generator[embedded.Server]:
    """The server; it forgets everything when the tests end, so it need not write to disk."""
    unsafe = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    installed = os.environ.get("POSTGRES_BIN")
    server = embedded.start(data_folder, bin_folder=Path(installed) if installed else None, options=unsafe)
    yield server
    embedded.stop(data_folder)


@pytest.fixture(scope="session")
def template(server: embedded.Server) -> str:
    """The name of a migrated, empty database to clone."""
    migrate(server.dsn)
    return embedded.DATABASE


@pytest.fixture(scope="session")
def maintenance(server: embedded.Server) -> str:
    """The database from which others are cloned and dropped: a template must have no visitors."""
    return server.dsn.replace(f"/{embedded.DATABASE}?", "/postgres?")


@asynccontextmanager
async def clone(server: embedded.Server, template: str, maintenance: str) -> AsyncGenerator[str]:
    name = f"test_{next(NUMBERS)}"
    connection = await asyncpg.connect(maintenance)
    await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    yield server.dsn.replace(f"/{template}?", f"/{name}?")
    await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await connection.close()


@pytest.fixture
async def dsn(server: embedded.Server, template: str, maintenance: str) -> AsyncGenerator[str]:
    """A fresh migrated database of the test's own."""
    async with clone(server, template, maintenance) as dsn:
        yield dsn


@pytest.fixture(scope="session")
async def shared_connection(
    server: embedded.Server, template: str, maintenance: str
) -> AsyncGenerator[asyncpg.Connection]:
    async with clone(server, template, maintenance) as dsn:
        connection = await asyncpg.connect(dsn)
        yield connection
        await connection.close()


@pytest.fixture
async def connection(shared_connection: asyncpg.Connection) -> AsyncGenerator[asyncpg.Connection]:
    """A connection to an empty migrated database, in a transaction that is rolled back after the test."""
    transaction = shared_connection.transaction()
    await transaction.start()
    yield shared_connection
    await transaction.rollback()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    print_tables(terminalreporter)
