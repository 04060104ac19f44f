"""Yielding: during a large operation on graphql-core, the event loop runs other tasks."""

import asyncio
import re
from functools import partial
from itertools import count

import pytest
import strawberry
from graphql import ExecutionResult, MiddlewareManager, execute, parse
from hypothesis import assume, given

from graphql_api.execution import executor, yielding
from graphql_api.execution.documents import DocumentCache
from graphql_api.execution.yielding import YieldingMiddleware
from tests.graphql_api.execution.nasty import nasty_context, nasty_schema
from tests.graphql_api.execution.operations import DrawnOperation, draw_operations
from tests.graphql_api.execution.test_differential import (
    UNLIMITED,
    fuzzing,
    is_valid,
    nasty_values,
    pytestmark,
)

__all__ = ["pytestmark"]

BRANCHES, LEAVES = 200, 50


class LeafCounter:
    """Counts the leaves that have been resolved."""

    done = 0


@strawberry.type
class Leaf:
    value: strawberry.Private[int]

    @strawberry.field
    def number(self) -> int:
        LeafCounter.done += 1
        return self.value


def leaves() -> list[Leaf]:
    return [Leaf(value=number) for number in range(LEAVES)]


@strawberry.type
class Branch:
    number: int

    @strawberry.field
    def now(self) -> list[Leaf]:
        return leaves()

    @strawberry.field
    async def soon(self) -> list[Leaf]:
        await asyncio.sleep(0)
        if self.number % 7 == 0:
            raise ValueError(f"no leaves on {self.number}")
        return leaves()

    @strawberry.field
    async def odd(self) -> bool:
        await asyncio.sleep(0)
        return self.number % 2 == 1


@strawberry.type
class Query:
    @strawberry.field
    def branches(self) -> list[Branch | None]:
        return [Branch(number=number) for number in range(BRANCHES)]


SCHEMA = strawberry.Schema(Query)
DOCUMENT = parse("{ branches { odd now { number } soon { number } } }")


async def execute_and_watch(middleware: MiddlewareManager | None) -> tuple[ExecutionResult, int]:
    """Return the result, and the maximum number of leaves resolved without another task running."""
    max_uninterrupted = 0

    async def watch() -> None:
        nonlocal max_uninterrupted
        while True:
            before = LeafCounter.done
            await asyncio.sleep(0)
            max_uninterrupted = max(max_uninterrupted, LeafCounter.done - before)

    watcher = asyncio.create_task(watch())
    await asyncio.sleep(0)
    result = execute(SCHEMA._schema, DOCUMENT, middleware=middleware)
    assert not isinstance(result, ExecutionResult)
    result_ = await result
    watcher.cancel()
    return result_, max_uninterrupted


async def test_execution_yields_and_its_result_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    # A clock that advances by a tenth of a time slice whenever it is read.
    monkeypatch.setattr(yielding, "thread_time", partial(next, count(0.0, yielding.TIME_SLICE / 10)))

    whole, most = await execute_and_watch(None)
    divided, most_divided = await execute_and_watch(MiddlewareManager(YieldingMiddleware()))

    assert divided.data == whole.data
    assert divided.data is not None
    assert len(divided.data["branches"]) == BRANCHES
    assert sorted(error.message for error in divided.errors or ()) == sorted(
        error.message for error in whole.errors or ()
    )
    assert (most, most_divided) == (BRANCHES * LEAVES, 10 * LEAVES)


@fuzzing
@given(drawn=draw_operations(nasty_schema._schema, nasty_values, depth=4))
async def test_data_is_the_same_if_every_field_yields(
    drawn: DrawnOperation, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A batch with the key 13 fails as a whole, and yielding changes the batches.
    assume(is_valid(nasty_schema, drawn) and not re.search("[tT]hing|owner", drawn.document))
    document = DocumentCache(nasty_schema, limits=UNLIMITED).get(drawn.document, None)
    operation = document.prepare(drawn.variables)

    monkeypatch.setattr(executor, "COOPERATIVE_THRESHOLD", -1)
    monkeypatch.setattr(yielding, "TIME_SLICE", float("inf"))
    whole = await executor.run_with_graphql_core(operation, nasty_context(), "compared")
    monkeypatch.setattr(yielding, "TIME_SLICE", -1)
    divided = await executor.run_with_graphql_core(operation, nasty_context(), "compared")

    assert divided.result.data == whole.result.data
    assert bool(divided.result.errors) == bool(whole.result.errors)
