"""Declarations of fields: what plans know of a field beyond its GraphQL type.

A batch resolver takes all objects of one level and returns one value per object, in the same order. It
serves both executors. A plan calls it once per level. graphql-core calls it for one object at a time, and
the dataloaders below it batch those calls.
"""

from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from inspect import Parameter, Signature, iscoroutinefunction, signature
from typing import Any, get_origin

import strawberry
from graphql import GraphQLField, GraphQLObjectType
from strawberry.types.field import StrawberryField

BatchResult = Sequence[Any]
BatchFunction = Callable[..., BatchResult | Awaitable[BatchResult]]
Info = strawberry.Info[Any, Any]

_OPTIONS = "plan"
"""The key of a field's FieldOptions in the metadata of Strawberry's field."""


@dataclass(frozen=True, slots=True)
class BatchResolver:
    """A batch resolver: `resolve(objects, context, **arguments)`.

    - `awaited`: the resolver returns an Awaitable. It registers its loader keys when it is called.
    - `needs_task`: it is a coroutine function, which starts only in a task.
    - `prefetchable` names the connections below the field whose page it can read too. A plan passes the
      first one that the operation selects as the argument `prefetch`.
    """

    resolve: BatchFunction
    awaited: bool
    needs_task: bool = False
    prefetchable: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class PageUse:
    """How a field of a connection uses the connection's page.

    - `node_path` names the fields that lead from an entry of this field to its node: none if the entries
      are the nodes. It is None if the field has no entries.
    - `prefetchable=False`: the page must not be prefetched if this field is selected.
    """

    node_path: Sequence[str] | None = None
    prefetchable: bool = True


@dataclass(frozen=True, slots=True)
class FieldOptions:
    """What plans know of a field.

    - `reads` names the columns that its resolver reads, in addition to the id. They are columns of
      `record_class`, or of the record class of the field's own type.
    - `trusted`: the resolver returns serialised values of its leaf type, so coercion is skipped.
    - `same_row_column`: the value is the object itself, or None if this column is None.
    - `runs_once`: the field is a step of a mutation, which the steps of the context run once.
    """

    batch_resolver: BatchResolver | None = None
    reads: Sequence[str] = ()
    record_class: type | None = None
    trusted: bool = False
    same_row_column: str | None = None
    page_use: PageUse | None = None
    runs_once: bool = False


_NO_OPTIONS = FieldOptions()


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


def object_field(
    resolver: Callable[..., Any], description: str, *, reads: Sequence[str] = (), trusted: bool = False
) -> Any:
    """Return a field of the annotated GraphQL type that is resolved for one object at a time.

    `reads` and `trusted` are described at FieldOptions.
    """
    return _field(resolver, description, FieldOptions(reads=reads, trusted=trusted))


def same_row_field(column: str, description: str, *, reads: Sequence[str] = ()) -> Any:
    """Return a field of an object stored in the same row. The object is null if the column is null.

    `reads` names further columns that fields of the object need.
    """

    def resolver(root: strawberry.Parent[Any]) -> Any:
        return None if root[column] is None else root

    return _field(resolver, description, FieldOptions(reads=[column, *reads], same_row_column=column))


def batch_field(
    resolve: BatchFunction,
    description: str,
    *costs: object,
    reads: Sequence[str] = (),
    record_class: type | None = None,
    prefetchable: Sequence[str] = (),
    page_use: PageUse | None = None,
) -> Any:
    """Return a field that is resolved for a whole level at once.

    Its GraphQL arguments are the resolver's parameters after `objects` and `context`. A resolver that
    returns an Awaitable must be annotated so, or be a coroutine function. The other options are described
    at BatchResolver and FieldOptions.
    """
    function_signature = signature(resolve, eval_str=True)
    needs_task = iscoroutinefunction(resolve)
    awaited = needs_task or get_origin(function_signature.return_annotation) is Awaitable
    _, _, *parameters = function_signature.parameters.values()
    resolver = _adapter(resolve, parameters, awaited=awaited)
    options = FieldOptions(
        BatchResolver(resolve, awaited, needs_task, prefetchable), reads, record_class, page_use=page_use
    )
    return _field(resolver, description, options, costs)


def mutation_field(resolve: Callable[..., Coroutine[Any, Any, Any]], description: str, *costs: object) -> Any:
    """Return a root field of Mutation. Its arguments are the parameters of `resolve` after `context`.

    The context's steps run `resolve(context, **arguments)` once, whichever executor needs its value.
    """

    async def run_step(objects: Sequence[Any], context: Any, **arguments: Any) -> list[Any]:
        return [await context.steps.run(partial(resolve, context, **arguments))]

    context, *parameters = signature(resolve, eval_str=True).parameters.values()
    objects = Parameter("objects", Parameter.POSITIONAL_OR_KEYWORD)
    run_step.__signature__ = Signature([objects, context, *parameters])  # type: ignore[attr-defined]
    options = FieldOptions(BatchResolver(run_step, awaited=True, needs_task=True), runs_once=True)
    return _field(_adapter(run_step, parameters, awaited=True), description, options, costs)


def _field(
    resolver: Callable[..., Any], description: str, options: FieldOptions, costs: Sequence[object] = ()
) -> Any:
    metadata = {_OPTIONS: options}
    return strawberry.field(resolver=resolver, description=description, metadata=metadata, directives=costs)


def _adapter(resolve: BatchFunction, parameters: Sequence[Parameter], *, awaited: bool) -> Callable[..., Any]:
    """Return a resolver for graphql-core, which resolves one object at a time."""
    resolver = _async_adapter(resolve) if awaited else _sync_adapter(resolve)
    arguments = [each for each in parameters if each.name != "prefetch"]
    own = {"root": strawberry.Parent[Any], "info": Info}
    keyword = Parameter.POSITIONAL_OR_KEYWORD
    own_parameters = [Parameter(name, keyword, annotation=annotation) for name, annotation in own.items()]
    resolver.__signature__ = Signature([*own_parameters, *arguments])  # type: ignore[attr-defined]
    resolver.__annotations__ = {each.name: each.annotation for each in arguments} | own
    return resolver


def _async_adapter(resolve: Callable[..., Any]) -> Callable[..., Any]:
    async def resolver(root: Any, info: Info, **arguments: Any) -> Any:
        return (await resolve([root], info.context, **arguments))[0]

    return resolver


def _sync_adapter(resolve: Callable[..., Any]) -> Callable[..., Any]:
    def resolver(root: Any, info: Info, **arguments: Any) -> Any:
        return resolve([root], info.context, **arguments)[0]

    return resolver


def definition_of(field: GraphQLField) -> StrawberryField | None:
    """Return the Strawberry field behind a field of graphql-core, or None if there is none."""
    definition = field.extensions.get("strawberry-definition")
    return definition if isinstance(definition, StrawberryField) else None


def options_of(definition: StrawberryField | None) -> FieldOptions:
    """Return the options with which a field was declared; those of an ordinary field are empty."""
    return definition.metadata.get(_OPTIONS, _NO_OPTIONS) if definition else _NO_OPTIONS


def record_class_of(object_type: GraphQLObjectType) -> type | None:
    """Return the class of the records behind a type, or None if the type declares none.

    A type declares it as the class attribute `record_class`. The annotations of that class name columns,
    which are items of a record.
    """
    origin = getattr(object_type.extensions.get("strawberry-definition"), "origin", None)
    return getattr(origin, "record_class", None)
