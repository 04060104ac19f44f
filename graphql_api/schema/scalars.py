"""Scalars of our own: ISBN. Decimal and Date are Strawberry's, as strings."""

from typing import Any, NewType

import strawberry
from stdnum import isbn as stdnum_isbn
from stdnum.exceptions import ValidationError

from graphql_api.schema.errors import BadInput

ISBN = NewType("ISBN", str)


def parse_isbn(value: Any) -> str:
    """The ISBN-13 without hyphens of an ISBN-10 or ISBN-13 in any spelling; BadInput when it is none."""
    try:
        return stdnum_isbn.validate(str(value), convert=True)
    except ValidationError:
        raise BadInput(
            "isbn",
            f"{str(value)[:40]!r} is not an ISBN: give its 10 or 13 digits, with or without hyphens, "
            "and check the last one.",
        ) from None


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
