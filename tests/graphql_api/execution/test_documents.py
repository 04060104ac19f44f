"""Documents: kept while there is room, compiled once for each set of flags."""

import pytest
import strawberry
from graphql import OperationType

from graphql_api.execution.documents import MOST_VARIANTS, Documents, InvalidDocument, UnknownOperation
from graphql_api.execution.limits import Limits
from graphql_api.execution.plans import Plan
from graphql_api.execution.run import run
from graphql_api.schema.fields import resolved_by
from tests.graphql_api.execution.nasty import nasty_context, nasty_schema


def one() -> int:
    return 1


@strawberry.type
class Query:
    alias: int = resolved_by(one, "")
    name: int = resolved_by(one, "")


@strawberry.type
class Mutation:
    alias: int = resolved_by(one, "")


schema = strawberry.Schema(Query, mutation=Mutation)


def test_the_same_text_is_the_same_document() -> None:
    documents = Documents(schema)

    assert documents.find("{ alias }", None) is documents.find("{ alias }", None)
    assert documents.find("query A { alias }", "A") is not documents.find("query A { alias }", None)


def test_those_used_last_are_kept_as_many_as_there_is_room_for() -> None:
    documents = Documents(schema, entries=2)
    first = documents.find("query A { alias }", None)
    second = documents.find("query B { alias }", None)

    assert documents.find("query A { alias }", None) is first
    documents.find("query C { alias }", None)

    assert documents.find("query A { alias }", None) is first
    assert documents.find("query B { alias }", None) is not second
    assert len(documents.held) == 2


def test_their_texts_are_no_longer_in_all_than_there_is_room_for() -> None:
    documents = Documents(schema, bytes_=40)
    for name in "ABCD":
        documents.find(f"query {name} {{ alias }}", None)

    assert documents.size == sum(document.size for document in documents.held.values()) <= 40
    assert len(documents.held) == 2
    huge = documents.find("{ alias } # " + "x" * 100, None)
    assert list(documents.held.values()) == [huge]


def test_what_is_wrong_is_said_and_not_kept() -> None:
    documents = Documents(schema)

    with pytest.raises(InvalidDocument, match="Syntax Error"):
        documents.find("{", None)
    with pytest.raises(InvalidDocument) as unknown:
        documents.find("mutation { nothing }", None)
    assert unknown.value.is_query is False
    with pytest.raises(UnknownOperation, match=r"holds no operation\."):
        documents.find("fragment F on Query { alias }", None)
    with pytest.raises(UnknownOperation, match="holds no operation 'B'"):
        documents.find("query A { alias }", "B")
    with pytest.raises(UnknownOperation, match="say which with operationName"):
        documents.find("query A { alias } query B { alias }", None)
    assert documents.held == {}


def test_no_plan_is_made_that_takes_long_to_compile() -> None:
    fields = " ".join(f"f{number}: alias" for number in range(600))
    document = Documents(schema, limits=Limits(aliases=600, fields=600)).find(f"{{ {fields} }}", None)

    assert document.plan({}) == "an operation whose plan would be too long"


def test_flags_have_a_plan_for_each_of_their_values_up_to_a_limit() -> None:
    names = [f"f{number}" for number in range(5)]
    fields = " ".join(f"a{name}: alias @include(if: ${name})" for name in names)
    declared = ", ".join(f"${name}: Boolean!" for name in names)
    document = Documents(schema).find(f"query ({declared}) {{ name {fields} }}", None)

    plans = [
        document.plan({name: bool(number & 1 << bit) for bit, name in enumerate(names)})
        for number in range(32)
    ]

    assert all(isinstance(plan, Plan) for plan in plans[:MOST_VARIANTS])
    assert set(plans[MOST_VARIANTS:]) == {"more variants by @skip and @include than are kept"}
    assert document.plan(dict.fromkeys(names, False)) is plans[0]


async def test_what_is_not_a_query_is_left_to_stock_execution() -> None:
    document = Documents(schema).find("mutation { alias }", None)

    outcome = await run(document, None, nasty_context())

    assert document.operation.operation is OperationType.MUTATION
    assert (outcome.result.data, outcome.fallback) == ({"alias": 1}, "not a query")


async def test_introspection_is_left_to_stock_execution() -> None:
    outcome = await run(
        Documents(schema).find("{ __schema { queryType { name } } }", None), None, nasty_context()
    )

    assert (outcome.result.data, outcome.fallback) == (
        {"__schema": {"queryType": {"name": "Query"}}},
        "introspection",
    )


async def test_a_field_and_an_alias_of_the_same_name_do_not_meet() -> None:
    document = Documents(schema).find("{ alias alias_1: name other: alias }", None)

    outcome = await run(document, None, nasty_context())

    assert (outcome.result.data, outcome.fallback) == ({"alias": 1, "alias_1": 1, "other": 1}, None)


def test_a_plan_reads_like_code_and_holds_no_word_of_the_client() -> None:
    document = Documents(nasty_schema).find("{ secret: item { key others { key } } }", None)

    plan = document.plan({})

    assert isinstance(plan, Plan)
    assert "secret" not in plan.source
    assert plan.source.startswith("async def plan(root, context, variables):\n    data = {alias_1_: None}\n")
    assert "await others_of_Item(item_objects_1, context, count=2)" in plan.source
