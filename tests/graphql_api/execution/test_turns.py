"""Turns: however much stock execution has to do, the event loop comes to others meanwhile."""

import asyncio
import re
from functools import partial
from itertools import count

import pytest
import strawberry
from graphql import ExecutionResult, MiddlewareManager, execute, parse
from hypothesis import assume, given

from graphql_api.execution import run, turns
from graphql_api.execution.documents import Documents
from graphql_api.execution.turns import Turns
from tests.graphql_api.execution.nasty import nasty_context, nasty_schema
from tests.graphql_api.execution.operations import Drawn, drawn_operations
from tests.graphql_api.execution.test_differential import UNLIMITED, nasty_values, pytestmark, some, valid

__all__ = ["pytestmark"]

BRANCHES, LEAVES = 200, 50


class Work:
    """How many leaves were resolved."""

    done = 0


@strawberry.type
class Leaf:
    value: strawberry.Private[int]

    @strawberry.field
    def number(self) -> int:
        Work.done += 1
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


async def executed(middleware: MiddlewareManager | None) -> tuple[ExecutionResult, int]:
    """The result, and the most work that was done while nobody else came to a turn."""
    most = 0

    async def look() -> None:
        nonlocal most
        while True:
            before = Work.done
            await asyncio.sleep(0)
            most = max(most, Work.done - before)

    looking = asyncio.create_task(look())
    await asyncio.sleep(0)
    result = execute(SCHEMA._schema, DOCUMENT, middleware=middleware)
    assert not isinstance(result, ExecutionResult)
    answer = await result
    looking.cancel()
    return answer, most


async def test_the_work_is_divided_and_its_result_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    # A clock that goes on by a tenth of a turn whenever it is read.
    monkeypatch.setattr(turns, "thread_time", partial(next, count(0.0, turns.SECONDS / 10)))

    whole, most = await executed(None)
    divided, most_divided = await executed(MiddlewareManager(Turns()))

    assert divided.data == whole.data
    assert divided.data is not None
    assert len(divided.data["branches"]) == BRANCHES
    assert sorted(error.message for error in divided.errors or ()) == sorted(
        error.message for error in whole.errors or ()
    )
    assert (most, most_divided) == (BRANCHES * LEAVES, 10 * LEAVES)


@some
@given(drawn=drawn_operations(nasty_schema._schema, nasty_values, depth=4))
async def test_the_data_are_the_same_with_a_turn_for_each_field(
    drawn: Drawn, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A batch with the key 13 fails as a whole, and turns make other batches.
    assume(valid(nasty_schema, drawn) and not re.search("[tT]hing|owner", drawn.document))
    document = Documents(nasty_schema, limits=UNLIMITED).find(drawn.document, None)

    monkeypatch.setattr(run, "SHORT", -1)
    monkeypatch.setattr(turns, "SECONDS", float("inf"))
    whole = await run.run_stock(document, drawn.variables, nasty_context(), "compared")
    monkeypatch.setattr(turns, "SECONDS", -1)
    divided = await run.run_stock(document, drawn.variables, nasty_context(), "compared")

    assert divided.result.data == whole.result.data
    assert bool(divided.result.errors) == bool(whole.result.errors)
