"""Read the first sheet of a workbook of a spreadsheet (xlsx, xls, ods) as rows of text."""

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from db.errors import CatalogImportError
from db.importing.readers.feed import ReadingNotes

_WITHOUT_FRACTION = 1e15


def open_sheet(path: Path, notes: ReadingNotes) -> CalamineSheet:
    """Open the first sheet that has rows. Raise CatalogImportError if there is none."""
    try:
        workbook = CalamineWorkbook.from_path(str(path))  # pyright: ignore[reportUnknownMemberType]
        names = workbook.sheet_names
        sheets = [workbook.get_sheet_by_name(name) for name in names]
    except (CalamineError, OSError, ValueError) as error:
        raise CatalogImportError(f"{path}: the workbook cannot be read ({error}); save it as CSV.") from error
    for sheet in sheets:
        if sheet.total_height:
            if len(names) > 1:
                notes.add_guess(f'{path.name}: the sheet "{sheet.name}" of {len(names)} sheets')
            return sheet
    raise CatalogImportError(f"{path}: the workbook has no rows; the first row must contain the headings.")


def read_sheet_rows(sheet: CalamineSheet, skip_rows: int) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not blank, each with its number in the spreadsheet."""
    start = (sheet.start or (0, 0))[0]
    for number, values in enumerate(sheet.iter_rows(), start + 1):
        cells = [format_cell(value) for value in values]
        if number > skip_rows and any(cells):
            yield number, cells


def format_cell(value: object) -> str:
    """Return a cell's value as text: whole numbers without a fraction, days as 1999-12-31."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        if value.is_integer() and abs(value) < _WITHOUT_FRACTION:
            return str(int(value))
        text = repr(value)
        # Three decimals would be taken for thousands.
        return f"{text}0" if len(text.partition(".")[2]) == 3 else text
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == datetime.min.time() else value.isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    return "" if value is None else str(value)
