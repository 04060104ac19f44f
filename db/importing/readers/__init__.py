"""Readers parse a feed of one format into a stream of book records and rejects."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import entry_points
from inspect import isawaitable
from pathlib import Path

from db.errors import CatalogImportError
from db.importing.codes import CURRENCIES
from db.importing.readers import csv_reader, goodbooks, gutenberg, json_reader, jsonl, oscar, postgres
from db.importing.readers.encodings import check_encoding_name
from db.importing.readers.feed import BATCH_ROWS, Feed, RecordBatch
from db.importing.readers.formats import FeedOptions, Format, Option, ReadingOptions
from db.importing.readers.generated import open_generated

__all__ = [
    "BATCH_ROWS", "FORMATS", "Feed", "FeedOptions", "Format", "ReadingOptions", "RecordBatch",
    "find_format", "format_names", "open_feed", "open_generated",
]  # fmt: skip

FORMATS = {
    each.name: each
    for each in (
        csv_reader.FORMAT,
        jsonl.FORMAT,
        json_reader.FORMAT,
        postgres.FORMAT,
        gutenberg.FORMAT,
        goodbooks.FORMAT,
        oscar.FORMAT,
    )
}
"""The formats of this package."""

ENTRY_POINT_GROUP = "bookstore.formats"
"""The group of entry points by which other packages add formats. Each names a Format object."""

# Values not allowed for book.source and author.source: all authors without ids have the source "name".
_RESERVED_SOURCES = ("name",)


def format_names() -> list[str]:
    """Return the names of all formats, those of other packages last."""
    return list(dict.fromkeys([*FORMATS, *sorted(entry_points(group=ENTRY_POINT_GROUP).names)]))


def find_format(name: str) -> Format:
    """Return the format. Raise CatalogImportError if it is unknown or its package cannot be loaded."""
    if name in FORMATS:
        return FORMATS[name]
    found = list(entry_points(group=ENTRY_POINT_GROUP, name=name))
    if not found:
        raise CatalogImportError(f"unknown format {name}; the formats are: {', '.join(format_names())}.")
    try:
        loaded: object = found[0].load()
    except Exception as error:
        raise CatalogImportError(
            f"the format {name} cannot be loaded from {found[0].value} ({type(error).__name__}: {error})."
        ) from error
    if not isinstance(loaded, Format):
        raise CatalogImportError(f"the format {name} cannot be loaded: {found[0].value} is not a Format.")
    return loaded


async def open_feed(
    format: str,  # noqa: A002 - the command line's word
    sources: Sequence[Path | str],
    *,
    mapping: Mapping[str, str] | None = None,
    source: str | None = None,
    dsn: str | None = None,
    table: str | None = None,
    currency: str | None = None,
    reading: ReadingOptions | None = None,
) -> Feed:
    """Check the sources and options, and return the feed unread.

    It is a coroutine because the postgres format queries its server. No file or connection stays open
    until the first batch is read. `sources` are files or folders; `dsn` is the server of a format that reads
    from one. `mapping` maps columns to fields; `reading` says how cells and files are written. Options that
    the format does not accept are rejected. Raises CatalogImportError with a one-line message.
    """
    found = find_format(format)
    reading = reading or ReadingOptions()
    given: dict[Option, object] = {
        "--map": mapping, "--source": source, "--from": dsn, "--table": table, "--currency": currency,
    }  # fmt: skip
    for option in (*(option for option, value in given.items() if value), *reading.options_given()):
        if option not in found.accepts:
            raise CatalogImportError(f"{option} does not apply to the format {format}; leave it out.")
    if currency is not None and currency.upper() not in CURRENCIES:
        raise CatalogImportError(f"--currency {currency}: not an ISO 4217 code such as EUR.")
    if reading.encoding:
        check_encoding_name(reading.encoding)
    if dsn:
        sources = [*sources, dsn]
    if not sources:
        what = "the server with --from" if "--from" in found.accepts else "the files or folders"
        raise CatalogImportError(f"nothing to import; name {what} to read in the format {format}.")
    code = currency.upper() if currency else None
    options = FeedOptions(_source_name(format, source), mapping or {}, table, code, reading)
    opened = found.open(sources, options)
    feed = await opened if isawaitable(opened) else opened
    inputs = table if dsn else ", ".join(Path(each).name for each in sources)
    return replace(feed, inputs=f"{format} {inputs or ''}".strip())


def _source_name(format: str, source: str | None) -> str:  # noqa: A002
    name = format if source is None else source
    plain = name.replace("-", "a").replace("_", "a")
    if not (plain.isascii() and plain.isalnum() and name == name.lower() and len(name) <= 50):
        raise CatalogImportError(f"--source {name}: use at most 50 lower-case letters, digits, - and _.")
    if name in _RESERVED_SOURCES:
        raise CatalogImportError(f"--source {name}: this name is reserved; choose another.")
    return name
