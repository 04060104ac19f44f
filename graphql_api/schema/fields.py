"""Fields whose resolvers answer with records of `db`, one object at a time or a whole level at once.

A level resolver takes every object of one field position and answers for all of them in their order;
it is written once and serves both executors. Plans call it once a level. Stock execution calls it for
one object at a time, and the loaders under it gather those calls again.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from inspect import Parameter, Signature, iscoroutinefunction, signature
from typing import Any

import strawberry

from graphql_api.context import Context, Info

Values = Sequence[Any]
LevelFunction = Callable[..., Values | Awaitable[Values]]


@dataclass(frozen=True, slots=True)
class Level:
    """A level resolver: `resolve(objects, context, **arguments)`.

    Its answer is awaited or not; of those that are, some run only once a task runs them.
    """

    resolve: LevelFunction
    awaited: bool
    started_by_task: bool = False


def resolved_by(resolver: Callable[..., Any], description: str) -> Any:
    """A field of the annotated GraphQL type, resolved for one object at a time."""
    return strawberry.field(resolver=resolver, description=description)


def resolved_for_all(resolve: LevelFunction, description: str, *costs: object) -> Any:
    """A field resolved for a whole level at once; its arguments are those after objects and context."""
    waits = iscoroutinefunction(resolve)
    return level_field(Level(resolve, awaited=waits, started_by_task=waits), description, costs)


def loads(loader: str, key: str, description: str, *costs: object) -> Any:
    """A relation: what the loader of that name has for the object's key, None where the key is None."""

    def load(objects: Sequence[Any], context: Context) -> Awaitable[Values]:
        return getattr(context.loaders, loader).load_all([getattr(each, key) for each in objects])

    return level_field(Level(load, awaited=True), description, costs)


def level_field(level: Level, description: str, costs: Sequence[object]) -> Any:
    resolver = awaiting(level.resolve) if level.awaited else immediate(level.resolve)
    arguments = list(signature(level.resolve).parameters.values())[2:]
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
    return strawberry.field(resolver=resolver, description=description, directives=costs)


def awaiting(resolve: Callable[..., Any]) -> Callable[..., Any]:
    async def resolver(root: Any, info: Info, **arguments: Any) -> Any:
        return (await resolve([root], info.context, **arguments))[0]

    return resolver


def immediate(resolve: Callable[..., Any]) -> Callable[..., Any]:
    def resolver(root: Any, info: Info, **arguments: Any) -> Any:
        return resolve([root], info.context, **arguments)[0]

    return resolver
