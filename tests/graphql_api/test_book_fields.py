"""Fields of a book that storefronts show: availability, excerpts of descriptions, and covers."""

from datetime import date
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from graphql_api.schema.availability import BookAvailability, availability_on
from tests.catalogs import add_author, add_book
from tests.graphql_api.conftest import Client

TODAY = date(2026, 6, 15)
PRICED = {"price": "9.00", "stock": 0, "published_on": None, "published_year": None}


@pytest.mark.parametrize(
    ("values", "availability"),
    [
        ({"price": None, "stock": 3}, "NOT_FOR_SALE"),
        ({"price": None, "published_year": 2027}, "NOT_FOR_SALE"),
        ({"price": "0.00", "stock": 1}, "IN_STOCK"),
        ({"stock": 1, "published_year": 2027}, "IN_STOCK"),
        ({}, "OUT_OF_STOCK"),
        ({"published_year": 2026}, "OUT_OF_STOCK"),
        ({"published_year": 2027}, "PRE_ORDER"),
        ({"published_year": -400}, "OUT_OF_STOCK"),
        ({"published_year": 2026, "published_on": date(2026, 6, 15)}, "OUT_OF_STOCK"),
        ({"published_year": 2026, "published_on": date(2026, 6, 16)}, "PRE_ORDER"),
    ],
)
def test_availability_is_what_price_stock_and_publication_say(
    values: dict[str, Any], availability: str
) -> None:
    book: Any = PRICED | values

    assert availability_on(book, TODAY) is BookAvailability[availability]


async def test_the_api_returns_availability_and_stock(client: Client, connection: asyncpg.Connection) -> None:
    price = {"price": Decimal(9), "currency": "EUR"}
    await add_book(connection, "Emma", stock=2, **price)
    await add_book(connection, "Future", published_year=9999, **price)
    await add_book(connection, "Gone", **price)
    await add_book(connection, "Hidden", stock=1)

    data = await client.data("{ books { nodes { availability inStock stock } } }")

    assert data["books"]["nodes"] == [
        {"availability": "IN_STOCK", "inStock": True, "stock": 2},
        {"availability": "PRE_ORDER", "inStock": False, "stock": 0},
        {"availability": "OUT_OF_STOCK", "inStock": False, "stock": 0},
        {"availability": "NOT_FOR_SALE", "inStock": True, "stock": 1},
    ]
    assert client.statements == ["page_of_books"]


async def test_a_description_is_cut_between_words(client: Client, connection: asyncpg.Connection) -> None:
    await add_book(connection, "Emma", description="Handsome, clever, and rich.")
    await add_book(connection, "Nana")
    query = "query ($at: Int) { books { nodes { description(truncateAt: $at) } } }"

    async def descriptions(**variables: Any) -> list[str | None]:
        data = await client.data(query, **variables)
        return [node["description"] for node in data["books"]["nodes"]]

    assert await descriptions() == ["Handsome, clever, and rich.", None]
    assert await descriptions(at=None) == ["Handsome, clever, and rich.", None]
    assert await descriptions(at=27) == ["Handsome, clever, and rich.", None]
    assert await descriptions(at=26) == ["Handsome, clever, and…", None]
    assert await descriptions(at=1) == ["…", None]


@pytest.mark.parametrize("length", [0, -1])
async def test_a_length_below_one_is_rejected(
    client: Client, connection: asyncpg.Connection, length: int
) -> None:
    await add_book(connection, "Emma", description="Handsome.")

    error = await client.error(f"{{ books {{ nodes {{ description(truncateAt: {length}) }} }} }}")

    assert error["extensions"] == {"code": "BAD_USER_INPUT", "argument": "truncateAt"}
    assert error["message"] == f"truncateAt is {length}; it must be at least 1."


async def test_a_cover_has_a_text_of_title_and_byline(client: Client, connection: asyncpg.Connection) -> None:
    people = [await add_author(connection, name) for name in ("Ann", "Bob", "Cleo", "Dora")]
    ann, bob, *_ = people
    url = "https://covers.example/1.jpg"
    await add_book(connection, "All", cover_url=url, authors=people)
    await add_book(connection, "Edited", cover_url=url, authors=[(ann, "TRANSLATOR"), (bob, "EDITOR")])
    await add_book(connection, "Nobody's", cover_url=url)
    await add_book(connection, "Plain", authors=[ann])

    data = await client.data("{ books { nodes { cover { url alt } coverUrl authors { name } } } }")

    assert [node["cover"] for node in data["books"]["nodes"]] == [
        {"url": url, "alt": "All – Ann, Bob, Cleo, …"},
        {"url": url, "alt": "Edited – Bob"},
        {"url": url, "alt": "Nobody's"},
        None,
    ]
    assert [node["coverUrl"] for node in data["books"]["nodes"]] == [url, url, url, None]
    assert client.statements == ["page_of_books", "authors_by_book_ids"]


async def test_a_cover_without_its_text_reads_no_authors(
    client: Client, connection: asyncpg.Connection
) -> None:
    await add_book(connection, "Emma", cover_url="https://covers.example/1.jpg")

    await client.data("{ books { nodes { cover { url } } } }")

    assert client.statements == ["page_of_books"]
