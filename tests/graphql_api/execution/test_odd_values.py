"""What resolvers may answer instead of an object, and how deep they may nest: all as stock execution has it."""

from typing import Any

import pytest
import strawberry

from graphql_api.schema.fields import resolved_by
from tests.graphql_api.execution.nasty import nasty_context
from tests.graphql_api.execution.operations import Drawn
from tests.graphql_api.execution.test_differential import assert_equal_to_stock

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
    slow: str = resolved_by(slow, "")
    same: "Plain | None" = resolved_by(same, "")


DEEP: Any = str
for _ in range(25):
    DEEP = list[DEEP]


@strawberry.type
class Query:
    never: Never | None = resolved_by(object_, "")
    error: Plain | None = resolved_by(error, "")
    errors: list[Plain | None] = resolved_by(errors, "")
    later: Plain | None = resolved_by(later, "")
    plain: Plain = resolved_by(object_, "")
    lists: DEEP = resolved_by(lists, "")  # type: ignore[valid-type]


odd = strawberry.Schema(Query)


@pytest.mark.parametrize(
    ("text", "fallback"),
    [
        ("{ never { __typename } }", "something went wrong"),
        ("{ error { __typename } }", "something went wrong"),
        ("{ errors { __typename } }", "something went wrong"),
        ("{ plain { slow same { slow } } }", None),
        ("{ lists }", "nested more deeply than Python nests blocks"),
        ("{ plain " + "{ same " * 120 + "{ __typename }" + "}" * 121, "an operation whose plan would be too long"),
    ],
)  # fmt: skip
async def test_odd_values_are_answered_as_by_stock_execution(text: str, fallback: str | None) -> None:
    outcome = await assert_equal_to_stock(odd, Drawn(text, {}), nasty_context)

    assert outcome.fallback == fallback


async def test_what_comes_later_unannounced_is_left_to_stock_execution() -> None:
    with pytest.raises(AssertionError, match="a plan failed for nothing"):
        await assert_equal_to_stock(odd, Drawn("{ later { __typename } }", {}), nasty_context)
