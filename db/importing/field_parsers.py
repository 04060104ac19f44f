"""Parse the text of each field of a book into a valid value, or raise FieldError with the reason.

Parsed values satisfy the constraints of the catalog's tables. Empty text means that the field is missing.
"""

import re
import unicodedata
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from stdnum import isbn as isbn_numbers
from stdnum.exceptions import InvalidChecksum, ValidationError
from stdnum.util import clean

from db.constraints import (
    MAX_CATEGORY_DEPTH,
    MAX_CATEGORY_PATH_BYTES,
    MAX_NAME_LENGTH,
    MAX_PRICE_DECIMALS,
    MAX_TITLE_LENGTH,
    MAX_YEAR,
    PRICE_LIMIT,
)
from db.importing.codes import CURRENCIES, language_tag
from db.importing.format_names import UNSPECIFIED_NAMES, find_format, fold_format_name
from db.importing.records import AuthorRecord

MAX_SOURCE_ID_LENGTH = 200
_MAX_URL_LENGTH = 2_000
# Longer texts do not fit into one tsvector.
MAX_DESCRIPTION_LENGTH = 100_000
_MAX_AUTHORS = 1_000
MAX_CATEGORIES = 100
_MAX_NUMBER_LENGTH = 40
_MAX_INTEGER = 2**31 - 1

_PRICE_STEP = Decimal(1).scaleb(-MAX_PRICE_DECIMALS)
_RATING_STEP = Decimal("0.01")
_MAX_DISPLAY_LENGTH = 200

_ROLES = {
    **dict.fromkeys(("author", "writer", "by", "aut"), "AUTHOR"),
    **dict.fromkeys(("editor", "edited by", "ed", "eds", "edt"), "EDITOR"),
    **dict.fromkeys(("translator", "translated by", "trans", "transl", "tr", "trl"), "TRANSLATOR"),
    **dict.fromkeys(("illustrator", "illustrated by", "illus", "ill"), "ILLUSTRATOR"),
    **dict.fromkeys(("introduction", "foreword", "preface", "afterword", "intro", "aui"), "INTRODUCTION"),
    **dict.fromkeys(("narrator", "narrated by", "reader", "read by", "nrt"), "NARRATOR"),
    **dict.fromkeys(("contributor", "with", "ctb"), "CONTRIBUTOR"),
}

_TIME = r"[T ](?:[01][0-9]|2[0-4]):[0-5][0-9](?::[0-6][0-9](?:[.,][0-9]+)?)?"
_ZONE = r" ?(?:Z|UTC|[+-][0-9]{2}(?::?[0-9]{2}){0,2})"
_DAY = re.compile(
    rf"(?P<month>[0-9]{{4}}-[0-9]{{2}})(?:(?P<day>-[0-9]{{2}})(?:{_TIME}(?:{_ZONE})?)?(?P<bc> BC)?)?"
)

CategoryPath = tuple[str, ...]


class FieldError(Exception):
    """The value of a field is invalid. `value` is truncated for display."""

    def __init__(self, field: str, value: object, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        text = str(value).replace("\0", "\N{SYMBOL FOR NULL}")
        self.value = text if len(text) <= _MAX_DISPLAY_LENGTH else text[: _MAX_DISPLAY_LENGTH - 1] + "…"
        self.reason = reason


def parse_single_line(field: str, text: str, limit: int) -> str:
    """Return the text on one line: trimmed, white space collapsed to one space, normalised to NFC."""
    value = " ".join(text.split())
    if not value.isascii():
        value = unicodedata.normalize("NFC", value)
    if len(value) > limit:
        raise FieldError(field, value, f"{len(value):,} characters; {limit:,} are allowed")
    if "\0" in value:
        raise FieldError(field, value, "holds a NUL character")
    return value


def parse_title(text: str) -> str:
    value = parse_single_line("title", text, MAX_TITLE_LENGTH)
    if not value:
        raise FieldError("title", text, "a book needs a title")
    return value


def parse_subtitle(text: str) -> str | None:
    return parse_single_line("subtitle", text, MAX_TITLE_LENGTH) or None


def parse_publisher(text: str) -> str | None:
    return parse_single_line("publisher", text, MAX_NAME_LENGTH) or None


def parse_format(text: str) -> str | None:
    """Return the format that a name or a product form of ONIX means, or None if it is unspecified."""
    if fold_format_name(text) in UNSPECIFIED_NAMES:
        return None
    found = find_format(text)
    if found is None:
        raise FieldError(
            "format", text, "not a known format such as hardcover, paperback, ebook or audiobook"
        )
    return found


def parse_description(text: str) -> str | None:
    """Return the text trimmed and normalised to NFC. Line breaks are kept."""
    value = text.strip()
    if "\r" in value:
        value = value.replace("\r\n", "\n").replace("\r", "\n")
    if not value.isascii():
        value = unicodedata.normalize("NFC", value)
    if len(value) > MAX_DESCRIPTION_LENGTH:
        limit = f"{len(value):,} characters; {MAX_DESCRIPTION_LENGTH:,} are allowed"
        raise FieldError("description", value, limit)
    if "\0" in value:
        raise FieldError("description", value, "holds a NUL character")
    return value or None


def parse_isbn(text: str) -> str | None:
    """Return the ISBN-13 without hyphens of an ISBN-10 or ISBN-13. Lost leading zeros are restored."""
    if len(text) == 13 and text.isdecimal() and text.isascii() and text.startswith(("978", "979")):
        digits = text.encode()
        # The ASCII codes of the digits add 1,200 to the weighted sum, which is 0 modulo 10.
        if (sum(digits[::2]) + 3 * sum(digits[1::2])) % 10 == 0:
            return text
    number = clean(text, " -").strip().upper().removesuffix(".0")
    if not number:
        return None
    if 7 <= len(number) < 10 and number[:-1].isdecimal():
        number = number.zfill(10)
    try:
        return isbn_numbers.validate(number, convert=True)
    except InvalidChecksum as error:
        raise FieldError("isbn", text, "the check digit is wrong") from error
    except ValidationError as error:
        if "E+" in number:
            reason = "a spreadsheet has rounded it: the last digits are lost"
        else:
            reason = "not an ISBN-10 or ISBN-13"
        raise FieldError("isbn", text, reason) from error


def parse_source_id(text: str, isbn: str | None) -> str:
    """Return the source's key of the book, or the ISBN if there is no key."""
    if text.isascii() and text.isalnum() and len(text) <= MAX_SOURCE_ID_LENGTH:
        return text
    value = parse_single_line("source_id", text, MAX_SOURCE_ID_LENGTH) or isbn
    if value is None:
        raise FieldError("source_id", text, "nothing identifies this book: neither source_id nor isbn")
    return value


def parse_integer(field: str, text: str, minimum: int = 0) -> int | None:
    if not text:
        return None
    if text.isdecimal() and len(text) < 10 and (number := int(text)) >= minimum:
        return number
    digits = text.strip().removesuffix(".0")
    if not digits:
        return None
    if not digits.removeprefix("-").isdecimal():
        raise FieldError(field, text, "not a whole number")
    if len(digits) > _MAX_NUMBER_LENGTH or not minimum <= int(digits) <= _MAX_INTEGER:
        raise FieldError(field, text, f"not between {minimum} and {_MAX_INTEGER}")
    return int(digits)


def parse_stock(text: str) -> int:
    return parse_integer("stock", text) or 0


def parse_decimal(field: str, text: str) -> Decimal:
    """Parse a plain number. A comma is a decimal point only if it cannot be a thousands separator."""
    if text.replace(".", "", 1).isdecimal() and text.isascii() and len(text) <= _MAX_NUMBER_LENGTH:
        return Decimal(text)
    number = text
    if number.count(",") == 1 and "." not in number and len(number) - number.index(",") in (2, 3):
        number = number.replace(",", ".")
    digits = number.removeprefix("-").replace(".", "", 1)
    if not digits.isdecimal() or not digits.isascii() or len(number) > _MAX_NUMBER_LENGTH:
        if "," in number:
            reason = 'write the number without thousands separators and with a decimal point: "1234.50"'
        else:
            reason = "not a plain number"
        raise FieldError(field, text, reason)
    return Decimal(number)


def parse_price(
    text: str, currency: str, default_currency: str | None = None
) -> tuple[Decimal, str] | tuple[None, None]:
    """Return the price and its currency, or None for both if there is no price."""
    text = text.strip()
    if not text:
        return None, None
    amount = parse_decimal("price", text)
    if not 0 <= amount < PRICE_LIMIT:
        raise FieldError("price", text, "not between 0 and 9,999,999,999.9999")
    if len(text.partition(".")[2]) > MAX_PRICE_DECIMALS:
        exact, amount = amount, amount.quantize(_PRICE_STEP)
        if amount != exact:
            raise FieldError("price", text, f"more than {MAX_PRICE_DECIMALS} decimals")
    code = currency.strip().upper() or default_currency
    if not code:
        raise FieldError("currency", currency, "a price needs a currency")
    if code not in CURRENCIES:
        raise FieldError("currency", currency, "not an ISO 4217 code such as EUR")
    return amount, code


def parse_published(text: str) -> tuple[int | None, date | None]:
    """Return the year (negative before Christ) and, if the text contains one, the day.

    Valid are "1813", "-380", "1859-11" (only the year is used) and "1859-11-24". A day may be followed by a
    time with or without a zone, and by BC. The day counts as it is written: a zone changes nothing.
    0001-01-01 and 9999-12-31 return None: databases write them for "unknown", asyncpg for infinity.
    """
    value = text.strip()
    if value.removesuffix(".0").removeprefix("-").isdecimal() or not value:
        return parse_year("published", value), None
    match = _DAY.fullmatch(value)
    try:
        if match is None:
            raise ValueError(value)
        day = date.fromisoformat(match["month"] + (match["day"] or "-01"))
    except ValueError as error:
        reason = "not a year, or a day such as 1859-11-24"
        raise FieldError("published", text, reason) from error
    if day in (date.min, date.max):
        return None, None
    if match["bc"]:
        return -day.year, None
    return day.year, day if match["day"] else None


def parse_published_year(text: str) -> int | None:
    return parse_published(text)[0]


def parse_published_day(text: str) -> date | None:
    return parse_published(text)[1]


def parse_language(text: str) -> str | None:
    """Return the BCP 47 tag, or None for "und" (undetermined)."""
    value = text.strip()
    if not value or value == "und":
        return None
    tag = language_tag(value)
    if tag is None:
        raise FieldError("language", text, 'not a language code such as "en", "eng" or "pt-BR"')
    return tag


def parse_cover_url(text: str) -> str | None:
    value = text.strip()
    if not value:
        return None
    if not value.startswith(("https://", "http://")) or not value.isprintable() or " " in value:
        raise FieldError("cover_url", text, "not a URL that begins with https:// or http://")
    if len(value) > _MAX_URL_LENGTH:
        raise FieldError("cover_url", value, f"{len(value):,} characters; {_MAX_URL_LENGTH:,} are allowed")
    return value


def parse_rating(average: str, count: str) -> tuple[Decimal | None, int]:
    """Return the average, rounded to two decimals, and the count. An average without a count counts as one."""
    number = parse_integer("rating_count", count)
    text = average.strip()
    if not text:
        if number:
            raise FieldError("rating_average", average, f"missing, but rating_count is {number}")
        return None, 0
    value = parse_decimal("rating_average", text)
    if not 0 <= value <= 5:
        raise FieldError("rating_average", average, "not between 0 and 5")
    if number == 0:
        if value:
            raise FieldError("rating_count", count, f"0, but rating_average is {text}")
        return None, 0
    return value.quantize(_RATING_STEP, ROUND_HALF_UP), 1 if number is None else number


def parse_author(text: str) -> AuthorRecord | None:
    """Parse "Name" or "Name (role)". Parentheses without a known role belong to the name."""
    name = parse_single_line("authors", text, MAX_NAME_LENGTH)
    if name.endswith(")"):
        before, _, last = name[:-1].rpartition(" (")
        role = _ROLES.get(last.lower().rstrip("."))
        if role and before:
            return AuthorRecord(name=before, role=role)
    return AuthorRecord(name=name) if name else None


def parse_role(text: str) -> str:
    value = _ROLES.get(text.strip().lower().rstrip("."))
    if value is None:
        known = ", ".join(sorted({name.lower() for name in _ROLES.values()}))
        raise FieldError("authors", text, f"not a known role; the roles are: {known}")
    return value


def parse_year(field: str, text: str) -> int | None:
    """Parse a year, negative before Christ."""
    digits = text.strip().removesuffix(".0")
    if not digits:
        return None
    if not digits.removeprefix("-").isdecimal() or len(digits) > 5 or not 0 < abs(int(digits)) <= MAX_YEAR:
        raise FieldError(field, text, f"not a year between -{MAX_YEAR} and {MAX_YEAR}")
    return int(digits)


def check_life_years(field: str, birth: int | None, death: int | None) -> tuple[int | None, int | None]:
    if birth is not None and death is not None and birth > death:
        raise FieldError(field, f"{birth} to {death}", "death before birth")
    return birth, death


def deduplicate_authors(authors: list[AuthorRecord]) -> tuple[AuthorRecord, ...]:
    """Return the authors in order, each person at most once per role."""
    if len(authors) < 2:
        return tuple(authors)
    unique: dict[tuple[str, str], AuthorRecord] = {}
    for person in authors:
        unique.setdefault((person.source_id or person.name, person.role), person)
    if len(unique) > _MAX_AUTHORS:
        raise FieldError("authors", authors[0].name, f"{len(unique):,} authors; {_MAX_AUTHORS:,} are allowed")
    return tuple(unique.values())


def parse_category_path(names: list[str]) -> CategoryPath:
    """Return a category's names from its root, within the limits of the category table."""
    path = tuple([parse_single_line("categories", name, MAX_NAME_LENGTH) for name in names])
    display = " > ".join(path)
    if not all(path):
        raise FieldError("categories", display, "a level has no name")
    if len(path) > MAX_CATEGORY_DEPTH:
        raise FieldError("categories", display, f"{len(path)} levels; {MAX_CATEGORY_DEPTH} are allowed")
    # Only a long path can exceed the limit when its letters are folded to ASCII.
    if len(display) * 8 > MAX_CATEGORY_PATH_BYTES and _slug_path_bytes(display) > MAX_CATEGORY_PATH_BYTES:
        raise FieldError("categories", display, f"longer than {MAX_CATEGORY_PATH_BYTES:,} bytes")
    return path


def _slug_path_bytes(text: str) -> int:
    spelled_out = sum(map(text.count, "&+#"))
    folded = unicodedata.normalize("NFKD", text)
    return max(len(text.encode()), len(folded.encode())) + 4 * spelled_out


def deduplicate_paths(paths: list[CategoryPath]) -> tuple[CategoryPath, ...]:
    unique = dict.fromkeys(paths)
    if len(unique) > MAX_CATEGORIES:
        reason = f"{len(unique)} categories; {MAX_CATEGORIES} are allowed"
        raise FieldError("categories", " > ".join(paths[0]), reason)
    return tuple(unique)
