"""Read sessions: reads are retried once, can be pinned to one connection, and are cancelled with the session."""

import asyncio
from typing import Any

import asyncpg
import pytest

from db.connections.session import ReadSession
from db.connections.supervisor import PoolSupervisor
from db.errors import DatabaseUnavailableError, StatementTimeoutError
from db.statements import ReadStatement, WriteStatement
from tests.db.connections.statements import INTEGER, NOWHERE, ONE, PID, SLEEP
from tests.waiting import until

TERMINATE = "SELECT pg_terminate_backend(pg_backend_pid())"
TIMEOUT = ReadStatement("timeout", "SELECT current_setting('statement_timeout')")
RUNNING = (
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"
)


class LossyDatabase(PoolSupervisor):
    """A supervisor that loses the connection of each of its first `losses` statements."""

    def __init__(self, supervisor: PoolSupervisor, losses: int) -> None:
        self.supervisor = supervisor
        self.losses = losses
        self.statements = 0

    async def fetch(self, statement: ReadStatement, *args: object, record_class: Any = None) -> list[Any]:
        self.statements += 1
        if self.statements <= self.losses:
            statement = ReadStatement("terminate", TERMINATE)
        return await self.supervisor.fetch(statement, *args)


async def backend_pids(session: ReadSession, count: int = 5) -> set[int]:
    """Run `count` concurrent statements, and return the ids of the backends that ran them."""
    found = await asyncio.gather(*(session.fetch(PID) for _ in range(count)))
    return {rows[0][0] for rows in found}


# Retries


async def test_a_read_whose_connection_is_lost_is_retried_once(supervisor: PoolSupervisor) -> None:
    database = LossyDatabase(supervisor, losses=1)

    rows = await ReadSession(database).fetch(ONE)

    assert rows == [(1,)]
    assert database.statements == 2


async def test_a_read_that_loses_two_connections_fails_and_so_do_all_later_reads(
    supervisor: PoolSupervisor,
) -> None:
    database = LossyDatabase(supervisor, losses=2)
    session = ReadSession(database)

    with pytest.raises(DatabaseUnavailableError) as caught:
        await session.fetch(ONE)
    with pytest.raises(DatabaseUnavailableError):
        await session.fetch(ONE)

    assert (
        str(caught.value) == "PostgreSQL is unavailable: connection was closed in the middle of operation: "
        "terminating connection due to administrator command"
    )
    assert database.statements == 2
    assert session.failure is caught.value
    assert await ReadSession(database).fetch(ONE) == [(1,)]


CONFLICTS = """
        CREATE SEQUENCE tries;
        CREATE FUNCTION conflict(failures bigint) RETURNS bigint LANGUAGE plpgsql AS $$
        DECLARE try bigint := nextval('tries');
        BEGIN
            IF try <= failures THEN
                RAISE 'canceling statement due to conflict with recovery' USING ERRCODE = '40001';
            END IF;
            RETURN try;
        END $$
"""
"""Create a function whose first calls fail. A sequence counts the calls, because it is not rolled back."""


async def test_a_read_cancelled_by_a_recovery_conflict_is_retried_once(
    supervisor: PoolSupervisor, observer: asyncpg.Connection
) -> None:
    """A standby reports the conflict with SQLSTATE 40001."""
    await observer.execute(CONFLICTS)

    assert await ReadSession(supervisor).fetch(ReadStatement("conflict", "SELECT conflict(1)")) == [(2,)]
    with pytest.raises(DatabaseUnavailableError) as caught:
        await ReadSession(supervisor).fetch(ReadStatement("conflict", "SELECT conflict(100)"))

    assert str(caught.value) == (
        "PostgreSQL is unavailable: canceling statement due to conflict with recovery"
    )
    assert await observer.fetchval("SELECT last_value FROM tries") == 4


async def test_a_write_cancelled_by_a_recovery_conflict_is_not_retried(
    supervisor: PoolSupervisor, observer: asyncpg.Connection
) -> None:
    await observer.execute(CONFLICTS)

    with pytest.raises(asyncpg.SerializationError):
        await supervisor.execute_write(WriteStatement("conflict", "SELECT conflict($1)"), 1)
    await supervisor.execute_write(WriteStatement("conflict", "SELECT conflict($1)"), 1)

    assert await observer.fetchval("SELECT last_value FROM tries") == 2


async def test_a_write_whose_connection_is_lost_is_not_retried(
    supervisor: PoolSupervisor, observer: asyncpg.Connection
) -> None:
    await observer.execute("CREATE SEQUENCE tries")
    lose = WriteStatement("lose", "SELECT nextval('tries'), pg_terminate_backend(pg_backend_pid())")

    with pytest.raises((asyncpg.AdminShutdownError, asyncpg.ConnectionDoesNotExistError)):
        await supervisor.execute_write(lose)

    assert await observer.fetchval("SELECT nextval('tries')") == 2


@pytest.mark.parametrize(
    "statement",
    [
        WriteStatement("add", "INSERT INTO category (name) VALUES ('x')"),
        "INSERT INTO category (name) VALUES ('x')",
    ],
    ids=["write statement", "text"],
)
async def test_a_read_session_rejects_other_statements(
    supervisor: PoolSupervisor, observer: asyncpg.Connection, statement: Any
) -> None:
    session = ReadSession(supervisor)

    with pytest.raises(TypeError, match="a read session runs instances of ReadStatement only"):
        await session.fetch(statement)

    assert session.failure is None
    assert session.failed_statement() is None
    assert await observer.fetchval("SELECT count(*) FROM category") == 0


@pytest.mark.parametrize(
    ("cached_plan", "changes"),
    [(False, 2), (True, 4)],  # asyncpg itself retries a cached statement once
    ids=["planned for each execution", "cached plan"],
)
async def test_a_read_whose_result_type_changes_is_retried_once(
    supervisor: PoolSupervisor, dsn: str, observer: asyncpg.Connection, cached_plan: bool, changes: int
) -> None:
    """Each ALTER TABLE queues behind a step of the read, so that the type changes between two steps."""
    await observer.execute("CREATE TABLE changing (a smallint); INSERT INTO changing VALUES (7)")
    statement = ReadStatement("changing", "SELECT a FROM changing", cached_plan=cached_plan)
    session = ReadSession(supervisor)
    session.pin()
    assert await session.fetch(statement) == [(7,)]
    changers = [await asyncpg.connect(dsn) for _ in range(changes)]
    types = ["integer", "bigint", "integer", "bigint"]

    async def count_waiting() -> int:
        return await observer.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted")

    async def change(connection: asyncpg.Connection, type_: str) -> None:
        await connection.execute(f"BEGIN; ALTER TABLE changing ALTER a TYPE {type_}")

    await change(changers[0], types[0])
    reading = asyncio.create_task(session.fetch(statement))
    for previous, connection, type_ in zip(changers, changers[1:], types[1:], strict=False):
        await until(lambda: count_waiting())
        queued = asyncio.create_task(change(connection, type_))
        await until(lambda: observer.fetchval("SELECT count(*) = 2 FROM pg_locks WHERE NOT granted"))
        await previous.execute("COMMIT")
        await queued
    await until(lambda: count_waiting())
    await changers[-1].execute("COMMIT")

    assert await reading == [(7,)]
    assert session.failure is None
    session.unpin()
    for connection in changers:
        await connection.close()


async def test_a_statement_that_times_out_is_not_retried(supervisor: PoolSupervisor) -> None:
    database = LossyDatabase(supervisor, losses=0)
    supervisor.require_pool().command_timeout = 0.1

    with pytest.raises(StatementTimeoutError):
        await ReadSession(database).fetch(SLEEP)

    assert database.statements == 1


async def test_sessions_have_a_statement_timeout_in_postgresql(supervisor: PoolSupervisor) -> None:
    assert await supervisor.fetch(TIMEOUT) == [("1min",)]


async def test_a_programming_error_is_raised_unchanged(supervisor: PoolSupervisor) -> None:
    session = ReadSession(supervisor)

    with pytest.raises(asyncpg.UndefinedTableError):
        await session.fetch(NOWHERE)
    with pytest.raises(asyncpg.DataError):
        await session.fetch(INTEGER, 2**40)

    assert session.failure is None
    assert await session.fetch(ONE) == [(1,)]


async def test_cancelling_a_session_cancels_its_statement_in_postgresql(
    supervisor: PoolSupervisor, observer: asyncpg.Connection
) -> None:
    session = ReadSession(supervisor)
    reading = asyncio.create_task(session.fetch(SLEEP))
    await until(lambda: observer.fetchval(RUNNING))

    session.cancel()

    with pytest.raises(asyncio.CancelledError):
        await reading
    await until(lambda: observer.fetchval(f"SELECT ({RUNNING}) = 0"))
    await until(lambda: supervisor.require_pool().in_use == 0)


# Pinned sessions


async def test_concurrent_reads_of_a_pinned_session_use_one_connection(
    supervisor: PoolSupervisor,
) -> None:
    pool = supervisor.require_pool()
    one, other = ReadSession(supervisor), ReadSession(supervisor)
    for session in (one, other):
        session.pin()

    first, second, again = await asyncio.gather(backend_pids(one), backend_pids(other), backend_pids(one))
    pool.acquire_timeout = 0.01
    with pytest.raises(DatabaseUnavailableError, match="All connections to PostgreSQL are in use"):
        await ReadSession(supervisor).fetch(PID)
    one.unpin()
    one.unpin()

    assert len(first) == len(second) == 1
    assert first == again != second
    assert await backend_pids(ReadSession(supervisor), 1) == first
    other.unpin()
    assert pool.in_use == 0


async def test_concurrent_reads_of_an_unpinned_session_use_several_connections(
    supervisor: PoolSupervisor,
) -> None:
    assert len(await backend_pids(ReadSession(supervisor), 2)) == 2


async def test_a_lost_pinned_connection_is_replaced(
    supervisor: PoolSupervisor, observer: asyncpg.Connection
) -> None:
    session = ReadSession(supervisor)
    session.pin()
    [lost] = await backend_pids(session, 1)
    await observer.execute("SELECT pg_terminate_backend($1)", lost)

    [replacement] = await backend_pids(session, 1)

    assert replacement != lost
    assert session.failure is None
    session.unpin()
    assert supervisor.require_pool().in_use == 0


async def test_after_a_statement_timeout_all_later_reads_of_a_session_fail(
    supervisor: PoolSupervisor,
) -> None:
    supervisor.require_pool().command_timeout = 0.1
    session = ReadSession(supervisor)
    session.pin()

    with pytest.raises(StatementTimeoutError) as first:
        await session.fetch(SLEEP)
    with pytest.raises(StatementTimeoutError) as second:
        await session.fetch(PID)

    assert second.value is first.value
    session.unpin()
    await until(lambda: supervisor.require_pool().in_use == 0)


async def test_reads_fail_with_the_reason_after_the_pool_is_terminated(supervisor: PoolSupervisor) -> None:
    pool = supervisor.require_pool()
    session = ReadSession(supervisor)
    session.pin()
    assert await session.fetch(ONE) == [(1,)]

    supervisor._mark_unavailable("PostgreSQL is gone.")

    with pytest.raises(DatabaseUnavailableError, match=r"^PostgreSQL is gone\.$"):
        await session.fetch(ONE)
    session.unpin()
    assert pool.in_use == 0
