"""A feed: the parsed rows of one import in batches, read from one or more files or a table."""

from collections.abc import AsyncGenerator, Callable, Generator
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from db.importing.records import BookRecord, Reject

RecordBatch = list[BookRecord | Reject]

RecordStream = Generator[BookRecord | Reject]

BATCH_ROWS = 2_000


def default_row_label(row: int) -> str:
    return f"row {row}"


@dataclass(frozen=True, slots=True)
class Feed:
    """The books and rejects of one import, in batches of at most 2,000.

    - `source` is the value of book.source, and of author.source for authors with ids.
    - `completed` returns the amount read so far; `total` is the full amount, both in `unit`.
    - `row_label` formats a row number for display: "prices.csv row 12" if there are several files.
    - `ignored_headings` are the headings without a field.

    The caller must read `batches` to the end or close it; both close the open file or connection. While
    reading, CatalogImportError is raised for errors deep in a file (wrong encoding, an unclosed quote).
    """

    source: str
    batches: AsyncGenerator[RecordBatch]
    total: int
    unit: Literal["bytes", "rows"]
    completed: Callable[[], int]
    row_label: Callable[[int], str] = default_row_label
    ignored_headings: tuple[str, ...] = ()


async def batch_records(rows: RecordStream) -> AsyncGenerator[RecordBatch]:
    """Yield the records in batches. Closing the generator closes `rows`, which closes the file."""
    try:
        while batch := list(islice(rows, BATCH_ROWS)):
            yield batch
    finally:
        rows.close()
