"""Reading: a read survives the death of its connection, once, and failures are told apart."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import asyncpg
import pytest

from db.errors import DatabaseUnavailableError, StatementTimeoutError
from db.keeper import Keeper
from db.migrations import require_head
from db.reading import Reading


@pytest.fixture
async def keeper(dsn: str) -> AsyncGenerator[Keeper]:
    keeper = Keeper(dsn, size=2, command_timeout=0.5, wait=0.2, check=require_head)
    await keeper.begin()
    yield keeper
    await keeper.end()


class Mortal:
    """A database whose connection dies under the first statements, as many as it is told."""

    def __init__(self, keeper: Keeper, deaths: int) -> None:
        self.keeper = keeper
        self.deaths = deaths
        self.statements = 0

    async def fetch(self, query: str, *args: object, record_class: Any = None) -> list[Any]:
        self.statements += 1
        if self.statements <= self.deaths:
            query = "SELECT pg_terminate_backend(pg_backend_pid())"
        return await self.keeper.fetch(query, *args)


async def test_a_read_whose_connection_dies_is_tried_once_more(keeper: Keeper) -> None:
    database = Mortal(keeper, deaths=1)

    rows = await Reading(database).fetch("SELECT 1 AS one")

    assert [row["one"] for row in rows] == [1]
    assert database.statements == 2


async def test_a_read_that_dies_twice_fails_and_with_it_all_later_ones(keeper: Keeper) -> None:
    database = Mortal(keeper, deaths=2)
    reading = Reading(database)

    with pytest.raises(DatabaseUnavailableError, match=r"PostgreSQL cannot be used for now"):
        await reading.fetch("SELECT 1")
    with pytest.raises(DatabaseUnavailableError):
        await reading.fetch("SELECT 1")

    assert database.statements == 2
    assert isinstance(reading.failure, DatabaseUnavailableError)
    assert await Reading(database).fetch("SELECT 1")


async def test_a_statement_that_takes_too_long_has_timed_out_and_is_not_repeated(keeper: Keeper) -> None:
    database = Mortal(keeper, deaths=0)

    with pytest.raises(StatementTimeoutError):
        await Reading(database).fetch("SELECT pg_sleep(5)")

    assert database.statements == 1


async def test_the_server_ends_a_statement_by_itself(keeper: Keeper) -> None:
    [row] = await keeper.fetch("SELECT current_setting('statement_timeout') AS timeout")

    assert row["timeout"] == "500ms"


async def test_who_finds_all_connections_taken_waits_for_a_while(keeper: Keeper) -> None:
    async def sleep() -> None:
        await keeper.fetch("SELECT pg_sleep(0.4)")

    busy = [asyncio.create_task(sleep()) for _ in range(2)]
    await asyncio.sleep(0.05)

    with pytest.raises(DatabaseUnavailableError, match="All connections to PostgreSQL are taken"):
        await Reading(keeper).fetch("SELECT 1")
    await asyncio.gather(*busy)


async def test_a_mistake_of_ours_is_not_hidden(keeper: Keeper) -> None:
    reading = Reading(keeper)

    with pytest.raises(asyncpg.UndefinedTableError):
        await reading.fetch("SELECT 1 FROM nowhere")
    with pytest.raises(asyncpg.DataError):
        await reading.fetch("SELECT $1::integer", 2**40)

    assert reading.failure is None
    assert await reading.fetch("SELECT 1")


async def test_ending_cancels_the_statement_in_postgresql(keeper: Keeper, dsn: str) -> None:
    reading = Reading(keeper)
    task = asyncio.create_task(reading.fetch("SELECT pg_sleep(0.45)"))
    await asyncio.sleep(0.1)

    reading.end()
    with pytest.raises(asyncio.CancelledError):
        await task

    observer = await asyncpg.connect(dsn)
    await asyncio.sleep(0.1)
    active = await observer.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_sleep%'"
        " AND state = 'active' AND pid <> pg_backend_pid()"
    )
    await observer.close()
    assert active == 0
