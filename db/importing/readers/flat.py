"""The flat record: one row per book, its fields as text; what csv, jsonl and postgres deliver.

A book needs a title and an identity (`source_id`, or else `isbn`); every other field may be absent
or empty. A field that holds something else than described makes its row a reject: nothing of a row
is dropped in silence. Headings are compared without case, and spaces and hyphens count as "_".
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from pathlib import Path

from db.errors import CatalogImportError
from db.importing import fields
from db.importing.fields import CategoryPath, FieldError
from db.importing.records import AuthorRecord, BookRecord, Reject

# Every field of the record and what it may hold, in this order; the README's table is made of it.
FIELDS: Mapping[str, str] = {
    "source_id": "The supplier's key of the book, unique in the delivery. Without one the ISBN is the key.",
    "isbn": "ISBN-13 or ISBN-10, with or without hyphens; the check digit must be right. Zeros that a "
    "spreadsheet took from the front of an ISBN-10 are restored.",
    "title": "Required; at most 2,000 characters.",
    "subtitle": "At most 2,000 characters.",
    "authors": 'Names separated by ";", each alone or with its role behind it: "Jane Doe; John Roe '
    '(translator)". Roles: author, editor, translator, illustrator, introduction, narrator, '
    "contributor. In jsonl also a list of names, or of objects with name, role, sort_name, birth_year, "
    "death_year, source_id.",
    "categories": 'Paths separated by ";", their levels by ">": "Fiction > Crime; Travel". In jsonl also '
    "a list of such paths, or of lists of names. At most 100 paths of 32 levels.",
    "price": 'A number such as "12.90": at most four decimals, no currency sign, no thousands separators. '
    "Empty: not on sale.",
    "currency": "ISO 4217, such as EUR; needed where there is a price, unless --currency gives one for all.",
    "published": 'The year ("1813", "-380" before Christ) or the day ("1859-11-24"); of "1859-11" the year '
    "is kept.",
    "pages": "The number of pages, at least 1.",
    "language": 'A language code: "en", "eng", "pt-BR"; written as BCP 47.',
    "description": "At most 100,000 characters; line breaks are kept.",
    "cover_url": "An address that begins with https:// or http://.",
    "stock": "How many are in stock, at least 0; empty counts as 0.",
    "rating_average": "0 to 5, rounded to two decimals.",
    "rating_count": "How many rated; an average without a count counts as one rating.",
}

# What other people's headings say so often that no --map should be needed.
ALIASES = {"author": "authors", "category": "categories"}

CACHED_CELLS = 20_000


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column each field is read from, and the headings that no field takes."""

    headings: tuple[str, ...]
    places: Mapping[str, int]
    ignored: tuple[str, ...]

    def picker(self) -> Callable[[Sequence[str]], tuple[str, ...]]:
        """What makes of a row, with one empty cell put behind it, the cells in the order of FIELDS."""
        return itemgetter(*(self.places.get(field, -1) for field in FIELDS))


def columns(
    where: Path | str, headings: Sequence[str], mapping: Mapping[str, str], currency: str | None
) -> Columns:
    """The columns of a delivery with these headings; CatalogImportError if they do not make books."""
    check_mapping(mapping)
    shown = f"its headings are: {', '.join(heading.strip() or '(blank)' for heading in headings)}"
    places = {heading.strip(): place for place, heading in enumerate(headings)}
    found: dict[str, int] = {}
    for column, field in mapping.items():
        if column not in places:
            raise CatalogImportError(
                f"{where}: --map {column}={field}: there is no column {column}; {shown}."
            )
        if field in found:
            raise CatalogImportError(f"{where}: --map gives two columns for {field}; give one.")
        found[field] = places[column]
    for field, names in _by_name(headings, set(found.values())).items():
        if len(names) > 1 and field not in found:
            raise CatalogImportError(
                f"{where}: two columns are headed {field}; rename one with --map COLUMN={field}."
            )
        found.setdefault(field, names[0])
    if "title" not in found:
        raise CatalogImportError(
            f"{where}: no column holds the title; {shown}. Name it with --map COLUMN=title."
        )
    if "source_id" not in found and "isbn" not in found:
        hint = "Name one with --map COLUMN=source_id or --map COLUMN=isbn."
        raise CatalogImportError(f"{where}: no column holds a source_id or isbn; {shown}. {hint}")
    if "price" in found and "currency" not in found and currency is None:
        hint = "name its column with --map COLUMN=currency, or give one for all with --currency EUR."
        raise CatalogImportError(f"{where}: prices without a currency; {hint}")
    taken = set(found.values())
    return Columns(
        headings=tuple(headings),
        places=found,
        ignored=tuple(
            name.strip() for place, name in enumerate(headings) if place not in taken and name.strip()
        ),
    )


def check_mapping(mapping: Mapping[str, str]) -> None:
    for column, field in mapping.items():
        if field not in FIELDS:
            known = ", ".join(FIELDS)
            raise CatalogImportError(
                f"--map {column}={field}: there is no field {field}; the fields are: {known}."
            )


def field_named(heading: str) -> str | None:
    """The field that a heading means by itself."""
    name = heading.strip().lower().replace(" ", "_").replace("-", "_")
    name = ALIASES.get(name, name)
    return name if name in FIELDS else None


def _by_name(headings: Sequence[str], mapped: set[int]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for place, heading in enumerate(headings):
        field = field_named(heading)
        if field is not None and place not in mapped:
            found.setdefault(field, []).append(place)
    return found


class FlatRecords:
    """Makes book records of rows, remembering the authors, categories and languages met before."""

    def __init__(self, currency: str | None = None) -> None:
        self.currency = currency
        self.author = lru_cache(CACHED_CELLS)(fields.author)
        self.category = lru_cache(CACHED_CELLS)(category)
        self.language = lru_cache(CACHED_CELLS)(fields.language)

    def record(
        self,
        row: int,
        cells: Sequence[str],
        authors: tuple[AuthorRecord, ...] | None = None,
        categories: tuple[CategoryPath, ...] | None = None,
    ) -> BookRecord | Reject:
        """The row as a book, or the first thing that is wrong with it.

        `cells` hold the fields in the order of FIELDS; authors and categories may come parsed already.
        """
        try:
            isbn = fields.isbn13(cells[1]) if cells[1].strip() else None
            price, currency = fields.price(cells[6], cells[7], self.currency)
            published_year, published_on = fields.published(cells[8])
            rating_average, rating_count = fields.rating(cells[14], cells[15])
            return BookRecord(
                row,
                fields.source_id(cells[0], isbn),
                fields.title(cells[2]),
                fields.subtitle(cells[3]),
                isbn,
                fields.description(cells[11]),
                self.language(cells[10]),
                published_year,
                published_on,
                fields.whole_number("pages", cells[9], 1),
                price,
                currency,
                fields.whole_number("stock", cells[13]) or 0,
                fields.cover_url(cells[12]),
                rating_average,
                rating_count,
                self.authors(cells[4]) if authors is None else authors,
                self.categories(cells[5]) if categories is None else categories,
            )
        except FieldError as error:
            return Reject(row, error.field, error.value, error.reason)

    def authors(self, cell: str) -> tuple[AuthorRecord, ...]:
        """The people of a cell such as "Jane Doe; John Roe (translator)"."""
        people = [person for part in cell.split(";") if (person := self.author(part)) is not None]
        return fields.distinct_authors(people)

    def categories(self, cell: str) -> tuple[CategoryPath, ...]:
        """The paths of a cell such as "Fiction > Crime; Travel"."""
        return fields.distinct_paths([self.category(part) for part in cell.split(";") if part.strip()])


def category(text: str) -> CategoryPath:
    return fields.category_path(text.split(">"))
