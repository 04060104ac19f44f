"""The rejected rows of tables as they are in their files, for the rejects file."""

import csv
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TextIO

from db.errors import CatalogImportError
from db.importing.readers.file_versions import FileVersions
from db.importing.readers.files import RowLocator
from db.importing.readers.flat_fields import fold_heading
from db.importing.readers.formats import FeedOptions
from db.importing.readers.layouts.layout import NumberedRow
from db.importing.readers.original_columns import OriginalColumns, join_columns
from db.importing.readers.reject_headings import ROW_HEADINGS
from db.importing.readers.rejected_rows import RejectedCells, RepeatedReject
from db.importing.readers.table_rows import TableReading
from db.importing.readers.tables import TableRow
from db.importing.records import Reject, RejectedRow


class TableOriginals:
    """The rows of the tables of a feed. They are read a second time, for the rejected ones only."""

    suffix = ".csv"
    format = "csv"

    def __init__(self, readings: Sequence[TableReading], locator: RowLocator, options: FeedOptions) -> None:
        self._readings = readings
        self._locator = locator
        self._options = options
        self._versions = FileVersions([reading.table.path for reading in readings])

    @property
    def paths(self) -> Sequence[Path]:
        return self._versions.paths

    def find_parents(self, rows: Iterable[int]) -> Iterator[int]:
        if not any(each.layout and each.layout.find_parents for each in self._readings):
            return
        numbers = iter(rows)
        wanted = next(numbers, None)
        for row, parent in chain.from_iterable(map(_parents_of_rows, self._readings, self._starts())):
            while wanted is not None and wanted < row:
                wanted = next(numbers, None)
            if wanted is None:
                return
            if wanted == row and parent:
                yield parent

    def write_rows(self, file: TextIO, read_rejects: Callable[[], Iterator[RejectedRow]]) -> None:
        columns = join_columns(self._readings, self._options)
        usable = self._versions.unchanged()
        while True:
            finder = RowFinder(self._readings, self._starts(), usable)
            _write_table(file, read_rejects(), columns, finder)
            still_usable = (usable & self._versions.unchanged()) - finder.failed
            if still_usable == usable:
                return
            usable = still_usable
            file.seek(0)
            file.truncate()

    def _starts(self) -> list[int]:
        return [rows_before for rows_before, _ in self._locator.file_starts]


class RowFinder:
    """Finds the cells of rows, which must be asked for in order.

    `usable` are the places of the tables that may be read, `failed` of those that could not be read again.
    """

    def __init__(self, readings: Sequence[TableReading], starts: Sequence[int], usable: set[int]) -> None:
        self._readings = readings
        self._starts = starts
        self._usable = usable
        self._place = -1
        self._rows: Iterator[TableRow] = iter(())
        self._current: TableRow | None = None
        self.failed: set[int] = set()

    def find(self, row: int) -> tuple[TableReading, int, list[str] | Reject | None]:
        """Return the table, its place, and the cells of the row; a reject if it has none, or None without a row."""
        place = bisect_left(self._starts, row) - 1
        if place != self._place:
            self._place = place
            self._rows = self._read_rows(place)
            self._current = next(self._rows, None)
        while self._current is not None and self._current[0] < row:
            self._current = next(self._rows, None)
        found = self._current[1] if self._current is not None and self._current[0] == row else None
        return self._readings[place], place, found

    def _read_rows(self, place: int) -> Iterator[TableRow]:
        if place not in self._usable:
            return
        start = self._starts[place]
        try:
            for line, cells in self._readings[place].table.read_rows():
                yield start + line, cells
        except (CatalogImportError, OSError):
            self.failed.add(place)


def _write_table(
    file: TextIO, rows: Iterable[RejectedRow], columns: OriginalColumns, finder: RowFinder
) -> None:
    writer = csv.writer(file)
    writer.writerow((*ROW_HEADINGS, *columns.headings))
    for row in rows:
        reading, place, found = finder.find(row.row)
        written = columns.spread(place, found) if isinstance(found, list) else None
        if written is None and row.is_needed:
            continue
        read_as = found.read_as if isinstance(found, RejectedCells | RepeatedReject) else None
        read_as = reading.read_as if read_as is None else read_as
        writer.writerow(
            (
                *(row.label, row.field, row.value, row.reason, row.source_id, row.title, read_as),
                *([""] * len(columns.headings) if written is None else written),
            )
        )


def _parents_of_rows(reading: TableReading, start: int) -> Iterator[tuple[int, int]]:
    """Yield the numbers of the rows of a table, each with that of the row it refers to, or 0."""
    if reading.layout is None or reading.layout.find_parents is None:
        return
    try:
        for line, parent in reading.layout.find_parents(_named_rows(reading)):
            yield start + line, start + parent if parent else 0
    except (CatalogImportError, OSError):
        return


def _named_rows(reading: TableReading) -> Iterator[NumberedRow]:
    folded = [fold_heading(heading) for heading in reading.table.headings]
    for line, cells in reading.table.read_rows():
        if not isinstance(cells, Reject) and len(cells) >= len(folded):
            yield line, dict(zip(folded, cells, strict=False))
