"""Values of a book's columns, parsed by the rules of the import."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from db.book_columns import BOOK_COLUMNS
from db.constraints import MAX_YEAR
from db.importing.field_parsers import FieldError, parse_series
from db.writes.faults import Fault, FaultCode, FaultPath, label
from db.writes.offers import Price, check_price

_PARSERS: Mapping[str, Callable[[str], Any]] = {
    column.name: column.parse_literal or column.parse
    for column in BOOK_COLUMNS
    if column.name in ("isbn", "title", "subtitle", "description", "language", "publisher", "cover_url")
    and column.parse
}
"""The parser of each column that is given as a text. What it makes blank is null."""

_PATHS: Mapping[str, FaultPath] = {
    "rating_average": ("rating", "average"),
    "rating_count": ("rating", "count"),
}

REQUIRED = {"title": "a title", "stock": "a number", "is_published": "true or false"}


@dataclass(frozen=True, slots=True)
class SeriesValue:
    """The name of a book's series, and the position of the book there."""

    name: str
    position: str | None


def parse_book_values(values: Mapping[str, Any], path: FaultPath) -> tuple[dict[str, Any], list[Fault]]:
    """Return the columns that the values set, and the faults of the invalid ones.

    The names are those of columns, except `price`, a Price, and `series`, a SeriesValue. A value that is
    missing sets nothing; None clears.
    """
    columns: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, value in values.items():
        if name in _PARSERS and value is not None:
            try:
                columns[name] = _PARSERS[name](value)
            except FieldError as error:
                message = f"{label(name)} is {error.value[:60]!r}: {error.reason}."
                faults.append(Fault((*path, name), FaultCode.INVALID, message))
                continue
        elif name == "series":
            series, wrong = _parse_series((*path, "series"), value)
            faults += wrong
            columns["series"], columns["series_position"] = series
        elif name == "price":
            wrong = check_price((*path, "price"), value)
            faults += wrong
            columns["price"], columns["currency"] = _split_price(None if wrong else value)
        else:
            columns[name] = value
        if name in REQUIRED and columns.get(name) is None:
            message = f"{label(name)} is empty: give {REQUIRED[name]}."
            faults.append(Fault((*path, name), FaultCode.INVALID, message))
    _complete_year(columns)
    faults += [
        Fault((*path, *_PATHS.get(name, (name,))), FaultCode.INVALID, message)
        for name, message in _find_faults(columns)
    ]
    return columns, faults


def _parse_series(
    path: FaultPath, value: SeriesValue | None
) -> tuple[tuple[str | None, str | None], list[Fault]]:
    """Return the name and the position, both None without a series, and the faults."""
    if value is None:
        return (None, None), []
    try:
        series = parse_series(value.name, (value.position or "") if value.name.strip() else "", literal=True)
    except FieldError as error:
        name = "position" if error.field == "series_position" else "name"
        reason = error.reason.partition("; imported")[0]
        message = f"series.{name} is {error.value[:60]!r}: {reason}."
        return (None, None), [Fault((*path, name), FaultCode.INVALID, message)]
    if series[0] is None:
        message = "series.name is empty: give a name, or null in place of the series."
        return series, [Fault((*path, "name"), FaultCode.INVALID, message)]
    return series, []


def _split_price(price: Price | None) -> tuple[Decimal, str] | tuple[None, None]:
    return (None, None) if price is None else (price.stored_amount, price.currency)


def _complete_year(columns: dict[str, Any]) -> None:
    """Set the year of a day. A year without a day clears the day."""
    day = columns.get("published_on")
    if isinstance(day, date) and columns.get("published_year") is None:
        columns["published_year"] = day.year
    elif "published_year" in columns and "published_on" not in columns:
        columns["published_on"] = None


def _find_faults(columns: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the names and faults of numbers that are out of range, and of values that do not agree."""
    faults: list[tuple[str, str]] = []

    def check(name: str, is_valid: Callable[[Any], bool], advice: str) -> None:
        value = columns.get(name)
        if value is not None and not is_valid(value):
            faults.append((name, f"{label(name)} is {value}: give {advice}."))

    check("stock", lambda value: value >= 0, "a number that is not negative")
    check("page_count", lambda value: value >= 1, "at least 1")
    check("published_year", lambda value: abs(value) <= MAX_YEAR, f"a year from -{MAX_YEAR} to {MAX_YEAR}")
    check("rating_average", lambda value: 0 <= value <= 5, "a number from 0 to 5")
    check("rating_count", lambda value: value >= 0, "a number that is not negative")
    day = columns.get("published_on")
    if isinstance(day, date) and day.year != columns.get("published_year"):
        faults.append(("published_on", f"publishedOn is {day}, another year than publishedYear."))
    if "rating_average" in columns or "rating_count" in columns:
        average, count = columns.get("rating_average"), columns.get("rating_count")
        if (average is None) != (not count):
            faults.append(("rating_average", "Give an average with at least one rating, or neither."))
    return faults
