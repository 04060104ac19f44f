"""Every column of a book is complete: it is parsed, stored, compared, read, audited, seeded and documented."""

import re
from collections.abc import Mapping
from dataclasses import fields
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from db.book_columns import BOOK_COLUMNS, BookColumn
from db.books import Book, books_by_ids
from db.connections.connect import Connection
from db.importing.readers.flat import FlatRecordParser
from db.importing.readers.flat_fields import FLAT_FIELDS
from db.importing.records import BookRecord
from db.importing.seed import generate_books
from db.importing.temporary_tables import create_staging_tables
from db.verify import run_checks
from tests.book_examples import COLUMN_EXAMPLES
from tests.catalogs import add_book
from tests.db.importing.feeds import Catalog

NAMES = [column.name for column in BOOK_COLUMNS]
DOCS = Path(__file__).parents[3] / "docs" / "import.md"
TEXTS = {
    column.flat_field: COLUMN_EXAMPLES[column.name].text
    for column in BOOK_COLUMNS
    if column.name in COLUMN_EXAMPLES
}
VALUES = {name: example.value for name, example in COLUMN_EXAMPLES.items()}

TYPES = """
SELECT attname, format_type(atttypid, atttypmod), attcollation, attnotnull
FROM pg_attribute WHERE attrelid = $1::text::regclass AND attname = ANY ($2::text[])
"""

by_column = pytest.mark.parametrize("column", BOOK_COLUMNS, ids=NAMES)


def parse(texts: Mapping[str, str]) -> BookRecord:
    (record,) = FlatRecordParser(tuple(texts)).parse(1, tuple(texts.values()))
    assert isinstance(record, BookRecord)
    return record


def values_of(record: object) -> dict[str, Any]:
    return {name: getattr(record, name) for name in NAMES}


def test_every_column_has_an_example_and_a_field_of_the_record() -> None:
    assert list(COLUMN_EXAMPLES) == NAMES
    record_fields = {field.name for field in fields(BookRecord)}
    assert record_fields == {"row", "source_id", *NAMES, "authors", "categories", "absent"}


async def test_staging_and_the_catalog_have_the_declared_types(connection: Connection) -> None:
    await create_staging_tables(connection)

    in_catalog = {row[0]: tuple(row)[1:] for row in await connection.fetch(TYPES, "book", NAMES)}
    staged = {row[0]: tuple(row)[1:] for row in await connection.fetch(TYPES, "stage_book", NAMES)}

    assert set(in_catalog) == set(NAMES)
    assert staged == {name: (*found[:2], False) for name, found in in_catalog.items()}
    assert {name for name in NAMES if in_catalog[name][2]} == {
        column.name for column in BOOK_COLUMNS if not column.is_nullable
    }


@by_column
async def test_a_change_of_one_column_is_imported_compared_and_read(
    catalog: Catalog, column: BookColumn
) -> None:
    example = COLUMN_EXAMPLES[column.name]
    first = parse({"source_id": "1", **TEXTS})
    second = parse({"source_id": "1", **TEXTS, column.flat_field: example.other_text})
    assert values_of(first) == VALUES
    assert values_of(second) == {**VALUES, column.name: example.other_value}

    assert (await catalog.import_records(first)).new == 1
    before = await catalog.checksum()
    [row] = await catalog.connection.fetch(f"SELECT {', '.join(NAMES)} FROM book")
    assert dict(row) == VALUES
    summary = await catalog.import_records(second)
    again = await catalog.import_records(second)

    assert (summary.changed, again.changed_nothing) == (1, True)
    assert await catalog.checksum() != before
    book_id = await catalog.connection.fetchval("SELECT id FROM book")
    [book] = await books_by_ids(catalog.connection, [book_id])
    assert book is not None
    assert values_of(book) == {
        name: as_read(value) for name, value in {**VALUES, column.name: example.other_value}.items()
    }
    assert all(isinstance(book[name], Book.__annotations__[name]) for name in NAMES)


def as_read(value: object) -> object:
    """Return a value as the API reads it: a price as text, an average as a float."""
    if isinstance(value, Decimal):
        return float(value) if value < 5 else str(value)
    assert value is None or isinstance(value, str | int | date)
    return value


@by_column
async def test_an_invalid_value_is_rejected_by_a_constraint_and_found_by_the_audit(
    connection: Connection, column: BookColumn
) -> None:
    invalid = COLUMN_EXAMPLES[column.name].invalid
    assert (invalid is None) == (column.fault == "")
    if invalid is None:
        return
    update = f"UPDATE book SET {column.name} = {invalid}"
    await add_book(connection, "Emma")

    with pytest.raises(asyncpg.CheckViolationError):
        async with connection.transaction():
            await connection.execute(update)
    for (name,) in await connection.fetch(
        "SELECT conname FROM pg_constraint WHERE conrelid = 'book'::regclass AND contype = 'c'"
    ):
        await connection.execute(f"ALTER TABLE book DROP CONSTRAINT {name}")
    await connection.execute(update)

    found = {finding.name: finding.examples for finding in await run_checks(connection) if finding.count}
    if column.name == "isbn":
        assert len(found["invalid_isbns"]) == 1
    else:
        [example] = found["book_prices" if column.name in ("price", "currency") else "book_fields"]
        assert column.name in example.partition(": ")[2].split(", ")


def test_every_column_but_the_cover_is_seeded() -> None:
    defaults = {field.name: field.default for field in fields(BookRecord)}
    books = list(generate_books(200))

    assert {name for name in NAMES if any(getattr(book, name) != defaults[name] for book in books)} == (
        set(NAMES) - {"cover_url"}
    )


def test_the_documentation_lists_the_fields_of_the_flat_record() -> None:
    section = DOCS.read_text(encoding="utf-8").partition("## The flat record")[2].partition("\n## ")[0]

    assert re.findall(r"^\| `(\w+)` \| (.*) \|$", section, re.MULTILINE) == list(FLAT_FIELDS.items())
