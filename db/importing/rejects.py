"""The rejects file: the rejected rows with their reasons, complete on disk before the import commits."""

import csv
import logging
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from db.errors import CatalogImportError
from db.importing.readers.reject_headings import PLAIN_HEADINGS, is_rejects_file
from db.importing.records import Reject
from db.importing.reject_spool import RejectSpool
from db.importing.replaced_file import ReplacedFile

if TYPE_CHECKING:
    from db.importing.readers.feed import Feed

log = logging.getLogger(__name__)

_WRITE_ERRORS = (OSError, sqlite3.Error)


class RejectsFile:
    """Write rejects to a temporary file beside `path`, and count rejected rows and dropped values.

    The file holds the rows as they are in the files of the feed, if the feed can read them again. `finish` puts
    it in its place. If no row is rejected, there is no file; the rejects file of an earlier import is removed.
    Without `finish` an earlier file stays as it was. A file that the feed reads stays until `replace_input`.

    Raises CatalogImportError if the file cannot be written, or if `path` is not a rejects file.
    """

    __slots__ = (
        *("_feed", "_file", "_is_written", "_path", "_spool"),
        *("dropped_values", "is_input", "rejected_rows", "skipped_books"),
    )

    def __init__(self, path: Path, feed: "Feed") -> None:
        self._path = path
        self._feed = feed
        self._file: ReplacedFile | None = None
        self._spool: RejectSpool | None = None
        self._is_written = False
        self.is_input = False
        self.rejected_rows = 0
        self.dropped_values = 0
        self.skipped_books = 0

    def __enter__(self) -> "RejectsFile":
        try:
            if self._path.exists():
                if not is_rejects_file(self._path):
                    raise CatalogImportError(
                        f"{self._path} exists and is not a rejects file: choose another path with --rejects."
                    )
                originals = self._feed.originals
                self.is_input = originals is not None and any(map(self._path.samefile, originals.paths))
        except OSError as error:
            raise self._write_error(error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the temporary files, unless the file has been put in its place."""
        if self._file is not None:
            self._file.close()
        if self._spool is not None:
            self._spool.close()

    def write(self, rejects: Iterable[Reject]) -> None:
        try:
            for reject in rejects:
                if self._spool is None:
                    self._file = ReplacedFile(self._path)
                    self._spool = RejectSpool()
                self._spool.add(reject)
                self.rejected_rows += reject.dropped == "row"
                self.dropped_values += reject.dropped == "field"
                self.skipped_books += reject.dropped == "new book"
        except _WRITE_ERRORS as error:
            raise self._write_error(error) from error

    def write_rows(self) -> None:
        """Write the rejects to disk, beside the file of an earlier import."""
        if self._file is None or self._spool is None or self._is_written:
            return
        try:
            self._write_lines(self._file, self._spool)
            self._file.write_to_disk()
            self._is_written = True
        except _WRITE_ERRORS as error:
            raise self._write_error(error) from error

    def finish(self) -> None:
        """Replace or remove the file of an earlier import, unless the feed reads it."""
        self.write_rows()
        if self.is_input:
            return
        try:
            self._replace()
        except OSError as error:
            raise self._write_error(error) from error

    def replace_input(self) -> None:
        """Replace or remove the file that the feed read, after the commit."""
        if self.is_input:
            try:
                self._replace()
            except OSError as error:
                log.warning("The import is complete, but %s could not be replaced: %s", self._path, error)

    def _replace(self) -> None:
        if self._file is None:
            self._path.unlink(missing_ok=True)
        else:
            self._file.replace()

    def _write_lines(self, file: ReplacedFile, spool: RejectSpool) -> None:
        originals, label = self._feed.originals, self._feed.row_label
        if originals is not None:
            spool.add_parents(originals.find_parents)
            originals.write_rows(file.file, lambda: spool.rows(label))
            return
        writer = csv.writer(file.file)
        writer.writerow(PLAIN_HEADINGS)
        for reject in spool.rejects():
            name = label(reject.row).removeprefix("row ")
            writer.writerow((name, reject.field, reject.value, reject.reason, reject.source_id, reject.title))

    def _write_error(self, error: OSError | sqlite3.Error) -> CatalogImportError:
        reason = error.strerror if isinstance(error, OSError) else error
        return CatalogImportError(
            f"The rejects file {self._path} cannot be written: {reason}. Nothing was imported; "
            "choose another path with --rejects."
        )
