"""Fields whose resolvers answer with records of `db`, one object at a time or a whole level at once.

A level resolver takes every object of one field position and answers for all of them in their order;
it is written once and serves both executors. Plans call it once a level. Stock execution calls it for
one object at a time, and the loaders under it gather those calls again.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from inspect import Parameter, Signature, iscoroutinefunction, signature
from operator import attrgetter
from typing import Any, get_origin

import strawberry

from graphql_api.context import Context, Info

Values = Sequence[Any]
LevelFunction = Callable[..., Values | Awaitable[Values]]


@dataclass(frozen=True, slots=True)
class Level:
    """A level resolver: `resolve(objects, context, **arguments)`.

    Its answer is `awaited` if it says that it returns an Awaitable; what it loads is asked for in the call
    itself. That of a coroutine function is awaited too, but runs only once a task runs it.

    `ahead` names the connections below it of which a plan tells it the first that is asked for, with its
    arguments, as `ahead`: their page can be read along.
    """

    resolve: LevelFunction
    awaited: bool
    started_by_task: bool = False
    ahead: Sequence[str] = ()


def resolved_by(
    resolver: Callable[..., Any], description: str, *, reads: Sequence[str] = (), vouched: bool = False
) -> Any:
    """A field of the annotated GraphQL type, resolved for one object at a time.

    `reads` names the columns it takes from a record, besides the id. A resolver that is `vouched` for always
    answers with what the field's type, a leaf, puts out.
    """
    metadata = {"reads": reads, "vouched": vouched}
    return strawberry.field(resolver=resolver, description=description, metadata=metadata)


def of_row(column: str, description: str) -> Any:
    """A field of an object that stands in the same row; null where the column is."""

    def resolver(root: strawberry.Parent[Any]) -> Any:
        return None if root[column] is None else root

    metadata = {"reads": [column], "of_row": column}
    return strawberry.field(resolver=resolver, description=description, metadata=metadata)


@dataclass(slots=True)
class Ahead:
    """A connection that will be asked for of what a level resolver answers, and its arguments.

    `again` is the same connection asked for of its nodes, and so on down a tree.
    """

    field: str
    arguments: Mapping[str, Any]
    again: "Ahead | None" = None

    @property
    def down(self) -> "Iterator[Ahead]":
        """This one, and those again below it."""
        each: Ahead | None = self
        while each:
            yield each
            each = each.again


def resolved_for_all(
    resolve: LevelFunction,
    description: str,
    *costs: object,
    reads: Sequence[str] = (),
    ahead: Sequence[str] = (),
) -> Any:
    """A field resolved for a whole level at once; its arguments are those after objects and context."""
    by_task = iscoroutinefunction(resolve)
    awaited = by_task or get_origin(signature(resolve).return_annotation) is Awaitable
    return level_field(Level(resolve, awaited, by_task, ahead), description, reads, costs)


def loads(loader: str, key: str, description: str, *costs: object) -> Any:
    """A relation: what the loader of that name has for the object's key, None where the key is None."""

    def load(objects: Sequence[Any], context: Context) -> Awaitable[Values]:
        return getattr(context.loaders, loader).load_all([key_of(each) for each in objects])

    key_of = attrgetter(key)
    return level_field(Level(load, awaited=True), description, [key], costs)


def level_field(level: Level, description: str, reads: Sequence[str], costs: Sequence[object]) -> Any:
    resolver = awaiting(level.resolve) if level.awaited else immediate(level.resolve)
    _, _, *parameters = signature(level.resolve).parameters.values()
    arguments = [each for each in parameters if each.name != "ahead"]
    keyword = Parameter.POSITIONAL_OR_KEYWORD
    resolver.__signature__ = Signature(  # type: ignore[attr-defined]
        [
            Parameter("root", keyword, annotation=strawberry.Parent[Any]),
            Parameter("info", keyword, annotation=Info),
            *arguments,
        ]
    )
    resolver.__annotations__ = {each.name: each.annotation for each in arguments} | {
        "root": strawberry.Parent[Any],
        "info": Info,
    }
    resolver.level = level  # type: ignore[attr-defined]
    return strawberry.field(
        resolver=resolver, description=description, metadata={"reads": reads}, directives=costs
    )


def awaiting(resolve: Callable[..., Any]) -> Callable[..., Any]:
    async def resolver(root: Any, info: Info, **arguments: Any) -> Any:
        return (await resolve([root], info.context, **arguments))[0]

    return resolver


def immediate(resolve: Callable[..., Any]) -> Callable[..., Any]:
    def resolver(root: Any, info: Info, **arguments: Any) -> Any:
        return resolve([root], info.context, **arguments)[0]

    return resolver
