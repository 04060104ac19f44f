"""Relay connections over keyset pages: arguments, cursors and types."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from hashlib import blake2s
from operator import attrgetter
from typing import Annotated, Any, Generic, NamedTuple, TypeVar

import orjson
import strawberry
from strawberry import UNSET

from db.constraints import MAX_PRICE_DECIMALS
from db.keyset import MAX_BIGINT, KeyValue, Order, Page, PageRequest, Position, SortKey
from db.search.filtered_lists import COUNT_LIMIT, Count
from db.search.ranking import RELEVANCE
from graphql_api.context import Context
from graphql_api.execution.fields import PageUse, batch_field
from graphql_api.loaders.dataloader import Loader, ResolvedValue
from graphql_api.schema.costs import NO_ROWS, ONE_ROW
from graphql_api.schema.errors import UserInputError

T = TypeVar("T")

_DECIMAL_STEP = Decimal(1).scaleb(-MAX_PRICE_DECIMALS)
"""Precision of the price and rating columns."""
DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 100

FirstArg = Annotated[
    int | None,
    strawberry.argument(
        description=f"Return the first n entries, 0 to {MAX_PAGE_SIZE}. Default: {DEFAULT_PAGE_SIZE}, unless "
        "`last` is given."
    ),
]
AfterArg = Annotated[str | None, strawberry.argument(description="Return only entries after this cursor.")]
LastArg = Annotated[
    int | None,
    strawberry.argument(
        description=f"Return the last n entries, 0 to {MAX_PAGE_SIZE}. With `first`: the last n of those."
    ),
]
BeforeArg = Annotated[str | None, strawberry.argument(description="Return only entries before this cursor.")]


@strawberry.type(description="The position of a page in its list.", directives=[NO_ROWS])
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether the list has entries after this page.")
    has_previous_page: bool = strawberry.field(description="Whether the list has entries before this page.")
    start_cursor: str | None = strawberry.field(
        description="The cursor of the page's first edge; null if the page is empty."
    )
    end_cursor: str | None = strawberry.field(
        description="The cursor of the page's last edge; null if the page is empty."
    )


@strawberry.type(description="One entry of a list and its cursor.", directives=[NO_ROWS])
class Edge(Generic[T]):
    node: T = strawberry.field(description="The entry.")
    cursor: str = strawberry.field(
        description="The position in the list, for the arguments `after` and `before`."
    )


@dataclass(slots=True)
class ConnectionSource:
    """The source of a connection. Nothing is read until one of its fields is selected.

    `loader` loads the page by `key`. `count` is the number of entries, or the loader of that number; a Count
    may be capped.
    """

    order: Order
    loader: Loader[int, Page[Any]]
    key: int
    count: int | Loader[int, int] | Loader[int, Count]

    @property
    def cursor_scope(self) -> str:
        """The scope that its cursors name: see the function `cursor_scope`."""
        return cursor_scope(self.order)


class _EdgeSource(NamedTuple):
    """The source of an edge."""

    node: Any
    cursor: str


Connections = Sequence[ConnectionSource]

EDGES_USE, NODES_USE, PAGE_INFO_USE = PageUse(["node"]), PageUse([]), PageUse()
"""How the fields `edges`, `nodes` and `pageInfo` of a connection use its page."""


def map_pages(connections: Connections, step: Callable[[list[Page[Any]]], T]) -> Awaitable[T]:
    """Load the pages of a level's connections and apply `step` to them.

    The connections belong to the same field, so they share one loader.
    """
    return connections[0].loader.load_all([connection.key for connection in connections]).then(step)


def _resolve_edges(connections: Connections, context: Context) -> Awaitable[list[list[_EdgeSource]]]:
    scope = connections[0].cursor_scope

    def edges(pages: list[Page[Any]]) -> list[list[_EdgeSource]]:
        return [
            [
                _EdgeSource(row, encode_cursor(scope, page.position(index)))
                for index, row in enumerate(page.rows)
            ]
            for page in pages
        ]

    return map_pages(connections, edges)


def resolve_nodes(connections: Connections, context: Context) -> Awaitable[list[Sequence[Any]]]:
    return map_pages(connections, _rows_of_pages)


def _rows_of_pages(pages: list[Page[Any]]) -> list[Sequence[Any]]:
    return [page.rows for page in pages]


def resolve_page_infos(connections: Connections, context: Context) -> Awaitable[list[PageInfo]]:
    scope = connections[0].cursor_scope

    def infos(pages: list[Page[Any]]) -> list[PageInfo]:
        return [
            PageInfo(
                has_next_page=page.has_next,
                has_previous_page=page.has_previous,
                start_cursor=encode_cursor(scope, page.position(0)) if page.rows else None,
                end_cursor=encode_cursor(scope, page.position(-1)) if page.rows else None,
            )
            for page in pages
        ]

    return map_pages(connections, infos)


def _map_counts(connections: Connections, step: Callable[[Count], T]) -> Awaitable[list[T]]:
    """Load the counts of a level's connections and apply `step` to each. Plain numbers are never capped."""

    def steps(counts: list[Any]) -> list[T]:
        return [step(count if isinstance(count, Count) else Count(count)) for count in counts]

    first = connections[0].count
    if isinstance(first, Loader):
        return first.load_all([connection.key for connection in connections]).then(steps)
    return ResolvedValue(steps([connection.count for connection in connections]))


def resolve_total_counts(connections: Connections, context: Context) -> Awaitable[list[int]]:
    return _map_counts(connections, attrgetter("number"))


def resolve_total_counts_capped(connections: Connections, context: Context) -> Awaitable[list[bool]]:
    return _map_counts(connections, attrgetter("capped"))


@strawberry.type(description="One page of a list.", directives=[NO_ROWS])
class Connection(Generic[T]):
    edges: list[Edge[T]] = batch_field(
        _resolve_edges, "The entries of the page with their cursors.", page_use=EDGES_USE
    )
    nodes: list[T] = batch_field(
        resolve_nodes, "The entries of the page without cursors.", page_use=NODES_USE
    )
    page_info: PageInfo = batch_field(
        resolve_page_infos, "The position of the page in the list.", page_use=PAGE_INFO_USE
    )
    total_count: int = batch_field(
        resolve_total_counts,
        f"The number of entries of the whole list. With a filter, counting stops at {COUNT_LIMIT:,}.",
        ONE_ROW,
    )
    total_count_is_capped: bool = batch_field(
        resolve_total_counts_capped, "Whether the list has more entries than `totalCount`."
    )


def parse_page_request(
    order: Order,
    first: int | None,
    after: str | None,
    last: int | None,
    before: str | None,
    text: str | None = None,
) -> PageRequest:
    """Return the page request of four arguments: the cursors apply first, then `first`, then `last`.

    `text` is the search text of the list. Raise UserInputError naming the first invalid argument.
    """
    first, after, last, before = (
        _unset_to_none(first),
        _unset_to_none(after),
        _unset_to_none(last),
        _unset_to_none(before),
    )
    for argument, size in (("first", first), ("last", last)):
        if size is not None and not 0 <= size <= MAX_PAGE_SIZE:
            raise UserInputError(argument, f"{argument} is {size}; it must be from 0 to {MAX_PAGE_SIZE}.")
    backward = first is None and last is not None
    count = last if backward else first
    return PageRequest(
        limit=DEFAULT_PAGE_SIZE if count is None else count,
        backward=backward,
        tail=None if backward else last,
        after=None if after is None else decode_cursor("after", after, order, text),
        before=None if before is None else decode_cursor("before", before, order, text),
    )


def _unset_to_none(value: T | None) -> T | None:
    return None if value is UNSET else value


def encode_cursor(scope: str, position: Position) -> str:
    """Return a row's position as an opaque cursor. It names its scope: it is valid in no other list order."""
    key = str(position.key) if isinstance(position.key, Decimal) else position.key
    return urlsafe_b64encode(orjson.dumps([scope, key, position.id])).decode().rstrip("=")


def decode_cursor(argument: str, cursor: str, order: Order, text: str | None = None) -> Position:
    """Return the position in a cursor. Raise UserInputError if it is invalid or has another order or text."""
    scope = cursor_scope(order, text)
    try:
        scope_of_cursor, key, row_id = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if scope_of_cursor == scope and type(row_id) is int and 0 < row_id <= MAX_BIGINT:
            return Position(_parse_cursor_key(key, order.key), row_id)
    except (ArithmeticError, TypeError, ValueError):
        scope_of_cursor = None
    if isinstance(scope_of_cursor, str) and scope_of_cursor != scope:
        other = "search text" if scope_of_cursor.startswith(f"{cursor_scope(order)} ") else "order"
        raise UserInputError(
            argument,
            f"{argument} is a cursor of a list with another {other}. Use that {other}, or omit the cursor.",
        )
    raise UserInputError(
        argument, f"{argument} is not a valid cursor. Use a value of `cursor` or `pageInfo`."
    )


def _parse_cursor_key(value: Any, key: SortKey) -> KeyValue:
    """Return the sort key in a cursor. Raise ValueError or ArithmeticError if no row can have it."""
    if value is None and (key.nullable or key.column is None or key.is_hidden):
        return None
    python_type = key.domain.python_type
    if key.column is None or key.is_hidden or type(value) is not (int if python_type is int else str):
        raise ValueError("not a sort key")
    parsed: Any = value
    if python_type is Decimal:
        parsed = Decimal(value).quantize(_DECIMAL_STEP)
    elif python_type is datetime:
        parsed = datetime.fromisoformat(str(value))
    if not key.domain.lowest <= parsed < key.domain.highest or "\0" in str(parsed):
        raise ValueError("out of range")
    return parsed


def cursor_scope(order: Order, text: str | None = None) -> str:
    """Return what a cursor is valid for: the order, and the search text if the order is by relevance."""
    name = f"{order.key.name} {'desc' if order.descending else 'asc'}"
    if order.key != RELEVANCE or text is None:
        return name
    return f"{name} {blake2s(text.encode(), digest_size=6).hexdigest()}"
