"""Search: filters, texts, facets and suggestions, with the statements they run."""

from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from db.connections.pool import ConnectionPool
from db.search.hit_limits import MAX_RANKED_HITS
from db.view_counts import ViewCounter
from graphql_api.context import Context
from graphql_api.execution.documents import DocumentCache
from graphql_api.execution.executor import run_operation
from graphql_api.schema import schema
from graphql_api.schema.errors import format_error
from graphql_api.schema.filter_inputs import MAX_FILTER_DEPTH, MAX_FILTER_VALUES
from graphql_api.schema.ids import global_id
from tests.catalogs import add_author, add_book, add_category
from tests.graphql_api.conftest import Client
from tests.waiting import GUARD, until

TITLES = "query ($filter: BookFilter, $orderBy: BookOrder) { books(filter: $filter, orderBy: $orderBy) { totalCount totalCountIsCapped nodes { title } } }"


@pytest.fixture
async def shelf(connection: asyncpg.Connection) -> dict[str, str]:
    """Add four books; return all global ids by name."""
    jane = await add_author(connection, "Jane Austen", birth_year=1775, sort_name="Austen, Jane")
    emile = await add_author(connection, "Émile Zola", birth_year=1840, sort_name="Zola, Émile")
    fiction = await add_category(connection, "Fiction")
    novels = await add_category(connection, "Novels", fiction)
    other = await add_category(connection, "Ödland")
    rows: list[dict[str, Any]] = [
        {
            "title": "Emma",
            "authors": [jane],
            "categories": [novels],
            "language": "en",
            "published_year": 1815,
            "price": Decimal("9.50"),
            "currency": "EUR",
            "rating_average": Decimal("4.5"),
            "rating_count": 9,
            "stock": 2,
            "isbn": "9780306406157",
        },
        {
            "title": "Germinal",
            "authors": [emile],
            "categories": [novels],
            "language": "fr",
            "published_year": 1885,
            "price": Decimal("12"),
            "currency": "USD",
            "rating_average": Decimal("3.9"),
            "rating_count": 90,
        },
        {
            "title": "<Nana> & Émile",
            "authors": [emile, jane],
            "categories": [fiction, other],
            "language": "fr",
        },
        {"title": "Unknown", "published_year": -50},
    ]
    ids: dict[str, str] = {row["title"]: global_id("Book", await add_book(connection, **row)) for row in rows}
    ids |= {"jane": global_id("Author", jane), "emile": global_id("Author", emile)}
    return ids | {
        name: global_id("Category", key)
        for name, key in (("fiction", fiction), ("novels", novels), ("other", other))
    }


def replace_names(value: Any, ids: dict[str, str]) -> Any:
    """Return the filter with `@names` replaced by ids."""
    if isinstance(value, dict):
        return {key: replace_names(item, ids) for key, item in value.items()}
    if isinstance(value, list):
        return [replace_names(item, ids) for item in value]
    return ids[value[1:]] if isinstance(value, str) and value.startswith("@") else value


E, G, N, U = "Emma", "Germinal", "<Nana> & Émile", "Unknown"


@pytest.mark.parametrize(
    ("filter_input", "titles"),
    [
        ({}, [N, E, G, U]),
        ({"author": {"eq": "@emile"}}, [N, G]),
        ({"author": {"neq": "@emile"}}, [E, U]),
        ({"author": {"in": ["@emile", "@jane"]}}, [N, E, G]),
        ({"author": {"notIn": ["@emile", "@jane"]}}, [U]),
        ({"author": {"in": []}}, []),
        ({"category": {"eq": "@fiction"}}, [N, E, G]),
        ({"category": {"eq": "@fiction", "includeDescendants": False}}, [N]),
        ({"category": {"in": ["@novels", "@other"]}}, [N, E, G]),
        ({"category": {"eq": "@fiction"}, "author": {"eq": "@jane"}}, [N, E]),
        ({"language": {"eq": "fr"}}, [N, G]),
        ({"language": {"neq": "fr"}}, [E]),
        ({"language": {"isNull": True}}, [U]),
        ({"language": {"in": ["en", "de"]}}, [E]),
        ({"not": {"language": {"eq": "fr"}}}, [E, U]),
        ({"price": {"gte": "9.50", "lt": "12"}}, [E]),
        ({"price": {"isNull": True}}, [N, U]),
        ({"currency": {"eq": "USD"}}, [G]),
        ({"published": {"eq": 1815}}, [E]),
        ({"published": {"neq": 1815}}, [G, U]),
        ({"published": {"lt": 1815}}, [U]),
        ({"published": {"lte": 1815}}, [E, U]),
        ({"published": {"gt": 1815}}, [G]),
        ({"published": {"gte": -50, "lte": 1815}}, [E, U]),
        ({"rating": {"gte": "4"}}, [E]),
        ({"inStock": True}, [E]),
        ({"inStock": False}, [N, G, U]),
        ({"hasIsbn": True}, [E]),
        ({"hasIsbn": False}, [N, G, U]),
        ({"or": [{"inStock": True}, {"published": {"lt": 0}}]}, [E, U]),
        ({"or": []}, []),
        ({"and": []}, [N, E, G, U]),
        ({"and": [{"language": {"eq": "fr"}}, {"not": {"author": {"eq": "@jane"}}}]}, [G]),
        ({"text": "EMILE"}, [N, G]),
        ({"text": "emile", "language": {"eq": "fr"}, "author": {"eq": "@jane"}}, [N]),
    ],
)
async def test_a_filter_selects_books(
    client: Client, shelf: dict[str, str], filter_input: dict[str, Any], titles: list[str]
) -> None:
    data = await client.data(TITLES, filter=replace_names(filter_input, shelf), orderBy={"field": "TITLE"})

    assert [node["title"] for node in data["books"]["nodes"]] == sorted(
        titles, key=lambda title: title.lstrip("<").lower()
    )
    assert (data["books"]["totalCount"], data["books"]["totalCountIsCapped"]) == (len(titles), False)


@pytest.mark.parametrize(
    ("filter_input", "argument", "message"),
    [
        (
            {"text": "a\0b"},
            "filter.text",
            "filter.text contains a NUL character or an unpaired surrogate. Remove it.",
        ),
        (
            {"not": {"text": "a"}},
            "filter.not.text",
            "filter.not.text is not allowed: move the text to the top level of the filter.",
        ),
        (
            {"language": {"in": ["en"] * (MAX_FILTER_VALUES + 1)}},
            "filter.language.in",
            f"filter.language.in has {MAX_FILTER_VALUES + 1} values; at most {MAX_FILTER_VALUES} are allowed.",
        ),
        (
            {"published": {"gt": 10000}},
            "filter.published.gt",
            "filter.published.gt is 10000; it must be from -9999 to 9999.",
        ),
        (
            {"price": {"eq": "1e99"}},
            "filter.price.eq",
            "filter.price.eq is 1E+99. Give at most 12 integer digits and 6 decimals.",
        ),
        (
            {"author": {"eq": "Qm9vazox"}},
            "filter.author.eq",
            "filter.author.eq is 'Qm9vazox', an id of type Book. Use an id of type Author.",
        ),
    ],
)
async def test_an_invalid_filter_is_rejected_with_its_path(
    client: Client, filter_input: dict[str, Any], argument: str, message: str
) -> None:
    error = await client.error(TITLES, filter=filter_input)

    assert error["message"] == message
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "argument": argument}
    assert client.statements == []


async def test_filters_can_be_nested_up_to_the_limit(client: Client, shelf: dict[str, str]) -> None:
    filter_input: dict[str, Any] = {"inStock": True}
    for _ in range(MAX_FILTER_DEPTH - 1):
        filter_input = {"and": [filter_input]}

    data = await client.data(TITLES, filter=filter_input)
    error = await client.error(TITLES, filter={"and": [filter_input]})

    assert [node["title"] for node in data["books"]["nodes"]] == [E]
    path = "filter" + ".and[0]" * MAX_FILTER_DEPTH
    assert error["message"] == f"{path} is nested too deeply: at most 5 levels are allowed."


async def test_sorting_by_relevance_requires_a_text(client: Client) -> None:
    error = await client.error(TITLES, orderBy={"field": "RELEVANCE"})

    assert error["message"] == (
        "orderBy.field RELEVANCE requires filter.text. Give a text, or sort by another field."
    )
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "argument": "orderBy"}


async def test_a_text_is_sorted_by_relevance_and_popularity_is_descending_by_default(
    client: Client, shelf: dict[str, str]
) -> None:
    relevant = await client.data(TITLES, filter={"text": "emile"})
    popular = await client.data(TITLES, orderBy={"field": "POPULARITY"})
    unpopular = await client.data(TITLES, orderBy={"field": "POPULARITY", "direction": "ASC"})

    assert [node["title"] for node in relevant["books"]["nodes"]] == [G, N]
    assert [node["title"] for node in popular["books"]["nodes"]] == [G, E, U, N]
    assert [node["title"] for node in unpopular["books"]["nodes"]] == [N, U, E, G]


@pytest.mark.parametrize("text", ["", "  ", "\t"])
async def test_a_blank_text_is_the_same_as_none(client: Client, shelf: dict[str, str], text: str) -> None:
    blank = await client.data(TITLES, filter={"text": text}, orderBy={"field": "RELEVANCE"})
    narrowed = await client.data(TITLES, filter={"text": text, "language": {"eq": "en"}})
    everything = await client.data(TITLES)

    assert blank == everything
    assert [node["title"] for node in narrowed["books"]["nodes"]] == [E]


async def test_a_cursor_of_relevance_belongs_to_its_text(client: Client, shelf: dict[str, str]) -> None:
    page = (
        "query ($text: String!, $after: String, $field: BookOrderField!) {"
        " books(first: 1, after: $after, filter: {text: $text}, orderBy: {field: $field}) {"
        " nodes { title } edges { cursor } pageInfo { endCursor } } }"
    )
    by_relevance, by_title = {"field": "RELEVANCE"}, {"field": "TITLE"}

    first = (await client.data(page, text="emile", **by_relevance))["books"]
    after = first["pageInfo"]["endCursor"]
    second = await client.data(page, text="emile", after=after, **by_relevance)
    of_another_text = await client.error(page, text="fiction", after=after, **by_relevance)
    of_another_order = await client.error(page, text="emile", after=after, **by_title)
    of_title = (await client.data(page, text="emile", **by_title))["books"]["pageInfo"]["endCursor"]
    title_of_another_text = await client.data(page, text="fiction", after=of_title, **by_title)

    assert first["edges"] == [{"cursor": after}]
    assert [first["nodes"], second["books"]["nodes"]] == [[{"title": G}], [{"title": N}]]
    assert of_another_text["message"] == (
        "after is a cursor of a list with another search text. Use that search text, or omit the cursor."
    )
    assert of_another_text["extensions"] == {"code": "BAD_USER_INPUT", "argument": "after"}
    assert of_another_order["message"] == (
        "after is a cursor of a list with another order. Use that order, or omit the cursor."
    )
    assert len(title_of_another_text["books"]["nodes"]) == 1


async def test_edges_report_the_fields_that_match_the_text(client: Client, shelf: dict[str, str]) -> None:
    data = await client.data(
        '{ books(filter: {text: "emile fiction"}) { searchedText didYouMean edges { matchedOn highlightedTitle } }'
        " all: books { edges { matchedOn highlightedTitle } didYouMean searchedText } }"
    )

    assert data["books"] == {
        "searchedText": "emile fiction",
        "didYouMean": None,
        "edges": [
            {"matchedOn": ["AUTHORS", "CATEGORIES"], "highlightedTitle": "Germinal"},
            {
                "matchedOn": ["TITLE", "AUTHORS", "CATEGORIES"],
                "highlightedTitle": "&lt;Nana&gt; &amp; <mark>Émile</mark>",
            },
        ],
    }
    assert data["all"]["edges"][0] == {"matchedOn": [], "highlightedTitle": "Emma"}
    assert (data["all"]["didYouMean"], data["all"]["searchedText"]) == (None, None)


STOREFRONT = """
query ($filter: BookFilter, $after: String) {
  books(filter: $filter, first: 1, after: $after) {
    totalCount
    didYouMean
    pageInfo { hasNextPage endCursor }
    edges { matchedOn node { title authors { name } categories { path } } }
    facets {
      categories(first: 5) { isCapped entries { count category { name } } }
      authors { entries { count author { name } } }
      languages { entries { count language } }
      prices { entries { count currencyCode from below } }
      decades { entries { count decade } }
      ratings { entries { count rating } }
    }
  }
}
"""


async def test_a_storefront_page_is_one_query_with_few_statements(
    client: Client, shelf: dict[str, str]
) -> None:
    filter_input = {"text": "zolla", "category": {"eq": shelf["fiction"]}, "language": {"eq": "fr"}}

    first = await client.data(STOREFRONT, filter=filter_input)
    data = await client.data(STOREFRONT, filter=filter_input, after=first["books"]["pageInfo"]["endCursor"])

    assert sorted(client.statements) == sorted(
        [
            "hits_of_readings",
            "books_by_category_ids_matching",
            "books_by_category_ids_count_matching",
            "page_of_books_facets",
            "matches_by_book_ids",
            "authors_by_book_ids",
            "categories_by_book_ids",
            "authors_by_ids",
            "categories_by_ids",
        ]
    )
    assert [first["books"]["edges"][0]["node"]["title"], data["books"]["edges"][0]["node"]["title"]] == [G, N]
    assert data["books"]["edges"] == [
        {
            "matchedOn": ["AUTHORS"],
            "node": {
                "title": N,
                "authors": [{"name": "Émile Zola"}, {"name": "Jane Austen"}],
                "categories": [{"path": "fiction"}, {"path": "odland"}],
            },
        }
    ]
    assert data["books"]["totalCount"] == 2
    assert data["books"]["didYouMean"] == "Zola"
    assert data["books"]["pageInfo"]["hasNextPage"] is False
    assert data["books"]["facets"] == {
        "categories": {
            "isCapped": False,
            "entries": [
                {"count": 2, "category": {"name": "Fiction"}},
                {"count": 1, "category": {"name": "Ödland"}},
            ],
        },
        "authors": {
            "entries": [
                {"count": 2, "author": {"name": "Émile Zola"}},
                {"count": 1, "author": {"name": "Jane Austen"}},
            ]
        },
        "languages": {"entries": [{"count": 2, "language": "fr"}]},
        "prices": {"entries": [{"count": 1, "currencyCode": "USD", "from": "10", "below": "20"}]},
        "decades": {"entries": [{"count": 1, "decade": 1880}]},
        "ratings": {"entries": [{"count": 1, "rating": 3}]},
    }


async def test_a_facet_ignores_the_conditions_on_its_own_field(client: Client, shelf: dict[str, str]) -> None:
    data = await client.data(
        '{ books(filter: {language: {eq: "en"}}) { totalCount facets { languages { entries { language count } }'
        " authors { entries { author { name } count } } } } }"
    )

    assert data["books"] == {
        "totalCount": 1,
        "facets": {
            "languages": {"entries": [{"language": "fr", "count": 2}, {"language": "en", "count": 1}]},
            "authors": {"entries": [{"author": {"name": "Jane Austen"}, "count": 1}]},
        },
    }
    assert "page_of_books_facets" in client.statements


async def test_the_category_facet_counts_children_of_the_list_or_of_the_given_parent(
    client: Client, shelf: dict[str, str]
) -> None:
    counted = "{ entries { category { name } count } }"
    data = await client.data(
        "query ($parent: ID!, $id: ID!) {"
        f" books {{ facets {{ roots: categories {counted} below: categories(parent: $parent) {counted} }} }}"
        f" category(by: {{id: $id}}) {{ books {{ facets {{ categories {counted} }} }} }} }}",
        parent=shelf["fiction"],
        id=shelf["fiction"],
    )

    assert data["books"]["facets"] == {
        "roots": {
            "entries": [
                {"category": {"name": "Fiction"}, "count": 3},
                {"category": {"name": "Ödland"}, "count": 1},
            ]
        },
        "below": {"entries": [{"category": {"name": "Novels"}, "count": 2}]},
    }
    assert data["category"]["books"]["facets"] == {
        "categories": {"entries": [{"category": {"name": "Novels"}, "count": 2}]}
    }


@pytest.mark.parametrize("size", [1, 12])
async def test_nested_searches_run_the_same_statements_at_any_size(
    client: Client, connection: asyncpg.Connection, size: int
) -> None:
    for number in range(size):
        author = await add_author(connection, f"Author {number}")
        await add_book(connection, f"Sea {number}", authors=[author], language="en")
        await add_book(connection, f"Lake {number}", authors=[author], language="en")

    data = await client.data(
        '{ authors { nodes { books(filter: {text: "sea", language: {eq: "en"}}) { totalCount nodes { title }'
        " facets { languages { entries { language count } } } } } } }"
    )

    assert [node["books"] for node in data["authors"]["nodes"]][:1] == [
        {
            "totalCount": 1,
            "nodes": [{"title": "Sea 0"}],
            "facets": {"languages": {"entries": [{"language": "en", "count": 1}]}},
        }
    ]
    assert sorted(client.statements) == [
        "books_by_author_ids_count_matching",
        "books_by_author_ids_facets",
        "books_by_author_ids_matching",
        "hits_of_readings",
        "page_of_authors",
        "words_of_text",
    ]
    assert len(client.statements) == len(set(client.statements))


async def test_many_hits_are_ranked_once_for_the_pages_and_counts_of_all_parents(
    client: Client, connection: asyncpg.Connection
) -> None:
    await connection.execute(
        "INSERT INTO book (source, source_id, title, language)"
        " SELECT 's', n, 'Copy ' || n, 'de' FROM generate_series(1, $1::integer) AS n",
        MAX_RANKED_HITS + 1,
    )
    for name, titles in (("Ann Able", ["Copy A", "Sea"]), ("Bea Able", ["A Copied Copy", "Copy"])):
        author = await add_author(connection, name)
        for title in titles:
            await add_book(connection, title, authors=[author], language="en")
    books = 'books(filter: {text: "copy", language: {eq: "en"}}, first: 2) { totalCount nodes { title } }'

    data = await client.data(f"{{ authors {{ nodes {{ name {books} }} }} }}")
    nested = list(client.statements)
    whole = await client.data(f"{{ {books} }}")

    assert data["authors"]["nodes"] == [
        {"name": "Ann Able", "books": {"totalCount": 1, "nodes": [{"title": "Copy A"}]}},
        {
            "name": "Bea Able",
            "books": {"totalCount": 2, "nodes": [{"title": "Copy"}, {"title": "A Copied Copy"}]},
        },
    ]
    assert sorted(nested) == [
        "books_by_author_ids_matching",
        "books_by_author_ids_ranked_hits",
        "hits_of_readings",
        "page_of_authors",
        "words_of_text",
    ]
    assert whole == {"books": {"totalCount": 3, "nodes": [{"title": "Copy"}, {"title": "Copy A"}]}}
    assert sorted(client.statements) == [
        "hits_of_readings",
        "page_of_books_matching",
        "page_of_books_ranked_hits",
    ]


async def test_counts_are_read_only_when_they_are_selected(client: Client, shelf: dict[str, str]) -> None:
    await client.data("{ books(filter: {inStock: true}) { nodes { title } } }")
    pages = list(client.statements)
    await client.data("{ books(filter: {inStock: true}) { totalCount } }")
    counts = list(client.statements)
    await client.data("{ books { totalCount } }")

    assert pages == ["page_of_books_matching"]
    assert counts == ["page_of_books_count_matching"]
    assert client.statements == ["count_of_books"]


async def test_the_shorter_list_is_chosen_once_for_page_and_count(
    client: Client, shelf: dict[str, str]
) -> None:
    data = await client.data(
        "query ($id: ID!, $author: ID!) { category(by: {id: $id}) {"
        " books(filter: {author: {eq: $author}}) { totalCount nodes { title } } } }",
        id=shelf["fiction"],
        author=shelf["emile"],
    )

    assert data["category"]["books"] == {"totalCount": 2, "nodes": [{"title": G}, {"title": N}]}
    assert sorted(client.statements) == [
        "books_by_author_ids_count_matching",
        "books_by_author_ids_matching",
        "categories_by_ids",
        "is_shorter",
    ]


@pytest.mark.parametrize(
    ("filter_input", "names"),
    [
        ({"name": {"startsWith": "aus"}}, ["Jane Austen"]),
        ({"name": {"contains": "émi"}}, ["Émile Zola"]),
        ({"name": {"contains": "_"}}, []),
        ({"name": {"contains": "%"}}, []),
        ({"name": {"contains": "\\"}}, []),
        ({"name": {"eq": "ZOLA, emile"}}, ["Émile Zola"]),
        ({"birthYear": {"lt": 1800}}, ["Jane Austen"]),
        ({"deathYear": {"isNull": True}}, ["Jane Austen", "Émile Zola"]),
        ({"not": {"birthYear": {"lt": 1800}}}, ["Émile Zola"]),
        (
            {"or": [{"birthYear": {"eq": 1775}}, {"name": {"contains": "zola"}}]},
            ["Jane Austen", "Émile Zola"],
        ),
    ],
)
async def test_authors_are_filtered(
    client: Client, shelf: dict[str, str], filter_input: dict[str, Any], names: list[str]
) -> None:
    data = await client.data(
        "query ($filter: AuthorFilter) { authors(filter: $filter) { totalCount nodes { name } } }",
        filter=filter_input,
    )

    assert [node["name"] for node in data["authors"]["nodes"]] == names
    assert data["authors"]["totalCount"] == len(names)


async def test_a_capped_count_is_reported_as_capped(client: Client, connection: asyncpg.Connection) -> None:
    await connection.execute(
        "INSERT INTO author (source, source_id, name, sort_name)"
        " SELECT 's', n, 'Author ' || n, 'Author ' || n FROM generate_series(1, 10001) n"
    )
    counts = "totalCount totalCountIsCapped"

    data = await client.data(
        f'{{ all: authors {{ {counts} }} some: authors(filter: {{name: {{contains: "99"}}}}) {{ {counts} }}'
        f' most: authors(filter: {{name: {{contains: "au"}}}}) {{ {counts} }} }}'
    )

    assert data == {
        "all": {"totalCount": 10_001, "totalCountIsCapped": False},
        "some": {"totalCount": 280, "totalCountIsCapped": False},
        "most": {"totalCount": 10_000, "totalCountIsCapped": True},
    }


async def test_categories_are_filtered(client: Client, shelf: dict[str, str]) -> None:
    data = await client.data(
        '{ all: categories(filter: {name: {contains: "o"}}) { totalCount nodes { name } }'
        ' roots: categories(rootsOnly: true, filter: {not: {name: {eq: "odland"}}}) { nodes { name } } }'
    )
    assert data == {
        "all": {"totalCount": 3, "nodes": [{"name": "Fiction"}, {"name": "Novels"}, {"name": "Ödland"}]},
        "roots": {"nodes": [{"name": "Fiction"}]},
    }


async def test_only_selected_suggestions_are_read(client: Client, shelf: dict[str, str]) -> None:
    data = await client.data(
        '{ suggest(prefix: "em") { books { title } authors { name } categories { name } } }'
    )
    statements = sorted(client.statements)
    some = await client.data('{ suggest(prefix: "fi", first: 1) { categories { name } } }')

    assert data["suggest"] == {
        "books": [{"title": "Emma"}, {"title": N}],
        "authors": [{"name": "Émile Zola"}],
        "categories": [],
    }
    assert statements == ["suggested_authors", "suggested_books", "suggested_categories"]
    assert some == {"suggest": {"categories": [{"name": "Fiction"}]}}
    assert client.statements == ["suggested_categories"]


async def test_invalid_arguments_of_suggest_are_rejected(client: Client) -> None:
    size = await client.error('{ suggest(prefix: "a", first: 21) { books { title } } }')
    nul = await client.error("query ($p: String!) { suggest(prefix: $p) { books { title } } }", p="\0")
    nothing = await client.data('{ suggest(prefix: "  ") { books { title } } }')

    assert size["message"] == "first is 21; it must be from 0 to 20."
    assert nul["extensions"] == {"code": "BAD_USER_INPUT", "argument": "prefix"}
    assert nothing == {"suggest": {"books": []}}
    assert client.statements == []


async def test_a_statement_that_exceeds_its_time_limit_is_a_timeout_error(dsn: str) -> None:
    blocker, observer = await asyncpg.connect(dsn), await asyncpg.connect(dsn)
    all_ended = (
        "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'bookstore' "
        "AND datname = current_database() AND state = 'active')"
    )
    pool = ConnectionPool(dsn, size=1, command_timeout=0.2, acquire_timeout=GUARD)
    async with blocker.transaction():
        await blocker.execute("LOCK TABLE book_search IN ACCESS EXCLUSIVE MODE")

        document = DocumentCache(schema).get('{ books(filter: {text: "sea"}) { totalCount } }', None)
        outcome = await run_operation(document.prepare(None), Context(ViewCounter(pool), pool))

        [error] = outcome.result.errors or []
        assert format_error(error, executed=True) == {
            "message": "The query exceeded the time limit for database statements."
            " Request less data, or narrow the filter.",
            "locations": [{"line": 1, "column": 34}],
            "path": ["books", "totalCount"],
            "extensions": {"code": "TIMEOUT"},
        }
        await until(lambda: observer.fetchval(all_ended))
    await pool.close(GUARD)
    await blocker.close()
    await observer.close()
