"""Open the bytes of a source: a file, gzip, the only file in a zip archive, or standard input."""

import atexit
import gzip
import os
import shutil
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from io import BufferedReader, FileIO
from pathlib import Path
from typing import IO, BinaryIO, Literal, cast

from db.errors import CatalogImportError

Container = Literal["plain", "gzip", "zip", "workbook"]

_BUFFER_BYTES = 1 << 18
_GZIP_MAGIC = b"\x1f\x8b"
_ZIP_MAGIC = b"PK\x03\x04"
_OLD_WORKBOOK_MAGIC = b"\xd0\xcf\x11\xe0"
_WORKBOOK_PARTS = ("xl/workbook.xml", "xl/workbook.bin", "content.xml")

STANDARD_INPUT = "-"


def find_path(source: Path | str) -> Path:
    """Return the path of a source. Standard input ("-") is copied to a temporary file, since it is read twice."""
    if str(source) != STANDARD_INPUT:
        return Path(source)
    handle, name = tempfile.mkstemp(prefix="bookstore-stdin-")
    atexit.register(Path(name).unlink, missing_ok=True)
    with os.fdopen(handle, "wb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
    return Path(name)


def find_container(path: Path) -> Container:
    """Return what holds the text of a file, by its first bytes."""
    with path.open("rb") as file:
        head = file.read(4)
    if head.startswith(_GZIP_MAGIC):
        return "gzip"
    if head == _OLD_WORKBOOK_MAGIC:
        return "workbook"
    if head != _ZIP_MAGIC:
        return "plain"
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except zipfile.BadZipFile as error:
        raise CatalogImportError(f"{path}: the archive is damaged ({error}); copy it again.") from error
    return "workbook" if not names.isdisjoint(_WORKBOOK_PARTS) else "zip"


@contextmanager
def open_bytes(path: Path, raw: FileIO) -> Generator[BinaryIO]:
    """Open the unpacked bytes of a file that is open as `raw`. Raise CatalogImportError if it is damaged."""
    container = find_container(path)
    try:
        if container == "gzip":
            with gzip.GzipFile(fileobj=raw) as unpacked:
                yield cast("BinaryIO", BufferedReader(cast("FileIO", unpacked), _BUFFER_BYTES))
        elif container == "zip":
            with zipfile.ZipFile(raw) as archive, _open_member(path, archive) as member:
                yield cast("BinaryIO", BufferedReader(cast("FileIO", member), _BUFFER_BYTES))
        elif container == "workbook":
            raise CatalogImportError(
                f"{path}: is a workbook of a spreadsheet; import it as csv, or save it as CSV."
            )
        else:
            yield cast("BinaryIO", BufferedReader(raw, _BUFFER_BYTES))
    except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile) as error:
        raise CatalogImportError(f"{path}: the archive is damaged ({error}); copy it again.") from error


def read_head(path: Path, count: int) -> bytes:
    """Return the first unpacked bytes of a file, or none of a workbook. Raise CatalogImportError if it is damaged."""
    if find_container(path) == "workbook":
        return b""
    with FileIO(str(path)) as raw, open_bytes(path, raw) as file:
        return file.read(count)


def _open_member(path: Path, archive: zipfile.ZipFile) -> IO[bytes]:
    """Open the only file of an archive, ignoring the metadata files that macOS adds."""
    names = [
        info.filename
        for info in archive.infolist()
        if not info.is_dir()
        and not info.filename.startswith("__MACOSX/")
        and not Path(info.filename).name.startswith(".")
    ]
    if len(names) != 1:
        listed = ", ".join(names[:5]) or "none"
        raise CatalogImportError(
            f"{path}: the archive holds {len(names)} files ({listed}), not 1; unpack it, and name the files to read."
        )
    try:
        return archive.open(names[0])
    except RuntimeError as error:  # a password
        raise CatalogImportError(f"{path}: {error}; unpack it first.") from error
