"""Fields whose resolvers return records of `db`, for one object at a time or for a whole level at once.

A batch resolver takes all objects of one level and returns one value per object, in the same order. It
serves both executors. A plan calls it once per level. graphql-core calls it for one object at a time, and
the dataloaders below it batch those calls.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from inspect import Parameter, Signature, iscoroutinefunction, signature
from operator import attrgetter
from typing import Any, get_origin

import strawberry

from graphql_api.context import Context, Info

BatchResult = Sequence[Any]
BatchFunction = Callable[..., BatchResult | Awaitable[BatchResult]]


@dataclass(frozen=True, slots=True)
class BatchResolver:
    """A batch resolver: `resolve(objects, context, **arguments)`.

    - `awaited`: the resolver returns an Awaitable. It registers its loader keys when it is called.
    - `started_by_task`: it is a coroutine function and needs a task to start.
    - `prefetchable` names the connections below the field whose page it can read too. A plan passes the
      first one that the operation selects as the argument `prefetch`.
    """

    resolve: BatchFunction
    awaited: bool
    started_by_task: bool = False
    prefetchable: Sequence[str] = ()


def object_field(
    resolver: Callable[..., Any], description: str, *, reads: Sequence[str] = (), trusted: bool = False
) -> Any:
    """Return a field of the annotated GraphQL type that is resolved for one object at a time.

    - `reads` names the columns that the resolver reads from a record, in addition to the id.
    - `trusted=True`: the resolver returns the serialised value of its leaf type, so coercion is skipped.
    """
    metadata = {"reads": reads, "trusted": trusted}
    return strawberry.field(resolver=resolver, description=description, metadata=metadata)


def same_row_field(column: str, description: str) -> Any:
    """Return a field of an object stored in the same row. The object is null if the column is null."""

    def resolver(root: strawberry.Parent[Any]) -> Any:
        return None if root[column] is None else root

    metadata = {"reads": [column], "same_row_column": column}
    return strawberry.field(resolver=resolver, description=description, metadata=metadata)


@dataclass(slots=True)
class Prefetch:
    """A connection that the operation selects below a batch resolver's field, with its arguments.

    `nested` is the same connection below this connection's nodes, recursively.
    """

    field: str
    arguments: Mapping[str, Any]
    nested: "Prefetch | None" = None

    @property
    def levels(self) -> "Iterator[Prefetch]":
        """This prefetch and all nested ones, outermost first."""
        level: Prefetch | None = self
        while level:
            yield level
            level = level.nested


def batch_field(
    resolve: BatchFunction,
    description: str,
    *costs: object,
    reads: Sequence[str] = (),
    prefetchable: Sequence[str] = (),
) -> Any:
    """Return a field that is resolved for a whole level at once.

    Its GraphQL arguments are the resolver's parameters after `objects` and `context`.
    """
    started_by_task = iscoroutinefunction(resolve)
    awaited = started_by_task or get_origin(signature(resolve).return_annotation) is Awaitable
    batch_resolver = BatchResolver(resolve, awaited, started_by_task, prefetchable)
    return field_of_batch_resolver(batch_resolver, description, reads, costs)


def loader_field(loader: str, key: str, description: str, *costs: object) -> Any:
    """Return a relation's field: the loader's value for the object's key, or None if the key is None.

    `loader` names an attribute of the context's loaders, `key` an attribute of the object.
    """

    def load(records: Sequence[Any], context: Context) -> Awaitable[BatchResult]:
        return getattr(context.loaders, loader).load_all([read_key(each) for each in records])

    read_key = attrgetter(key)
    return field_of_batch_resolver(BatchResolver(load, awaited=True), description, [key], costs)


def field_of_batch_resolver(
    batch_resolver: BatchResolver, description: str, reads: Sequence[str], costs: Sequence[object]
) -> Any:
    """Return a field with an adapter for graphql-core, which resolves one object at a time."""
    adapter = _async_adapter if batch_resolver.awaited else _sync_adapter
    resolver = adapter(batch_resolver.resolve)
    _, _, *parameters = signature(batch_resolver.resolve).parameters.values()
    arguments = [each for each in parameters if each.name != "prefetch"]
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
    resolver.batch_resolver = batch_resolver  # type: ignore[attr-defined]
    return strawberry.field(
        resolver=resolver, description=description, metadata={"reads": reads}, directives=costs
    )


def _async_adapter(resolve: Callable[..., Any]) -> Callable[..., Any]:
    async def resolver(root: Any, info: Info, **arguments: Any) -> Any:
        return (await resolve([root], info.context, **arguments))[0]

    return resolver


def _sync_adapter(resolve: Callable[..., Any]) -> Callable[..., Any]:
    def resolver(root: Any, info: Info, **arguments: Any) -> Any:
        return resolve([root], info.context, **arguments)[0]

    return resolver
