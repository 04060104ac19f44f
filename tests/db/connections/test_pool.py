"""The pool: its connections are limited, handed over in order, and keep no state of an earlier request."""

import asyncio
import logging

import asyncpg
import pytest

from db.connections.pool import ALL_IN_USE, CLOSED, ConnectionPool
from db.errors import DatabaseError, DatabaseUnavailableError
from db.statements import ReadStatement
from db.view_counts import ViewCounter
from graphql_api.access.roles import Role
from graphql_api.context import Context
from graphql_api.execution.documents import DocumentCache
from graphql_api.execution.executor import run_operation
from graphql_api.schema import schema_for
from tests.catalogs import add_author, add_book, add_category
from tests.db.connections.statements import INTEGER, NOWHERE, PID, SLEEP
from tests.faults.proxy import Proxy
from tests.waiting import GUARD, until

ALL_STATEMENTS_DOCUMENT = """{
  books(orderBy: {field: PRICE, direction: DESC}) { totalCount nodes {
    description recentViews contributions { author { name books { nodes { id } } } }
    categories { parent { name } ancestors { name } books(includeDescendants: false) { nodes { id } } }
  } }
  authors { totalCount nodes { name } }
  categories(rootsOnly: true) { totalCount nodes { books { totalCount nodes { id } } children { totalCount nodes { name } } } }
  book(by: {isbn: "9780306406157"}) { title }
  author(by: {slug: "a"}) { name }
  category(by: {path: "c"}) { name }
  nodes(ids: ["Qm9vazox", "QXV0aG9yOjE=", "Q2F0ZWdvcnk6MQ=="]) { id }
  search: books(filter: {text: "b", inStock: false}) {
    totalCount didYouMean edges { matchedOn } facets { languages { isCapped } categories { entries { count } } }
  }
  suggest(prefix: "b") { books { id } authors { id } categories { id } }
}"""

SESSION = ReadStatement(
    "session",
    """
SELECT (SELECT jsonb_object_agg(name, setting) FROM pg_settings) AS settings,
       (SELECT count(*) FROM pg_listening_channels()) AS channels,
       (SELECT count(*) FROM pg_cursors WHERE is_holdable) AS cursors,
       (SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory') AS locks,
       (SELECT count(*) FROM pg_class WHERE relpersistence = 't') AS temporary_tables
""",
)

SESSIONS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'bookstore' AND backend_type = 'client backend'
"""

RUNNING = (
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"
)


# Acquiring and releasing


async def test_the_connection_used_last_is_acquired_first(pool: ConnectionPool) -> None:
    first, second = await pool.acquire(), await pool.acquire()

    pool.release(second)
    pool.release(first)

    assert await pool.acquire() is first
    assert await pool.acquire() is second
    assert pool.in_use == 2
    pool.release(first)
    pool.release(second)
    assert pool.in_use == 0


async def test_a_pool_opens_no_more_connections_than_its_size(
    pool: ConnectionPool, observer: asyncpg.Connection
) -> None:
    pids = await asyncio.gather(*(pool.fetch(PID) for _ in range(20)))

    assert len({row["pg_backend_pid"] for [row] in pids}) == 2
    assert await observer.fetchval(SESSIONS) == 2
    assert pool.in_use == 0


async def test_a_release_hands_the_connection_to_the_first_waiter_without_a_task(
    pool: ConnectionPool,
) -> None:
    first, second = await pool.acquire(), await pool.acquire()
    waiting = [asyncio.create_task(pool.acquire()) for _ in range(2)]
    await until(lambda: len(pool._waiters) == 2)
    tasks = asyncio.all_tasks()

    pool.release(second)
    pool.release(first)

    assert asyncio.all_tasks() == tasks
    assert await waiting[0] is second
    assert await waiting[1] is first
    pool.release(first)
    pool.release(second)
    assert pool.in_use == 0


async def test_a_waiter_whose_deadline_passes_fails_and_one_timer_handles_all_waiters(
    pool: ConnectionPool,
) -> None:
    held = await pool.acquire(), await pool.acquire()
    waiting = [asyncio.create_task(pool.acquire()) for _ in range(3)]
    await until(lambda: len(pool._waiters) == 3)
    timer = pool._timer
    assert timer is not None
    assert timer.when() == pool._waiters[0].deadline

    pool._waiters[0].deadline = pool._waiters[1].deadline = 0
    pool._expire_waiters(asyncio.get_running_loop())

    for task in waiting[:2]:
        with pytest.raises(DatabaseUnavailableError, match=ALL_IN_USE):
            await task
    assert pool._timer is not None
    assert pool._timer.when() == pool._waiters[0].deadline
    pool.release(held[0])
    pool.release(held[1])
    pool.release(await waiting[2])
    assert pool.in_use == 0


async def test_a_waiter_fails_after_the_acquire_timeout(pool: ConnectionPool) -> None:
    held = await pool.acquire(), await pool.acquire()
    pool.acquire_timeout = 0.01

    with pytest.raises(DatabaseUnavailableError, match=ALL_IN_USE):
        await pool.acquire()

    assert pool._timer is None
    for connection in held:
        pool.release(connection)
    assert pool.in_use == 0


async def test_a_cancelled_waiter_gets_no_connection(pool: ConnectionPool) -> None:
    held = await pool.acquire(), await pool.acquire()
    leaving, staying = (asyncio.create_task(pool.acquire()) for _ in range(2))
    await until(lambda: len(pool._waiters) == 2)

    leaving.cancel()
    pool.release(held[0])

    assert await staying is held[0]
    assert leaving.cancelled()
    pool.release(held[0])
    pool.release(held[1])
    assert pool.in_use == 0


@pytest.mark.parametrize("failure", [None, ConnectionResetError()], ids=["connection", "right to open"])
async def test_a_waiter_cancelled_during_its_hand_over_passes_it_on(
    pool: ConnectionPool, failure: Exception | None
) -> None:
    held = await pool.acquire(), await pool.acquire()
    leaving, staying = (asyncio.create_task(pool.acquire()) for _ in range(2))
    await until(lambda: len(pool._waiters) == 2)

    pool.release(held[0], failure)
    leaving.cancel()

    received = await staying
    assert (received is held[0]) == (failure is None)
    assert leaving.cancelled()
    pool.release(received)
    pool.release(held[1])
    assert pool.in_use == 0


async def test_a_waiter_that_expires_while_it_is_cancelled_is_cancelled(
    pool: ConnectionPool,
) -> None:
    held = await pool.acquire(), await pool.acquire()
    leaving = asyncio.create_task(pool.acquire())
    await until(lambda: pool._waiters)

    pool.terminate("PostgreSQL is gone.")
    leaving.cancel()

    with pytest.raises(asyncio.CancelledError):
        await leaving
    for connection in held:
        pool.release(connection)
    assert pool.in_use == 0


# Opening


async def test_a_failed_opening_does_not_count_as_in_use(dsn: str) -> None:
    pool = ConnectionPool(
        dsn.replace("/test_", "/nowhere_"), size=1, command_timeout=GUARD, acquire_timeout=GUARD
    )

    first, second = await asyncio.gather(pool.acquire(), pool.acquire(), return_exceptions=True)

    assert isinstance(first, DatabaseError)
    assert isinstance(second, DatabaseError)
    assert (pool.in_use, pool._connections) == (0, set())


async def test_opening_a_connection_is_bounded_by_the_acquire_timeout() -> None:
    async def ignore(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(ignore, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    pool = ConnectionPool(
        f"postgresql://app@127.0.0.1:{port}/x", size=1, command_timeout=GUARD, acquire_timeout=0.01
    )

    with pytest.raises(DatabaseUnavailableError) as caught:
        await pool.acquire()

    assert str(caught.value) == f"PostgreSQL cannot be reached at 127.0.0.1:{port}: no answer within 0.01 s"
    assert pool.in_use == 0
    server.close()


async def test_a_cancelled_opening_does_not_count_as_in_use(proxied_dsn: str, proxy: Proxy) -> None:
    pool = ConnectionPool(proxied_dsn, size=1, command_timeout=GUARD, acquire_timeout=GUARD)
    proxy.block()
    opening = asyncio.create_task(pool.acquire())
    await until(lambda: proxy.has_connections)

    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening

    assert (pool.in_use, pool._connections) == (0, set())


# Reusing and replacing connections


async def test_a_lost_connection_gives_the_next_waiter_the_right_to_open_one(pool: ConnectionPool) -> None:
    held = await pool.acquire(), await pool.acquire()
    waiting = asyncio.create_task(pool.acquire())
    await until(lambda: pool._waiters)

    with pytest.raises(asyncpg.PostgresError) as lost:
        await held[0].fetch("SELECT pg_terminate_backend(pg_backend_pid())")
    pool.release(held[0], lost.value)

    opened = await waiting
    assert opened not in held
    pool.release(opened)
    pool.release(held[1])
    assert pool.in_use == 0


async def test_an_idle_connection_that_the_server_ended_is_not_acquired(
    pool: ConnectionPool, observer: asyncpg.Connection
) -> None:
    async with pool.connection() as ended:
        pid = ended.get_server_pid()
    await observer.execute("SELECT pg_terminate_backend($1)", pid)
    await until(ended.is_closed)

    async with pool.connection() as connection:
        assert connection.get_server_pid() != pid
    assert pool._connections == {connection}


async def test_connections_of_an_earlier_generation_are_replaced_before_their_next_use(
    pool: ConnectionPool, observer: asyncpg.Connection
) -> None:
    idle, in_use = await pool.acquire(), await pool.acquire()
    pool.release(idle)

    pool.expire_connections()
    assert await in_use.fetchval("SELECT 1") == 1
    pool.release(in_use)

    assert (idle.is_closed(), in_use.is_closed(), pool.in_use) == (True, True, 0)
    async with pool.connection() as connection:
        assert await connection.fetchval("SELECT 1") == 1
    await until(lambda: observer.fetchval(f"SELECT ({SESSIONS}) = 1"))


async def test_a_statement_that_fails_leaves_its_connection_in_the_pool(pool: ConnectionPool) -> None:
    async with pool.connection() as first:
        pass

    with pytest.raises(asyncpg.UndefinedTableError):
        await pool.fetch(NOWHERE)
    with pytest.raises(asyncpg.DataError):
        await pool.fetch(INTEGER, 2**40)

    await until(lambda: pool.in_use == 0)
    assert await pool.acquire() is first
    pool.release(first)


async def test_a_cancelled_statement_ends_in_postgresql_before_its_connection_is_used_again(
    pool: ConnectionPool, observer: asyncpg.Connection
) -> None:
    pool.size = 1
    async with pool.connection() as first:
        pass
    running = asyncio.create_task(pool.fetch(SLEEP))
    await until(lambda: observer.fetchval(RUNNING))

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert pool.in_use == 1
    assert await pool.acquire() is first
    assert await observer.fetchval(RUNNING) == 0
    pool.release(first)


async def test_a_transaction_left_open_is_rolled_back_and_reported(
    pool: ConnectionPool, observer: asyncpg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    pool.size = 1
    async with pool.connection() as first:
        await first.execute("BEGIN; INSERT INTO category (name) VALUES ('lost')")

    assert await pool.acquire() is first
    assert not first.is_in_transaction()
    assert await observer.fetchval("SELECT count(*) FROM category") == 0
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (logging.ERROR, "a connection was released within a transaction, which is rolled back")
    ]
    pool.release(first)


async def test_a_connection_that_cannot_be_made_reusable_is_replaced(
    proxied_dsn: str, proxy: Proxy, observer: asyncpg.Connection
) -> None:
    pool = ConnectionPool(proxied_dsn, size=1, command_timeout=GUARD, acquire_timeout=GUARD)
    async with pool.connection() as first:
        await first.execute("BEGIN")
        proxy.block()
        pool.acquire_timeout = 0.01
    await until(lambda: pool.in_use == 0)
    proxy.unblock()
    pool.acquire_timeout = GUARD

    async with pool.connection() as second:
        assert second is not first
    await pool.close(GUARD)


# Terminating and closing


async def test_terminating_the_pool_fails_statements_waiters_and_acquires_immediately(
    pool: ConnectionPool,
) -> None:
    running = asyncio.create_task(pool.fetch(SLEEP))
    held = await pool.acquire()
    waiting = [asyncio.create_task(pool.acquire()) for _ in range(2)]
    await until(lambda: len(pool._waiters) == 2)

    pool.terminate("PostgreSQL is gone.")

    for failing in (*waiting, pool.acquire()):
        with pytest.raises(DatabaseUnavailableError, match=r"^PostgreSQL is gone\.$"):
            await failing
    with pytest.raises(asyncpg.ConnectionDoesNotExistError):
        await running
    assert held.is_closed()
    pool.release(held)
    assert (pool.in_use, pool._connections, pool._timer) == (0, set(), None)


async def test_terminating_the_pool_fails_an_opening_immediately(
    proxied_dsn: str, proxy: Proxy, observer: asyncpg.Connection
) -> None:
    pool = ConnectionPool(proxied_dsn, size=1, command_timeout=GUARD, acquire_timeout=GUARD)
    proxy.block()
    opening = asyncio.create_task(pool.acquire())
    await until(lambda: proxy.has_connections)

    pool.terminate("PostgreSQL is gone.")

    with pytest.raises(DatabaseUnavailableError, match=r"^PostgreSQL is gone\.$"):
        await opening
    assert (pool.in_use, pool._connections, pool._openings) == (0, set(), set())
    proxy.unblock()
    await until(lambda: observer.fetchval(f"SELECT ({SESSIONS}) = 0"))


async def test_a_waiter_with_the_right_to_open_fails_after_the_pool_is_terminated(
    pool: ConnectionPool, observer: asyncpg.Connection
) -> None:
    held = await pool.acquire(), await pool.acquire()
    waiting = asyncio.create_task(pool.acquire())
    await until(lambda: pool._waiters)

    pool.release(held[0], ConnectionResetError())
    pool.terminate("PostgreSQL is gone.")

    with pytest.raises(DatabaseUnavailableError, match=r"^PostgreSQL is gone\.$"):
        await waiting
    pool.release(held[1])
    assert pool.in_use == 0


async def test_closing_the_pool_cancels_statements_and_ends_all_sessions(
    pool: ConnectionPool, observer: asyncpg.Connection
) -> None:
    running = asyncio.create_task(pool.fetch(SLEEP))
    await until(lambda: observer.fetchval(RUNNING))

    await pool.close(GUARD)

    with pytest.raises(asyncpg.QueryCanceledError):
        await running
    with pytest.raises(DatabaseUnavailableError, match=CLOSED):
        await pool.acquire()
    assert pool.in_use == 0
    await until(lambda: observer.fetchval(f"SELECT ({SESSIONS}) = 0"))


# Session state


async def test_statements_leave_the_session_state_unchanged(pool: ConnectionPool) -> None:
    pool.size = 1
    async with pool.connection() as connection:
        author = await add_author(connection, "A")
        category = await add_category(connection, "D", await add_category(connection, "C"))
        await add_book(connection, "B", isbn="9780306406157", authors=[author], categories=[category])
    before = await pool.fetch(SESSION)
    views = ViewCounter(pool)

    operation = DocumentCache(schema_for(Role.EDITOR)).get(ALL_STATEMENTS_DOCUMENT, None).prepare(None)
    outcome = await run_operation(operation, Context(views, pool))
    await views.flush()

    assert outcome.result.errors is None
    assert outcome.fallback_reason is None
    assert await pool.fetch(SESSION) == before


async def test_a_statement_planned_for_each_execution_leaves_no_generic_plan(pool: ConnectionPool) -> None:
    pool.size = 1
    sql = "SELECT $1::integer AS n"
    planned, cached = ReadStatement("planned", sql, cached_plan=False), ReadStatement("cached", sql)
    for number in range(8):
        assert await pool.fetch(planned, number) == [(number,)]
        assert await pool.fetch(cached, number) == [(number,)]

    async with pool.connection() as connection:
        kept = await connection.fetch(
            "SELECT split_part(statement, ' ', 2) AS name, generic_plans > 0 AS generic FROM pg_prepared_statements"
            " WHERE statement LIKE '/*%' AND statement NOT LIKE '%backend_pid%' ORDER BY 1, 2"
        )

    assert [tuple(row) for row in kept] in ([("cached", True)], [("cached", True), ("planned", False)])
