"""Keyset pagination: one statement shape reads a page of any ordered list, for many parents at once.

A list is a table (usually a listing) restricted to a parent, sorted by a key and then by the row's id.
Rows whose key is null come last in both directions. A page is therefore read as two ranges of one index:
first the rows with a key, then the rows without.

Both bounds are always given; an open bound is a value beyond any real one. So there are few statement
texts, and each scans its index only from the first row of the page to the last, at any depth.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Generic, NamedTuple, TypeVar

from db.constraints import MAX_SORT_KEY_LENGTH
from db.database import Database
from db.records import CatalogRecord, Columns, JoinedRecord
from db.statements import ReadStatement

KeyValue = str | int | Decimal | datetime | None
R = TypeVar("R", bound=CatalogRecord)

MAX_BIGINT = 2**63 - 1


@dataclass(frozen=True, slots=True, eq=False)
class KeyDomain:
    """The values that a sort key can have.

    All are strictly between `lowest` and `highest`, or equal to `lowest` in a row with a positive id.
    """

    sql_type: str
    python_type: type
    lowest: KeyValue
    highest: KeyValue


TEXT = KeyDomain("text", str, "", "\U0010ffff" * (MAX_SORT_KEY_LENGTH + 1))
INTEGER = KeyDomain("integer", int, -(2**31), 2**31 - 1)
BIGINT = KeyDomain("bigint", int, -(2**63), MAX_BIGINT)
NUMERIC = KeyDomain("numeric", Decimal, Decimal(-1), Decimal(10) ** 12)  # no price reaches 10^10
TIMESTAMP = KeyDomain(
    "timestamptz", datetime, datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
)


@dataclass(frozen=True, slots=True, eq=False)
class SortKey:
    """What a list is sorted by. Without a column, it is sorted by the row's id alone.

    The values of a key that `is_hidden` are not for clients: positions have the id alone.
    """

    name: str
    column: str | None = None
    domain: KeyDomain = INTEGER
    nullable: bool = False
    is_hidden: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """The rows of a list: those of `table` that match one of the `conditions` for a `parent`.

    The conditions exclude each other, and each is read from one index range. `id_column` holds the row's
    id; `row_table` is the table whose columns are returned.
    """

    name: str
    table: str
    id_column: str
    conditions: tuple[str, ...]
    row_table: str


@dataclass(frozen=True, slots=True)
class ParentLookup:
    """How parents are looked up by one of their columns, in the statement that reads their pages."""

    table: str
    column: str
    sql_type: str
    columns: Columns[Any]


class Position(NamedTuple):
    """A position in a list: the sort key and the id of a row."""

    key: KeyValue
    id: int


@dataclass(slots=True, unsafe_hash=True)
class PageRequest:
    """Which part of a list to read: at most `limit` rows after one position and before another.

    `backward` takes the last rows of that part instead of the first; they stay in list order.
    `tail` is the maximum number of rows kept, counted from the end.
    """

    limit: int
    backward: bool = False
    tail: int | None = None
    after: Position | None = None
    before: Position | None = None


class Order(NamedTuple):
    """A sort key and its direction; the id is sorted in the same direction."""

    key: SortKey
    descending: bool = False


@dataclass(slots=True)
class Page(Generic[R]):
    """A page in list order: its rows, and whether the list has rows before and after it."""

    rows: Sequence[R]
    has_previous: bool
    has_next: bool

    def position(self, index: int) -> Position:
        """Return the position of a row of the page in the list."""
        row = self.rows[index]
        return Position(row["sort_value"], row["id"])


async def fetch_pages(
    database: Database,
    scope: Scope,
    order: Order,
    page_request: PageRequest,
    parents: Sequence[int],
    columns: Columns[R],
) -> list[Page[R]]:
    """Return one page of records per parent, in the order of the parents."""
    statement = _page_statement(scope, order.key, order.descending, page_request.backward, columns)
    bounds = keyset_bounds(order, page_request)
    rows = await database.fetch(
        statement, parents, page_request.limit + 1, *bounds, record_class=columns.record_class
    )
    if len(parents) == 1:
        return [build_page(rows, page_request)]
    rows_by_parent: list[list[Any]] = [[] for _ in parents]
    for row in rows:
        rows_by_parent[row["ordinal"] - 1].append(row)
    return [build_page(parent_rows, page_request) for parent_rows in rows_by_parent]


async def fetch_parents_with_pages(
    database: Database,
    scope: Scope,
    order: Order,
    page_request: PageRequest,
    lookup: ParentLookup,
    keys: Sequence[Any],
    columns: Columns[R],
) -> list[tuple[Any, Page[R]] | None]:
    """Return the parent of each key with its page, read in one statement; None for an unknown key."""
    single_key = len(keys) == 1
    statement = _page_statement(
        scope, order.key, order.descending, page_request.backward, columns, lookup, single_key=single_key
    )
    key_argument = keys[0] if single_key else keys
    rows = await database.fetch(
        statement,
        key_argument,
        page_request.limit + 1,
        *keyset_bounds(order, page_request),
        record_class=columns.record_class,
    )
    rows_by_key: list[list[Any]] = [[] for _ in keys]
    for row in rows:
        rows_by_key[row["ordinal"] - 1].append(row)
    return [
        None
        if not key_rows
        else (
            JoinedRecord(lookup.columns.record_class.type_name, key_rows[0]),
            build_page([] if key_rows[0]["id"] is None else key_rows, page_request),
        )
        for key_rows in rows_by_key
    ]


def build_page(rows: list[R], page_request: PageRequest) -> Page[R]:
    """Return the page of the rows that were read; the statement reads one row more than the page has."""
    more = len(rows) > page_request.limit
    if more:
        rows.pop()
    if page_request.backward:
        rows.reverse()
    dropped = max(0, len(rows) - page_request.tail) if page_request.tail is not None else 0
    return Page(
        rows=rows[dropped:] if dropped else rows,
        has_previous=more if page_request.backward else dropped > 0 or page_request.after is not None,
        has_next=page_request.before is not None if page_request.backward else more,
    )


def keyset_bounds(order: Order, page_request: PageRequest) -> tuple[KeyValue, ...]:
    """Return the exclusive bounds of a statement's ranges.

    For the rows with a key: lower key and id, upper key and id. For the rows without: lower and upper id.
    """
    after, before = page_request.after, page_request.before

    def between(start: Position | None, stop: Position | None) -> tuple[Position | None, Position | None]:
        return (stop, start) if order.descending else (start, stop)

    if order.key.column is None:
        low, high = between(after, before)
        return (low.id if low else 0, high.id if high else MAX_BIGINT)
    lowest, highest = Position(order.key.domain.lowest, 0), Position(order.key.domain.highest, MAX_BIGINT)
    low, high = between(_if_keyed(after), _if_keyed(before))
    if after and after.key is None:
        high = lowest
    keyed = (low or lowest, high or highest)
    ends = (keyed[0].key, keyed[0].id, keyed[1].key, keyed[1].id)
    if not order.key.nullable:
        return ends
    low, high = between(_if_null_key(after), _if_null_key(before))
    if before and before.key is not None:
        high = Position(None, 0)
    return (*ends, low.id if low else 0, high.id if high else MAX_BIGINT)


def _if_keyed(position: Position | None) -> Position | None:
    return position if position and position.key is not None else None


def _if_null_key(position: Position | None) -> Position | None:
    return position if position and position.key is None else None


def _page_statement(
    scope: Scope,
    key: SortKey,
    descending: bool,
    backward: bool,
    columns: Columns[Any],
    lookup: ParentLookup | None = None,
    *,
    single_key: bool = False,
) -> ReadStatement:
    """Return the cached statement for a scope, key and direction. It contains only names from the code.

    `single_key`: the lookup has one key, which is compared with `=`, as in Columns.render_for_keys.
    """
    lookup_key = lookup and (lookup.column, lookup.columns.sql, single_key)
    cache_key = (scope.name, key.name, descending, backward, lookup_key)
    statement = columns.statement_cache.get(cache_key)
    if statement is None:
        statement = columns.statement_cache[cache_key] = _build_page_statement(
            scope, key, descending, backward, columns.sql, lookup, single_key=single_key
        )
    return statement


def _build_page_statement(
    scope: Scope,
    key: SortKey,
    descending: bool,
    backward: bool,
    columns: str,
    lookup: ParentLookup | None,
    *,
    single_key: bool,
) -> ReadStatement:
    direction = "DESC" if descending != backward else "ASC"
    key_column = f"l.{key.column}" if key.column else f"NULL::{key.domain.sql_type}"
    nulls_first = backward and key.nullable
    ranges_sql = range_sql(scope, key, key_column, direction, nulls_first)
    if lookup is None:
        sql = f"""
SELECT {columns}, page.key AS sort_value, parent.ordinal
FROM unnest($1::bigint[]) WITH ORDINALITY AS parent (id, ordinal)
CROSS JOIN LATERAL (
    {ranges_sql}
) AS page
JOIN {scope.row_table} AS t ON t.id = page.id
ORDER BY parent.ordinal, page.range, page.key {direction}, page.id {direction}
"""
        return ReadStatement(scope.name, sql)
    return ReadStatement(
        f"{lookup.table}_with_{scope.name}",
        f"""
SELECT {columns}, page.key AS sort_value, parent.ordinal, {lookup.columns.joined_sql("parent")}
FROM ({_parents_sql(lookup, single_key=single_key)}) AS parent
LEFT JOIN LATERAL (
    {ranges_sql}
) AS page ON true
LEFT JOIN {scope.row_table} AS t ON t.id = page.id
ORDER BY parent.ordinal, page.range, page.key {direction}, page.id {direction}
""",
    )


def _parents_sql(lookup: ParentLookup, *, single_key: bool) -> str:
    """Return the SQL of the parents with the keys, numbered in the order of the keys."""
    table, column, sql_type = lookup.table, lookup.column, lookup.sql_type
    if single_key:
        return f"SELECT *, 1 AS ordinal FROM {table} WHERE {column} = $1::{sql_type}"
    return (
        "SELECT found.*, given.ordinal"
        f" FROM unnest($1::{sql_type}[]) WITH ORDINALITY AS given (key, ordinal)"
        f" JOIN {table} AS found ON found.{column} = given.key"
    )


def range_sql(
    scope: Scope, key: SortKey, key_column: str, direction: str, nulls_first: bool, first_parameter: int = 2
) -> str:
    """Return the SQL for the rows of a page: one range, or two if the key is nullable.

    `first_parameter` is the number of the row limit's parameter; the bounds follow it. Rows without a key
    are sorted by it too, which keeps the planner on the key's index. The last LIMIT removes no rows; it
    gives the planner the number of rows to join.
    """
    id_column, sql_type = f"l.{scope.id_column}", key.domain.sql_type
    numbers = range(first_parameter, first_parameter + 7)
    limit = f"${numbers[0]}::integer"
    if key.column is None:
        in_bounds = f"{id_column} > ${numbers[1]}::bigint AND {id_column} < ${numbers[2]}::bigint"
        return merge_ranges_sql(scope, key_column, in_bounds, f"id {direction}", limit, 1)
    pair, order = f"({key_column}, {id_column})", f"key {direction}, id {direction}"
    low, low_id, high, high_id = (f"${number}" for number in numbers[1:5])
    keyed = (
        f"{pair} > ({low}::{sql_type}, {low_id}::bigint) AND {pair} < ({high}::{sql_type}, {high_id}::bigint)"
    )
    if not key.nullable:
        return merge_ranges_sql(scope, key_column, keyed, order, limit, 1)
    keyed = f"{key_column} IS NOT NULL AND {keyed}"
    null_keyed = (
        f"{key_column} IS NULL"
        f" AND {id_column} > ${numbers[5]}::bigint AND {id_column} < ${numbers[6]}::bigint"
    )
    first, second = (null_keyed, keyed) if nulls_first else (keyed, null_keyed)
    remaining = f"(SELECT {limit} - count(*) FROM first)"
    return (
        f"WITH first AS ({merge_ranges_sql(scope, key_column, first, order, limit, 1)}),"
        f" second AS ({merge_ranges_sql(scope, key_column, second, order, remaining, 2)})"
        f" SELECT key, id, range FROM first UNION ALL SELECT key, id, range FROM second LIMIT {limit}"
    )


def merge_ranges_sql(
    scope: Scope, key_column: str, in_bounds: str, order: str, limit: str, range_number: int
) -> str:
    """Return the SQL for one range of the list: an index scan per condition of the scope, merged in order."""
    parts = [
        f"(SELECT {key_column} AS key, l.{scope.id_column} AS id, {range_number} AS range"
        f" FROM {scope.table} AS l WHERE {condition} AND {in_bounds} ORDER BY {order} LIMIT {limit})"
        for condition in scope.conditions
    ]
    if len(parts) == 1:
        return parts[0]
    return f"SELECT key, id, range FROM ({' UNION ALL '.join(parts)}) AS part ORDER BY {order} LIMIT {limit}"
