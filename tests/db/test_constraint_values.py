"""The constraints and functions of the database have the values of db.constraints."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from db.constraints import (
    BOOK_FORMATS,
    CONTRIBUTOR_ROLES,
    MAX_CATEGORY_DEPTH,
    MAX_CATEGORY_PATH_BYTES,
    MAX_NAME_KEY_LENGTH,
    MAX_NAME_LENGTH,
    MAX_PRICE_DECIMALS,
    MAX_SORT_KEY_LENGTH,
    MAX_TITLE_LENGTH,
    MAX_YEAR,
    PRICE_LIMIT,
    TIER_THRESHOLDS,
)
from db.importing.field_parsers import parse_format, parse_role
from db.search.popularity_tiers import TIER_LEXEMES
from tests.catalogs import add_author, add_book, add_category, insert_row

HIGHEST_PRICE = PRICE_LIMIT - Decimal(1).scaleb(-MAX_PRICE_DECIMALS)
BOOK = {"source": "s", "source_id": "1", "title": "T"}
AUTHOR = {"source": "s", "source_id": "1", "name": "N", "sort_name": "N"}

LIMITS: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    (
        "book_title_length",
        "book",
        {**BOOK, "title": "x" * MAX_TITLE_LENGTH},
        {**BOOK, "title": "x" * (MAX_TITLE_LENGTH + 1)},
    ),
    (
        "book_published_year_range",
        "book",
        {**BOOK, "published_year": MAX_YEAR},
        {**BOOK, "published_year": MAX_YEAR + 1},
    ),
    (
        "book_published_year_range",
        "book",
        {**BOOK, "published_year": -MAX_YEAR},
        {**BOOK, "published_year": -MAX_YEAR - 1},
    ),
    (
        "book_price_range",
        "book",
        {**BOOK, "price": HIGHEST_PRICE, "currency": "EUR"},
        {**BOOK, "price": Decimal(PRICE_LIMIT), "currency": "EUR"},
    ),
    (
        "book_price_range",
        "book",
        {**BOOK, "price": Decimal(1).scaleb(-MAX_PRICE_DECIMALS), "currency": "EUR"},
        {**BOOK, "price": Decimal(1).scaleb(-MAX_PRICE_DECIMALS - 1), "currency": "EUR"},
    ),
    (
        "book_publisher_length",
        "book",
        {**BOOK, "publisher": "x" * MAX_NAME_LENGTH},
        {**BOOK, "publisher": "x" * (MAX_NAME_LENGTH + 1)},
    ),
    (
        "author_name_length",
        "author",
        {**AUTHOR, "name": "x" * MAX_NAME_LENGTH},
        {**AUTHOR, "name": "x" * (MAX_NAME_LENGTH + 1)},
    ),
    (
        "author_name_is_key",
        "author",
        {**AUTHOR, "source": "name", "name": "x" * 300, "source_id": "x" * MAX_NAME_KEY_LENGTH},
        {**AUTHOR, "source": "name", "name": "x" * 300, "source_id": "x" * (MAX_NAME_KEY_LENGTH + 1)},
    ),
    (
        "category_name_length",
        "category",
        {"name": "x" * MAX_NAME_LENGTH},
        {"name": "x" * (MAX_NAME_LENGTH + 1)},
    ),
]


@pytest.mark.parametrize(("constraint", "table", "accepted", "rejected"), LIMITS)
async def test_a_constraint_accepts_the_limit_and_rejects_what_is_beyond_it(
    connection: asyncpg.Connection,
    constraint: str,
    table: str,
    accepted: dict[str, Any],
    rejected: dict[str, Any],
) -> None:
    await connection.execute("SAVEPOINT limit_is_accepted")
    await insert_row(connection, table, accepted)
    await connection.execute("ROLLBACK TO SAVEPOINT limit_is_accepted")

    with pytest.raises(asyncpg.CheckViolationError) as caught:
        await insert_row(connection, table, rejected)

    assert caught.value.constraint_name == constraint


async def test_a_category_has_at_most_the_maximum_of_levels(connection: asyncpg.Connection) -> None:
    category = None
    for level in range(MAX_CATEGORY_DEPTH):
        category = await add_category(connection, f"Level {level}", category)

    with pytest.raises(asyncpg.CheckViolationError) as caught:
        await add_category(connection, "One more", category)

    assert caught.value.constraint_name == "category_depth"


async def test_a_category_path_has_at_most_the_maximum_of_bytes(connection: asyncpg.Connection) -> None:
    category = None
    for _ in range(4):
        category = await add_category(connection, "x" * (MAX_CATEGORY_PATH_BYTES // 4 - 1), category)
    assert await connection.fetchval("SELECT max(octet_length(path)) FROM category") == (
        MAX_CATEGORY_PATH_BYTES - 1
    )

    with pytest.raises(asyncpg.CheckViolationError) as caught:
        await add_category(connection, "x", category)

    assert caught.value.constraint_name == "category_path_length"


async def test_every_sort_key_is_cut_at_the_same_length(connection: asyncpg.Connection) -> None:
    await add_book(connection, "x" * 200)
    await add_author(connection, "x" * 200)
    await add_category(connection, "x" * 200)

    assert (
        await connection.fetch(
            "SELECT length(title_key) FROM book UNION ALL SELECT length(sort_key) FROM author"
            " UNION ALL SELECT length(sort_key) FROM category"
        )
        == [(MAX_SORT_KEY_LENGTH,)] * 3
    )


@pytest.mark.parametrize(
    ("constraint", "parse", "values"),
    [("book_author_role", parse_role, CONTRIBUTOR_ROLES), ("book_format_known", parse_format, BOOK_FORMATS)],
)
async def test_the_constraint_the_parser_and_the_code_have_the_same_values(
    connection: asyncpg.Connection, constraint: str, parse: Callable[[str], str], values: tuple[str, ...]
) -> None:
    definition = await connection.fetchval(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = $1", constraint
    )

    assert re.findall(r"'(\w+)'", definition) == list(values)
    assert [parse(value.title()) for value in values] == list(values)


async def test_a_rating_count_at_a_threshold_is_in_the_next_popularity_tier(
    connection: asyncpg.Connection,
) -> None:
    counts = [count for threshold in TIER_THRESHOLDS for count in (threshold - 1, threshold)]

    tiers = await connection.fetch(
        "SELECT popularity(n)::text FROM unnest($1::integer[]) WITH ORDINALITY AS u (n, place) ORDER BY place",
        [*counts, 2**31 - 1],
    )

    documents = [f"'{lexeme}'" if len(lexeme) == 2 else f"'#3' '{lexeme}'" for lexeme in TIER_LEXEMES]
    expected = [tier for number in range(len(TIER_THRESHOLDS)) for tier in (number, number + 1)]
    assert tiers == [(documents[tier],) for tier in [*expected, len(TIER_THRESHOLDS)]]
