"""Read the csv format: tables of flat records, and the exports whose headings are known."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from db.importing.readers.column_styles import SAMPLE_ROWS, show_currencies, study_columns, style_of_options
from db.importing.readers.feed import Feed, ReadingNotes, batch_records
from db.importing.readers.files import BytesRead, RowLocator, require_files, total_bytes
from db.importing.readers.flat import CellStyle
from db.importing.readers.flat_fields import (
    LAYOUT_FIELDS,
    LITERAL_HEADINGS,
    check_mapping,
    find_column,
    fold_heading,
    map_columns,
    require_currency,
)
from db.importing.readers.formats import TABLE_OPTIONS, FeedOptions, Format
from db.importing.readers.layouts import Layout, find_layout
from db.importing.readers.layouts.adapted import adapt_layout
from db.importing.readers.read_as import describe_style, tell_currencies
from db.importing.readers.table_originals import TableOriginals
from db.importing.readers.table_rows import TableReading, convert_rows, read_books
from db.importing.readers.tables import Table, open_table
from db.importing.records import Reject


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
        batches=batch_records(read_books(readings, bytes_read, locator, notes)),
        total=total_bytes(paths),
        unit="bytes",
        completed=bytes_read.count,
        row_label=locator.label,
        ignored_headings=tuple(dict.fromkeys(name for each in readings for name in each.ignored_headings)),
        fields=frozenset[str]().union(*fields),
        partial_fields=frozenset[str]().union(*fields) - fields[0].intersection(*fields),
        columns=tuple(dict.fromkeys(column for each in readings for column in each.columns)),
        notes=notes,
        originals=TableOriginals(readings, locator, options),
        is_partial=any(each.table.reject_columns for each in readings),
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
    sample = table.read_sample(SAMPLE_ROWS)
    style, columns = style_of_options(options), table.reject_columns
    if columns is not None and columns.tell_style:
        names_currencies = any(map(tell_currencies, islice(table.read_rows(), SAMPLE_ROWS)))
    else:
        if table.headings in LITERAL_HEADINGS:
            style = CellStyle(currency=options.currency, literal=True)
        style = style if style.literal else study_columns(style, flat_fields, sample, notes)
        names_currencies = show_currencies(flat_fields, sample)
    if not names_currencies:
        require_currency(path, flat_fields, options.currency)
    read_as = describe_style(style, prices_name_currencies=names_currencies)
    return TableReading(
        table, mapping.columns, mapping.ignored_headings, flat_fields, key_places, style, read_as
    )


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
    if table.reject_columns is None or not table.reject_columns.tell_style:
        converted = convert_rows(table.read_rows(), table.headings, layout, mapping, ReadingNotes())
        sample = [cells for _, cells in islice(converted, SAMPLE_ROWS) if not isinstance(cells, Reject)]
        style = study_columns(style, fields, sample, notes)
    unread = tuple(heading for heading, to in columns if heading and not to)
    read_as = describe_style(style, prices_name_currencies=False)
    return TableReading(table, read, unread, fields, (), style, read_as, layout, mapping)


def _fold_column(table: Table, name: str, option: str) -> str:
    """Return the folded heading of a column that an option names."""
    return fold_heading(table.headings[find_column(table.path, table.headings, name, option)])
