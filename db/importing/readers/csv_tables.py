"""Read CSV files with fixed columns: the files of third-party catalogs."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from operator import itemgetter
from pathlib import Path

from db.errors import CatalogImportError
from db.importing.readers.csv_rows import find_dialect, read_csv_rows, read_headings
from db.importing.readers.files import BytesRead
from db.importing.records import Reject

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
    """Yield each line number with the cells in the order of `names`, or None if the width is wrong."""
    headings = read_headings(path)
    width = len(headings)
    pick_cells: Callable[[Sequence[str]], Cells] = itemgetter(*map(headings.index, names))
    for number, cells in islice(read_csv_rows(path, find_dialect(path), bytes_read), 1, None):
        if isinstance(cells, Reject) or len(cells) != width:
            yield number, None
        else:
            yield number, pick_cells(cells)


def read_complete_rows(path: Path, names: Sequence[str], bytes_read: BytesRead) -> Iterator[Cells]:
    """Yield the rows of a lookup file. Raise CatalogImportError for a row with the wrong number of cells."""
    for line, cells in read_table_rows(path, names, bytes_read):
        if cells is None:
            raise CatalogImportError(
                f"{path}: the number of cells in line {line:,} differs from the number of headings."
            )
        yield cells
