"""Read the jsonl format: one JSON object per line. The row number is the line number."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import orjson

from db.errors import CatalogImportError
from db.importing.readers.feed import Feed, RecordStream
from db.importing.readers.files import (
    MAX_LINE_LENGTH,
    BytesRead,
    RowLocator,
    open_text,
    read_lines,
    require_files,
)
from db.importing.readers.flat_fields import check_mapping
from db.importing.readers.formats import FLAT_OPTIONS, FeedOptions, Format
from db.importing.readers.json_feed import JsonReading, build_json_feed, collect_keys
from db.importing.readers.json_records import JsonRecordParser
from db.importing.records import Reject


def open_jsonl(sources: Sequence[Path | str], options: FeedOptions) -> Feed:
    """Open a feed of the rows of all files, in order. A field is in the feed if a row of it has its key."""
    check_mapping(options.mapping)
    paths = require_files(sources)
    for path in paths:
        _reject_json_array(path)
    found = collect_keys(value for path in paths for _, value in _read_objects(path))
    return build_json_feed(paths, options, found, JsonReading(_read_books, _read_objects, "line"))


FORMAT = Format("jsonl", open_jsonl, "JSON Lines files, one flat record per line", FLAT_OPTIONS)


def _read_objects(path: Path) -> Iterator[tuple[int, object]]:
    """Yield the values of the lines that are JSON, each with the number of its line."""
    with open_text(path) as text:
        for number, line in enumerate(read_lines(path, text), 1):
            with suppress(orjson.JSONDecodeError):
                yield number, orjson.loads(line)


def _reject_json_array(path: Path) -> None:
    with open_text(path) as text:
        if text.read(1_000).lstrip().startswith("["):
            raise CatalogImportError(f"{path}: is one JSON array, not JSON Lines; import it as json.")


def _read_books(
    paths: Sequence[Path], parser: JsonRecordParser, bytes_read: BytesRead, locator: RowLocator
) -> RecordStream:
    rows_before = row = 0
    for path in paths:
        locator.start_file(path, rows_before)
        with open_text(path, bytes_read) as text:
            for row, line in enumerate(read_lines(path, text), rows_before + 1):
                if line.isspace():
                    continue
                if len(line) >= MAX_LINE_LENGTH:
                    reason = f"a line of more than {MAX_LINE_LENGTH:,} characters"
                    yield Reject(row, "row", line[:200], reason)
                    continue
                try:
                    value: object = orjson.loads(line)
                except orjson.JSONDecodeError as error:
                    yield Reject(row, "row", line.strip()[:200], f"not JSON: {error.msg}")
                else:
                    yield from parser.parse(row, value, line)
        rows_before = row
