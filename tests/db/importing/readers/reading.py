"""What tests of readers share: small deliveries written, and deliveries read to their end."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from db.errors import CatalogImportError
from db.importing.readers import open_delivery
from db.importing.records import BookRecord, Reject

CATALOGS = Path(__file__).parents[4] / "../shared/catalogs"

needs_catalogs = pytest.mark.skipif(
    not CATALOGS.is_dir(), reason=f"the real catalogs are not at {CATALOGS.resolve()}"
)


async def records(format: str, *sources: Path | str, **options: Any) -> list[BookRecord | Reject]:  # noqa: A002
    delivery = await open_delivery(format, sources, **options)
    return [record async for batch in delivery.batches for record in batch]


async def books(format: str, *sources: Path | str, **options: Any) -> list[BookRecord]:  # noqa: A002
    """All records of a delivery in which nothing is rejected."""
    found = await records(format, *sources, **options)
    assert [record for record in found if isinstance(record, Reject)] == []
    return [record for record in found if isinstance(record, BookRecord)]


async def one_book(format: str, *sources: Path | str, **options: Any) -> BookRecord:  # noqa: A002
    (book,) = await books(format, *sources, **options)
    return book


async def refusal(format: str, *sources: Path | str, **options: Any) -> str:  # noqa: A002
    """The one line with which a delivery is refused, whether when opened or while read."""
    with pytest.raises(CatalogImportError) as failed:
        await records(format, *sources, **options)
    line = str(failed.value)
    assert "\n" not in line
    return line


def written(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(f"{line}\n" for line in lines).encode())
    return path


def csv_line(cells: Sequence[str]) -> str:
    return ",".join('"' + cell.replace('"', '""') + '"' for cell in cells)


def written_table(path: Path, *rows: Mapping[str, str]) -> Path:
    """A csv file with the columns of its first row, in which later rows leave out what is empty."""
    names = list(rows[0])
    return written(path, ",".join(names), *(csv_line([row.get(name, "") for name in names]) for row in rows))
