"""The checksum is equal for equal content, however it was written, and differs for any other content."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db.checksum import books_checksum, content_checksum
from db.connections.connect import Connection
from tests.book_examples import COLUMN_EXAMPLES
from tests.catalogs import add_author, add_book, add_category

SETTINGS = settings(max_examples=25)

BOOK_CHANGES = {
    "source": "elsewhere",
    "source_id": "2",
    "is_published": False,
    **{name: example.other_value for name, example in COLUMN_EXAMPLES.items()},
}
AUTHOR_CHANGES = {
    "source": "'lc'",
    "source_id": "'OL2A'",
    "name": "'jane Austen'",
    "sort_name": "'Austen, J.'",
    "birth_year": "1776",
    "death_year": "NULL",
}
TO_EMMA = "book_id = (SELECT id FROM book WHERE title = 'Emma')"
AS_SHOWN = "SET LOCAL bookstore.defer_spellings = 'on'"
LINK_CHANGES = {
    "another role": f"UPDATE book_author SET role = 'NARRATOR' WHERE {TO_EMMA} AND position = 2",
    "another position": f"UPDATE book_author SET position = 3 WHERE {TO_EMMA} AND position = 2",
    "another author": "UPDATE book_author SET author_id = (SELECT id FROM author WHERE name = 'Nobody')"
    f" WHERE {TO_EMMA} AND position = 2",
    "one author less": f"DELETE FROM book_author WHERE {TO_EMMA} AND position = 2",
    "authors in another order": "UPDATE book_author one SET author_id = other.author_id FROM book_author other"
    f" WHERE one.{TO_EMMA} AND other.book_id = one.book_id AND other.position <> one.position",
    "one category less": f"DELETE FROM book_category WHERE {TO_EMMA}",
    "one category more": "INSERT INTO book_category (book_id, category_id)"
    " SELECT b.id, k.id FROM book b, category k WHERE b.title = 'Emma' AND k.name = 'Fiction'",
    "another category": "UPDATE book_category SET category_id = (SELECT id FROM category WHERE name = 'Fiction')"
    f" WHERE {TO_EMMA}",
    "a category's name and path": "UPDATE category SET name = 'Romances' WHERE name = 'Novels'",
    "a category's spelling": "UPDATE category SET name = 'NOVELS' WHERE name = 'Novels'",
    "an ancestor's spelling": "UPDATE category SET name = 'fiction' WHERE name = 'Fiction'",
    "a category moved": "UPDATE category SET parent_id = NULL WHERE name = 'Novels'",
    "another spelling of an author": f"{AS_SHOWN}; INSERT INTO author_spelling"
    " SELECT id, 1, 'ED', 'ED' FROM author WHERE name = 'Ed';"
    f" UPDATE book_author SET spelling = 1 WHERE {TO_EMMA} AND position = 2",
    "another spelling of a category": f"{AS_SHOWN}; INSERT INTO category_spelling"
    " SELECT id, 1, '{FICTION,Novels}' FROM category WHERE name = 'Novels';"
    f" UPDATE book_category SET spelling = 1 WHERE {TO_EMMA}",
}
OTHER_CHANGES = {
    "an author without books": "INSERT INTO author (source, source_id, name, sort_name) VALUES ('x', '1', 'X', 'X')",
    "an author without books less": "DELETE FROM author WHERE name = 'Nobody'",
    "an author without books renamed": "UPDATE author SET sort_name = 'Body, No' WHERE name = 'Nobody'",
    "an empty category": "INSERT INTO category (name) VALUES ('Science')",
    "an empty category less": "DELETE FROM category WHERE name = 'Empty'",
    "an empty category's spelling": "UPDATE category SET name = 'EMPTY' WHERE name = 'Empty'",
    "another book": "INSERT INTO book (source, source_id, title) VALUES ('s', '9', 'Emma')",
    "another book less": "DELETE FROM book WHERE title = 'Other'",
    "another book's field": "UPDATE book SET stock = 1 WHERE title = 'Other'",
}
DERIVED_CHANGES = {
    "views": "INSERT INTO book_view (book_id, viewed_on, views) SELECT id, current_date, 3 FROM book",
    "counters": "UPDATE category SET book_count = 7, rating_count = 7; UPDATE author SET book_count = 7",
    "the catalog's size": "UPDATE catalog_size SET books = 7",
    "listings": "DELETE FROM category_listing; UPDATE author_listing SET title_key = ''",
    "zeros after the point": "UPDATE book SET price = 9.500 WHERE title = 'Emma'",
    "the shown spellings": "INSERT INTO author_spelling SELECT id, 0, name, sort_name FROM author WHERE name = 'Ed';"
    " INSERT INTO category_spelling SELECT id, 3, '{Fiction,Novels}' FROM category WHERE name = 'Novels';"
    " UPDATE book_category SET spelling = 3",
    "rows rewritten": "UPDATE book SET stock = stock; UPDATE author SET name = name;"
    " UPDATE category SET name = name; UPDATE book_author SET role = role",
}


async def add_emma(connection: Connection) -> None:
    """Add a book with every field, and an author, a category and a book that it does not refer to."""
    novels = await add_category(connection, "Novels", await add_category(connection, "Fiction"))
    jane = {
        "source": "ol",
        "source_id": "OL1A",
        "sort_name": "Austen, Jane",
        "birth_year": 1775,
        "death_year": 1817,
    }
    authors = [
        await add_author(connection, "Jane Austen", **jane),
        (await add_author(connection, "Ed"), "EDITOR"),
    ]
    await add_author(connection, "Nobody")
    await add_category(connection, "Empty")
    await add_book(
        connection,
        "Emma",
        authors=authors,
        categories=[novels],
        source="s",
        source_id="1",
        isbn="9780306406157",
        language="en",
        published_year=1815,
        page_count=474,
        price=Decimal("9.5"),
        currency="EUR",
        stock=3,
        rating_average=Decimal(4),
        rating_count=9,
        series="Surrey",
    )
    await add_book(connection, "Other", source="s", source_id="3")


async def checksum_of_emma(connection: Connection) -> str:
    return await books_checksum(connection, source="s", source_ids=["1"])


@pytest.mark.parametrize("column", BOOK_CHANGES)
async def test_any_field_of_a_book_changes_the_checksum(connection: Connection, column: str) -> None:
    await add_emma(connection)
    before = await content_checksum(connection), await checksum_of_emma(connection)
    await connection.execute("ALTER TABLE book DROP CONSTRAINT book_published_agrees")

    await connection.execute(f"UPDATE book SET {column} = $1 WHERE title = 'Emma'", BOOK_CHANGES[column])

    after = await content_checksum(connection), await checksum_of_emma(connection)
    assert after[0] != before[0]
    assert after[1] != before[1]


@pytest.mark.parametrize("column", AUTHOR_CHANGES)
async def test_any_field_of_an_author_changes_the_checksum(connection: Connection, column: str) -> None:
    await add_emma(connection)
    before = await content_checksum(connection), await checksum_of_emma(connection)

    await connection.execute(
        f"UPDATE author SET {column} = {AUTHOR_CHANGES[column]} WHERE name = 'Jane Austen'"
    )

    after = await content_checksum(connection), await checksum_of_emma(connection)
    assert after[0] != before[0]
    assert after[1] != before[1]


@pytest.mark.parametrize("change", LINK_CHANGES)
async def test_any_link_of_a_book_and_the_linked_rows_change_the_checksum(
    connection: Connection, change: str
) -> None:
    await add_emma(connection)
    before = await content_checksum(connection), await checksum_of_emma(connection)
    await connection.execute("ALTER TABLE book_author DROP CONSTRAINT book_author_once")

    assert await connection.execute(LINK_CHANGES[change]) not in {"UPDATE 0", "DELETE 0", "INSERT 0 0"}

    after = await content_checksum(connection), await checksum_of_emma(connection)
    assert after[0] != before[0]
    assert after[1] != before[1]


@pytest.mark.parametrize("change", OTHER_CHANGES)
async def test_unrelated_content_changes_the_whole_checksum_but_not_that_of_the_book(
    connection: Connection, change: str
) -> None:
    await add_emma(connection)
    before = await content_checksum(connection), await checksum_of_emma(connection)

    await connection.execute(OTHER_CHANGES[change])

    after = await content_checksum(connection), await checksum_of_emma(connection)
    assert after[0] != before[0]
    assert after[1] == before[1]


@pytest.mark.parametrize("change", DERIVED_CHANGES)
async def test_derived_data_and_equal_values_do_not_change_the_checksum(
    connection: Connection, change: str
) -> None:
    await add_emma(connection)
    before = await content_checksum(connection), await checksum_of_emma(connection)

    await connection.execute(DERIVED_CHANGES[change])

    assert (await content_checksum(connection), await checksum_of_emma(connection)) == before


@pytest.mark.parametrize(
    "setting",
    [
        "datestyle = 'German'",
        "bytea_output = 'escape'",
        "enable_hashagg = off",
        "enable_hashjoin = off",
        "standard_conforming_strings = on",
        "work_mem = '64kB'",
    ],
)
async def test_session_settings_do_not_change_the_checksum(connection: Connection, setting: str) -> None:
    await add_emma(connection)
    await connection.execute(
        "UPDATE book SET published_on = '1815-12-23', description = E'A \"quoted\" \\\\ é' WHERE title = 'Emma'"
    )
    before = await content_checksum(connection), await checksum_of_emma(connection)

    await connection.execute(f"SET LOCAL {setting}")

    assert (await content_checksum(connection), await checksum_of_emma(connection)) == before


async def test_every_column_is_content_or_known_to_be_derived(connection: Connection) -> None:
    rows = await connection.fetch(
        "SELECT table_name::text, array_agg(column_name::text) FROM information_schema.columns"
        " WHERE table_name IN ('book', 'author', 'category', 'book_author', 'book_category') GROUP BY table_name"
    )

    assert {table: set(columns) for table, columns in rows} == {
        "book": {
            *BOOK_CHANGES,
            "id",
            "title_key",
            "published_key",
            "series_id",
            "series_key",
            "version",
            "updated_at",
        },
        "author": {
            *AUTHOR_CHANGES,
            "id",
            "book_count",
            "rating_count",
            "sort_key",
            "slug",
            "edited_at",
            "version",
        },
        "category": {
            "name",
            "parent_id",
            "path",
            "id",
            "book_count",
            "direct_book_count",
            "rating_count",
            "lineage",
            "sort_key",
            "edited_at",
            "version",
        },
        "book_author": {"book_id", "author_id", "position", "role", "spelling"},
        "book_category": {"book_id", "category_id", "spelling"},
    }


async def test_the_checksum_is_the_digest_of_buckets_of_line_digests(
    connection: Connection,
) -> None:
    empty = await content_checksum(connection)
    author = await add_author(connection, "Zoë")
    category = await add_category(connection, "Art")
    book = {
        "published_on": date(2001, 2, 3),
        "published_year": 2001,
        "price": Decimal("1.50"),
        "currency": "EUR",
    }
    await add_book(
        connection, "T", authors=[author], categories=[category], source="s", source_id="1", **book
    )

    of_book = dict.fromkeys(COLUMN_EXAMPLES) | {"title": "T", "stock": 0, "rating_count": 0}
    of_book |= {"published_year": 2001, "published_on": "2001-02-03", "price": 1.5, "currency": "EUR"}
    lines = [
        ["author", "name", "zoe", "Zoë", "Zoë", None, None],
        ["category", "art", "Art"],
        ["book", "s", "1", *of_book.values(), [[1, "AUTHOR", "name", "zoe"]], ["art"], True],
    ]
    digests = sorted(digest(json.dumps(line, ensure_ascii=False).encode()) for line in lines)
    buckets: dict[bytes, bytes] = {}
    for one in digests:
        buckets[one[:2]] = buckets.get(one[:2], b"") + one
    whole = digest(b"".join(digest(buckets[prefix]) for prefix in sorted(buckets)))
    assert await content_checksum(connection) == whole.hex()
    assert await books_checksum(connection, source="s", source_ids=["1"]) == whole.hex()
    assert await books_checksum(connection, source="s", source_ids=["2", ""]) == empty == digest(b"").hex()


def digest(value: bytes) -> bytes:
    return hashlib.sha256(value).digest()


@dataclass(frozen=True)
class Content:
    """A catalog as plain values: authors by source id, categories by the names down to them."""

    authors: frozenset[tuple[str, str]]
    categories: frozenset[tuple[str, ...]]
    books: frozenset[tuple[str, str, str | None, tuple[tuple[str, str], ...], frozenset[tuple[str, ...]]]]


TEXTS = st.text('a",[]\\: ', max_size=3)
NAMES = TEXTS.map(lambda tail: f"a{tail}")
ROLES = st.sampled_from(["AUTHOR", "EDITOR"])


@st.composite
def contents(draw: st.DrawFn) -> Content:
    """Draw small and similar contents, so that two of them are sometimes equal."""
    authors = draw(st.dictionaries(st.sampled_from("abc"), NAMES, min_size=1))
    tops = draw(st.frozensets(st.sampled_from("xy").map(lambda name: (name,)), min_size=1))
    below = draw(st.frozensets(st.sampled_from([(*top, name) for top in sorted(tops) for name in "xz"])))
    entries = st.lists(st.tuples(st.sampled_from(sorted(authors)), ROLES), unique=True, max_size=3).map(tuple)
    shelves = st.frozensets(st.sampled_from(sorted(tops | below)), max_size=2)
    sources = draw(st.frozensets(NAMES, max_size=3))
    books = [
        (source, draw(NAMES), draw(st.none() | TEXTS), draw(entries), draw(shelves)) for source in sources
    ]
    return Content(frozenset(authors.items()), tops | below, frozenset(books))


async def write(connection: Connection, content: Content, random: Random) -> None:
    """Write the content in random order, parents before their children."""

    def shuffle(values: Any) -> Sequence[Any]:
        values = sorted(values, key=repr)
        random.shuffle(values)
        return values

    authors = {
        source_id: await add_author(connection, name, source="s", source_id=source_id)
        for source_id, name in shuffle(content.authors)
    }
    categories: dict[tuple[str, ...], int] = {}
    for path in sorted(shuffle(content.categories), key=len):
        categories[path] = await add_category(connection, path[-1], categories.get(path[:-1]))
    for source_id, title, subtitle, entries, shelves in shuffle(content.books):
        await add_book(
            connection,
            title,
            source_id=source_id,
            subtitle=subtitle,
            authors=[(authors[name], role) for name, role in entries],
            categories=[categories[path] for path in shuffle(shelves)],
        )


async def checksum_of(connection: Connection, content: Content, seed: int) -> tuple[str, str]:
    """Return the checksums of a catalog with this content and of its books, and roll it back."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        await write(connection, content, Random(seed))
        source_ids = [source_id for source_id, *_ in content.books]
        restricted = await books_checksum(connection, source="test", source_ids=source_ids)
        return await content_checksum(connection), restricted
    finally:
        await transaction.rollback()


@SETTINGS
@given(contents(), st.integers(), st.integers())
async def test_order_and_ids_do_not_matter(
    connection: Connection, content: Content, one: int, other: int
) -> None:
    assert await checksum_of(connection, content, one) == await checksum_of(connection, content, other)


@SETTINGS
@given(contents(), st.none() | contents())
async def test_only_equal_contents_have_equal_checksums(
    connection: Connection, one: Content, drawn: Content | None
) -> None:
    other = drawn or one
    first, of_first_books = await checksum_of(connection, one, 1)
    second, of_second_books = await checksum_of(connection, other, 2)

    assert (first == second) == (one == other)
    assert (of_first_books == of_second_books) == (reachable_part(one) == reachable_part(other))


def reachable_part(content: Content) -> Content:
    """Return the part of a content that its books refer to, including ancestors of their categories."""
    keys = {key for *_, entries, _ in content.books for key, _ in entries}
    paths = {path for *_, shelves in content.books for path in shelves}
    return replace(
        content,
        authors=frozenset((key, name) for key, name in content.authors if key in keys),
        categories=frozenset(path[:depth] for path in paths for depth in range(1, len(path) + 1)),
    )
