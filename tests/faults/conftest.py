"""A server process behind a proxy before a private PostgreSQL, and the table of what was measured."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from db.migrations import migrate
from tests.catalogs import add_author, add_book
from tests.faults.postgres import Postgres
from tests.faults.proxy import Proxy
from tests.serving import BOOKSTORE, Served, private_folder, serving


@dataclass(frozen=True)
class Shop:
    """What the tests of faults have: all of it real."""

    postgres: Postgres
    proxy: Proxy
    dsn: str
    served: Served

    @property
    def origin(self) -> str:
        return self.served.url.removesuffix("/graphql")


@pytest.fixture(scope="session")
def postgres() -> Generator[Postgres]:
    with private_folder() as folder:
        postgres = Postgres(folder)
        dsn = postgres.start().dsn
        migrate(dsn)
        asyncio.run(fill(dsn))
        yield postgres
        postgres.stop()


async def fill(dsn: str) -> None:
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
def dsn_by_proxy(proxy: Proxy) -> str:
    return f"postgresql://app:topsecret@127.0.0.1:{proxy.port}/bookstore"


@pytest.fixture(scope="session")
async def shop(
    postgres: Postgres, proxy: Proxy, dsn_by_proxy: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Shop]:
    production = {
        "POOL_TIMEOUT": "1",
        "COMMAND_TIMEOUT": "5",
        "REQUEST_TIMEOUT": "5",
        "DRAIN_TIMEOUT": "8",
    }
    async with server(tmp_path_factory.mktemp("shop"), DATABASE_URL=dsn_by_proxy, **production) as served:
        yield Shop(postgres, proxy, postgres.server.dsn, served)


@pytest.fixture(scope="session")
async def patient(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Served]:
    """A server that runs into no time-out."""
    async with server(tmp_path_factory.mktemp("patient"), DATABASE_URL=postgres.server.dsn) as served:
        yield served


@asynccontextmanager
async def server(folder: Path, *arguments: str, **settings: str) -> AsyncGenerator[Served]:
    """`bookstore serve`, started and ended while the event loop goes on."""
    manager = serving(folder, BOOKSTORE, arguments, **settings)
    served = await asyncio.to_thread(manager.__enter__)
    try:
        yield served
    finally:
        await asyncio.to_thread(manager.__exit__, None, None, None)
