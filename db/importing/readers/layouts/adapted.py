"""A layout as the options of an import change it: columns that are not read, and columns that make a key."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from db.importing.readers.feed import ReadingNotes
from db.importing.readers.isbn_pairs import ISBN_10
from db.importing.readers.layouts.layout import ConvertedRow, Layout, NumberedRow
from db.importing.readers.tables import build_key


def adapt_layout(
    layout: Layout, ignored: Collection[str], key: Sequence[str], mapped_fields: Collection[str]
) -> Layout:
    """Return the layout for columns that are ignored, and columns whose cells together are the key of a book.

    Columns are named by their folded headings. `mapped_fields` are the fields that an option reads from a column.
    """

    def convert(rows: Iterator[NumberedRow], notes: ReadingNotes) -> Iterator[ConvertedRow]:
        for line, row, record in layout.convert(_drop_columns(rows, ignored), notes):
            changes: dict[str, str] = {}
            if key:
                changes["source_id"] = build_key([row.get(name, "") for name in key], range(len(key)))
            if "isbn" in mapped_fields:
                changes[ISBN_10] = ""
            yield line, row, {**record, **changes}

    columns = {
        name: field
        for name, field in layout.columns.items()
        if name not in ignored and not (key and field == "source_id")
    }
    return replace(layout, columns={**dict.fromkeys(key, "source_id"), **columns}, convert=convert)


def _drop_columns(rows: Iterator[NumberedRow], ignored: Collection[str]) -> Iterator[NumberedRow]:
    for line, row in rows:
        yield line, {name: cell for name, cell in row.items() if name not in ignored} if ignored else row
