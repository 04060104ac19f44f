"""Relay connections over keyset pages: arguments, cursors, and the types that answer them."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from hashlib import blake2s
from operator import attrgetter
from typing import Annotated, Any, Generic, NamedTuple, TypeVar

import orjson
import strawberry
from strawberry import UNSET

from db.pages import HIGHEST_ID, Key, KeyValue, Order, Page, Position, Window
from db.search.lists import MOST_COUNTED, Count
from db.search.ranking import RELEVANCE
from graphql_api.context import Context
from graphql_api.loading import Known, Loader
from graphql_api.schema.costs import A_ROW, NO_ROW
from graphql_api.schema.errors import BadInput
from graphql_api.schema.fields import resolved_for_all

T = TypeVar("T")

SMALLEST = Decimal("0.0001")  # of prices and ratings: the columns hold no more
DEFAULT_SIZE = 20
LARGEST_SIZE = 100

First = Annotated[
    int | None,
    strawberry.argument(
        description=f"Take this many from the start, 0 to {LARGEST_SIZE}; {DEFAULT_SIZE} if neither "
        "`first` nor `last` is given."
    ),
]
After = Annotated[str | None, strawberry.argument(description="Only what follows this cursor.")]
Last = Annotated[
    int | None, strawberry.argument(description=f"Take this many from the end, 0 to {LARGEST_SIZE}.")
]
Before = Annotated[str | None, strawberry.argument(description="Only what precedes this cursor.")]


@strawberry.type(description="Where a page lies in its list.", directives=[NO_ROW])
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether more follows this page.")
    has_previous_page: bool = strawberry.field(description="Whether more precedes this page.")
    start_cursor: str | None = strawberry.field(
        description="The cursor of the page's first edge; null on an empty page."
    )
    end_cursor: str | None = strawberry.field(
        description="The cursor of the page's last edge; null on an empty page."
    )


@strawberry.type(description="One entry of a list, with its place in it.", directives=[NO_ROW])
class Edge(Generic[T]):
    node: T = strawberry.field(description="The entry itself.")
    cursor: str = strawberry.field(description="Its place in the list, for `after` and `before`.")


@dataclass(slots=True)
class Listed:
    """What stands behind a connection: `loader` has its page, by `key`; `count` is the number of entries,
    or the loader that has it, as a Count where it may be capped. Nothing is read until edges, nodes, place or
    count are asked for."""

    order: Order
    loader: Loader[int, Page[Any]]
    key: int
    count: int | Loader[int, int] | Loader[int, Count]

    @property
    def order_name(self) -> str:
        """What its cursors name."""
        return fingerprint(self.order)


class Entry(NamedTuple):
    """What stands behind an edge."""

    node: Any
    cursor: str


Connections = Sequence[Listed]


def pages_of(connections: Connections, step: Callable[[list[Page[Any]]], T]) -> Awaitable[T]:
    """What the step makes of the pages of a level's connections, which came from one field and so share
    one loader."""
    return connections[0].loader.load_all([connection.key for connection in connections]).then(step)


def edges_of(connections: Connections, context: Context) -> Awaitable[list[list[Entry]]]:
    name = connections[0].order_name

    def edges(pages: list[Page[Any]]) -> list[list[Entry]]:
        return [
            [Entry(row, cursor(name, page.position(index))) for index, row in enumerate(page.rows)]
            for page in pages
        ]

    return pages_of(connections, edges)


def nodes_of(connections: Connections, context: Context) -> Awaitable[list[Sequence[Any]]]:
    return pages_of(connections, rows_of)


def rows_of(pages: list[Page[Any]]) -> list[Sequence[Any]]:
    return [page.rows for page in pages]


def page_infos_of(connections: Connections, context: Context) -> Awaitable[list[PageInfo]]:
    name = connections[0].order_name

    def infos(pages: list[Page[Any]]) -> list[PageInfo]:
        return [
            PageInfo(
                has_next_page=page.has_next,
                has_previous_page=page.has_previous,
                start_cursor=cursor(name, page.position(0)) if page.rows else None,
                end_cursor=cursor(name, page.position(-1)) if page.rows else None,
            )
            for page in pages
        ]

    return pages_of(connections, infos)


def counts_of(connections: Connections, step: Callable[[Count], T]) -> Awaitable[list[T]]:
    """What the step makes of the sizes of a level's lists; counters are never capped."""

    def steps(counts: list[Any]) -> list[T]:
        return [step(count if isinstance(count, Count) else Count(count)) for count in counts]

    first = connections[0].count
    if isinstance(first, Loader):
        return first.load_all([connection.key for connection in connections]).then(steps)
    return Known(steps([connection.count for connection in connections]))


def total_counts_of(connections: Connections, context: Context) -> Awaitable[list[int]]:
    return counts_of(connections, attrgetter("number"))


def total_counts_capped_of(connections: Connections, context: Context) -> Awaitable[list[bool]]:
    return counts_of(connections, attrgetter("capped"))


@strawberry.type(description="One page of a list.", directives=[NO_ROW])
class Connection(Generic[T]):
    edges: list[Edge[T]] = resolved_for_all(edges_of, "The entries of the page with their cursors.")
    nodes: list[T] = resolved_for_all(nodes_of, "The entries of the page alone.")
    page_info: PageInfo = resolved_for_all(page_infos_of, "Where the page lies in the list.")
    total_count: int = resolved_for_all(
        total_counts_of,
        f"How many entries the whole list has; under a filter counted up to {MOST_COUNTED:,}.",
        A_ROW,
    )
    total_count_is_capped: bool = resolved_for_all(
        total_counts_capped_of, "Whether there are more entries than `totalCount`."
    )


def window(
    order: Order,
    first: int | None,
    after: str | None,
    last: int | None,
    before: str | None,
    text: str | None = None,
) -> Window:
    """The part of a list that four arguments name: the cursors first, then `first`, then `last`.

    `text` is what the list is searched for. Raises BadInput naming the argument that cannot be used.
    """
    first, after, last, before = given(first), given(after), given(last), given(before)
    for argument, size in (("first", first), ("last", last)):
        if size is not None and not 0 <= size <= LARGEST_SIZE:
            raise BadInput(argument, f"{argument} is {size}; it must be from 0 to {LARGEST_SIZE}.")
    backward = first is None and last is not None
    count = last if backward else first
    return Window(
        count=DEFAULT_SIZE if count is None else count,
        backward=backward,
        tail=None if backward else last,
        after=None if after is None else position("after", after, order, text),
        before=None if before is None else position("before", before, order, text),
    )


def given(value: T | None) -> T | None:
    return None if value is UNSET else value


def cursor(order_name: str, position: Position) -> str:
    """A row's place as opaque text, which names the order too: in another one it means nothing."""
    key = str(position.key) if isinstance(position.key, Decimal) else position.key
    return urlsafe_b64encode(orjson.dumps([order_name, key, position.id])).decode().rstrip("=")


def position(argument: str, cursor: str, order: Order, text: str | None = None) -> Position:
    """The place that a cursor names; BadInput when it is none of ours, or of another order or text."""
    name = fingerprint(order, text)
    try:
        named, key, identity = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if named == name and type(identity) is int and 0 < identity <= HIGHEST_ID:
            return Position(key_of(key, order.key), identity)
    except (ArithmeticError, TypeError, ValueError):
        named = None
    if isinstance(named, str) and named != name:
        other = "text" if named.startswith(f"{fingerprint(order)} ") else "order"
        raise BadInput(
            argument, f"{argument} is a cursor of another {other}: use it there, or start anew here."
        )
    raise BadInput(argument, f"{argument} is not a cursor: give one that `cursor` or `pageInfo` answered.")


def key_of(value: Any, key: Key) -> KeyValue:
    """The key in a cursor; ValueError or ArithmeticError when no row can have it."""
    if value is None and (key.nullable or key.column is None):
        return None
    kind = key.domain.python_type
    if key.column is None or type(value) is not (int if kind is int else str):
        raise ValueError("not a key")
    made: Any = Decimal(value).quantize(SMALLEST) if kind is Decimal else value
    if not key.domain.lowest <= made < key.domain.highest or "\0" in str(made):
        raise ValueError("out of range")
    return made


def fingerprint(order: Order, text: str | None = None) -> str:
    """The name of an order; relevance is another one for each text."""
    name = f"{order.key.name} {'desc' if order.descending else 'asc'}"
    if order.key != RELEVANCE or text is None:
        return name
    return f"{name} {blake2s(text.encode(), digest_size=6).hexdigest()}"
