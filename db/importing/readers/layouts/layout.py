"""A layout: the table that another program exports, known by its headings."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from db.importing.field_parsers import PeopleStyle
from db.importing.readers.feed import ReadingNotes

Row = Mapping[str, str]
"""The cells of a row by their folded headings, or by the fields of a flat record."""

NumberedRow = tuple[int, Row]

ConvertedRow = tuple[int, Row, Row]
"""The number of a row, the row, and its flat record."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The table of another program.

    - `requires` are the folded headings that tell it from all others.
    - `columns` are the folded headings that are read, each with its field of the flat record.
    - `derived` are further fields, which it takes from these columns.
    - `convert` returns the flat records of the rows. It counts in the notes what it leaves out.
    - `people` and `category_separator` say how its cells are written.
    - `find_parents` yields the number of each row with that of the row it takes values from, or 0. None if each
      row stands for itself.
    """

    name: str
    requires: frozenset[str]
    columns: Mapping[str, str]
    convert: Callable[[Iterator[NumberedRow], ReadingNotes], Iterator[ConvertedRow]]
    people: PeopleStyle = field(default_factory=PeopleStyle)
    category_separator: str = ""
    derived: Sequence[str] = ()
    find_parents: Callable[[Iterator[NumberedRow]], Iterator[tuple[int, int]]] | None = None


def convert_each(
    convert_row: Callable[[Row], Row],
) -> Callable[[Iterator[NumberedRow], ReadingNotes], Iterator[ConvertedRow]]:
    """Return the conversion of a layout in which each row is a book."""

    def convert(rows: Iterator[NumberedRow], _notes: ReadingNotes) -> Iterator[ConvertedRow]:
        for line, row in rows:
            yield line, row, convert_row(row)

    return convert


def first_part(text: str, separator: str) -> str:
    """Return the first part of a list of a cell."""
    return text.partition(separator)[0].strip()
