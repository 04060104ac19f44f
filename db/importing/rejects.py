"""The rejects file: a CSV file of rejected rows, created when the first row is rejected."""

import csv
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from db.errors import CatalogImportError
from db.importing.records import Reject

if TYPE_CHECKING:
    from _csv import Writer

_HEADINGS = ("row", "field", "value", "reason")


class RejectsFile:
    """Write rejects to `path`, and count rejected rows and dropped values.

    `row_label` formats a row number for display. If no row is rejected, no file is created; the rejects
    file of an earlier import is removed. Raises CatalogImportError if the file cannot be written, or if
    `path` is not a rejects file.
    """

    __slots__ = ("_file", "_path", "_row_label", "_writer", "dropped_values", "rejected_rows")

    def __init__(self, path: Path, row_label: Callable[[int], str]) -> None:
        self._path = path
        self._row_label = row_label
        self._file: TextIO | None = None
        self._writer: Writer | None = None
        self.rejected_rows = 0
        self.dropped_values = 0

    def __enter__(self) -> "RejectsFile":
        try:
            if self._path.exists():
                if not _is_rejects_file(self._path):
                    raise CatalogImportError(
                        f"{self._path} exists and is not a rejects file: choose another path."
                    )
                self._path.unlink()
        except OSError as error:
            raise self._write_error(error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, rejects: Iterable[Reject]) -> None:
        try:
            for reject in rejects:
                label = self._row_label(reject.row).removeprefix("row ")
                self._open_writer().writerow((label, reject.field, reject.value, reject.reason))
                self.rejected_rows += reject.dropped == "row"
                self.dropped_values += reject.dropped == "field"
        except OSError as error:
            raise self._write_error(error) from error

    def _open_writer(self) -> "Writer":
        if self._writer is None:
            self._file = self._path.open("w", encoding="utf-8", errors="backslashreplace", newline="")
            self._writer = csv.writer(self._file)
            self._writer.writerow(_HEADINGS)
        return self._writer

    def _write_error(self, error: OSError) -> CatalogImportError:
        return CatalogImportError(f"The rejects file {self._path} cannot be written: {error.strerror}.")


def _is_rejects_file(path: Path) -> bool:
    """Return whether an import wrote this file, so it can be replaced."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(32).startswith(",".join(_HEADINGS).encode())
