"""Helpers for tests of readers: write small source files, and read whole feeds."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from db.errors import CatalogImportError
from db.importing.readers import open_feed
from db.importing.records import BookRecord, Reject

CATALOGS = Path(__file__).parents[4] / "../shared/catalogs"

needs_catalogs = pytest.mark.skipif(
    not CATALOGS.is_dir(), reason=f"the real catalogs are not at {CATALOGS.resolve()}"
)


async def read_records(format: str, *sources: Path | str, **options: Any) -> list[BookRecord | Reject]:  # noqa: A002
    feed = await open_feed(format, sources, **options)
    return [record async for batch in feed.batches for record in batch]


async def read_books(format: str, *sources: Path | str, **options: Any) -> list[BookRecord]:  # noqa: A002
    """Return all books of a feed. Assert that no row is rejected."""
    found = await read_records(format, *sources, **options)
    assert [record for record in found if isinstance(record, Reject)] == []
    return [record for record in found if isinstance(record, BookRecord)]


async def read_one_book(format: str, *sources: Path | str, **options: Any) -> BookRecord:  # noqa: A002
    (book,) = await read_books(format, *sources, **options)
    return book


async def import_error(format: str, *sources: Path | str, **options: Any) -> str:  # noqa: A002
    """Return the one-line CatalogImportError message raised when the feed is opened or read."""
    with pytest.raises(CatalogImportError) as failed:
        await read_records(format, *sources, **options)
    line = str(failed.value)
    assert "\n" not in line
    return line


def write_lines(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(f"{line}\n" for line in lines).encode())
    return path


def csv_line(cells: Sequence[str]) -> str:
    return ",".join('"' + cell.replace('"', '""') + '"' for cell in cells)


def write_table(path: Path, *rows: Mapping[str, str]) -> Path:
    """Write a csv file with the columns of the first row. Later rows may omit empty columns."""
    names = list(rows[0])
    return write_lines(
        path, ",".join(names), *(csv_line([row.get(name, "") for name in names]) for row in rows)
    )
