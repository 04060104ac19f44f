"""Scalars of our own: ISBN. Decimal and Date are Strawberry's, as strings."""

from typing import Any, NewType

import strawberry
from stdnum import isbn as stdnum_isbn
from stdnum.exceptions import ValidationError

from graphql_api.schema.errors import BadInput

ISBN = NewType("ISBN", str)


def parse_isbn(value: Any) -> str:
    """The ISBN-13 without hyphens of an ISBN-10 or ISBN-13 in any spelling; BadInput when it is none."""
    if is_isbn13(value):
        return value
    try:
        return stdnum_isbn.validate(str(value), convert=True)
    except ValidationError:
        raise BadInput(
            "isbn",
            f"{str(value)[:40]!r} is not an ISBN: give its 10 or 13 digits, with or without hyphens, "
            "and check the last one.",
        ) from None


def is_isbn13(value: Any) -> bool:
    """Whether this is an ISBN-13 in the form we keep: the usual case, and stdnum takes ten times as long."""
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
        "An International Standard Book Number. As input, an ISBN-10 or ISBN-13 with or without "
        "hyphens, whose check digit must be right; as output, always the 13 digits of the ISBN-13."
    ),
    specified_by_url="https://www.isbn-international.org/content/isbn-users-manual",
    serialize=str,
    parse_value=parse_isbn,
)
