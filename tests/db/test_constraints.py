"""PostgreSQL rejects invalid data by itself, with constraints that have descriptive names."""

from datetime import date
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from tests.catalogs import add_author, add_book, add_category, insert_row

REFUSED_BOOKS = [
    ("book_title_not_blank", {"title": " \t"}),
    ("book_title_length", {"title": "x" * 2001}),
    ("book_source_not_blank", {"source": " "}),
    ("book_source_not_blank", {"source_id": ""}),
    ("book_isbn_valid", {"isbn": "9780306406158"}),
    ("book_isbn_valid", {"isbn": "0306406152"}),
    ("book_isbn_valid", {"isbn": "978-0306406157"}),
    ("book_isbn_valid", {"isbn": "9770306406157"}),
    ("book_language_tag", {"language": "English"}),
    ("book_language_tag", {"language": ""}),
    ("book_published_year_range", {"published_year": 10000}),
    ("book_published_agrees", {"published_year": 1900, "published_on": date(1901, 1, 1)}),
    ("book_published_agrees", {"published_on": date(1901, 1, 1)}),
    ("book_page_count_positive", {"page_count": 0}),
    ("book_price_not_negative", {"price": Decimal("-0.01"), "currency": "EUR"}),
    ("book_price_range", {"price": Decimal("NaN"), "currency": "EUR"}),
    ("book_price_range", {"price": Decimal(10) ** 10, "currency": "EUR"}),
    ("book_price_range", {"price": Decimal("0.00001"), "currency": "EUR"}),
    ("book_price_with_currency", {"price": Decimal("1")}),
    ("book_price_with_currency", {"currency": "EUR"}),
    ("book_currency_code", {"price": Decimal("1"), "currency": "eur"}),
    ("book_currency_code", {"price": Decimal("1"), "currency": "EURO"}),
    ("book_stock_not_negative", {"stock": -1}),
    ("book_rating_range", {"rating_average": Decimal("5.01"), "rating_count": 1}),
    ("book_rating_counted", {"rating_average": Decimal("5"), "rating_count": 0}),
    ("book_rating_counted", {"rating_count": 1}),
    ("book_rating_counted", {"rating_count": -1}),
]


async def violated_constraint(connection: asyncpg.Connection, statement: str, *arguments: Any) -> str | None:
    """Return the name of the constraint that rejects a statement; the statement is rolled back."""
    with pytest.raises(asyncpg.IntegrityConstraintViolationError) as caught:
        async with connection.transaction():
            await connection.execute(statement, *arguments)
    return caught.value.constraint_name


@pytest.mark.parametrize(("constraint", "columns"), REFUSED_BOOKS, ids=str)
async def test_an_invalid_book_is_rejected(
    connection: asyncpg.Connection, constraint: str, columns: dict[str, Any]
) -> None:
    await add_book(connection, "There")

    with pytest.raises(asyncpg.CheckViolationError) as caught:
        async with connection.transaction():
            await insert_row(connection, "book", {"source": "s", "source_id": "1", "title": "T", **columns})

    assert caught.value.constraint_name == constraint
    assert await connection.fetch("SELECT title FROM book") == [("There",)]


async def test_a_book_at_every_limit_is_accepted(connection: asyncpg.Connection) -> None:
    await add_book(
        connection,
        "x" * 2000,
        source_id="1",
        isbn="9790306406156",
        language="zh-Hant-TW",
        published_year=1,
        published_on=date(1, 1, 2),
        price=Decimal("9999999999.9999"),
        currency="JPY",
        rating_average=Decimal("5.00"),
        rating_count=1,
    )
    await add_book(connection, "B.C.", published_year=-9999)

    assert await connection.fetch("SELECT title_key, published_key FROM book ORDER BY id") == [
        ("x" * 80, 10102),
        ("b.c.", -99990000),
    ]


@pytest.mark.parametrize(
    ("constraint", "columns"),
    [
        ("author_name_not_blank", {"name": " "}),
        ("author_name_not_blank", {"sort_name": ""}),
        ("author_name_length", {"name": "x" * 501}),
        ("author_source_not_blank", {"source_id": " "}),
        ("author_name_is_key", {"source": "name", "source_id": "someone-else"}),
        ("author_born_before_death", {"birth_year": 1900, "death_year": 1899}),
    ],
)
async def test_an_invalid_author_is_rejected(
    connection: asyncpg.Connection, constraint: str, columns: dict[str, Any]
) -> None:
    with pytest.raises(asyncpg.CheckViolationError) as caught:
        await insert_row(
            connection, "author", {"source": "s", "source_id": "1", "name": "N", "sort_name": "N", **columns}
        )

    assert caught.value.constraint_name == constraint


async def test_duplicates_are_rejected(connection: asyncpg.Connection) -> None:
    author = await add_author(connection, "Jane Austen")
    category = await add_category(connection, "Fiction")
    book = await add_book(connection, "Emma", isbn="9780306406157", authors=[author], categories=[category])
    other = await add_book(connection, "Persuasion")

    async def find_violated(statement: str, *arguments: Any) -> str | None:
        return await violated_constraint(connection, statement, *arguments)

    assert (
        await find_violated("INSERT INTO book (source, source_id, title) VALUES ('test', 'Emma', 'E')")
        == "book_source_key"
    )
    assert (
        await find_violated("UPDATE book SET isbn = '9780306406157' WHERE id = $1", other) == "book_isbn_key"
    )
    assert (
        await find_violated(
            "INSERT INTO author (source, source_id, name, sort_name)"
            " VALUES ('name', 'jane-austen', 'JANE AUSTEN', 'AUSTEN')"
        )
        == "author_source_key"
    )
    assert (
        await find_violated(
            "INSERT INTO author (source, source_id, name, sort_name)"
            " VALUES ('jane', 'austen', 'x', 'x'), ('jane', 'austen', 'y', 'y')"
        )
        == "author_source_key"
    )
    assert await find_violated("INSERT INTO category (name) VALUES ('FICTION!')") == "category_path_key"
    assert (
        await find_violated(
            "INSERT INTO book_author (book_id, position, author_id) VALUES ($1, 1, $2)", book, author
        )
        == "book_author_pkey"
    )
    assert (
        await find_violated(
            "INSERT INTO book_author (book_id, position, author_id) VALUES ($1, 2, $2)", book, author
        )
        == "book_author_once"
    )
    assert (
        await find_violated(
            "INSERT INTO book_category (book_id, category_id) VALUES ($1, $2)", book, category
        )
        == "book_category_pkey"
    )
    assert await find_violated("INSERT INTO catalog_size DEFAULT VALUES") == "catalog_size_pkey"
    assert await find_violated("INSERT INTO catalog_size (single) VALUES (false)") == "catalog_size_single"


async def test_references_to_missing_rows_are_rejected(connection: asyncpg.Connection) -> None:
    author = await add_author(connection, "A")
    parent = await add_category(connection, "P")
    await add_category(connection, "C", parent)
    book = await add_book(connection, "B", authors=[author], categories=[parent])

    async def find_violated(statement: str, *arguments: Any) -> str | None:
        return await violated_constraint(connection, statement, *arguments)

    add_author_link = "INSERT INTO book_author (book_id, position, author_id) VALUES ($1, 9, $2)"
    add_category_link = "INSERT INTO book_category (book_id, category_id) VALUES ($1, $2)"
    assert await find_violated(add_author_link, 0, author) == "book_author_book_fkey"
    assert await find_violated(add_author_link, book, 0) == "book_author_author_fkey"
    assert await find_violated(add_category_link, 0, parent) == "book_category_book_fkey"
    assert await find_violated(add_category_link, book, 0) == "book_category_category_fkey"
    assert (
        await find_violated("INSERT INTO category (name, parent_id) VALUES ('x', 0)")
        == "category_parent_fkey"
    )
    assert await find_violated("DELETE FROM author WHERE id = $1", author) == "book_author_author_fkey"
    assert await find_violated("DELETE FROM category WHERE id = $1", parent) == "category_parent_fkey"
    assert (
        await find_violated(
            "INSERT INTO author_listing (author_id, book_id, title_key) VALUES ($1, 0, '')", author
        )
        == "author_listing_book_fkey"
    )
    assert (
        await find_violated(
            "INSERT INTO category_listing (category_id, book_id, direct, title_key) VALUES (0, $1, true, '')",
            book,
        )
        == "category_listing_category_fkey"
    )
    bad_role = "INSERT INTO book_author (book_id, position, author_id, role) VALUES ($1, 2, $2, 'COOK')"
    assert await find_violated(bad_role, book, author) == "book_author_role"
    assert await find_violated(add_author_link.replace("9", "0"), book, author) == "book_author_position"


async def test_a_category_cannot_be_its_own_descendant(connection: asyncpg.Connection) -> None:
    top = await add_category(connection, "Top")
    middle = await add_category(connection, "Middle", top)
    leaf = await add_category(connection, "Leaf", middle)
    move = "UPDATE category SET parent_id = $2 WHERE id = $1"

    assert await violated_constraint(connection, move, top, top) == "category_not_under_itself"
    assert await violated_constraint(connection, move, top, middle) == "category_no_cycle"
    assert await violated_constraint(connection, move, top, leaf) == "category_no_cycle"
    assert await violated_constraint(connection, move, middle, leaf) == "category_no_cycle"


async def test_the_category_tree_has_a_maximum_depth(connection: asyncpg.Connection) -> None:
    parent = None
    for number in range(32):
        parent = await add_category(connection, str(number), parent)
    add = "INSERT INTO category (name, parent_id) VALUES ($1, $2)"

    assert await violated_constraint(connection, add, "too deep", parent) == "category_depth"
    assert await violated_constraint(connection, add, " ", None) == "category_name_not_blank"
    assert await violated_constraint(connection, add, "x" * 501, None) == "category_name_length"
    wide = await add_category(connection, "é" * 499, await add_category(connection, "字" * 490))
    assert await violated_constraint(connection, add, "字" * 100, wide) == "category_path_length"
