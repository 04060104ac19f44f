"""Unusual resolver values and deep nesting give the same result as graphql-core."""

from typing import Any

import pytest
import strawberry

from graphql_api.execution.fields import object_field
from tests.graphql_api.execution.nasty import nasty_context
from tests.graphql_api.execution.operations import DrawnOperation
from tests.graphql_api.execution.test_differential import assert_equal_to_graphql_core

pytestmark = pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")


@strawberry.type
class Never:
    name: str

    @classmethod
    async def is_type_of(cls, value: Any, _info: Any) -> bool:
        return False


def error() -> Any:
    return RuntimeError("returned, not raised")


async def nothing() -> None:
    return None


def later() -> Any:
    return nothing()


def object_() -> Any:
    return object()


async def slow() -> str:
    return "slow"


def same(root: strawberry.Parent[Any]) -> Any:
    return root


def lists() -> Any:
    value: Any = "in"
    for _ in range(25):
        value = [value]
    return value


def errors() -> Any:
    return [object(), RuntimeError("one of them")]


@strawberry.type
class Plain:
    slow: str = object_field(slow, "")
    same: "Plain | None" = object_field(same, "")


DEEP: Any = str
for _ in range(25):
    DEEP = list[DEEP]


@strawberry.type
class Query:
    never: Never | None = object_field(object_, "")
    error: Plain | None = object_field(error, "")
    errors: list[Plain | None] = object_field(errors, "")
    later: Plain | None = object_field(later, "")
    plain: Plain = object_field(object_, "")
    lists: DEEP = object_field(lists, "")  # type: ignore[valid-type]


odd = strawberry.Schema(Query)


@pytest.mark.parametrize(
    ("text", "fallback"),
    [
        ("{ never { __typename } }", "the plan failed"),
        ("{ error { __typename } }", "the plan failed"),
        ("{ errors { __typename } }", "the plan failed"),
        ("{ plain { slow same { slow } } }", None),
        ("{ lists }", "nested more deeply than Python allows"),
        ("{ plain " + "{ same " * 120 + "{ __typename }" + "}" * 121, "an operation whose plan would be too long"),
    ],
)  # fmt: skip
async def test_odd_values_give_the_result_of_graphql_core(text: str, fallback: str | None) -> None:
    outcome = await assert_equal_to_graphql_core(odd, DrawnOperation(text, {}), nasty_context)

    assert outcome.fallback_reason == fallback


async def test_an_undeclared_awaitable_makes_the_plan_fail() -> None:
    with pytest.raises(AssertionError, match="a plan failed without an error"):
        await assert_equal_to_graphql_core(odd, DrawnOperation("{ later { __typename } }", {}), nasty_context)
