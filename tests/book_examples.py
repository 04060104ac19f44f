"""An example of each column of a book, for tests that go over all of them."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any


@dataclass(frozen=True)
class ColumnExample:
    """A text of the column's field, and another text that changes this column alone, with both values.

    `invalid` is the SQL of a value that the column must never have, or None if it can have any value.
    """

    text: str
    value: Any
    other_text: str
    other_value: Any
    invalid: str | None


COLUMN_EXAMPLES = {
    "isbn": ColumnExample(
        "0-306-40615-2", "9780306406157", "9791091146135", "9791091146135", "'9780306406158'"
    ),
    "title": ColumnExample("Emma", "Emma", "emma", "emma", "' '"),
    "subtitle": ColumnExample("A novel", "A novel", "A romance", "A romance", None),
    "series": ColumnExample("Highbury", "Highbury", "highbury", "highbury", "repeat('x', 501)"),
    "series_position": ColumnExample("1", "1", "1.5", "1.5", "' '"),
    "description": ColumnExample("Handsome.", "Handsome.", "Clever.", "Clever.", None),
    "language": ColumnExample("eng", "en", "en-gb", "en-GB", "'English'"),
    "publisher": ColumnExample("John  Murray", "John Murray", "Penguin", "Penguin", "' '"),
    "format": ColumnExample("Gebunden", "HARDCOVER", "Audio CD", "AUDIOBOOK", "'SCROLL'"),
    "published_year": ColumnExample("1815", 1815, "1816", 1816, "10000"),
    "published_on": ColumnExample("1815", None, "1815-12-23", date(1815, 12, 23), "DATE '1900-01-01'"),
    "page_count": ColumnExample("474", 474, "475", 475, "0"),
    "price": ColumnExample("9.50", Decimal("9.50"), "9.51", Decimal("9.51"), "-1"),
    "currency": ColumnExample("eur", "EUR", "GBP", "GBP", "'eur'"),
    "stock": ColumnExample("3", 3, "0", 0, "-1"),
    "cover_url": ColumnExample(
        "https://a.example/1", "https://a.example/1", "https://a.example/2", "https://a.example/2", None
    ),
    "rating_average": ColumnExample("4.25", Decimal("4.25"), "4.26", Decimal("4.26"), "5.01"),
    "rating_count": ColumnExample("9", 9, "10", 10, "-1"),
    "work_key": ColumnExample("w 1", "w 1", "w 2", "w 2", "' '"),
}
