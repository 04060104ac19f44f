"""Fixtures that run operations against a real database and record their statement names."""

import asyncio
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import pytest
from strawberry.types.execution import PreExecutionError

from db.connections.connect import Connection
from db.search.vocabulary_cache import VocabularyCache
from db.statements import ReadStatement, WriteStatement
from db.view_counts import ViewCounter
from graphql_api.access.roles import Role
from graphql_api.context import Context
from graphql_api.loaders.registry import Loaders
from graphql_api.schema import Schema, schema, schema_for
from graphql_api.schema.errors import format_error
from tests.serving import BookstoreProcess, run_server


@dataclass
class Client:
    """Runs operations, each with new loaders, and records the statement names of the last one.

    The operations share a vocabulary cache, as those of a server do. Those on a field that is not public need
    the schema of another role.
    """

    connection: Connection
    schema: Schema = schema
    statements: list[str] = field(default_factory=list)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    vocabulary_cache: VocabularyCache = field(default_factory=VocabularyCache)
    views: ViewCounter = field(init=False)

    def __post_init__(self) -> None:
        self.views = ViewCounter(self)

    async def fetch(self, statement: ReadStatement, *args: object, record_class: Any = None) -> list[Any]:
        self.statements.append(statement.name)
        async with self.lock:
            return await self.connection.fetch(statement, *args, record_class=record_class)

    async def execute_write(self, statement: WriteStatement, *args: object) -> None:
        self.statements.append(statement.name)
        async with self.lock:
            await self.connection.execute_write(statement, *args)

    async def run(self, document: str, **variables: Any) -> dict[str, Any]:
        """Return the response as a client receives it."""
        self.statements.clear()
        loaders = Loaders(self, vocabulary_cache=self.vocabulary_cache)
        result = await self.schema.execute(
            document, variable_values=variables, context_value=Context(self.views, self, loaders)
        )
        executed = not isinstance(result, PreExecutionError)
        response: dict[str, Any] = {"data": result.data} if executed else {}
        if result.errors:
            response["errors"] = [format_error(error, executed=executed) for error in result.errors]
        return response

    async def data(self, document: str, **variables: Any) -> dict[str, Any]:
        """Return the data of a response that must have no errors."""
        response = await self.run(document, **variables)
        assert "errors" not in response, response["errors"]
        return response["data"]

    async def error(self, document: str, **variables: Any) -> dict[str, Any]:
        """Return the only error of a response."""
        [error] = (await self.run(document, **variables))["errors"]
        return error


@pytest.fixture(scope="session")
def app_server(sample_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Generator[BookstoreProcess]:
    """`bookstore serve` with the sample."""
    with run_server(tmp_path_factory.mktemp("server"), DATABASE_URL=sample_dsn) as server:
        yield server


@pytest.fixture
def client(connection: Connection) -> Client:
    return Client(connection)


@pytest.fixture
def editor(connection: Connection) -> Client:
    return Client(connection, schema_for(Role.EDITOR))
