"""To a role, what it may not use does not exist: no answer differs from that of a catalog that never had it."""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from importlib import import_module
from itertools import pairwise
from typing import Any

import orjson
import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    get_named_type,
    is_introspection_type,
    is_required_argument,
    is_required_input_field,
)
from graphql.pyutils import suggestion_list
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.types.base import get_object_definition

from graphql_api.access.roles import Role
from graphql_api.execution import validation
from graphql_api.execution.documents import DocumentCache, InvalidDocumentError
from graphql_api.schema import Schema, schema, schema_for
from graphql_api.schema.filter_inputs import BookFilter
from graphql_api.schema.inputs import BookOrderField
from graphql_api.schema.queries import Query
from graphql_api.schema.restrictions import restrict_to, restrict_values
from graphql_api.schema.scalars import SCALARS
from graphql_api.schema.types import Author, Book, Category, Facets, Work
from tests.catalogs import add_book
from tests.graphql_api import library
from tests.graphql_api.conftest import Client
from tests.graphql_api.library import build_library
from tests.graphql_api.role_leaks import (
    Part,
    build_reference,
    find_leaks,
    hidden_parts,
    parts_of,
)

BuildSchema = Callable[[Role], Schema]
LOWER_ROLES = [role for role in Role if role < Role.MANAGER]


def declaration_of(cls: type, name: str, argument: str = "") -> Any:
    """Return the declaration of a field, or of one of its arguments, by their names in Python."""
    fields = {each.python_name: each for each in get_object_definition(cls, strict=True).fields}
    arguments = {each.python_name: each for each in fields[name].arguments}
    return arguments[argument] if argument else fields[name]


@pytest.fixture
def build_narrowed(monkeypatch: pytest.MonkeyPatch) -> BuildSchema:
    """Return a builder of the catalog's schema with restricted orders, filters, facets and an argument."""
    for declaration in (
        declaration_of(BookFilter, "rating"),
        declaration_of(BookFilter, "price"),
        declaration_of(Facets, "ratings"),
        declaration_of(Author, "books", "roles"),
        declaration_of(Query, "suggest"),
    ):
        monkeypatch.setattr(declaration, "metadata", declaration.metadata)  # restored at the end
        restrict_to(Role.EDITOR, declaration)
    monkeypatch.setattr(BookOrderField, "value_roles", {}, raising=False)
    restrict_values(POPULARITY=Role.EDITOR)(BookOrderField)
    return build_catalog


def build_catalog(role: Role) -> Schema:
    """Return a new schema of the catalog, with the restrictions of this moment."""
    return Schema(
        Query, role=role, types=[Book, Author, Category, Work], config=StrawberryConfig(scalar_map=SCALARS)
    )


def names(parts: list[Part]) -> list[str]:
    return [str(part) for part in parts]


# What each role sees


def test_what_is_not_public_is_listed_here() -> None:
    manager, editor, public = (schema_for(role) for role in (Role.MANAGER, Role.EDITOR, Role.PUBLIC))
    known_types = ("Author.", "Book.", "Category.", "Query.", "Mutation.")

    def fields(schema: Schema, lower: Schema) -> set[str]:
        hidden = {str(part).partition("(")[0] for part in hidden_parts(schema, lower)}
        return {name for name in hidden if name.startswith(known_types)}

    assert fields(editor, public) == {
        "Author.version",
        "Book.isPublished",
        "Book.recentViews",
        "Book.version",
        "Category.version",
        "Query.unpublishedBooks",
        *(
            f"Mutation.{name}"
            for name in [
                "adjustStock",
                "createAuthor",
                "createBook",
                "createCategory",
                "moveCategory",
                "updateAuthor",
                "updateBook",
                "updateCategory",
                "updateOffers",
                "upsertBooks",
            ]
        ),
    }
    assert fields(manager, editor) == {
        f"Mutation.{name}" for name in ("deleteAuthor", "deleteBook", "deleteCategory", "mergeAuthors")
    }


@pytest.mark.parametrize("build", [schema_for, build_library])
def test_a_role_sees_all_that_a_lower_one_sees(build: BuildSchema) -> None:
    visible = [set(parts_of(build(role)._schema)) for role in Role]

    assert all(lower <= higher for lower, higher in pairwise(visible))


def test_the_schema_of_a_role_is_built_once() -> None:
    assert [schema_for(role) is schema_for(role) for role in Role] == [True, True, True]
    assert [schema_for(role).role for role in Role] == list(Role)
    assert schema is schema_for(Role.PUBLIC)


def test_a_role_without_a_mutation_has_no_mutation_type() -> None:
    mutations = [build_library(role)._schema.mutation_type for role in Role]

    assert [each and list(each.fields) for each in mutations] == [
        None,
        ["addShelf"],
        ["addShelf", "mergeShelves"],
    ]


# Leaks


@pytest.mark.parametrize("role", LOWER_ROLES)
@pytest.mark.parametrize("build", [schema_for, build_library])
async def test_a_hidden_name_is_answered_as_an_unknown_one(build: BuildSchema, role: Role) -> None:
    assert await find_leaks(build(role), build(Role.MANAGER)) == []


@pytest.mark.parametrize("role", LOWER_ROLES)
@pytest.mark.parametrize("build", [schema_for, build_library])
def test_introspection_lists_exactly_what_the_role_may_use(build: BuildSchema, role: Role) -> None:
    own = build(role)
    listed = set(parts_of(build_reference(own)._schema))

    assert listed == set(parts_of(own._schema))
    assert not listed & set(hidden_parts(build(Role.MANAGER), own))


async def test_no_order_filter_facet_or_argument_leaks(build_narrowed: BuildSchema) -> None:
    public, manager = build_narrowed(Role.PUBLIC), build_narrowed(Role.MANAGER)

    assert {
        *("BookFilter.rating", "Facets.ratings", "RatingCount", "RatingCount.count", "DecimalFilter.gte"),
        *("BookOrderField.POPULARITY", "Author.books(roles:)", "Query.suggest(prefix:)", "Suggestions"),
    } <= set(names(hidden_parts(manager, public)))
    assert await find_leaks(public, manager) == []


async def test_a_cursor_of_a_hidden_order_is_refused_as_one_of_an_unknown_order(
    client: Client, build_narrowed: BuildSchema
) -> None:
    for number in range(1, 4):
        await add_book(client.connection, f"Book {number}", rating_average=4, rating_count=number)
    manager = Client(client.connection, build_narrowed(Role.MANAGER))
    public = Client(client.connection, build_narrowed(Role.PUBLIC))
    page = await manager.data("{ books(first: 1, orderBy: {field: POPULARITY}) { pageInfo { endCursor } } }")
    hidden = page["books"]["pageInfo"]["endCursor"]
    unknown = urlsafe_b64encode(orjson.dumps(["nonsense desc", 2, 1])).decode().rstrip("=")

    query = "query ($after: String) { books(after: $after) { nodes { title } } }"
    errors = [await public.error(query, after=cursor) for cursor in (hidden, unknown)]

    assert errors[0] == errors[1]
    assert errors[0]["message"] == (
        "after is a cursor of a list with another order. Use that order, or omit the cursor."
    )


# The check finds leaks


RESTRICTIONS = [
    (library.Query, "shelves", "audit"),
    (library.Query, "archive", ""),
    (library.Shelf, "loans", ""),
    (library.Shelf, "note", ""),
    (library.Shelf, "purchase_price", ""),
    (library.Shelf, "books", "drafts"),
    (library.ShelfFilter, "loans", ""),
    (library.ShelfFilter, "note", ""),
    (library.ShelfFilter, "lost", ""),
    (library.ShelfLookup, "audit_number", ""),
    (library.Mutation, "add_shelf", ""),
    (library.Mutation, "merge_shelves", ""),
]


async def assert_is_reported(opened: Schema, closed: Schema, full: Schema) -> None:
    """Assert that the check reports each part that an opened schema has beyond the closed one."""
    parts = hidden_parts(opened, closed)

    leaks = await find_leaks(opened, full, closed, parts)

    assert parts
    assert {leak.partition(": ")[0] for leak in leaks} == set(names(parts))


@pytest.mark.parametrize(("cls", "name", "argument"), RESTRICTIONS)
async def test_a_part_that_is_opened_on_purpose_is_reported(
    monkeypatch: pytest.MonkeyPatch, cls: type, name: str, argument: str
) -> None:
    closed, full = build_library(Role.PUBLIC), build_library(Role.MANAGER)

    monkeypatch.setattr(declaration_of(cls, name, argument), "metadata", {})

    await assert_is_reported(build_library(Role.PUBLIC), closed, full)


async def test_an_enum_value_that_is_opened_on_purpose_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    closed, full = build_library(Role.PUBLIC), build_library(Role.MANAGER)

    monkeypatch.setattr(library.ShelfOrder, "value_roles", {"LOSSES": Role.MANAGER})

    await assert_is_reported(build_library(Role.PUBLIC), closed, full)


async def test_a_field_of_the_catalog_that_is_opened_on_purpose_is_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(declaration_of(Book, "recent_views"), "metadata", {})

    await assert_is_reported(build_catalog(Role.PUBLIC), schema, schema_for(Role.MANAGER))


async def test_a_suggestion_of_a_hidden_field_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    public, manager = build_library(Role.PUBLIC), build_library(Role.MANAGER)
    own_type = public._schema.type_map["Shelf"]
    full_type: Any = manager._schema.type_map["Shelf"]

    def suggest_names(type_: Any, name: str) -> list[str]:
        return suggestion_list(name, full_type.fields if type_ is own_type else [])

    rule = import_module("graphql.validation.rules.fields_on_correct_type")
    monkeypatch.setattr(rule, "get_suggested_field_names", suggest_names)
    leaks = await find_leaks(public, manager)

    assert {"Shelf.purchasePrice", "Shelf.note"} <= {leak.partition(": ")[0] for leak in leaks}


async def test_an_error_on_null_in_a_hidden_field_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Strawberry's rule on null knows all fields of the class."""
    monkeypatch.setattr(validation, "KnownMaybeFieldsRule", MaybeNullValidationRule)

    leaks = await find_leaks(build_library(Role.PUBLIC), build_library(Role.MANAGER))

    assert {leak.partition(": ")[0] for leak in leaks} == {"ShelfFilter.note"}


@pytest.mark.parametrize(
    ("literal", "messages"),
    [
        (
            "{title: null, size: null}",
            [
                "Expected value of type 'int', found null. Field 'size' of type 'Maybe[int]' cannot be explicitly"
                " set to null. Use 'Maybe[int | None]' if you need to allow null values."
            ],
        ),
        ("{title: {note: null}}", ["String cannot represent a non string value: { note: null }"]),
    ],
)
def test_null_in_a_visible_field_is_still_an_error(literal: str, messages: list[str]) -> None:
    with pytest.raises(InvalidDocumentError) as raised:
        DocumentCache(build_library(Role.PUBLIC)).get(f"{{ shelves(filter: {literal}) {{ title }} }}", None)

    assert [error.message for error in raised.value.errors] == messages


def test_an_object_in_place_of_an_enum_value_is_an_error() -> None:
    with pytest.raises(InvalidDocumentError, match="Enum 'ShelfOrder' cannot represent non-enum value"):
        DocumentCache(build_library(Role.PUBLIC)).get("{ shelves(order: {field: TITLE}) { title } }", None)


async def test_a_description_that_names_a_hidden_field_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        declaration_of(library.ShelfFilter, "title"),
        "description",
        "The title. `purchasePrice` is not compared.",
    )

    leaks = await find_leaks(build_library(Role.PUBLIC), build_library(Role.MANAGER))

    assert leaks == ["Shelf.purchasePrice: SDL"]


# Declarations


@pytest.mark.parametrize("role", LOWER_ROLES)
@pytest.mark.parametrize("build", [schema_for, build_library])
def test_no_hidden_argument_or_input_field_is_required(build: BuildSchema, role: Role) -> None:
    own, full = build(role), build(Role.MANAGER)
    types: Any = full._schema.type_map
    own_types: Any = own._schema.type_map
    hidden = [part for part in hidden_parts(full, own) if part.owner in own._schema.type_map]

    assert [
        str(part)
        for part in hidden
        if (part.kind == "input field" and is_required_input_field(types[part.owner].fields[part.name]))
        or (
            part.kind == "argument"
            and part.field in own_types[part.owner].fields
            and is_required_argument(types[part.owner].fields[part.field].args[part.name])
        )
    ] == []


@pytest.mark.parametrize("role", LOWER_ROLES)
@pytest.mark.parametrize("build", [schema_for, build_library])
def test_no_field_can_return_a_hidden_enum_value_or_type(build: BuildSchema, role: Role) -> None:
    own, full = build(role)._schema, build(Role.MANAGER)._schema
    full_types: Any = full.type_map
    returned = {
        get_named_type(each.type)
        for type_ in own.type_map.values()
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType) and not is_introspection_type(type_)
        for each in type_.fields.values()
    }

    for type_ in returned:
        if isinstance(type_, GraphQLEnumType):
            assert type_.values.keys() == full_types[type_.name].values.keys()
        if isinstance(type_, GraphQLInterfaceType):
            possible = full.get_possible_types(full_types[type_.name])
            assert {each.name for each in own.get_possible_types(type_)} == {each.name for each in possible}


def test_a_restriction_of_an_unknown_enum_value_is_an_error() -> None:
    with pytest.raises(TypeError, match=r"BookOrderField has no VIEWS: restrict names of its members\."):
        restrict_values(VIEWS=Role.EDITOR)(BookOrderField)
