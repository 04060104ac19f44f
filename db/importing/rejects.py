"""The file of rejected rows: CSV, made when the first row is rejected."""

import csv
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from db.errors import CatalogImportError
from db.importing.records import Reject

if TYPE_CHECKING:
    from _csv import Writer

HEADINGS = ("row", "field", "value", "reason")


class RejectsFile:
    """Writes rejects to `path` and counts the rows and the single values dropped; `place` names a row number for a person.

    Where no row is rejected there is no file: one left there by an earlier import is removed.
    Raises CatalogImportError when it cannot be written, or when something else is there.
    """

    __slots__ = ("_file", "_path", "_place", "_writer", "count", "dropped")

    def __init__(self, path: Path, place: Callable[[int], str]) -> None:
        self._path = path
        self._place = place
        self._file: TextIO | None = None
        self._writer: Writer | None = None
        self.count = 0
        self.dropped = 0

    def __enter__(self) -> "RejectsFile":
        try:
            if self._path.exists():
                if not is_rejects_file(self._path):
                    raise CatalogImportError(
                        f"{self._path} is no rejects file, and would be overwritten: name another."
                    )
                self._path.unlink()
        except OSError as error:
            raise self._unwritable(error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, rejects: Iterable[Reject]) -> None:
        try:
            for reject in rejects:
                place = self._place(reject.row).removeprefix("row ")
                self._rows().writerow((place, reject.field, reject.value, reject.reason))
                self.count += reject.dropped == "row"
                self.dropped += reject.dropped == "field"
        except OSError as error:
            raise self._unwritable(error) from error

    def _rows(self) -> "Writer":
        if self._writer is None:
            self._file = self._path.open("w", encoding="utf-8", errors="backslashreplace", newline="")
            self._writer = csv.writer(self._file)
            self._writer.writerow(HEADINGS)
        return self._writer

    def _unwritable(self, error: OSError) -> CatalogImportError:
        return CatalogImportError(f"The rejects file {self._path} cannot be written: {error.strerror}.")


def is_rejects_file(path: Path) -> bool:
    """Whether this is a file that an import wrote, and so may be replaced."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(32).startswith(",".join(HEADINGS).encode())
