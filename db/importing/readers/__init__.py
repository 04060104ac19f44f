"""Readers turn a delivery, in whatever format, into a stream of book records and rejects."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from db.errors import CatalogImportError
from db.importing.codes import CURRENCIES
from db.importing.readers.delimited import open_csv
from db.importing.readers.delivery import BATCH_ROWS, Batch, Delivery
from db.importing.readers.goodbooks import open_goodbooks
from db.importing.readers.gutenberg import open_gutenberg
from db.importing.readers.jsonl import open_jsonl
from db.importing.readers.oscar import open_oscar
from db.importing.readers.postgres import open_postgres
from db.importing.readers.seeded import open_seeded

__all__ = ["BATCH_ROWS", "FORMATS", "Batch", "Delivery", "open_delivery", "open_seeded"]

FORMATS = ("csv", "jsonl", "gutenberg", "goodbooks", "oscar", "postgres")
FLAT_FORMATS = ("csv", "jsonl", "postgres")


# Names that book.source and author.source cannot have: authors without ids are all of source "name".
RESERVED_SOURCES = ("name",)


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
    `mapping` leads from a column to a field; it, `table` and `currency` are refused where a format has
    no use for them. Raises CatalogImportError with one line for a person.
    """
    if format not in FORMATS:
        raise CatalogImportError(f"there is no format {format}; the formats are: {', '.join(FORMATS)}.")
    if not sources:
        what = "the server with --from" if format == "postgres" else "the files or folders"
        raise CatalogImportError(f"nothing to import; name {what} to read in the format {format}.")
    name = _source_name(format, source)
    _refuse_needless(format, mapping, source, table, currency)
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
        raise CatalogImportError(f"--source {name}: use at most 50 small letters, digits, - and _.")
    if name in RESERVED_SOURCES:
        raise CatalogImportError(f"--source {name}: this name is reserved; choose another.")
    return name


def _refuse_needless(
    format: str,  # noqa: A002
    mapping: Mapping[str, str] | None,
    source: str | None,
    table: str | None,
    currency: str | None,
) -> None:
    flat = format in FLAT_FORMATS
    for option, value, useful in (
        ("--map", mapping, flat),
        ("--source", source, flat),
        ("--table", table, format == "postgres"),
        ("--currency", currency, flat or format == "oscar"),
    ):
        if value and not useful:
            raise CatalogImportError(f"{option} means nothing for the format {format}; leave it out.")
    if currency is not None and currency not in CURRENCIES:
        raise CatalogImportError(f"--currency {currency}: not an ISO 4217 code such as EUR.")
