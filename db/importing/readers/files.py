"""Text files of a delivery: found, not empty, in UTF-8, read line by line, and how far."""

import codecs
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BufferedReader, FileIO, TextIOWrapper
from pathlib import Path

from db.errors import CatalogImportError

BUFFER = 1 << 18
HEAD = 1 << 20

_OTHER_ENCODINGS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


@dataclass(slots=True)
class Progress:
    """How many bytes of the files read one after the other have been read."""

    before: int = 0
    current: FileIO | None = None

    def position(self) -> int:
        return self.before + (0 if self.current is None or self.current.closed else self.current.tell())


@dataclass(slots=True)
class Places:
    """Which file a row number of a delivery lies in, where rows are counted on through all files."""

    starts: list[tuple[int, Path]] = field(default_factory=list[tuple[int, Path]])
    single: bool = True

    def begin(self, path: Path, rows_before: int) -> None:
        self.starts.append((rows_before, path))

    def place(self, row: int) -> str:
        if self.single:
            return f"row {row}"
        before, path = next(start for start in reversed(self.starts) if start[0] < row)
        return f"{path.name} row {row - before}"


def existing_files(sources: Sequence[Path | str]) -> list[Path]:
    """The sources as paths of regular files that hold something and are not in another encoding."""
    paths = [Path(source) for source in sources]
    for path in paths:
        if not path.exists():
            raise CatalogImportError(f"{path}: there is no such file; check the path.")
        if path.is_dir():
            raise CatalogImportError(f"{path}: is a folder; name the file in it.")
        if not path.is_file():
            raise CatalogImportError(f"{path}: is not a regular file; save it as one first.")
        _refuse_other_encodings(path)
    return paths


def folder_files(sources: Sequence[Path | str], names: Sequence[str]) -> list[Path]:
    """The files of these names in the one folder that the sources name."""
    if len(sources) != 1:
        raise CatalogImportError(
            f"{len(sources)} sources were given; give the one folder that holds {names[0]}."
        )
    folder = Path(sources[0])
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "there is no such folder"
        raise CatalogImportError(f"{folder}: {what}; give the folder that holds {names[0]}.")
    missing = [name for name in names if not (folder / name).exists()]
    if missing:
        raise CatalogImportError(
            f"{folder}: {missing[0]} is missing; the folder must hold {', '.join(names)}."
        )
    return existing_files([folder / name for name in names])


def total_bytes(paths: Sequence[Path]) -> int:
    return sum(path.stat().st_size for path in paths)


@contextmanager
def opened_text(path: Path, progress: Progress | None = None) -> Generator[TextIOWrapper]:
    """The file as text, line endings untouched, without a byte order mark.

    A byte that is not UTF-8 raises CatalogImportError with its place, wherever in the block it is met.
    """
    raw = FileIO(str(path))
    if progress is not None:
        progress.current = raw
    with TextIOWrapper(BufferedReader(raw, BUFFER), encoding="utf-8-sig", newline="") as text:
        try:
            yield text
        except UnicodeDecodeError as error:
            raise CatalogImportError(_where_not_utf8(path)) from error
        finally:
            if progress is not None:
                progress.before += raw.tell()
                progress.current = None


def text_lines(path: Path, text: TextIOWrapper) -> Iterator[str]:
    """The lines of the file; a NUL in one means that the file is not text."""
    for number, line in enumerate(text, 1):
        if "\0" in line:
            raise CatalogImportError(
                f"{path}: line {number:,} holds a NUL byte, which no text does; export it again."
            )
        yield line


def _refuse_other_encodings(path: Path) -> None:
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
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
    if len(head) == HEAD and b"\n" not in head and b"\r" not in head:
        raise CatalogImportError(
            f"{path}: its first line does not end within {HEAD:,} bytes; this is no table of rows."
        )


def _where_not_utf8(path: Path) -> str:
    """The message that names the first byte which is not UTF-8."""
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
