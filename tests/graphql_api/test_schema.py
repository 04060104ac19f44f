"""The schema as clients read it: everything described, and no change that nobody meant."""

from pathlib import Path

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    get_introspection_query,
    is_introspection_type,
    is_specified_scalar_type,
)

from db import books
from db.search.ranking import RELEVANCE
from graphql_api.schema import schema
from graphql_api.schema.inputs import KEYS, BookOrderField
from tests.graphql_api.conftest import Client

SDL = Path(__file__).parent / "schema.graphql"


def parts() -> dict[str, str | None]:
    """Every type, field, argument and enum value with its description."""
    found: dict[str, str | None] = {}
    for name, kind in schema._schema.type_map.items():
        if is_introspection_type(kind) or is_specified_scalar_type(kind):
            continue
        found[name] = kind.description
        if isinstance(kind, GraphQLEnumType):
            found |= {f"{name}.{key}": value.description for key, value in kind.values.items()}
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            for key, field in kind.fields.items():
                found[f"{name}.{key}"] = field.description
                for argument, value in getattr(field, "args", {}).items():
                    found[f"{name}.{key}({argument}:)"] = value.description
    return found


def test_everything_is_described() -> None:
    described = parts()

    assert [name for name, description in described.items() if not (description or "").strip()] == []
    assert {"Book", "Book.authors", "Category.books(includeDescendants:)", "OrderDirection.ASC"} <= set(
        described
    )


def test_the_schema_is_the_committed_one() -> None:
    """`bookstore schema > tests/graphql_api/schema.graphql` after a change that is meant."""
    assert schema.as_str() + "\n" == SDL.read_text(encoding="utf-8")


def test_every_order_a_client_can_ask_for_is_one_of_the_catalogs() -> None:
    assert set(KEYS) == set(BookOrderField)
    assert set(KEYS.values()) == {*books.KEYS, RELEVANCE}


async def test_tools_read_the_schema_by_introspection(client: Client) -> None:
    data = await client.data(get_introspection_query(input_value_deprecation=True, specified_by_url=True))

    assert {"Book", "Author", "Category"} <= {kind["name"] for kind in data["__schema"]["types"]}
    assert client.statements == []
