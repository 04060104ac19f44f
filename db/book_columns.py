"""The columns of `book` that an import fills. Each is declared here, and only here.

The flat record, the staging table, the merge, the checksum, the audit and the record that the API reads are
derived from BOOK_COLUMNS. `BookRecord` has a field for each column; a test compares both.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from db.constraints import (
    BOOK_FORMATS,
    MAX_NAME_LENGTH,
    MAX_PRICE_DECIMALS,
    MAX_SERIES_POSITION_LENGTH,
    MAX_TITLE_LENGTH,
    MAX_WORK_KEY_LENGTH,
    MAX_YEAR,
    PRICE_LIMIT,
    sql_list,
)
from db.currencies import amount_sql
from db.importing import field_parsers


@dataclass(frozen=True, slots=True)
class BookColumn:
    """One column of `book`, from the text of a flat record to the value that the API reads.

    - `sql_type` is the type of the column with its collation and NOT NULL.
    - `parse` returns the value of a text. It raises FieldError. If texts repeat, its results are cached.
    - `parse_literal` does so for texts that this program wrote, by default as `parse`.
    - `field` is the field of the flat record, by default `name`; `help` describes its texts.
    - `parsed_with` is a second column without a parser: `parse` takes the texts of both fields and returns
      the values of both columns.
    - `fault` is the SQL condition of an invalid value. It is empty if every value is valid.
    - `read_sql` is what the API reads of a row `t`, by default the column; `read_type` is its type in Python.
    """

    name: str
    sql_type: str
    parse: Callable[..., Any] | None = None
    help: str = ""
    field: str = ""
    parsed_with: str = ""
    fault: str = ""
    read_sql: str = ""
    read_type: type | None = None
    repeats: bool = False
    parse_literal: Callable[[str], Any] | None = None

    @property
    def flat_field(self) -> str:
        return self.field or self.name

    @property
    def is_nullable(self) -> bool:
        return not self.sql_type.endswith("NOT NULL")

    @property
    def is_decimal(self) -> bool:
        return self.sql_type.startswith("numeric")


BOOK_COLUMNS = (
    BookColumn(
        "isbn",
        'text COLLATE "C"',
        field_parsers.parse_isbn,
        "ISBN-13 or ISBN-10, with or without hyphens; the check digit must be right. What spreadsheets do to "
        "an ISBN is repaired.",
        fault="NOT is_isbn13(isbn)",
    ),
    BookColumn(
        "title",
        "text NOT NULL",
        field_parsers.parse_title,
        f"Required for a new book; at most {MAX_TITLE_LENGTH:,} characters.",
        fault=f"title !~ '\\S' OR length(title) > {MAX_TITLE_LENGTH}",
        parse_literal=lambda text: field_parsers.parse_literal_line("title", text, MAX_TITLE_LENGTH),
    ),
    BookColumn(
        "subtitle",
        "text",
        field_parsers.parse_subtitle,
        f"At most {MAX_TITLE_LENGTH:,} characters.",
        parse_literal=lambda text: field_parsers.parse_literal_line("subtitle", text, MAX_TITLE_LENGTH),
    ),
    BookColumn(
        "series",
        "text",
        field_parsers.parse_series,
        f"The name of the series, at most {MAX_NAME_LENGTH} characters. Without `series_position` it may end "
        'with one: "Discworld, #8". Of several series the first counts.',
        fault=f"series !~ '\\S' OR length(series) > {MAX_NAME_LENGTH}",
        parsed_with="series_position",
        repeats=True,
    ),
    BookColumn(
        "series_position",
        "text",
        help='The position in the series: "1", "1.5", "0", "1-3" or "Vol. III"; at most '
        f"{MAX_SERIES_POSITION_LENGTH} characters.",
        fault="series_position IS NOT NULL AND (series IS NULL OR series_position !~ '\\S'"
        f" OR length(series_position) > {MAX_SERIES_POSITION_LENGTH})",
    ),
    BookColumn(
        "description",
        "text",
        field_parsers.parse_description,
        f"At most {field_parsers.MAX_DESCRIPTION_LENGTH:,} characters. HTML becomes plain text; line breaks "
        "are kept.",
        parse_literal=field_parsers.parse_literal_description,
    ),
    BookColumn(
        "language",
        'text COLLATE "C"',
        field_parsers.parse_language,
        'A code or a name: "en", "eng", "pt-BR", "English"; stored as a BCP 47 tag.',
        fault="language !~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$'",
        repeats=True,
    ),
    BookColumn(
        "publisher",
        "text",
        field_parsers.parse_publisher,
        f"The name of the publisher; at most {MAX_NAME_LENGTH} characters.",
        fault=f"publisher !~ '\\S' OR length(publisher) > {MAX_NAME_LENGTH}",
        repeats=True,
        parse_literal=lambda text: field_parsers.parse_literal_line("publisher", text, MAX_NAME_LENGTH),
    ),
    BookColumn(
        "format",
        'text COLLATE "C"',
        field_parsers.parse_format,
        "A name such as hardcover, Taschenbuch, Kindle Edition or Audio CD, or a product form of ONIX (BB).",
        fault=f"format NOT IN ({sql_list(BOOK_FORMATS)})",
        repeats=True,
    ),
    BookColumn(
        "published_year",
        "integer",
        field_parsers.parse_published_year,
        'The year ("1813", "-380" before Christ) or the day ("1859-11-24", "24 Nov 1859"); of "1859-11" the '
        "year is kept. A time and a zone behind the day are ignored.",
        field="published",
        fault=f"published_year NOT BETWEEN -{MAX_YEAR} AND {MAX_YEAR}",
        repeats=True,
    ),
    BookColumn(
        "published_on",
        "date",
        field_parsers.parse_published_day,
        field="published",
        fault="published_on IS NOT NULL AND (published_on < DATE '0001-01-01'"
        " OR extract(year FROM published_on) IS DISTINCT FROM published_year)",
        repeats=True,
    ),
    BookColumn(
        "page_count",
        "integer",
        field_parsers.parse_pages,
        "The number of pages, at least 1.",
        field="pages",
        fault="page_count <= 0",
        repeats=True,
    ),
    BookColumn(
        "price",
        "numeric",
        field_parsers.parse_price,
        'An amount such as "12.90", "12,90 €" or "USD 1,234.50", with at most the decimals of its currency. '
        "Empty: not on sale.",
        fault=f"price < 0 OR price >= {PRICE_LIMIT} OR scale(price) > {MAX_PRICE_DECIMALS}",
        parsed_with="currency",
        read_sql=amount_sql("t.price", "t.currency"),
        read_type=str,
        repeats=True,
    ),
    BookColumn(
        "currency",
        'text COLLATE "C"',
        help="ISO 4217, such as EUR; required with a price, unless the price names it or `--currency` gives "
        "one for all.",
        fault="(price IS NULL) <> (currency IS NULL) OR currency !~ '^[A-Z]{3}$'",
    ),
    BookColumn(
        "stock",
        "integer NOT NULL",
        field_parsers.parse_stock,
        "The number of copies in stock, at least 0; a new book without one has 0.",
        fault="stock < 0",
        repeats=True,
    ),
    BookColumn(
        "cover_url",
        "text",
        field_parsers.parse_cover_url,
        "A URL that begins with https:// or http://.",
    ),
    BookColumn(
        "rating_average",
        "numeric(3, 2)",
        field_parsers.parse_rating,
        "0 to 5, rounded to two decimals.",
        fault="rating_average NOT BETWEEN 0 AND 5",
        parsed_with="rating_count",
        read_sql="t.rating_average::float8",
        read_type=float,
    ),
    BookColumn(
        "rating_count",
        "integer NOT NULL",
        help="The number of ratings; an average without a count counts as one rating.",
        fault="rating_count < 0 OR (rating_average IS NULL) <> (rating_count = 0)",
    ),
    BookColumn(
        "work_key",
        'text COLLATE "C"',
        field_parsers.parse_work,
        "The source's key of the work; its editions and translations have the same one. At most "
        f"{MAX_WORK_KEY_LENGTH} characters.",
        field="work",
        fault=f"work_key !~ '\\S' OR length(work_key) > {MAX_WORK_KEY_LENGTH}",
        parse_literal=lambda text: field_parsers.parse_literal_line("work", text, MAX_WORK_KEY_LENGTH),
    ),
)


def join_columns(alias: str = "") -> str:
    """Return the names of all columns, separated by commas and qualified by the table's alias, if given."""
    prefix = f"{alias}." if alias else ""
    return ", ".join(f"{prefix}{column.name}" for column in BOOK_COLUMNS)


@dataclass(frozen=True, slots=True)
class BookField:
    """Columns of `book` that are set together: a price and its currency, a year and its day.

    `lead` is the column that is NULL in a staged row if the field's cell is empty.
    """

    name: str
    columns: tuple[BookColumn, ...]
    lead: str


def _group_columns() -> tuple[BookField, ...]:
    columns_by_name = {column.name: column for column in BOOK_COLUMNS}
    groups: dict[str, list[BookColumn]] = {}
    joined = {column.parsed_with for column in BOOK_COLUMNS}
    for column in BOOK_COLUMNS:
        if column.name not in joined:
            groups.setdefault(column.flat_field, []).append(column)
            if column.parsed_with:
                groups[column.flat_field].append(columns_by_name[column.parsed_with])
    # A rating count of 0 says that there is no average.
    return tuple(
        BookField(name, tuple(columns), "rating_count" if name == "rating_average" else columns[0].name)
        for name, columns in groups.items()
    )


BOOK_FIELDS = _group_columns()
"""The fields of a book, except its authors and categories."""


def new_book_values() -> str:
    """Return the values of a staged row `s` for the columns of a new book."""
    return ", ".join(_given_value(column) for column in BOOK_COLUMNS)


def set_values(field: BookField, *, empty_clears: bool) -> list[str]:
    """Return the values that a staged row `s` gives to the field's columns of an existing book `b`.

    An empty cell keeps the book's values, or clears them with `empty_clears`. A title is never cleared.
    """
    if empty_clears and field.name != "title":
        return [_given_value(column) for column in field.columns]
    if len(field.columns) == 1:
        return [f"coalesce(s.{field.lead}, b.{field.lead})"]
    return [
        f"CASE WHEN s.{field.lead} IS NULL THEN b.{column.name} ELSE s.{column.name} END"
        for column in field.columns
    ]


def _given_value(column: BookColumn) -> str:
    """Return the staged value. A number of copies or ratings is 0 if its cell is empty."""
    required = not column.is_nullable and column.name != "title"
    return f"coalesce(s.{column.name}, 0)" if required else f"s.{column.name}"
