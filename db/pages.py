"""Keyset pages: the one shape of statement that reads a page of any ordered list, for many parents at once.

A list is a table (usually a listing) narrowed to a parent, sorted by a key and then by the row's
identity. Rows without a key come last in both directions, so a page is read as two ranges of one
index: the rows that have a key, then those that have none. Both bounds are always given (open ones
by values beyond any real one), so the statement texts are few and each walks its index from the
first row of the page to the last, at any depth.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Generic, NamedTuple, TypeVar

from db.database import Database
from db.rows import Along, Columns, Row

KeyValue = str | int | Decimal | None
R = TypeVar("R", bound=Row)

HIGHEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True, eq=False)
class Domain:
    """The values a key can have, all strictly between `lowest` and `highest`, or equal to `lowest`
    with a positive identity."""

    sql_type: str
    python_type: type
    lowest: KeyValue
    highest: KeyValue


TEXT = Domain("text", str, "", "\U0010ffff" * 81)  # sort keys are cut at 80 characters
INTEGER = Domain("integer", int, -(2**31), 2**31 - 1)
NUMERIC = Domain("numeric", Decimal, Decimal(-1), Decimal(10) ** 12)  # no price reaches 10^10


@dataclass(frozen=True, slots=True, eq=False)
class Key:
    """What a list is sorted by. Without a column the identity alone is the key."""

    name: str
    column: str | None = None
    domain: Domain = INTEGER
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """Which rows a list holds: those of `table` that fulfil one of the `conditions` for a `parent`.

    The conditions exclude each other; each is served by an index of its own range.
    `identity` is the column that names the row; `target` the table whose columns are answered.
    """

    name: str
    table: str
    identity: str
    conditions: tuple[str, ...]
    target: str


@dataclass(frozen=True, slots=True)
class Lookup:
    """How parents are found by one of their columns, to be read along with their pages."""

    table: str
    column: str
    sql_type: str
    columns: Columns[Any]


class Position(NamedTuple):
    """A place in a list: a row's key and identity."""

    key: KeyValue
    id: int


@dataclass(slots=True, unsafe_hash=True)
class Window:
    """Which part of the list: `count` rows after one position and before another.

    `backward` takes the last rows of that part instead of its first; they are still in list order.
    `tail` keeps only the last so many of the rows taken.
    """

    count: int
    backward: bool = False
    tail: int | None = None
    after: Position | None = None
    before: Position | None = None


class Order(NamedTuple):
    """A key and its direction; the identity runs in the same direction."""

    key: Key
    descending: bool = False


@dataclass(slots=True)
class Page(Generic[R]):
    """A page in list order: the rows, and whether the list goes on either way."""

    rows: Sequence[R]
    has_previous: bool
    has_next: bool

    def position(self, index: int) -> Position:
        """The place of a row in the list."""
        row = self.rows[index]
        return Position(row["sort_value"], row["id"])


async def pages(
    database: Database,
    scope: Scope,
    order: Order,
    window: Window,
    parents: Sequence[int],
    columns: Columns[R],
) -> list[Page[R]]:
    """One page of records for each of the parents, in their order."""
    text = statement(scope, order.key, order.descending, window.backward, columns)
    ends = bounds(order, window)
    rows = await database.fetch(text, parents, window.count + 1, *ends, record_class=columns.kind)
    if len(parents) == 1:
        return [page(rows, window)]
    of_parents: list[list[Any]] = [[] for _ in parents]
    for row in rows:
        of_parents[row["ordinal"] - 1].append(row)
    return [page(entries, window) for entries in of_parents]


async def parents_with_pages(
    database: Database,
    scope: Scope,
    order: Order,
    window: Window,
    lookup: Lookup,
    keys: Sequence[Any],
    columns: Columns[R],
) -> list[tuple[Any, Page[R]] | None]:
    """The parent that each key finds, read along with its page; None where it finds none."""
    alone = len(keys) == 1
    text = statement(scope, order.key, order.descending, window.backward, columns, lookup, alone=alone)
    asked = keys[0] if alone else keys
    rows = await database.fetch(
        text, asked, window.count + 1, *bounds(order, window), record_class=columns.kind
    )
    of_keys: list[list[Any]] = [[] for _ in keys]
    for row in rows:
        of_keys[row["ordinal"] - 1].append(row)
    return [
        None
        if not found
        else (
            Along(lookup.columns.kind.entity, found[0]),
            page([] if found[0]["id"] is None else found, window),
        )
        for found in of_keys
    ]


def page(rows: list[R], window: Window) -> Page[R]:
    """The page that rows make, of which one more was asked for than it has."""
    more = len(rows) > window.count
    if more:
        rows.pop()
    if window.backward:
        rows.reverse()
    dropped = max(0, len(rows) - window.tail) if window.tail is not None else 0
    return Page(
        rows=rows[dropped:] if dropped else rows,
        has_previous=more if window.backward else dropped > 0 or window.after is not None,
        has_next=window.before is not None if window.backward else more,
    )


def bounds(order: Order, window: Window) -> tuple[KeyValue, ...]:
    """The open ends of a statement's ranges: lower key and identity, upper key and identity of the rows
    that have a key, then the lower and upper identity of those that have none."""
    after, before = window.after, window.before

    def between(start: Position | None, stop: Position | None) -> tuple[Position | None, Position | None]:
        return (stop, start) if order.descending else (start, stop)

    if order.key.column is None:
        low, high = between(after, before)
        return (low.id if low else 0, high.id if high else HIGHEST_ID)
    lowest, highest = Position(order.key.domain.lowest, 0), Position(order.key.domain.highest, HIGHEST_ID)
    low, high = between(with_key(after), with_key(before))
    if after and after.key is None:
        high = lowest
    keyed = (low or lowest, high or highest)
    ends = (keyed[0].key, keyed[0].id, keyed[1].key, keyed[1].id)
    if not order.key.nullable:
        return ends
    low, high = between(without_key(after), without_key(before))
    if before and before.key is not None:
        high = Position(None, 0)
    return (*ends, low.id if low else 0, high.id if high else HIGHEST_ID)


def with_key(position: Position | None) -> Position | None:
    return position if position and position.key is not None else None


def without_key(position: Position | None) -> Position | None:
    return position if position and position.key is None else None


def statement(
    scope: Scope,
    key: Key,
    descending: bool,
    backward: bool,
    columns: Columns[Any],
    lookup: Lookup | None = None,
    *,
    alone: bool = False,
) -> str:
    """The text for one scope, key and direction of travel; made of names in the code alone.

    `alone` as in Columns.text_for: for a single key of the look-up.
    """
    along = lookup and (lookup.column, lookup.columns.sql, alone)
    name = (scope.name, key.name, descending, backward, along)
    text = columns.texts.get(name)
    if text is None:
        text = columns.texts[name] = written(
            scope, key, descending, backward, columns.sql, lookup, alone=alone
        )
    return text


def written(
    scope: Scope,
    key: Key,
    descending: bool,
    backward: bool,
    columns: str,
    lookup: Lookup | None,
    *,
    alone: bool,
) -> str:
    direction = "DESC" if descending != backward else "ASC"
    travel = f"{key.name} {direction}{' NULLS FIRST' if backward and key.nullable else ''}".lower()
    key_column = f"l.{key.column}" if key.column else f"NULL::{key.domain.sql_type}"
    bare_first = backward and key.nullable
    walk = ranges(scope, key, key_column, direction, bare_first)
    if lookup is None:
        return f"""
/* {scope.name} {travel} */
SELECT {columns}, page.key AS sort_value, parent.ordinal
FROM unnest($1::bigint[]) WITH ORDINALITY AS parent (id, ordinal)
CROSS JOIN LATERAL (
    {walk}
) AS page
JOIN {scope.target} AS t ON t.id = page.id
ORDER BY parent.ordinal, page.range, page.key {direction}, page.id {direction}
"""
    table, column, sql_type = lookup.table, lookup.column, lookup.sql_type
    found = f"SELECT *, 1 AS ordinal FROM {table} WHERE {column} = $1::{sql_type}"
    if not alone:
        found = (
            "SELECT found.*, asked.ordinal"
            f" FROM unnest($1::{sql_type}[]) WITH ORDINALITY AS asked (key, ordinal)"
            f" JOIN {table} AS found ON found.{column} = asked.key"
        )
    return f"""
/* {lookup.table}_with_{scope.name} {travel} */
SELECT {columns}, page.key AS sort_value, parent.ordinal, {lookup.columns.sql_of("parent")}
FROM ({found}) AS parent
LEFT JOIN LATERAL (
    {walk}
) AS page ON true
LEFT JOIN {scope.target} AS t ON t.id = page.id
ORDER BY parent.ordinal, page.range, page.key {direction}, page.id {direction}
"""


def ranges(
    scope: Scope, key: Key, key_column: str, direction: str, bare_first: bool, parameters: int = 2
) -> str:
    """The rows of a page, from one range or, where rows may lack the key, from two in turn.

    `parameters` is the number of the first of its parameters: how many rows, then the bounds. Rows without
    a key are ordered by it all the same: it keeps the planner on the key's own index. The last LIMIT cuts
    nothing; it tells the planner how few rows there are to join.
    """
    identity, sql_type = f"l.{scope.identity}", key.domain.sql_type
    numbers = range(parameters, parameters + 7)
    limit = f"${numbers[0]}::integer"
    if key.column is None:
        bounded = f"{identity} > ${numbers[1]}::bigint AND {identity} < ${numbers[2]}::bigint"
        return merged(scope, key_column, bounded, f"id {direction}", limit, 1)
    pair, order = f"({key_column}, {identity})", f"key {direction}, id {direction}"
    low, low_id, high, high_id = (f"${number}" for number in numbers[1:5])
    keyed = (
        f"{pair} > ({low}::{sql_type}, {low_id}::bigint) AND {pair} < ({high}::{sql_type}, {high_id}::bigint)"
    )
    if not key.nullable:
        return merged(scope, key_column, keyed, order, limit, 1)
    keyed = f"{key_column} IS NOT NULL AND {keyed}"
    bare = (
        f"{key_column} IS NULL AND {identity} > ${numbers[5]}::bigint AND {identity} < ${numbers[6]}::bigint"
    )
    first, second = (bare, keyed) if bare_first else (keyed, bare)
    rest = f"(SELECT {limit} - count(*) FROM first)"
    return (
        f"WITH first AS ({merged(scope, key_column, first, order, limit, 1)}),"
        f" second AS ({merged(scope, key_column, second, order, rest, 2)})"
        f" SELECT key, id, range FROM first UNION ALL SELECT key, id, range FROM second LIMIT {limit}"
    )


def merged(scope: Scope, key_column: str, bounded: str, order: str, limit: str, number: int) -> str:
    """One range of the list: each of the scope's conditions walks its own index range, merged in order."""
    parts = [
        f"(SELECT {key_column} AS key, l.{scope.identity} AS id, {number} AS range FROM {scope.table} AS l"
        f" WHERE {condition} AND {bounded} ORDER BY {order} LIMIT {limit})"
        for condition in scope.conditions
    ]
    if len(parts) == 1:
        return parts[0]
    return f"SELECT key, id, range FROM ({' UNION ALL '.join(parts)}) AS part ORDER BY {order} LIMIT {limit}"
