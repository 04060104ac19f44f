"""Read the json format: one JSON document with an array of books, or with one book."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import orjson

from db.errors import CatalogImportError
from db.importing.readers.feed import Feed, RecordStream
from db.importing.readers.files import BytesRead, RowLocator, open_text, require_files
from db.importing.readers.flat_fields import check_mapping
from db.importing.readers.formats import FLAT_OPTIONS, FeedOptions, Format
from db.importing.readers.json_feed import JsonReading, build_json_feed, collect_keys
from db.importing.readers.json_records import JsonRecordParser

_MAX_DOCUMENT_CHARACTERS = 256_000_000
# Keys under which documents hold their books: Google Books, JSON-LD, and what people write.
_LIST_KEYS = ("items", "@graph", "books", "data", "results", "records", "volumes")


def open_json(sources: Sequence[Path | str], options: FeedOptions) -> Feed:
    """Open a feed of the books of all documents, in order. Documents are read one after the other, each whole."""
    check_mapping(options.mapping)
    paths = require_files(sources)
    found = collect_keys(item for path in paths for _, item in _number_items(path))
    return build_json_feed(paths, options, found, JsonReading(_read_books, _number_items, "item"))


FORMAT = Format(
    "json", open_json, "JSON documents: arrays of flat records, Google Books, schema.org", FLAT_OPTIONS
)


def _read_books(
    paths: Sequence[Path], parser: JsonRecordParser, bytes_read: BytesRead, locator: RowLocator
) -> RecordStream:
    rows_before = row = 0
    for path in paths:
        locator.start_file(path, rows_before)
        for row, item in enumerate(_read_items(path, bytes_read), rows_before + 1):
            yield from parser.parse(row, item, str(item))
        rows_before = row


def _number_items(path: Path) -> Iterator[tuple[int, object]]:
    return enumerate(_read_items(path, None), 1)


def _read_items(path: Path, bytes_read: BytesRead | None) -> list[object]:
    """Return the items of a document. Raise CatalogImportError if it is no JSON, or too long."""
    with open_text(path, bytes_read) as file:
        text = file.read(_MAX_DOCUMENT_CHARACTERS + 1)
    if len(text) > _MAX_DOCUMENT_CHARACTERS:
        raise CatalogImportError(
            f"{path}: the document has more than {_MAX_DOCUMENT_CHARACTERS:,} characters;"
            " write one object per line, and import it as jsonl."
        )
    try:
        document: object = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise CatalogImportError(
            f"{path}: not a JSON document ({error}); is it JSON Lines (jsonl)?"
        ) from error
    if isinstance(document, dict):
        record = cast("dict[str, object]", document)
        lists = [record[key] for key in _LIST_KEYS if isinstance(record.get(key), list)]
        return cast("list[object]", lists[0]) if lists else [document]
    if isinstance(document, list):
        return cast("list[object]", document)
    raise CatalogImportError(f"{path}: the document is neither an array nor an object.")
