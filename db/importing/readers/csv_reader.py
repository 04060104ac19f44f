"""Read the csv format: flat records with headings, separated by commas, semicolons, tabs or bars."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from db.errors import CatalogImportError
from db.importing.readers.feed import Feed, RecordStream, batch_records
from db.importing.readers.files import (
    BytesRead,
    RowLocator,
    open_text,
    read_lines,
    require_files,
    total_bytes,
)
from db.importing.readers.flat import ColumnMapping, FlatRecordParser, map_columns
from db.importing.records import Reject

_DELIMITERS = ",;\t|"


def open_csv(
    sources: Sequence[Path | str], mapping: Mapping[str, str], source: str, currency: str | None
) -> Feed:
    """Open a feed of the rows of all files, in order. Each file has its own headings."""
    paths = require_files(sources)
    mappings = [map_columns(path, read_headings(path), mapping, currency) for path in paths]
    bytes_read, locator = BytesRead(), RowLocator(single_file=len(paths) == 1)
    return Feed(
        source=source,
        batches=batch_records(_read_books(paths, mappings, FlatRecordParser(currency), bytes_read, locator)),
        total=total_bytes(paths),
        unit="bytes",
        completed=bytes_read.count,
        row_label=locator.label,
        ignored_headings=tuple(dict.fromkeys(name for head in mappings for name in head.ignored_headings)),
    )


def _read_books(
    paths: Sequence[Path],
    mappings: Sequence[ColumnMapping],
    parser: FlatRecordParser,
    bytes_read: BytesRead,
    locator: RowLocator,
) -> RecordStream:
    rows_before = row = 0
    for path, mapping in zip(paths, mappings, strict=True):
        locator.start_file(path, rows_before)
        width, pick_cells, parse = len(mapping.headings), mapping.cell_picker(), parser.parse
        for row, cells in enumerate(read_csv_rows(path, bytes_read), rows_before):
            if row == rows_before:
                continue  # the headings
            if len(cells) != width and (reject := _check_width(row, cells, width)):
                yield reject
                continue
            cells.append("")
            yield parse(row, pick_cells(cells))
        rows_before = row


def _check_width(row: int, cells: list[str], width: int) -> Reject | None:
    """Return a reject, or None after removing surplus cells that are all empty."""
    if len(cells) > width and not any(cells[width:]):
        del cells[width:]
        return None
    reason = f"{len(cells)} cells, but {width} headings; quote cells that contain the separator"
    return Reject(row, "row", ",".join(cells)[:200], reason)


def read_headings(path: Path) -> list[str]:
    """Return the first row of the file. Raise CatalogImportError if there is none."""
    for row in read_csv_rows(path):
        return row
    raise CatalogImportError(f"{path}: the file has no rows; the first row must contain the headings.")


def read_csv_rows(path: Path, bytes_read: BytesRead | None = None) -> Iterator[list[str]]:
    """Yield the non-empty rows of the file. Malformed CSV raises CatalogImportError with its line number.

    The separator is the one that splits the first line into the most cells.
    """
    with open_text(path, bytes_read) as text:
        lines = read_lines(path, text)
        first = next(lines, "")
        delimiter = max(_DELIMITERS, key=lambda mark: sum(map(len, csv.reader([first], delimiter=mark))))
        reader = csv.reader(_prepend(first, lines), delimiter=delimiter, strict=True)
        first_line = 1
        try:
            for row in reader:
                if row:
                    yield row
                first_line = reader.line_num + 1
        except csv.Error as error:
            raise CatalogImportError(
                f"{path}: malformed CSV in the row that begins in line {first_line:,} ({error});"
                ' close every quote, and double ("") quotes inside of a quoted cell.'
            ) from error


def _prepend(first: str, others: Iterator[str]) -> Iterator[str]:
    yield first
    yield from others
