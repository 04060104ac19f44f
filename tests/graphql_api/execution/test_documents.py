"""Documents: cached up to a limit, compiled once per combination of condition values."""

import pytest
import strawberry
from graphql import OperationType

from graphql_api.execution.documents import (
    MAX_PLAN_VARIANTS,
    DocumentCache,
    InvalidDocumentError,
    UnknownOperationError,
)
from graphql_api.execution.executor import run_operation
from graphql_api.execution.fields import object_field
from graphql_api.execution.limits import Limits
from graphql_api.execution.plans import Plan
from tests.graphql_api.execution.nasty import nasty_context, nasty_schema


def resolve_one() -> int:
    return 1


@strawberry.type
class Query:
    alias: int = object_field(resolve_one, "")
    name: int = object_field(resolve_one, "")


@strawberry.type
class Mutation:
    alias: int = object_field(resolve_one, "")


schema = strawberry.Schema(Query, mutation=Mutation)


def test_the_same_text_returns_the_cached_document() -> None:
    documents = DocumentCache(schema)

    assert documents.get("{ alias }", None) is documents.get("{ alias }", None)
    assert documents.get("query A { alias }", "A") is not documents.get("query A { alias }", None)


def test_the_least_recently_used_document_is_evicted_above_max_entries() -> None:
    documents = DocumentCache(schema, max_entries=2)
    first = documents.get("query A { alias }", None)
    second = documents.get("query B { alias }", None)

    assert documents.get("query A { alias }", None) is first
    documents.get("query C { alias }", None)

    assert documents.get("query A { alias }", None) is first
    assert documents.get("query B { alias }", None) is not second
    assert len(documents.entries) == 2


def test_documents_are_evicted_above_max_bytes() -> None:
    documents = DocumentCache(schema, max_bytes=40)
    for name in "ABCD":
        documents.get(f"query {name} {{ alias }}", None)

    assert documents.total_bytes == sum(document.byte_size for document in documents.entries.values()) <= 40
    assert len(documents.entries) == 2
    huge = documents.get("{ alias } # " + "x" * 100, None)
    assert list(documents.entries.values()) == [huge]


def test_failures_raise_and_are_not_cached() -> None:
    documents = DocumentCache(schema)

    with pytest.raises(InvalidDocumentError, match="Syntax Error"):
        documents.get("{", None)
    with pytest.raises(InvalidDocumentError) as unknown:
        documents.get("mutation { nothing }", None)
    assert unknown.value.is_query is False
    with pytest.raises(UnknownOperationError, match=r"has no operation\."):
        documents.get("fragment F on Query { alias }", None)
    with pytest.raises(UnknownOperationError, match="has no operation 'B'"):
        documents.get("query A { alias }", "B")
    with pytest.raises(UnknownOperationError, match="select one with operationName"):
        documents.get("query A { alias } query B { alias }", None)
    assert documents.entries == {}


def test_an_operation_whose_plan_is_too_long_has_no_plan() -> None:
    fields = " ".join(f"f{number}: alias" for number in range(600))
    document = DocumentCache(schema, limits=Limits(aliases=600, fields=600)).get(f"{{ {fields} }}", None)

    assert document.plan_for({}) == "an operation whose plan would be too long"


def test_each_combination_of_condition_values_has_a_plan_up_to_a_limit() -> None:
    names = [f"f{number}" for number in range(5)]
    fields = " ".join(f"a{name}: alias @include(if: ${name})" for name in names)
    declared = ", ".join(f"${name}: Boolean!" for name in names)
    document = DocumentCache(schema).get(f"query ({declared}) {{ name {fields} }}", None)

    plans = [
        document.plan_for({name: bool(number & 1 << bit) for bit, name in enumerate(names)})
        for number in range(32)
    ]

    assert all(isinstance(plan, Plan) for plan in plans[:MAX_PLAN_VARIANTS])
    assert set(plans[MAX_PLAN_VARIANTS:]) == {"too many combinations of @skip and @include values"}
    assert document.plan_for(dict.fromkeys(names, False)) is plans[0]


async def test_graphql_core_runs_mutations() -> None:
    document = DocumentCache(schema).get("mutation { alias }", None)

    outcome = await run_operation(document.prepare(None), nasty_context())

    assert document.operation.operation is OperationType.MUTATION
    assert (outcome.result.data, outcome.fallback_reason) == (
        {"alias": 1},
        "a root field of a mutation that may run twice",
    )


async def test_graphql_core_runs_introspection() -> None:
    outcome = await run_operation(
        DocumentCache(schema).get("{ __schema { queryType { name } } }", None).prepare(None), nasty_context()
    )

    assert (outcome.result.data, outcome.fallback_reason) == (
        {"__schema": {"queryType": {"name": "Query"}}},
        "introspection",
    )


async def test_a_field_and_an_alias_of_the_same_name_do_not_collide() -> None:
    document = DocumentCache(schema).get("{ alias alias_1: name other: alias }", None)

    outcome = await run_operation(document.prepare(None), nasty_context())

    assert (outcome.result.data, outcome.fallback_reason) == ({"alias": 1, "alias_1": 1, "other": 1}, None)


def test_a_plan_is_readable_and_contains_no_client_chosen_name() -> None:
    document = DocumentCache(nasty_schema).get("{ secret: item { key others { key } } }", None)

    plan = document.plan_for({})

    assert isinstance(plan, Plan)
    assert "secret" not in plan.source
    assert plan.source.startswith("async def plan(root, context, variables):\n    data = {alias_1_: None}\n")
    assert "await others_of_Item(item_objects_1, context, count=2)" in plan.source
