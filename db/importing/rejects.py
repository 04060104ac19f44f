"""The rejects file: a CSV file of rejected rows, complete on disk before the import commits."""

import csv
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from db.errors import CatalogImportError
from db.importing.records import Reject
from db.importing.replaced_file import ReplacedFile, begins_with

if TYPE_CHECKING:
    from _csv import Writer

_HEADINGS = ("row", "field", "value", "reason", "source_id", "title")
_FIRST_HEADINGS = _HEADINGS[:4]
"""The headings by which a rejects file is known."""


class RejectsFile:
    """Write rejects to a temporary file beside `path`, and count rejected rows and dropped values.

    `row_label` formats a row number for display. `finish` puts the file in its place. If no row is rejected,
    there is no file; the rejects file of an earlier import is removed. Without `finish` an earlier file stays
    as it was. Raises CatalogImportError if the file cannot be written, or if `path` is not a rejects file.
    """

    __slots__ = (
        *("_file", "_path", "_row_label", "_writer"),
        *("dropped_values", "rejected_rows", "skipped_books"),
    )

    def __init__(self, path: Path, row_label: Callable[[int], str]) -> None:
        self._path = path
        self._row_label = row_label
        self._file: ReplacedFile | None = None
        self._writer: Writer | None = None
        self.rejected_rows = 0
        self.dropped_values = 0
        self.skipped_books = 0

    def __enter__(self) -> "RejectsFile":
        try:
            if self._path.exists() and not begins_with(self._path, _FIRST_HEADINGS):
                raise CatalogImportError(
                    f"{self._path} exists and is not a rejects file: choose another path with --rejects."
                )
        except OSError as error:
            raise self._write_error(error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the temporary file, unless it has been put in its place."""
        if self._file is not None:
            self._file.close()

    def write(self, rejects: Iterable[Reject]) -> None:
        try:
            for reject in rejects:
                label = self._row_label(reject.row).removeprefix("row ")
                self._open_writer().writerow(
                    (label, reject.field, reject.value, reject.reason, reject.source_id, reject.title)
                )
                self.rejected_rows += reject.dropped == "row"
                self.dropped_values += reject.dropped == "field"
                self.skipped_books += reject.dropped == "new book"
        except OSError as error:
            raise self._write_error(error) from error

    def finish(self) -> None:
        """Write the file to disk and replace that of an earlier import, or remove it if there are no rejects."""
        try:
            if self._file is None:
                self._path.unlink(missing_ok=True)
            else:
                self._file.finish()
        except OSError as error:
            raise self._write_error(error) from error

    def _open_writer(self) -> "Writer":
        if self._writer is None:
            self._file = ReplacedFile(self._path)
            self._writer = csv.writer(self._file.file)
            self._writer.writerow(_HEADINGS)
        return self._writer

    def _write_error(self, error: OSError) -> CatalogImportError:
        return CatalogImportError(
            f"The rejects file {self._path} cannot be written: {error.strerror}. Nothing was imported; "
            "choose another path with --rejects."
        )
