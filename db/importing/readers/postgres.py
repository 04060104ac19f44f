"""Reads the postgres format: flat records from a table of some PostgreSQL server.

Every column is read as text, but arrays and JSON: those are lists of authors or of category paths.
Rows come in the order of their identity, so that a row's number means the same in the next run.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, cast

import asyncpg
import orjson

from db.connections.connect import connect
from db.connections.error_mapping import describe_error
from db.errors import CatalogImportError, DatabaseError
from db.importing.fields import CategoryPath, FieldError
from db.importing.readers.delivery import BATCH_ROWS, Batch, Delivery
from db.importing.readers.flat import FIELDS, FlatRecords, check_mapping, columns
from db.importing.readers.jsonl import authors_of, categories_of
from db.importing.records import AuthorRecord, BookRecord, Reject

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

CONNECT_SECONDS = 15

_SETTINGS = {"datestyle": "ISO", "intervalstyle": "iso_8601"}

_TABLE = """
/* table_by_name */
SELECT c.oid, n.nspname AS schema, c.relname AS name,
       has_table_privilege(c.oid, 'SELECT') AS readable
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relname = $2::text AND c.relkind = ANY ('{r,v,m,p,f}'::"char"[])
  AND CASE WHEN $1::text IS NULL THEN pg_table_is_visible(c.oid) ELSE n.nspname = $1::text END
"""

_COLUMNS = """
/* columns_of_table */
SELECT a.attname AS name, t.typname AS type, t.typcategory = 'A' AS is_array
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to ask the server for: one column for each of `fields`, in their order."""

    select: str
    fields: tuple[str, ...]
    rows: int
    ignored: tuple[str, ...]


async def open_postgres(
    sources: Sequence[Path | str],
    table: str | None,
    mapping: Mapping[str, str],
    source: str,
    currency: str | None,
) -> Delivery:
    """The rows of the table, as of the moment when the first is read."""
    check_mapping(mapping)
    if len(sources) != 1:
        raise CatalogImportError("give one --from postgresql://user@host/database.")
    if not table:
        raise CatalogImportError("name the table to read with --table.")
    dsn = str(sources[0])
    connection = await _connected(dsn)
    try:
        plan = await _plan(connection, table, mapping, currency)
    except asyncpg.PostgresError as error:
        raise CatalogImportError(f"table {table}: {error}.") from error
    finally:
        await connection.close()
    read = _Read()
    return Delivery(
        source=source,
        batches=_batches(dsn, plan, FlatRecords(currency), read),
        total=plan.rows,
        unit="rows",
        position=read.position,
        ignored=plan.ignored,
    )


@dataclass(slots=True)
class _Read:
    rows: int = 0

    def position(self) -> int:
        return self.rows


async def _connected(dsn: str) -> Connection:
    """A connection to the server, or CatalogImportError without anything that may hold the password."""
    try:
        return await connect(
            dsn, application_name="bookstore import", timeout=CONNECT_SECONDS, settings=_SETTINGS
        )
    except DatabaseError as error:
        raise CatalogImportError(f"--from: {error}") from None


async def _plan(connection: Connection, table: str, mapping: Mapping[str, str], currency: str | None) -> Plan:
    schema, name = _schema_and_name(table)
    found = await connection.fetchrow(_TABLE, schema, name)
    if found is None:
        raise CatalogImportError(
            f"table {table}: there is no such table; write it as schema.table, case as it is."
        )
    if not found["readable"]:
        raise CatalogImportError(f"table {table}: this user may not read it; GRANT SELECT on it.")
    described = await connection.fetch(_COLUMNS, found["oid"])
    names = [str(column["name"]) for column in described]
    head = columns(f"table {table}", names, mapping, currency)
    used = {field: described[place] for field, place in head.places.items()}
    relation = f"{quoted(found['schema'])}.{quoted(found['name'])}"
    identity = "source_id" if "source_id" in used else "isbn"
    select = (
        f"/* rows_to_import */ SELECT {', '.join(_as_text(column) for column in used.values())}"
        f' FROM {relation} ORDER BY {quoted(used[identity]["name"])}::text COLLATE "C"'
    )
    rows = await connection.fetchval(f"/* count_to_import */ SELECT count(*) FROM {relation}")
    return Plan(select, tuple(used), rows, head.ignored)


def _schema_and_name(table: str) -> tuple[str | None, str]:
    """The parts of "schema.table"; double quotes hold dots and are doubled inside, as in SQL."""
    parts: list[str] = [""]
    inside = False
    for character in table:
        inside ^= character == '"'
        if character == "." and not inside:
            parts.append("")
        else:
            parts[-1] += character
    bare = [part[1:-1].replace('""', '"') if part.startswith('"') else part for part in parts]
    if len(bare) > 2 or not all(bare):
        raise CatalogImportError(f"--table {table}: write it as table or schema.table.")
    return (bare[0] if len(bare) == 2 else None), bare[-1]


def quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _as_text(column: asyncpg.Record) -> str:
    name = quoted(column["name"])
    if column["is_array"]:
        return f"{name}::text[]"
    return f"{name}::numeric::text" if column["type"] == "money" else f"{name}::text"


async def _batches(dsn: str, plan: Plan, records: FlatRecords, read: _Read) -> AsyncGenerator[Batch]:
    connection = await _connected(dsn)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            cursor = await connection.cursor(plan.select)
            while rows := await cursor.fetch(BATCH_ROWS):
                yield [_book(read.rows + at, row, plan.fields, records) for at, row in enumerate(rows, 1)]
                read.rows += len(rows)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        reason = describe_error(error)
        raise CatalogImportError(f"--from: reading stopped after {read.rows:,} rows ({reason}).") from None
    finally:
        await connection.close(timeout=CONNECT_SECONDS)


def _book(row: int, found: asyncpg.Record, names: Sequence[str], records: FlatRecords) -> BookRecord | Reject:
    cells: dict[str, Any] = dict(zip(names, found, strict=True))
    authors: tuple[AuthorRecord, ...] | None = None
    categories: tuple[CategoryPath, ...] | None = None
    try:
        for field, cell in cells.items():
            items = _items(field, cell)
            if items is None:
                continue
            if field == "authors":
                authors = authors_of(items)
            elif field == "categories":
                categories = categories_of(items)
            else:
                raise FieldError(field, cell, "a list, where one value belongs")
    except FieldError as error:
        return Reject(row, error.field, error.value, error.reason)
    return records.record(row, [cells.get(field) or "" for field in FIELDS], authors, categories)


def _items(field: str, cell: list[str | None] | str | None) -> list[object] | None:
    """The items of an array, or of authors or categories in JSON; None of anything else."""
    if isinstance(cell, list):
        return [item for item in cell if item is not None]
    if cell and field in ("authors", "categories") and cell.startswith("["):
        try:
            return cast("list[object]", orjson.loads(cell))
        except orjson.JSONDecodeError:
            return None
    return None
