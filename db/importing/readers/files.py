"""Text files of a feed: check that they exist, decode them, read their lines, and count the bytes read."""

import codecs
import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from io import FileIO, TextIOWrapper
from pathlib import Path
from typing import BinaryIO, TextIO

from db.errors import CatalogImportError
from db.importing.readers.containers import find_container, find_path, open_bytes
from db.importing.readers.encodings import WINDOWS_1252, find_encoding, is_windows_1252

_MAX_FIRST_LINE_BYTES = 1 << 20

MAX_LINE_LENGTH = 16_000_000
"""The length at which a line is cut, in characters."""


@dataclass(slots=True)
class BytesRead:
    """Counts the bytes read from the files of a feed."""

    finished_bytes: int = 0
    current_file: FileIO | None = None

    def count(self) -> int:
        return self.finished_bytes + (
            0 if self.current_file is None or self.current_file.closed else self.current_file.tell()
        )


@dataclass(slots=True)
class RowLocator:
    """Finds the file of a row number. Rows are numbered through all files of a feed."""

    file_starts: list[tuple[int, Path]] = field(default_factory=list[tuple[int, Path]])
    single_file: bool = True
    unit: str = "row"

    def start_file(self, path: Path, rows_before: int) -> None:
        self.file_starts.append((rows_before, path))

    def label(self, row: int) -> str:
        if self.single_file:
            return f"{self.unit} {row}"
        before, path = next(start for start in reversed(self.file_starts) if start[0] < row)
        return f"{path.name} {self.unit} {row - before}"


def require_files(sources: Sequence[Path | str], encoding: str = "") -> list[Path]:
    """Return the paths of the sources; "-" is standard input.

    Raise CatalogImportError unless all are regular files that hold text, or a workbook.
    """
    paths: list[Path] = []
    for source in sources:
        path = find_path(source)
        if not path.exists():
            raise CatalogImportError(f"{path}: there is no such file; check the path.")
        if path.is_dir():
            raise CatalogImportError(f"{path}: is a folder; name the file in it.")
        if not path.is_file():
            raise CatalogImportError(f"{path}: is not a regular file; save it as one first.")
        _check_head(path, encoding)
        paths.append(path)
    return paths


def require_folder_files(sources: Sequence[Path | str], names: Sequence[str]) -> list[Path]:
    """Return the files with these names in the folder, which must be the only source."""
    if len(sources) != 1:
        raise CatalogImportError(
            f"{len(sources)} sources were given; give one folder that contains {names[0]}."
        )
    folder = Path(sources[0])
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "there is no such folder"
        raise CatalogImportError(f"{folder}: {what}; give the folder that contains {names[0]}.")
    missing = [name for name in names if not (folder / name).exists()]
    if missing:
        raise CatalogImportError(
            f"{folder}: {missing[0]} is missing; the folder must contain {', '.join(names)}."
        )
    return require_files([folder / name for name in names])


def total_bytes(paths: Sequence[Path]) -> int:
    return sum(path.stat().st_size for path in paths)


@contextmanager
def open_text(
    path: Path, bytes_read: BytesRead | None = None, encoding: str = ""
) -> Generator[TextIOWrapper]:
    """Open the file as text, with original line endings and without a byte order mark.

    A packed file is unpacked. Without an encoding it is UTF-8, or UTF-16 if that is certain. A byte that is
    not of the encoding raises CatalogImportError with its line, even in the middle of a block. So does a file
    that becomes shorter while it is read.
    """
    raw = FileIO(str(path))
    size = os.fstat(raw.fileno()).st_size
    if bytes_read is not None:
        bytes_read.current_file = raw
    try:
        with open_bytes(path, raw) as file:
            name = encoding or find_encoding(_peek(file))
            with TextIOWrapper(file, encoding=name, newline="") as text:
                try:
                    yield text
                    if (left := os.fstat(raw.fileno()).st_size) < size:
                        raise CatalogImportError(
                            f"{path}: the file became shorter while it was read: {left:,} of {size:,} bytes are"
                            " left. Import it when the program that writes it has finished."
                        )
                except UnicodeDecodeError as error:
                    raise CatalogImportError(_describe_bad_byte(path, error, name, encoding)) from error
                finally:
                    if bytes_read is not None:
                        bytes_read.finished_bytes += raw.tell()
                        bytes_read.current_file = None
    finally:
        raw.close()


def is_utf(path: Path) -> bool:
    """Return whether all of the file is UTF-8, or UTF-16 if that is certain."""
    try:
        with open_text(path) as text:
            for _ in text:
                pass
    except CatalogImportError:
        return False
    return True


def guess_encoding(path: Path) -> str:
    """Return Windows-1252 if all of the file shows that it is, and otherwise "": UTF-8, or UTF-16."""
    with FileIO(str(path)) as raw, open_bytes(path, raw) as file:
        is_certain = find_encoding(_peek(file)) == "utf-8-sig" and is_windows_1252(
            iter(partial(file.readline, _MAX_FIRST_LINE_BYTES), b"")
        )
    return WINDOWS_1252 if is_certain else ""


def _peek(file: BinaryIO) -> bytes:
    return file.peek(4)[:4]  # type: ignore[attr-defined]  # it is buffered


def bound_lines(text: TextIO) -> Iterator[str]:
    """Yield the lines of a text. A line that is too long is cut to MAX_LINE_LENGTH characters, without a line break."""
    for line in iter(partial(text.readline, MAX_LINE_LENGTH), ""):
        yield line
        if len(line) == MAX_LINE_LENGTH and not line.endswith(("\n", "\r")):
            for rest in iter(partial(text.readline, MAX_LINE_LENGTH), ""):
                if rest.endswith(("\n", "\r")):
                    break


def read_lines(path: Path, text: TextIO) -> Iterator[str]:
    """Yield the lines of the file. Raise CatalogImportError for a NUL byte: the file is not text.

    A line that is too long is cut to MAX_LINE_LENGTH characters.
    """
    for number, line in enumerate(bound_lines(text), 1):
        if "\0" in line:
            raise binary_file_error(path, number)
        yield line


def binary_file_error(path: Path, line: int) -> CatalogImportError:
    return CatalogImportError(
        f"{path}: line {line:,} contains a NUL byte, so the file is not text; export it again."
    )


def _check_head(path: Path, encoding: str) -> None:
    try:
        if find_container(path) == "workbook":
            return
        with FileIO(str(path)) as raw, open_bytes(path, raw) as file:
            head = file.read(_MAX_FIRST_LINE_BYTES)
    except OSError as error:
        raise CatalogImportError(
            f"{path}: cannot be read ({error.strerror}); check its permissions."
        ) from error
    if not head.removeprefix(codecs.BOM_UTF8):
        raise CatalogImportError(f"{path}: the file is empty; check that it was exported completely.")
    if (
        len(head) == _MAX_FIRST_LINE_BYTES
        and b"\n" not in head
        and b"\r" not in head
        and head[:1] not in b"[{"
    ):
        raise CatalogImportError(
            f"{path}: the first line is longer than {_MAX_FIRST_LINE_BYTES:,} bytes; the file is not a table of rows."
        )


def _describe_bad_byte(path: Path, error: UnicodeDecodeError, name: str, encoding: str) -> str:
    """Return an error message with the first byte that is not of the encoding, its offset and line."""
    if name != "utf-8-sig":
        advice = f"--encoding {encoding} is not its encoding" if encoding else "the file is damaged"
        return f"{path}: not {error.encoding}: {error.reason}; {advice}."
    with FileIO(str(path)) as raw, open_bytes(path, raw) as file:
        offset = 0
        for number, line in enumerate(file, 1):
            try:
                line.decode()
            except UnicodeDecodeError as line_error:
                byte, place = line[line_error.start], offset + line_error.start
                return (
                    f"{path}: not UTF-8: byte 0x{byte:02x} at offset {place:,} (line {number:,});"
                    " save it as UTF-8, or for csv name its encoding, such as --encoding windows-1252."
                )
            offset += len(line)
    return f"{path}: is not UTF-8; save it as UTF-8, or for csv name its encoding with --encoding."
