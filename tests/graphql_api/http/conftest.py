"""A client of the whole application, without a server."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import asyncpg
import httpx
import pytest

from graphql_api.app import create_app
from graphql_api.settings import Settings
from tests.catalogs import add_book
from tests.serving import PATIENT

Shop = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def shop(dsn: str) -> Shop:
    """Return a function that starts the application with settings, on a database with one book."""

    @asynccontextmanager
    async def open_app(**settings: Any) -> AsyncGenerator[httpx.AsyncClient]:
        connection = await asyncpg.connect(dsn)
        await connection.execute("DELETE FROM book")
        await add_book(connection, "Emma", isbn="9780306406157")
        await connection.close()
        app = create_app(Settings(**{"pool_size": 2} | PATIENT | settings), dsn)
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
