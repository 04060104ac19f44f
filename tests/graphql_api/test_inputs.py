"""Every argument and every input field has an effect: an example of each one changes a result."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    get_named_type,
    is_introspection_type,
)

from db import authors, books, categories
from db.keyset import Order, Position
from graphql_api.schema import schema
from graphql_api.schema.ids import global_id
from graphql_api.schema.pagination import cursor_scope, encode_cursor
from tests.catalogs import add_author, add_book, add_category
from tests.graphql_api.conftest import Client


@dataclass(frozen=True)
class Example:
    """A document with the variable $v, and two values of it for which the results differ."""

    document: str
    value: Any
    other: Any = None


def example(argument: str, field: str, value: Any, other: Any = None) -> Example:
    """Return an example for an argument `$v: Type` of a field; the field's text contains $v."""
    return Example(f"query ($v: {argument}) {{ {field} }}", value, other)


PAGE = "pageInfo { startCursor endCursor }"
AUTHOR = 'author(by: {slug: "ann"})'
CATEGORY = 'category(by: {path: "fiction"})'
FACETS = "books { facets { categories(%s) { entries { count } } } }"
TITLE_CURSOR = encode_cursor(cursor_scope(Order(books.TITLE)), Position("nb", 1))
AUTHOR_CURSOR = encode_cursor(cursor_scope(authors.BY_NAME), Position("bz", 1))
SERIES = 'series(by: {slug: "highbury"})'
SERIES_CURSOR = encode_cursor(cursor_scope(books.IN_SERIES_ORDER), Position("00000001 9", 1))
BOOK = 'book(by: {isbn: "9780306406157"})'
EDITION_CURSOR = encode_cursor(cursor_scope(Order(books.POPULARITY, descending=True)), Position(3, 1))
CATEGORY_CURSOR = encode_cursor(cursor_scope(categories.BY_NAME), Position("nz", 1))


def page_examples(coordinate: str, field: str, cursor: str) -> dict[str, Example]:
    """Return examples for the page arguments of a connection; `field` has a %s for its arguments."""
    return {
        f"{coordinate}(first:)": example("Int", field % "first: $v", 1, 0),
        f"{coordinate}(last:)": example("Int", field % "last: $v", 1, 0),
        f"{coordinate}(after:)": example("String", field % "after: $v", cursor),
        f"{coordinate}(before:)": example("String", field % "before: $v", cursor),
    }


ARGUMENTS: dict[str, Example] = {
    "Query.node(id:)": example("ID!", "node(id: $v) { id }", "@Emma", "@ann"),
    "Query.nodes(ids:)": example("[ID!]!", "nodes(ids: $v) { id }", ["@Emma", "@ann"], ["@ann"]),
    "Query.book(by:)": example("BookLookup!", "book(by: $v) { title }", {"id": "@Emma"}, {"id": "@Nana"}),
    "Query.author(by:)": example("AuthorLookup!", "author(by: $v) { name }", {"id": "@ann"}, {"id": "@bob"}),
    "Query.category(by:)": example(
        "CategoryLookup!", "category(by: $v) { name }", {"id": "@Fiction"}, {"id": "@Novels"}
    ),
    "Query.series(by:)": example(
        "SeriesLookup!", "series(by: $v) { name }", {"slug": "highbury"}, {"slug": "rougon"}
    ),
    "SeriesLookup.id": example("ID!", "series(by: {id: $v}) { name }", "@Highbury", "@Rougon"),
    "SeriesLookup.slug": example("String!", "series(by: {slug: $v}) { name }", "highbury", "rougon"),
    "BookLookup.id": example("ID!", "book(by: {id: $v}) { title }", "@Emma", "@Nana"),
    "BookLookup.isbn": example("ISBN!", "book(by: {isbn: $v}) { title }", "9780306406157", "9780199535811"),
    "BookLookup.slug": example(
        "String!", "book(by: {slug: $v}) { title }", "@slug of Emma", "emma-999999999"
    ),
    "BookLookup.sourceKey.source": example(
        "String!",
        'book(by: {sourceKey: {source: $v, sourceId: "Emma"}}) { title }',
        "test",
        "other",
    ),
    "BookLookup.sourceKey.sourceId": example(
        "String!", 'book(by: {sourceKey: {source: "test", sourceId: $v}}) { title }', "Emma", "Nana"
    ),
    "Query.booksByIsbn(isbns:)": example(
        "[String!]!", "booksByIsbn(isbns: $v) { title }", ["9780306406157"], ["9780199535811"]
    ),
    "Book.description(truncateAt:)": example("Int", "books { nodes { description(truncateAt: $v) } }", 5, 8),
    "Book.related(first:)": example("Int!", f"{BOOK} {{ related(first: $v) {{ title }} }}", 1, 2),
    "Book.editions(orderBy:)": example(
        "BookOrder", f"{BOOK} {{ editions(orderBy: $v) {{ {PAGE} }} }}", {"field": "ADDED"}
    ),
    "Work.editions(orderBy:)": example(
        "BookOrder", f"{BOOK} {{ work {{ editions(orderBy: $v) {{ {PAGE} }} }} }}", {"field": "ADDED"}
    ),
    "AuthorLookup.id": example("ID!", "author(by: {id: $v}) { name }", "@ann", "@bob"),
    "AuthorLookup.slug": example("String!", "author(by: {slug: $v}) { name }", "ann", "bob"),
    "CategoryLookup.id": example("ID!", "category(by: {id: $v}) { name }", "@Fiction", "@Novels"),
    "CategoryLookup.path": example(
        "String!", "category(by: {path: $v}) { name }", "fiction", "fiction/novels"
    ),
    "Query.books(filter:)": example("BookFilter", "books(filter: $v) { nodes { title } }", {"inStock": True}),
    "Query.authors(filter:)": example(
        "AuthorFilter", "authors(filter: $v) { nodes { name } }", {"birthYear": {"eq": 1775}}
    ),
    "Query.categories(filter:)": example(
        "CategoryFilter", "categories(filter: $v) { nodes { name } }", {"name": {"eq": "novels"}}
    ),
    "Query.authors(orderBy:)": example(
        "AuthorOrder", "authors(orderBy: $v) { nodes { name } }", {"field": "NAME", "direction": "DESC"}
    ),
    "AuthorOrder.field": example(
        "AuthorOrder", "authors(orderBy: $v) { nodes { name } }", {"field": "NAME"}, {"field": "POPULARITY"}
    ),
    "AuthorOrder.direction": example(
        "AuthorOrder",
        "authors(orderBy: $v) { nodes { name } }",
        {"field": "NAME", "direction": "DESC"},
        {"field": "NAME"},
    ),
    "Query.categories(orderBy:)": example(
        "CategoryOrder", "categories(orderBy: $v) { nodes { name } }", {"field": "NAME", "direction": "DESC"}
    ),
    "CategoryOrder.field": example(
        "CategoryOrder",
        "categories(orderBy: $v) { nodes { name } }",
        {"field": "NAME"},
        {"field": "POPULARITY"},
    ),
    "CategoryOrder.direction": example(
        "CategoryOrder",
        "categories(orderBy: $v) { nodes { name } }",
        {"field": "NAME", "direction": "DESC"},
        {"field": "NAME"},
    ),
    "Query.categories(rootsOnly:)": example(
        "Boolean!", "categories(rootsOnly: $v) { nodes { name } }", True, False
    ),
    "Author.books(filter:)": example(
        "BookFilter", f"{AUTHOR} {{ books(filter: $v) {{ nodes {{ title }} }} }}", {"inStock": True}
    ),
    "Author.books(orderBy:)": example(
        "BookOrder", f"{AUTHOR} {{ books(orderBy: $v) {{ nodes {{ title }} }} }}", {"field": "PRICE"}
    ),
    "Author.books(roles:)": example(
        "[ContributorRole!]", f"{AUTHOR} {{ books(roles: $v) {{ nodes {{ title }} }} }}", ["TRANSLATOR"]
    ),
    "Book.authors(roles:)": example(
        "[ContributorRole!]", "books { nodes { authors(roles: $v) { name } } }", ["TRANSLATOR"]
    ),
    "Category.books(filter:)": example(
        "BookFilter", f"{CATEGORY} {{ books(filter: $v) {{ nodes {{ title }} }} }}", {"inStock": True}
    ),
    "Category.books(orderBy:)": example(
        "BookOrder", f"{CATEGORY} {{ books(orderBy: $v) {{ nodes {{ title }} }} }}", {"field": "PRICE"}
    ),
    "Category.books(includeDescendants:)": example(
        "Boolean!", f"{CATEGORY} {{ books(includeDescendants: $v) {{ nodes {{ title }} }} }}", False, True
    ),
    "Query.suggest(prefix:)": example("String!", "suggest(prefix: $v) { books { title } }", "em", "na"),
    "Query.suggest(first:)": example("Int!", 'suggest(prefix: "n", first: $v) { books { title } }', 1, 2),
    "Facets.categories(first:)": example("Int!", FACETS % "first: $v", 1, 2),
    "Facets.categories(parent:)": example("ID", FACETS % "parent: $v", "@Fiction"),
    "Facets.all(fields:)": example(
        "[FacetField!]", "books { facets { all(fields: $v) { field } } }", ["PRICES"], ["RATINGS"]
    ),
    "Facets.all(first:)": example("Int!", "books { facets { all(first: $v) { values { count } } } }", 1, 2),
    "Facets.authors(first:)": example(
        "Int!", "books { facets { authors(first: $v) { entries { count } } } }", 1, 2
    ),
    "Query.books(orderBy:)": example(
        "BookOrder", "books(orderBy: $v) { nodes { title } }", {"field": "PRICE"}
    ),
    "BookOrder.field": example(
        "BookOrder", "books(orderBy: $v) { nodes { title } }", {"field": "PRICE"}, {"field": "RATING"}
    ),
    "BookOrder.direction": example(
        "BookOrder",
        "books(orderBy: $v) { nodes { title } }",
        {"field": "TITLE", "direction": "DESC"},
        {"field": "TITLE"},
    ),
    **page_examples("Query.books", f"books(%s) {{ {PAGE} }}", TITLE_CURSOR),
    **page_examples("Query.authors", f"authors(%s) {{ {PAGE} }}", AUTHOR_CURSOR),
    **page_examples("Query.categories", f"categories(%s) {{ {PAGE} }}", CATEGORY_CURSOR),
    **page_examples("Author.books", f"{AUTHOR} {{ books(%s) {{ {PAGE} }} }}", TITLE_CURSOR),
    **page_examples("Book.editions", f"{BOOK} {{ editions(%s) {{ {PAGE} }} }}", EDITION_CURSOR),
    **page_examples("Work.editions", f"{BOOK} {{ work {{ editions(%s) {{ {PAGE} }} }} }}", EDITION_CURSOR),
    **page_examples("Series.books", f"{SERIES} {{ books(%s) {{ {PAGE} }} }}", SERIES_CURSOR),
    **page_examples("Category.books", f"{CATEGORY} {{ books(%s) {{ {PAGE} }} }}", TITLE_CURSOR),
    **page_examples("Category.children", f"{CATEGORY} {{ children(%s) {{ {PAGE} }} }}", CATEGORY_CURSOR),
}

ORDERS = {
    "TITLE": ["Emma", "Emma", "Emma", "Nana", "Nemesis", "Omega"],
    "PUBLICATION": ["Nemesis", "Emma", "Nana", "Omega", "Emma", "Emma"],
    "PRICE": ["Nana", "Nemesis", "Emma", "Omega", "Emma", "Emma"],
    "RATING": ["Emma", "Emma", "Nemesis", "Nana", "Emma", "Omega"],
    "POPULARITY": ["Nana", "Emma", "Emma", "Emma", "Nemesis", "Omega"],
    "RELEVANCE": ["Nemesis"],
    "ADDED": ["Omega", "Nemesis", "Emma", "Nana", "Emma", "Emma"],
    "UPDATED": ["Nemesis", "Emma", "Nana", "Emma", "Emma", "Omega"],
    "TRENDING": ["Nana", "Omega"],
}
ROLES = {"AUTHOR", "EDITOR", "TRANSLATOR", "ILLUSTRATOR", "INTRODUCTION", "NARRATOR", "CONTRIBUTOR"}


def operators(field: str, option: str | None = None, **values: Any) -> dict[str, dict[str, Any]]:
    """Return a filter per operator of a field. An option is added to the filter with `eq`."""
    return {
        f"{field}.{name}": {field: {name: value, **({"eq": values["eq"]} if name == option else {})}}
        for name, value in ((name.rstrip("_"), value) for name, value in values.items())
    }


ISBN = "0-306-40615-2"
NUMBERS = ("eq", "neq", "lt", "lte", "gt", "gte")
YEARS = dict.fromkeys(NUMBERS, 1880)
TIMES = dict.fromkeys(("lt", "lte"), "2000-01-01T00:00:00Z") | dict.fromkeys(
    ("gt", "gte"), "2100-01-01T00:00:00Z"
)
FILTERS: dict[str, dict[str, Any]] = {
    "BookFilter": {
        "text": {"text": "emma"},
        "inStock": {"inStock": True},
        "hasIsbn": {"hasIsbn": True},
        "and": {"and": [{"inStock": True}]},
        "or": {"or": [{"inStock": True}]},
        "not": {"not": {"inStock": True}},
        **operators("id", eq="@Emma", neq="@Emma", in_=["@Emma"], notIn=["@Emma"]),
        **operators("isbn", eq=ISBN, neq=ISBN, in_=[ISBN], notIn=[ISBN], isNull=True),
        **operators(
            "author",
            "roles",
            eq="@ann",
            neq="@ann",
            in_=["@ann"],
            notIn=["@ann"],
            slug={"eq": "ann"},
            roles=["EDITOR"],
        ),
        **operators(
            "category",
            "includeDescendants",
            eq="@Fiction",
            neq="@Fiction",
            in_=["@Fiction"],
            notIn=["@Fiction"],
            path={"eq": "fiction"},
            includeDescendants=False,
        ),
        **operators("language", eq="en", neq="en", in_=["en"], notIn=["en"], isNull=True),
        **operators("publisher", eq="Ace", neq="Ace", in_=["Ace"], notIn=["Ace"], isNull=True),
        **operators(
            "series", eq="@Highbury", neq="@Highbury", in_=["@Highbury"], notIn=["@Highbury"], isNull=True
        ),
        **operators("format", eq="EBOOK", neq="EBOOK", in_=["EBOOK"], notIn=["EBOOK"], isNull=True),
        **operators("currency", eq="EUR", neq="EUR", in_=["EUR"], notIn=["EUR"], isNull=True),
        **operators("price", **dict.fromkeys(NUMBERS, "9.50"), isNull=True, currency="EUR"),
        **operators("rating", **dict.fromkeys(NUMBERS, "4.5"), isNull=True),
        **operators("published", **YEARS, isNull=True),
        **operators("addedAt", **TIMES),
        **operators("updatedAt", **TIMES),
    },
    "AuthorFilter": {
        "and": {"and": [{"birthYear": {"eq": 1880}}]},
        "or": {"or": [{"birthYear": {"eq": 1880}}]},
        "not": {"not": {"birthYear": {"eq": 1880}}},
        **operators("name", eq="ann", startsWith="a", contains="nn"),
        **operators("birthYear", **YEARS, isNull=True),
        **operators("deathYear", **YEARS, isNull=True),
    },
    "CategoryFilter": {
        "and": {"and": [{"name": {"eq": "novels"}}]},
        "or": {"or": [{"name": {"eq": "novels"}}]},
        "not": {"not": {"name": {"eq": "novels"}}},
        **operators("name", eq="novels", startsWith="n", contains="ove"),
    },
}
FILTERED = {
    "BookFilter": "query ($v: BookFilter) { books(filter: $v) { totalCount } }",
    "AuthorFilter": "query ($v: AuthorFilter) { authors(filter: $v) { totalCount } }",
    "CategoryFilter": "query ($v: CategoryFilter) { categories(filter: $v) { totalCount } }",
}


def without(filter_input: dict[str, Any], path: str) -> dict[str, Any]:
    """Return the filter without the field at the path."""
    *parents, last = path.split(".")
    rest = deepcopy(filter_input)
    parent = rest
    for name in parents:
        parent = parent[name]
    del parent[last]
    return rest


EXAMPLES = ARGUMENTS | {
    f"{name}.{path}": Example(FILTERED[name], filter_input, without(filter_input, path))
    for name, filters in FILTERS.items()
    for path, filter_input in filters.items()
}


def coordinates() -> Iterator[str]:
    """Yield every argument of a field, and every field of an input with the operators below it."""
    types = [each for each in schema._schema.type_map.values() if not is_introspection_type(each)]
    for each in types:
        if isinstance(each, GraphQLObjectType | GraphQLInterfaceType):
            for name, field in each.fields.items():
                yield from (f"{each}.{name}({argument}:)" for argument in field.args)
    for each in types:
        if isinstance(each, GraphQLInputObjectType) and not is_operator_input(each, types):
            for name, field in each.fields.items():
                value_type = get_named_type(field.type)
                if isinstance(value_type, GraphQLInputObjectType) and value_type is not each:
                    yield from (f"{each}.{name}.{operator}" for operator in value_type.fields)
                else:
                    yield f"{each}.{name}"


def is_operator_input(input_type: GraphQLInputObjectType, types: list[GraphQLNamedType]) -> bool:
    """Return whether the input is only the type of another input's fields."""
    return any(
        input_type is get_named_type(field.type)
        for each in types
        if isinstance(each, GraphQLInputObjectType) and each is not input_type
        for field in each.fields.values()
    )


@pytest.fixture
async def ids(connection: asyncpg.Connection) -> dict[str, str]:
    """Add four books, one of them in three editions, four authors and three categories; return their ids."""
    ann = await add_author(connection, "Ann", birth_year=1880, death_year=1880)
    bob = await add_author(connection, "Bob", birth_year=1879, death_year=1879)
    cleo = await add_author(connection, "Cleo", birth_year=1881, death_year=1881)
    await add_author(connection, "Dora")
    fiction = await add_category(connection, "Fiction")
    novels = await add_category(connection, "Novels", fiction)
    await add_category(connection, "Tales", fiction)
    poems = await add_category(connection, "Poems")
    rows: list[dict[str, Any]] = [
        {"title": "Omega", "authors": [(cleo, "NARRATOR")]},
        {
            "title": "Nemesis",
            "series": "Highbury",
            "series_position": "2",
            "authors": [(ann, "TRANSLATOR"), (bob, "EDITOR")],
            "categories": [fiction],
            "language": "fr",
            "description": "A tale of envy",
            "published_year": 1879,
            "price": Decimal("9.40"),
            "currency": "USD",
            "rating_average": Decimal("4.4"),
            "rating_count": 1,
        },
        {
            "title": "Emma",
            "series": "Highbury",
            "series_position": "1",
            "authors": [ann],
            "categories": [novels],
            "language": "en",
            "publisher": "Ace",
            "format": "EBOOK",
            "published_year": 1880,
            "price": Decimal("9.50"),
            "currency": "EUR",
            "rating_average": Decimal("4.6"),
            "rating_count": 5,
            "stock": 1,
            "isbn": "9780306406157",
        },
        {
            "title": "Nana",
            "series": "Rougon",
            "authors": [(ann, "EDITOR"), bob],
            "categories": [poems],
            "language": "de",
            "publisher": "Bee",
            "format": "MAP",
            "published_year": 1881,
            "price": Decimal("9.30"),
            "currency": "USD",
            "rating_average": Decimal("4.5"),
            "rating_count": 9,
        },
    ]
    ids: dict[str, str] = {row["title"]: global_id("Book", await add_book(connection, **row)) for row in rows}
    for count in (2, 3):  # other editions of Emma
        await add_book(
            connection,
            title="Emma",
            source_id=f"Emma {count}",
            authors=[ann],
            rating_average=4,
            rating_count=count,
        )
    await connection.execute("UPDATE book SET stock = 2 WHERE title = 'Omega'")
    await connection.execute(
        "INSERT INTO book_trend SELECT id, rating_count + 1, current_date FROM book WHERE title IN ('Nana', 'Omega')"
    )
    emma = await connection.fetchval("SELECT min(id) FROM book WHERE title = 'Emma'")
    ids["slug of Emma"] = f"emma-{emma}"
    ids |= {
        name: global_id("Series", key) for key, name in await connection.fetch("SELECT id, name FROM series")
    }
    ids |= {"ann": global_id("Author", ann), "bob": global_id("Author", bob)}
    return ids | {"Fiction": global_id("Category", fiction), "Novels": global_id("Category", novels)}


def replace_names(value: Any, ids: dict[str, str]) -> Any:
    """Return the value with each "@name" replaced by the id."""
    if isinstance(value, dict):
        return {key: replace_names(item, ids) for key, item in value.items()}
    if isinstance(value, list):
        return [replace_names(item, ids) for item in value]
    return ids[value[1:]] if isinstance(value, str) and value.startswith("@") else value


def test_every_argument_and_input_field_has_an_example() -> None:
    assert set(coordinates()) == set(EXAMPLES)


@pytest.mark.parametrize("coordinate", EXAMPLES)
async def test_an_argument_or_input_field_changes_the_result(
    client: Client, ids: dict[str, str], coordinate: str
) -> None:
    each = EXAMPLES[coordinate]

    results = [
        await client.data(each.document, v=replace_names(value, ids)) for value in (each.value, each.other)
    ]

    assert results[0] != results[1]


def enum_values(name: str) -> set[str]:
    enum = schema._schema.type_map[name]
    assert isinstance(enum, GraphQLEnumType)
    return set(enum.values)


async def test_every_order_sorts_by_its_key(client: Client, ids: dict[str, str]) -> None:
    titles = "query ($v: BookOrder, $text: String) { books(orderBy: $v, filter: {text: $text}) { nodes { title } } }"

    results = {
        key: await client.data(titles, v={"field": key}, text="nemesis" if key == "RELEVANCE" else None)
        for key in ORDERS
    }

    assert {
        key: [node["title"] for node in data["books"]["nodes"]] for key, data in results.items()
    } == ORDERS
    assert enum_values("BookOrderField") == set(ORDERS)
    assert enum_values("OrderDirection") == {"ASC", "DESC"}


@pytest.mark.parametrize("role", sorted(ROLES))
async def test_every_role_selects_its_contributors(
    client: Client, connection: asyncpg.Connection, role: str
) -> None:
    authors = [(await add_author(connection, f"The {each.lower()}"), each) for each in sorted(ROLES)]
    await add_book(connection, "Book", authors=authors)

    data = await client.data(
        "query ($v: [ContributorRole!]) { books { nodes { authors(roles: $v) { name } } } }", v=[role]
    )

    assert data["books"]["nodes"] == [{"authors": [{"name": f"The {role.lower()}"}]}]
    assert enum_values("ContributorRole") == ROLES
