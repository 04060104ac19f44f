"""A pooler before PostgreSQL: settings that it refuses, sessions that it shares, and what the role lacks."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from benchmarks.scale.pgbouncer import PgBouncer
from db.connections.connect import connect
from db.connections.error_mapping import STATEMENTS_NOT_KEPT
from db.connections.pool import ConnectionPool
from db.connections.pooler import check_pooler
from db.connections.session import ReadSession
from db.connections.supervisor import PoolSupervisor
from db.embedded import Server
from db.errors import DatabaseError
from db.revision import require_head
from db.statements import ReadStatement
from tests.db.connections.statements import NOWHERE, ONE, PID, SLEEP
from tests.faults.refusing_proxy import RefusingProxy
from tests.pgbouncer import database_of, needs_pgbouncer, run_pgbouncer
from tests.waiting import GUARD, until

SETTINGS = ReadStatement(
    "settings",
    """
SELECT array_agg(setting ORDER BY name) FROM pg_settings
WHERE name IN ('jit', 'max_parallel_workers_per_gather', 'plan_cache_mode', 'statement_timeout')
""",
)
UNCACHED = ReadStatement("uncached", "SELECT id FROM book WHERE id > $1::bigint LIMIT 1", cached_plan=False)
CACHED = ReadStatement("cached", "SELECT id FROM book WHERE id > $1::bigint LIMIT 2")
GENERIC_PLANS = """
SELECT substring(statement FROM '[a-z]+') AS name, generic_plans, custom_plans FROM pg_prepared_statements
WHERE statement LIKE '/*%cached */%' ORDER BY 1
"""
END_SESSIONS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()
"""
RUNNING = (
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"
)


@asynccontextmanager
async def open_pool(
    dsn: str, *, size: int = 1, command_timeout: float = GUARD
) -> AsyncGenerator[ConnectionPool]:
    pool = ConnectionPool(dsn, size=size, command_timeout=command_timeout, acquire_timeout=GUARD)
    yield pool
    await pool.close(GUARD)


# Without PgBouncer


@pytest.fixture
async def refusing_proxy(server: Server) -> AsyncGenerator[RefusingProxy]:
    proxy = RefusingProxy(server.socket_folder / ".s.PGSQL.5432")
    await proxy.start()
    yield proxy
    await proxy.stop()


async def test_a_pool_whose_settings_are_refused_once_goes_on_without_them(
    dsn: str, refusing_proxy: RefusingProxy
) -> None:
    address = f"postgresql://app@127.0.0.1:{refusing_proxy.port}/{database_of(dsn)}?sslmode=disable"

    async with open_pool(address, size=2) as pool:
        first, second = await pool.acquire(), await pool.acquire()
        settings = await first.fetch(SETTINGS)
        pool.release(first)
        pool.release(second)

    assert settings == [(["off", "2", "auto", "0"],)]
    assert refusing_proxy.refused == ["jit"]


async def test_a_setting_of_the_address_that_is_refused_is_named(
    dsn: str, refusing_proxy: RefusingProxy
) -> None:
    address = f"postgresql://app@127.0.0.1:{refusing_proxy.port}/{database_of(dsn)}?sslmode=disable&options=-cjit%3Don"

    async with open_pool(address) as pool:
        with pytest.raises(DatabaseError) as caught:
            await pool.fetch(ONE)

    assert str(caught.value) == (
        f"PostgreSQL cannot be reached at 127.0.0.1:{refusing_proxy.port}: unsupported startup parameter: options"
    )


async def test_a_direct_connection_is_not_pooled_and_nothing_is_missing(dsn: str) -> None:
    connection = await connect(dsn, application_name="bookstore")

    assert not connection.is_pooled
    assert await check_pooler(connection, dsn, command_timeout=5) is None
    await connection.close()


async def test_a_statement_of_any_length_has_a_name(dsn: str) -> None:
    connection = await connect(dsn, application_name="bookstore")

    await connection.fetch(f"SELECT '{'x' * 20_000}'")

    [name] = await connection.fetch("SELECT name FROM pg_prepared_statements WHERE length(statement) > 20000")
    assert name["name"].startswith("__asyncpg_stmt_")
    await connection.close()


# With PgBouncer


@pytest.fixture(scope="module")
def pgbouncer(server: Server) -> Generator[PgBouncer]:
    """PgBouncer whose clients share one connection to each database, with its defaults otherwise."""
    with run_pgbouncer(server.socket_folder, default_pool_size=1, server_login_retry=1) as pgbouncer:
        yield pgbouncer


@pytest.fixture
def pooled_dsn(dsn: str, pgbouncer: PgBouncer) -> str:
    """The DSN of the test's database behind PgBouncer."""
    return pgbouncer.dsn(database_of(dsn))


@needs_pgbouncer
async def test_statements_prepared_by_one_client_do_not_disturb_another(pooled_dsn: str) -> None:
    async with open_pool(pooled_dsn, size=2) as first, open_pool(pooled_dsn, size=2) as second:
        pids = await asyncio.gather(*(pool.fetch(PID) for pool in (first, second) * 10))
        large = ReadStatement("large", f"SELECT length('{'x' * 20_000}')")

        assert len({row[0] for [row] in pids}) == 1
        assert [await pool.fetch(large) for pool in (first, second) * 3] == [[(20_000,)]] * 6


@needs_pgbouncer
async def test_a_statement_timeout_holds_and_does_not_reach_the_next_client(
    pooled_dsn: str, observer: asyncpg.Connection
) -> None:
    long_sleep = ReadStatement("long_sleep", "SELECT pg_sleep(1)::text")
    async with open_pool(pooled_dsn) as other, open_pool(pooled_dsn, command_timeout=0.2) as impatient:
        [pid] = await other.fetch(PID)
        with pytest.raises(TimeoutError):
            await impatient.fetch(SLEEP)
        await until(lambda: observer.fetchval(f"SELECT ({RUNNING}) = 0"))

        slept = await other.fetch(long_sleep)

        assert slept == [("",)]
        assert await other.fetch(PID) == [pid]
        assert await other.fetch(SETTINGS) == [(["off", "2", "auto", "0"],)]


@needs_pgbouncer
async def test_a_timeout_of_the_role_ends_the_statement_of_a_client_that_is_gone(
    dsn: str, pooled_dsn: str, observer: asyncpg.Connection
) -> None:
    await observer.execute(f"ALTER ROLE app IN DATABASE {database_of(dsn)} SET statement_timeout = 1000")
    client = await connect(pooled_dsn, application_name="bookstore")
    sleeping = asyncio.create_task(client.fetch(SLEEP))
    await until(lambda: observer.fetchval(RUNNING))

    client.terminate()

    await until(lambda: observer.fetchval(f"SELECT ({RUNNING}) = 0"))
    await asyncio.wait([sleeping])
    assert sleeping.exception()


@needs_pgbouncer
async def test_a_statement_whose_plan_is_not_cached_is_planned_each_time(pooled_dsn: str) -> None:
    async with open_pool(pooled_dsn) as pool, open_pool(pooled_dsn) as other:
        for _ in range(10):
            await pool.fetch(UNCACHED, 1)
            await other.fetch(UNCACHED, 1)
            await pool.fetch(CACHED, 1)
        async with pool.connection() as connection:
            plans = await connection.fetch(GENERIC_PLANS)

        assert plans == [("cached", 5, 5), ("uncached", 0, 20)]
        assert await pool.fetch(SETTINGS) == [(["off", "2", "auto", "0"],)]


@needs_pgbouncer
async def test_a_statement_whose_plan_is_not_cached_leaves_no_transaction_open(
    pooled_dsn: str, observer: asyncpg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    failing = ReadStatement("failing", NOWHERE.sql, cached_plan=False)
    endless = ReadStatement("endless", SLEEP.sql, cached_plan=False)
    async with open_pool(pooled_dsn) as pool:
        with pytest.raises(asyncpg.UndefinedTableError):
            await pool.fetch(failing)
        running = asyncio.create_task(pool.fetch(endless))
        await until(lambda: observer.fetchval(RUNNING))
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await until(lambda: pool.in_use == 0)

        assert await pool.fetch(ONE) == [(1,)]
        async with pool.connection() as connection:
            assert not connection.is_in_transaction()
            async with connection.transaction():
                assert await connection.fetch(UNCACHED, 1) == []
    assert caplog.records == []


async def describe_missing_settings(dsn: str) -> str | None:
    connection = await connect(dsn, application_name="bookstore serve")
    try:
        return await check_pooler(connection, dsn, command_timeout=5)
    finally:
        connection.terminate()


@needs_pgbouncer
async def test_settings_that_the_role_lacks_are_named_with_the_statements_that_set_them(
    pooled_dsn: str, dsn: str
) -> None:
    role = f"ALTER ROLE app IN DATABASE {database_of(dsn)} SET"

    assert await describe_missing_settings(pooled_dsn) == (
        "PostgreSQL is behind a pooler, which passes on no settings of a session: run "
        f"`{role} max_parallel_workers_per_gather = 0; {role} statement_timeout = 5000;`, "
        "then RECONNECT in the pooler"
    )


@needs_pgbouncer
async def test_no_setting_is_missing_if_the_role_has_them(
    pooled_dsn: str, dsn: str, observer: asyncpg.Connection
) -> None:
    role = f"ALTER ROLE app IN DATABASE {database_of(dsn)} SET"
    await observer.execute(f"{role} max_parallel_workers_per_gather = 0; {role} statement_timeout = 4000")

    assert await describe_missing_settings(pooled_dsn) is None


@needs_pgbouncer
@pytest.mark.parametrize("pool_mode", ["transaction", "session"])
async def test_a_pooler_that_keeps_no_prepared_statements_is_named(
    dsn: str, server: Server, pool_mode: str
) -> None:
    with run_pgbouncer(server.socket_folder, max_prepared_statements=0, pool_mode=pool_mode) as pgbouncer:
        address = pgbouncer.dsn(database_of(dsn))
        connection = await connect(address, application_name="bookstore serve")
        if pool_mode == "session":
            assert await check_pooler(connection, address, command_timeout=5)
        else:
            with pytest.raises(DatabaseError, match=STATEMENTS_NOT_KEPT):
                await check_pooler(connection, address, command_timeout=5)
        await connection.close()


@needs_pgbouncer
async def test_a_statement_whose_result_type_changes_is_answered_by_every_client(
    pooled_dsn: str, observer: asyncpg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    await observer.execute("CREATE TABLE shelf AS SELECT 1 AS number")
    numbers = ReadStatement("numbers", "SELECT number FROM shelf")
    servers = [
        PoolSupervisor(pooled_dsn, size=2, command_timeout=GUARD, acquire_timeout=GUARD, on_open=require_head)
        for _ in range(2)
    ]
    for server in servers:
        await server.start()
        assert await ReadSession(server, server).fetch(numbers) == [(1,)]

    await observer.execute("ALTER TABLE shelf ALTER number TYPE text")
    answers = [await ReadSession(server, server).fetch(numbers) for server in servers * 3]
    await observer.execute("ALTER TABLE shelf ALTER number TYPE integer USING number::integer")
    later = [await ReadSession(server, server).fetch(numbers) for server in servers * 3]
    for server in servers:
        await server.stop()

    assert (answers, later) == ([[("1",)]] * 6, [[(1,)]] * 6)
    advice = "The result type of a statement has changed: run RECONNECT in the pooler"
    assert [record.getMessage() for record in caplog.records] == [advice] * 4


@needs_pgbouncer
async def test_a_server_is_unavailable_while_postgresql_is_away_behind_a_pooler(
    dsn: str, pooled_dsn: str, maintenance: str
) -> None:
    name = database_of(dsn)
    observer = await asyncpg.connect(maintenance)
    supervisor = PoolSupervisor(
        pooled_dsn, size=2, command_timeout=GUARD, acquire_timeout=GUARD, on_open=require_head
    )
    await supervisor.start()
    monitoring = asyncio.create_task(supervisor.monitor())
    try:
        assert supervisor.pool
        await observer.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        await observer.execute(END_SESSIONS, name)
        await until(lambda: supervisor.pool is None)
        reason = supervisor.unavailable_reason
        await observer.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        await until(lambda: supervisor.pool)
    finally:
        monitoring.cancel()
        await asyncio.wait([monitoring])
        await supervisor.stop()
        await observer.close()
    assert reason is not None
    assert reason.endswith(f'database "{name}" is not currently accepting connections (server_login_retry)')
