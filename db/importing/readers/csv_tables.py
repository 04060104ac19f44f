"""Read CSV files with fixed columns: the files of third-party catalogs."""

from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from pathlib import Path

from db.errors import CatalogImportError
from db.importing.readers.csv_reader import read_csv_rows, read_headings
from db.importing.readers.files import BytesRead

Cells = tuple[str, ...]


def require_columns(path: Path, names: Sequence[str]) -> None:
    """Raise CatalogImportError if the file lacks one of these columns."""
    headings = read_headings(path)
    missing = [name for name in names if name not in headings]
    if missing:
        raise CatalogImportError(
            f"{path}: the column {missing[0]} is missing; its headings are: {', '.join(headings)}."
            " Is this the right file?"
        )


def read_table_rows(
    path: Path, names: Sequence[str], bytes_read: BytesRead
) -> Iterator[tuple[int, Cells | None]]:
    """Yield each row number with the cells in the order of `names`, or None if the width is wrong."""
    rows = read_csv_rows(path, bytes_read)
    first = next(rows)
    width = len(first)
    pick_cells: Callable[[Sequence[str]], Cells] = itemgetter(*map(first.index, names))
    for number, cells in enumerate(rows, 1):
        yield number, pick_cells(cells) if len(cells) == width else None


def read_complete_rows(path: Path, names: Sequence[str], bytes_read: BytesRead) -> Iterator[Cells]:
    """Yield the rows of a lookup file. Raise CatalogImportError for a row with the wrong number of cells."""
    for number, cells in read_table_rows(path, names, bytes_read):
        if cells is None:
            raise CatalogImportError(
                f"{path}: the number of cells in row {number:,} differs from the number of headings."
            )
        yield cells
