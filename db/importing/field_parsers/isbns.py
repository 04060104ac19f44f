"""Parse ISBNs, including values with the prefixes of catalogs or damaged by spreadsheets."""

import re
from decimal import Decimal, InvalidOperation

from stdnum import isbn as isbn_numbers
from stdnum.exceptions import InvalidChecksum, ValidationError
from stdnum.util import clean

from db.importing.field_parsers.errors import FieldError, RoundedNumberError
from db.importing.field_parsers.placeholders import is_placeholder, strip_invisible

_FORMULA = re.compile(r'=\s*"([^"]*)"')
_PREFIX = re.compile(r"(?:urn:)?isbn(?:[- ]?1[03])?\s*:?\s*", re.IGNORECASE)
_NOTE = re.compile(r"\s*\([^()]*\)?$")
_FRACTION = re.compile(r"\.0+$")
_EXPONENT = re.compile(r"[0-9][.,][0-9]+E\+?1[0-9]", re.IGNORECASE)
_SEVERAL = re.compile(r"[;,|/\n]+|\s{2,}| (?=97[89])")
_WRAPPED = re.compile(r"[=\"'A-DF-WYZa-df-wyz:(;,|/\n]|[eE]\+|\.0")


def parse_isbn(text: str, *, restore_zeros: bool = True) -> str | None:
    """Return the ISBN-13 without hyphens of an ISBN-10 or ISBN-13.

    Leading zeros that an ISBN-10 has lost are restored, unless `restore_zeros` is false: then the column holds
    other numbers, too.
    """
    if len(text) == 13 and text.isdecimal() and text.isascii() and text.startswith(("978", "979")):
        digits = text.encode()
        # The ASCII codes of the digits add 1,200 to the weighted sum, which is 0 modulo 10.
        if (sum(digits[::2]) + 3 * sum(digits[1::2])) % 10 == 0 and text[:4] != "9790":
            return text
    value = _unwrap(text)
    if is_placeholder(value) or not value.strip("0- "):
        return None
    parts = [_unwrap(part) for part in _SEVERAL.split(value) if part.strip()]
    found = dict.fromkeys(_validate(text, part, restore_zeros) for part in parts)
    if len(found) > 1:
        raise FieldError("isbn", text, f"{len(found)} different ISBNs; keep that of this book")
    return next(iter(found))


def is_repaired_isbn(text: str) -> bool:
    """Return whether a valid ISBN was written with more than its digits and hyphens, or without its zeros."""
    number = clean(strip_invisible(text), " -")
    return len(number) not in (10, 13) or _WRAPPED.search(number) is not None


def _unwrap(text: str) -> str:
    """Return the number without the quotes of a spreadsheet, a prefix "ISBN", and a note such as "(pbk.)"."""
    value = strip_invisible(text)
    if formula := _FORMULA.fullmatch(value):
        value = formula[1]
    value = value.strip("'\"`’ ")
    if prefix := _PREFIX.match(value):
        value = value[prefix.end() :]
    return _FRACTION.sub("", _NOTE.sub("", value)).strip()


def _validate(text: str, part: str, restore_zeros: bool) -> str:
    number = _expand_exponent(text, clean(part, " -").strip().upper())
    if 7 <= len(number) < 10 and number[:-1].isdecimal():
        if not restore_zeros:
            reason = f"{len(number)} digits in a column with other numbers; write all 10 or 13 digits"
            raise FieldError("isbn", text, reason)
        number = number.zfill(10)
    if number.startswith("9790") and len(number) == 13:
        raise FieldError("isbn", text, "an ISMN, the number of printed music; leave it out")
    try:
        return isbn_numbers.validate(number, convert=True)
    except InvalidChecksum as error:
        raise FieldError("isbn", text, "the check digit is wrong; copy the ISBN of the book again") from error
    except ValidationError as error:
        raise FieldError("isbn", text, "not an ISBN-10 or ISBN-13; write its 10 or 13 digits") from error


def _expand_exponent(text: str, number: str) -> str:
    """Return the digits of a number such as 9.780306406157E+12. Raise FieldError if some are lost."""
    if not _EXPONENT.fullmatch(number):
        return number
    try:
        exact = Decimal(number.replace(",", "."))
    except InvalidOperation:  # pragma: no cover - the pattern has matched
        return number
    digits = f"{exact:f}"
    if "." in digits or len(digits) not in (10, 13) or len(exact.as_tuple().digits) < len(digits):
        raise RoundedNumberError(
            "isbn",
            text,
            "a spreadsheet has rounded it: the last digits are lost; write it again, in a column of text",
        )
    return digits
