"""Stand-ins for graphql-core's execute functions that run plans and record what executed each operation."""

from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from functools import partial, wraps
from inspect import isawaitable, signature
from typing import Any

import graphql
from graphql import DocumentNode, GraphQLSchema, print_ast
from graphql.harness import default_harness

from conformance.plans import Call, DocumentRejectedError, run_by_plan

GRAPHQL_CORE = "graphql-core"
"""The mode that runs only graphql-core and records the fields that return awaitables."""

_SUPPORTED_ARGUMENTS = {
    *("schema", "document", "root_value", "context_value", "variable_values", "operation_name"),
    # Only graphql-core uses these; it runs every operation that they affect.
    *("field_resolver", "max_coercion_errors", "hide_suggestions", "check_sync"),
}
"""The arguments of `execute` that plans support. A call with another argument has no plan."""

_SYNC_PREDICATES = {"assume_not_awaitable", "assume_not_async_iterable"}
"""The predicates with which graphql_sync declares that nothing is awaited."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What executed one operation, and the reason.

    - `executed_by` is "plan", "fallback" (graphql-core after a plan), GRAPHQL_CORE (no plan) or "raised".
    - `awaited_fields` are the fields that returned awaitables.
    """

    executed_by: str
    reason: str | None = None
    awaited_fields: list[str] = field(default_factory=list[str])


@dataclass(slots=True)
class StandIns:
    """The stand-ins of one mode. `recorded` has the awaited fields of each operation of a test."""

    mode: str
    entries: list[Entry] = field(default_factory=list[Entry])
    recorded: list[list[str]] = field(default_factory=list[list[str]])

    def begin_test(self, recorded: list[list[str]]) -> None:
        """Clear the entries for a new test."""
        self.entries, self.recorded = [], recorded

    def install(self, module: Any) -> None:
        """Replace the execute functions that a module has imported with their stand-ins."""
        replaced: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
            "execute": (graphql.execute, self._replacement_for(graphql.execute, sync=False)),
            "execute_sync": (graphql.execute_sync, self._replacement_for(graphql.execute_sync, sync=True)),
            "graphql": (graphql.graphql, self._with_harness(graphql.graphql, sync=False)),
            "graphql_sync": (graphql.graphql_sync, self._with_harness(graphql.graphql_sync, sync=True)),
        }
        for name, (original, stand_in) in replaced.items():
            if vars(module).get(name) is original:
                vars(module)[name] = stand_in

    def _with_harness(self, function: Callable[..., Any], *, sync: bool) -> Callable[..., Any]:
        """Return `graphql` or `graphql_sync` with a stand-in for execution; they still parse and validate."""
        harness = default_harness._replace(execute=self._replacement_for(graphql.execute, sync=sync))
        return wraps(function)(partial(function, harness=harness))

    def _replacement_for(self, execute: Callable[..., Any], *, sync: bool) -> Callable[..., Any]:
        """Return a stand-in for `execute` or `execute_sync` that runs plans."""
        parameters = signature(execute)

        @wraps(execute)
        def stand_in(*arguments: Any, **options: Any) -> Any:
            arguments_given = parameters.bind(*arguments, **options).arguments
            call = partial(_call_original, execute, arguments_given)
            if self.mode == GRAPHQL_CORE:
                return self._run_recording(call, arguments_given, sync=sync)
            reason = _unsupported_reason(arguments_given)
            if reason:
                return self._run_graphql_core(call, reason)
            awaited = self.recorded[len(self.entries)] if len(self.entries) < len(self.recorded) else []
            return self._run_plan(call, arguments_given, frozenset(() if sync else awaited))

        return stand_in

    def _run_recording(self, call: Callable[..., Any], arguments_given: dict[str, Any], *, sync: bool) -> Any:
        entry = Entry(GRAPHQL_CORE)
        self.entries.append(entry)
        if sync or _unsupported_reason(arguments_given):
            return call(None)

        def watch(resolve: Callable[..., Any], source: Any, info: Any, **arguments: Any) -> Any:
            value = resolve(source, info, **arguments)
            if isawaitable(value):
                entry.awaited_fields.append(f"{info.parent_type.name}.{info.field_name}")
            return value

        return call([watch])

    def _run_graphql_core(self, call: Callable[..., Any], reason: str) -> Any:
        self.entries.append(Entry(GRAPHQL_CORE, reason))
        return call(None)

    def _run_plan(
        self, execute: Callable[..., Any], arguments_given: dict[str, Any], awaited_fields: frozenset[str]
    ) -> Any:
        call = Call(
            arguments_given["schema"],
            _document_text(arguments_given["document"]),
            arguments_given.get("root_value"),
            arguments_given.get("context_value"),
            arguments_given.get("variable_values"),
            arguments_given.get("operation_name"),
            arguments_given.get("field_resolver"),
            execute,
            awaited_fields,
        )
        self.entries.append(Entry(GRAPHQL_CORE, "not completed"))
        return _run_until_first_await(self._plan_outcome(call, self.entries, len(self.entries) - 1), call)

    async def _plan_outcome(self, call: Call, entries: list[Entry], number: int) -> Any:
        plan_result = None
        try:
            plan_result = await run_by_plan(call, self.mode)
        except DocumentRejectedError as refusal:
            entries[number] = Entry(GRAPHQL_CORE, str(refusal))
        except BaseException:
            entries[number] = (
                Entry("fallback", "graphql-core raises") if call.ran_graphql_core else Entry("raised")
            )
            raise
        if plan_result is None:
            result = call.run_with_graphql_core()
            return await result if isawaitable(result) else result
        entries[number] = (
            Entry("fallback", plan_result.fallback_reason) if plan_result.fallback_reason else Entry("plan")
        )
        return plan_result.result


def _call_original(execute: Callable[..., Any], arguments_given: dict[str, Any], middleware: Any) -> Any:
    """Make the test's call, with additional middleware if there is any."""
    keywords = {name: value for name, value in arguments_given.items() if name != "custom_context_args"}
    keywords |= arguments_given.get("custom_context_args", {})
    return execute(**keywords | ({"middleware": middleware} if middleware else {}))


def _unsupported_reason(arguments_given: dict[str, Any]) -> str | None:
    """Return why a plan cannot run an operation, or None if it can."""
    if not isinstance(arguments_given["schema"], GraphQLSchema) or not isinstance(
        arguments_given["document"], DocumentNode
    ):
        return "no schema or no document"
    for name, value in arguments_given.items():
        unset = value is None or value is False or getattr(value, "__name__", None) in _SYNC_PREDICATES
        if name not in _SUPPORTED_ARGUMENTS and not unset and (name, value) != ("max_coercion_errors", 50):
            return f"executed with {name}"
    return None


def _document_text(document: DocumentNode) -> str:
    return document.loc.source.body if document.loc else print_ast(document)


def _run_until_first_await(coroutine: Coroutine[Any, Any, Any], call: Call) -> Any:
    """Run a coroutine up to its first await.

    Return its result if neither it nor graphql-core awaits anything, otherwise an awaitable of the result.
    """
    context = copy_context()
    try:
        awaited = context.run(coroutine.send, None)
    except StopIteration as end:
        return _return_value(end.value) if call.graphql_core_awaits else end.value
    return _await_resumed(SuspendedCoroutine(coroutine, awaited, context))


async def _return_value(result: Any) -> Any:
    return result


async def _await_resumed(suspended: "SuspendedCoroutine") -> Any:
    return await suspended


@dataclass(slots=True)
class SuspendedCoroutine:
    """A coroutine suspended at its first await."""

    coroutine: Coroutine[Any, Any, Any]
    awaited: Any
    context: Context

    def __await__(self) -> Generator[Any, Any, Any]:
        awaited = self.awaited
        while True:
            try:
                step = partial(self.coroutine.send, (yield awaited))
            except BaseException as error:  # cancellation is passed on too
                step = partial(self.coroutine.throw, error)
            try:
                awaited = self.context.run(step)
            except StopIteration as end:
                return end.value
