"""View counts are flushed in the background, and kept for a retry if they cannot be written."""

import asyncio
import logging

import pytest

from db.connections.connect import Connection
from db.connections.pool import ConnectionPool
from db.statements import WriteStatement
from db.view_counts import ViewCounter, recent_views_by_book_ids
from tests.catalogs import add_book
from tests.waiting import GUARD


async def test_views_are_counted_by_book_and_day(connection: Connection) -> None:
    first, second = await add_book(connection, "A"), await add_book(connection, "B")
    log = ViewCounter(connection)

    for book in (first, second, first):
        log.record(book)
    await log.flush()
    log.record(first)
    await log.flush()

    assert await recent_views_by_book_ids(connection, [second, first, 0]) == [1, 3, 0]
    assert await connection.fetch("SELECT views FROM book_view ORDER BY views") == [(1,), (3,)]


async def test_only_the_last_30_days_are_recent(connection: Connection) -> None:
    book = await add_book(connection, "A")
    await connection.execute(
        "INSERT INTO book_view VALUES ($1, current_date - 30, 5), ($1, current_date - 29, 2)", book
    )

    assert await recent_views_by_book_ids(connection, [book]) == [2]


async def test_views_of_a_deleted_book_are_dropped(connection: Connection) -> None:
    book, gone = await add_book(connection, "A"), await add_book(connection, "B")
    log = ViewCounter(connection)
    log.record(book)
    log.record(gone)

    await connection.execute("DELETE FROM book WHERE id = $1", gone)
    await log.flush()

    assert await connection.fetch("SELECT book_id FROM book_view") == [(book,)]
    assert not log.pending


async def test_views_that_cannot_be_written_are_kept_for_the_next_flush(
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
        "1 views not written, retrying at each flush: UndefinedTableError"
    ]


async def test_views_of_books_beyond_the_capacity_are_dropped(
    connection: Connection, caplog: pytest.LogCaptureFixture
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


class SignallingDatabase:
    """A database that sets an event when the last statement of a flush has been executed."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.has_written = asyncio.Event()

    async def execute_write(self, statement: WriteStatement, *args: object) -> None:
        await self.connection.execute_write(statement, *args)
        if statement.name == "trim_trend":
            self.has_written.set()


async def test_views_are_flushed_at_intervals_and_on_cancellation(connection: Connection) -> None:
    book = await add_book(connection, "A")
    database = SignallingDatabase(connection)
    log = ViewCounter(database, flush_interval=0.01)
    log.record(book)
    writing = asyncio.create_task(log.run())

    await asyncio.wait_for(database.has_written.wait(), GUARD)
    log.record(book)
    writing.cancel()
    await asyncio.wait([writing])

    assert await recent_views_by_book_ids(connection, [book]) == [2]


class BlockedDatabase:
    """A database that executes statements once `released` is set."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.released = asyncio.Event()

    async def execute_write(self, statement: WriteStatement, *args: object) -> None:
        await self.released.wait()
        await self.connection.execute_write(statement, *args)


async def test_views_recorded_during_a_flush_are_not_lost(connection: Connection) -> None:
    book = await add_book(connection, "A")
    database = BlockedDatabase(connection)
    log = ViewCounter(database)
    log.record(book)

    writing = asyncio.create_task(log.flush())
    await asyncio.sleep(0)
    log.record(book)
    database.released.set()
    await writing
    await log.flush()

    assert await recent_views_by_book_ids(connection, [book]) == [2]
