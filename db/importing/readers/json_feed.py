"""Build the feed of files with JSON objects, from the keys that the objects have."""

from collections.abc import Callable, Sequence
from pathlib import Path

from db.importing.readers.column_styles import style_of_typed_values
from db.importing.readers.feed import Feed, ReadingNotes, RecordStream, batch_records
from db.importing.readers.files import BytesRead, RowLocator, total_bytes
from db.importing.readers.flat import CellStyle
from db.importing.readers.flat_fields import EXPORTED_KEYS, fields_of_columns
from db.importing.readers.formats import FeedOptions
from db.importing.readers.json_records import JsonRecordParser, find_keys

ReadBooks = Callable[[Sequence[Path], JsonRecordParser, BytesRead, RowLocator], RecordStream]


def build_json_feed(
    paths: Sequence[Path], options: FeedOptions, found: Sequence[str], read_books: ReadBooks, *, unit: str
) -> Feed:
    """Return the feed of the books in the files. `found` are the keys of all objects in the files.

    `unit` names what a row number counts.
    """
    bytes_read, notes = BytesRead(), ReadingNotes()
    locator = RowLocator(single_file=len(paths) == 1, unit=unit)
    keys = find_keys(found, options.mapping, options.reading.ignore)
    read = {key: field for field, names in keys for key in names}
    style = style_of_typed_values(options)
    if tuple(found) == EXPORTED_KEYS:
        style = CellStyle(currency=options.currency, literal=True)
    parser = JsonRecordParser.create(keys, style, notes)
    return Feed(
        source=options.source,
        batches=batch_records(read_books(paths, parser, bytes_read, locator)),
        total=total_bytes(paths),
        unit="bytes",
        completed=bytes_read.count,
        row_label=locator.label,
        ignored_headings=tuple(key for key in found if key not in read),
        fields=fields_of_columns(read.values()),
        columns=tuple(read.items()),
        notes=notes,
    )
