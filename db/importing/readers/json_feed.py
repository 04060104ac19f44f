"""Build the feed of files with JSON objects, from the keys that the objects have."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from db.importing.readers.column_styles import style_of_typed_values
from db.importing.readers.feed import Feed, ReadingNotes, RecordStream, batch_records
from db.importing.readers.file_versions import FileVersions
from db.importing.readers.files import BytesRead, RowLocator, total_bytes
from db.importing.readers.flat import CellStyle
from db.importing.readers.flat_fields import LITERAL_KEYS, fields_of_columns
from db.importing.readers.formats import FeedOptions
from db.importing.readers.json_originals import JsonOriginals, ReadObjects, RejectedObject, take_out_reject
from db.importing.readers.json_records import JsonRecordParser, find_keys
from db.importing.readers.read_as import describe_style
from db.importing.readers.shapes import flatten_object
from db.importing.records import Reject

ReadBooks = Callable[[Sequence[Path], JsonRecordParser, BytesRead, RowLocator], RecordStream]


@dataclass(frozen=True, slots=True)
class JsonReading:
    """How the files of a JSON format are read. `unit` names what a row number counts."""

    read_books: ReadBooks
    read_objects: ReadObjects
    unit: str


@dataclass(frozen=True, slots=True)
class FoundKeys:
    """The keys of all objects, in the order of their first appearance.

    `of_rejects` is true if an object is one of a rejects file.
    """

    keys: tuple[str, ...]
    of_rejects: bool


def collect_keys(values: Iterable[object]) -> FoundKeys:
    keys: dict[str, None] = {}
    of_rejects = False
    for each in values:
        value = take_out_reject(0, each)
        of_rejects = of_rejects or isinstance(value, RejectedObject | Reject)
        if isinstance(value, dict):
            keys |= dict.fromkeys(flatten_object(cast("dict[str, object]", value)))
    return FoundKeys(tuple(keys), of_rejects)


def build_json_feed(
    paths: Sequence[Path], options: FeedOptions, found: FoundKeys, reading: JsonReading
) -> Feed:
    """Return the feed of the books in the files. `found` are the keys of all objects in the files."""
    bytes_read, notes = BytesRead(), ReadingNotes()
    locator = RowLocator(single_file=len(paths) == 1, unit=reading.unit)
    keys = find_keys(found.keys, options.mapping, options.reading.ignore)
    read = {key: field for field, names in keys for key in names}
    style = option_style = style_of_typed_values(options)
    if found.keys in LITERAL_KEYS:
        style = CellStyle(currency=options.currency, literal=True)
    parser = JsonRecordParser.create(keys, style, notes, option_style)
    read_as = describe_style(style, prices_name_currencies=False) if style.literal else ""
    return Feed(
        source=options.source,
        batches=batch_records(reading.read_books(paths, parser, bytes_read, locator)),
        total=total_bytes(paths),
        unit="bytes",
        completed=bytes_read.count,
        row_label=locator.label,
        ignored_headings=tuple(key for key in found.keys if key not in read),
        fields=fields_of_columns(read.values()),
        columns=tuple(read.items()),
        notes=notes,
        originals=JsonOriginals(FileVersions(paths), locator, reading.read_objects, read_as),
        is_partial=found.of_rejects,
    )
