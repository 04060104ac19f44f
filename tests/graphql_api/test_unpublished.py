"""A book that is off sale is in no answer: each is the one of a catalog that never had the book."""

from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from graphql_api.schema.ids import global_id
from tests.catalogs import add_author, add_book, add_category
from tests.graphql_api.conftest import Client

PAGE = "{ totalCount totalCountIsCapped searchedText didYouMean edges { matchedOn highlightedTitle node { title } } pageInfo { hasNextPage } }"
FACETS = """{ facets {
    categories { isCapped entries { count category { name } } }
    below: categories(parent: $fiction) { entries { count category { name } } }
    authors { entries { count author { name } } }
    languages { entries { count language } } prices { entries { count currencyCode from below } }
    decades { entries { count decade } } ratings { entries { count rating } }
} }"""
ORDERS = ("TITLE", "PUBLICATION", "PRICE", "RATING", "POPULARITY", "ADDED")
TEXTS = ("emma", "zyzzyva", "zyzzyav", "jane zyzzyva", "ghostly", "9780199535811", "novels", "x")
FILTERS = (
    '{format: {eq: EBOOK}}', '{publisher: {eq: "Press"}}', '{language: {eq: "la"}}', "{hasIsbn: true}",
    "{inStock: true}", "{price: {gt: 1}}", "{rating: {gte: 4}}", "{published: {lt: 1900}}", "{currency: {eq: \"EUR\"}}",
    "{author: {eq: $jane}}", "{author: {eq: $jane, roles: [AUTHOR]}}", "{category: {eq: $fiction}}",
    '{not: {language: {eq: "fr"}}}', '{text: "emma", format: {eq: EBOOK}}', '{text: "emma", category: {eq: $fiction}}',
)  # fmt: skip
SUGGESTED = "{ books { title } categories { name bookCount } }"

READS = (
    "node(id: $ghost) { id }",
    "nodes(ids: [$ghost, $emma]) { id ... on Book { title } }",
    "book(by: {id: $ghost}) { title }",
    'book(by: {isbn: "9780199535811"}) { title recentViews }',
    "book(by: {id: $emma}) { related { title } work { editionCount } editions { totalCount } }",
    "author(by: {id: $jane}) { bookCount books { totalCount nodes { title } } }",
    "category(by: {id: $fiction}) { bookCount books(includeDescendants: false) { totalCount nodes { title } } }",
    'series(by: {slug: "emma-stories"}) { name bookCount books(first: 1) { totalCount nodes { title } } }',
    'books(filter: {series: {isNull: false}}) { totalCount nodes { title series { position } } }',
    "authors { totalCount nodes { name bookCount } }",
    "categories { totalCount nodes { name bookCount } }",
    *(
        f"books(first: {first}, orderBy: {{field: {order}, direction: {direction}}}) {PAGE}"
        for first in (1, 2, 10)
        for order in ORDERS
        for direction in ("ASC", "DESC")
    ),
    *(f"books(last: 2, orderBy: {{field: {order}}}) {PAGE}" for order in ORDERS),
    *(f'author(by: {{id: $jane}}) {{ books(orderBy: {{field: {order}}}) {PAGE} }}' for order in ORDERS),
    *(f'category(by: {{id: $fiction}}) {{ books(orderBy: {{field: {order}}}) {PAGE} }}' for order in ORDERS),
    *(f"books(filter: {each}) {PAGE}" for each in FILTERS),
    *(f"category(by: {{id: $fiction}}) {{ books(filter: {each}) {PAGE} }}" for each in FILTERS),
    *(f'books(filter: {{text: "{text}"}}) {PAGE}' for text in TEXTS),
    *(f'author(by: {{id: $jane}}) {{ books(filter: {{text: "{text}"}}) {PAGE} }}' for text in TEXTS),
    f"books {FACETS}",
    f'books(filter: {{text: "emma"}}) {FACETS}',
    f"books(filter: {{format: {{eq: EBOOK}}}}) {FACETS}",
    f"category(by: {{id: $fiction}}) {{ books {FACETS} }}",
    *(f'suggest(prefix: "{prefix}") {SUGGESTED}' for prefix in ("em", "zyz", "zyyz", "978-0-19-953581-1", "jane")),
    'suggest(prefix: "jan") { authors { name bookCount } }',
)  # fmt: skip


@pytest.fixture
def client(editor: Client) -> Client:
    """A client that may read the views of a book."""
    return editor


@pytest.fixture
async def ids(connection: asyncpg.Connection) -> dict[str, str]:
    """Add published books, and the ghost, which is more popular and longer there than most. Return global ids."""
    jane, bob = await add_author(connection, "Jane Austen"), await add_author(connection, "Bob Press")
    fiction = await add_category(connection, "Fiction")
    novels = await add_category(connection, "Novels", fiction)
    same: dict[str, Any] = {
        "publisher": "Press",
        "format": "EBOOK",
        "price": Decimal(9),
        "currency": "EUR",
        "stock": 1,
    }
    emma = await add_book(
        connection, "Emma", authors=[jane], categories=[novels], isbn="9780306406157", language="en",
        published_year=1815, rating_average=4, rating_count=20, series="Emma Stories", series_position="2", **same,
    )  # fmt: skip
    ghost = await add_book(
        connection, "Emma Zyzzyva", authors=[jane, (bob, "EDITOR")], categories=[novels, fiction],
        isbn="9780199535811", language="la", published_year=1700, rating_average=5, rating_count=9000,
        description="A ghostly novel", series="Emma Stories", series_position="1", **same,
    )  # fmt: skip
    await add_book(connection, "Emma abroad", authors=[bob], categories=[fiction], language="fr", **same)
    await add_book(connection, "Germinal")
    keys = {"emma": emma, "ghost": ghost, "jane": jane, "fiction": fiction}
    types = {"emma": "Book", "ghost": "Book", "jane": "Author", "fiction": "Category"}
    return {name: global_id(types[name], key) for name, key in keys.items()}


async def answer(client: Client, read: str, ids: dict[str, str]) -> dict[str, Any]:
    used = {name: key for name, key in ids.items() if f"${name}" in read}
    declared = ", ".join(f"${name}: ID!" for name in used)
    return await client.run(f"query {f'({declared})' if declared else ''} {{ read: {read} }}", **used)


UNPUBLISH = "UPDATE book SET is_published = false WHERE title = 'Emma Zyzzyva'"


@pytest.mark.parametrize("read", READS)
async def test_an_answer_is_the_one_of_a_catalog_without_the_book(
    client: Client, ids: dict[str, str], read: str
) -> None:
    await client.connection.execute(UNPUBLISH)
    unpublished, statements = await answer(client, read, ids), list(client.statements)
    await client.connection.execute("DELETE FROM book WHERE title = 'Emma Zyzzyva'")
    other = Client(client.connection, client.schema)
    without = await answer(other, read, ids)

    assert unpublished == without
    assert statements == other.statements
    assert "errors" not in unpublished
    assert "Zyzzyva" not in str(unpublished["data"])


async def test_most_answers_have_the_book_while_it_is_published(client: Client, ids: dict[str, str]) -> None:
    """Otherwise the reads above would show nothing."""
    published = {read: await answer(client, read, ids) for read in READS}
    await client.connection.execute(UNPUBLISH)
    unchanged = [read for read in READS if await answer(client, read, ids) == published[read]]

    assert unchanged == [
        f'books(filter: {{text: "x"}}) {PAGE}',
        f'author(by: {{id: $jane}}) {{ books(filter: {{text: "x"}}) {PAGE} }}',
        f'suggest(prefix: "jane") {SUGGESTED}',
    ]


async def test_a_word_that_only_an_unpublished_book_has_is_not_proposed(
    client: Client, ids: dict[str, str]
) -> None:
    search = '{ books(filter: {text: "zyzzyav"}) { totalCount didYouMean nodes { title } } }'
    published = await client.data(search)
    await client.connection.execute(UNPUBLISH)

    assert published["books"] == {
        "totalCount": 1,
        "didYouMean": "Zyzzyva",
        "nodes": [{"title": "Emma Zyzzyva"}],
    }
    assert await client.data(search) == {"books": {"totalCount": 0, "didYouMean": None, "nodes": []}}


async def test_lists_counts_and_facets_have_the_published_books(client: Client, ids: dict[str, str]) -> None:
    await client.connection.execute(UNPUBLISH)

    data = await client.data(
        """query ($ghost: ID!, $jane: ID!, $fiction: ID!) {
            node(id: $ghost) { id }
            books(orderBy: {field: POPULARITY}) { totalCount nodes { title }
                facets { languages { entries { language count } } } }
            ebooks: books(filter: {format: {eq: EBOOK}}) { totalCount }
            author(by: {id: $jane}) { bookCount books { totalCount nodes { title } } }
            category(by: {id: $fiction}) { bookCount books { totalCount nodes { title } } }
            suggest(prefix: "em") { books { title } }
        }""",
        **{name: ids[name] for name in ("ghost", "jane", "fiction")},
    )

    assert data == {
        "node": None,
        "books": {
            "totalCount": 3,
            "nodes": [{"title": "Emma"}, {"title": "Germinal"}, {"title": "Emma abroad"}],
            "facets": {
                "languages": {"entries": [{"language": "en", "count": 1}, {"language": "fr", "count": 1}]}
            },
        },
        "ebooks": {"totalCount": 2},
        "author": {"bookCount": 1, "books": {"totalCount": 1, "nodes": [{"title": "Emma"}]}},
        "category": {
            "bookCount": 2,
            "books": {"totalCount": 2, "nodes": [{"title": "Emma"}, {"title": "Emma abroad"}]},
        },
        "suggest": {"books": [{"title": "Emma"}, {"title": "Emma abroad"}]},
    }


async def test_an_author_stays_while_no_book_of_theirs_is_published(
    client: Client, connection: asyncpg.Connection
) -> None:
    author, category = await add_author(connection, "Jane"), await add_category(connection, "Fiction")
    await add_book(connection, "Emma", authors=[author], categories=[category], is_published=False)

    data = await client.data(
        "{ authors { totalCount nodes { name bookCount books { totalCount nodes { title } } } }"
        " categories { nodes { name bookCount } } books { totalCount } }"
    )

    assert data == {
        "authors": {
            "totalCount": 1,
            "nodes": [{"name": "Jane", "bookCount": 0, "books": {"totalCount": 0, "nodes": []}}],
        },
        "categories": {"nodes": [{"name": "Fiction", "bookCount": 0}]},
        "books": {"totalCount": 0},
    }
