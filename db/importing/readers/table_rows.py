"""How the rows of a table become books."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from db.importing.readers.feed import ReadingNotes, RecordStream
from db.importing.readers.files import BytesRead, RowLocator
from db.importing.readers.flat import CellStyle, FlatRecordParser
from db.importing.readers.flat_fields import LAYOUT_FIELDS, fields_of_columns, fold_heading
from db.importing.readers.layouts import Layout
from db.importing.readers.layouts.layout import NumberedRow
from db.importing.readers.read_as import ParsersByStyle
from db.importing.readers.reject_headings import READ_AS
from db.importing.readers.rejected_rows import RejectedCells
from db.importing.readers.tables import Table, TableRow, build_key
from db.importing.records import BookRecord, Reject


@dataclass(frozen=True, slots=True)
class TableReading:
    """A table, and how its rows become flat records.

    `flat_fields` are the fields of the cells of a row, and of the key that is appended to it if there are
    columns of a key. With a layout, they are the fields of its flat records; `mapping` overrides them. `style`
    is that of the options if the rows say how they are read; `read_as` is what the columns show.
    """

    table: Table
    columns: tuple[tuple[str, str], ...]
    ignored_headings: tuple[str, ...]
    flat_fields: tuple[str, ...]
    key_places: tuple[int, ...]
    style: CellStyle
    read_as: str
    layout: Layout | None = None
    mapping: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def fields(self) -> frozenset[str]:
        """The fields of BookRecord that the columns fill."""
        return fields_of_columns(
            [
                *(name for _, name in self.columns),
                *(["source_id"] if self.key_places else []),
                *(self.layout.derived if self.layout else ()),
            ]
        )


def convert_rows(
    rows: Iterator[TableRow],
    headings: Sequence[str],
    layout: Layout,
    mapping: Mapping[str, str],
    notes: ReadingNotes,
) -> Iterator[TableRow]:
    """Yield the flat records of a layout, as cells in the order of LAYOUT_FIELDS, and the rejects between them."""
    folded = [fold_heading(heading) for heading in headings]
    rejects: list[Reject] = []

    def take_rows() -> Iterator[NumberedRow]:
        for line, cells in rows:
            if isinstance(cells, Reject):
                rejects.append(cells)
            elif len(cells) != len(folded) and (reject := check_width(line, cells, len(folded))):
                rejects.append(reject)
            else:
                row = dict(zip(folded, cells, strict=True))
                if isinstance(cells, RejectedCells) and cells.read_as is not None:
                    row[READ_AS] = cells.read_as
                yield line, row

    for line, row, record in layout.convert(take_rows(), notes):
        yield from ((reject.row, reject) for reject in rejects)
        rejects.clear()
        record = {**record, **{to: row.get(name, "") for name, to in mapping.items()}}
        values = [record.get(name, "") for name in LAYOUT_FIELDS]
        yield line, RejectedCells(values, row[READ_AS]) if READ_AS in row else values
    yield from ((reject.row, reject) for reject in rejects)


def read_books(
    readings: Sequence[TableReading], bytes_read: BytesRead, locator: RowLocator, notes: ReadingNotes
) -> RecordStream:
    rows_before = row = 0
    for reading in readings:
        locator.start_file(reading.table.path, rows_before)
        parse = _row_parser(reading, notes)
        rows, key_places = reading.table.read_rows(bytes_read), reading.key_places
        width = len(reading.table.headings)
        if reading.layout:
            rows = convert_rows(rows, reading.table.headings, reading.layout, reading.mapping, notes)
            width = len(LAYOUT_FIELDS)
        for line, cells in rows:
            row = rows_before + line
            if isinstance(cells, Reject):
                yield replace(cells, row=row)
            elif len(cells) != width and (reject := check_width(row, cells, width)):
                yield reject
            else:
                if key_places:
                    cells.append(build_key(cells, key_places))
                yield from parse(row, cells)
        rows_before = row


def _row_parser(
    reading: TableReading, notes: ReadingNotes
) -> Callable[[int, list[str]], tuple[BookRecord | Reject, ...]]:
    """Return the parser of a row. Each row of a rejects file says how it is read."""
    columns = reading.table.reject_columns
    if columns is None or not columns.tell_style:
        return FlatRecordParser(reading.flat_fields, reading.style, notes).parse
    parsers = ParsersByStyle(reading.flat_fields, reading.style, notes)

    def parse(row: int, cells: list[str]) -> tuple[BookRecord | Reject, ...]:
        read_as = cells.read_as if isinstance(cells, RejectedCells) else None
        return parsers.choose(read_as or "").parse(row, cells)

    return parse


def check_width(row: int, cells: list[str], width: int) -> Reject | None:
    """Return a reject, or None after removing surplus cells that are all empty."""
    if len(cells) > width and not any(cells[width:]):
        del cells[width:]
        return None
    advice = (
        "quote cells that contain the separator" if len(cells) > width else "the end of the row is missing"
    )
    return Reject(row, "row", ",".join(cells)[:200], f"{len(cells)} cells, but {width} headings; {advice}")
