"""Custom scalars. Codes, URLs and filters as JSON are in responses only."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from operator import methodcaller
from typing import Any, NewType

import strawberry
from graphql import GraphQLError, ValueNode, value_from_ast_untyped
from stdnum import isbn as stdnum_isbn
from stdnum.exceptions import ValidationError
from strawberry.exceptions import StrawberryInputCoercionError
from strawberry.types.scalar import ScalarDefinition

ISBN = NewType("ISBN", str)


def read_literals(parse: Callable[[Any], Any]) -> Callable[..., Any]:
    """Return the parser of a scalar's literals: its errors have the place of the literal in the document."""

    def parse_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> Any:
        try:
            return parse(value_from_ast_untyped(node, variables))
        except GraphQLError as error:
            raise GraphQLError(error.message, node, extensions=error.extensions) from error

    return parse_literal


ISBN_RULE = "Give 10 or 13 digits, with or without hyphens; the last one is a check digit."


def parse_isbn(value: Any) -> str:
    """Return the ISBN-13 of an ISBN-10 or ISBN-13 in any spelling. Raise GraphQLError if it is invalid."""
    isbn = normalize_isbn(value)
    if isbn is None:
        raise GraphQLError(
            f"{str(value)[:40]!r} is not a valid ISBN. {ISBN_RULE}",
            extensions={"code": "BAD_USER_INPUT", "argument": "by.isbn"},  # the only input of this type
        )
    return isbn


def normalize_isbn(value: Any) -> str | None:
    """Return the ISBN-13 of an ISBN-10 or ISBN-13 in any spelling, or None if it is invalid."""
    if is_isbn13(value):
        return value
    try:
        return stdnum_isbn.validate(str(value), convert=True)
    except ValidationError:
        return None


def is_isbn13(value: Any) -> bool:
    """Return whether this is a valid ISBN-13 without hyphens. This check is ten times as fast as stdnum's."""
    return (
        isinstance(value, str)
        and len(value) == 13
        and value.isascii()
        and value.isdigit()
        and value.startswith(("978", "979"))
        and (sum(map(int, value[::2])) + 3 * sum(map(int, value[1::2]))) % 10 == 0
    )


ISBN_SCALAR = strawberry.scalar(
    name="ISBN",
    description=(
        "An International Standard Book Number. Input: an ISBN-10 or ISBN-13 with a valid check digit, with "
        "or without hyphens. Output: always the 13 digits of the ISBN-13."
    ),
    specified_by_url="https://www.isbn-international.org/content/isbn-users-manual",
    serialize=str,
    parse_value=parse_isbn,
    parse_literal=read_literals(parse_isbn),
)


_JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?")
_MAX_NUMBER_LENGTH = 100


def parse_decimal(value: Any) -> Decimal:
    """Return the exact value of a number, or of a string in JSON's format of a number.

    Raise StrawberryInputCoercionError for everything else, also for what Decimal() accepts beyond that.
    """
    text = str(value)
    if (
        isinstance(value, str | int | float)
        and not isinstance(value, bool)
        and len(text) <= _MAX_NUMBER_LENGTH
        and _JSON_NUMBER.fullmatch(text)
    ):
        return Decimal(text)
    raise StrawberryInputCoercionError(
        f"{text[:40]!r} is not a decimal number. Give a number such as 12.90, or a string that contains one."
    )


DECIMAL_SCALAR = strawberry.scalar(
    name="Decimal",
    description=(
        "An exact decimal number. Input: a number, or a string in the format of a JSON number, at most "
        f"{_MAX_NUMBER_LENGTH} characters. Output: always a string."
    ),
    specified_by_url="https://www.rfc-editor.org/rfc/rfc8259#section-6",
    serialize=str,
    parse_value=parse_decimal,
    parse_literal=read_literals(parse_decimal),
)

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def parse_date(value: Any) -> date:
    """Return the day of YYYY-MM-DD. Raise StrawberryInputCoercionError for everything else."""
    text = str(value)
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise StrawberryInputCoercionError(f"{text[:40]!r} is not a day. Give a day such as 1859-11-24.")


DATE_SCALAR = strawberry.scalar(
    name="Date",
    description="A day as YYYY-MM-DD, the full-date of RFC 3339, for example 1859-11-24.",
    specified_by_url="https://ibm.github.io/graphql-specs/custom-scalars/date.html",
    serialize=methodcaller("isoformat"),
    parse_value=parse_date,
    parse_literal=read_literals(parse_date),
)

_DATE_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?)([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def parse_date_time(value: Any) -> datetime:
    """Return the time of a date-time of RFC 3339 in UTC. Raise StrawberryInputCoercionError if it is none."""
    text = str(value)
    try:
        if parts := _DATE_TIME.fullmatch(text):
            day, time, offset = parts.groups()
            return datetime.fromisoformat(f"{day}T{time}{offset.upper()}").astimezone(UTC)
    except (OverflowError, ValueError):
        pass
    raise StrawberryInputCoercionError(
        f"{text[:40]!r} is not a time with an offset. Give a time such as 2026-01-31T12:00:00Z."
    )


def serialize_date_time(value: datetime) -> str:
    """Return the time as RFC 3339 in UTC, with microseconds: such texts are sorted as their times are."""
    return f"{value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


DATE_TIME_SCALAR = strawberry.scalar(
    name="DateTime",
    description="A time as a date-time of RFC 3339. Input: with any offset. Output: always in UTC with "
    "microseconds, for example 2026-01-31T12:00:00.000000Z.",
    specified_by_url="https://www.rfc-editor.org/rfc/rfc3339#section-5.6",
    serialize=serialize_date_time,
    parse_value=parse_date_time,
    parse_literal=read_literals(parse_date_time),
)

LanguageCode = NewType("LanguageCode", str)
CurrencyCode = NewType("CurrencyCode", str)
URL = NewType("URL", str)

LANGUAGE_CODE_SCALAR = strawberry.scalar(
    name="LanguageCode",
    description="A language as a BCP 47 tag, for example en or pt-BR.",
    specified_by_url="https://www.rfc-editor.org/rfc/rfc5646",
    serialize=str,
    parse_value=str,
)

CURRENCY_CODE_SCALAR = strawberry.scalar(
    name="CurrencyCode",
    description="A currency as an ISO 4217 code, for example EUR.",
    specified_by_url="https://www.iso.org/iso-4217-currency-codes.html",
    serialize=str,
    parse_value=str,
)

URL_SCALAR = strawberry.scalar(
    name="URL",
    description="An absolute URL that begins with https:// or http://.",
    specified_by_url="https://www.rfc-editor.org/rfc/rfc3986",
    serialize=str,
    parse_value=str,
)

BookFilterJSON = NewType("BookFilterJSON", dict[str, Any])

BOOK_FILTER_JSON_SCALAR = strawberry.scalar(
    name="BookFilterJSON",
    description="Fields of a `BookFilter` as a JSON object. A variable of the type `BookFilter` takes it.",
    specified_by_url="https://www.rfc-editor.org/rfc/rfc8259",
    serialize=dict,
    parse_value=dict,
)

SCALARS: dict[object, ScalarDefinition] = {
    ISBN: ISBN_SCALAR,
    Decimal: DECIMAL_SCALAR,
    date: DATE_SCALAR,
    LanguageCode: LANGUAGE_CODE_SCALAR,
    CurrencyCode: CURRENCY_CODE_SCALAR,
    URL: URL_SCALAR,
    datetime: DATE_TIME_SCALAR,
    BookFilterJSON: BOOK_FILTER_JSON_SCALAR,
}
"""The scalar of each Python type."""
