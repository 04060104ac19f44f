"""A file that takes the place of an earlier one only when it is complete on disk."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TextIO

_READABLE = 0o644
"""The permissions of the file. A temporary file is readable by its owner only."""


class ReplacedFile:
    """A text file that is written beside `path` and replaces it with `finish`. All methods raise OSError."""

    __slots__ = ("_path", "_temporary", "file")

    def __init__(self, path: Path) -> None:
        self._path = path
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        self._temporary: Path | None = Path(name)
        self.file: TextIO = os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace", newline="")

    def finish(self) -> None:
        """Write the file to disk and put it in its place."""
        self.write_to_disk()
        self.replace()

    def write_to_disk(self) -> None:
        self.file.flush()
        os.fsync(self.file.fileno())

    def replace(self) -> None:
        """Put the file in its place. It must be on disk."""
        if self._temporary is not None:
            self._temporary.chmod(_READABLE)
            self._temporary.replace(self._path)
            self._temporary = None

    def close(self) -> None:
        """Close the file. If it was not finished, remove it; the earlier one stays as it was."""
        with suppress(OSError):
            self.file.close()
        if self._temporary is not None:
            with suppress(OSError):
                self._temporary.unlink()
            self._temporary = None


def begins_with(path: Path, headings: tuple[str, ...]) -> bool:
    """Return whether the file begins with these headings, so that an import wrote it and may replace it."""
    if not path.is_file():
        return False
    expected = ",".join(headings).encode()
    with path.open("rb") as file:
        return file.read(len(expected)) == expected
