"""The fields of a flat record, and the headings that name them.

Headings are compared without case, and spaces, hyphens and full stops count as "_".
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from db.book_columns import BOOK_COLUMNS
from db.constraints import CONTRIBUTOR_ROLES, MAX_CATEGORY_DEPTH
from db.errors import CatalogImportError
from db.importing import field_parsers
from db.importing.field_parsers.placeholders import strip_invisible
from db.importing.readers.isbn_pairs import ISBN_10, split_isbns

FLAT_FIELDS: Mapping[str, str] = {
    "source_id": "The source's key of the book, unique in the feed. Without it the ISBN is the key.",
    **{column.flat_field: column.help for column in BOOK_COLUMNS if column.help},
    "authors": 'Names separated by ";", each alone or followed by its role: "Jane Doe; John Roe '
    f'(translator)". Roles: {", ".join(CONTRIBUTOR_ROLES).lower()}. In jsonl also a list of names, or of '
    "objects with name, role, sort_name, birth_year, death_year, source_id.",
    "author_sort": 'The sort names of the authors in their order, separated by ";": "Doe, Jane; Roe, John".',
    "categories": 'Paths separated by ";", their levels by ">": "Fiction > Crime; Travel". In jsonl also '
    f"a list of such paths, or of lists of names. At most {field_parsers.MAX_CATEGORIES} paths of "
    f"{MAX_CATEGORY_DEPTH} levels.",
}
"""The fields of a flat record in their order, with the description of their texts."""

LAYOUT_FIELDS = (*FLAT_FIELDS, ISBN_10)
"""The fields that a layout may give a row."""

EXPORTED_KEYS = tuple(field for field in FLAT_FIELDS if field != "author_sort")
"""The keys of an exported JSON object, whose authors have their sort names."""

_NEW_FIELDS = ("series", "series_position", "work")
"""The fields that the exports of release 0.1.0 do not have."""

LITERAL_HEADINGS, LITERAL_KEYS = (
    (fields, tuple(field for field in fields if field not in _NEW_FIELDS))
    for fields in (tuple(FLAT_FIELDS), EXPORTED_KEYS)
)
"""The headings, and the keys of objects, of exports. Such files are taken literally."""

_ALIASES_OF_FIELD = {
    "isbn": "isbn13 isbn_13 isbn_10 isbn10 isbn/uid isbn_number ean ean13 gtin",
    "title": "book_title titel buchtitel titre titulo título",
    "subtitle": "untertitel sous_titre subtitulo subtítulo",
    "series": "series_name series_title book_series serie série reihe buchreihe",
    "series_position": "series_index series_number series_no series_volume series_order number_in_series "
    "position_in_series bandnummer",
    "description": "beschreibung klappentext résumé resume descripcion descripción synopsis summary blurb",
    "language": "language_code lang sprache langue idioma",
    "publisher": "verlag éditeur editeur editorial",
    "format": "binding book_format einband reliure encuadernacion encuadernación",
    "published": "publication_date published_date publish_date date_published publication_year year_published "
    "year_of_publication published_year pub_date erscheinungsjahr erscheinungsdatum date_de_parution "
    "fecha_de_publicacion fecha_de_publicación",
    "pages": "page_count num_pages number_of_pages pagecount seiten seitenzahl nombre_de_pages paginas páginas",
    "price": "preis prix precio",
    "currency": "currency_code waehrung währung devise moneda",
    "stock": "bestand lagerbestand quantity qty stock_quantity inventory existencias",
    "cover_url": "cover image_url cover_image thumbnail",
    "rating_average": "average_rating avg_rating",
    "rating_count": "ratings_count num_ratings number_of_ratings",
    "work": "work_id work_key",
    "authors": "author book_author autor autoren autorin auteur auteurs autores",
    "author_sort": "authors_sort sort_authors",
    "categories": "category genre genres kategorie kategorien warengruppe catégorie categorie categoría categoria",
}
ALIASES = {alias: field for field, aliases in _ALIASES_OF_FIELD.items() for alias in aliases.split()}
"""Frequent headings that are accepted without --map."""

_RANKS = {
    alias: rank for aliases in _ALIASES_OF_FIELD.values() for rank, alias in enumerate(aliases.split(), 1)
}
# Read as the key of a book if its file has neither source_id nor ISBN.
_KEY_ALIASES = ("id", "sku", "product_id", "item_id", "nr", "artikelnummer")


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """The headings of a feed, and the column index of each field that is read."""

    headings: tuple[str, ...]
    indexes: Mapping[str, int]

    @property
    def ignored_headings(self) -> tuple[str, ...]:
        """The headings without a field."""
        read = set(self.indexes.values())
        return tuple(
            name.strip() for place, name in enumerate(self.headings) if place not in read and name.strip()
        )

    @property
    def flat_fields(self) -> list[str]:
        """The field of each column, or ""."""
        field_by_index = {index: field for field, index in self.indexes.items()}
        return [field_by_index.get(index, "") for index in range(len(self.headings))]

    @property
    def columns(self) -> tuple[tuple[str, str], ...]:
        """The headings that are read, each with its field."""
        return tuple(
            (heading.strip() or f"column {place}", "isbn" if field == ISBN_10 else field)
            for place, (heading, field) in enumerate(zip(self.headings, self.flat_fields, strict=True), 1)
            if field
        )


def fold_heading(heading: str) -> str:
    """Return a heading for comparison: in lower case, with "_" for spaces, hyphens and full stops."""
    return "_".join(
        strip_invisible(heading).lower().replace("-", " ").replace("_", " ").replace(".", " ").split()
    )


def find_field(heading: str) -> str | None:
    """Return the field that a heading names without --map, or None."""
    name = fold_heading(heading)
    name = ALIASES.get(name, name)
    return name if name in FLAT_FIELDS else None


def rank_heading(heading: str) -> int:
    """Return the rank of a heading among those of its field: 0 for the field itself."""
    return _RANKS.get(fold_heading(heading), 0)


def map_columns(
    where: Path | str,
    headings: Sequence[str],
    mapping: Mapping[str, str],
    ignored: Sequence[str] = (),
    *,
    key: Sequence[int] | None = None,
) -> ColumnMapping:
    """Map the headings of a feed to fields. Raise CatalogImportError if nothing identifies a book.

    `ignored` are headings that are not read. `key` are the columns of which a key is made; None if the format
    cannot make one.
    """
    check_mapping(mapping)
    hint = describe_headings(headings)
    indexes: dict[str, int] = {}
    for column, field in mapping.items():
        if field in indexes:
            raise CatalogImportError(f"{where}: --map gives two columns for {field}; give one.")
        indexes[field] = find_column(where, headings, column, f"--map {column}={field}")
    unread = {find_column(where, headings, column, f"--ignore {column}") for column in ignored}
    for field, places in _places_by_field(headings, {*indexes.values(), *unread}).items():
        if field not in indexes and not (field == ISBN_10 and "isbn" in mapping.values()):
            indexes[field] = _choose_place(where, headings, field, places)
    if "source_id" not in indexes and "isbn" not in indexes and not key:
        place = _find_key_column(headings, {*indexes.values(), *unread})
        if place is None:
            raise CatalogImportError(
                f"{where}: there is no column for source_id or isbn; {hint}. Name one with"
                " --map COLUMN=source_id or --map COLUMN=isbn"
                f"{'.' if key is None else ', or make a key of columns with --key COLUMN.'}"
            )
        indexes["source_id"] = place
    return ColumnMapping(tuple(headings), indexes)


def describe_headings(headings: Sequence[str]) -> str:
    return f"its headings are: {', '.join(heading.strip() or '(blank)' for heading in headings)}"


def find_column(where: Path | str, headings: Sequence[str], column: str, option: str) -> int:
    """Return the index of a column by its heading, or by its number from 1 if no heading is this number."""
    stripped = [strip_invisible(heading) for heading in headings]
    if column in stripped:
        return stripped.index(column)
    folded = [fold_heading(heading) for heading in headings]
    if folded.count(fold_heading(column)) == 1:
        return folded.index(fold_heading(column))
    if column.isdecimal() and 0 < int(column) <= len(headings):
        return int(column) - 1
    raise CatalogImportError(
        f"{where}: {option}: there is no column {column}; {describe_headings(headings)}."
    )


def require_currency(where: Path | str, fields: Iterable[str], currency: str | None) -> None:
    """Raise CatalogImportError if prices have neither a column of currencies nor a default."""
    given = set(fields)
    if "price" in given and "currency" not in given and currency is None:
        hint = "name its column with --map COLUMN=currency, or give one for all with --currency EUR."
        raise CatalogImportError(f"{where}: prices without a currency; {hint}")


def fields_of_columns(flat_fields: Iterable[str]) -> frozenset[str]:
    """Return the fields of BookRecord that columns with these flat fields fill."""
    given = frozenset(flat_fields)
    names = set(given & {"source_id", "authors", "categories"})
    for column in BOOK_COLUMNS:
        if column.parse and column.flat_field in given:
            names |= {column.name, column.parsed_with} - {""}
    return frozenset(names)


def check_mapping(mapping: Mapping[str, str]) -> None:
    for column, field in mapping.items():
        if field not in FLAT_FIELDS:
            known = ", ".join(FLAT_FIELDS)
            raise CatalogImportError(
                f"--map {column}={field}: there is no field {field}; the fields are: {known}."
            )


def _places_by_field(headings: Sequence[str], taken: set[int]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for place, heading in enumerate(headings):
        field = find_field(heading)
        if field is not None and place not in taken:
            places.setdefault(field, []).append(place)
    isbns = places.get("isbn", [])
    first, second = split_isbns([fold_heading(headings[place]) for place in isbns])
    if second:
        places |= {"isbn": [isbns[at] for at in first], ISBN_10: [isbns[at] for at in second]}
    return places


def _choose_place(where: Path | str, headings: Sequence[str], field: str, places: list[int]) -> int:
    """Return the column whose heading is the field, or else the most usual of its other names."""
    ranks = {place: rank_heading(headings[place]) for place in places}
    first = min(places, key=ranks.__getitem__)
    if sum(rank == ranks[first] for rank in ranks.values()) > 1:
        raise CatalogImportError(
            f"{where}: two columns are headed {headings[first].strip()}; name one by its number, for example"
            f" --map {first + 1}={'isbn' if field == ISBN_10 else field}."
        )
    return first


def _find_key_column(headings: Sequence[str], taken: set[int]) -> int | None:
    folded = [fold_heading(heading) for heading in headings]
    for alias in _KEY_ALIASES:
        if folded.count(alias) == 1 and folded.index(alias) not in taken:
            return folded.index(alias)
    return None
