"""The PostgreSQL of the tests: one server per test process, one migrated template, and a clone of it per test.

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

from db import embedded, importing
from db.connections.connect import Connection, connect
from db.importing.importer import import_feed
from db.importing.readers import open_feed
from db.migrations import migrate
from tests.serving import private_folder
from tests.tables import print_tables

NUMBERS = count(1)
SAMPLE = Path(importing.__file__).with_name("sample.jsonl")

# No test depends on time. A database that the test itself resets may be a function-scoped fixture.
SUPPRESSED_CHECKS = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
settings.register_profile("any machine", deadline=None, suppress_health_check=SUPPRESSED_CHECKS)
settings.load_profile("any machine")


@pytest.fixture(scope="session")
def data_folder() -> Generator[Path]:
    with private_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def server(data_folder: Path) -> Generator[embedded.Server]:
    """The server. Its data is deleted at the end, so durability is off."""
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
    """The database from which others are cloned and dropped: a template must have no sessions."""
    return server.dsn.replace(f"/{embedded.DATABASE}?", "/postgres?")


@asynccontextmanager
async def clone_template(server: embedded.Server, template: str, maintenance: str) -> AsyncGenerator[str]:
    name = f"test_{next(NUMBERS)}"
    connection = await asyncpg.connect(maintenance)
    await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    yield server.dsn.replace(f"/{template}?", f"/{name}?")
    await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await connection.close()


@pytest.fixture
async def dsn(server: embedded.Server, template: str, maintenance: str) -> AsyncGenerator[str]:
    """The DSN of a new migrated database for the test."""
    async with clone_template(server, template, maintenance) as dsn:
        yield dsn


@pytest.fixture(scope="session")
async def sample_dsn(
    server: embedded.Server, template: str, maintenance: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[str]:
    """A database that holds the sample."""
    rejects = tmp_path_factory.mktemp("sample") / "rejects.csv"
    async with clone_template(server, template, maintenance) as dsn:
        await import_feed(dsn, await open_feed("jsonl", [SAMPLE], source="sample"), rejects=rejects)
        yield dsn


@pytest.fixture(scope="session")
async def shared_connection(
    server: embedded.Server, template: str, maintenance: str
) -> AsyncGenerator[Connection]:
    async with clone_template(server, template, maintenance) as dsn:
        connection = await connect(dsn, application_name="bookstore tests")
        yield connection
        await connection.close()


@pytest.fixture
async def connection(shared_connection: Connection) -> AsyncGenerator[Connection]:
    """A connection to an empty migrated database, in a transaction that is rolled back after the test."""
    transaction = shared_connection.transaction()
    await transaction.start()
    yield shared_connection
    await transaction.rollback()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    print_tables(terminalreporter)
