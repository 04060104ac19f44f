"""Connections: page arguments, cursors and page info."""

from base64 import urlsafe_b64encode
from decimal import Decimal
from typing import Any

import asyncpg
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.books import ADDED, PRICE, SORT_KEYS, TITLE
from db.keyset import MAX_BIGINT, Order, Position
from graphql_api.context import Context
from graphql_api.execution.documents import DocumentCache
from graphql_api.execution.executor import run_operation
from graphql_api.schema import schema
from graphql_api.schema.errors import UserInputError
from graphql_api.schema.pagination import cursor_scope, decode_cursor, encode_cursor
from tests.catalogs import add_author, add_book, add_category
from tests.graphql_api.conftest import Client

PAGE = "{ totalCount nodes { title } edges { cursor node { title } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }"
QUERY = (
    "query ($first: Int, $after: String, $last: Int, $before: String, $orderBy: BookOrder) {"
    f" books(first: $first, after: $after, last: $last, before: $before, orderBy: $orderBy) {PAGE} }}"
)


@pytest.fixture
async def abc(connection: asyncpg.Connection) -> list[str]:
    """Seven books, A to G, with prices that fall as the titles rise."""
    titles = list("ABCDEFG")
    for number, title in enumerate(titles):
        await add_book(connection, title, price=Decimal(9 - number), currency="EUR")
    return titles


def titles_of(data: dict[str, Any]) -> str:
    return "".join(node["title"] for node in data["books"]["nodes"])


@pytest.mark.parametrize(
    ("arguments", "titles", "has_previous", "has_next"),
    [
        ({}, "ABCDEFG", False, False),
        ({"first": 3}, "ABC", False, True),
        ({"first": 7}, "ABCDEFG", False, False),
        ({"first": 0}, "", False, True),
        ({"last": 0}, "", True, False),
        ({"last": 3}, "EFG", True, False),
        ({"first": 5, "last": 2}, "DE", True, True),
        ({"first": 2, "last": 5}, "AB", False, True),
        ({"first": 3, "orderBy": {"field": "PRICE"}}, "GFE", False, True),
        ({"first": 2, "orderBy": {"field": "TITLE", "direction": "DESC"}}, "GF", False, True),
        ({"last": 2, "orderBy": {"field": "ADDED", "direction": "DESC"}}, "BA", True, False),
    ],
)
async def test_page_arguments_select_part_of_the_list(
    client: Client, abc: list[str], arguments: dict[str, Any], titles: str, has_previous: bool, has_next: bool
) -> None:
    data = await client.data(QUERY, **arguments)

    info = data["books"]["pageInfo"]
    assert titles_of(data) == titles
    assert (info["hasPreviousPage"], info["hasNextPage"]) == (has_previous, has_next)
    assert data["books"]["totalCount"] == 7
    assert [edge["node"] for edge in data["books"]["edges"]] == data["books"]["nodes"]
    cursors = [edge["cursor"] for edge in data["books"]["edges"]]
    assert (info["startCursor"], info["endCursor"]) == (
        (cursors[0], cursors[-1]) if cursors else (None, None)
    )


async def test_cursors_page_through_the_list_in_both_directions(client: Client, abc: list[str]) -> None:
    first = await client.data(QUERY, first=3)
    second = await client.data(QUERY, first=3, after=first["books"]["pageInfo"]["endCursor"])
    back = await client.data(QUERY, last=2, before=second["books"]["pageInfo"]["startCursor"])
    between = await client.data(
        QUERY,
        after=first["books"]["pageInfo"]["startCursor"],
        before=second["books"]["pageInfo"]["endCursor"],
    )

    assert [titles_of(page) for page in (first, second, back, between)] == ["ABC", "DEF", "BC", "BCDE"]


async def test_a_page_has_20_entries_by_default_and_at_most_100(
    client: Client, connection: asyncpg.Connection
) -> None:
    for number in range(101):
        await add_book(connection, f"{number:03}")

    assert len((await client.data("{ books { nodes { id } } }"))["books"]["nodes"]) == 20
    assert len((await client.data("{ books(first: 100) { nodes { id } } }"))["books"]["nodes"]) == 100
    assert len((await client.data("{ books(last: 100) { nodes { id } } }"))["books"]["nodes"]) == 100


@pytest.mark.parametrize("field", ["books", "authors", "categories"])
@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        ("first", -1, "first is -1; it must be from 0 to 100."),
        ("first", 101, "first is 101; it must be from 0 to 100."),
        ("last", -1, "last is -1; it must be from 0 to 100."),
        ("last", 101, "last is 101; it must be from 0 to 100."),
        ("after", "x", "after is not a valid cursor. Use a value of `cursor` or `pageInfo`."),
        ("before", "", "before is not a valid cursor. Use a value of `cursor` or `pageInfo`."),
        (
            "after",
            encode_cursor("price desc", Position(Decimal(1), 1)),
            "after is a cursor of a list with another order. Use that order, or omit the cursor.",
        ),
    ],
)
async def test_the_error_names_the_invalid_argument(
    client: Client, field: str, argument: str, value: int | str, message: str
) -> None:
    kind = "Int" if isinstance(value, int) else "String"
    error = await client.error(
        f"query ($value: {kind}) {{ {field}({argument}: $value) {{ totalCount }} }}", value=value
    )

    assert error["message"] == message
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "argument": argument}
    assert error["path"] == [field]
    assert client.statements == []


@pytest.mark.parametrize(
    ("origin", "argument", "target"),
    [
        ("authors", "after", "categories"),
        ("categories", "before", "authors"),
        ("books", "after", "categories"),
    ],
)
async def test_a_cursor_of_another_type_is_rejected(
    client: Client, connection: asyncpg.Connection, origin: str, argument: str, target: str
) -> None:
    author = await add_author(connection, "A")
    await add_book(connection, "A", authors=[author], categories=[await add_category(connection, "A")])
    page = await client.data(f"{{ {origin} {{ pageInfo {{ endCursor }} }} }}")

    error = await client.error(
        f"query ($cursor: String) {{ {target}({argument}: $cursor) {{ totalCount }} }}",
        cursor=page[origin]["pageInfo"]["endCursor"],
    )

    assert error["message"] == (
        f"{argument} is a cursor of a list with another order. Use that order, or omit the cursor."
    )
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "argument": argument}


@pytest.mark.parametrize(
    ("selection", "path", "maximum"),
    [
        ("books(first: $n) { nodes { id } }", ["books"], 100),
        ('suggest(prefix: "b", first: $n) { books { id } }', ["suggest"], 20),
        ("books { facets { authors(first: $n) { isCapped } } }", ["books", "facets", "authors"], 50),
    ],
)
async def test_a_size_is_the_same_error_as_a_literal_and_as_a_variable(
    client: Client, selection: str, path: list[str], maximum: int
) -> None:
    literal = DocumentCache(schema).get(f"{{ {selection.replace('$n', '101')} }}", None).prepare(None)
    variable = DocumentCache(schema).get(f"query ($n: Int!) {{ {selection} }}", None).prepare({"n": 101})

    for operation in (literal, variable):
        outcome = await run_operation(operation, Context(client.views, client))

        [error] = outcome.result.errors or []
        assert error.message == f"first is 101; it must be from 0 to {maximum}."
        assert (error.path, error.extensions) == (path, {"code": "BAD_USER_INPUT", "argument": "first"})


keys = {
    "text": st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=80),
    "integer": st.integers(-99991231, 99991231),
    "numeric": st.decimals(0, Decimal("9999999999.9999"), places=4),
}
directed = st.builds(Order, st.sampled_from(SORT_KEYS), st.booleans())


@given(order=directed, data=st.data())
def test_decoding_a_cursor_returns_the_encoded_position(order: Order, data: st.DataObject) -> None:
    key = None
    if order.key.column and not (order.key.nullable and data.draw(st.booleans())):
        key = data.draw(keys[order.key.domain.sql_type])
    position = Position(key, data.draw(st.integers(1, MAX_BIGINT)))

    assert decode_cursor("after", encode_cursor(cursor_scope(order), position), order) == position


@given(order=directed, text=st.text(max_size=60))
def test_arbitrary_text_is_not_a_valid_cursor(order: Order, text: str) -> None:
    with pytest.raises(UserInputError, match="is not a valid cursor"):
        decode_cursor("after", text, order)


@given(
    order=directed,
    content=st.one_of(
        st.none(),
        st.integers(-(2**63), 2**64 - 1),
        st.lists(st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5), max_size=4),
    ),
)
def test_a_forged_cursor_is_rejected(order: Order, content: object) -> None:
    forged = urlsafe_b64encode(orjson.dumps(content)).decode().rstrip("=")

    with pytest.raises(UserInputError):
        decode_cursor("after", forged, order)


@pytest.mark.parametrize(
    ("order", "key", "row_id"),
    [
        (Order(TITLE), None, 1),
        (Order(TITLE), "a\0", 1),
        (Order(TITLE), "\U0010ffff" * 82, 1),
        (Order(TITLE), 1, 1),
        (Order(TITLE), "a", 0),
        (Order(TITLE), "a", 2**63),
        (Order(TITLE), "a", True),
        (Order(TITLE), "a", "1"),
        (Order(PRICE), 1, 1),
        (Order(PRICE), "NaN", 1),
        (Order(PRICE), "Infinity", 1),
        (Order(PRICE), "1e999999999", 1),
        (Order(PRICE), "-1.1", 1),
        (Order(PRICE), "x", 1),
        (Order(SORT_KEYS[1]), 2**31, 1),
        (Order(SORT_KEYS[1]), 1.5, 1),
        (Order(SORT_KEYS[1]), True, 1),
        (Order(ADDED), 1, 1),
    ],
)
def test_a_cursor_with_an_impossible_sort_key_is_rejected(order: Order, key: object, row_id: object) -> None:
    scope = f"{order.key.name} asc"
    forged = urlsafe_b64encode(orjson.dumps([scope, key, row_id])).decode()

    with pytest.raises(UserInputError, match="is not a valid cursor"):
        decode_cursor("after", forged, order)
