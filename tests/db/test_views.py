"""The deferred view log: nothing waits for it, nothing is lost that can be kept."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest

from db.connections.pool import ConnectionPool
from db.view_counts import ViewCounter, recent_views_by_book_ids
from tests.catalogs import add_book
from tests.waiting import GUARD


async def test_views_are_counted_by_book_and_day(connection: asyncpg.Connection) -> None:
    first, second = await add_book(connection, "A"), await add_book(connection, "B")
    log = ViewCounter(connection)

    for book in (first, second, first):
        log.record(book)
    await log.flush()
    log.record(first)
    await log.flush()

    assert await recent_views_by_book_ids(connection, [second, first, 0]) == [1, 3, 0]
    assert await connection.fetch("SELECT views FROM book_view ORDER BY views") == [(1,), (3,)]


async def test_only_the_last_30_days_are_recent(connection: asyncpg.Connection) -> None:
    book = await add_book(connection, "A")
    await connection.execute(
        "INSERT INTO book_view VALUES ($1, current_date - 30, 5), ($1, current_date - 29, 2)", book
    )

    assert await recent_views_by_book_ids(connection, [book]) == [2]


async def test_views_of_a_book_that_is_gone_are_forgotten(connection: asyncpg.Connection) -> None:
    book, gone = await add_book(connection, "A"), await add_book(connection, "B")
    log = ViewCounter(connection)
    log.record(book)
    log.record(gone)

    await connection.execute("DELETE FROM book WHERE id = $1", gone)
    await log.flush()

    assert await connection.fetch("SELECT book_id FROM book_view") == [(book,)]
    assert not log.pending


async def test_what_cannot_be_written_is_kept_for_the_next_time(
    dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    pool = ConnectionPool(dsn, size=2, command_timeout=GUARD, acquire_timeout=GUARD)
    async with pool.connection() as connection:
        book = await add_book(connection, "A")
        log = ViewCounter(pool)
        log.record(book)
        await connection.execute("ALTER TABLE book_view RENAME TO elsewhere")

        await log.flush()
        kept = dict(log.pending)
        log.record(book)
        await connection.execute("ALTER TABLE elsewhere RENAME TO book_view")
        await log.flush()

        assert kept == {book: 1}
        assert await recent_views_by_book_ids(connection, [book]) == [2]
    await pool.close(GUARD)
    assert [record.getMessage() for record in caplog.records] == [
        "1 views not written, retrying at the next flush: UndefinedTableError"
    ]


async def test_no_more_books_are_held_than_its_capacity(
    connection: asyncpg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    books = [await add_book(connection, title) for title in "ABC"]
    log = ViewCounter(connection, capacity=2)

    for book in (*books, books[0], books[2]):
        log.record(book)
    await log.flush()

    assert await recent_views_by_book_ids(connection, books) == [2, 1, 0]
    assert [record.getMessage() for record in caplog.records] == [
        "2 views dropped: more than 2 books had pending views"
    ]
    assert caplog.records[0].levelno == logging.WARNING


class Written:
    """A database that says when a statement of it is done."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection = connection
        self.once = asyncio.Event()

    async def fetch(self, query: str, *args: object) -> Sequence[Any]:
        rows = await self.connection.fetch(query, *args)
        self.once.set()
        return rows


async def test_it_writes_by_itself_and_once_more_at_the_end(connection: asyncpg.Connection) -> None:
    book = await add_book(connection, "A")
    written = Written(connection)
    log = ViewCounter(written, flush_interval=0.01)
    log.record(book)
    writing = asyncio.create_task(log.run())

    await asyncio.wait_for(written.once.wait(), GUARD)
    log.record(book)
    writing.cancel()
    await asyncio.wait([writing])

    assert await recent_views_by_book_ids(connection, [book]) == [2]


class Slow:
    """A database whose statements take their time."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection = connection
        self.released = asyncio.Event()

    async def fetch(self, query: str, *args: object) -> Sequence[Any]:
        await self.released.wait()
        return await self.connection.fetch(query, *args)


async def test_views_noted_while_others_are_written_are_not_lost(connection: asyncpg.Connection) -> None:
    book = await add_book(connection, "A")
    slow = Slow(connection)
    log = ViewCounter(slow)
    log.record(book)

    writing = asyncio.create_task(log.flush())
    await asyncio.sleep(0)
    log.record(book)
    slow.released.set()
    await writing
    await log.flush()

    assert await recent_views_by_book_ids(connection, [book]) == [2]
