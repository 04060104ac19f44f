"""Facets in one shape: labels, counts, and filters that a client can send back."""

from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from graphql_api.schema.facet_values import language_name
from graphql_api.schema.ids import global_id
from tests.catalogs import add_author, add_book, add_category
from tests.graphql_api.conftest import Client

ALL = """
query ($filter: BookFilter, $fields: [FacetField!], $first: Int! = 10) {
  books(filter: $filter) {
    totalCount
    facets {
      all(fields: $fields, first: $first) {
        field label isCapped
        values { __typename label count filter ... on DecadeCount { decade } ... on CategoryCount { category { path } } }
      }
    }
  }
}
"""


@pytest.fixture
async def catalog(connection: asyncpg.Connection) -> dict[str, str]:
    """Add six books; return the global ids of their author and category."""
    jane = await add_author(connection, "Jane Austen")
    fiction = await add_category(connection, "Fiction")
    novels = await add_category(connection, "Novels", fiction)
    rows: list[dict[str, Any]] = [
        {"language": "en", "published_year": 1815, "price": Decimal("9.99"), "currency": "EUR"},
        {"language": "en", "published_year": 1810, "price": Decimal(5), "currency": "EUR"},
        {"language": "pt-BR", "published_year": 9999, "price": Decimal(150), "currency": "EUR"},
        {"language": "tlh", "published_year": -9999, "price": Decimal("0.50"), "currency": "USD"},
        {"published_year": -45, "rating_average": Decimal("4.99"), "rating_count": 3},
        {"published_year": 3, "rating_average": Decimal(5), "rating_count": 1},
    ]
    for number, row in enumerate(rows):
        authors, categories = ([jane], [novels]) if number < 2 else ([], [])
        await add_book(connection, f"Book {number}", authors=authors, categories=categories, **row)
    return {"jane": global_id("Author", jane), "fiction": global_id("Category", fiction)}


async def test_every_facet_has_the_same_shape(client: Client, catalog: dict[str, str]) -> None:
    data = await client.data(ALL)

    facets = data["books"]["facets"]["all"]
    assert [(facet["field"], facet["label"], facet["isCapped"]) for facet in facets] == [
        ("CATEGORIES", "Category", False),
        ("AUTHORS", "Author", False),
        ("LANGUAGES", "Language", False),
        ("PRICES", "Price", False),
        ("DECADES", "Decade", False),
        ("RATINGS", "Rating", False),
    ]
    values = {
        facet["field"]: [(each["label"], each["count"], each["filter"]) for each in facet["values"]]
        for facet in facets
    }
    assert values == {
        "CATEGORIES": [("Fiction", 2, {"category": {"eq": catalog["fiction"]}})],
        "AUTHORS": [("Jane Austen", 2, {"author": {"eq": catalog["jane"]}})],
        "LANGUAGES": [
            ("English", 2, {"language": {"eq": "en"}}),
            ("Brazilian Portuguese", 1, {"language": {"eq": "pt-BR"}}),
            ("Klingon", 1, {"language": {"eq": "tlh"}}),
        ],
        "PRICES": [
            ("5 to 10 EUR", 2, {"price": {"currency": "EUR", "gte": "5", "lt": "10"}, "currency": None}),
            ("100 EUR and more", 1, {"price": {"currency": "EUR", "gte": "100"}, "currency": None}),
            ("Below 5 USD", 1, {"price": {"currency": "USD", "gte": "0", "lt": "5"}, "currency": None}),
        ],
        "DECADES": [
            ("9990s", 1, {"published": {"gte": 9990, "lte": 9999}}),
            ("1810s", 2, {"published": {"gte": 1810, "lte": 1819}}),
            ("0s", 1, {"published": {"gte": 0, "lte": 9}}),
            ("50 to 41 BC", 1, {"published": {"gte": -50, "lte": -41}}),
            ("10000 to 9991 BC", 1, {"published": {"gte": -9999, "lte": -9991}}),
        ],
        "RATINGS": [
            ("5 stars", 1, {"rating": {"gte": 5}}),
            ("4 to 5 stars", 1, {"rating": {"gte": 4, "lt": 5}}),
        ],
    }
    assert facets[0]["values"][0]["category"] == {"path": "fiction"}
    assert sorted(client.statements) == [
        "categories_by_ids",
        "count_of_books",
        "page_of_books_facets",
    ]


async def test_the_filter_of_a_value_selects_the_books_that_it_counts(
    client: Client, catalog: dict[str, str]
) -> None:
    data = await client.data(ALL)
    values = [each for facet in data["books"]["facets"]["all"] for each in facet["values"]]
    assert len(values) == 15

    for value in values:
        # The condition on the same field is replaced, also one in the older form.
        current = {"currency": {"eq": "CHF"}, "not": {"isbn": {"eq": "9780306406157"}}}
        chosen = {**current, **value["filter"]} if "price" in value["filter"] else value["filter"]
        narrowed = await client.data(ALL, filter=chosen)

        assert narrowed["books"]["totalCount"] == value["count"], value


async def test_a_facet_shows_the_alternatives_to_its_own_condition(
    client: Client, catalog: dict[str, str]
) -> None:
    chosen = {"language": {"eq": "en"}}

    data = await client.data(ALL, filter=chosen, fields=["LANGUAGES", "PRICES"])

    assert [
        (facet["field"], [(each["label"], each["count"]) for each in facet["values"]])
        for facet in data["books"]["facets"]["all"]
    ] == [
        ("LANGUAGES", [("English", 2), ("Brazilian Portuguese", 1), ("Klingon", 1)]),
        ("PRICES", [("5 to 10 EUR", 2)]),
    ]


async def test_facets_are_those_of_the_fields_in_their_order(client: Client, catalog: dict[str, str]) -> None:
    data = await client.data(ALL, fields=["RATINGS", "AUTHORS", "RATINGS"], first=1)

    assert [(facet["field"], len(facet["values"])) for facet in data["books"]["facets"]["all"]] == [
        ("RATINGS", 1),
        ("AUTHORS", 1),
    ]
    assert (await client.data(ALL, fields=[]))["books"]["facets"]["all"] == []
    assert len((await client.data(ALL, fields=None))["books"]["facets"]["all"]) == 6


@pytest.mark.parametrize("first", [-1, 51])
async def test_the_number_of_values_is_limited(client: Client, first: int) -> None:
    error = await client.error(f"{{ books {{ facets {{ all(first: {first}) {{ label }} }} }} }}")

    assert error["extensions"] == {"code": "BAD_USER_INPUT", "argument": "first"}


async def test_the_facets_of_a_category_count_its_children(client: Client, catalog: dict[str, str]) -> None:
    query = (
        'query { category(by: {path: "fiction"}) { books(filter: {language: {eq: "en"}}) { facets { '
        "all(fields: [CATEGORIES]) { values { label count } } "
        "categories { entries { label count category { name } } } } } } }"
    )

    data = await client.data(query)

    facets = data["category"]["books"]["facets"]
    assert facets["all"] == [{"values": [{"label": "Novels", "count": 2}]}]
    assert facets["categories"]["entries"] == [
        {"label": "Novels", "count": 2, "category": {"name": "Novels"}}
    ]


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ("de", "German"),
        ("zh-Hant", "Traditional Chinese"),
        ("de-DE", "German (DE)"),
        ("enm", "Middle English"),
        ("xxy", "xxy"),
        ("xxy-Latn", "xxy-Latn"),
    ],
)
def test_a_language_has_its_english_name(tag: str, name: str) -> None:
    assert language_name(tag) == name
