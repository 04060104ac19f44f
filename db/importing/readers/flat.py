"""Parse flat records: one row per book with fields as text, as in the csv, jsonl and postgres formats.

A row needs an identity (`source_id` or `isbn`); every other field may be missing or empty. An invalid value costs
the value, and is told as a reject of the field; a row without a valid identity is rejected.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from datetime import date
from functools import lru_cache, partial
from typing import Any

from db.book_columns import BOOK_COLUMNS, BookColumn
from db.importing import field_parsers
from db.importing.field_parsers import CategoryPath, DateOrder, DecimalMark, FieldError, PeopleStyle
from db.importing.readers.damaged_letters import has_damaged_letters
from db.importing.readers.feed import ReadingNotes
from db.importing.readers.flat_fields import FLAT_FIELDS
from db.importing.readers.isbn_pairs import ISBN_10, choose_isbn
from db.importing.records import AuthorRecord, BookRecord, Reject

_MAX_CACHED_TEXTS = 50_000

_PLACES = {field.name: place for place, field in enumerate(fields(BookRecord))}
"""The place of each value in a book record."""

_ROW, _SOURCE_ID, _ISBN, _AUTHORS, _CATEGORIES = (
    _PLACES[name] for name in ("row", "source_id", "isbn", "authors", "categories")
)
_DEFAULTS = [None if field.default is MISSING else field.default for field in fields(BookRecord)]


@dataclass(frozen=True, slots=True)
class CellStyle:
    """How the cells of a feed are written.

    - `currency` is that of prices without one.
    - `decimal_mark`, `date_order` and `people` are known from the column or from an option.
    - `category_separator` alone separates paths of categories, if it is given.
    - `restore_zeros` is false if the column of ISBNs holds other numbers, too.
    - `short_years` is true if a year may have less than four digits, as in a column of numbers.
    - `literal` is true for files that this program wrote: texts are taken as they are.
    """

    currency: str | None = None
    decimal_mark: DecimalMark = ""
    date_order: DateOrder = ""
    people: PeopleStyle = field(default_factory=PeopleStyle)
    category_separator: str = ""
    restore_zeros: bool = True
    short_years: bool = False
    literal: bool = False


class FlatRecordParser:
    """Parses rows into book records. Caches the values of texts that repeat, such as authors and prices.

    `flat_fields` names the field of each cell of a row; a cell with the field "" is ignored. Beside "isbn" there may
    be a second ISBN. `notes` counts repaired values, placeholders, and rows with damaged letters.
    """

    def __init__(
        self, flat_fields: Sequence[str], style: CellStyle | None = None, notes: ReadingNotes | None = None
    ) -> None:
        self._style = style = style or CellStyle()
        # A missing field has the index of the empty cell that parse() appends.
        indexes = dict.fromkeys((*FLAT_FIELDS, ISBN_10), -1) | {
            name: index for index, name in enumerate(flat_fields)
        }
        self._isbn, self._source_id, self._authors, self._author_sort, self._categories = (
            indexes[name] for name in ("isbn", "source_id", "authors", "author_sort", "categories")
        )
        self._title, self._isbn_10 = indexes["title"], indexes[ISBN_10]
        self._parse_isbn = partial(field_parsers.parse_isbn, restore_zeros=style.restore_zeros)
        self._counts = Counter[tuple[str, str]]() if notes is None else notes.counts
        self._placeholders: list[str] = []
        people = partial(field_parsers.parse_people, style=style.people)
        self._parse_people = _cache(field_parsers.parse_literal_people if style.literal else people)
        category = _parse_literal_category if style.literal else field_parsers.parse_category
        self._parse_category = _cache(category)
        self._parse_paths = _cache(self._parse_cell_of_paths)
        # Indexes of cells, places of values, name of the field, parser.
        self._single_parsers: list[tuple[int, int, str, Callable[[str], Any]]] = []
        self._joint_parsers: list[tuple[int, int, int, int, str, Callable[[str, str], Any]]] = []
        published = _cache(
            partial(field_parsers.parse_literal_published, order=style.date_order)
            if style.literal or style.short_years
            else partial(field_parsers.parse_published, order=style.date_order)
        )
        for column in BOOK_COLUMNS:
            index, place, other = indexes[column.flat_field], _PLACES[column.name], column.parsed_with
            parse = _choose_parser(column, style, published)
            if parse and other and (index >= 0 or indexes[other] >= 0):
                self._joint_parsers.append((index, indexes[other], place, _PLACES[other], column.name, parse))
            elif parse and not other and index >= 0:
                # That a year has no day is not told.
                name = "" if column.name == "published_on" else column.flat_field
                self._single_parsers.append((index, place, name, parse))
        self._indexes_of_field = _group_indexes(indexes)

    def parse(
        self,
        row: int,
        cells: Sequence[str],
        authors: tuple[AuthorRecord, ...] | None = None,
        categories: tuple[CategoryPath, ...] | None = None,
    ) -> tuple[BookRecord | Reject, ...]:
        """Return the row as a book, followed by a reject of each invalid value; or as a reject of the row.

        `authors` and `categories` override their cells.
        """
        if has_damaged_letters(cells):
            self._counts["row", "damaged"] += 1
        if self._isbn_10 >= 0:
            return self._parse_pair(row, cells, authors, categories)
        return self._parse_row(row, cells, authors, categories)

    def _parse_pair(
        self,
        row: int,
        cells: Sequence[str],
        authors: tuple[AuthorRecord, ...] | None,
        categories: tuple[CategoryPath, ...] | None,
    ) -> tuple[BookRecord | Reject, ...]:
        """Parse a row with two ISBNs, of which one is chosen. The other may be a reject."""
        isbn, error = choose_isbn(cells[self._isbn], cells[self._isbn_10], self._parse_isbn)
        chosen = list(cells)
        chosen[self._isbn] = isbn
        found = self._parse_row(row, chosen, authors, categories)
        if error is None or isinstance(found[0], Reject):
            return found
        return (*found, Reject(row, error.field, error.value, error.reason, "field"))

    def _parse_row(
        self,
        row: int,
        cells: Sequence[str],
        authors: tuple[AuthorRecord, ...] | None,
        categories: tuple[CategoryPath, ...] | None,
    ) -> tuple[BookRecord | Reject, ...]:
        try:
            book = self._parse_book(row, cells, authors, categories)
        except FieldError as error:
            return self._parse_valid_cells(row, cells, authors, categories, error)
        if self._placeholders:
            self._count_placeholders()
        return (book,)

    def _parse_book(
        self,
        row: int,
        cells: Sequence[str],
        authors: tuple[AuthorRecord, ...] | None,
        categories: tuple[CategoryPath, ...] | None,
    ) -> BookRecord:
        """Return the row as a book. Raise FieldError for the first invalid cell."""
        cells = [*cells, ""]
        values: list[Any] = _DEFAULTS.copy()
        for index, place, name, parse in self._single_parsers:
            text = cells[index]
            if text:
                values[place] = value = parse(text)
                if value is None and name and text.strip():
                    self._placeholders.append(name)
        for index, other_index, place, other_place, name, parse in self._joint_parsers:
            text, other_text = cells[index], cells[other_index]
            if text or other_text:
                values[place], values[other_place] = parse(text, other_text)
                if values[place] is None and text.strip():
                    self._placeholders.append(name)
        values[_ROW] = row
        values[_SOURCE_ID] = field_parsers.parse_source_id(cells[self._source_id], values[_ISBN])
        values[_AUTHORS] = self._find_people(cells) if authors is None else authors
        values[_CATEGORIES] = self._parse_paths(cells[self._categories]) if categories is None else categories
        isbn = cells[self._isbn]
        if isbn and len(isbn) != 13 and values[_ISBN] and field_parsers.is_repaired_isbn(isbn):
            self._counts["isbn", "repaired"] += 1
        return BookRecord(*values)

    def _parse_valid_cells(
        self,
        row: int,
        cells: Sequence[str],
        authors: tuple[AuthorRecord, ...] | None,
        categories: tuple[CategoryPath, ...] | None,
        error: FieldError,
    ) -> tuple[BookRecord | Reject, ...]:
        """Parse a row again without each invalid value. Reject it if nothing valid identifies the book."""
        remaining = list(cells)
        dropped: list[Reject] = []
        while True:
            self._placeholders.clear()
            indexes = [
                index for index in self._indexes_of_field[error.field] if index >= 0 and remaining[index]
            ]
            if not indexes:
                reject = _reject_row(row, error, dropped)
                names = {"source_id": self._source_id, "title": self._title}
                return (replace(reject, **{name: [*cells, ""][place] for name, place in names.items()}),)
            for index in indexes:
                remaining[index] = ""
            if error.kept:
                remaining[indexes[0]] = error.kept
            reason = error.reason + ("" if error.kept else _IMPORTED_WITHOUT)
            dropped.append(Reject(row, error.field, error.value, reason, "field"))
            try:
                book = self._parse_book(row, remaining, authors, categories)
            except FieldError as next_error:
                error = next_error
            else:
                self._count_placeholders()
                return (book, *dropped)

    def _count_placeholders(self) -> None:
        for name in self._placeholders:
            self._counts[name, "placeholder"] += 1
        self._placeholders.clear()

    def _find_people(self, cells: Sequence[str]) -> tuple[AuthorRecord, ...]:
        """Return the people of a cell such as "Jane Doe; John Roe (translator)", with their sort names."""
        cell = cells[self._authors]
        if not cell:
            return ()
        if not self._style.literal:
            field_parsers.refuse_formula("authors", cell)
            cell = field_parsers.decode_entities(cell) if "&" in cell else cell
        if ";" in cell and self._style.people.separator in ("", ";"):
            people = [person for part in cell.split(";") if part for person in self._parse_people(part)]
            found = field_parsers.deduplicate_authors(people)
        else:
            found = self._parse_people(cell)
        if not found and cell.strip():
            self._placeholders.append("authors")
        sort_names = cells[self._author_sort]
        return field_parsers.apply_sort_names(found, sort_names) if sort_names else found

    def _parse_cell_of_paths(self, cell: str) -> tuple[CategoryPath, ...]:
        """Return the paths of a cell such as "Fiction > Crime; Travel"."""
        if not cell:
            return ()
        if not self._style.literal:
            field_parsers.refuse_formula("categories", cell)
        separator = ";" if self._style.literal else self._style.category_separator
        parts = field_parsers.split_paths(cell, separator)
        paths: list[CategoryPath] = []
        for part in parts:
            try:
                path = self._parse_category(part)
            except FieldError as error:
                error.kept = ";".join(each for each in parts if each != part)
                raise
            if path:
                paths.append(path)
        return field_parsers.deduplicate_paths(paths)


_IMPORTED_WITHOUT = "; imported without it"


def _cache(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    return lru_cache(_MAX_CACHED_TEXTS)(parse)


def _choose_parser(
    column: BookColumn, style: CellStyle, published: Callable[[str], tuple[int | None, date | None]]
) -> Callable[..., Any] | None:
    """Return the parser of a column for cells of this style. `published` parses both columns of a day."""
    if column.flat_field == "published":
        part = 0 if column.name == "published_year" else 1

        def parse_part(text: str) -> int | date | None:
            return published(text)[part]

        return parse_part
    parse = column.parse_literal if style.literal and column.parse_literal else column.parse
    if column.name == "price":
        mark: DecimalMark = "." if style.literal else style.decimal_mark
        parse = partial(
            field_parsers.parse_price,
            default_currency=style.currency,
            decimal_mark=mark,
            literal=style.literal,
        )
    elif column.name == "series":
        parse = partial(field_parsers.parse_series, literal=style.literal)
    elif column.name == "isbn" and not style.restore_zeros:
        parse = partial(field_parsers.parse_isbn, restore_zeros=False)
    return _cache(parse) if parse and column.repeats else parse


def _group_indexes(indexes: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
    """Return the indexes of the cells of each field, with those of the field that it is parsed with."""
    groups: dict[str, tuple[int, ...]] = {name: (index,) for name, index in indexes.items()}
    for column in BOOK_COLUMNS:
        if column.parsed_with:
            both = (indexes[column.flat_field], indexes[column.parsed_with])
            groups[column.flat_field] = groups[column.parsed_with] = both
    return groups


def _parse_literal_category(text: str) -> CategoryPath | None:
    return field_parsers.parse_category_path(text.split(">")) if text.strip() else None


def _reject_row(row: int, error: FieldError, dropped: Sequence[Reject]) -> Reject:
    """Reject a row that nothing identifies: for its invalid ISBN, or else for the error."""
    for reject in dropped:
        if reject.field == "isbn":
            return Reject(row, reject.field, reject.value, reject.reason.removesuffix(_IMPORTED_WITHOUT))
    return Reject(row, error.field, error.value, error.reason)
