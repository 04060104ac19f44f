"""Relay connections over keyset pages: arguments, cursors, and the types that answer them."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar

import orjson
import strawberry
from strawberry import UNSET

from db.pages import HIGHEST_ID, Key, KeyValue, Order, Page, Position, Window
from graphql_api.schema.errors import BadInput

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


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether more follows this page.")
    has_previous_page: bool = strawberry.field(description="Whether more precedes this page.")
    start_cursor: str | None = strawberry.field(
        description="The cursor of the page's first edge; null on an empty page."
    )
    end_cursor: str | None = strawberry.field(
        description="The cursor of the page's last edge; null on an empty page."
    )


@strawberry.type(description="One entry of a list, with its place in it.")
class Edge(Generic[T]):
    node: T = strawberry.field(description="The entry itself.")
    cursor: str = strawberry.field(description="Its place in the list, for `after` and `before`.")


@strawberry.type(description="One page of a list.")
class Connection(Generic[T]):
    """A page that is read only when its edges, nodes or place are asked for, and counted likewise."""

    order: strawberry.Private[Order]
    page: strawberry.Private[Callable[[], Awaitable[Page[Any]]]]
    count: strawberry.Private[int | Callable[[], Awaitable[int]]]

    @strawberry.field(description="The entries of the page with their cursors.")
    async def edges(self) -> list[Edge[T]]:
        page = await self.page()
        return [
            Edge(node=row, cursor=cursor(self.order, position))
            for row, position in zip(page.rows, page.positions, strict=True)
        ]

    @strawberry.field(description="The entries of the page alone.")
    async def nodes(self) -> list[T]:
        return list((await self.page()).rows)

    @strawberry.field(description="Where the page lies in the list.")
    async def page_info(self) -> PageInfo:
        page = await self.page()
        cursors = [cursor(self.order, position) for position in page.positions[:1] + page.positions[-1:]]
        return PageInfo(
            has_next_page=page.has_next,
            has_previous_page=page.has_previous,
            start_cursor=cursors[0] if cursors else None,
            end_cursor=cursors[-1] if cursors else None,
        )

    @strawberry.field(description="How many entries the whole list has.")
    async def total_count(self) -> int:
        return self.count if isinstance(self.count, int) else await self.count()


def window(
    order: Order, first: int | None, after: str | None, last: int | None, before: str | None
) -> Window:
    """The part of a list that four arguments name: the cursors first, then `first`, then `last`.

    Raises BadInput naming the argument that cannot be used.
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
        after=None if after is None else position("after", after, order),
        before=None if before is None else position("before", before, order),
    )


def given(value: T | None) -> T | None:
    return None if value is UNSET else value


def cursor(order: Order, position: Position) -> str:
    """A row's place as opaque text, which names the order too: in another one it means nothing."""
    key = str(position.key) if isinstance(position.key, Decimal) else position.key
    return urlsafe_b64encode(orjson.dumps([fingerprint(order), key, position.id])).decode().rstrip("=")


def position(argument: str, cursor: str, order: Order) -> Position:
    """The place that a cursor names; BadInput when it is none of ours, or of another order."""
    try:
        named, key, identity = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if named == fingerprint(order) and type(identity) is int and 0 < identity <= HIGHEST_ID:
            return Position(key_of(key, order.key), identity)
    except (ArithmeticError, TypeError, ValueError):
        named = None
    if isinstance(named, str) and named != fingerprint(order):
        raise BadInput(
            argument, f"{argument} is a cursor of another order: use it there, or start anew here."
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


def fingerprint(order: Order) -> str:
    return f"{order.key.name} {'desc' if order.descending else 'asc'}"
