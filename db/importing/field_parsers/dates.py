"""Parse years and days of publication. Day and month are never guessed."""

import re
from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Literal, cast

from db.constraints import MAX_YEAR
from db.importing.field_parsers.errors import FieldError
from db.importing.field_parsers.placeholders import is_placeholder, strip_invisible

DateOrder = Literal["", "dmy", "mdy", "ymd"]
"""The order of day, month and year in a column; "" if it is not known."""

_MAX_FUTURE_YEARS = 10
_MAX_DAYS_OF_SPREADSHEETS = 99_999

_TIME = r"[T ](?:[01][0-9]|2[0-4]):[0-5][0-9](?::[0-6][0-9](?:[.,][0-9]+)?)?"
_ZONE = r" ?(?:Z|UTC|[+-][0-9]{2}(?::?[0-9]{2}){0,2})"
_ISO = re.compile(
    rf"(?P<month>[0-9]{{4}}-[0-9]{{2}})(?:(?P<day>-[0-9]{{2}})(?:{_TIME}(?:{_ZONE})?)?(?P<bc> BC)?)?"
)
_THREE_NUMBERS = re.compile(rf"([0-9]{{1,4}})([./-])([0-9]{{1,2}})\2([0-9]{{1,4}})(?:{_TIME}(?:{_ZONE})?)?")
_MONTH_AND_YEAR = re.compile(r"(0?[1-9]|1[0-2])[./-]([0-9]{4})")
_YEAR_AND_MONTH = re.compile(r"([0-9]{4})[./](0?[1-9]|1[0-2])")
_EAST_ASIAN = re.compile(r"([0-9]{4})[年년](?: ?([0-9]{1,2})[月월](?: ?([0-9]{1,2})[日일])?)?")
_MARKED_YEAR = re.compile(
    r"(?:copyright|©|\(c\)|[cp℗](?=[0-9])|cop\.|ca?\.|circa|about|approx\.?|um|etwa|vers|hacia|ca)? ?([0-9]{3,4})",
    re.IGNORECASE,
)
_BEFORE_CHRIST = re.compile(
    r"([0-9]{1,4}) ?(?:b\.? ?c\.?(?: ?e\.?)?|v\. ?chr\.?|av\. ?j\.-?c\.?|a\. ?c\.?)", re.IGNORECASE
)
_WORDS = re.compile(r"[0-9]+|[^\W\d_]+")
_ORDINAL = re.compile(r"(?<=[0-9])(?:st|nd|rd|th|er|º|ª)\b", re.IGNORECASE)
_FILLERS = frozenset(("de", "del", "of", "den", "the", "le"))
_INCOMPLETE = re.compile(
    r"\[?(?:c|ca\. ?)?[0-9]{1,3}[-?_xXuU]{1,3}[\]?]*|[0-9]{2}th cent(?:ury|\.)", re.IGNORECASE
)
_RANGE = re.compile(r"\[?[0-9]{4}\]?\s*(?:[-–—/]|\(|bis|to)\s*\[?c?[0-9]{2,4}\]?\)?", re.IGNORECASE)
_UNDATED = frozenset(
    ("n.d.", "n.d", "nd", "s.d.", "s. d.", "o.j.", "o. j.", "s.a.", "s. a.", "no date", "undated", "0")
)
_ROMAN = re.compile(r"(?=[MDCLXVI]{2})M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})")
_ROMAN_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
_FIRST_ROMAN_YEAR = 1400
_MONTH_LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl")
# Databases write the first two for "unknown", spreadsheets the third for an empty cell.
_UNKNOWN_DAYS = frozenset((date.min, date.max, date(1899, 12, 30)))

Published = tuple[int | None, date | None]


def parse_published(text: str, order: DateOrder = "") -> Published:
    """Return the year (negative before Christ) and, if the text contains one, the day.

    A day may be followed by a time with or without a zone. The day counts as it is written: a zone changes
    nothing. Raise FieldError for what has several meanings; of a day, the year is kept.
    """
    value = text.strip()
    if len(value) == 4 and value.isdecimal() and value.isascii() and "1000" <= value <= "2025":
        return int(value), None
    try:
        if len(value) == 10 and value[4] == value[7] == "-" and "0002" <= value <= "2026":
            found = _build_day(value[:7], value[7:])
            return (None, None) if found in _UNKNOWN_DAYS else (found.year, found)
        year, day = _read_iso_day(value) if _ISO.fullmatch(value) else _read_any(strip_invisible(text), order)
        if year is not None and year > _latest_year():
            raise ValueError(f"later than {_latest_year()}")
    except _AmbiguousDayError as error:
        raise FieldError("published", text, str(error), kept=f"{error.year:04}") from error
    except ValueError as error:
        raise FieldError("published", text, str(error)) from error
    return year, day


def parse_literal_published(text: str, order: DateOrder = "") -> Published:
    """Return the year and the day as this program writes them: a year may have less than four digits."""
    value = text.strip()
    if value.removesuffix(".0").lstrip("-").isdecimal() and len(value) < 8:
        return parse_year("published", value), None
    return parse_published(text, order)


def parse_published_year(text: str, order: DateOrder = "") -> int | None:
    return parse_published(text, order)[0]


def parse_published_day(text: str, order: DateOrder = "") -> date | None:
    return parse_published(text, order)[1]


def _latest_year() -> int:
    return date.today().year + _MAX_FUTURE_YEARS


def parse_year(field: str, text: str) -> int | None:
    """Parse a year, negative before Christ."""
    digits = text.strip().removesuffix(".0")
    if not digits:
        return None
    if not digits.removeprefix("-").isdecimal() or len(digits) > 5 or not 0 < abs(int(digits)) <= MAX_YEAR:
        raise FieldError(field, text, f"not a year between -{MAX_YEAR} and {MAX_YEAR}")
    return int(digits)


class _AmbiguousDayError(Exception):
    """Day and month can be exchanged; the year is known."""

    def __init__(self, year: int, reason: str) -> None:
        super().__init__(reason)
        self.year = year


def _read_iso_day(value: str) -> Published:
    match = _ISO.fullmatch(value)
    if match is None:
        raise ValueError(_UNREADABLE)
    day = _build_day(match["month"], match["day"] or "-01")
    if day in _UNKNOWN_DAYS:
        return None, None
    if match["bc"]:
        return -day.year, None
    return day.year, day if match["day"] else None


_UNREADABLE = "not a year, or a day such as 1859-11-24"


def _build_day(month: str, day: str) -> date:
    try:
        return date.fromisoformat(month + day)
    except ValueError as error:
        raise ValueError("there is no such day; correct it, or write the year") from error


def _read_any(value: str, order: DateOrder) -> Published:
    folded = value.casefold()
    if folded.strip("[]") in _UNDATED or is_placeholder(value):
        return None, None
    if folded in ("true", "false", "yes", "no"):
        raise ValueError("not a date; --ignore the column if it holds none")
    bare = value.removesuffix(".0")
    if bare.removeprefix("-").isdecimal() and bare.isascii():
        return _read_digits(bare)
    if _INCOMPLETE.fullmatch(value):
        raise ValueError("the year is incomplete; write four digits, or leave it empty")
    if match := _BEFORE_CHRIST.fullmatch(value):
        return -_check_year(int(match[1])), None
    found = _read_numbers(value.strip("[]()?. "), order)
    if found is None and _RANGE.fullmatch(value):
        raise ValueError("two years; write the year of publication")
    return found or _read_words(value.strip("[]()?. "))


def _read_numbers(value: str, order: DateOrder) -> Published | None:
    """Read a marked year ("c1999") or numbers such as "31.12.1999" and "12/1999", or return None."""
    if match := _MARKED_YEAR.fullmatch(value):
        return _check_year(int(match[1])), None
    if match := _EAST_ASIAN.fullmatch(value):
        return _read_parts(int(match[1]), match[2], match[3])
    if match := _THREE_NUMBERS.fullmatch(value):
        return _read_three_numbers(match, order)
    if (match := _MONTH_AND_YEAR.fullmatch(value)) or (match := _YEAR_AND_MONTH.fullmatch(value)):
        return _check_year(max(int(match[1]), int(match[2]))), None
    return None


def _read_digits(value: str) -> Published:
    """Read a number: a year, YYYYMMDD or YYYYMM as in ONIX."""
    number = int(value)
    if value.startswith("-"):
        return -_check_year(-number), None
    if len(value) == 8:
        return _read_parts(int(value[:4]), value[4:6], value[6:])
    if len(value) == 6 and "01" <= value[4:] <= "12" and value[0] in "12":
        return _check_year(int(value[:4])), None
    if len(value) == 5 and number <= _MAX_DAYS_OF_SPREADSHEETS:
        raise ValueError("the day number of a spreadsheet; format the column as a date, or write the year")
    if len(value) != 4:
        raise ValueError("not a year of four digits; write 0099 for the year 99")
    return _check_year(number), None


def _check_year(year: int) -> int:
    if not 0 < year <= MAX_YEAR:
        raise ValueError(f"not a year between -{MAX_YEAR} and {MAX_YEAR}")
    return year


def _read_parts(year: int, month: str | None, day: str | None) -> Published:
    if not month or int(month) == 0:
        return _check_year(year), None
    if not day or int(day) == 0:
        return _build_day(f"{year:04}-{int(month):02}", "-01").year, None
    found = _build_day(f"{year:04}-{int(month):02}", f"-{int(day):02}")
    return (None, None) if found in _UNKNOWN_DAYS else (year, found)


def _read_three_numbers(match: re.Match[str], order: DateOrder) -> Published:
    first, _, middle, last = match.groups()
    if len(first) == 4 and len(last) <= 2:
        return _read_parts(int(first), middle, last)
    if len(last) != 4 or len(first) > 2:
        raise ValueError("the year has not four digits; write all four")
    year = _check_year(int(last))
    as_day_first, as_month_first = (middle, first), (first, middle)
    if order == "dmy" or (not order and int(first) > 12) or first == middle:
        return _read_parts(year, *as_day_first)
    if order == "mdy" or (not order and int(middle) > 12):
        return _read_parts(year, *as_month_first)
    reason = f"day {int(first)} or month {int(first)}? the year is kept; say --date-order dmy or mdy"
    raise _AmbiguousDayError(year, reason)


def _read_roman(value: str) -> int | None:
    """Return the year of a Roman numeral, as printers write it, or None for other words of such letters."""
    if not value.isupper() or not _ROMAN.fullmatch(value):
        return None
    numbers = [_ROMAN_VALUES[letter] for letter in value]
    total = sum(
        -number if number < following else number
        for number, following in zip(numbers, [*numbers[1:], 0], strict=True)
    )
    return total if total >= _FIRST_ROMAN_YEAR else None


def _read_words(value: str) -> Published:
    """Read "MCMXCIX", "Dec 1999", "December 31, 1999" or "31. Dezember 1999"."""
    if roman := _read_roman(value):
        return roman, None
    words = [word for word in _WORDS.findall(_ORDINAL.sub("", value).casefold()) if word not in _FILLERS]
    months = [number for word in words if (number := _month_numbers().get(word))]
    numbers = [word for word in words if word.isdecimal()]
    if len(months) != 1 or len(words) != len(months) + len(numbers):
        raise ValueError(_UNREADABLE)
    years = [number for number in numbers if len(number) == 4]
    days = [number for number in numbers if len(number) <= 2]
    if len(years) != 1 or len(days) + 1 != len(numbers) or len(days) > 1:
        raise ValueError("the year has not four digits; write all four" if not years else _UNREADABLE)
    return _read_parts(_check_year(int(years[0])), str(months[0]), days[0] if days else None)


@cache
def _month_numbers() -> dict[str, int]:
    """Return the months by their names and abbreviations in several languages."""
    from babel import Locale  # it takes time to import, and most files have no names of months

    numbers: dict[str, int] = {"sept": 9}
    for language in _MONTH_LANGUAGES:
        forms = cast("Mapping[str, Mapping[str, Mapping[int, str]]]", Locale(language).months)
        for form in forms.values():
            for number, name in [*form["wide"].items(), *form["abbreviated"].items()]:
                numbers.setdefault(name.casefold().rstrip("."), number)
    return numbers
