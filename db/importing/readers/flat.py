"""Parse flat records: one row per book with fields as text, as in the csv, jsonl and postgres formats.

A book needs a title and an identity (`source_id` or `isbn`); every other field may be missing or empty. A row
with an invalid field is rejected; no value is dropped silently. Headings are compared without case, and
spaces and hyphens count as "_".
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from db.book_columns import BOOK_COLUMNS
from db.constraints import CONTRIBUTOR_ROLES, MAX_CATEGORY_DEPTH
from db.errors import CatalogImportError
from db.importing import field_parsers
from db.importing.field_parsers import CategoryPath, FieldError
from db.importing.records import AuthorRecord, BookRecord, Reject

FLAT_FIELDS: Mapping[str, str] = {
    "source_id": "The source's key of the book, unique in the feed. Without it the ISBN is the key.",
    **{column.flat_field: column.help for column in BOOK_COLUMNS if column.help},
    "authors": 'Names separated by ";", each alone or followed by its role: "Jane Doe; John Roe '
    f'(translator)". Roles: {", ".join(CONTRIBUTOR_ROLES).lower()}. In jsonl also a list of names, or of '
    "objects with name, role, sort_name, birth_year, death_year, source_id.",
    "categories": 'Paths separated by ";", their levels by ">": "Fiction > Crime; Travel". In jsonl also '
    f"a list of such paths, or of lists of names. At most {field_parsers.MAX_CATEGORIES} paths of "
    f"{MAX_CATEGORY_DEPTH} levels.",
}
"""The fields of a flat record in their order, with the description of their texts."""

# Frequent headings that are accepted without --map.
ALIASES = {"author": "authors", "category": "categories", "binding": "format"}

_MAX_CACHED_TEXTS = 20_000


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """The column index of each field, and the headings without a field."""

    headings: tuple[str, ...]
    indexes: Mapping[str, int]
    ignored_headings: tuple[str, ...]

    @property
    def flat_fields(self) -> list[str]:
        """The field of each column, or ""."""
        field_by_index = {index: field for field, index in self.indexes.items()}
        return [field_by_index.get(index, "") for index in range(len(self.headings))]


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
    _require_fields(where, indexes, headings_hint, currency)
    taken = set(indexes.values())
    return ColumnMapping(
        headings=tuple(headings),
        indexes=indexes,
        ignored_headings=tuple(
            name.strip() for place, name in enumerate(headings) if place not in taken and name.strip()
        ),
    )


def _require_fields(
    where: Path | str, indexes: Mapping[str, int], headings_hint: str, currency: str | None
) -> None:
    """Raise CatalogImportError unless there are a title, an identity, and a currency for the prices."""
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


_PLACES = {field.name: place for place, field in enumerate(fields(BookRecord))}
"""The place of each value in a book record."""

_ROW, _SOURCE_ID, _ISBN, _AUTHORS, _CATEGORIES = (
    _PLACES[name] for name in ("row", "source_id", "isbn", "authors", "categories")
)
_DEFAULTS = [None if field.default is MISSING else field.default for field in fields(BookRecord)]
_REQUIRED_PLACES = frozenset(_PLACES[field.name] for field in fields(BookRecord) if field.default is MISSING)


class FlatRecordParser:
    """Parses rows into book records. Caches the values of texts that repeat, such as authors and prices.

    `flat_fields` names the field of each cell of a row; a cell with the field "" is ignored. `currency` is
    that of prices without one.
    """

    def __init__(self, flat_fields: Sequence[str], currency: str | None = None) -> None:
        # A missing field has the index of the empty cell that parse() appends.
        indexes = dict.fromkeys(FLAT_FIELDS, -1) | {field: index for index, field in enumerate(flat_fields)}
        self._source_id, self._authors, self._categories = (
            indexes[field] for field in ("source_id", "authors", "categories")
        )
        self._parse_author = lru_cache(_MAX_CACHED_TEXTS)(field_parsers.parse_author)
        self._parse_category = lru_cache(_MAX_CACHED_TEXTS)(_parse_category_text)
        # Indexes of cells, places of values, whether a text is required, parser.
        self._single_parsers: list[tuple[int, int, bool, Callable[[str], Any]]] = []
        self._joint_parsers: list[tuple[int, int, int, int, Callable[[str, str], Any]]] = []
        for column in BOOK_COLUMNS:
            parse = column.parse
            if column.name == "price":
                parse = partial(field_parsers.parse_price, default_currency=currency)
            if parse and column.repeats:
                parse = lru_cache(_MAX_CACHED_TEXTS)(parse)
            index, place, other = indexes[column.flat_field], _PLACES[column.name], column.parsed_with
            if parse and other:
                self._joint_parsers.append((index, indexes[other], place, _PLACES[other], parse))
            elif parse:
                self._single_parsers.append((index, place, place in _REQUIRED_PLACES, parse))

    def parse(
        self,
        row: int,
        cells: Sequence[str],
        authors: tuple[AuthorRecord, ...] | None = None,
        categories: tuple[CategoryPath, ...] | None = None,
    ) -> BookRecord | Reject:
        """Return the row as a book, or as a reject with its first invalid field.

        `authors` and `categories` override their cells.
        """
        cells = [*cells, ""]
        values: list[Any] = _DEFAULTS.copy()
        try:
            for index, place, required, parse in self._single_parsers:
                text = cells[index]
                if text or required:
                    values[place] = parse(text)
            for index, other_index, place, other_place, parse in self._joint_parsers:
                text, other_text = cells[index], cells[other_index]
                if text or other_text:
                    values[place], values[other_place] = parse(text, other_text)
            values[_ROW] = row
            values[_SOURCE_ID] = field_parsers.parse_source_id(cells[self._source_id], values[_ISBN])
            values[_AUTHORS] = self._parse_authors(cells[self._authors]) if authors is None else authors
            values[_CATEGORIES] = (
                self._parse_categories(cells[self._categories]) if categories is None else categories
            )
        except FieldError as error:
            return Reject(row, error.field, error.value, error.reason)
        return BookRecord(*values)

    def _parse_authors(self, cell: str) -> tuple[AuthorRecord, ...]:
        """Parse a cell such as "Jane Doe; John Roe (translator)"."""
        if ";" not in cell:
            person = self._parse_author(cell)
            return (person,) if person else ()
        people = [person for part in cell.split(";") if (person := self._parse_author(part)) is not None]
        return field_parsers.deduplicate_authors(people)

    def _parse_categories(self, cell: str) -> tuple[CategoryPath, ...]:
        """Parse a cell such as "Fiction > Crime; Travel"."""
        return field_parsers.deduplicate_paths(
            [self._parse_category(part) for part in cell.split(";") if part.strip()]
        )


def _parse_category_text(text: str) -> CategoryPath:
    return field_parsers.parse_category_path(text.split(">"))
