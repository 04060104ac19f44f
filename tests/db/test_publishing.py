"""Listings, documents and counters hold published books only, whatever is changed in whatever order."""

import asyncpg
from hypothesis import given, settings
from hypothesis import strategies as st

from db.connections.connect import Connection
from db.verify import run_checks
from tests.catalogs import add_author, add_book, add_category

LISTED = """
SELECT (SELECT array_agg(DISTINCT book_id ORDER BY book_id) FROM author_listing),
       (SELECT array_agg(DISTINCT book_id ORDER BY book_id) FROM category_listing),
       (SELECT array_agg(book_id ORDER BY book_id) FROM book_search), (SELECT books FROM catalog_size)
"""
COUNTED = "SELECT (SELECT book_count FROM author), book_count, direct_book_count FROM category ORDER BY path"
EDITED = "SELECT b.title, f.field FROM book_field f JOIN book b ON b.id = f.book_id WHERE field = 'is_published' ORDER BY 1"


async def publish(connection: asyncpg.Connection, *books: int, is_published: bool = True) -> None:
    await connection.execute("UPDATE book SET is_published = $2 WHERE id = ANY ($1)", books, is_published)


async def unpublish(connection: asyncpg.Connection, *books: int) -> None:
    await publish(connection, *books, is_published=False)


async def listed(connection: asyncpg.Connection) -> tuple[object, ...]:
    """Return the ids of the listed and searched books, and the number of books."""
    [row] = await connection.fetch(LISTED)
    return tuple(row)


async def assert_valid(connection: Connection) -> None:
    assert [finding for finding in await run_checks(connection) if finding.count] == []


async def test_an_unpublished_book_is_listed_nowhere_and_keeps_its_links(connection: Connection) -> None:
    author = await add_author(connection, "Jane")
    fiction = await add_category(connection, "Fiction")
    novels = await add_category(connection, "Novels", fiction)
    sea = await add_book(connection, "Sea", authors=[author, (author, "EDITOR")], categories=[novels])
    hill = await add_book(connection, "Hill", authors=[author], categories=[fiction])

    await unpublish(connection, sea)

    assert await listed(connection) == ([hill], [hill], [hill], 1)
    assert [tuple(row) for row in await connection.fetch(COUNTED)] == [(1, 1, 1), (1, 0, 0)]
    assert await connection.fetchval("SELECT count(*) FROM book_author WHERE book_id = $1", sea) == 2
    await assert_valid(connection)

    await publish(connection, sea)

    assert await listed(connection) == ([sea, hill], [sea, hill], [sea, hill], 2)
    assert [tuple(row) for row in await connection.fetch(COUNTED)] == [(2, 2, 1), (2, 1, 1)]
    await assert_valid(connection)


async def test_one_statement_publishes_and_unpublishes(connection: Connection) -> None:
    author = await add_author(connection, "Jane")
    one, other = [await add_book(connection, title, authors=[author]) for title in ("Sea", "Hill")]
    await unpublish(connection, one)
    before = await connection.fetchval("SELECT xmin::text || ctid::text FROM catalog_size")

    await connection.execute("UPDATE book SET is_published = NOT is_published, title = title || ' again'")

    assert await listed(connection) == ([one], None, [one], 1)
    assert await connection.fetchval("SELECT xmin::text || ctid::text FROM catalog_size") != before
    assert await connection.fetchval("SELECT count(*) FROM author_listing WHERE title_key = 'sea again'") == 1
    assert other not in await connection.fetchval("SELECT array_agg(book_id) FROM book_search")
    await assert_valid(connection)


async def test_words_that_only_an_unpublished_book_has_have_no_books(connection: Connection) -> None:
    await add_book(connection, "Common thing")
    rare = await add_book(connection, "Common zyzzyva")
    counts = "SELECT word, books FROM search_word ORDER BY word"

    await unpublish(connection, rare)

    assert {row[0]: row[1] for row in await connection.fetch(counts)} == {
        "common": 1,
        "thing": 1,
        "zyzzyva": 0,
    }


async def test_publishing_and_unpublishing_by_hand_is_an_edit(connection: Connection) -> None:
    await connection.execute("DELETE FROM book_field")
    books = [await add_book(connection, title) for title in ("A", "B", "C")]
    await add_book(connection, "D", is_published=False)

    await unpublish(connection, *books[:2])
    await publish(connection, *books[1:])
    async with connection.transaction():
        await connection.execute("SET LOCAL bookstore.writer = 'import'")
        await unpublish(connection, books[2])

    assert [tuple(row) for row in await connection.fetch(EDITED)] == [
        (title, "is_published") for title in ("A", "B", "D")
    ]


STATEMENTS = (
    "UPDATE book SET is_published = NOT is_published WHERE id % 2 = {n} % 2",
    "UPDATE book SET is_published = false, title = 'The Sea {n}' WHERE id % 3 = {n} % 3",
    "UPDATE book SET is_published = true, rating_average = 4, rating_count = {n} * 100 + 1 WHERE id % 3 = {n} % 3",
    "UPDATE book SET title = title || ' zyzzyva {n}' WHERE id % 2 = {n} % 2",
    "INSERT INTO book (source, source_id, title, is_published)"
    " SELECT 's', gen_random_uuid()::text, 'New ' || n, n % 2 = 0 FROM generate_series(1, {n}) AS n",
    "INSERT INTO book_author (book_id, position, author_id)"
    " SELECT b.id, 20 + {n}, a.id FROM book b, author a WHERE (b.id + a.id) % 3 = {n} % 3 ON CONFLICT DO NOTHING",
    "INSERT INTO book_category (book_id, category_id)"
    " SELECT b.id, k.id FROM book b, category k WHERE (b.id + k.id) % 3 = {n} % 3 ON CONFLICT DO NOTHING",
    "DELETE FROM book_author WHERE (book_id + author_id) % 2 = {n} % 2",
    "DELETE FROM book_category WHERE (book_id + category_id) % 2 = {n} % 2",
    "UPDATE category SET parent_id = (SELECT min(id) FROM category) WHERE name = 'Loose'",
    "UPDATE category SET name = 'Renamed {n}' WHERE id = (SELECT min(id) FROM category)",
    "UPDATE author SET name = 'Jané {n}', sort_name = 'Jané {n}', source = 's', source_id = id::text",
    "DELETE FROM book WHERE id % 4 = {n} % 4",
)
POSITIONS = """
WITH numbered AS (SELECT book_id, position, row_number() OVER (PARTITION BY book_id ORDER BY position) AS n FROM book_author)
UPDATE book_author l SET position = n.n FROM numbered n WHERE (l.book_id, l.position) = (n.book_id, n.position) AND n.n <> l.position
"""


@settings(max_examples=25)
@given(steps=st.lists(st.tuples(st.sampled_from(STATEMENTS), st.integers(1, 4)), min_size=1, max_size=8))
async def test_the_audit_finds_nothing_after_any_changes(
    connection: Connection, steps: list[tuple[str, int]]
) -> None:
    transaction = connection.transaction()
    await transaction.start()
    try:
        people = [await add_author(connection, name) for name in ("Jane", "John")]
        fiction = await add_category(connection, "Fiction")
        places = [
            fiction,
            await add_category(connection, "Novels", fiction),
            await add_category(connection, "Loose"),
        ]
        for n in range(6):
            await add_book(
                connection,
                f"Book {n}",
                authors=people[n % 3 :],
                categories=places[n % 3 :],
                is_published=n % 2 == 0,
            )
        for statement, n in steps:
            await connection.execute(statement.format(n=n))
            await connection.execute(POSITIONS)
            await assert_valid(connection)
    finally:
        await transaction.rollback()
