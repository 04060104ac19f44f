"""A schema with hard cases: a plan must either return the exact result or leave it to graphql-core."""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Union

import strawberry

from graphql_api.execution.context import ColumnsRead, PlanContext
from graphql_api.execution.fields import BatchResult, Info, batch_field, object_field
from graphql_api.loaders.dataloader import Loader


async def things_by_keys(keys: Sequence[int]) -> list[Any]:
    if 13 in keys:
        raise LookupError("no 13")
    return [None if key % 5 == 0 else Thing(key) for key in keys]


@dataclass
class NastyContext(PlanContext):
    thing_by_key: Loader[int, Any]

    def for_plan(self, columns_read: ColumnsRead) -> "NastyContext":
        return NastyContext(Loader(things_by_keys, by_level=True))

    async def close(self) -> None:
        """Do nothing: the context has no resources."""

    def for_fallback(self) -> "NastyContext":
        return NastyContext(Loader(things_by_keys, previous=self.thing_by_key))


def nasty_context() -> NastyContext:
    return NastyContext(Loader(things_by_keys))


def thing_field(key: str) -> Any:
    """Return a field that loads the thing with the key in this attribute of the object."""

    def load(objects: Sequence[Any], context: NastyContext) -> Awaitable[BatchResult]:
        return context.thing_by_key.load_all([getattr(each, key) for each in objects])

    return batch_field(load, "")


@dataclass(frozen=True)
class Thing:
    """The record behind most types of the schema."""

    key: int

    @property
    def other_key(self) -> int | None:
        return None if self.key % 4 == 0 else self.key + 1

    @property
    def wrong_int(self) -> Any:
        return [1, "2", 2**40, 3.0, 2.5, None, True][self.key % 7]

    @property
    def wrong_text(self) -> Any:
        return ["a", 1, 1.5, True, None, b"x", "\u00e9"][self.key % 7]

    @property
    def number(self) -> Any:
        return [1.5, 2, "3.5", float("nan"), float("inf"), True, None][self.key % 7]

    @property
    def flag(self) -> Any:
        return [True, False, 1, 0.0, None, "x", True][self.key % 7]

    @property
    def amount(self) -> Any:
        return [Decimal("1.50"), None, Decimal("0")][self.key % 3]

    @property
    def failing(self) -> str:
        if self.key % 3 == 0:
            raise RuntimeError(f"{self.key} fails")
        return "fine"

    @property
    def matrix(self) -> Any:
        return [[[1, None], [2]], None, [None, [3]], [], [[None]], ([4],), "text"][self.key % 7]

    @property
    def grid(self) -> Any:
        return [[Thing(self.key + 1)], [], [None]][: self.key % 4]


@strawberry.enum
class Colour(Enum):
    RED = "red"
    GREEN = "green"


@strawberry.input
class Choice:
    colour: Colour = Colour.GREEN
    weights: list[int] | None = None
    name: str | None = "unnamed"


@strawberry.interface
class Animal:
    key: int

    @classmethod
    def resolve_type(cls, value: Any, *_: Any) -> str:
        return ["Cat", "Dog", "Nothing"][value.key % 3]


def lives_of(root: strawberry.Parent[Thing]) -> int:
    return 9


@strawberry.type
class Cat(Animal):
    lives: int = object_field(lives_of, "")

    @classmethod
    def is_type_of(cls, value: Any, _info: Any) -> bool:
        return value.key % 3 != 2


@strawberry.type
class Dog(Animal):
    owner: Union["Item", None] = thing_field("other_key")

    @classmethod
    def is_type_of(cls, value: Any, _info: Any) -> bool:
        return True


Pet = Annotated[Union[Cat, Dog], strawberry.union("Pet")]  # noqa: UP007


def colour_of(root: strawberry.Parent[Thing]) -> Any:
    return [Colour.RED, Colour.GREEN, "RED", "green", None][root.key % 5]


def wrong_text_of(root: strawberry.Parent[Thing]) -> Any:
    return root.wrong_text


def echo_of(
    root: strawberry.Parent[Thing],
    text: str = "default",
    number: int | None = None,
    choice: Choice | None = None,
    colours: list[Colour] | None = None,
) -> str:
    return f"{root.key} {text} {number} {choice} {colours}"


async def slow_of(root: strawberry.Parent[Thing], fail_at: int = -1) -> str | None:
    for _ in range(root.key % 3):
        await asyncio.sleep(0)
    if root.key % 7 == fail_at:
        raise RuntimeError(f"slow {root.key} fails")
    return None if root.key % 6 == 5 else f"slow {root.key}"


def informed_of(root: strawberry.Parent[Thing], info: Info) -> str:
    return f"{info.field_name} {info.path.key}"


async def others_of(
    objects: Sequence[Thing], context: NastyContext, count: int = 2
) -> list[list[Thing | None]]:
    await asyncio.sleep(0)
    if count < 0:
        raise ValueError("count is negative")
    return [[Thing(each.key + step) if step else None for step in range(count)] for each in objects]


def near_of(objects: Sequence[Thing], context: NastyContext, far: bool = False) -> list[Thing | None]:
    return [None if each.key % 4 == 3 else Thing(each.key + (10 if far else 1)) for each in objects]


def missing(objects: Sequence[Thing], context: NastyContext) -> Awaitable[list[Thing]]:
    raise KeyError("missing")


@strawberry.type
class Item:
    key: int
    wrong_int: int | None
    wrong_text: str | None
    sure_text: str = object_field(wrong_text_of, "")
    number: float | None
    flag: bool | None
    amount: Decimal | None
    failing: str | None
    matrix: list[list[list[int | None] | None] | None] | None
    grid: list[list[Union["Item", None]]]
    colour: Colour | None = object_field(colour_of, "")
    echo: str = object_field(echo_of, "")
    slow: str | None = object_field(slow_of, "")
    sure_slow: str = object_field(slow_of, "")
    informed: str = object_field(informed_of, "")
    thing: Union["Item", None] = thing_field("other_key")
    sure_thing: "Item" = thing_field("key")
    others: list[Union["Item", None]] = batch_field(others_of, "")
    sure_others: list["Item"] | None = batch_field(others_of, "")
    near: Union["Item", None] = batch_field(near_of, "")
    missing: Union["Item", None] = batch_field(missing, "")
    animal: Animal | None = batch_field(near_of, "")
    pets: list[Pet | None] = batch_field(others_of, "")


def item_of(root: Sequence[None], context: NastyContext, key: int = 1) -> list[Thing]:
    return [Thing(key)]


async def items_of(root: Sequence[None], context: NastyContext, keys: list[int]) -> list[list[Thing]]:
    await asyncio.sleep(0)
    return [[Thing(key) for key in keys]]


@strawberry.type
class Query:
    item: Item = batch_field(item_of, "")
    maybe_item: Item | None = batch_field(item_of, "")
    items: list[Item | None] | None = batch_field(items_of, "")
    sure_items: list[Item] = batch_field(items_of, "")


nasty_schema = strawberry.Schema(Query, types=[Cat, Dog])
