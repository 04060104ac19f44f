"""Tables: the headings and rows of a CSV file or a workbook, read alike."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Protocol

from db.errors import CatalogImportError
from db.importing.readers.containers import find_container
from db.importing.readers.csv_rows import Dialect, find_dialect, read_csv_rows
from db.importing.readers.feed import ReadingNotes
from db.importing.readers.files import BytesRead, guess_encoding
from db.importing.readers.formats import ReadingOptions
from db.importing.readers.workbooks import open_sheet, read_sheet_rows
from db.importing.records import Reject

TableRow = tuple[int, "list[str] | Reject"]

_DELIMITER_NAMES = {"\t": "tab"}


class _RowReader(Protocol):
    def __call__(self, *, bytes_read: BytesRead | None = None) -> Iterator[TableRow]: ...


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a file. Rows are numbered as an editor counts lines, or a spreadsheet its rows.

    If `has_header` is false, the headings are the numbers of the columns.
    """

    path: Path
    headings: tuple[str, ...]
    unit: str
    has_header: bool
    read_all: _RowReader

    def read_rows(self, bytes_read: BytesRead | None = None) -> Iterator[TableRow]:
        """Yield the rows behind the headings."""
        rows = self.read_all(bytes_read=bytes_read)
        return islice(rows, 1, None) if self.has_header else rows

    def read_sample(self, count: int) -> list[list[str]]:
        """Return the cells of the first rows. Rejects are left out."""
        rows = self.read_rows()
        try:
            return [cells for _, cells in islice(rows, count) if not isinstance(cells, Reject)]
        finally:
            del rows


def open_table(path: Path, reading: ReadingOptions, notes: ReadingNotes) -> Table:
    """Return the table of a file, and note how it is written. Raise CatalogImportError if it has no rows."""
    if find_container(path) == "workbook":
        unit, read_all = "row", partial(_read_workbook, path, reading.skip_lines, notes)
    else:
        encoding = reading.encoding or guess_encoding(path)
        if encoding != reading.encoding:
            notes.add_guess(f"{path.name}: is {encoding}, not UTF-8; --encoding says otherwise")
        dialect = find_dialect(path, reading.delimiter, reading.skip_lines, encoding)
        mark = _DELIMITER_NAMES.get(dialect.delimiter, dialect.delimiter)
        if dialect.delimiter != "," and not reading.delimiter:
            notes.add_guess(f'{path.name}: "{mark}" separates the cells; --delimiter says otherwise')
        if dialect.quote != '"':
            notes.add_guess(f"{path.name}: {dialect.quote} quotes the cells")
        if dialect.escape:
            notes.add_guess(f"{path.name}: {dialect.escape} stands before a quote within a cell")
        unit, read_all = "line", partial(_read_csv, path, dialect)
    first = next(read_all(), None)
    if first is None:
        raise CatalogImportError(f"{path}: the file has no rows; the first row must contain the headings.")
    number, cells = first
    if isinstance(cells, Reject):
        raise CatalogImportError(f"{path}: line {number:,} is {cells.reason}.")
    headings = cells if reading.header else [str(place) for place in range(1, len(cells) + 1)]
    return Table(path, tuple(headings), unit, reading.header, read_all)


def _read_csv(path: Path, dialect: Dialect, *, bytes_read: BytesRead | None = None) -> Iterator[TableRow]:
    return read_csv_rows(path, dialect, bytes_read)


def _read_workbook(
    path: Path, skip_rows: int, notes: ReadingNotes, *, bytes_read: BytesRead | None = None
) -> Iterator[TableRow]:
    yield from read_sheet_rows(open_sheet(path, notes), skip_rows)
    if bytes_read is not None:
        bytes_read.finished_bytes += path.stat().st_size


def build_key(cells: Sequence[str], places: Sequence[int]) -> str:
    """Return the key of a book made of the cells in these columns, without regard to case and spaces."""
    texts = [" ".join(cells[place].casefold().split()) for place in places]
    return " | ".join(texts) if any(texts) else ""
