"""Reads the jsonl format: one flat record a line, as a JSON object; a row's number is its line's."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import orjson

from db.errors import CatalogImportError
from db.importing import fields
from db.importing.fields import CategoryPath, FieldError
from db.importing.readers.delivery import Delivery, Rows, in_batches
from db.importing.readers.files import Places, Progress, existing_files, opened_text, text_lines, total_bytes
from db.importing.readers.flat import ALIASES, FIELDS, FlatRecords, check_mapping
from db.importing.records import AuthorRecord, BookRecord, Reject

Keys = tuple[tuple[str, tuple[str, ...]], ...]


def open_jsonl(
    sources: Sequence[Path | str], mapping: Mapping[str, str], source: str, currency: str | None
) -> Delivery:
    """The rows of the files one after the other. Keys that no field takes are passed over."""
    check_mapping(mapping)
    paths = existing_files(sources)
    for path in paths:
        _refuse_array(path)
    progress, places = Progress(), Places(single=len(paths) == 1)
    return Delivery(
        source=source,
        batches=in_batches(_books(paths, _keys(mapping), FlatRecords(currency), progress, places)),
        total=total_bytes(paths),
        unit="bytes",
        position=progress.position,
        place=places.place,
    )


def _keys(mapping: Mapping[str, str]) -> Keys:
    """For each field the keys it may stand under, the first that is there counting."""
    named = {field: [field] for field in FIELDS}
    for alias, field in ALIASES.items():
        named[field].append(alias)
    for column, field in mapping.items():
        named[field].insert(0, column)
    # A key that is mapped to one field no longer means the field it is named after.
    for column, field in mapping.items():
        if column in named and column != field:
            named[column].remove(column)
    return tuple((field, tuple(keys)) for field, keys in named.items())


def _refuse_array(path: Path) -> None:
    with opened_text(path) as text:
        if text.read(1_000).lstrip().startswith("["):
            hint = "write one object a line (jq -c '.[]' does it)."
            raise CatalogImportError(f"{path}: is one JSON array, not JSON Lines; {hint}")


def _books(
    paths: Sequence[Path], keys: Keys, records: FlatRecords, progress: Progress, places: Places
) -> Rows:
    before = row = 0
    for path in paths:
        places.begin(path, before)
        with opened_text(path, progress) as text:
            for row, line in enumerate(text_lines(path, text), before + 1):
                if not line.isspace():
                    yield _book(row, line, keys, records)
        before = row


def _book(row: int, line: str, keys: Keys, records: FlatRecords) -> BookRecord | Reject:
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
                authors = authors_of(cast("list[object]", cell))
                cell = None
            elif field == "categories" and isinstance(cell, list):
                categories = categories_of(cast("list[object]", cell))
                cell = None
            cells.append(_text(field, cell))
    except FieldError as error:
        return Reject(row, error.field, error.value, error.reason)
    return records.record(row, cells, authors, categories)


def _text(field: str, value: object) -> str:
    """A JSON scalar as text. What is neither text nor number is a mistake, true and false included."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return repr(value)
    raise FieldError(field, orjson.dumps(value).decode(), "neither text nor a number")


def authors_of(people: list[object]) -> tuple[AuthorRecord, ...]:
    """The authors of a JSON list of names and of objects with a name."""
    found = [_author(person) for person in people]
    return fields.distinct_authors([person for person in found if person is not None])


def _author(value: object) -> AuthorRecord | None:
    if isinstance(value, str):
        return fields.author(value)
    if not isinstance(value, dict):
        raise FieldError("authors", orjson.dumps(value).decode(), "neither a name nor an object with a name")
    person = cast("dict[str, object]", value)
    text = {key: _text("authors", person.get(key)) for key in _AUTHOR_KEYS}
    name = fields.line("authors", text["name"], fields.NAME_LENGTH)
    if not name:
        raise FieldError("authors", orjson.dumps(value).decode(), "an author needs a name")
    birth, death = fields.life(
        "authors", fields.year("authors", text["birth_year"]), fields.year("authors", text["death_year"])
    )
    return AuthorRecord(
        name=name,
        role=fields.role(text["role"]) if text["role"] else "AUTHOR",
        source_id=fields.line("authors", text["source_id"], fields.SOURCE_ID_LENGTH) or None,
        sort_name=fields.line("authors", text["sort_name"], fields.NAME_LENGTH) or None,
        birth_year=birth,
        death_year=death,
    )


_AUTHOR_KEYS = ("name", "role", "source_id", "sort_name", "birth_year", "death_year")


def categories_of(paths: list[object]) -> tuple[CategoryPath, ...]:
    """The paths of a JSON list of paths such as "Fiction > Crime" and of lists of names."""
    return fields.distinct_paths([_category(path) for path in paths])


def _category(value: object) -> CategoryPath:
    if isinstance(value, str):
        return fields.category_path(value.split(">"))
    if isinstance(value, list) and value:
        return fields.category_path([_text("categories", name) for name in cast("list[object]", value)])
    reason = "neither a path of names nor a list of names"
    raise FieldError("categories", orjson.dumps(value).decode(), reason)
