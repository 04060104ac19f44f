"""Find out from the cells of a table how its columns are written. What does not show is not guessed."""

from collections.abc import Sequence
from dataclasses import replace

from db.importing.field_parsers import (
    Commas,
    DecimalMark,
    FieldError,
    PeopleStyle,
    contains_currency,
    find_commas,
    find_decimal_mark,
    parse_isbn,
)
from db.importing.readers.feed import ReadingNotes
from db.importing.readers.flat import CellStyle
from db.importing.readers.formats import FeedOptions
from db.importing.readers.isbn_pairs import ISBN_10

SAMPLE_ROWS = 5_000
"""The number of rows from which the style of a column is taken."""

_FULL_ISBN_LENGTHS = (10, 13, 17)


def style_of_options(options: FeedOptions) -> CellStyle:
    """Return what the options say of the cells."""
    reading = options.reading
    return CellStyle(
        currency=options.currency,
        decimal_mark=reading.decimal_mark,
        date_order=reading.date_order,
        people=PeopleStyle(separator=reading.author_separator),
        category_separator=reading.category_separator,
    )


def style_of_typed_values(options: FeedOptions) -> CellStyle:
    """Return what the options say of values with types, whose numbers have a decimal point."""
    style = replace(style_of_options(options), short_years=True)
    return style if style.decimal_mark else replace(style, decimal_mark=".")


def study_columns(
    style: CellStyle, flat_fields: Sequence[str], rows: Sequence[Sequence[str]], notes: ReadingNotes
) -> CellStyle:
    """Return the style with what the first rows show, and note it."""
    if "price" in flat_fields and not style.decimal_mark:
        mark = find_decimal_mark(_cells(flat_fields, rows, "price"))
        if mark:
            style = replace(style, decimal_mark=mark)
            _note_decimal_mark(mark, notes)
    people = style.people
    if "authors" in flat_fields and not people.separator and not people.commas:
        commas = find_commas(_cells(flat_fields, rows, "authors"))
        if commas:
            style = replace(style, people=replace(people, commas=commas))
            _note_commas(commas, notes)
    if "isbn" in flat_fields and not _holds_isbns(
        [*_cells(flat_fields, rows, "isbn"), *_cells(flat_fields, rows, ISBN_10)]
    ):
        style = replace(style, restore_zeros=False)
    return style


def show_currencies(flat_fields: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Return whether prices of the first rows name their currency."""
    return any(map(contains_currency, _cells(flat_fields, rows, "price")))


def _cells(flat_fields: Sequence[str], rows: Sequence[Sequence[str]], field: str) -> list[str]:
    if field not in flat_fields:
        return []
    place = list(flat_fields).index(field)
    return [row[place] for row in rows if len(row) > place and row[place]]


def _note_decimal_mark(mark: DecimalMark, notes: ReadingNotes) -> None:
    other = "--decimal-comma" if mark == "." else "--decimal-point"
    notes.add_guess(f"prices have a decimal {'comma' if mark == ',' else 'point'}; {other} says otherwise")


def _note_commas(commas: Commas, notes: ReadingNotes) -> None:
    if commas == "names":
        notes.add_guess('"," separates authors; --author-separator ";" says otherwise')
    else:
        notes.add_guess('authors are written "Last, First"; --author-separator "," says otherwise')


def _holds_isbns(cells: list[str]) -> bool:
    """Return whether numbers of 7 to 9 digits are ISBNs without their zeros: most are valid, or stand among ISBNs."""
    full = sum(len(cell.strip()) in _FULL_ISBN_LENGTHS for cell in cells)
    short = [cell for cell in cells if 7 <= len(cell.strip()) <= 9]
    valid = sum(map(_is_valid, short))
    return len(short) - valid <= full + valid


def _is_valid(cell: str) -> bool:
    try:
        return parse_isbn(cell) is not None
    except FieldError:
        return False
