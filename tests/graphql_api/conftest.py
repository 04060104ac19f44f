"""Operations run against a real database, with the names of the statements they took."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from strawberry.types.execution import PreExecutionError

from db import embedded, importing
from db.importing.readers import open_delivery
from db.importing.run import import_delivery
from db.views import ViewLog
from graphql_api.context import Context
from graphql_api.schema import schema
from graphql_api.schema.errors import present
from tests.conftest import clone
from tests.serving import Served, serving

SAMPLE = Path(importing.__file__).with_name("sample.jsonl")


@dataclass
class Client:
    """Runs operations, each with loaders of its own, and keeps the names of the last one's statements."""

    connection: asyncpg.Connection
    statements: list[str] = field(default_factory=list)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    views: ViewLog = field(init=False)

    def __post_init__(self) -> None:
        self.views = ViewLog(self)

    async def fetch(self, query: str, *args: object, record_class: Any = None) -> list[Any]:
        self.statements.append(query.split()[1])
        async with self.turn:
            return await self.connection.fetch(query, *args, record_class=record_class)

    async def run(self, document: str, **variables: Any) -> dict[str, Any]:
        """The answer as a client sees it."""
        self.statements.clear()
        result = await schema.execute(
            document, variable_values=variables, context_value=Context(self.views, self)
        )
        executed = not isinstance(result, PreExecutionError)
        answer: dict[str, Any] = {"data": result.data} if executed else {}
        if result.errors:
            answer["errors"] = [present(error, executed=executed) for error in result.errors]
        return answer

    async def data(self, document: str, **variables: Any) -> dict[str, Any]:
        """The data of an answer that must be free of errors."""
        answer = await self.run(document, **variables)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    async def error(self, document: str, **variables: Any) -> dict[str, Any]:
        """The only error of an answer that must have one."""
        [error] = (await self.run(document, **variables))["errors"]
        return error


@pytest.fixture(scope="session")
async def sample_dsn(
    server: embedded.Server, template: str, maintenance: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[str]:
    """A database that holds the sample."""
    rejects = tmp_path_factory.mktemp("sample") / "rejects.csv"
    async with clone(server, template, maintenance) as dsn:
        await import_delivery(dsn, await open_delivery("jsonl", [SAMPLE], source="sample"), rejects=rejects)
        yield dsn


@pytest.fixture(scope="session")
def app_server(sample_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Generator[Served]:
    """`bookstore serve` with the sample."""
    with serving(tmp_path_factory.mktemp("served"), DATABASE_URL=sample_dsn) as served:
        yield served


@pytest.fixture
def client(connection: asyncpg.Connection) -> Client:
    return Client(connection)
