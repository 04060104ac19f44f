"""The formats of an export: a record as a row of CSV or a line of JSON, and as an import reads it again."""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass, replace

import orjson

from db.book_columns import BOOK_COLUMNS, BookColumn
from db.importing.readers.feed import ReadingNotes
from db.importing.readers.flat import CellStyle, FlatRecordParser
from db.importing.readers.flat_fields import EXPORTED_KEYS, FLAT_FIELDS
from db.importing.readers.json_records import JsonRecordParser, find_keys
from db.importing.records import AuthorRecord, BookRecord


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """A format: the text before the first record, and the text of a record.

    `holds` tells whether an import of the text makes the same record again.
    """

    name: str
    heading: str
    write: Callable[[BookRecord], str]
    holds: Callable[[BookRecord], bool]


def _flat_texts(record: BookRecord) -> dict[str, str]:
    """Return the texts of a book's columns, by field of the flat record."""
    texts = {"source_id": record.source_id}
    for column in BOOK_COLUMNS:
        texts[column.flat_field] = _text(column, record) or texts.get(column.flat_field, "")
    return texts


def _text(column: BookColumn, record: BookRecord) -> str:
    value = getattr(record, column.name)
    if value is None:
        return ""
    return value.lower().replace("_", " ") if column.name == "format" else str(value)


def _person_text(author: AuthorRecord) -> str:
    role = author.role.lower().replace("_", " ")
    return author.name if role == "author" else f"{author.name} ({role})"


def _cells(record: BookRecord) -> list[str]:
    texts = _flat_texts(record)
    texts["authors"] = "; ".join(map(_person_text, record.authors))
    sort_names = {author.name: author.sort_name or author.name for author in record.authors}
    texts["author_sort"] = "; ".join(sort_names.values())
    texts["categories"] = "; ".join(" > ".join(path) for path in record.categories)
    return [texts[field] for field in FLAT_FIELDS]


def _csv_line(cells: list[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()


_CSV_PARSER = FlatRecordParser(tuple(FLAT_FIELDS), CellStyle(literal=True))


def _csv_holds(record: BookRecord) -> bool:
    """Compare without the years of authors that are known by their name: an import keeps them."""
    people = tuple(
        author if author.source_id else replace(author, birth_year=None, death_year=None)
        for author in record.authors
    )
    return _CSV_PARSER.parse(record.row, _cells(record)) == (replace(record, authors=people),)


def _json_object(record: BookRecord) -> dict[str, object]:
    texts = _flat_texts(record)
    people = [
        {
            "name": author.name,
            "role": author.role.lower(),
            "source_id": author.source_id,
            "sort_name": author.sort_name,
            "birth_year": author.birth_year,
            "death_year": author.death_year,
        }
        for author in record.authors
    ]
    lists = {"authors": people, "categories": [list(path) for path in record.categories]}
    return {key: lists[key] if key in lists else texts[key] or None for key in EXPORTED_KEYS}


_JSON_PARSER = JsonRecordParser.create(
    find_keys(EXPORTED_KEYS, {}, ()), CellStyle(literal=True), ReadingNotes()
)

EXPORT_FORMATS = {
    "csv": ExportFormat(
        "csv",
        _csv_line(list(FLAT_FIELDS)),
        lambda record: _csv_line(_cells(record)),
        _csv_holds,
    ),
    "jsonl": ExportFormat(
        "jsonl",
        "",
        lambda record: orjson.dumps(_json_object(record)).decode() + "\n",
        lambda record: _JSON_PARSER.parse(record.row, _json_object(record), "") == (record,),
    ),
}
"""The formats by name."""
