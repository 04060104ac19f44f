"""A restriction throws no operation off its plan: each operation that a role may use has one."""

from collections.abc import Callable
from typing import Any

import pytest
from graphql import (
    GraphQLInputObjectType,
    get_named_type,
    is_composite_type,
    is_introspection_type,
    is_required_input_field,
)

from graphql_api.access.roles import Role
from graphql_api.execution.documents import DocumentCache
from graphql_api.execution.executor import run_operation
from graphql_api.execution.plans import Plan
from graphql_api.schema import Schema, schema_for
from tests.graphql_api.execution.nasty import nasty_context
from tests.graphql_api.library import build_library
from tests.graphql_api.role_leaks import call_field, places_of_inputs, places_of_objects

BuildSchema = Callable[[Role], Schema]


def literal_of(input_type: GraphQLInputObjectType, name: str) -> tuple[str, ...]:
    """Return an input with the field and the required ones as variables, and their declarations."""
    given = [
        other for other, each in input_type.fields.items() if other == name or is_required_input_field(each)
    ]
    types = {each: str(input_type.fields[each].type).removesuffix("!") for each in given}
    literal = ", ".join(f"{each}: ${each}" for each in given)
    return f"{{{literal}}}", *(f"${each}: {type_}!" for each, type_ in types.items())


def plannable_documents(own: Schema) -> list[str]:
    """Return an operation for each field of each type that a query reaches, and one for each input field."""
    graphql_schema = own._schema
    documents: list[str] = []
    for type_name, place in places_of_objects(graphql_schema).items():
        type_: Any = graphql_schema.type_map[type_name]
        if place.operation == "query" and not is_introspection_type(type_):
            for name, each in type_.fields.items():
                below = " { __typename }" if is_composite_type(get_named_type(each.type)) else ""
                documents.append(call_field(place, name, each).document(below))
    for type_name, place in places_of_inputs(graphql_schema).items():
        input_type = graphql_schema.type_map[type_name]
        if place.operation == "query" and isinstance(input_type, GraphQLInputObjectType):
            documents += [place.document(*literal_of(input_type, name)) for name in input_type.fields]
    return documents


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("build", [schema_for, build_library])
def test_every_operation_that_a_role_may_use_has_a_plan(build: BuildSchema, role: Role) -> None:
    documents = plannable_documents(build(role))
    plans = {each: DocumentCache(build(role)).get(each, None).plan_for({}) for each in documents}

    assert {document: plan for document, plan in plans.items() if not isinstance(plan, Plan)} == {}


@pytest.mark.parametrize("role", Role)
async def test_a_plan_runs_where_arguments_and_input_fields_are_hidden(role: Role) -> None:
    text = "query ($t: String) { shelves(filter: {title: $t, size: 1}, order: TITLE) { title books } }"
    operation = DocumentCache(build_library(role)).get(text, None).prepare({"t": "Poetry"})

    outcome = await run_operation(operation, nasty_context())

    assert (outcome.fallback_reason, outcome.result.data) == (
        None,
        {"shelves": [{"title": "Poetry", "books": 2}]},
    )


async def test_an_editor_reads_restricted_fields_by_a_plan() -> None:
    text = "{ shelves(audit: {period: WEEK}, order: LOANS) { note loans { borrower { name } } books(drafts: true) } }"
    operation = DocumentCache(build_library(Role.EDITOR)).get(text, None).prepare(None)

    outcome = await run_operation(operation, nasty_context())

    assert outcome.fallback_reason is None
    assert outcome.result.data == {
        "shelves": [
            {"note": f"a note on {title}", "loans": [{"borrower": {"name": "Ada"}}], "books": 3}
            for title in ("History", "Poetry")
        ]
    }
