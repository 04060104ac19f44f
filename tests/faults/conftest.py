"""A server process that connects to a private PostgreSQL through a proxy."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass

import asyncpg
import pytest

from db.migrations import migrate
from tests.catalogs import add_author, add_book
from tests.faults.postgres import Postgres
from tests.faults.proxy import Proxy
from tests.serving import BookstoreProcess, private_folder, run_server_in_thread


@dataclass(frozen=True)
class System:
    """The system that faults are injected into. `dsn` is PostgreSQL's own, without the proxy."""

    postgres: Postgres
    proxy: Proxy
    dsn: str
    server: BookstoreProcess

    @property
    def origin(self) -> str:
        return self.server.url.removesuffix("/graphql")


@pytest.fixture(scope="session")
def postgres() -> Generator[Postgres]:
    """A PostgreSQL with 30 books."""
    with private_folder() as folder:
        postgres = Postgres(folder)
        dsn = postgres.start().dsn
        migrate(dsn)
        asyncio.run(fill_catalog(dsn))
        yield postgres
        postgres.stop()


async def fill_catalog(dsn: str) -> None:
    """Add 30 books by one author. The first one has an ISBN."""
    connection = await asyncpg.connect(dsn)
    author = await add_author(connection, "Jane Austen")
    for number in range(30):
        isbn = "9780306406157" if number == 0 else None
        await add_book(connection, f"Book {number}", authors=[author], isbn=isbn)
    await connection.close()


@pytest.fixture(scope="session")
async def proxy(postgres: Postgres) -> AsyncGenerator[Proxy]:
    proxy = Proxy(postgres.socket)
    await proxy.start()
    yield proxy
    await proxy.stop()


@pytest.fixture(scope="session")
def proxied_dsn(proxy: Proxy) -> str:
    """The DSN of PostgreSQL behind the proxy."""
    return f"postgresql://app:topsecret@127.0.0.1:{proxy.port}/bookstore"


@pytest.fixture(scope="session")
async def system(
    postgres: Postgres, proxy: Proxy, proxied_dsn: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[System]:
    """A server behind the proxy, with the timeouts of a production server."""
    timeouts = {
        "POOL_TIMEOUT": "1",
        "COMMAND_TIMEOUT": "5",
        "REQUEST_TIMEOUT": "5",
        "DRAIN_TIMEOUT": "8",
    }
    folder = tmp_path_factory.mktemp("system")
    async with run_server_in_thread(folder, DATABASE_URL=proxied_dsn, **timeouts) as server:
        yield System(postgres, proxy, postgres.server.dsn, server)


@pytest.fixture(scope="session")
async def patient_server(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[BookstoreProcess]:
    """A server without the proxy whose timeouts never pass."""
    folder = tmp_path_factory.mktemp("patient_server")
    async with run_server_in_thread(folder, DATABASE_URL=postgres.server.dsn) as server:
        yield server
