"""The schema as clients read it: every part has a description, and no change is accidental."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    build_schema,
    get_introspection_query,
    is_introspection_type,
    is_specified_scalar_type,
)

import graphql_api
from db import books
from db.search.ranking import RELEVANCE
from db.trends import TRENDING
from graphql_api.access.roles import Role
from graphql_api.schema import schema, schema_for
from graphql_api.schema.inputs import SORT_KEYS, BookOrderField
from tests.graphql_api.conftest import Client

SDL = Path(graphql_api.__file__).parent / "schema.graphql"
CLIENTS = Path(graphql_api.__file__).parents[1] / "examples" / "clients"


def descriptions() -> dict[str, str | None]:
    """Return the description of every type, field, argument and enum value that a role may use."""
    by_path: dict[str, str | None] = {}
    for name, graphql_type in schema_for(Role.MANAGER)._schema.type_map.items():
        if is_introspection_type(graphql_type) or is_specified_scalar_type(graphql_type):
            continue
        by_path[name] = graphql_type.description
        if isinstance(graphql_type, GraphQLEnumType):
            by_path |= {f"{name}.{key}": value.description for key, value in graphql_type.values.items()}
        if isinstance(graphql_type, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            for key, field in graphql_type.fields.items():
                by_path[f"{name}.{key}"] = field.description
                for argument, value in getattr(field, "args", {}).items():
                    by_path[f"{name}.{key}({argument}:)"] = value.description
    return by_path


def test_every_type_field_argument_and_enum_value_has_a_description() -> None:
    described = descriptions()

    assert [name for name, description in described.items() if not (description or "").strip()] == []
    assert {"Book", "Book.authors", "Category.books(includeDescendants:)", "OrderDirection.ASC"} <= set(
        described
    )


def deprecation_reasons(graphql_schema: GraphQLSchema) -> Iterator[str]:
    """Yield the reasons of all deprecated fields, arguments, input fields and enum values."""
    for graphql_type in graphql_schema.type_map.values():
        if not is_introspection_type(graphql_type):
            parts = list(getattr(graphql_type, "fields", getattr(graphql_type, "values", {})).values())
            parts += [argument for part in parts for argument in getattr(part, "args", {}).values()]
            yield from (part.deprecation_reason for part in parts if part.deprecation_reason is not None)


DEPRECATION = re.compile(r"Use .+\. It may be removed from (\d{4}-\d\d-\d\d) on\.", re.DOTALL)


def test_a_deprecation_says_what_to_use_and_from_which_day_the_part_may_go() -> None:
    reasons = list(deprecation_reasons(schema_for(Role.MANAGER)._schema))
    matches = [DEPRECATION.fullmatch(reason) for reason in reasons]

    assert [reason for reason, match in zip(reasons, matches, strict=True) if not match] == []
    assert all(date.fromisoformat(match[1]) for match in matches if match)


def test_every_kind_of_deprecated_part_is_looked_at() -> None:
    text = """
    type Query { a(b: In @deprecated(reason: "1")): E @deprecated(reason: "2") }
    input In { c: Int @deprecated(reason: "3") }
    enum E { F @deprecated(reason: "4") G }
    """

    assert sorted(deprecation_reasons(build_schema(text))) == ["1", "2", "3", "4"]


def test_the_schema_equals_the_committed_one() -> None:
    """After an intended change, run `bookstore schema > graphql_api/schema.graphql`."""
    assert schema.as_str() + "\n" == SDL.read_text(encoding="utf-8")


async def test_the_schema_describes_itself_in_three_sentences(client: Client) -> None:
    description = (await client.data("{ __schema { description } }"))["__schema"]["description"]

    assert len(re.findall(r"\.(?: |\n|$)", description)) == 3
    assert description.startswith("The catalog of a bookstore")
    assert build_schema(schema.as_str()).description == description


@pytest.mark.parametrize("role", Role)
def test_the_description_names_what_is_in_the_schema_of_each_role(role: Role) -> None:
    text = build_schema(schema_for(role).as_str())
    named = set(re.findall(r"`(\w+)`", text.description or ""))
    known = {name for each in text.type_map.values() for name in getattr(each, "fields", {})}

    assert named - known == {"after"}
    assert {"filter", "after"} <= set(text.query_type.fields["books"].args if text.query_type else ())


def test_sort_keys_of_the_schema_are_those_of_the_catalog() -> None:
    assert set(SORT_KEYS) == set(BookOrderField)
    assert set(SORT_KEYS.values()) == {*books.SORT_KEYS, books.UPDATED, RELEVANCE, TRENDING}


async def test_introspection_returns_the_schema_without_statements(client: Client) -> None:
    data = await client.data(get_introspection_query(input_value_deprecation=True, specified_by_url=True))

    assert {"Book", "Author", "Category"} <= {
        graphql_type["name"] for graphql_type in data["__schema"]["types"]
    }
    assert client.statements == []


OCTOBER_2021_LOCATIONS = {
    "QUERY",
    "MUTATION",
    "SUBSCRIPTION",
    "FIELD",
    "FRAGMENT_DEFINITION",
    "FRAGMENT_SPREAD",
    "INLINE_FRAGMENT",
    "VARIABLE_DEFINITION",
    "SCHEMA",
    "SCALAR",
    "OBJECT",
    "FIELD_DEFINITION",
    "ARGUMENT_DEFINITION",
    "INTERFACE",
    "UNION",
    "ENUM",
    "ENUM_VALUE",
    "INPUT_OBJECT",
    "INPUT_FIELD_DEFINITION",
}


async def test_introspection_lists_only_locations_that_every_client_knows(client: Client) -> None:
    """A client such as gql 3 cannot build the schema if a directive has a location that it does not know."""
    data = await client.data("{ __schema { directives { name locations } } }")
    locations = {each["name"]: set(each["locations"]) for each in data["__schema"]["directives"]}

    assert {"deprecated", "include", "skip", "specifiedBy", "oneOf", "cost", "listSize"} == set(locations)
    assert set().union(*locations.values()) <= OCTOBER_2021_LOCATIONS
    assert locations["deprecated"] == {
        "FIELD_DEFINITION",
        "ARGUMENT_DEFINITION",
        "INPUT_FIELD_DEFINITION",
        "ENUM_VALUE",
    }


def test_the_documentation_lists_all_types_without_an_id() -> None:
    """Graphcache knows connections, edges and PageInfo by their names."""
    page = (Path(graphql_api.__file__).parents[1] / "docs" / "schema.md").read_text(encoding="utf-8")
    [listed] = re.findall(r"const embedded = \[(.*?)\];", page, re.DOTALL)

    types = [each for each in schema._schema.type_map.values() if isinstance(each, GraphQLObjectType)]
    assert re.findall(r'"(\w+)"', listed) == sorted(
        each.name
        for each in types
        if "id" not in each.fields
        and each.name != "Query"
        and not re.search("^__|PageInfo|(Connection|Edge)$", each.name)
    )


@pytest.mark.parametrize("client", ["apollo-client-3/cache.ts", "apollo-client-4/cache.ts", "urql/client.ts"])
def test_the_caches_of_the_examples_merge_the_pages_of_each_list(client: str) -> None:
    text = (CLIENTS / client).read_text(encoding="utf-8")
    lists = {
        f"{type_.name}.{name}": sorted({*field.args} - {"first", "after", "last", "before"})
        for type_ in schema._schema.type_map.values()
        if isinstance(type_, GraphQLObjectType)
        for name, field in type_.fields.items()
        if str(field.type).rstrip("!").endswith("Connection")
    }

    merged: dict[str, list[str]] = {}
    type_name = ""
    for name, value, arguments in re.findall(r"(\w+): (\{|pages|relayStylePagination\(\[(.*?)\]\))", text):
        if value != "{":
            merged[f"{type_name}.{name}"] = re.findall(r"\w+", arguments)
        elif name != "fields":
            type_name = name

    assert merged == (lists if client.startswith("apollo") else {name: [] for name in lists})


@pytest.mark.parametrize("client", ["apollo-client-3/cache.ts", "apollo-client-4/cache.ts"])
def test_the_caches_of_the_examples_know_the_types_of_each_interface(client: str) -> None:
    text = (CLIENTS / client).read_text(encoding="utf-8")
    named = dict(re.findall(r"(\w+): \[('.*?')\]", text))

    assert {name: re.findall(r"\w+", types) for name, types in named.items()} == {
        each.name: sorted(type_.name for type_ in schema._schema.get_possible_types(each))
        for each in schema._schema.type_map.values()
        if isinstance(each, GraphQLInterfaceType)
    }


@pytest.mark.parametrize(
    "file", ["relay/relay.config.json", "gql-tada/graphql.ts", "ariadne-codegen/pyproject.toml"]
)
def test_the_examples_name_each_scalar(file: str) -> None:
    text = (CLIENTS / file).read_text(encoding="utf-8")
    scalars = [
        each.name
        for each in schema._schema.type_map.values()
        if isinstance(each, GraphQLScalarType) and not is_specified_scalar_type(each)
    ]

    assert [name for name in scalars if not re.search(rf"\b{name}\b", text)] == []
    assert len(scalars) >= 7
