"""The fields of a book as text, each turned into a valid value or a FieldError that says why not.

What passes here satisfies the constraints of the catalog's tables. Empty text means "not given".
"""

import unicodedata
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from stdnum import isbn as isbn_numbers
from stdnum.exceptions import InvalidChecksum, ValidationError
from stdnum.util import clean

from db.importing.codes import CURRENCIES, language_tag
from db.importing.records import AuthorRecord

TITLE_LENGTH = 2_000
NAME_LENGTH = 500
SOURCE_ID_LENGTH = 200
URL_LENGTH = 2_000
# Longer texts would not fit into one full-text vector.
DESCRIPTION_LENGTH = 100_000
PATH_OCTETS = 2_000
DEPTH = 32
AUTHORS = 1_000
CATEGORIES = 100
YEAR = 9_999
PRICE_LIMIT = 10**10
PRICE_DECIMALS = 4
NUMBER_LENGTH = 40
LARGEST_INTEGER = 2**31 - 1

PRICE_STEP = Decimal("0.0001")
RATING_STEP = Decimal("0.01")
SHOWN_LENGTH = 200

ROLES = {
    **dict.fromkeys(("author", "writer", "by", "aut"), "AUTHOR"),
    **dict.fromkeys(("editor", "edited by", "ed", "eds", "edt"), "EDITOR"),
    **dict.fromkeys(("translator", "translated by", "trans", "transl", "tr", "trl"), "TRANSLATOR"),
    **dict.fromkeys(("illustrator", "illustrated by", "illus", "ill"), "ILLUSTRATOR"),
    **dict.fromkeys(("introduction", "foreword", "preface", "afterword", "intro", "aui"), "INTRODUCTION"),
    **dict.fromkeys(("narrator", "narrated by", "reader", "read by", "nrt"), "NARRATOR"),
    **dict.fromkeys(("contributor", "with", "ctb"), "CONTRIBUTOR"),
}

CategoryPath = tuple[str, ...]


class FieldError(Exception):
    """A field does not hold what it must; `value` is shortened for showing."""

    def __init__(self, field: str, value: object, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        text = str(value).replace("\0", "\N{SYMBOL FOR NULL}")
        self.value = text if len(text) <= SHOWN_LENGTH else text[: SHOWN_LENGTH - 1] + "…"
        self.reason = reason


def line(field: str, text: str, limit: int) -> str:
    """The text on one line: trimmed, runs of white space made one space, composed (NFC)."""
    value = " ".join(text.split())
    if not value.isascii():
        value = unicodedata.normalize("NFC", value)
    if len(value) > limit:
        raise FieldError(field, value, f"{len(value):,} characters; {limit:,} are allowed")
    if "\0" in value:
        raise FieldError(field, value, "holds a NUL character")
    return value


def title(text: str) -> str:
    value = line("title", text, TITLE_LENGTH)
    if not value:
        raise FieldError("title", text, "a book needs a title")
    return value


def subtitle(text: str) -> str | None:
    return line("subtitle", text, TITLE_LENGTH) or None


def description(text: str) -> str | None:
    """The text trimmed and composed, its line breaks kept."""
    value = text.strip()
    if "\r" in value:
        value = value.replace("\r\n", "\n").replace("\r", "\n")
    if not value.isascii():
        value = unicodedata.normalize("NFC", value)
    if len(value) > DESCRIPTION_LENGTH:
        limit = f"{len(value):,} characters; {DESCRIPTION_LENGTH:,} are allowed"
        raise FieldError("description", value, limit)
    if "\0" in value:
        raise FieldError("description", value, "holds a NUL character")
    return value or None


def isbn13(text: str) -> str:
    """The ISBN-13 without hyphens of an ISBN-10 or ISBN-13; leading zeros that were lost are restored."""
    if len(text) == 13 and text.isdecimal() and text.isascii() and text.startswith(("978", "979")):
        digits = text.encode()
        # The ASCII codes of the digits add 1,200 to the weighted sum, which is as good as nothing.
        if (sum(digits[::2]) + 3 * sum(digits[1::2])) % 10 == 0:
            return text
    number = clean(text, " -").strip().upper().removesuffix(".0")
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


def source_id(text: str, isbn: str | None) -> str:
    """The supplier's key; without one, the ISBN."""
    value = line("source_id", text, SOURCE_ID_LENGTH) or isbn
    if value is None:
        raise FieldError("source_id", text, "nothing identifies this book: neither source_id nor isbn")
    return value


def whole_number(field: str, text: str, lowest: int = 0) -> int | None:
    if not text:
        return None
    if text.isdecimal() and len(text) < 10 and (number := int(text)) >= lowest:
        return number
    digits = text.strip().removesuffix(".0")
    if not digits:
        return None
    if not digits.removeprefix("-").isdecimal():
        raise FieldError(field, text, "not a whole number")
    if len(digits) > NUMBER_LENGTH or not lowest <= int(digits) <= LARGEST_INTEGER:
        raise FieldError(field, text, f"not between {lowest} and {LARGEST_INTEGER}")
    return int(digits)


def decimal(field: str, text: str) -> Decimal:
    """A plain number; a comma is taken for the decimal point only where it cannot be anything else."""
    if text.replace(".", "", 1).isdecimal() and text.isascii() and len(text) <= NUMBER_LENGTH:
        return Decimal(text)
    number = text
    if number.count(",") == 1 and "." not in number and len(number) - number.index(",") in (2, 3):
        number = number.replace(",", ".")
    digits = number.removeprefix("-").replace(".", "", 1)
    if not digits.isdecimal() or not digits.isascii() or len(number) > NUMBER_LENGTH:
        if "," in number:
            reason = 'write the number without thousands separators and with a decimal point: "1234.50"'
        else:
            reason = "not a plain number"
        raise FieldError(field, text, reason)
    return Decimal(number)


def price(text: str, currency: str, default_currency: str | None) -> tuple[Decimal, str] | tuple[None, None]:
    """The price and its currency; a currency without a price is no price."""
    text = text.strip()
    if not text:
        return None, None
    amount = decimal("price", text)
    if not 0 <= amount < PRICE_LIMIT:
        raise FieldError("price", text, "not between 0 and ten thousand million")
    if len(text.partition(".")[2]) > PRICE_DECIMALS:
        exact, amount = amount, amount.quantize(PRICE_STEP)
        if amount != exact:
            raise FieldError("price", text, f"more than {PRICE_DECIMALS} decimals")
    code = currency.strip().upper() or default_currency
    if code is None:
        raise FieldError("currency", currency, "a price needs a currency")
    if code not in CURRENCIES:
        raise FieldError("currency", currency, "not an ISO 4217 code such as EUR")
    return amount, code


def published(text: str) -> tuple[int | None, date | None]:
    """The year (negative before Christ) and, where the text has one, the day.

    Taken are "1813", "-380", "1859-11" (its year), "1859-11-24", and the latter with a time behind it.
    0001-01-01 and 9999-12-31 are what databases write for "unknown", and asyncpg for infinity: no day.
    """
    value = text.strip()
    if value.removesuffix(".0").removeprefix("-").isdecimal() or not value:
        return year("published", value), None
    try:
        day = date.fromisoformat(_iso_day(value))
    except ValueError as error:
        reason = "not a year, or a day such as 1859-11-24"
        raise FieldError("published", text, reason) from error
    if day in (date.min, date.max):
        return None, None
    if value.endswith(" BC"):
        return -day.year, None
    return day.year, day if len(value) > 7 else None


def _iso_day(value: str) -> str:
    if len(value) >= 7 and value[4] == "-" and value[:4].isdecimal():
        if len(value) == 7:
            return value + "-01"
        if value[7] == "-" and (len(value) == 10 or value[10] in "T "):
            return value[:10]
    raise ValueError(value)


def language(text: str) -> str | None:
    """The BCP 47 tag; "und" (undetermined) is no language."""
    value = text.strip()
    if not value or value == "und":
        return None
    tag = language_tag(value)
    if tag is None:
        raise FieldError("language", text, 'not a language code such as "en", "eng" or "pt-BR"')
    return tag


def cover_url(text: str) -> str | None:
    value = text.strip()
    if not value:
        return None
    if not value.startswith(("https://", "http://")) or not value.isprintable() or " " in value:
        raise FieldError("cover_url", text, "not an address that begins with https:// or http://")
    if len(value) > URL_LENGTH:
        raise FieldError("cover_url", value, f"{len(value):,} characters; {URL_LENGTH:,} are allowed")
    return value


def rating(average: str, count: str) -> tuple[Decimal | None, int]:
    """The average rounded to two decimals, and of how many; an average without a count is one rating."""
    number = whole_number("rating_count", count)
    text = average.strip()
    if not text:
        if number:
            raise FieldError("rating_average", average, f"missing, but rating_count is {number}")
        return None, 0
    value = decimal("rating_average", text)
    if not 0 <= value <= 5:
        raise FieldError("rating_average", average, "not between 0 and 5")
    if number == 0:
        if value:
            raise FieldError("rating_count", count, f"nobody rated, but rating_average is {text}")
        return None, 0
    return value.quantize(RATING_STEP, ROUND_HALF_UP), 1 if number is None else number


def author(text: str) -> AuthorRecord | None:
    """A name, or "Name (role)"; parentheses that hold no role belong to the name."""
    name = line("authors", text, NAME_LENGTH)
    if name.endswith(")"):
        before, _, last = name[:-1].rpartition(" (")
        role = ROLES.get(last.lower().rstrip("."))
        if role and before:
            return AuthorRecord(name=before, role=role)
    return AuthorRecord(name=name) if name else None


def role(text: str) -> str:
    value = ROLES.get(text.strip().lower().rstrip("."))
    if value is None:
        known = ", ".join(sorted({name.lower() for name in ROLES.values()}))
        raise FieldError("authors", text, f"not a known role: {known}")
    return value


def year(field: str, text: str) -> int | None:
    """A year, negative before Christ."""
    digits = text.strip().removesuffix(".0")
    if not digits:
        return None
    if not digits.removeprefix("-").isdecimal() or len(digits) > 5 or not 0 < abs(int(digits)) <= YEAR:
        raise FieldError(field, text, f"not a year between -{YEAR} and {YEAR}")
    return int(digits)


def life(field: str, birth: int | None, death: int | None) -> tuple[int | None, int | None]:
    if birth is not None and death is not None and birth > death:
        raise FieldError(field, f"{birth} to {death}", "death before birth")
    return birth, death


def distinct_authors(people: list[AuthorRecord]) -> tuple[AuthorRecord, ...]:
    """The people in order, each once in each role."""
    if len(people) < 2:
        return tuple(people)
    kept: dict[tuple[str, str], AuthorRecord] = {}
    for person in people:
        kept.setdefault((person.source_id or person.name, person.role), person)
    if len(kept) > AUTHORS:
        raise FieldError("authors", people[0].name, f"{len(kept):,} authors; {AUTHORS:,} are allowed")
    return tuple(kept.values())


def category_path(names: list[str]) -> CategoryPath:
    """A category's names from its root, within what the category table can hold."""
    path = tuple([line("categories", name, NAME_LENGTH) for name in names])
    shown = " > ".join(path)
    if not all(path):
        raise FieldError("categories", shown, "a level has no name")
    if len(path) > DEPTH:
        raise FieldError("categories", shown, f"{len(path)} levels; {DEPTH} are allowed")
    # Only a long path can be too long once its letters are folded to plain ones.
    if len(shown) * 8 > PATH_OCTETS and _slug_octets(shown) > PATH_OCTETS:
        raise FieldError("categories", shown, f"longer than {PATH_OCTETS:,} octets")
    return path


def _slug_octets(text: str) -> int:
    spelled_out = sum(map(text.count, "&+#"))
    folded = unicodedata.normalize("NFKD", text)
    return max(len(text.encode()), len(folded.encode())) + 4 * spelled_out


def distinct_paths(paths: list[CategoryPath]) -> tuple[CategoryPath, ...]:
    kept = dict.fromkeys(paths)
    if len(kept) > CATEGORIES:
        reason = f"{len(kept)} categories; {CATEGORIES} are allowed"
        raise FieldError("categories", " > ".join(paths[0]), reason)
    return tuple(kept)
