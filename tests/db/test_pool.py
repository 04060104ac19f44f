"""The pool: its connections keep no state from one use to the next."""

import asyncio
from typing import Any

import asyncpg

from db.pool import PLANNED_ANEW, open_pool
from db.view_counts import ViewCounter
from graphql_api.context import Context
from graphql_api.execution.documents import DocumentCache
from graphql_api.execution.executor import run_operation
from graphql_api.schema import schema
from tests.catalogs import add_author, add_book, add_category

EVERYTHING = """{
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

SESSION = """
SELECT (SELECT jsonb_object_agg(name, setting) FROM pg_settings) AS settings,
       (SELECT count(*) FROM pg_listening_channels()) AS channels,
       (SELECT count(*) FROM pg_cursors WHERE is_holdable) AS cursors,
       (SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory') AS locks,
       (SELECT count(*) FROM pg_class WHERE relpersistence = 't') AS temporary_tables
"""


async def test_no_statement_leaves_state_in_its_session(dsn: str) -> None:
    pool = await open_pool(dsn, size=1, command_timeout=5)
    async with pool:
        async with pool.acquire() as connection:
            author = await add_author(connection, "A")
            category = await add_category(connection, "D", await add_category(connection, "C"))
            await add_book(connection, "B", isbn="9780306406157", authors=[author], categories=[category])
        before = await pool.fetchrow(SESSION)
        views = ViewCounter(pool)

        operation = DocumentCache(schema).get(EVERYTHING, None).prepare(None)
        outcome = await run_operation(operation, Context(views, pool))
        await views.flush()

        assert outcome.result.errors is None
        assert outcome.fallback_reason is None
        assert await pool.fetchrow(SESSION) == before


async def test_a_transaction_left_open_is_rolled_back(dsn: str) -> None:
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))
    pool = await open_pool(dsn, size=1, command_timeout=5)
    try:
        async with pool:
            async with pool.acquire() as connection:
                await connection.execute("BEGIN; INSERT INTO category (name) VALUES ('lost')")
            assert await pool.fetchval("SELECT count(*) FROM category") == 0
    finally:
        asyncio.get_running_loop().set_exception_handler(None)
    assert ["active transaction" in complaint["message"] for complaint in complaints] == [True]


async def test_the_pool_opens_at_most_its_maximum_number_of_connections(dsn: str) -> None:
    pool = await open_pool(dsn, size=3, command_timeout=5)
    async with pool:
        await asyncio.gather(*(pool.fetch("SELECT pg_sleep(0.02)") for _ in range(20)))

        assert pool.get_size() == 3
        observer = await asyncpg.connect(dsn)
        named = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'bookstore'"
        assert await observer.fetchval(named) == 3
        await observer.close()


async def test_a_statement_without_plan_cache_leaves_no_prepared_statement(dsn: str) -> None:
    pool = await open_pool(dsn, size=1, command_timeout=5)
    async with pool:
        for number in range(8):
            assert await pool.fetch(f"/* a {PLANNED_ANEW} */ SELECT $1::integer AS n", number) == [(number,)]
            assert await pool.fetch("/* kept */ SELECT $1::integer AS n", number) == [(number,)]

        kept = await pool.fetch(
            "SELECT split_part(statement, ' ', 2) AS name, generic_plans > 0 AS generic FROM pg_prepared_statements"
            " WHERE statement LIKE '/*%' ORDER BY 1, 2"
        )

    assert [tuple(row) for row in kept] in ([("kept", True)], [("a", False), ("kept", True)])
