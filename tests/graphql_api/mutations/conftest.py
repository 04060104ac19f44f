"""A client of the application that may use all mutations, and records the statements of the last one."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from db.access_keys import create_access_key
from db.connections import supervisor
from db.connections.connect import Connection, connect
from db.connections.write_session import WriteSession
from graphql_api.access.keys import generate_key, hash_key
from graphql_api.app import create_app
from graphql_api.settings import Settings
from tests.serving import PATIENT
from tests.waiting import GUARD


@dataclass
class Shop:
    """Sends operations by HTTP. `connection` sees what they have committed."""

    client: httpx.AsyncClient
    connection: Connection
    app: Any
    statements: list[str] = field(default_factory=list[str])

    async def post(self, document: str, key: str | None = None, **variables: Any) -> httpx.Response:
        headers = {} if key is None else {"Idempotency-Key": key}
        self.statements.clear()
        body = {"query": document, "variables": variables}
        return await self.client.post("/graphql", json=body, headers=headers)

    async def run(self, document: str, **variables: Any) -> Any:
        """Return the data of a response that must have no GraphQL errors."""
        response = (await self.post(document, **variables)).json()
        assert "errors" not in response, response["errors"]
        return response["data"]

    async def run_as_public(self, document: str) -> Any:
        """Return the data that a client without a key gets."""
        transport = self.client._transport
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            return (await client.post("/graphql", json={"query": document})).json()["data"]

    async def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await self.connection.fetch(sql, *values)]


@pytest.fixture
async def shop(dsn: str, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Shop]:
    monkeypatch.setattr(supervisor, "PROBE_TIMEOUT", GUARD)
    app = create_app(Settings(pool_size=4, **PATIENT), dsn)
    transport = httpx.ASGITransport(app)
    connection = await connect(dsn, application_name="bookstore tests")
    key = generate_key()
    await create_access_key(connection, "office", "MANAGER", hash_key(key), None)
    headers = {"Authorization": f"Bearer {key}"}
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://shop", headers=headers) as client,
    ):
        shop = Shop(client, connection, app)
        fetch = WriteSession.fetch

        async def record(self: WriteSession, statement: Any, *args: object, **options: Any) -> list[Any]:
            shop.statements.append(statement.name)
            return await fetch(self, statement, *args, **options)

        monkeypatch.setattr(WriteSession, "fetch", record)
        yield shop
    await connection.close()
