"""Text files of a feed: check that they exist and are UTF-8, read their lines, and count the bytes read."""

import codecs
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BufferedReader, FileIO, TextIOWrapper
from pathlib import Path

from db.errors import CatalogImportError

_BUFFER_BYTES = 1 << 18
_MAX_FIRST_LINE_BYTES = 1 << 20

_OTHER_ENCODINGS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


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

    def start_file(self, path: Path, rows_before: int) -> None:
        self.file_starts.append((rows_before, path))

    def label(self, row: int) -> str:
        if self.single_file:
            return f"row {row}"
        before, path = next(start for start in reversed(self.file_starts) if start[0] < row)
        return f"{path.name} row {row - before}"


def require_files(sources: Sequence[Path | str]) -> list[Path]:
    """Return the paths of the sources. Raise CatalogImportError unless all are regular, non-empty UTF-8 files."""
    paths = [Path(source) for source in sources]
    for path in paths:
        if not path.exists():
            raise CatalogImportError(f"{path}: there is no such file; check the path.")
        if path.is_dir():
            raise CatalogImportError(f"{path}: is a folder; name the file in it.")
        if not path.is_file():
            raise CatalogImportError(f"{path}: is not a regular file; save it as one first.")
        _check_encoding(path)
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
def open_text(path: Path, bytes_read: BytesRead | None = None) -> Generator[TextIOWrapper]:
    """Open the file as text, with original line endings and without a byte order mark.

    A byte that is not UTF-8 raises CatalogImportError with its offset and line, even in the middle of a block.
    """
    raw = FileIO(str(path))
    if bytes_read is not None:
        bytes_read.current_file = raw
    with TextIOWrapper(BufferedReader(raw, _BUFFER_BYTES), encoding="utf-8-sig", newline="") as text:
        try:
            yield text
        except UnicodeDecodeError as error:
            raise CatalogImportError(_describe_bad_byte(path)) from error
        finally:
            if bytes_read is not None:
                bytes_read.finished_bytes += raw.tell()
                bytes_read.current_file = None


def read_lines(path: Path, text: TextIOWrapper) -> Iterator[str]:
    """Yield the lines of the file. Raise CatalogImportError for a NUL byte: the file is not text."""
    for number, line in enumerate(text, 1):
        if "\0" in line:
            raise CatalogImportError(
                f"{path}: line {number:,} contains a NUL byte, so the file is not text; export it again."
            )
        yield line


def _check_encoding(path: Path) -> None:
    try:
        with path.open("rb") as file:
            head = file.read(_MAX_FIRST_LINE_BYTES)
    except OSError as error:
        raise CatalogImportError(
            f"{path}: cannot be read ({error.strerror}); check its permissions."
        ) from error
    if not head.removeprefix(codecs.BOM_UTF8):
        raise CatalogImportError(f"{path}: the file is empty; check that it was exported completely.")
    for mark, encoding in _OTHER_ENCODINGS.items():
        if head.startswith(mark):
            raise CatalogImportError(f"{path}: the file is in {encoding}; save it as UTF-8.")
    if head[1:4:2] == b"\0\0" or head[:4:2] == b"\0\0":
        raise CatalogImportError(f"{path}: the file is in UTF-16; save it as UTF-8.")
    if len(head) == _MAX_FIRST_LINE_BYTES and b"\n" not in head and b"\r" not in head:
        raise CatalogImportError(
            f"{path}: the first line is longer than {_MAX_FIRST_LINE_BYTES:,} bytes; the file is not a table of rows."
        )


def _describe_bad_byte(path: Path) -> str:
    """Return an error message with the first byte that is not UTF-8, its offset and line."""
    with path.open("rb") as file:
        offset = 0
        for number, line in enumerate(file, 1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                byte, place = line[error.start], offset + error.start
                return (
                    f"{path}: not UTF-8: byte 0x{byte:02x} at offset {place:,} (line {number:,});"
                    " save the file as UTF-8."
                )
            offset += len(line)
    return f"{path}: is not UTF-8; save the file as UTF-8."
