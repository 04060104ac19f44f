# pyright: basic
"""Stand-ins for graphql-core's ways to execute, that answer by plans and keep book of it."""

from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from functools import partial, wraps
from inspect import isawaitable, signature
from typing import Any

import graphql
from graphql import DocumentNode, GraphQLSchema, print_ast
from graphql.harness import default_harness

from conformance.plans import Call, Refused, answer

STOCK = "stock"
"""Stock execution alone, watched for the fields that answer with something to await."""

EXPRESSIBLE = {
    *("schema", "document", "root_value", "context_value", "variable_values", "operation_name"),
    # Of these only stock execution knows, which answers what they are about.
    *("field_resolver", "max_coercion_errors", "hide_suggestions", "check_sync"),
}
"""The arguments of `execute` that a plan's answer may depend on; with others given there is no plan."""

ASSUMPTIONS = {"assume_not_awaitable", "assume_not_async_iterable"}
"""The predicates by which graphql_sync tells that it will not wait."""


@dataclass(frozen=True, slots=True)
class Entry:
    """How one operation was answered: by its "plan", by the "fallback", or by "stock" execution from the
    start as it cannot be expressed; and why. `waiting` are the fields that answered with awaitables."""

    how: str
    reason: str | None = None
    waiting: list[str] = field(default_factory=list[str])


@dataclass(slots=True)
class StandIns:
    """The stand-ins that answer in one way. `learned` are the waiting fields of each operation of a test."""

    way: str
    entries: list[Entry] = field(default_factory=list[Entry])
    learned: list[list[str]] = field(default_factory=list[list[str]])

    def begin(self, learned: list[list[str]]) -> None:
        """A new test begins."""
        self.entries, self.learned = [], learned

    def stand_in(self, module: Any) -> None:
        """Put the stand-ins where a module has imported what they stand in for."""
        replaced: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
            "execute": (graphql.execute, self.executing(graphql.execute, sync=False)),
            "execute_sync": (graphql.execute_sync, self.executing(graphql.execute_sync, sync=True)),
            "graphql": (graphql.graphql, self.asking(graphql.graphql, sync=False)),
            "graphql_sync": (graphql.graphql_sync, self.asking(graphql.graphql_sync, sync=True)),
        }
        for name, (original, stand_in) in replaced.items():
            if vars(module).get(name) is original:
                vars(module)[name] = stand_in

    def asking(self, ask: Callable[..., Any], *, sync: bool) -> Callable[..., Any]:
        """`graphql` or `graphql_sync` with a stand-in for execution; they parse and validate themselves."""
        harness = default_harness._replace(execute=self.executing(graphql.execute, sync=sync))
        return wraps(ask)(partial(ask, harness=harness))

    def executing(self, execute: Callable[..., Any], *, sync: bool) -> Callable[..., Any]:
        """`execute` or `execute_sync` by plans."""
        parameters = signature(execute)

        @wraps(execute)
        def stand_in(*arguments: Any, **options: Any) -> Any:
            given = parameters.bind(*arguments, **options).arguments
            call = partial(called, execute, given)
            if self.way == STOCK:
                return self.watched(call, given, sync=sync)
            why_not = inexpressible(given)
            if why_not:
                return self.by_stock(call, why_not)
            waiting = self.learned[len(self.entries)] if len(self.entries) < len(self.learned) else []
            return self.by_plan(call, given, frozenset(() if sync else waiting))

        return stand_in

    def watched(self, call: Callable[..., Any], given: dict[str, Any], *, sync: bool) -> Any:
        entry = Entry("stock")
        self.entries.append(entry)
        if sync or inexpressible(given):
            return call(None)

        def watch(resolve: Callable[..., Any], source: Any, info: Any, **arguments: Any) -> Any:
            value = resolve(source, info, **arguments)
            if isawaitable(value):
                entry.waiting.append(f"{info.parent_type.name}.{info.field_name}")
            return value

        return call([watch])

    def by_stock(self, call: Callable[..., Any], reason: str) -> Any:
        self.entries.append(Entry("stock", reason))
        return call(None)

    def by_plan(self, stock: Callable[..., Any], given: dict[str, Any], waiting: frozenset[str]) -> Any:
        call = Call(
            given["schema"],
            text_of(given["document"]),
            given.get("root_value"),
            given.get("context_value"),
            given.get("variable_values"),
            given.get("operation_name"),
            given.get("field_resolver"),
            stock,
            waiting,
        )
        self.entries.append(Entry("stock", "not run to its end"))
        return driven(self.answered(call, self.entries, len(self.entries) - 1), call)

    async def answered(self, call: Call, entries: list[Entry], number: int) -> Any:
        given = None
        try:
            given = await answer(call, self.way)
        except Refused as refusal:
            entries[number] = Entry("stock", str(refusal))
        except BaseException:
            entries[number] = (
                Entry("fallback", "stock execution raises") if call.by_stock else Entry("raised")
            )
            raise
        if given is None:
            result = call.run_stock()
            return await result if isawaitable(result) else result
        entries[number] = Entry("fallback", given.fallback) if given.fallback else Entry("plan")
        return given.result


def called(execute: Callable[..., Any], given: dict[str, Any], middleware: Any) -> Any:
    """The call of the test, with middleware if there is any to add."""
    named = {name: value for name, value in given.items() if name != "custom_context_args"}
    named |= given.get("custom_context_args", {})
    return execute(**named | ({"middleware": middleware} if middleware else {}))


def inexpressible(given: dict[str, Any]) -> str | None:
    """Why an operation cannot be answered by a plan, if so."""
    if not isinstance(given["schema"], GraphQLSchema) or not isinstance(given["document"], DocumentNode):
        return "no schema or no document"
    for name, value in given.items():
        unset = value is None or value is False or getattr(value, "__name__", None) in ASSUMPTIONS
        if name not in EXPRESSIBLE and not unset and (name, value) != ("max_coercion_errors", 50):
            return f"executed with {name}"
    return None


def text_of(document: DocumentNode) -> str:
    return document.loc.source.body if document.loc else print_ast(document)


def driven(coroutine: Coroutine[Any, Any, Any], call: Call) -> Any:
    """The result of a coroutine at once, if it does not wait for anything and stock execution did not ask for
    that either; else something to await for it."""
    context = copy_context()
    try:
        awaited = context.run(coroutine.send, None)
    except StopIteration as end:
        return ended(end.value) if call.stock_waits else end.value
    return rest(Begun(coroutine, awaited, context))


async def ended(result: Any) -> Any:
    return result


async def rest(begun: "Begun") -> Any:
    return await begun


@dataclass(slots=True)
class Begun:
    """A coroutine that waits for the first time."""

    coroutine: Coroutine[Any, Any, Any]
    awaited: Any
    context: Context

    def __await__(self) -> Generator[Any, Any, Any]:
        awaited = self.awaited
        while True:
            try:
                step = partial(self.coroutine.send, (yield awaited))
            except BaseException as error:  # a cancellation too is passed on
                step = partial(self.coroutine.throw, error)
            try:
                awaited = self.context.run(step)
            except StopIteration as end:
                return end.value
