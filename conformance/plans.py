"""Run an operation over a hand-made schema through its plan, as the server does for its own schema.

This module contains everything that the harness knows about plans. It relies on:

- `DocumentCache(schema).get(text, operation_name)` with InvalidDocumentError and UnknownOperationError
- `prepare(variables)` of a document, and `run_operation(operation, context)` with Outcome
- `object_field` and `batch_field`
- fields have their definition in `extensions["strawberry-definition"]`
- a Strawberry schema has graphql-core's schema in `_schema`
- plans start from the root None
- the fallback is graphql-core's `execute`, imported by name
"""

import sys
from asyncio import gather
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from inspect import Parameter, Signature, isawaitable
from typing import Any

import graphql
import strawberry
from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema, default_field_resolver, is_object_type
from graphql.type import get_nullable_type, is_list_type
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument

from graphql_api.execution.context import ColumnsRead, PlanContext
from graphql_api.execution.documents import DocumentCache, InvalidDocumentError, UnknownOperationError
from graphql_api.execution.executor import run_operation
from graphql_api.execution.fields import batch_field, object_field
from graphql_api.execution.limits import LimitExceededError

Resolve = Callable[[Any, dict[str, Any]], Any]

PER_OBJECT, BATCHED = "per-object", "batched"
"""The two modes in which a plan calls resolvers: for one object at a time, for a whole level at once."""

PLAN_FAILED = "the plan failed"
"""The fallback reason of `run_operation` for a plan that failed."""

NEEDLESS_FAILURE = "failed without an error"
"""The reason for a plan that failed although graphql-core reports no error."""


class DocumentRejectedError(Exception):
    """The server rejects the document, so it has no plan; the message has the reason."""


@dataclass(slots=True)
class Call:
    """A call of `execute` in a test.

    - `execute` makes the original call, with additional middleware.
    - `awaited_fields` are the fields, as Type.field, whose resolvers return awaitables.
    - `notes` lists features in use that plans leave to graphql-core.
    - `settled_awaitables` has the awaitables that the plan has awaited, by id.
    """

    schema: GraphQLSchema
    text: str
    root: Any
    context: Any
    variables: dict[str, Any] | None
    operation_name: str | None
    field_resolver: Callable[..., Any] | None
    execute: Callable[[Sequence[Callable[..., Any]] | None], Any]
    awaited_fields: frozenset[str] = frozenset()
    notes: list[str] = field(default_factory=list)
    settled_awaitables: dict[int, "SettledAwaitable"] = field(default_factory=dict)
    ran_graphql_core: bool = False
    graphql_core_awaits: bool = False

    def run_with_graphql_core(self) -> Any:
        """Make the original call."""
        self.ran_graphql_core = True

        def reuse_awaited(resolve: Callable[..., Any], source: Any, info: Any, **arguments: Any) -> Any:
            """Reuse results of awaitables: a coroutine can be awaited only once, and the plan did that."""
            value = resolve(source, info, **arguments)
            settled = self.settled_awaitables.get(id(value))
            return settled.repeat() if settled else value

        result = self.execute([reuse_awaited] if self.settled_awaitables else None)
        self.graphql_core_awaits = isawaitable(result)
        return result

    async def settle(self, value: Any) -> Any:
        """Return the result of an awaitable, or the value if it is not awaitable."""
        if not isawaitable(value):
            return value
        try:
            result = await value
        except Exception as error:
            self.settled_awaitables[id(value)] = SettledAwaitable(value, error=error)
            raise
        self.settled_awaitables[id(value)] = SettledAwaitable(value, result)
        return result


@dataclass(frozen=True, slots=True)
class SettledAwaitable:
    """The result or the exception of an awaitable."""

    awaitable: Any
    result: Any = None
    error: Exception | None = None

    async def repeat(self) -> Any:
        if self.error:
            raise self.error
        return self.result


CURRENT_CALL: ContextVar[Call | None] = ContextVar("call", default=None)


@dataclass(frozen=True, slots=True)
class PlanResult:
    """The result of an operation, and the reason why graphql-core ran it; None if its plan ran it."""

    result: Any
    fallback_reason: str | None


@dataclass(frozen=True, slots=True)
class RequestContext(PlanContext):
    """The context of a call. Plans pass it to batch resolvers only."""

    value: Any

    def for_plan(self, columns_read: ColumnsRead) -> "RequestContext":
        return self

    def for_fallback(self) -> "RequestContext":
        return self

    async def close(self) -> None:
        """Do nothing: the context has no resources."""


@strawberry.type
class Query:
    nothing: None


async def run_by_plan(call: Call, mode: str) -> PlanResult:
    """Run the operation by its plan, with graphql-core as fallback.

    Raise DocumentRejectedError, and any exception that graphql-core raises.
    """
    _redirect_execute()
    schema = strawberry.Schema(Query)
    schema._schema = call.schema
    _attach_definitions(call.schema, call.awaited_fields, mode)
    try:
        document = DocumentCache(schema).get(call.text, call.operation_name)
        operation = document.prepare(call.variables)
    except InvalidDocumentError as error:
        syntax = error.errors[0].message.startswith("Syntax Error")
        raise DocumentRejectedError("rejected: syntax error" if syntax else "rejected: invalid") from error
    except UnknownOperationError as error:
        raise DocumentRejectedError("rejected: unknown operation") from error
    except LimitExceededError as error:
        raise DocumentRejectedError("rejected: exceeds a limit") from error
    token = CURRENT_CALL.set(call)
    try:
        context = RequestContext(call.context)
        outcome = await run_operation(operation, context)
    finally:
        CURRENT_CALL.reset(token)
    if outcome.fallback_reason is None:
        return PlanResult(outcome.result, None)
    reason = _fallback_reason(outcome.fallback_reason, outcome.result, call.notes)
    return PlanResult(outcome.result, reason)


def _fallback_reason(fallback_reason: str, result: Any, notes: Sequence[str]) -> str:
    """Return why graphql-core ran the operation, in words that many tests share."""
    messages = [error.message for error in result.errors or ()]
    if fallback_reason != PLAN_FAILED and not any(message in fallback_reason for message in messages):
        return fallback_reason
    if notes:
        return notes[0]
    return "errors in the result" if messages else NEEDLESS_FAILURE


def _redirect_execute() -> None:
    """Make the fallback repeat the test's original call, with its root and its options."""
    for name, module in list(sys.modules.items()):
        if name.startswith("graphql_api.execution") and vars(module).get("execute") is graphql.execute:
            vars(module)["execute"] = _execute


def _execute(*arguments: Any, **options: Any) -> Any:
    call = CURRENT_CALL.get()
    return call.run_with_graphql_core() if call else graphql.execute(*arguments, **options)


# Fields


def _attach_definitions(schema: GraphQLSchema, awaited_fields: frozenset[str], mode: str) -> None:
    """Attach a Strawberry definition to each field of a schema, so that plans can compile it."""
    for type_ in schema.type_map.values():
        if is_object_type(type_) and not type_.name.startswith("__"):
            for name, field_ in type_.fields.items():
                resolve = _field_resolver(type_, name, field_)
                definition = (_batched_field if mode == BATCHED else _per_object_field)(
                    resolve, f"{type_.name}.{name}" in awaited_fields
                )
                definition.arguments = [
                    # Strawberry does not convert values of arguments declared as str.
                    StrawberryArgument(out, out, StrawberryAnnotation(str))
                    for out in [argument.out_name or key for key, argument in field_.args.items()]
                ]
                field_.extensions["strawberry-definition"] = definition


def _field_resolver(parent_type: GraphQLObjectType, name: str, field_: GraphQLField) -> Resolve:
    """Return a function of an object and arguments that resolves the field as graphql-core does."""

    def resolve(source: Any, arguments: dict[str, Any]) -> Any:
        call = _current_call()
        info: Any = PartialInfo(call, name, parent_type, field_)
        value = (field_.resolve or call.field_resolver or default_field_resolver)(
            call.root if source is None else source, info, **arguments
        )
        if is_list_type(get_nullable_type(field_.type)):
            call.notes += _list_notes(value)
        return value

    return resolve


def _current_call() -> Call:
    call = CURRENT_CALL.get()
    assert call is not None
    return call


def _list_notes(values: Any) -> list[str]:
    """Return a note if the value is a valid list that plans do not support."""
    if values is None or isinstance(values, (str, dict)) or isawaitable(values):
        return []
    if isinstance(values, (list, tuple)):
        return ["awaitables in a list"] if any(map(isawaitable, values)) else []
    return ["a list that is neither list nor tuple"]


def _per_object_field(resolve: Resolve, awaited: bool) -> Any:
    """Return a field that is resolved for one object at a time."""

    def resolve_sync(source: Any, **arguments: Any) -> Any:
        return _note_awaitable(resolve(source, arguments))

    async def resolve_async(source: Any, **arguments: Any) -> Any:
        return await _await_value(resolve(source, arguments))

    function: Any = resolve_async if awaited else resolve_sync
    parameter = Parameter("source", Parameter.POSITIONAL_OR_KEYWORD, annotation=strawberry.Parent[Any])
    function.__signature__ = Signature([parameter])
    return object_field(function, "")


def _batched_field(resolve: Resolve, awaited: bool) -> Any:
    """Return a field that is resolved for a whole level at once."""

    def resolve_sync(objects: Sequence[Any], _context: Any, **arguments: Any) -> Any:
        return [_note_awaitable(resolve(each, arguments)) for each in objects]

    async def resolve_async(objects: Sequence[Any], _context: Any, **arguments: Any) -> Any:
        values = [_await_value(resolve(each, arguments)) for each in objects]
        results = await gather(*values, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return results

    function: Any = resolve_async if awaited else resolve_sync
    keyword = Parameter.POSITIONAL_OR_KEYWORD
    function.__signature__ = Signature([Parameter("objects", keyword), Parameter("context", keyword)])
    return batch_field(function, "")


def _note_awaitable(value: Any) -> Any:
    """Return the value, and note it if it is an awaitable in a call that does not wait."""
    if isawaitable(value):
        _current_call().notes.append("awaitables in a synchronous call")
    return value


async def _await_value(value: Any) -> Any:
    """Return the result of an awaitable, or the value, and note a list that plans do not support."""
    result = await _current_call().settle(value)
    if isinstance(result, (list, tuple)):
        _current_call().notes += _list_notes(result)
    return result


@dataclass(frozen=True, slots=True)
class PartialInfo:
    """The attributes of Info that the schema and the request determine.

    A resolver that reads another attribute makes graphql-core run the operation. On the server, any resolver
    that takes Info does.
    """

    call: Call
    field_name: str
    parent_type: GraphQLObjectType
    field: GraphQLField

    def __getattr__(self, name: str) -> Any:
        if name == "return_type":
            return self.field.type
        if name == "schema":
            return self.call.schema
        if name == "root_value":
            return self.call.root
        if name == "context":
            return self.call.context
        self.call.notes.append("a resolver uses Info")
        raise AttributeError(name)
