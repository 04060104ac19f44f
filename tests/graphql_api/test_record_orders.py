"""Authors and categories in each order: pages in both directions, with filters, and counters kept by triggers."""

from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from db import authors, categories
from graphql_api.schema.record_orders import (
    AUTHOR_SORT_KEYS,
    CATEGORY_SORT_KEYS,
    AuthorOrderField,
    CategoryOrderField,
)
from tests.catalogs import add_author, add_book, add_category
from tests.graphql_api.conftest import Client

QUERIES = {
    "authors": """
        query ($orderBy: AuthorOrder, $first: Int, $after: String, $last: Int, $before: String, $filter: AuthorFilter) {
          found: authors(orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before, filter: $filter) {
            totalCount nodes { name } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
          }
        }
    """,
    "categories": """
        query ($orderBy: CategoryOrder, $first: Int, $after: String, $last: Int, $before: String,
               $filter: CategoryFilter, $rootsOnly: Boolean! = false) {
          found: categories(orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before, filter: $filter,
                            rootsOnly: $rootsOnly) {
            totalCount nodes { name } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
          }
        }
    """,
}
ORDERS = {
    ("NAME", "ASC"): ["Ann", "Bob", "Cleo", "Dora"],
    ("NAME", "DESC"): ["Dora", "Cleo", "Bob", "Ann"],
    ("BOOK_COUNT", "DESC"): ["Cleo", "Bob", "Ann", "Dora"],
    ("BOOK_COUNT", "ASC"): ["Dora", "Ann", "Bob", "Cleo"],
    ("POPULARITY", "DESC"): ["Ann", "Cleo", "Bob", "Dora"],
    ("POPULARITY", "ASC"): ["Dora", "Bob", "Cleo", "Ann"],
}


@pytest.fixture
async def shelves(connection: asyncpg.Connection) -> None:
    """Add four authors and four root categories of the same names, with 1, 2, 3 and 0 books.

    A child of the first category has its book.
    """
    names = ("Bob", "Ann", "Cleo", "Dora")
    people = {name: await add_author(connection, name) for name in names}
    roots = {name: await add_category(connection, name) for name in names}
    child = await add_category(connection, "Zoo", roots["Ann"])
    for name, ratings in (("Bob", (1, 0)), ("Ann", (9,)), ("Cleo", (0, 2, 0))):
        for number, count in enumerate(ratings):
            await add_book(
                connection,
                f"{name} {number}",
                authors=[people[name]],
                categories=[child if name == "Ann" else roots[name]],
                rating_count=count,
                rating_average=Decimal(4) if count else None,
            )


async def read_pages(client: Client, kind: str, size: int, *, backward: bool, **variables: Any) -> list[str]:
    """Return the names of all pages, in list order."""
    names: list[str] = []
    for _ in range(10):
        page_arguments = {"last" if backward else "first": size, **variables}
        page = (await client.data(QUERIES[kind], **page_arguments))["found"]
        found = [node["name"] for node in page["nodes"]]
        names = found + names if backward else names + found
        if not page["pageInfo"]["hasPreviousPage" if backward else "hasNextPage"]:
            return names
        variables["before" if backward else "after"] = page["pageInfo"][
            "startCursor" if backward else "endCursor"
        ]
    raise AssertionError("the list has no end")


@pytest.mark.parametrize(("field", "direction"), ORDERS)
@pytest.mark.parametrize("backward", [False, True])
async def test_pages_of_records_are_in_the_order(
    client: Client, shelves: None, field: str, direction: str, backward: bool
) -> None:
    order_by = {"field": field, "direction": direction}

    by_author = await read_pages(client, "authors", 3, backward=backward, orderBy=order_by)
    assert sorted(client.statements) == ["count_of_authors", "page_of_authors"]
    roots = await read_pages(client, "categories", 3, backward=backward, orderBy=order_by, rootsOnly=True)
    every = await read_pages(client, "categories", 2, backward=backward, orderBy=order_by)

    assert by_author == ORDERS[field, direction]
    assert roots == ORDERS[field, direction]
    assert [name for name in every if name != "Zoo"] == ORDERS[field, direction]


@pytest.mark.parametrize("kind", ["authors", "categories"])
async def test_the_largest_come_first_by_default(client: Client, shelves: None, kind: str) -> None:
    async def names(**order: Any) -> list[str]:
        data = await client.data(QUERIES[kind], filter={"not": {"name": {"eq": "zoo"}}}, **order)
        assert data["found"]["totalCount"] == 4
        return [node["name"] for node in data["found"]["nodes"]]

    assert await names() == ORDERS["NAME", "ASC"]
    assert await names(orderBy=None) == ORDERS["NAME", "ASC"]
    for field in ("NAME", "BOOK_COUNT", "POPULARITY"):
        default = "ASC" if field == "NAME" else "DESC"
        assert await names(orderBy={"field": field}) == ORDERS[field, default]
        assert await names(orderBy={"field": field, "direction": None}) == ORDERS[field, default]


@pytest.mark.parametrize("kind", ["authors", "categories"])
async def test_a_filtered_list_is_in_the_order(client: Client, shelves: None, kind: str) -> None:
    filter_input = {"or": [{"name": {"startsWith": "b"}}, {"name": {"contains": "n"}}]}

    data = await client.data(QUERIES[kind], orderBy={"field": "POPULARITY"}, filter=filter_input)

    assert [node["name"] for node in data["found"]["nodes"]] == ["Ann", "Bob"]


async def test_a_cursor_belongs_to_one_order(client: Client, shelves: None) -> None:
    by_name = await client.data(QUERIES["authors"], first=1)
    cursor = by_name["found"]["pageInfo"]["endCursor"]

    error = await client.error(
        "query ($after: String) { authors(orderBy: {field: POPULARITY}, after: $after) { nodes { name } } }",
        after=cursor,
    )

    assert error["extensions"] == {"code": "BAD_USER_INPUT", "argument": "after"}
    assert "a list with another order" in error["message"]


async def test_the_ratings_of_a_category_follow_its_books(connection: asyncpg.Connection) -> None:
    root = await add_category(connection, "Root")
    child = await add_category(connection, "Child", root)
    other = await add_category(connection, "Other")

    async def ratings() -> dict[str, int]:
        rows = await connection.fetch("SELECT name, rating_count FROM category ORDER BY name")
        return {row["name"]: row["rating_count"] for row in rows}

    rated = {"rating_average": Decimal(4), "rating_count": 5}
    book = await add_book(connection, "Emma", categories=[child], **rated)
    await add_book(connection, "Nana", categories=[root], **rated)
    assert await ratings() == {"Child": 5, "Other": 0, "Root": 10}

    await connection.execute("UPDATE book SET rating_count = 8 WHERE id = $1", book)
    assert await ratings() == {"Child": 8, "Other": 0, "Root": 13}

    await connection.execute("UPDATE book_category SET category_id = $1 WHERE book_id = $2", other, book)
    assert await ratings() == {"Child": 0, "Other": 8, "Root": 5}

    await connection.execute("UPDATE category SET parent_id = $1 WHERE id = $2", root, other)
    assert await ratings() == {"Child": 0, "Other": 8, "Root": 13}

    await connection.execute("UPDATE book SET is_published = false WHERE id = $1", book)
    assert await ratings() == {"Child": 0, "Other": 0, "Root": 5}


def test_the_sort_keys_of_the_schema_are_those_of_the_catalog() -> None:
    assert set(AUTHOR_SORT_KEYS) == set(AuthorOrderField)
    assert set(AUTHOR_SORT_KEYS.values()) == set(authors.SORT_KEYS)
    assert set(CATEGORY_SORT_KEYS) == set(CategoryOrderField)
    assert set(CATEGORY_SORT_KEYS.values()) == set(categories.SORT_KEYS)
