"""Series: look-ups, the books in their order, the filter, and what mutations set."""

from typing import Any

import pytest

from db.connections.connect import Connection
from graphql_api.schema.ids import global_id
from tests.catalogs import add_book
from tests.graphql_api.conftest import Client


@pytest.fixture
async def dune(connection: Connection) -> str:
    """Add books of two series and one book without any. Return the global id of Dune."""
    for title, position in (
        ("Heretics", "10"),
        ("Dune", "1"),
        ("Stories", None),
        ("Messiah", "2"),
        ("Short", "1.5"),
    ):
        await add_book(connection, title, series="Dune", series_position=position)
    await add_book(connection, "Robots", series="Positronic", series_position="1")
    await add_book(connection, "Emma")
    await add_book(connection, "Secret", series="Dune", series_position="0", is_published=False)
    await add_book(connection, "Hidden", series="Hidden", is_published=False)
    return global_id("Series", await connection.fetchval("SELECT id FROM series WHERE slug = 'dune'"))


async def test_a_series_has_its_books_by_position(client: Client, dune: str) -> None:
    data = await client.data(
        """query ($id: ID!) {
            series(by: {id: $id}) { id slug name bookCount
                books(first: 2) { totalCount nodes { title series { position } } pageInfo { hasNextPage endCursor } } }
            bySlug: series(by: {slug: "dune"}) { id books(last: 2) { edges { node { title } } } }
            node(id: $id) { __typename ... on Series { name } }
            nodes(ids: [$id]) { id }
            none: series(by: {slug: "none"}) { id }
            hidden: series(by: {slug: "hidden"}) { id }
        }""",
        id=dune,
    )
    cursor = data["series"]["books"]["pageInfo"].pop("endCursor")
    rest = await client.data(
        'query ($after: String) { series(by: {slug: "dune"}) { books(after: $after) { nodes { title } } } }',
        after=cursor,
    )

    assert data == {
        "series": {
            "id": dune,
            "slug": "dune",
            "name": "Dune",
            "bookCount": 5,
            "books": {
                "totalCount": 5,
                "nodes": [
                    {"title": "Dune", "series": {"position": "1"}},
                    {"title": "Short", "series": {"position": "1.5"}},
                ],
                "pageInfo": {"hasNextPage": True},
            },
        },
        "bySlug": {
            "id": dune,
            "books": {"edges": [{"node": {"title": "Heretics"}}, {"node": {"title": "Stories"}}]},
        },
        "node": {"__typename": "Series", "name": "Dune"},
        "nodes": [{"id": dune}],
        "none": None,
        "hidden": None,
    }
    assert [book["title"] for book in rest["series"]["books"]["nodes"]] == ["Messiah", "Heretics", "Stories"]


async def test_a_book_has_its_series_and_position(client: Client, dune: str) -> None:
    data = await client.data(
        "{ books { nodes { title series { position series { slug name bookCount } } } } }"
    )

    of_dune = {"slug": "dune", "name": "Dune", "bookCount": 5}
    assert {book["title"]: book["series"] for book in data["books"]["nodes"]} == {
        "Dune": {"position": "1", "series": of_dune},
        "Emma": None,
        "Heretics": {"position": "10", "series": of_dune},
        "Messiah": {"position": "2", "series": of_dune},
        "Robots": {"position": "1", "series": {"slug": "positronic", "name": "Positronic", "bookCount": 1}},
        "Short": {"position": "1.5", "series": of_dune},
        "Stories": {"position": None, "series": of_dune},
    }
    assert client.statements == ["page_of_books", "series_by_book_ids", "book_counts_by_series_ids"]


@pytest.mark.parametrize(
    ("condition", "titles"),
    [
        ("eq: $dune", ["Dune", "Heretics", "Messiah", "Short", "Stories"]),
        ("neq: $dune", ["Robots"]),
        ("in: [$dune]", ["Dune", "Heretics", "Messiah", "Short", "Stories"]),
        ("notIn: [$dune]", ["Robots"]),
        ("notIn: []", ["Dune", "Heretics", "Messiah", "Robots", "Short", "Stories"]),
        ("in: []", []),
        ("isNull: true", ["Emma"]),
        ("isNull: false, neq: $dune", ["Robots"]),
    ],
)
async def test_books_are_filtered_by_series(
    client: Client, dune: str, condition: str, titles: list[str]
) -> None:
    declared = "query ($dune: ID!)" if "$dune" in condition else ""
    variables: dict[str, Any] = {"dune": dune} if declared else {}

    data = await client.data(
        f"{declared} {{ books(filter: {{series: {{{condition}}}}}) {{ totalCount nodes {{ title }} }} }}",
        **variables,
    )

    assert data["books"] == {"totalCount": len(titles), "nodes": [{"title": title} for title in titles]}


async def test_ids_of_other_types_are_errors(client: Client) -> None:
    book = global_id("Book", 1)

    found = await client.error("query ($id: ID!) { series(by: {id: $id}) { id } }", id=book)
    filtered = await client.error(
        "query ($id: ID!) { books(filter: {series: {in: [$id]}}) { totalCount } }", id=book
    )

    assert (found["extensions"]["argument"], filtered["extensions"]["argument"]) == (
        "by.id",
        "filter.series.in[0]",
    )


async def test_the_words_of_a_series_find_its_books(client: Client, dune: str) -> None:
    data = await client.data('{ books(filter: {text: "positronic"}) { edges { matchedOn node { title } } } }')

    assert data["books"]["edges"] == [{"matchedOn": ["SUBTITLE"], "node": {"title": "Robots"}}]


async def test_the_books_of_a_series_have_facets(client: Client, dune: str) -> None:
    await client.connection.execute("UPDATE book SET language = 'en' WHERE title <> 'Robots'")

    data = await client.data(
        '{ series(by: {slug: "dune"}) { books { facets { languages { entries { language count } } } } } }'
    )

    assert data["series"]["books"]["facets"]["languages"]["entries"] == [{"language": "en", "count": 5}]
