"""Compiled input types give the results of graphql-core and of Strawberry."""

from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest
import strawberry
from graphql import Undefined
from graphql.utilities import coerce_input_value
from strawberry import UNSET, Maybe
from strawberry.types.arguments import convert_argument

from graphql_api.execution.documents import DocumentCache
from graphql_api.execution.executor import run_operation
from graphql_api.execution.inputs import CannotCompileInputError, compile_coercer, compile_converter
from graphql_api.execution.plans import Plan


@strawberry.enum
class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@strawberry.input(one_of=True)
class Key:
    id: strawberry.ID | None = UNSET
    name: str | None = UNSET


@strawberry.input
class Item:
    key: Key
    count: int
    colour: Colour | None = None
    colours: list[Colour | None] = strawberry.field(default_factory=lambda: [Colour.RED])
    price: Decimal | None = UNSET
    sizes: list[list[int]] | None = UNSET
    max_count: int = 7
    note: str | None


@strawberry.input
class Branch:
    name: str
    below: "list[Branch] | None" = UNSET


@strawberry.input
class Tree:
    root: Branch


@strawberry.input
class Patch:
    name: Maybe[str]


@strawberry.type
class Query:
    @strawberry.field
    def describe(self, items: list[Item]) -> str:
        return repr(items)

    @strawberry.field
    def tree(self, tree: Tree) -> str:
        return repr(tree)

    @strawberry.field
    def patch(self, patch: Patch) -> str:
        return repr(patch)


SCHEMA = strawberry.Schema(Query)
GOOD = {"key": {"id": 1}, "count": 2}
VALUES: list[Any] = [
    [],
    [GOOD],
    GOOD,
    (GOOD, GOOD),
    [{**GOOD, "colour": "BLUE", "colours": ["RED", None], "price": "12.50", "sizes": [[1], 2, []]}],
    [{**GOOD, "colour": None, "colours": "RED", "price": None, "sizes": None, "note": "n", "maxCount": 0}],
    [{**GOOD, "key": {"name": "x"}}],
    None,
    [None],
    ["text"],
    "text",
    [{}],
    [{**GOOD, "count": "2"}],
    [{**GOOD, "count": 2**31}],
    [{**GOOD, "count": None}],
    [{**GOOD, "colour": "GREEN"}],
    [{**GOOD, "colours": None}],
    [{**GOOD, "sizes": [[None]]}],
    [{**GOOD, "unknown": 1}],
    [{**GOOD, "max_count": 1}],
    [{**GOOD, "maxCount": None}],
    [{**GOOD, "key": {}}],
    [{**GOOD, "key": {"id": None}}],
    [{**GOOD, "key": {"id": "1", "name": None}}],
    [{**GOOD, "key": {"id": "1", "name": "x"}}],
]
QUERY: Any = SCHEMA._schema.query_type
ITEMS: Any = QUERY.fields["describe"].args["items"].type
LIST_OF_ITEMS: Any = QUERY.fields["describe"].extensions["strawberry-definition"].arguments[0].type


COERCE_ITEMS = compile_coercer(ITEMS)


def coerce(coercer: Callable[[Any], Any], value: Any) -> Any:
    """Return the value or Undefined. Strawberry raises an error for an input object with two of one key."""
    try:
        return coercer(value)
    except Exception:
        return Undefined


@pytest.mark.parametrize("value", VALUES, ids=str)
def test_values_are_coerced_and_converted_as_by_the_libraries(value: Any) -> None:
    expected = coerce(lambda value: coerce_input_value(value, ITEMS), value)

    coerced = coerce(COERCE_ITEMS, value)

    assert coerced == expected
    if coerced is not Undefined:
        registry = SCHEMA.schema_converter.scalar_registry
        convert = compile_converter(SCHEMA, ITEMS, LIST_OF_ITEMS)
        assert convert
        assert repr(convert(coerced)) == repr(
            convert_argument(expected, LIST_OF_ITEMS, registry, SCHEMA.config)
        )


def test_a_default_list_is_copied_for_each_request() -> None:
    coerced = COERCE_ITEMS([GOOD])
    convert = compile_converter(SCHEMA, ITEMS, LIST_OF_ITEMS)
    assert convert

    one, other = convert(coerced)[0], convert(coerced)[0]

    assert one.colours == other.colours == [Colour.RED]
    assert one.colours is not other.colours


def test_some_of_the_values_are_valid() -> None:
    assert [value for value in VALUES if coerce(COERCE_ITEMS, value) is not Undefined] == VALUES[:7]


@pytest.mark.parametrize("input_class", [Branch, Tree])
def test_a_type_that_contains_itself_is_not_compiled(input_class: type) -> None:
    type_: Any = SCHEMA._schema.type_map[input_class.__name__]

    with pytest.raises(CannotCompileInputError):
        compile_coercer(type_)
    with pytest.raises(CannotCompileInputError):
        compile_converter(SCHEMA, type_, input_class)


def test_a_maybe_is_converted_by_strawberry() -> None:
    type_: Any = SCHEMA._schema.type_map["Patch"]

    with pytest.raises(CannotCompileInputError):
        compile_converter(SCHEMA, type_, Patch)


class PlanContext:
    """The context of a plan that needs no database."""

    def for_plan(self, columns_read: object) -> "PlanContext":
        return self

    async def close(self) -> None: ...

    def for_fallback(self) -> "PlanContext":
        return self


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("query ($items: [Item!]!) { describe(items: $items) }", {"items": VALUES[4]}),
        ("query ($items: [Item!]!) { describe(items: $items) }", {"items": GOOD}),
        (
            "query ($tree: Tree!) { tree(tree: $tree) }",
            {"tree": {"root": {"name": "a", "below": [{"name": "b"}]}}},
        ),
        ("query ($patch: Patch!) { patch(patch: $patch) }", {"patch": {"name": "x"}}),
        ("query ($patch: Patch!) { patch(patch: $patch) }", {"patch": {}}),
    ],
)
async def test_a_plan_passes_the_arguments_that_strawberry_passes(
    text: str, variables: dict[str, Any]
) -> None:
    operation = DocumentCache(SCHEMA).get(text, None).prepare(variables)

    outcome = await run_operation(operation, PlanContext())

    assert isinstance(operation.plan, Plan)
    assert outcome.fallback_reason is None
    assert outcome.result.data == (await SCHEMA.execute(text, variables)).data
