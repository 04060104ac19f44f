"""Parse whole numbers, decimal numbers and ratings."""

import re
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from db.importing.field_parsers.errors import FieldError
from db.importing.field_parsers.placeholders import is_placeholder

MAX_NUMBER_LENGTH = 40
_MAX_INTEGER = 2**31 - 1
_RATING_STEP = Decimal("0.01")

_GROUPED = re.compile(r"[0-9]{1,3}(?:([.,'’ \u00a0\u2009\u202f])[0-9]{3})(?:\1[0-9]{3})*")
_PAGES = re.compile(
    r"(?:ca?\. ?)?([0-9]{1,9}) ?(?:pages?|pp?\.?|seiten|s\.?|páginas?|págs?\.?)", re.IGNORECASE
)


def parse_integer(field: str, text: str, minimum: int = 0) -> int | None:
    if not text:
        return None
    if text.isdecimal() and len(text) < 10 and (number := int(text)) >= minimum:
        return number
    digits = text.strip().removesuffix(".0")
    if not digits:
        return None
    if not digits.removeprefix("-").isdecimal():
        if _GROUPED.fullmatch(digits):
            digits = re.sub("[^0-9]", "", digits)
        elif is_placeholder(digits):
            return None
        else:
            raise FieldError(field, text, "not a whole number such as 320")
    if len(digits) > MAX_NUMBER_LENGTH or not minimum <= int(digits) <= _MAX_INTEGER:
        raise FieldError(field, text, f"not between {minimum} and {_MAX_INTEGER}")
    return int(digits)


def parse_pages(text: str) -> int | None:
    """Return the number of pages of "320", "320 p." or "320 Seiten". 0 means that it is missing."""
    if match := _PAGES.fullmatch(text.strip()):
        text = match[1]
    if text.strip().removesuffix(".0") == "0":
        return None
    return parse_integer("pages", text, 1)


def parse_stock(text: str) -> int | None:
    """Return the number of copies. Fewer than 0, which shops write for orders that they cannot fill, is none."""
    if text.startswith("-") and text[1:].isdecimal():
        raise FieldError("stock", text, "fewer than 0; imported as 0", kept="0")
    return parse_integer("stock", text)


def parse_decimal(field: str, text: str) -> Decimal:
    """Parse a number whose only separator is a decimal point or comma."""
    if text.isascii() and text.replace(".", "", 1).isdecimal() and len(text) <= MAX_NUMBER_LENGTH:
        return Decimal(text)
    number = text.replace(",", ".", 1)
    digits = number.removeprefix("-").replace(".", "", 1)
    if not digits.isdecimal() or not digits.isascii() or len(number) > MAX_NUMBER_LENGTH:
        raise FieldError(field, text, "not a plain number such as 4.25")
    return Decimal(number)


@lru_cache(2_000)
def _parse_average(text: str) -> Decimal:
    value = parse_decimal("rating_average", text)
    if not 0 <= value <= 5:
        raise FieldError("rating_average", text, "not between 0 and 5")
    return value.quantize(_RATING_STEP, ROUND_HALF_UP)


def parse_rating(average: str, count: str) -> tuple[Decimal | None, int | None]:
    """Return the average, rounded to two decimals, and the count. An average without a count counts as one.

    Both are None if both texts are blank. An average of 0 without a count means that nobody has rated.
    """
    number = parse_integer("rating_count", count)
    text = average.strip()
    if not text[:1].isdecimal() and is_placeholder(text):
        if number:
            raise FieldError(
                "rating_average", average, f"missing, but rating_count is {number}; write both, or neither"
            )
        return None, number
    value = _parse_average(text)
    if not number:
        if value and number == 0:
            raise FieldError(
                "rating_count", count, f"0, but rating_average is {text}; write both, or neither"
            )
        if not value:
            return None, 0
    return value, 1 if number is None else number
