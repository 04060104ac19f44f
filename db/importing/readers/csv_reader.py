"""Read the csv format: tables of flat records, and the exports whose headings are known."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from db.importing.readers.column_styles import SAMPLE_ROWS, show_currencies, study_columns, style_of_options
from db.importing.readers.feed import Feed, ReadingNotes, RecordStream, batch_records
from db.importing.readers.files import BytesRead, RowLocator, require_files, total_bytes
from db.importing.readers.flat import CellStyle, FlatRecordParser
from db.importing.readers.flat_fields import (
    FLAT_FIELDS,
    LAYOUT_FIELDS,
    check_mapping,
    fields_of_columns,
    find_column,
    fold_heading,
    map_columns,
    require_currency,
)
from db.importing.readers.formats import TABLE_OPTIONS, FeedOptions, Format
from db.importing.readers.layouts import Layout, find_layout
from db.importing.readers.layouts.adapted import adapt_layout
from db.importing.readers.layouts.layout import NumberedRow
from db.importing.readers.tables import Table, TableRow, build_key, open_table
from db.importing.records import Reject


@dataclass(frozen=True, slots=True)
class TableReading:
    """A table, and how its rows become flat records.

    `flat_fields` are the fields of the cells of a row, and of the key that is appended to it if there are
    columns of a key. With a layout, they are the fields of its flat records; `mapping` overrides them.
    """

    table: Table
    columns: tuple[tuple[str, str], ...]
    ignored_headings: tuple[str, ...]
    flat_fields: tuple[str, ...]
    key_places: tuple[int, ...]
    style: CellStyle
    layout: Layout | None = None
    mapping: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def fields(self) -> frozenset[str]:
        """The fields of BookRecord that the columns fill."""
        return fields_of_columns(
            [*(name for _, name in self.columns), *(["source_id"] if self.key_places else [])]
        )


def open_csv(sources: Sequence[Path | str], options: FeedOptions) -> Feed:
    """Open a feed of the rows of all files, in order. Each file has its own headings."""
    notes = ReadingNotes()
    paths = require_files(sources, options.reading.encoding)
    readings = [plan_table(open_table(path, options.reading, notes), options, notes) for path in paths]
    fields = [each.fields for each in readings]
    bytes_read = BytesRead()
    locator = RowLocator(single_file=len(paths) == 1, unit=readings[0].table.unit)
    return Feed(
        source=options.source,
        batches=batch_records(_read_books(readings, bytes_read, locator, notes)),
        total=total_bytes(paths),
        unit="bytes",
        completed=bytes_read.count,
        row_label=locator.label,
        ignored_headings=tuple(dict.fromkeys(name for each in readings for name in each.ignored_headings)),
        fields=frozenset[str]().union(*fields),
        partial_fields=frozenset[str]().union(*fields) - fields[0].intersection(*fields),
        columns=tuple(dict.fromkeys(column for each in readings for column in each.columns)),
        notes=notes,
    )


FORMAT = Format(
    "csv", open_csv, "CSV files and workbooks with headings, one flat record per row", TABLE_OPTIONS
)


def plan_table(table: Table, options: FeedOptions, notes: ReadingNotes) -> TableReading:
    """Return how a table is read. Raise CatalogImportError if its columns do not tell what a book is."""
    layout = find_layout(table.headings) if options.reading.header else None
    if layout:
        return _plan_layout(table, layout, options, notes)
    path, reading = table.path, options.reading
    key_places = tuple(find_column(path, table.headings, name, f"--key {name}") for name in reading.key)
    mapping = map_columns(path, table.headings, options.mapping, reading.ignore, key=key_places)
    flat_fields = (*mapping.flat_fields, *(("source_id",) if key_places else ()))
    style = style_of_options(options)
    if table.headings == tuple(FLAT_FIELDS):
        style = CellStyle(currency=options.currency, literal=True)
    sample = table.read_sample(SAMPLE_ROWS)
    style = style if style.literal else study_columns(style, flat_fields, sample, notes)
    if not show_currencies(flat_fields, sample):
        require_currency(path, flat_fields, options.currency)
    return TableReading(table, mapping.columns, mapping.ignored_headings, flat_fields, key_places, style)


def _plan_layout(table: Table, layout: Layout, options: FeedOptions, notes: ReadingNotes) -> TableReading:
    """Return how the table of a known program is read. Options come before what is known of it."""
    notes.add_guess(f"{table.path.name}: an export of {layout.name}")
    check_mapping(options.mapping)
    mapping = {_fold_column(table, name, f"--map {name}={to}"): to for name, to in options.mapping.items()}
    ignored = {_fold_column(table, name, f"--ignore {name}") for name in options.reading.ignore}
    key = [_fold_column(table, name, f"--key {name}") for name in options.reading.key]
    layout = adapt_layout(layout, ignored, key, options.mapping.values())
    known = {**layout.columns, **mapping}
    columns = [(heading.strip(), known.get(fold_heading(heading), "")) for heading in table.headings]
    fields = LAYOUT_FIELDS
    style = style_of_options(options)
    if not style.people.separator:
        style = replace(style, people=layout.people)
    if not style.category_separator:
        style = replace(style, category_separator=layout.category_separator)
    read = tuple((heading, to) for heading, to in columns if to)
    require_currency(table.path, (to for _, to in read), options.currency)
    converted = _convert_rows(table.read_rows(), table.headings, layout, mapping, ReadingNotes())
    sample = [cells for _, cells in islice(converted, SAMPLE_ROWS) if not isinstance(cells, Reject)]
    style = study_columns(style, fields, sample, notes)
    unread = tuple(heading for heading, to in columns if heading and not to)
    return TableReading(table, read, unread, fields, (), style, layout, mapping)


def _fold_column(table: Table, name: str, option: str) -> str:
    """Return the folded heading of a column that an option names."""
    return fold_heading(table.headings[find_column(table.path, table.headings, name, option)])


def _convert_rows(
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
            elif len(cells) != len(folded) and (reject := _check_width(line, cells, len(folded))):
                rejects.append(reject)
            else:
                yield line, dict(zip(folded, cells, strict=True))

    for line, row, record in layout.convert(take_rows(), notes):
        yield from ((reject.row, reject) for reject in rejects)
        rejects.clear()
        record = {**record, **{to: row.get(name, "") for name, to in mapping.items()}}
        yield line, [record.get(name, "") for name in LAYOUT_FIELDS]
    yield from ((reject.row, reject) for reject in rejects)


def _read_books(
    readings: Sequence[TableReading], bytes_read: BytesRead, locator: RowLocator, notes: ReadingNotes
) -> RecordStream:
    rows_before = row = 0
    for reading in readings:
        locator.start_file(reading.table.path, rows_before)
        parse = FlatRecordParser(reading.flat_fields, reading.style, notes).parse
        rows, key_places = reading.table.read_rows(bytes_read), reading.key_places
        width = len(reading.table.headings)
        if reading.layout:
            rows = _convert_rows(rows, reading.table.headings, reading.layout, reading.mapping, notes)
            width = len(LAYOUT_FIELDS)
        for line, cells in rows:
            row = rows_before + line
            if isinstance(cells, Reject):
                yield replace(cells, row=row)
            elif len(cells) != width and (reject := _check_width(row, cells, width)):
                yield reject
            else:
                yield from parse(row, [*cells, build_key(cells, key_places)] if key_places else cells)
        rows_before = row


def _check_width(row: int, cells: list[str], width: int) -> Reject | None:
    """Return a reject, or None after removing surplus cells that are all empty."""
    if len(cells) > width and not any(cells[width:]):
        del cells[width:]
        return None
    advice = (
        "quote cells that contain the separator" if len(cells) > width else "the end of the row is missing"
    )
    return Reject(row, "row", ",".join(cells)[:200], f"{len(cells)} cells, but {width} headings; {advice}")
