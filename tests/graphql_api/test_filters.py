"""Filters: names, codes, numbers and nulls, and the paths of invalid conditions."""

from collections.abc import Callable
from typing import Any

import asyncpg
import pytest
import strawberry

from db.search import conditions
from graphql_api.schema.filter_fields import filter_field, filter_input, operator
from graphql_api.schema.filter_inputs import MAX_FILTER_CONDITIONS, MAX_FILTER_VALUES
from graphql_api.schema.filter_parsers import check_year, number_parser
from graphql_api.schema.ids import global_id
from tests.catalogs import add_author, add_book, add_category
from tests.graphql_api.conftest import Client
from tests.graphql_api.test_inputs import replace_names

BOOKS = "query ($filter: BookFilter) { books(filter: $filter) { nodes { title } } }"
AUTHORS = "query ($filter: AuthorFilter) { authors(filter: $filter) { nodes { name } } }"
CATEGORIES = "query ($filter: CategoryFilter) { categories(filter: $filter) { nodes { name } } }"

LONG = "x" * 80
"""As long as a sort key."""


async def names_of(client: Client, query: str, filter_input: object) -> list[str]:
    """Return the names or titles of the records that match a filter."""
    data = await client.data(query, filter=filter_input)
    [connection] = data.values()
    return [next(iter(node.values())) for node in connection["nodes"]]


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ({"eq": f"{LONG}a"}, [f"{LONG}A"]),
        ({"eq": f"{LONG}Q"}, []),
        ({"eq": LONG}, [LONG]),
        ({"startsWith": f"{LONG}b"}, [f"{LONG}Bé"]),
        ({"startsWith": f"{LONG}Q"}, []),
        ({"startsWith": LONG}, [LONG, f"{LONG}A", f"{LONG}Bé"]),
        ({"contains": "xbE"}, [f"{LONG}Bé"]),
        ({"contains": f"{LONG}A"}, [f"{LONG}A"]),
        ({"contains": "xx"}, [LONG, f"{LONG}A", f"{LONG}Bé"]),
        ({"contains": "q"}, []),
    ],
)
async def test_a_filter_compares_all_characters_of_a_long_name(
    client: Client, connection: asyncpg.Connection, condition: dict[str, str], names: list[str]
) -> None:
    for name in (LONG, f"{LONG}A", f"{LONG}Bé", "y"):
        await add_author(connection, name)
        await add_category(connection, name)

    assert sorted(await names_of(client, AUTHORS, {"name": condition})) == names
    assert sorted(await names_of(client, CATEGORIES, {"name": condition})) == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("％", ["50％"]),
        ("%", ["50％"]),
        ("＿", ["snake_case"]),
        ("_", ["snake_case"]),
        ("＼", ["back\\slash"]),
        ("\\", ["back\\slash"]),
    ],
)
async def test_contains_has_no_wildcards(
    client: Client, connection: asyncpg.Connection, text: str, names: list[str]
) -> None:
    for name in ("50％", "back\\slash", "plain", "snake_case"):
        await add_category(connection, name)

    assert await names_of(client, CATEGORIES, {"name": {"contains": text}}) == names


@pytest.mark.parametrize("condition", [{"eq": "Όμηρος"}, {"startsWith": "Όμηρος"}, {"contains": "ηρος"}])
async def test_greek_names_match_in_any_case(
    client: Client, connection: asyncpg.Connection, condition: dict[str, str]
) -> None:
    await add_author(connection, "ΟΜΗΡΟΣ", source="test", source_id="capitals")
    await add_author(connection, "Όμηρος", source="test", source_id="small")
    await add_author(connection, "Σαπφώ")

    names = await names_of(client, AUTHORS, {"name": condition})
    capitals = {operator: text.upper() for operator, text in condition.items()}

    assert names == ["ΟΜΗΡΟΣ", "Όμηρος"]
    assert await names_of(client, AUTHORS, {"name": capitals}) == names


@pytest.mark.parametrize(
    ("filter_input", "titles"),
    [
        ({"language": {"eq": "DE"}}, ["de"]),
        ({"language": {"eq": "ger"}}, ["de"]),
        ({"language": {"eq": "PT-br"}}, ["pt-BR"]),
        ({"language": {"eq": "pt_BR"}}, ["pt-BR"]),
        ({"language": {"in": ["De", "zh-hant"]}}, ["de", "zh-Hant"]),
        ({"language": {"neq": "DE"}}, ["deu", "pt-BR", "zh-Hant"]),
        ({"language": {"notIn": ["DE", "ZH-HANT"]}}, ["deu", "pt-BR"]),
        ({"language": {"eq": "deu"}}, ["de", "deu"]),
        ({"language": {"eq": "not a language"}}, []),
        ({"currency": {"eq": "eur"}}, ["de"]),
        ({"currency": {"notIn": ["eur", "Usd"]}}, ["zh-Hant"]),
    ],
)
async def test_codes_match_in_any_spelling(
    client: Client, connection: asyncpg.Connection, filter_input: dict[str, Any], titles: list[str]
) -> None:
    for language, currency in (("de", "EUR"), ("deu", None), ("pt-BR", "USD"), ("zh-Hant", "JPY")):
        price = None if currency is None else 1
        await add_book(connection, language, language=language, currency=currency, price=price)

    assert await names_of(client, BOOKS, filter_input) == titles


@pytest.fixture
async def shelves(connection: asyncpg.Connection) -> dict[str, str]:
    """Add four books; return their global ids by title."""
    jane = await add_author(connection, "Jane Austen")
    emile = await add_author(connection, "Émile Zola")
    fiction = await add_category(connection, "Fiction")
    novels = await add_category(connection, "Novels", fiction)
    poems = await add_category(connection, "Poems")
    ids = {
        "Emma": await add_book(
            connection,
            "Emma",
            isbn="9780306406157",
            price=5,
            currency="EUR",
            authors=[jane],
            categories=[novels],
        ),
        "Nana": await add_book(
            connection,
            "Nana",
            isbn="9780199535811",
            price=5,
            currency="USD",
            authors=[emile],
            categories=[fiction],
        ),
        "Odes": await add_book(
            connection, "Odes", price=9, currency="EUR", authors=[(jane, "EDITOR")], categories=[poems]
        ),
        "Rome": await add_book(connection, "Rome", authors=[emile]),
    }
    return {title: global_id("Book", book) for title, book in ids.items()}


@pytest.mark.parametrize(
    ("filter_input", "titles"),
    [
        ({"isbn": {"eq": "0-306-40615-2"}}, ["Emma"]),
        ({"isbn": {"in": ["9780306406157", "978-0-19-953581-1", "9780747532699"]}}, ["Emma", "Nana"]),
        ({"isbn": {"in": []}}, []),
        ({"isbn": {"neq": "9780306406157"}}, ["Nana"]),
        ({"isbn": {"notIn": ["9780306406157"]}}, ["Nana"]),
        ({"isbn": {"isNull": True}}, ["Odes", "Rome"]),
        ({"isbn": {"isNull": False, "notIn": []}}, ["Emma", "Nana"]),
        ({"not": {"isbn": {"eq": "9780306406157"}}}, ["Nana", "Odes", "Rome"]),
        ({"id": {"eq": "@Emma"}}, ["Emma"]),
        ({"id": {"in": ["@Rome", "@Emma"]}}, ["Emma", "Rome"]),
        ({"id": {"neq": "@Emma"}}, ["Nana", "Odes", "Rome"]),
        ({"id": {"notIn": ["@Rome", "@Emma"]}}, ["Nana", "Odes"]),
        ({"or": [{"id": {"eq": "@Rome"}}, {"isbn": {"eq": "0306406152"}}]}, ["Emma", "Rome"]),
        ({"author": {"slug": {"eq": "jane-austen"}}}, ["Emma", "Odes"]),
        ({"author": {"slug": {"eq": "jane-austen"}, "roles": ["EDITOR"]}}, ["Odes"]),
        (
            {"author": {"slug": {"in": ["jane-austen", "emile-zola", "nobody"]}}},
            ["Emma", "Nana", "Odes", "Rome"],
        ),
        ({"author": {"slug": {"neq": "jane-austen"}}}, ["Nana", "Rome"]),
        ({"author": {"slug": {"notIn": ["jane-austen", "nobody"]}}}, ["Nana", "Rome"]),
        ({"author": {"slug": {"eq": "nobody"}}}, []),
        ({"author": {"slug": {"neq": "nobody"}}}, ["Emma", "Nana", "Odes", "Rome"]),
        ({"author": {"slug": {"eq": ""}}}, []),
        ({"author": {"slug": {"eq": "jane-austen", "neq": "jane-austen"}}}, []),
        ({"author": {"slug": {}}}, ["Emma", "Nana", "Odes", "Rome"]),
        ({"author": {"slug": {"eq": None}}}, ["Emma", "Nana", "Odes", "Rome"]),
        ({"category": {"path": {"eq": "fiction"}}}, ["Emma", "Nana"]),
        ({"category": {"path": {"eq": "fiction"}, "includeDescendants": False}}, ["Nana"]),
        ({"category": {"path": {"in": ["fiction/novels", "poems"]}}}, ["Emma", "Odes"]),
        ({"category": {"path": {"notIn": ["fiction/novels", "poems"]}}}, ["Nana", "Rome"]),
        ({"category": {"path": {"eq": "novels"}}}, []),
        ({"category": {"path": {"eq": "fiction"}}, "author": {"slug": {"eq": "emile-zola"}}}, ["Nana"]),
        (
            {
                "or": [
                    {"category": {"path": {"eq": "poems"}}},
                    {"not": {"author": {"slug": {"eq": "jane-austen"}}}},
                ]
            },
            ["Nana", "Odes", "Rome"],
        ),
        ({"price": {"currency": "eur", "lt": 6}}, ["Emma"]),
        ({"price": {"currency": "EUR"}}, ["Emma", "Odes"]),
        ({"price": {"lt": 6}}, ["Emma", "Nana"]),
        ({"price": {"lt": 6}, "currency": {"eq": "USD"}}, ["Nana"]),
        ({"price": {"currency": "USD", "neq": 5}}, []),
        ({"price": {"currency": "USD", "isNull": True}}, []),
        ({"not": {"price": {"currency": "EUR", "gte": 5}}}, ["Nana", "Rome"]),
    ],
)
async def test_books_are_filtered_by_their_keys_and_those_of_their_records(
    client: Client, shelves: dict[str, str], filter_input: dict[str, Any], titles: list[str]
) -> None:
    given = replace_names(filter_input, shelves)
    lists = (
        "query ($filter: BookFilter) { books(filter: $filter) { totalCount nodes { title } } "
        'fiction: category(by: {path: "fiction"}) { books(filter: $filter) { totalCount nodes { title } } } '
        'jane: author(by: {slug: "jane-austen"}) { books(filter: $filter) { totalCount nodes { title } } } }'
    )

    data = await client.data(lists, filter=given)

    def found(*of_list: str) -> dict[str, Any]:
        kept = [title for title in titles if title in of_list]
        return {"totalCount": len(kept), "nodes": [{"title": title} for title in kept]}

    assert data["books"] == found("Emma", "Nana", "Odes", "Rome")
    assert data["fiction"]["books"] == found("Emma", "Nana")
    assert data["jane"]["books"] == found("Emma", "Odes")


async def test_slugs_and_paths_of_a_filter_are_read_once_for_a_list(
    client: Client, shelves: dict[str, str]
) -> None:
    query = (
        'query { books(filter: {author: {slug: {in: ["jane-austen", "emile-zola"]}}, '
        'or: [{author: {slug: {eq: "jane-austen"}}}, {category: {path: {eq: "fiction"}}}]}) '
        "{ totalCount nodes { title } facets { languages { entries { count } } } } }"
    )

    data = await client.data(query)

    assert [node["title"] for node in data["books"]["nodes"]] == ["Emma", "Nana", "Odes"]
    assert sorted(client.statements) == [
        "authors_by_slugs",
        "categories_by_paths",
        "page_of_books_count_matching",
        "page_of_books_facets",
        "page_of_books_matching",
    ]


async def test_one_slug_or_path_reads_the_list_of_its_record(client: Client, shelves: dict[str, str]) -> None:
    query = "query ($filter: BookFilter) { books(filter: $filter) { nodes { title } } }"

    await client.data(query, filter={"author": {"slug": {"eq": "jane-austen"}}})
    by_slug = client.statements.copy()
    await client.data(query, filter={"category": {"path": {"eq": "fiction"}}})

    assert by_slug == ["authors_by_slugs", "books_by_author_ids_matching"]
    assert client.statements == ["categories_by_paths", "books_by_category_ids_matching"]


async def test_a_former_slug_or_path_means_the_record_that_had_it(
    client: Client, connection: asyncpg.Connection, shelves: dict[str, str]
) -> None:
    await connection.execute(
        "INSERT INTO category_redirect SELECT 'prose', id FROM category WHERE path = 'fiction'"
    )
    await connection.execute(
        "INSERT INTO author_redirect SELECT 'a-lady', id FROM author WHERE slug = 'jane-austen'"
    )

    assert await names_of(client, BOOKS, {"category": {"path": {"eq": "prose"}}}) == ["Emma", "Nana"]
    assert await names_of(client, BOOKS, {"author": {"slug": {"in": ["a-lady"]}}}) == ["Emma", "Odes"]


@pytest.mark.parametrize(
    "filter_input",
    [
        None,
        {"text": None},
        {"language": None, "author": None, "inStock": None, "and": None, "or": None, "not": None},
        {"language": {"eq": None, "in": None, "isNull": None}},
        {"price": {"lt": None}, "published": {"gte": None}, "category": {"in": None}},
        {"and": [{"language": {"eq": None}}], "or": [{"text": None, "price": {"eq": None}}]},
        {"category": {"eq": None, "includeDescendants": None}},
    ],
)
async def test_null_in_a_filter_is_the_same_as_not_given(
    client: Client, connection: asyncpg.Connection, filter_input: dict[str, Any] | None
) -> None:
    await add_book(connection, "Emma", language="en")
    await add_book(connection, "Germinal", language="fr")

    assert await names_of(client, BOOKS, filter_input) == ["Emma", "Germinal"]


async def test_a_variable_without_a_value_leaves_a_condition_out(
    client: Client, connection: asyncpg.Connection
) -> None:
    """Relay sends null for each variable that was not given."""
    fiction = await add_category(connection, "Fiction")
    novels = await add_category(connection, "Novels", fiction)
    await add_book(connection, "Emma", language="en", categories=[novels])
    await add_book(connection, "Germinal", language="fr")
    query = (
        "query ($text: String, $language: String, $category: ID, $below: Boolean, $name: String) {"
        " books(filter: {text: $text, language: {eq: $language},"
        " category: {eq: $category, includeDescendants: $below}}) { nodes { title } }"
        " authors(filter: {name: {contains: $name}}) { totalCount }"
        " categories(filter: {name: {startsWith: $name}}) { totalCount } }"
    )
    every = dict.fromkeys(("text", "language", "category", "below", "name"))

    absent = await client.data(query)
    null = await client.data(query, **every)
    given = await client.data(query, **every | {"category": global_id("Category", fiction)})

    assert absent == {
        "books": {"nodes": [{"title": "Emma"}, {"title": "Germinal"}]},
        "authors": {"totalCount": 0},
        "categories": {"totalCount": 2},
    }
    assert null == absent
    assert given["books"] == {"nodes": [{"title": "Emma"}]}


async def test_null_inside_a_list_is_rejected(client: Client) -> None:
    error = await client.error(BOOKS, filter={"language": {"in": [None]}})

    assert error["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    ("filter_input", "argument"),
    [
        ({"or": [{"inStock": True}, {"price": {"lt": "1e99"}}]}, "filter.or[1].price.lt"),
        ({"and": [{"published": {"gt": 10_000}}]}, "filter.and[0].published.gt"),
        ({"not": {"or": [{}, {"language": {"eq": "\0"}}]}}, "filter.not.or[1].language.eq"),
        ({"or": [{}, {"text": "a"}]}, "filter.or[1].text"),
        ({"author": {"in": [global_id("Author", 1), "x"]}}, "filter.author.in[1]"),
        ({"currency": {"notIn": ["EUR", "\0"]}}, "filter.currency.notIn[1]"),
        ({"isbn": {"in": ["9780306406157", "978"]}}, "filter.isbn.in[1]"),
        ({"isbn": {"eq": ""}}, "filter.isbn.eq"),
        ({"id": {"in": [global_id("Author", 1)]}}, "filter.id.in[0]"),
        ({"author": {"slug": {"in": ["a", "\0"]}}}, "filter.author.slug.in[1]"),
        ({"author": {"slug": {"eq": "\0"}}}, "filter.author.slug.eq"),
        ({"category": {"path": {"eq": "\ud800"}}}, "filter.category.path.eq"),
        ({"category": {"path": {"in": ["a"] * 101}}}, "filter.category.path.in"),
        ({"price": {"currency": "\0"}}, "filter.price.currency"),
    ],
)
async def test_the_path_of_an_invalid_condition_has_the_index_in_each_list(
    client: Client, filter_input: dict[str, Any], argument: str
) -> None:
    error = await client.error(BOOKS, filter=filter_input)

    assert error["extensions"] == {"code": "BAD_USER_INPUT", "argument": argument}
    assert error["message"].startswith(f"{argument} ")


@pytest.mark.parametrize(
    "conditions",
    [
        {"or": [{"inStock": True}] * MAX_FILTER_CONDITIONS},
        {"and": [{"or": [{"inStock": True}] * (MAX_FILTER_CONDITIONS - 1)}, {"hasIsbn": False}]},
        {"or": [{}] * MAX_FILTER_CONDITIONS},
        {"or": [{"and": []}, {"not": {}}] * (MAX_FILTER_CONDITIONS // 2)},
    ],
)
async def test_a_filter_has_at_most_50_conditions(client: Client, conditions: dict[str, Any]) -> None:
    [(key, items)] = conditions.items()
    too_many = {key: [*items, {"inStock": True}]}

    error = await client.error(BOOKS, filter=too_many)

    assert await names_of(client, BOOKS, conditions) == []
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "argument": "filter"}
    assert (
        error["message"] == f"filter has more than {MAX_FILTER_CONDITIONS} conditions. Use fewer conditions."
    )


async def test_a_list_of_filters_is_limited(client: Client) -> None:
    error = await client.error(BOOKS, filter={"or": [{}] * (MAX_FILTER_VALUES + 1)})

    assert error["message"] == f"filter.or has 101 values; at most {MAX_FILTER_VALUES} are allowed."


def test_a_field_of_a_filter_without_a_parser_is_an_error_at_the_start() -> None:
    class Forgotten:
        name: str | None = strawberry.field(default=None, description="A name.")

    with pytest.raises(TypeError, match=r"^Forgotten\.name has no parser$"):
        filter_input("A filter.")(Forgotten)


@pytest.mark.parametrize("declare", [operator, strawberry.field])
def test_an_operator_without_a_parser_is_an_error_at_the_start(declare: Callable[..., Any]) -> None:
    @strawberry.input(description="Operators.")
    class Operators:
        is_null: bool | None = operator("Is null.")
        matches: str | None = declare(
            description="Matches.", **({} if declare is operator else {"default": None})
        )

    class Forgotten:
        year: Operators | None = filter_field(
            "A year.", number_parser(conditions.BIRTH_YEAR_COLUMN, check_year)
        )

    with pytest.raises(TypeError, match=r"^Operators\.matches has no parser$"):
        filter_input("A filter.")(Forgotten)
