"""The columns of a rejects file: those of all files of a feed, so that each file is read from them as before."""

from collections.abc import Sequence
from dataclasses import dataclass

from db.errors import CatalogImportError
from db.importing.readers.flat_fields import find_column, fold_heading, map_columns
from db.importing.readers.formats import FeedOptions
from db.importing.readers.layouts import find_layout
from db.importing.readers.table_rows import TableReading

Places = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class OriginalColumns:
    """The headings, and for each table the place of each of its columns among them.

    The places of a table are None if it would be read in another way under these headings.
    """

    headings: tuple[str, ...]
    places: tuple[Places | None, ...]

    def spread(self, table: int, cells: list[str]) -> list[str] | None:
        """Return the cells of a row under the headings. A row of a wrong width keeps one, or there is no row."""
        places, width = self.places[table], len(self.headings)
        if places is None or places == tuple(range(width)):
            return None if places is None else cells
        row = [""] * width
        for place, cell in zip(places, cells, strict=False):
            row[place] = cell
        if len(cells) < len(places):
            row = row[: max(places[: len(cells)], default=-1) + 1]
            return row if len(row) < width else None
        return row + cells[len(places) :]


def join_columns(readings: Sequence[TableReading], options: FeedOptions) -> OriginalColumns:
    """Return the columns of the first table, followed by those that the others have besides."""
    headings: list[str] = []
    fields: list[str] = []
    joined: dict[TableSignature, tuple[TableReading, Places | None]] = {}
    for reading in readings:
        signature = _signature(reading)
        if signature in joined:
            continue
        more_headings, more_fields = headings.copy(), fields.copy()
        places = _place_columns(reading, more_headings, more_fields)
        candidates = [*((each, its) for each, its in joined.values() if its is not None), (reading, places)]
        if all(_is_read_alike(each, its, more_headings, options) for each, its in candidates):
            headings, fields = more_headings, more_fields
            joined[signature] = (reading, places)
        else:
            joined[signature] = (reading, None)
    return OriginalColumns(tuple(headings), tuple(joined[_signature(each)][1] for each in readings))


TableSignature = tuple[object, ...]


def _signature(reading: TableReading) -> TableSignature:
    return (
        reading.table.headings,
        reading.layout and reading.layout.name,
        reading.flat_fields,
        reading.key_places,
    )


def _place_columns(reading: TableReading, headings: list[str], fields: list[str]) -> Places:
    """Return the places of the columns: of the same field, or else of the same heading. Add what is missing."""
    places: list[int] = []
    for heading, field in zip(reading.table.headings, _column_fields(reading), strict=True):
        free = [place for place in range(len(headings)) if place not in places and fields[place] == field]
        same = [place for place in free if fold_heading(headings[place]) == fold_heading(heading)]
        if same or (field and free):
            places.append((same or free)[0])
        else:
            places.append(len(headings))
            headings.append(heading)
            fields.append(field)
    return tuple(places)


def _column_fields(reading: TableReading) -> Sequence[str]:
    """Return the field of each column. Those of a layout are known by their headings alone."""
    count = len(reading.table.headings)
    return [""] * count if reading.layout else reading.flat_fields[:count]


def _is_read_alike(
    reading: TableReading, places: Places, headings: Sequence[str], options: FeedOptions
) -> bool:
    """Return whether the columns of a table are those of the same fields and options under these headings."""
    path, how = reading.table.path, options.reading
    try:
        for column in (*options.mapping, *how.ignore, *how.key):
            own = find_column(path, reading.table.headings, column, "")
            if places[own] != find_column(path, headings, column, ""):
                return False
        layout = find_layout(headings) if how.header else None
        if layout or reading.layout:
            return (layout and layout.name) == (reading.layout and reading.layout.name)
        key = tuple(find_column(path, headings, column, "") for column in how.key)
        mapped = map_columns(path, headings, options.mapping, how.ignore, key=key).flat_fields
    except CatalogImportError:
        return False
    return [mapped[place] for place in places] == list(_column_fields(reading))
