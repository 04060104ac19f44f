"""Read the postgres format: flat records from a table of a PostgreSQL server.

Columns are read as text. Arrays and JSON are lists of authors or of category paths. Rows are sorted by
source id or ISBN, so row numbers are the same in the next run.
"""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, cast

import asyncpg
import orjson

from db.connections.connect import connect
from db.connections.error_mapping import describe_error
from db.errors import CatalogImportError, DatabaseError
from db.importing.field_parsers import CategoryPath, FieldError
from db.importing.readers.column_styles import style_of_typed_values
from db.importing.readers.feed import BATCH_ROWS, Feed, ReadingNotes, RecordBatch
from db.importing.readers.flat import FlatRecordParser
from db.importing.readers.flat_fields import check_mapping, fields_of_columns, map_columns, require_currency
from db.importing.readers.formats import FLAT_OPTIONS, FeedOptions, Format, Option
from db.importing.readers.json_records import parse_author_list, parse_category_list
from db.importing.records import AuthorRecord, BookRecord, Reject

_Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

_CONNECT_TIMEOUT = 15

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
class _TableQuery:
    """The SELECT statement, with one column for each of `fields` in their order."""

    select: str
    fields: tuple[str, ...]
    rows: int
    columns: tuple[tuple[str, str], ...]
    ignored_headings: tuple[str, ...]


async def open_postgres(sources: Sequence[Path | str], options: FeedOptions) -> Feed:
    """Open a feed of the table. Its snapshot is taken when the first batch is read."""
    check_mapping(options.mapping)
    if len(sources) != 1:
        raise CatalogImportError("give one --from postgresql://user@host/database.")
    if not options.table:
        raise CatalogImportError("name the table to read with --table.")
    dsn = str(sources[0])
    connection = await _connect(dsn)
    try:
        query = await _build_query(connection, options.table, options)
    except asyncpg.PostgresError as error:
        raise CatalogImportError(f"table {options.table}: {error}.") from error
    finally:
        await connection.close()
    row_counter, notes = _RowCounter(), ReadingNotes()
    parser = FlatRecordParser(query.fields, style_of_typed_values(options), notes)
    return Feed(
        source=options.source,
        batches=_read_batches(dsn, query, parser, row_counter),
        total=query.rows,
        unit="rows",
        completed=row_counter.count,
        ignored_headings=query.ignored_headings,
        fields=fields_of_columns(query.fields),
        columns=query.columns,
        notes=notes,
    )


FORMAT = Format(
    "postgres",
    open_postgres,
    "a table of a PostgreSQL server, one flat record per row",
    frozenset[Option](("--from", "--table", *FLAT_OPTIONS)),
)


@dataclass(slots=True)
class _RowCounter:
    rows: int = 0

    def count(self) -> int:
        return self.rows


async def _connect(dsn: str) -> _Connection:
    """Open a connection to the source server. Raise CatalogImportError without any part of the password."""
    try:
        return await connect(
            dsn, application_name="bookstore import", timeout=_CONNECT_TIMEOUT, settings=_SETTINGS
        )
    except DatabaseError as error:
        raise CatalogImportError(f"--from: {error}") from None


async def _build_query(connection: _Connection, table: str, options: FeedOptions) -> _TableQuery:
    schema, name = _schema_and_name(table)
    table_row = await connection.fetchrow(_TABLE, schema, name)
    if table_row is None:
        raise CatalogImportError(f"table {table}: there is no such table; write schema.table in exact case.")
    if not table_row["readable"]:
        raise CatalogImportError(f"table {table}: the user has no permission to read it; GRANT SELECT on it.")
    table_columns = await connection.fetch(_COLUMNS, table_row["oid"])
    names = [str(column["name"]) for column in table_columns]
    where = f"table {table}"
    column_mapping = map_columns(where, names, options.mapping, options.reading.ignore)
    require_currency(where, column_mapping.indexes, options.currency)
    column_by_field = {field: table_columns[place] for field, place in column_mapping.indexes.items()}
    relation = f"{_quote_identifier(table_row['schema'])}.{_quote_identifier(table_row['name'])}"
    identity = "source_id" if "source_id" in column_by_field else "isbn"
    select = (
        f"/* rows_to_import */ SELECT {', '.join(_text_expression(column) for column in column_by_field.values())}"
        f' FROM {relation} ORDER BY {_quote_identifier(column_by_field[identity]["name"])}::text COLLATE "C"'
    )
    rows = await connection.fetchval(f"/* count_to_import */ SELECT count(*) FROM {relation}")
    return _TableQuery(
        select, tuple(column_by_field), rows, column_mapping.columns, column_mapping.ignored_headings
    )


def _schema_and_name(table: str) -> tuple[str | None, str]:
    """Split "schema.table". Quoting works as in SQL: quoted parts may contain dots and doubled quotes."""
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


def _quote_identifier(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _text_expression(column: asyncpg.Record) -> str:
    name = _quote_identifier(column["name"])
    if column["is_array"]:
        return f"{name}::text[]"
    return f"{name}::numeric::text" if column["type"] == "money" else f"{name}::text"


async def _read_batches(
    dsn: str, query: _TableQuery, parser: FlatRecordParser, row_counter: _RowCounter
) -> AsyncGenerator[RecordBatch]:
    connection = await _connect(dsn)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            cursor = await connection.cursor(query.select)
            while rows := await cursor.fetch(BATCH_ROWS):
                yield [
                    record
                    for at, row in enumerate(rows, 1)
                    for record in _parse_book(row_counter.rows + at, row, query.fields, parser)
                ]
                row_counter.rows += len(rows)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        reason = describe_error(error)
        raise CatalogImportError(
            f"--from: reading stopped after {row_counter.rows:,} rows ({reason})."
        ) from None
    finally:
        await connection.close(timeout=_CONNECT_TIMEOUT)


def _parse_book(
    row: int, cells_row: asyncpg.Record, names: Sequence[str], parser: FlatRecordParser
) -> tuple[BookRecord | Reject, ...]:
    cells: dict[str, Any] = dict(zip(names, cells_row, strict=True))
    authors: tuple[AuthorRecord, ...] | None = None
    categories: tuple[CategoryPath, ...] | None = None
    try:
        for field, cell in cells.items():
            items = _list_items(field, cell)
            if items is None:
                continue
            if field == "authors":
                authors = parse_author_list(items)
            elif field == "categories":
                categories = parse_category_list(items)
            else:
                raise FieldError(field, cell, "a list instead of one value")
    except FieldError as error:
        return (Reject(row, error.field, error.value, error.reason),)
    flat_cells = [cell if isinstance(cell, str) else "" for cell in cells_row]
    return parser.parse(row, flat_cells, authors, categories)


def _list_items(field: str, cell: list[str | None] | str | None) -> list[object] | None:
    """Return the items of an array, or of authors or categories in JSON. Return None for other values."""
    if isinstance(cell, list):
        return [item for item in cell if item is not None]
    if cell and field in ("authors", "categories") and cell.startswith("["):
        try:
            return cast("list[object]", orjson.loads(cell))
        except orjson.JSONDecodeError:
            return None
    return None
