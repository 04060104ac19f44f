"""Parse flat records: one row per book with fields as text, as in the csv, jsonl and postgres formats.

A book needs a title and an identity (`source_id` or `isbn`); every other field may be missing or empty. A row
with an invalid field is rejected; no value is dropped silently. Headings are compared without case, and
spaces and hyphens count as "_".
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from pathlib import Path

from db.errors import CatalogImportError
from db.importing import field_parsers
from db.importing.field_parsers import CategoryPath, FieldError
from db.importing.records import AuthorRecord, BookRecord, Reject

# The fields of a flat record in their order, with the description of their values.
FLAT_FIELDS: Mapping[str, str] = {
    "source_id": "The source's key of the book, unique in the feed. Without it the ISBN is the key.",
    "isbn": "ISBN-13 or ISBN-10, with or without hyphens; the check digit must be right. Zeros that a "
    "spreadsheet took from the front of an ISBN-10 are restored.",
    "title": "Required; at most 2,000 characters.",
    "subtitle": "At most 2,000 characters.",
    "authors": 'Names separated by ";", each alone or followed by its role: "Jane Doe; John Roe '
    '(translator)". Roles: author, editor, translator, illustrator, introduction, narrator, '
    "contributor. In jsonl also a list of names, or of objects with name, role, sort_name, birth_year, "
    "death_year, source_id.",
    "categories": 'Paths separated by ";", their levels by ">": "Fiction > Crime; Travel". In jsonl also '
    "a list of such paths, or of lists of names. At most 100 paths of 32 levels.",
    "price": 'A number such as "12.90": at most four decimals, no currency sign, no thousands separators. '
    "Empty: not on sale.",
    "currency": "ISO 4217, such as EUR; required with a price, unless --currency gives one for all.",
    "published": 'The year ("1813", "-380" before Christ) or the day ("1859-11-24"); of "1859-11" the year '
    "is kept.",
    "pages": "The number of pages, at least 1.",
    "language": 'A language code: "en", "eng", "pt-BR"; written as BCP 47.',
    "description": "At most 100,000 characters; line breaks are kept.",
    "cover_url": "A URL that begins with https:// or http://.",
    "stock": "Number of copies in stock, at least 0; empty counts as 0.",
    "rating_average": "0 to 5, rounded to two decimals.",
    "rating_count": "Number of ratings; an average without a count counts as one rating.",
}

# Frequent headings that are accepted without --map.
ALIASES = {"author": "authors", "category": "categories"}

_MAX_CACHED_CELLS = 20_000


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """The column index of each field, and the headings without a field."""

    headings: tuple[str, ...]
    indexes: Mapping[str, int]
    ignored_headings: tuple[str, ...]

    def cell_picker(self) -> Callable[[Sequence[str]], tuple[str, ...]]:
        """Return a function that selects the cells of a row in the order of FLAT_FIELDS.

        The caller must append one empty cell to the row; it is the value of missing fields.
        """
        return itemgetter(*(self.indexes.get(field, -1) for field in FLAT_FIELDS))


def map_columns(
    where: Path | str, headings: Sequence[str], mapping: Mapping[str, str], currency: str | None
) -> ColumnMapping:
    """Map the headings of a feed to fields. Raise CatalogImportError if a required field is missing."""
    check_mapping(mapping)
    headings_hint = f"its headings are: {', '.join(heading.strip() or '(blank)' for heading in headings)}"
    index_by_heading = {heading.strip(): place for place, heading in enumerate(headings)}
    indexes: dict[str, int] = {}
    for column, field in mapping.items():
        if column not in index_by_heading:
            raise CatalogImportError(
                f"{where}: --map {column}={field}: there is no column {column}; {headings_hint}."
            )
        if field in indexes:
            raise CatalogImportError(f"{where}: --map gives two columns for {field}; give one.")
        indexes[field] = index_by_heading[column]
    for field, names in _indexes_by_field(headings, set(indexes.values())).items():
        if len(names) > 1 and field not in indexes:
            raise CatalogImportError(
                f"{where}: two columns are headed {field}; rename one with --map COLUMN={field}."
            )
        indexes.setdefault(field, names[0])
    if "title" not in indexes:
        raise CatalogImportError(
            f"{where}: there is no column for the title; {headings_hint}. Name it with --map COLUMN=title."
        )
    if "source_id" not in indexes and "isbn" not in indexes:
        hint = "Name one with --map COLUMN=source_id or --map COLUMN=isbn."
        raise CatalogImportError(
            f"{where}: there is no column for source_id or isbn; {headings_hint}. {hint}"
        )
    if "price" in indexes and "currency" not in indexes and currency is None:
        hint = "name its column with --map COLUMN=currency, or give one for all with --currency EUR."
        raise CatalogImportError(f"{where}: prices without a currency; {hint}")
    taken = set(indexes.values())
    return ColumnMapping(
        headings=tuple(headings),
        indexes=indexes,
        ignored_headings=tuple(
            name.strip() for place, name in enumerate(headings) if place not in taken and name.strip()
        ),
    )


def check_mapping(mapping: Mapping[str, str]) -> None:
    for column, field in mapping.items():
        if field not in FLAT_FIELDS:
            known = ", ".join(FLAT_FIELDS)
            raise CatalogImportError(
                f"--map {column}={field}: there is no field {field}; the fields are: {known}."
            )


def _field_for_heading(heading: str) -> str | None:
    """Return the field that a heading names without --map, or None."""
    name = heading.strip().lower().replace(" ", "_").replace("-", "_")
    name = ALIASES.get(name, name)
    return name if name in FLAT_FIELDS else None


def _indexes_by_field(headings: Sequence[str], mapped: set[int]) -> dict[str, list[int]]:
    indexes: dict[str, list[int]] = {}
    for place, heading in enumerate(headings):
        field = _field_for_heading(heading)
        if field is not None and place not in mapped:
            indexes.setdefault(field, []).append(place)
    return indexes


class FlatRecordParser:
    """Parses rows into book records. Caches parsed authors, categories and languages."""

    def __init__(self, currency: str | None = None) -> None:
        self._default_currency = currency
        self._parse_author = lru_cache(_MAX_CACHED_CELLS)(field_parsers.parse_author)
        self._parse_category = lru_cache(_MAX_CACHED_CELLS)(_parse_category_cell)
        self._parse_language = lru_cache(_MAX_CACHED_CELLS)(field_parsers.parse_language)

    def parse(
        self,
        row: int,
        cells: Sequence[str],
        authors: tuple[AuthorRecord, ...] | None = None,
        categories: tuple[CategoryPath, ...] | None = None,
    ) -> BookRecord | Reject:
        """Return the row as a book, or as a reject with its first invalid field.

        `cells` are in the order of FLAT_FIELDS. `authors` and `categories` override their cells.
        """
        try:
            isbn = field_parsers.parse_isbn(cells[1]) if cells[1].strip() else None
            price, currency = field_parsers.parse_price(cells[6], cells[7], self._default_currency)
            published_year, published_on = field_parsers.parse_published(cells[8])
            rating_average, rating_count = field_parsers.parse_rating(cells[14], cells[15])
            return BookRecord(
                row,
                field_parsers.parse_source_id(cells[0], isbn),
                field_parsers.parse_title(cells[2]),
                field_parsers.parse_subtitle(cells[3]),
                isbn,
                field_parsers.parse_description(cells[11]),
                self._parse_language(cells[10]),
                published_year,
                published_on,
                field_parsers.parse_integer("pages", cells[9], 1),
                price,
                currency,
                field_parsers.parse_integer("stock", cells[13]) or 0,
                field_parsers.parse_cover_url(cells[12]),
                rating_average,
                rating_count,
                self._parse_authors(cells[4]) if authors is None else authors,
                self._parse_categories(cells[5]) if categories is None else categories,
            )
        except FieldError as error:
            return Reject(row, error.field, error.value, error.reason)

    def _parse_authors(self, cell: str) -> tuple[AuthorRecord, ...]:
        """Parse a cell such as "Jane Doe; John Roe (translator)"."""
        people = [person for part in cell.split(";") if (person := self._parse_author(part)) is not None]
        return field_parsers.deduplicate_authors(people)

    def _parse_categories(self, cell: str) -> tuple[CategoryPath, ...]:
        """Parse a cell such as "Fiction > Crime; Travel"."""
        return field_parsers.deduplicate_paths(
            [self._parse_category(part) for part in cell.split(";") if part.strip()]
        )


def _parse_category_cell(text: str) -> CategoryPath:
    return field_parsers.parse_category_path(text.split(">"))
