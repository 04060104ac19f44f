"""Readers turn a delivery, in whatever format, into a stream of book records and rejects."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from db.importing.readers.delivery import BATCH_ROWS, Batch, Delivery

__all__ = ["BATCH_ROWS", "FORMATS", "Batch", "Delivery", "open_delivery"]

FORMATS = ("csv", "jsonl", "gutenberg", "goodbooks", "oscar", "postgres")


async def open_delivery(
    format: str,  # noqa: A002 - the user's word
    sources: Sequence[Path | str],
    *,
    mapping: Mapping[str, str] | None = None,
    source: str | None = None,
    table: str | None = None,
    currency: str | None = None,
) -> Delivery:
    """Check that a delivery can be read as a whole, and return it unread.

    It is a coroutine because the postgres format has to ask its server; nothing is held open until
    the first batch is asked for. `sources` are files or folders, or the DSN of the postgres format.
    Raises ImportFailed with one line for a person.
    """
    raise NotImplementedError(format, sources, mapping, source, table, currency)
