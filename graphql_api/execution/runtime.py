"""What generated plans call."""

from asyncio import ensure_future, gather
from collections.abc import Awaitable, Callable, Sequence
from enum import Enum
from functools import cache
from inspect import isawaitable
from types import SimpleNamespace
from typing import Any

from graphql import GraphQLAbstractType, GraphQLEnumType, GraphQLLeafType, Undefined, default_type_resolver
from strawberry import Schema

from graphql_api.loading import retrieved


class PlanFailed(Exception):
    """The operation cannot be answered by its plan; stock execution knows why."""


LISTS = frozenset((list, tuple))
"""What plans take for a list; stock execution takes other iterables too."""


def is_no_object(value: Any) -> bool:
    """Whether what was answered for an object is an error, or still to be awaited."""
    return isinstance(value, Exception) or hasattr(value, "__await__")


@cache
def coerced(leaf: GraphQLLeafType) -> Callable[[Any], Any]:
    """A function that coerces one value of the leaf, as stock execution does; it raises where that would."""
    coerce = leaf.coerce_output_value

    def made(value: Any) -> Any:
        output = None if value is None else coerce(value)
        if output is None or output is Undefined:
            raise PlanFailed
        return output

    return made


@cache
def members_of(leaf: GraphQLEnumType) -> dict[Any, str] | None:
    """The names of the members of a Python enum; None where the values are something else."""
    wrapped = getattr(leaf, "wrapped_cls", None)
    if not (isinstance(wrapped, type) and issubclass(wrapped, Enum)):
        return None
    return {member: leaf.coerce_output_value(member) for member in wrapped}


def type_namer(schema: Schema, kind: GraphQLAbstractType, field_name: str) -> Callable[[Any], str]:
    """A function that names the object type of a value of an abstract type, which a field answered.

    It tells the schema and the field's name to those who resolve types; who asks for more of Info gets
    an error, and the operation goes to stock execution.
    """
    resolve = kind.resolve_type or default_type_resolver
    info: Any = SimpleNamespace(schema=schema._schema, field_name=field_name, is_awaitable=isawaitable)  # noqa: SLF001

    def name(value: Any) -> str:
        named = resolve(value, info, kind)
        if not isinstance(named, str):
            raise PlanFailed
        return named

    return name


def started(awaitable: Awaitable[Any]) -> Awaitable[Any]:
    """Something to await that is already running. If the plan fails before, nobody awaits it any more."""
    task = ensure_future(awaitable)
    task.add_done_callback(retrieved)
    return task


async def together(awaitables: Sequence[Awaitable[Any]]) -> list[Any]:
    """The results of all, each of which has ended even when one of them failed."""
    results = await gather(*awaitables, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise PlanFailed from result
    return results
