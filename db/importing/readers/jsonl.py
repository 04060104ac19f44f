"""Read the jsonl format: one flat record per line, as a JSON object. The row number is the line number."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import orjson

from db.errors import CatalogImportError
from db.importing import field_parsers
from db.importing.field_parsers import CategoryPath, FieldError
from db.importing.readers.feed import Feed, RecordStream, batch_records
from db.importing.readers.files import (
    BytesRead,
    RowLocator,
    open_text,
    read_lines,
    require_files,
    total_bytes,
)
from db.importing.readers.flat import ALIASES, FLAT_FIELDS, FlatRecordParser, check_mapping
from db.importing.records import AuthorRecord, BookRecord, Reject

_KeysByField = tuple[tuple[str, tuple[str, ...]], ...]


def open_jsonl(
    sources: Sequence[Path | str], mapping: Mapping[str, str], source: str, currency: str | None
) -> Feed:
    """Open a feed of the rows of all files, in order. Keys without a field are ignored."""
    check_mapping(mapping)
    paths = require_files(sources)
    for path in paths:
        _reject_json_array(path)
    bytes_read, locator = BytesRead(), RowLocator(single_file=len(paths) == 1)
    return Feed(
        source=source,
        batches=batch_records(
            _read_books(paths, _keys_by_field(mapping), FlatRecordParser(currency), bytes_read, locator)
        ),
        total=total_bytes(paths),
        unit="bytes",
        completed=bytes_read.count,
        row_label=locator.label,
    )


def _keys_by_field(mapping: Mapping[str, str]) -> _KeysByField:
    """Return the keys of each field. The first key that a row contains is used."""
    keys_by_field = {field: [field] for field in FLAT_FIELDS}
    for alias, field in ALIASES.items():
        keys_by_field[field].append(alias)
    for column, field in mapping.items():
        keys_by_field[field].insert(0, column)
    # A key that --map assigns to one field no longer names another field.
    for column, field in mapping.items():
        if column in keys_by_field and column != field:
            keys_by_field[column].remove(column)
    return tuple((field, tuple(keys)) for field, keys in keys_by_field.items())


def _reject_json_array(path: Path) -> None:
    with open_text(path) as text:
        if text.read(1_000).lstrip().startswith("["):
            hint = "write one object per line, for example with jq -c '.[]'."
            raise CatalogImportError(f"{path}: is one JSON array, not JSON Lines; {hint}")


def _read_books(
    paths: Sequence[Path],
    keys: _KeysByField,
    parser: FlatRecordParser,
    bytes_read: BytesRead,
    locator: RowLocator,
) -> RecordStream:
    rows_before = row = 0
    for path in paths:
        locator.start_file(path, rows_before)
        with open_text(path, bytes_read) as text:
            for row, line in enumerate(read_lines(path, text), rows_before + 1):
                if not line.isspace():
                    yield _parse_book(row, line, keys, parser)
        rows_before = row


def _parse_book(row: int, line: str, keys: _KeysByField, parser: FlatRecordParser) -> BookRecord | Reject:
    try:
        value: object = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return Reject(row, "row", line.strip()[:200], f"not JSON: {error.msg}")
    if not isinstance(value, dict):
        return Reject(row, "row", line.strip()[:200], "not a JSON object")
    record = cast("dict[str, object]", value)
    try:
        cells: list[str] = []
        authors: tuple[AuthorRecord, ...] | None = None
        categories: tuple[CategoryPath, ...] | None = None
        for field, names in keys:
            cell = next((record[name] for name in names if name in record), None)
            if field == "authors" and isinstance(cell, list):
                authors = parse_author_list(cast("list[object]", cell))
                cell = None
            elif field == "categories" and isinstance(cell, list):
                categories = parse_category_list(cast("list[object]", cell))
                cell = None
            cells.append(_scalar_text(field, cell))
    except FieldError as error:
        return Reject(row, error.field, error.value, error.reason)
    return parser.parse(row, cells, authors, categories)


def _scalar_text(field: str, value: object) -> str:
    """Return a JSON string or number as text. Raise FieldError for other values, including booleans."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return repr(value)
    raise FieldError(field, orjson.dumps(value).decode(), "neither text nor a number")


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
    text = {key: _scalar_text("authors", person.get(key)) for key in _AUTHOR_KEYS}
    name = field_parsers.parse_single_line("authors", text["name"], field_parsers.MAX_NAME_LENGTH)
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
        sort_name=field_parsers.parse_single_line("authors", text["sort_name"], field_parsers.MAX_NAME_LENGTH)
        or None,
        birth_year=birth,
        death_year=death,
    )


_AUTHOR_KEYS = ("name", "role", "source_id", "sort_name", "birth_year", "death_year")


def parse_category_list(paths: list[object]) -> tuple[CategoryPath, ...]:
    """Parse a JSON list of categories, each a path such as "Fiction > Crime" or a list of names."""
    return field_parsers.deduplicate_paths([_parse_category(path) for path in paths])


def _parse_category(value: object) -> CategoryPath:
    if isinstance(value, str):
        return field_parsers.parse_category_path(value.split(">"))
    if isinstance(value, list) and value:
        return field_parsers.parse_category_path(
            [_scalar_text("categories", name) for name in cast("list[object]", value)]
        )
    reason = "neither a path of names nor a list of names"
    raise FieldError("categories", orjson.dumps(value).decode(), reason)
