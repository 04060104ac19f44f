"""Reading: what one request reads goes over one connection where it is told so, and never over a second one."""

import asyncio
from collections.abc import AsyncGenerator

import asyncpg
import pytest

from db.errors import DatabaseUnavailableError, StatementTimeoutError
from db.keeper import Keeper
from db.migrations import require_head
from db.reading import Reading

BACKEND = "SELECT pg_backend_pid() FROM pg_sleep($1)"


@pytest.fixture
async def keeper(dsn: str) -> AsyncGenerator[Keeper]:
    """Two connections at the most."""
    keeper = Keeper(dsn, size=2, command_timeout=0.5, wait=0.3, check=require_head)
    await keeper.begin()
    yield keeper
    await keeper.end()


def lent(keeper: Keeper) -> int:
    assert keeper.lender is not None
    return keeper.lender.lent


async def backends(reading: Reading, times: int = 5) -> set[int]:
    found = await asyncio.gather(*(reading.fetch(BACKEND, 0.01) for _ in range(times)))
    return {rows[0][0] for rows in found}


async def test_one_that_holds_keeps_to_one_connection_whatever_is_read_at_once(keeper: Keeper) -> None:
    one, other, third = Reading(keeper), Reading(keeper), Reading(keeper)
    for reading in (one, other):
        reading.hold()

    first, second, again = await asyncio.gather(backends(one), backends(other), backends(one))
    with pytest.raises(DatabaseUnavailableError, match="All connections to PostgreSQL are taken"):
        await third.fetch(BACKEND, 0)
    await one.let_go()
    await one.let_go()

    assert len(first) == len(second) == 1
    assert first == again != second
    assert await backends(Reading(keeper), 1) == first
    await other.let_go()
    assert lent(keeper) == 0


async def test_one_that_does_not_hold_reads_over_several(keeper: Keeper) -> None:
    assert len(await backends(Reading(keeper), 2)) == 2


async def test_a_connection_that_dies_is_replaced_once(keeper: Keeper, dsn: str) -> None:
    reading = Reading(keeper)
    reading.hold()
    [died] = await backends(reading, 1)
    killer = await asyncpg.connect(dsn)
    await killer.execute("SELECT pg_terminate_backend($1)", died)
    await killer.close()

    [backend] = await backends(reading, 1)

    assert backend != died
    assert reading.failure is None
    await reading.let_go()
    assert lent(keeper) == 0


async def test_after_a_statement_that_took_too_long_nothing_more_is_read(keeper: Keeper) -> None:
    reading = Reading(keeper)
    reading.hold()

    with pytest.raises(StatementTimeoutError):
        await reading.fetch(BACKEND, 5)
    with pytest.raises(StatementTimeoutError):
        await reading.fetch(BACKEND, 0)

    await reading.let_go()
    assert lent(keeper) == 0


async def test_who_waits_in_line_gets_what_comes_back_and_who_leaves_it_takes_nothing(keeper: Keeper) -> None:
    holders = [Reading(keeper), Reading(keeper)]
    for reading in holders:
        reading.hold()
        await reading.fetch(BACKEND, 0)
    leaving, staying = (asyncio.create_task(Reading(keeper).fetch(BACKEND, 0)) for _ in range(2))
    await asyncio.sleep(0.01)

    leaving.cancel()
    await holders[0].let_go()

    assert len(await staying) == 1
    assert leaving.cancelled()
    await holders[1].let_go()
    assert lent(keeper) == 0


async def test_who_is_cancelled_when_it_has_just_got_a_connection_passes_it_on(keeper: Keeper) -> None:
    holders = [Reading(keeper), Reading(keeper)]
    for reading in holders:
        reading.hold()
        await reading.fetch(BACKEND, 0)
    leaving, staying = (asyncio.create_task(Reading(keeper).fetch(BACKEND, 0)) for _ in range(2))
    await asyncio.sleep(0.01)

    await holders[0].let_go()
    leaving.cancel()

    assert len(await staying) == 1
    await holders[1].let_go()
    assert lent(keeper) == 0


async def test_who_waits_in_line_gets_a_new_connection_for_one_that_died(keeper: Keeper) -> None:
    holders = [Reading(keeper), Reading(keeper)]
    for reading in holders:
        reading.hold()
        await reading.fetch(BACKEND, 0)
    waiting = asyncio.create_task(Reading(keeper).fetch(BACKEND, 0))
    await asyncio.sleep(0.01)

    with pytest.raises(DatabaseUnavailableError):
        await holders[0].fetch("SELECT pg_terminate_backend(pg_backend_pid())")

    assert len(await waiting) == 1
    await holders[1].let_go()
    assert lent(keeper) == 0


async def test_when_postgresql_goes_who_waits_in_line_is_told_at_once(keeper: Keeper) -> None:
    holders = [Reading(keeper), Reading(keeper)]
    for reading in holders:
        reading.hold()
        await reading.fetch(BACKEND, 0)
    waiting = asyncio.create_task(Reading(keeper).fetch(BACKEND, 0))
    await asyncio.sleep(0.01)

    keeper.close("PostgreSQL went away.")

    with pytest.raises(DatabaseUnavailableError, match=r"PostgreSQL went away\."):
        await waiting
