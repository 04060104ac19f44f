"""The flat record that every format is read into: one book with its authors and category paths."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal


@dataclass(frozen=True, slots=True)
class AuthorRecord:
    """One contribution to a book.

    `source_id` is the supplier's key of the person; without one the folded name is the key,
    shared by all sources that know only names. `sort_name` is "Last, First" where it is known.
    """

    name: str
    role: str = "AUTHOR"
    source_id: str | None = None
    sort_name: str | None = None
    birth_year: int | None = None
    death_year: int | None = None


@dataclass(frozen=True, slots=True)
class BookRecord:
    """One valid book of a delivery; `row` is its place in the source, counted from 1.

    `isbn` is an ISBN-13 without hyphens; `price` and `currency` (ISO 4217) come together or not at
    all; `published_year` may be negative (before Christ) and agrees with `published_on`;
    `rating_average` is 0 to 5. Each category is a path of names from its root.
    """

    row: int
    source_id: str
    title: str
    subtitle: str | None = None
    isbn: str | None = None
    description: str | None = None
    language: str | None = None
    published_year: int | None = None
    published_on: date | None = None
    page_count: int | None = None
    price: Decimal | None = None
    currency: str | None = None
    stock: int = 0
    cover_url: str | None = None
    rating_average: Decimal | None = None
    rating_count: int = 0
    authors: tuple[AuthorRecord, ...] = ()
    categories: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Reject:
    """Why a row was not imported: the field that is wrong, its value and the reason.

    `dropped` is "field" where only this value was left out and the row's book is imported without it.
    """

    row: int
    field: str
    value: str
    reason: str
    dropped: Literal["row", "field"] = "row"
