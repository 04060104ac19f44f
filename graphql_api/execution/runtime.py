"""The functions and types that generated plans use."""

from asyncio import Future, ensure_future, gather
from collections.abc import Awaitable, Callable, Sequence
from enum import Enum
from functools import cache
from inspect import isawaitable
from types import SimpleNamespace
from typing import Any

from graphql import GraphQLAbstractType, GraphQLEnumType, GraphQLLeafType, Undefined, default_type_resolver
from strawberry import Schema


class PlanFailedError(Exception):
    """The plan cannot produce the result; graphql-core runs the operation and reports the errors."""


LIST_TYPES = frozenset((list, tuple))
"""The types that plans accept as lists; graphql-core accepts other iterables too."""


def is_invalid_object(value: Any) -> bool:
    """Return whether a resolver's value for an object is an exception or an awaitable."""
    return isinstance(value, Exception) or hasattr(value, "__await__")


@cache
def coercer_for(leaf: GraphQLLeafType) -> Callable[[Any], Any]:
    """Return a function that coerces one value of the leaf type, or raises, as graphql-core does."""
    coerce = leaf.coerce_output_value

    def coerce_value(value: Any) -> Any:
        output = None if value is None else coerce(value)
        if output is None or output is Undefined:
            raise PlanFailedError
        return output

    return coerce_value


@cache
def enum_names(leaf: GraphQLEnumType) -> dict[Any, str] | None:
    """Return the names of a Python enum's members, or None if the values are not enum members."""
    wrapped = getattr(leaf, "wrapped_cls", None)
    if not (isinstance(wrapped, type) and issubclass(wrapped, Enum)):
        return None
    return {member: leaf.coerce_output_value(member) for member in wrapped}


def type_name_resolver(
    schema: Schema, abstract_type: GraphQLAbstractType, field_name: str
) -> Callable[[Any], str]:
    """Return a function that names the object type of a value of an abstract type.

    It passes an Info with only the schema and the field's name to `resolve_type`. A `resolve_type` that reads
    other attributes raises, and graphql-core runs the operation.
    """
    resolve = abstract_type.resolve_type or default_type_resolver
    info: Any = SimpleNamespace(schema=schema._schema, field_name=field_name, is_awaitable=isawaitable)  # noqa: SLF001

    def resolve_name(value: Any) -> str:
        name = resolve(value, info, abstract_type)
        if not isinstance(name, str):
            raise PlanFailedError
        return name

    return resolve_name


def start_task(awaitable: Awaitable[Any]) -> Awaitable[Any]:
    """Start a task for the awaitable. If the plan fails first, the task's exception is not reported."""
    task = ensure_future(awaitable)
    task.add_done_callback(mark_exception_retrieved)
    return task


def mark_exception_retrieved(future: Future[Any]) -> None:
    """Retrieve a future's exception, so that asyncio does not warn if no awaiter is left to see it."""
    if not future.cancelled():
        future.exception()


async def gather_all(awaitables: Sequence[Awaitable[Any]]) -> list[Any]:
    """Wait for all awaitables and return their results. Raise PlanFailedError if one of them failed."""
    results = await gather(*awaitables, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise PlanFailedError from result
    return results
