"""Errors of a client: their code, and messages that show values as the client sent them."""

from typing import Any

import asyncpg
import pytest

from graphql_api.execution.documents import DocumentCache, InvalidDocumentError
from graphql_api.schema import schema
from tests.catalogs import add_category
from tests.graphql_api.conftest import Client

NULL_FOR_NON_NULL = [
    ("query ($v: Boolean) { categories(rootsOnly: $v) { totalCount } }", "rootsOnly", "Boolean!"),
    ('query ($v: Int) { suggest(prefix: "a", first: $v) { books { id } } }', "first", "Int!"),
    ("query ($v: Int) { books { facets { authors(first: $v) { isCapped } } } }", "first", "Int!"),
    ("query ($v: Int) { books { facets { categories(first: $v) { isCapped } } } }", "first", "Int!"),
    ("query ($v: Boolean = true) { books @skip(if: $v) { totalCount } }", "if", "Boolean!"),
    ("query ($v: Boolean = true) { books { totalCount @include(if: $v) } }", "if", "Boolean!"),
    (
        "query ($v: Boolean = true) { books { ...F @skip(if: $v) } } fragment F on BookConnection { totalCount }",
        "if",
        "Boolean!",
    ),
]


@pytest.mark.parametrize(("query", "argument", "type_name"), NULL_FOR_NON_NULL)
async def test_null_for_a_non_null_argument_is_bad_user_input(
    client: Client, query: str, argument: str, type_name: str
) -> None:
    error = await client.error(query, v=None)

    assert error["extensions"] == {"code": "BAD_USER_INPUT"}
    assert error["message"] == (
        f"Argument '{argument}' has invalid value: Expected variable '$v' provided to non-null type"
        f" '{type_name}' not to be null."
    )


async def test_null_for_includes_descendants_is_bad_user_input(
    client: Client, connection: asyncpg.Connection
) -> None:
    await add_category(connection, "Fiction")

    error = await client.error(
        "query ($v: Boolean) { categories { nodes { books(includeDescendants: $v) { totalCount } } } }",
        v=None,
    )

    assert error["extensions"] == {"code": "BAD_USER_INPUT"}


@pytest.mark.parametrize(
    ("definition", "field", "value", "message"),
    [
        ("$v: Int", "books(first: $v)", True, "Int cannot represent non-integer value: true"),
        (
            "$v: Int",
            "books(first: $v)",
            [None, "it's"],
            'Int cannot represent non-integer value: [null, "it\'s"]',
        ),
        (
            "$v: Int",
            "books(first: $v)",
            2**31,
            "Int cannot represent non 32-bit signed integer value: 2147483648",
        ),
        ("$v: String", "books(after: $v)", False, "String cannot represent a non string value: false"),
        (
            "$v: BookOrder",
            "books(orderBy: $v)",
            {"direction": None},
            "Expected value of type 'BookOrder' to include required field 'field', found: {\"direction\": null}.",
        ),
        (
            "$v: BookOrder",
            "books(orderBy: $v)",
            {"field": True},
            "Enum 'BookOrderField' cannot represent non-string value: true.",
        ),
        (
            "$v: BookFilter",
            "books(filter: $v)",
            {"and": [None]},
            "Expected value of non-null type 'BookFilter!' not to be null.",
        ),
    ],
)
async def test_a_message_shows_a_value_as_json(
    client: Client, definition: str, field: str, value: Any, message: str
) -> None:
    error = await client.error(f"query ({definition}) {{ {field} {{ totalCount }} }}", v=value)

    assert error["message"].split(": ", 1)[1] == message
    assert error["extensions"] == {"code": "BAD_USER_INPUT"}


async def test_a_value_that_is_too_large_to_show_stays_as_it_is(client: Client) -> None:
    error = await client.error("query ($v: Int) { books(first: $v) { totalCount } }", v=[[[["a"]]]])

    assert error["message"].endswith("Int cannot represent non-integer value: [[[...]]]")


async def test_a_name_in_a_message_is_not_translated(client: Client) -> None:
    error = await client.error(
        "query ($v: BookOrder) { books(orderBy: $v) { totalCount } }", v={"field": "None"}
    )

    assert "Value 'None' does not exist" in error["message"]


@pytest.mark.parametrize("document", ["{ }", "{ books { } }", "{ books { nodes { title authors { } } } }"])
async def test_an_empty_selection_set_is_invalid(client: Client, document: str) -> None:
    with pytest.raises(InvalidDocumentError) as caught:
        DocumentCache(schema).get(document, None)

    [error] = caught.value.errors
    assert error.message == "A selection set is empty. Select at least one field."
