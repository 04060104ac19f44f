"""Series are found by their folded names, named as most books write them, and go with their last book."""

import asyncio

import asyncpg
import pytest

from db import books, series
from db.connections.connect import Connection, connect
from db.keyset import PageRequest
from db.verify import run_checks
from tests.catalogs import add_book
from tests.waiting import until

NAMES = "SELECT slug, name FROM series ORDER BY slug"

POSITIONS = (
    *(
        "0",
        "0.5",
        "1",
        "1-3",
        "1.25",
        "1.5",
        "Vol. II",
        "#3",
        "3: Part 2 of 2",
        "3.5",
        "4.1, 4.3, 5.1",
        "Book 8",
    ),
    *("ix", "10", "XL", "100", "12345678901", "prequel"),
)


async def names(connection: Connection) -> list[tuple[str, str]]:
    """Assert that the audit finds nothing, and return the slugs and names of all series."""
    assert [finding for finding in await run_checks(connection) if finding.count] == []
    return [tuple(row) for row in await connection.fetch(NAMES)]


async def test_spellings_of_a_name_are_one_series_named_as_most_books_write_it(
    connection: Connection,
) -> None:
    await add_book(connection, "A", series="DISCWORLD")
    assert await names(connection) == [("discworld", "DISCWORLD")]

    await add_book(connection, "B", series="Discworld")
    assert await names(connection) == [("discworld", "Discworld")]

    await add_book(connection, "C", series="DISCWORLD")
    assert await names(connection) == [("discworld", "DISCWORLD")]

    await connection.execute("UPDATE book SET series = 'Díscworld' WHERE title <> 'B'")
    assert await names(connection) == [("discworld", "Díscworld")]

    await connection.execute("DELETE FROM book WHERE title = 'A'")
    assert await names(connection) == [("discworld", "Díscworld")]

    await connection.execute("DELETE FROM book WHERE title = 'C'")
    assert await names(connection) == [("discworld", "Discworld")]


async def test_a_series_goes_with_its_last_book_and_stays_with_an_unpublished_one(
    connection: Connection,
) -> None:
    await add_book(connection, "A", series="Dune", series_position="1")
    await add_book(connection, "B", series="Foundation")

    await connection.execute("UPDATE book SET is_published = false WHERE title = 'B'")
    await connection.execute("UPDATE book SET series = 'Robot' WHERE title = 'A'")
    assert await names(connection) == [("foundation", "Foundation"), ("robot", "Robot")]

    await connection.execute("UPDATE book SET series = NULL, series_position = NULL WHERE title = 'A'")
    await connection.execute("DELETE FROM book WHERE title = 'B'")
    assert await names(connection) == []


async def test_references_and_keys_cannot_be_set_by_hand(connection: Connection) -> None:
    await add_book(connection, "A", series="Dune", series_position="Vol. IV", series_id=7, series_key="x")
    await connection.execute("UPDATE book SET series_id = NULL, series_key = NULL")
    [row] = await connection.fetch(
        "SELECT b.series_key, s.name FROM book b JOIN series s ON s.id = b.series_id"
    )

    assert tuple(row) == ("00000004", "Dune")
    with pytest.raises(asyncpg.CheckViolationError, match="book_series_position_range"):
        await connection.execute("UPDATE book SET series = NULL")


async def test_books_are_in_the_order_of_their_positions_and_the_others_last(connection: Connection) -> None:
    for number, position in enumerate([None, *reversed(POSITIONS)]):
        await add_book(connection, f"B{number}", series="All", series_position=position)
    await add_book(connection, "Hidden", series="All", series_position="0", is_published=False)
    await add_book(connection, "Other", series="Other", series_position="1")
    [found] = await series.series_by_slugs(connection, ["all"])
    assert found is not None

    whole = await books.books_by_series_ids(connection, PageRequest(100), [found.id])
    after = whole[0].position(len(POSITIONS) - 1)
    pages = [
        *await books.books_by_series_ids(connection, PageRequest(3), [found.id]),
        *await books.books_by_series_ids(connection, PageRequest(3, after=after), [found.id]),
        *await books.books_by_series_ids(connection, PageRequest(3, backward=True), [found.id]),
    ]

    assert [book.series_position for book in whole[0].rows] == [*POSITIONS, None]
    assert [[book.series_position for book in page.rows] for page in pages] == [
        ["0", "0.5", "1"],
        [None],
        ["12345678901", "prequel", None],
    ]
    assert await series.book_counts_by_series_ids(connection, [found.id, 0]) == [len(POSITIONS) + 1, 0]


async def test_a_series_without_a_published_book_is_found_by_editors_only(connection: Connection) -> None:
    await add_book(connection, "A", series="Dune", is_published=False)
    [found] = await series.series_by_slugs(connection, ["dune"], unpublished=True)
    assert found is not None

    assert await series.series_by_slugs(connection, ["dune"]) == [None]
    assert await series.series_by_ids(connection, [found.id]) == [None]
    assert [
        each and each.name for each in await series.series_by_ids(connection, [found.id], unpublished=True)
    ] == ["Dune"]


async def test_two_writers_that_add_one_series_at_once_share_it(dsn: str) -> None:
    first = await connect(dsn, application_name="bookstore tests")
    second = await connect(dsn, application_name="bookstore second")
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'bookstore second' AND wait_event_type = 'Lock'"
    # Both would wait for the counter of books before the other trigger runs.
    insert = (
        "INSERT INTO book (source, source_id, title, series, is_published) VALUES ('s', $1, $1, $2, false)"
    )

    async with first.transaction():
        await first.execute(insert, "A", "Dune")
        other = asyncio.create_task(second.execute(insert, "B", "DUNE"))
        await until(lambda: first.fetchval(waiting))
    await other

    assert await names(first) == [("dune", "Dune")]
    await first.close()
    await second.close()


async def test_words_of_the_series_find_its_books_and_follow_a_change(connection: Connection) -> None:
    find = "SELECT count(*) FROM book_search WHERE document @@ $1::text::tsquery"
    await add_book(connection, "A", series="Discworld", series_position="1")
    await add_book(connection, "B", series="Dune", subtitle="Dune, #1")
    assert [await connection.fetchval(find, word) for word in ("discworld", "dune")] == [1, 1]
    assert await connection.fetchval("SELECT subtitle_and_series('Dune, #1', 'Dune')") == "Dune, #1"

    await connection.execute("UPDATE book SET series = 'Foundation' WHERE title = 'A'")

    assert [await connection.fetchval(find, word) for word in ("discworld", "foundation")] == [0, 1]


async def test_a_change_of_the_series_is_an_edit_and_moves_the_version(connection: Connection) -> None:
    book = await add_book(connection, "A", series="Dune")
    await connection.execute("UPDATE book SET series_position = '2'")

    assert await connection.fetchval("SELECT version FROM book") == 2
    assert [tuple(row) for row in await connection.fetch("SELECT book_id, field FROM book_field")] == [
        (book, "series")
    ]
