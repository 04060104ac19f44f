"""Parse JSON objects: flat records, and the shapes of other programs that are converted to them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import orjson

from db.book_columns import BOOK_FIELDS
from db.constraints import MAX_NAME_LENGTH
from db.importing import field_parsers
from db.importing.field_parsers import CategoryPath, FieldError
from db.importing.options import LINK_FIELDS
from db.importing.readers.feed import ReadingNotes
from db.importing.readers.flat import CellStyle, FlatRecordParser
from db.importing.readers.flat_fields import FLAT_FIELDS, find_field, fold_heading, rank_heading
from db.importing.readers.isbn_pairs import ISBN_10, split_isbns
from db.importing.readers.json_originals import RejectedObject, take_out_reject
from db.importing.readers.read_as import ParsersByStyle
from db.importing.readers.shapes import flatten_object
from db.importing.records import AuthorRecord, BookRecord, Reject

KeysByField = tuple[tuple[str, tuple[str, ...]], ...]

_SET_FIELDS = frozenset((*(field.name for field in BOOK_FIELDS), *LINK_FIELDS))
"""The fields that an import sets. The value of a field lists the fields that are set together with it."""


def find_keys(found: Iterable[str], mapping: Mapping[str, str], ignored: Sequence[str]) -> KeysByField:
    """Return the keys in `found` of each field, in order: an object is read by its first key."""
    by_field: dict[str, list[str]] = {}
    for key in sorted(found, key=rank_heading):
        field = None if key in ignored else mapping.get(key) or find_field(key)
        if field:
            by_field.setdefault(field, []).append(key)
    isbns = by_field.get("isbn", [])
    first, second = split_isbns([fold_heading(key) for key in isbns])
    if second and "isbn" not in mapping.values():
        by_field |= {"isbn": [isbns[at] for at in first], ISBN_10: [isbns[at] for at in second]}
    for names in by_field.values():
        names.sort(key=lambda key: key not in mapping)
    return tuple((field, tuple(by_field[field])) for field in (*FLAT_FIELDS, ISBN_10) if field in by_field)


@dataclass(frozen=True, slots=True)
class JsonRecordParser:
    """Parses JSON objects whose keys are known into books."""

    keys: KeysByField
    parser: FlatRecordParser
    parsers: ParsersByStyle

    @classmethod
    def create(
        cls, keys: KeysByField, style: CellStyle, notes: ReadingNotes, option_style: CellStyle | None = None
    ) -> "JsonRecordParser":
        """Return a parser. `option_style` is that of the objects of a rejects file, which say how they are read."""
        fields = [field for field, _ in keys]
        parser = FlatRecordParser(fields, style, notes)
        return cls(keys, parser, ParsersByStyle(fields, option_style or style, notes))

    def parse(self, row: int, value: object, text: str) -> tuple[BookRecord | Reject, ...]:
        """Return an object as a book with its rejects. `text` is shown if it is none.

        A key that the object lacks says nothing of its field, unlike null or an empty text.
        """
        value = take_out_reject(row, value)
        if isinstance(value, Reject):
            return (value,)
        if not isinstance(value, dict):
            return (Reject(row, "row", text.strip()[:200], "not a JSON object"),)
        read_as = value.read_as if isinstance(value, RejectedObject) else None
        parser = self.parser if read_as is None else self.parsers.choose(read_as)
        record = flatten_object(cast("dict[str, object]", value))
        cells: list[str] = []
        given: set[str] = set()
        dropped: list[Reject] = []
        lists: dict[str, tuple[AuthorRecord, ...] | tuple[CategoryPath, ...]] = {}
        for field, names in self.keys:
            name = next((name for name in names if name in record), None)
            if name is not None:
                given.add("isbn" if field == ISBN_10 else field)
            cell = None if name is None else record[name]
            try:
                if field in _LIST_PARSERS and isinstance(cell, list):
                    lists[field] = _LIST_PARSERS[field](cast("list[object]", cell))
                    cell = None
                cells.append(scalar_text(field, cell))
            except FieldError as error:
                cells.append("")
                dropped.append(
                    Reject(row, error.field, error.value, f"{error.reason}; imported without it", "field")
                )
        authors = cast("tuple[AuthorRecord, ...] | None", lists.get("authors"))
        categories = cast("tuple[CategoryPath, ...] | None", lists.get("categories"))
        book, *rejects = parser.parse(row, cells, authors, categories)
        if isinstance(book, Reject):
            return (book,)
        if len(given) < len(self.keys):
            absent = [field for field, _ in self.keys if field in _SET_FIELDS and field not in given]
            book = replace(book, absent=tuple(absent))
        return (book, *rejects, *dropped)


def scalar_text(field: str, value: object) -> str:
    """Return a JSON string or number as text. Raise FieldError for other values, including booleans."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return repr(value)
    raise FieldError(field, orjson.dumps(value).decode(), "neither text nor a number; write one value")


def parse_author_list(people: list[object]) -> tuple[AuthorRecord, ...]:
    """Parse a JSON list of authors, each a name or an object with a name."""
    found = [_parse_author(person) for person in people]
    return field_parsers.deduplicate_authors([person for person in found if person is not None])


def _parse_author(value: object) -> AuthorRecord | None:
    if isinstance(value, str):
        return field_parsers.parse_author(value)
    if not isinstance(value, dict):
        raise FieldError("authors", orjson.dumps(value).decode(), "neither a name nor an object with a name")
    person = cast("dict[str, object]", value)
    text = {key: scalar_text("authors", person.get(key)) for key in _AUTHOR_KEYS}
    name = field_parsers.parse_single_line("authors", text["name"], MAX_NAME_LENGTH)
    if not name:
        raise FieldError("authors", orjson.dumps(value).decode(), "an author needs a name")
    birth, death = field_parsers.check_life_years(
        "authors",
        field_parsers.parse_year("authors", text["birth_year"]),
        field_parsers.parse_year("authors", text["death_year"]),
    )
    return AuthorRecord(
        name=name,
        role=field_parsers.parse_role(text["role"]) if text["role"] else "AUTHOR",
        source_id=field_parsers.parse_single_line(
            "authors", text["source_id"], field_parsers.MAX_SOURCE_ID_LENGTH
        )
        or None,
        sort_name=field_parsers.parse_single_line("authors", text["sort_name"], MAX_NAME_LENGTH)
        or field_parsers.derive_sort_name(name),
        birth_year=birth,
        death_year=death,
    )


_AUTHOR_KEYS = ("name", "role", "source_id", "sort_name", "birth_year", "death_year")


def parse_category_list(paths: list[object]) -> tuple[CategoryPath, ...]:
    """Parse a JSON list of categories, each a path such as "Fiction > Crime" or a list of names."""
    found = [_parse_category(path) for path in paths]
    return field_parsers.deduplicate_paths([path for path in found if path])


def _parse_category(value: object) -> CategoryPath | None:
    if isinstance(value, str):
        return field_parsers.parse_category(value)
    if isinstance(value, list) and value:
        return field_parsers.parse_category_path(
            [scalar_text("categories", name) for name in cast("list[object]", value)]
        )
    reason = "neither a path of names nor a list of names"
    raise FieldError("categories", orjson.dumps(value).decode(), reason)


_LIST_PARSERS = {"authors": parse_author_list, "categories": parse_category_list}
