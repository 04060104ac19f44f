"""Readers parse a feed of one format into a stream of book records and rejects."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from db.errors import CatalogImportError
from db.importing.codes import CURRENCIES
from db.importing.readers.csv_reader import open_csv
from db.importing.readers.feed import BATCH_ROWS, Feed, RecordBatch
from db.importing.readers.generated import open_generated
from db.importing.readers.goodbooks import open_goodbooks
from db.importing.readers.gutenberg import open_gutenberg
from db.importing.readers.jsonl import open_jsonl
from db.importing.readers.oscar import open_oscar
from db.importing.readers.postgres import open_postgres

__all__ = ["BATCH_ROWS", "FORMATS", "Feed", "RecordBatch", "open_feed", "open_generated"]

FORMATS = ("csv", "jsonl", "gutenberg", "goodbooks", "oscar", "postgres")
_FLAT_FORMATS = ("csv", "jsonl", "postgres")


# Values not allowed for book.source and author.source: all authors without ids have the source "name".
_RESERVED_SOURCES = ("name",)


async def open_feed(
    format: str,  # noqa: A002 - the command line's word
    sources: Sequence[Path | str],
    *,
    mapping: Mapping[str, str] | None = None,
    source: str | None = None,
    table: str | None = None,
    currency: str | None = None,
) -> Feed:
    """Check the sources and options, and return the feed unread.

    It is a coroutine because the postgres format queries its server. No file or connection stays open
    until the first batch is read. `sources` are files or folders, or the DSN of the postgres format.
    `mapping` maps columns to fields. Options that do not apply to the format are rejected. Raises
    CatalogImportError with a one-line message.
    """
    if format not in FORMATS:
        raise CatalogImportError(f"unknown format {format}; the formats are: {', '.join(FORMATS)}.")
    if not sources:
        what = "the server with --from" if format == "postgres" else "the files or folders"
        raise CatalogImportError(f"nothing to import; name {what} to read in the format {format}.")
    name = _source_name(format, source)
    _reject_inapplicable_options(format, mapping, source, table, currency)
    mapping = mapping or {}
    match format:
        case "csv":
            return open_csv(sources, mapping, name, currency)
        case "jsonl":
            return open_jsonl(sources, mapping, name, currency)
        case "gutenberg":
            return open_gutenberg(sources)
        case "goodbooks":
            return open_goodbooks(sources)
        case "oscar":
            return open_oscar(sources, currency)
        case _:
            return await open_postgres(sources, table, mapping, name, currency)


def _source_name(format: str, source: str | None) -> str:  # noqa: A002
    name = format if source is None else source
    plain = name.replace("-", "a").replace("_", "a")
    if not (plain.isascii() and plain.isalnum() and name == name.lower() and len(name) <= 50):
        raise CatalogImportError(f"--source {name}: use at most 50 lower-case letters, digits, - and _.")
    if name in _RESERVED_SOURCES:
        raise CatalogImportError(f"--source {name}: this name is reserved; choose another.")
    return name


def _reject_inapplicable_options(
    format: str,  # noqa: A002
    mapping: Mapping[str, str] | None,
    source: str | None,
    table: str | None,
    currency: str | None,
) -> None:
    flat = format in _FLAT_FORMATS
    for option, value, useful in (
        ("--map", mapping, flat),
        ("--source", source, flat),
        ("--table", table, format == "postgres"),
        ("--currency", currency, flat or format == "oscar"),
    ):
        if value and not useful:
            raise CatalogImportError(f"{option} does not apply to the format {format}; leave it out.")
    if currency is not None and currency not in CURRENCIES:
        raise CatalogImportError(f"--currency {currency}: not an ISO 4217 code such as EUR.")
