# pyright: basic, reportPrivateUsage=false
"""An operation over a schema made by hand, answered as the server answers its own: all that the harness
knows of plans is here.

It relies on: `Documents(schema).find(text, operation_name)` with InvalidDocument and UnknownOperation,
`run(document, variables, context)` with Outcome, `resolved_by` and `resolved_for_all`; that fields are
found at `extensions["strawberry-definition"]`; that a Strawberry schema keeps graphql-core's in `_schema`;
that plans start from the root None; and that stock execution is graphql-core's `execute`, imported by name.
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

from graphql_api.execution.documents import Documents, InvalidDocument, UnknownOperation
from graphql_api.execution.limits import LimitExceeded
from graphql_api.execution.run import run
from graphql_api.schema.fields import resolved_by, resolved_for_all

Resolve = Callable[[Any, dict[str, Any]], Any]

EACH, LEVEL = "each", "level"
"""The two ways in which a plan calls resolvers: for one object at a time, for a whole level at once."""


FAILED = "something went wrong"
"""What `run` calls the failing of a plan."""

FOR_NOTHING = "failed for nothing"
"""The reason of a plan that failed where stock execution reports no error."""


class Refused(Exception):
    """The server does not run such a document, so there is no plan for it; the message says why."""


@dataclass(slots=True)
class Call:
    """A call of `execute`.

    `waiting` are the fields, as Type.field, that answer with something to await; `stock` makes the call
    itself, with middleware that has what was awaited already; `notes` tell what came up that plans leave to
    stock execution.
    """

    schema: GraphQLSchema
    text: str
    root: Any
    context: Any
    variables: dict[str, Any] | None
    operation_name: str | None
    field_resolver: Callable[..., Any] | None
    stock: Callable[[Sequence[Callable[..., Any]] | None], Any]
    waiting: frozenset[str] = frozenset()
    notes: list[str] = field(default_factory=list)
    awaited: dict[int, "Awaited"] = field(default_factory=dict)
    by_stock: bool = False
    stock_waits: bool = False

    def run_stock(self) -> Any:
        """Make the call itself."""
        self.by_stock = True

        def again(resolve: Callable[..., Any], source: Any, info: Any, **arguments: Any) -> Any:
            """Tests hand out coroutines that can be awaited only once, and the plan has done that."""
            value = resolve(source, info, **arguments)
            known = self.awaited.get(id(value))
            return known.again() if known else value

        result = self.stock([again] if self.awaited else None)
        self.stock_waits = isawaitable(result)
        return result

    async def settled(self, value: Any) -> Any:
        """What is awaited, or a value as it is."""
        if not isawaitable(value):
            return value
        try:
            result = await value
        except Exception as error:
            self.awaited[id(value)] = Awaited(value, error=error)
            raise
        self.awaited[id(value)] = Awaited(value, result)
        return result


@dataclass(frozen=True, slots=True)
class Awaited:
    """What came of something awaited."""

    awaitable: Any
    result: Any = None
    error: Exception | None = None

    async def again(self) -> Any:
        if self.error:
            raise self.error
        return self.result


CALL: ContextVar[Call | None] = ContextVar("call", default=None)


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of an operation, and the reason why stock execution gave it; None if its plan did."""

    result: Any
    fallback: str | None


@dataclass(frozen=True, slots=True)
class RequestContext:
    """The context of a call. Plans hand it to what resolves levels only."""

    value: Any

    def planned(self, _reads: object) -> "RequestContext":
        return self

    def again(self) -> "RequestContext":
        return self

    async def close(self) -> None:
        """Nothing is held."""


@strawberry.type
class Query:
    nothing: None


async def answer(call: Call, way: str) -> Answer:
    """Run the operation by its plan, with its fallback. Raises Refused, and what stock execution raises."""
    leave_stock_to_the_call()
    schema = strawberry.Schema(Query)
    schema._schema = call.schema
    make_known(call.schema, call.waiting, way)
    try:
        document = Documents(schema).find(call.text, call.operation_name)
    except InvalidDocument as refusal:
        syntax = refusal.errors[0].message.startswith("Syntax Error")
        raise Refused("refused: not parsed" if syntax else "refused: not valid") from refusal
    except UnknownOperation as refusal:
        raise Refused("refused: no such operation") from refusal
    except LimitExceeded as refusal:
        raise Refused("refused: beyond a limit") from refusal
    token = CALL.set(call)
    try:
        context: Any = RequestContext(call.context)
        outcome = await run(document, call.variables, context)
    finally:
        CALL.reset(token)
    return Answer(outcome.result, outcome.fallback and reason(outcome.fallback, outcome.result, call.notes))


def reason(fallback: str, result: Any, notes: Sequence[str]) -> str:
    """Why stock execution answered, in a few words that many tests share."""
    messages = [error.message for error in result.errors or ()]
    if fallback != FAILED and not any(message in fallback for message in messages):
        return fallback
    if notes:
        return notes[0]
    return "errors in the answer" if messages else FOR_NOTHING


def leave_stock_to_the_call() -> None:
    """What answers instead of a plan makes the call as the test made it, with its root and its options."""
    for name, module in list(sys.modules.items()):
        if name.startswith("graphql_api.execution") and vars(module).get("execute") is graphql.execute:
            vars(module)["execute"] = stock


def stock(*arguments: Any, **options: Any) -> Any:
    call = CALL.get()
    return call.run_stock() if call else graphql.execute(*arguments, **options)


# Fields


def make_known(schema: GraphQLSchema, waiting: frozenset[str], way: str) -> None:
    """Make the fields of a schema known to plans."""
    for kind in schema.type_map.values():
        if is_object_type(kind) and not kind.name.startswith("__"):
            for name, each in kind.fields.items():
                resolve = resolver(kind, name, each)
                definition = (by_level if way == LEVEL else one_by_one)(
                    resolve, f"{kind.name}.{name}" in waiting
                )
                definition.arguments = [
                    # Strawberry takes what should be text as it is.
                    StrawberryArgument(out, out, StrawberryAnnotation(str))
                    for out in [argument.out_name or key for key, argument in each.args.items()]
                ]
                each.extensions["strawberry-definition"] = definition


def resolver(kind: GraphQLObjectType, name: str, each: GraphQLField) -> Resolve:
    """A function of an object and arguments that resolves the field as graphql-core does."""

    def resolve(source: Any, arguments: dict[str, Any]) -> Any:
        call = current()
        info: Any = PartOfInfo(call, name, kind, each)
        value = (each.resolve or call.field_resolver or default_field_resolver)(
            call.root if source is None else source, info, **arguments
        )
        if is_list_type(get_nullable_type(each.type)):
            call.notes += remarks(value)
        return value

    return resolve


def current() -> Call:
    call = CALL.get()
    assert call is not None
    return call


def remarks(values: Any) -> list[str]:
    """What plans do not take in a list, as far as that is not simply wrong."""
    if values is None or isinstance(values, (str, dict)) or isawaitable(values):
        return []
    if isinstance(values, (list, tuple)):
        return ["awaitables in a list"] if any(map(isawaitable, values)) else []
    return ["a list that is neither list nor tuple"]


def one_by_one(resolve: Resolve, waits: bool) -> Any:
    """A field resolved for one object at a time."""

    def immediate(source: Any, **arguments: Any) -> Any:
        return not_awaited(resolve(source, arguments))

    async def awaiting(source: Any, **arguments: Any) -> Any:
        return await awaited(resolve(source, arguments))

    function: Any = awaiting if waits else immediate
    parameter = Parameter("source", Parameter.POSITIONAL_OR_KEYWORD, annotation=strawberry.Parent[Any])
    function.__signature__ = Signature([parameter])
    return resolved_by(function, "")


def by_level(resolve: Resolve, waits: bool) -> Any:
    """A field resolved for a whole level at once."""

    def immediate(objects: Sequence[Any], _context: Any, **arguments: Any) -> Any:
        return [not_awaited(resolve(each, arguments)) for each in objects]

    async def awaiting(objects: Sequence[Any], _context: Any, **arguments: Any) -> Any:
        values = [awaited(resolve(each, arguments)) for each in objects]
        results = await gather(*values, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return results

    function: Any = awaiting if waits else immediate
    keyword = Parameter.POSITIONAL_OR_KEYWORD
    function.__signature__ = Signature([Parameter("objects", keyword), Parameter("context", keyword)])
    return resolved_for_all(function, "")


def not_awaited(value: Any) -> Any:
    if isawaitable(value):
        current().notes.append("awaitables where the call does not wait")
    return value


async def awaited(value: Any) -> Any:
    result = await current().settled(value)
    if isinstance(result, (list, tuple)):
        current().notes += remarks(result)
    return result


@dataclass(frozen=True, slots=True)
class PartOfInfo:
    """What of Info the schema and the request hold. Who asks for more leaves the operation to stock
    execution, as a resolver of the server does that asks for Info at all."""

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
        self.call.notes.append("a resolver asks for Info")
        raise AttributeError(name)
