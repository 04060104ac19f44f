"""A delivery: the rows of one or more sources, checked and in batches, on their way into staging."""

from collections.abc import AsyncGenerator, Callable, Generator
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from db.importing.records import BookRecord, Reject

Batch = list[BookRecord | Reject]

Rows = Generator[BookRecord | Reject]

BATCH_ROWS = 2_000


def row_number(row: int) -> str:
    return f"row {row}"


@dataclass(frozen=True, slots=True)
class Delivery:
    """The books and rejects of one import, in batches of some 2,000.

    `source` is the value of book.source (and of author.source where authors have ids). `position`
    tells how much of `total` has been read, both in `unit`.
    `place` names a row number for a person ("prices.csv row 12" when there are several files).
    `ignored` are the headings that no field takes. Whoever opens a delivery reads `batches` to the
    end or closes it; both close what it holds. While reading, `CatalogImportError` may still be raised
    for what only shows deep in a file (wrong encoding, an unclosed quote).
    """

    source: str
    batches: AsyncGenerator[Batch]
    total: int
    unit: Literal["bytes", "rows"]
    position: Callable[[], int]
    place: Callable[[int], str] = row_number
    ignored: tuple[str, ...] = ()


async def in_batches(rows: Rows) -> AsyncGenerator[Batch]:
    """The rows in batches; closing the batches closes the rows, and with them their file."""
    try:
        while batch := list(islice(rows, BATCH_ROWS)):
            yield batch
    finally:
        rows.close()
