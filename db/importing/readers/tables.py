"""Tables with known columns: the csv files of catalogs whose format is not ours to choose."""

from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from pathlib import Path

from db.errors import CatalogImportError
from db.importing.readers.delimited import csv_rows, headings
from db.importing.readers.files import Progress

Cells = tuple[str, ...]


def check_columns(path: Path, names: Sequence[str]) -> None:
    """CatalogImportError if the file has not all of these columns."""
    found = headings(path)
    missing = [name for name in names if name not in found]
    if missing:
        raise CatalogImportError(
            f"{path}: the column {missing[0]} is missing; its headings are: {', '.join(found)}."
            " Is this the right file?"
        )


def table_rows(path: Path, names: Sequence[str], progress: Progress) -> Iterator[tuple[int, Cells | None]]:
    """The rows with their numbers, the cells in the order of the names; None where cells are missing."""
    rows = csv_rows(path, progress)
    first = next(rows)
    width = len(first)
    pick: Callable[[Sequence[str]], Cells] = itemgetter(*map(first.index, names))
    for number, cells in enumerate(rows, 1):
        yield number, pick(cells) if len(cells) == width else None


def whole_rows(path: Path, names: Sequence[str], progress: Progress) -> Iterator[Cells]:
    """The rows of a file that others refer to: one row cut short makes the delivery unusable."""
    for number, cells in table_rows(path, names, progress):
        if cells is None:
            raise CatalogImportError(f"{path}: row {number:,} has not as many cells as there are headings.")
        yield cells
