"""Run operations: by their plan, or by graphql-core if there is no plan or the plan fails."""

from collections import Counter
from dataclasses import dataclass
from inspect import isawaitable

from graphql import ExecutionResult, MiddlewareManager, execute

from graphql_api.execution.context import PlanContext
from graphql_api.execution.documents import PreparedOperation
from graphql_api.execution.plans import Plan
from graphql_api.execution.yielding import YieldingMiddleware

COOPERATIVE_THRESHOLD = 2_500
"""Maximum number of result values for which graphql-core does not yield to the event loop (about 10 ms)."""

operation_counts: Counter[str | None] = Counter()
"""The number of operations run by a plan (key None), and by graphql-core per fallback reason."""


@dataclass(slots=True)
class Outcome:
    """The result of an operation, and the reason why graphql-core ran it; None if its plan ran it."""

    result: ExecutionResult
    fallback_reason: str | None


async def run_operation(operation: PreparedOperation, context: PlanContext) -> Outcome:
    """Run an operation, and return exactly the result of graphql-core."""
    plan = operation.plan
    if not isinstance(plan, Plan):
        return await run_with_graphql_core(operation, context, plan)
    plan_context = context.for_plan(plan.columns_read)
    try:
        data = await plan.run(None, plan_context, operation.coerced_variables)
    except Exception:
        data = None
    finally:
        await plan_context.close()
    if data is None:
        return await run_with_graphql_core(operation, plan_context.for_fallback(), "the plan failed")
    operation_counts[None] += 1
    return Outcome(ExecutionResult(data, None), None)


async def run_with_graphql_core(operation: PreparedOperation, context: object, reason: str) -> Outcome:
    """Run an operation with graphql-core, and count it under the reason."""
    operation_counts[reason] += 1
    document = operation.document
    is_small = operation.value_cost is None or operation.value_cost <= COOPERATIVE_THRESHOLD
    result = execute(
        document.schema._schema,  # noqa: SLF001
        document.node,
        context_value=context,
        variable_values=operation.variables,
        operation_name=document.operation.name and document.operation.name.value,
        hide_suggestions=not document.suggestions,
        middleware=None if is_small else MiddlewareManager(YieldingMiddleware()),
    )
    return Outcome(await result if isawaitable(result) else result, reason)
