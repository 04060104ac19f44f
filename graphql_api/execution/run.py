"""Run operations: by their plan where there is one and all goes well, by stock execution otherwise."""

from collections import Counter
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any

from graphql import ExecutionResult, MiddlewareManager, execute

from graphql_api.context import Context
from graphql_api.execution.documents import Document
from graphql_api.execution.plans import Plan
from graphql_api.execution.turns import Turns

SHORT = 2_500
"""So many values stock execution makes in about 10 ms; of more it takes turns with others."""

operations: Counter[str | None] = Counter()
"""How many operations were run: by their plan (None), and by stock execution for each reason."""


@dataclass(slots=True)
class Outcome:
    """The answer to an operation, and the reason why stock execution gave it; None if the plan did."""

    result: ExecutionResult
    fallback: str | None


async def run(document: Document, variables: dict[str, Any] | None, context: Context) -> Outcome:
    """The answer to an operation, exactly as stock execution gives it; LimitExceeded if it costs too much."""
    values = document.variables.values(variables)
    if values is None:
        return await run_stock(document, variables, context, "variables that cannot be coerced")
    document.require_limits(values)
    plan = document.plan(values)
    if not isinstance(plan, Plan):
        return await run_stock(document, variables, context, plan)
    planned = context.planned(plan.reads)
    try:
        data = await plan.run(None, planned, values)
    except Exception:
        data = None
    finally:
        await planned.close()
    if data is None:
        return await run_stock(document, variables, planned.again(), "something went wrong")
    operations[None] += 1
    return Outcome(ExecutionResult(data, None), None)


async def run_stock(
    document: Document, variables: dict[str, Any] | None, context: Context, reason: str
) -> Outcome:
    """The answer by stock execution."""
    operations[reason] += 1
    values = document.variables.values(variables)
    is_short = values is None or document.values.of(values) <= SHORT
    result = execute(
        document.schema._schema,  # noqa: SLF001
        document.node,
        context_value=context,
        variable_values=variables,
        operation_name=document.operation.name and document.operation.name.value,
        hide_suggestions=not document.suggestions,
        middleware=None if is_short else MiddlewareManager(Turns()),
    )
    return Outcome(await result if isawaitable(result) else result, reason)
