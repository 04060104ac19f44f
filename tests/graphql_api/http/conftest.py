"""A client of the application, without a server."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import asyncpg
import httpx
import pytest

from db.connections import supervisor
from graphql_api.app import create_app
from graphql_api.settings import Settings
from tests.catalogs import add_book
from tests.serving import PATIENT
from tests.waiting import GUARD

Shop = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


def app_of(client: httpx.AsyncClient) -> Any:
    """Return the application that a client of `shop` calls."""
    transport: Any = client._transport
    return transport.app


@pytest.fixture(autouse=True)
def patient_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not take a slow probe for an outage."""
    monkeypatch.setattr(supervisor, "PROBE_TIMEOUT", GUARD)


@pytest.fixture
def shop(dsn: str) -> Shop:
    """Return a function that starts the application with settings, on a database with one book."""

    @asynccontextmanager
    async def open_app(**settings: Any) -> AsyncGenerator[httpx.AsyncClient]:
        connection = await asyncpg.connect(dsn)
        await connection.execute("DELETE FROM book")
        await add_book(connection, "Emma", isbn="9780306406157")
        await connection.close()
        values: dict[str, Any] = {"pool_size": 2, **PATIENT, **settings}
        app = create_app(Settings(**values), dsn)
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://shop") as client,
        ):
            yield client

    return open_app


@pytest.fixture
async def http(shop: Shop) -> AsyncGenerator[httpx.AsyncClient]:
    """Return a client of the application with default settings."""
    async with shop() as client:
        yield client
