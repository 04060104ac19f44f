"""Tables: the headings and rows of a CSV file or a workbook, read alike."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Protocol

from db.errors import CatalogImportError
from db.importing.readers.containers import find_container
from db.importing.readers.csv_rows import Dialect, find_dialect, read_csv_rows
from db.importing.readers.feed import ReadingNotes
from db.importing.readers.files import BytesRead, guess_encoding, is_utf
from db.importing.readers.formats import ReadingOptions
from db.importing.readers.reject_headings import PLAIN_HEADINGS, ROW_HEADINGS, is_rejects_table
from db.importing.readers.rejected_rows import RejectColumns
from db.importing.readers.workbooks import open_sheet, read_sheet_rows
from db.importing.records import Reject

TableRow = tuple[int, "list[str] | Reject"]

_DELIMITER_NAMES = {"\t": "tab"}


class _RowReader(Protocol):
    def __call__(self, *, bytes_read: BytesRead | None = None) -> Iterator[TableRow]: ...


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a file. Rows are numbered as an editor counts lines, or a spreadsheet its rows.

    If `has_header` is false, the headings are the numbers of the columns. `reject_columns` are those that an
    import wrote; they are neither in the headings nor in the rows.
    """

    path: Path
    headings: tuple[str, ...]
    unit: str
    has_header: bool
    read_all: _RowReader
    reject_columns: RejectColumns | None = None

    def read_rows(self, bytes_read: BytesRead | None = None) -> Iterator[TableRow]:
        """Yield the rows behind the headings."""
        rows = self.read_all(bytes_read=bytes_read)
        rows = islice(rows, 1, None) if self.has_header else rows
        return rows if self.reject_columns is None else self._take_out(rows, self.reject_columns)

    def read_sample(self, count: int) -> list[list[str]]:
        """Return the cells of the first rows. Rejects are left out."""
        rows = self.read_rows()
        try:
            return [cells for _, cells in islice(rows, count) if not isinstance(cells, Reject)]
        finally:
            del rows

    @staticmethod
    def _take_out(rows: Iterator[TableRow], columns: RejectColumns) -> Iterator[TableRow]:
        for line, cells in rows:
            yield (line, cells) if isinstance(cells, Reject) else columns.take_out(line, cells)


def open_table(path: Path, reading: ReadingOptions, notes: ReadingNotes) -> Table:
    """Return the table of a file, and note how it is written. Raise CatalogImportError if it has no rows."""
    is_workbook = find_container(path) == "workbook"
    if _is_rejects_table(path, reading, notes, is_workbook=is_workbook):
        reading = _reading_of_rejects(path, reading)
    if is_workbook:
        unit, read_all = "row", partial(_read_workbook, path, reading.skip_lines, notes)
    else:
        encoding = reading.encoding or guess_encoding(path)
        if encoding != reading.encoding:
            notes.add_guess(f"{path.name}: is {encoding}, not UTF-8; --encoding says otherwise")
        dialect = find_dialect(path, reading.delimiter, reading.skip_lines, encoding)
        _note_dialect(path, dialect, reading, notes)
        unit, read_all = "line", partial(_read_csv, path, dialect)
    first = next(read_all(), None)
    if first is None:
        raise CatalogImportError(f"{path}: the file has no rows; the first row must contain the headings.")
    number, cells = first
    if isinstance(cells, Reject):
        raise CatalogImportError(f"{path}: line {number:,} is {cells.reason}.")
    if tuple(cells) == PLAIN_HEADINGS:
        raise CatalogImportError(
            f"{path}: is a rejects file without the rows of its source; correct them in the source."
        )
    columns = RejectColumns(cells)
    if reading.header and columns.are_there:
        return Table(path, tuple(columns.source_cells(cells)), unit, True, read_all, columns)
    headings = cells if reading.header else [str(place) for place in range(1, len(cells) + 1)]
    return Table(path, tuple(headings), unit, reading.header, read_all)


def _note_dialect(path: Path, dialect: Dialect, reading: ReadingOptions, notes: ReadingNotes) -> None:
    """Note what of the dialect was guessed."""
    mark = _DELIMITER_NAMES.get(dialect.delimiter, dialect.delimiter)
    if dialect.delimiter != "," and not reading.delimiter:
        notes.add_guess(f'{path.name}: "{mark}" separates the cells; --delimiter says otherwise')
    if dialect.quote != '"':
        notes.add_guess(f"{path.name}: {dialect.quote} quotes the cells")
    if dialect.escape:
        notes.add_guess(f"{path.name}: {dialect.escape} stands before a quote within a cell")


def _is_rejects_table(path: Path, reading: ReadingOptions, notes: ReadingNotes, *, is_workbook: bool) -> bool:
    if not is_workbook:
        return is_rejects_table(path)
    if reading.header and not reading.skip_lines:  # its headings tell it anyway
        return False
    first = next(_read_workbook(path, 0, notes), None)
    return first is not None and ROW_HEADINGS[0] in first[1]


def _reading_of_rejects(path: Path, reading: ReadingOptions) -> ReadingOptions:
    """Return how a rejects file is written. The options that say it of its source do not apply to it."""
    encoding = "" if not reading.encoding or is_utf(path) else reading.encoding
    return replace(reading, header=True, skip_lines=0, delimiter="", encoding=encoding)


def _read_csv(path: Path, dialect: Dialect, *, bytes_read: BytesRead | None = None) -> Iterator[TableRow]:
    return read_csv_rows(path, dialect, bytes_read)


def _read_workbook(
    path: Path, skip_rows: int, notes: ReadingNotes, *, bytes_read: BytesRead | None = None
) -> Iterator[tuple[int, list[str]]]:
    yield from read_sheet_rows(open_sheet(path, notes), skip_rows)
    if bytes_read is not None:
        bytes_read.finished_bytes += path.stat().st_size


def build_key(cells: Sequence[str], places: Sequence[int]) -> str:
    """Return the key of a book made of the cells in these columns, without regard to case and spaces."""
    texts = [" ".join(cells[place].casefold().split()) for place in places]
    return " | ".join(texts) if any(texts) else ""
