"""Records that all readers produce: a book with its authors and category paths, or a reject."""

from dataclasses import dataclass, field, fields
from datetime import date
from decimal import Decimal
from typing import Literal


@dataclass(frozen=True, slots=True)
class AuthorRecord:
    """One contribution to a book.

    `source_id` is the source's key of the person. Without it the folded name is the key, which all
    sources without ids share. `sort_name` is "Last, First" if known.
    """

    name: str
    role: str = "AUTHOR"
    source_id: str | None = None
    sort_name: str | None = None
    birth_year: int | None = None
    death_year: int | None = None


@dataclass(frozen=True, slots=True)
class BookRecord:
    """One valid book of a feed. None, or an empty tuple, stands for an empty cell.

    - `row` is the row number in the feed, counted from 1.
    - `source_id` is the ISBN if the feed has no key of its own. Such a row is found by its ISBN.
    - `title` may be None for a book that exists.
    - `isbn` is an ISBN-13 without hyphens.
    - A `series_position` has a `series`.
    - `price` and `currency` (ISO 4217) are both set or both None.
    - `published_year` is negative before Christ, and equals the year of `published_on`.
    - `rating_average` is 0 to 5.
    - Each category is a path of names from its root.
    - `absent` are the fields of which the row says nothing, though its feed has them: a JSON object may lack a
      key. Such a field is no empty cell.
    """

    row: int
    source_id: str
    title: str | None
    subtitle: str | None = None
    series: str | None = None
    series_position: str | None = None
    isbn: str | None = None
    description: str | None = None
    language: str | None = None
    publisher: str | None = None
    format: str | None = None
    published_year: int | None = None
    published_on: date | None = None
    page_count: int | None = None
    price: Decimal | None = None
    currency: str | None = None
    stock: int | None = None
    cover_url: str | None = None
    rating_average: Decimal | None = None
    rating_count: int | None = None
    work_key: str | None = None
    authors: tuple[AuthorRecord, ...] = ()
    categories: tuple[tuple[str, ...], ...] = ()
    absent: tuple[str, ...] = field(default=(), compare=False, repr=False)


ALL_FIELDS = frozenset(each.name for each in fields(BookRecord)) - {"row", "absent"}
"""The fields of a record that a feed can have."""


@dataclass(frozen=True, slots=True)
class Reject:
    """A rejected row: the invalid field, its value and the reason; and the key and title of the book, if known.

    If `dropped` is "field", only this value was dropped and the book is imported without it. If it is
    "new book", the row is valid, but the import adds no books. `first_row` is the row that this one repeats.
    """

    row: int
    field: str
    value: str
    reason: str
    dropped: Literal["row", "field", "new book"] = "row"
    source_id: str = ""
    title: str = ""
    first_row: int = 0


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row of the rejects file, with all faults of the row in the feed.

    `label` names the row as its file counts it. `is_needed` is true for a row without a fault that a rejected
    row refers to.
    """

    row: int
    label: str
    field: str
    value: str
    reason: str
    source_id: str
    title: str
    is_needed: bool = False
