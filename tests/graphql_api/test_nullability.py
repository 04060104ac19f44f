"""Every field that may be null is null in some response without errors, so that the others are non-null."""

from collections.abc import Iterator
from typing import Any, cast

from graphql import (
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    get_named_type,
    is_interface_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
    is_required_argument,
)

from graphql_api.access.roles import Role
from graphql_api.schema import schema_for
from graphql_api.schema.ids import global_id
from tests.catalogs import add_author, add_book, add_category
from tests.graphql_api.conftest import Client
from tests.graphql_api.mutations.conftest import Shop, shop  # noqa: F401 - a fixture

MANAGER = schema_for(Role.MANAGER)._schema
QUERY = cast("GraphQLObjectType", MANAGER.query_type)
UNKNOWN = {name: global_id(name, 2**40) for name in ("Book", "Author", "Category", "Series")}
MAX_DEPTH = 3

DELETED_MEANWHILE = {"AuthorCount.author", "CategoryCount.category"}
"""Null if the object was deleted between two statements of one query."""


def object_types() -> Iterator[GraphQLObjectType]:
    for graphql_type in MANAGER.type_map.values():
        if is_object_type(graphql_type) and not graphql_type.name.startswith("__"):
            yield graphql_type


def is_nullable(field: GraphQLField) -> bool:
    """Return whether a value of the field, or an item of its list, may be null."""
    if not is_non_null_type(field.type):
        return True
    inner = field.type.of_type
    return is_list_type(inner) and not is_non_null_type(inner.of_type)


def nullable_fields() -> set[str]:
    return {
        f"{each.name}.{name}"
        for each in object_types()
        for name, field in each.fields.items()
        if is_nullable(field)
    }


def is_of_mutations(coordinate: str) -> bool:
    return coordinate.partition(".")[0].endswith(("Payload", "Result"))


def select_all(graphql_type: GraphQLNamedType, depth: int = MAX_DEPTH) -> str:
    """Return a selection of all fields that need no argument, as deep as the depth."""
    fields = cast("GraphQLObjectType", graphql_type).fields
    selections = ["__typename"]
    for name, field in fields.items():
        if any(is_required_argument(argument) for argument in field.args.values()):
            continue
        inner = get_named_type(field.type)
        if is_leaf_type(inner):
            selections.append(name)
        elif depth and (depth == MAX_DEPTH or not inner.name.endswith("Connection")):
            selections.append(f"{name} {select_all(inner, depth - 1)}")
    if is_interface_type(graphql_type):
        selections += [
            f"... on {each.name} {select_all(each, depth - 1)}"
            for each in MANAGER.get_possible_types(graphql_type)
            if depth
        ]
    return f"{{ {' '.join(selections)} }}"


def find_nulls(value: Any, type_name: str) -> Iterator[str]:
    """Yield the coordinate of each null in an object of a response."""
    for name, found in value.items():
        items = found if isinstance(found, list) else [found]
        for item in items:
            if item is None:
                yield f"{type_name}.{name}"
            elif isinstance(item, dict) and "__typename" in item:
                yield from find_nulls(item, item["__typename"])


async def nulls_of(client: Client, document: str, **variables: Any) -> set[str]:
    return set(find_nulls(await client.data(document, **variables), "Query"))


async def nulls_of_roots(client: Client) -> set[str]:
    """Return the nulls below the root fields that need no argument."""
    nulls: set[str] = set()
    for root, field in QUERY.fields.items():
        if not any(map(is_required_argument, field.args.values())):
            nulls |= await nulls_of(client, f"{{ {root} {select_all(get_named_type(field.type))} }}")
    return nulls


async def test_every_nullable_field_of_a_query_can_be_null_without_an_error(client: Client) -> None:
    client.schema = schema_for(Role.MANAGER)
    nulls = await nulls_of_roots(client)
    author = await add_author(client.connection, "Anonymous")
    category = await add_category(client.connection, "Fiction")
    book = await add_book(client.connection, "Untold", series="Saga", authors=[author], categories=[category])
    await add_book(client.connection, "Sold", categories=[category], price=100_000, currency="EUR")
    ids = [global_id("Book", book), global_id("Author", author), global_id("Category", category)]
    nodes = " ".join(f"... on {name} {select_all(MANAGER.type_map[name])}" for name in UNKNOWN)

    nulls |= await nulls_of(
        client, f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ __typename {nodes} }} }}", ids=ids
    )
    nulls |= await nulls_of_roots(client)
    nulls |= await nulls_of(
        client,
        """query ($book: ID!, $author: ID!, $category: ID!, $series: ID!) {
          node(id: $book) { id } nodes(ids: [$book]) { id } book(by: {id: $book}) { id }
          author(by: {id: $author}) { id } category(by: {id: $category}) { id }
          series(by: {id: $series}) { id }
          booksByIsbn(isbns: ["9780306406157"]) { id }
        }""",
        book=UNKNOWN["Book"],
        author=UNKNOWN["Author"],
        category=UNKNOWN["Category"],
        series=UNKNOWN["Series"],
    )

    of_queries = {name for name in nullable_fields() if not is_of_mutations(name)}
    assert of_queries - nulls == DELETED_MEANWHILE


REFUSED = [
    ('createBook(input: {title: " "})', "book { id }"),
    ("updateBook(by: $book, input: {})", "book { id }"),
    ("deleteBook(by: $book)", "deletedId"),
    ("adjustStock(by: $book, delta: 1)", "book { id }"),
    ('createAuthor(input: {name: " "})', "author { id }"),
    ("updateAuthor(by: $author, input: {})", "author { id }"),
    ("deleteAuthor(by: $author)", "deletedId"),
    ("mergeAuthors(into: $author, from: $author)", "author { id }"),
    ('createCategory(input: {name: " "})', "category { id }"),
    ('updateCategory(by: $category, input: {name: "A"})', "category { id }"),
    ("moveCategory(by: $category, parent: null)", "category { id }"),
    ("deleteCategory(by: $category)", "deletedId"),
]
VARIABLES = {
    "book": ("BookKeyInput", {"id": UNKNOWN["Book"]}),
    "author": ("AuthorLookup", {"id": UNKNOWN["Author"]}),
    "category": ("CategoryLookup", {"id": UNKNOWN["Category"]}),
}


async def test_every_nullable_field_of_a_payload_is_null_when_a_write_is_refused(shop: Shop) -> None:  # noqa: F811
    nulls: set[str] = set()
    for call, name in REFUSED:
        used = {key: value for key, value in VARIABLES.items() if f"${key}" in call}
        types = "".join(f"${key}: {type_name}! " for key, (type_name, _) in used.items())
        document = (
            f"mutation {f'({types})' if types else ''} {{ {call} {{ __typename {name} errors {{ code }} }} }}"
        )
        data = await shop.run(document, **{key: value for key, (_, value) in used.items()})
        nulls |= set(find_nulls(data, "Mutation"))
    records = await shop.run(
        'mutation { upsertBooks(source: "a", books: [{}], onError: SKIP_ROW) { __typename results { __typename book { id } } } }'
    )
    nulls |= set(find_nulls(records, "Mutation"))

    assert {name for name in nullable_fields() if is_of_mutations(name)} - nulls == set()
