"""Scalars: ISBNs, decimals and dates, and the form of amounts."""

import math
from decimal import Decimal

import asyncpg
import pytest
from graphql import (
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLObjectType,
    get_named_type,
    parse,
    validate,
)
from hypothesis import example, given
from hypothesis import strategies as st
from stdnum import isbn as stdnum_isbn

from graphql_api.access.roles import Role
from graphql_api.schema import schema, schema_for
from graphql_api.schema.scalars import is_isbn13, parse_decimal, parse_isbn
from tests.catalogs import add_book
from tests.graphql_api.conftest import Client

digits = st.text("0123456789", min_size=9, max_size=9)


@given(body=digits, prefix=st.sampled_from(["978", "979", "977"]), last=st.sampled_from("0123456789X٣"))
@example(body="030640615", prefix="978", last="7")
def test_is_isbn13_agrees_with_stdnum(body: str, prefix: str, last: str) -> None:
    value = prefix + body + last
    valid = bool(stdnum_isbn.is_valid(value)) and value.isascii()

    assert is_isbn13(value) is valid
    if valid:
        assert parse_isbn(value) == stdnum_isbn.validate(value, convert=True) == value


@pytest.mark.parametrize(
    "value", ["0", "-0", "12", "12.50", "-0.001", "1e3", "2.5E-4", 7, 0.1, -2.75, 10**12]
)
def test_a_decimal_is_a_number_or_a_string_in_the_format_of_json(value: str | float) -> None:
    assert parse_decimal(value) == Decimal(str(value))


@pytest.mark.parametrize(
    "value",
    [
        *[
            " 1",
            "1 ",
            "1_000",
            "1,5",
            "+1",
            ".5",
            "1.",
            "007",
            "٣",
            "１２",
            "0x10",
            "NaN",
            "Infinity",
            "1e",
            "1e10000",
        ],
        *("", "9" * 101, True, None, math.inf, [1], {"a": 1}),
    ],
)
def test_anything_else_is_no_decimal(value: object) -> None:
    with pytest.raises(GraphQLError, match=r"Give a number such as 12\.90"):
        parse_decimal(value)


@pytest.mark.parametrize("price", ["1_000", "٣", "NaN", True])
async def test_an_invalid_decimal_is_bad_user_input(client: Client, price: object) -> None:
    error = await client.error(
        "query ($price: Decimal) { books(filter: {price: {lt: $price}}) { totalCount } }", price=price
    )

    assert error["extensions"] == {"code": "BAD_USER_INPUT"}
    assert "Give a number such as 12.90" in error["message"]


@pytest.mark.parametrize(
    ("document", "literal", "message"),
    [
        ('{ book(by: {isbn: "12"}) { id } }', '"12"', "'12' is not a valid ISBN. "),
        (
            '{ books(filter: {price: {gte: "5", lt: "x"}}) { totalCount } }',
            '"x"',
            "'x' is not a decimal number. ",
        ),
        ("{ books(filter: {addedAt: {gte: 5}}) { totalCount } }", "5", "'5' is not a time with an offset. "),
        (
            'mutation { createBook(input: {title: "A", publishedOn: "1859-13-01"}) { book { id } } }',
            '"1859',
            "'1859-13-01' is not a day. ",
        ),
    ],
    ids=["ISBN", "Decimal", "DateTime", "Date"],
)
def test_a_wrong_literal_is_reported_at_its_place(document: str, literal: str, message: str) -> None:
    [error] = validate(schema_for(Role.MANAGER)._schema, parse(document))

    assert error.message.startswith(message)
    assert error.locations == [(1, 1 + document.index(literal))]


async def test_the_format_of_every_scalar_is_specified(client: Client) -> None:
    data = await client.data("{ __schema { types { name kind specifiedByURL } } }")
    scalars = {
        each["name"]: each["specifiedByURL"] for each in data["__schema"]["types"] if each["kind"] == "SCALAR"
    }

    assert {name for name, url in scalars.items() if url is None} == {
        "Boolean",
        "Float",
        "ID",
        "Int",
        "String",
    }
    assert set(scalars) >= {"Date", "Decimal", "ISBN"}


async def test_an_isbn_is_an_argument_of_the_look_up_only(client: Client) -> None:
    """The error of an invalid ISBN names that argument."""
    types = schema._schema.type_map.values()
    fields = [
        f"{each}.{name}"
        for each in types
        if isinstance(each, GraphQLInputObjectType)
        for name, field in each.fields.items()
        if get_named_type(field.type).name == "ISBN"
    ]
    arguments = [
        f"{each}.{name}({argument}:)"
        for each in types
        if isinstance(each, GraphQLObjectType)
        for name, field in each.fields.items()
        for argument, definition in field.args.items()
        if get_named_type(definition.type).name == "ISBN"
    ]

    assert (fields, arguments) == (["BookLookup.isbn"], [])


@pytest.mark.parametrize(
    ("price", "currency", "amount"),
    [
        ("0.10", "EUR", "0.10"),
        ("9.9", "EUR", "9.90"),
        ("12", "USD", "12.00"),
        ("0", "GBP", "0.00"),
        ("99.9900", "EUR", "99.99"),
        ("0.1055", "EUR", "0.1055"),
        ("500", "JPY", "500"),
        ("500.00", "JPY", "500"),
        ("500.5", "KRW", "500.5"),
        ("1.5", "KWD", "1.500"),
        ("2.0000", "TND", "2.000"),
        ("3", "CLF", "3.0000"),
        ("1000000000", "XAU", "1000000000.00"),
    ],
)
async def test_an_amount_has_the_decimals_of_its_currency_or_more(
    client: Client, connection: asyncpg.Connection, price: str, currency: str, amount: str
) -> None:
    await add_book(connection, "Book", price=Decimal(price), currency=currency)

    data = await client.data("{ books { nodes { price { amount currencyCode } } } }")

    assert data["books"]["nodes"] == [{"price": {"amount": amount, "currencyCode": currency}}]
