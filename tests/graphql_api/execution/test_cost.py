"""Costs: the rows an operation may read and the values it may return."""

from typing import Any

import pytest

from graphql_api.access.roles import Role
from graphql_api.execution.documents import DocumentCache
from graphql_api.execution.limits import LimitExceededError
from graphql_api.schema import schema_for

schema = schema_for(Role.MANAGER)


def cost_of(text: str, variables: dict[str, Any] | None = None) -> int | None:
    return DocumentCache(schema).get(text, None).prepare(variables).row_cost


@pytest.mark.parametrize(
    ("text", "cost"),
    [
        ("{ __typename }", 0),
        ("{ __schema { types { name } } }", 0),
        ('{ book(by: {isbn: "9780306406157"}) { title } }', 1),
        ('{ book(by: {isbn: "9780306406157"}) { title description recentViews } }', 2),
        ("{ books { totalCount } }", 1),
        ("{ books { nodes { title price { amount } } } }", 20),
        ("{ books(first: 7) { nodes { title } edges { cursor node { title } } pageInfo { endCursor } } }", 14),
        ("{ books(last: 3) { nodes { title } } }", 3),
        ("{ books(first: 2, last: 9) { nodes { title } } }", 2),
        ("{ books(first: -1) { nodes { title } } }", 0),
        ("{ books(first: null) { nodes { title } } }", 20),
        ("{ books(first: 10) { nodes { authors { name } } } }", 10 + 10 * 4),
        ("{ books(first: 10) { nodes { authors { name } } } a: books(first: 1) { nodes { id } } }", 51),
        ('{ nodes(ids: ["a", "b"]) { id } }', 2),
        ('{ node(id: "a") { ... on Book { authors { name } } ... on Category { parent { name } } } }', 1 + 4),
        ("{ books(first: 2) { nodes { ...A ...A } nodes { authors { name } } } } fragment A on Book { authors { slug } }", 10),
        ('{ suggest(prefix: "a") { books { title } authors { name } } }', 1 + 5 + 5),
        ('{ suggest(prefix: "a", first: 20) { books { title } categories { name } } }', 1 + 20 + 20),
        ("{ books { facets { languages { isCapped } } } }", 250),
        ("{ books { facets { all { values { label count filter } } } } }", 6 * (250 + 10)),
        ("{ books { facets { all(fields: [PRICES, LANGUAGES]) { label } } } }", 2 * 250),
        ("{ books(first: 10) { nodes { cover { url alt } } } }", 10 + 10),
        ("{ books(first: 10) { nodes { cover { url } description(truncateAt: 80) availability } } }", 10),
        ('{ booksByIsbn(isbns: ["9780306406157", "9780199535811"]) { title } }', 2),
        ("{ authors(first: 10, orderBy: {field: POPULARITY}) { nodes { name } } }", 10),
        ("{ books { facets { languages { entries { count } } } } }", 250 + 10),
        ("{ books { facets { authors(first: 3) { entries { author { name } } } ratings { isCapped } } } }", 2 * 250 + 3 * 2),
        ("{ categories(first: 7) { nodes { books { facets { prices { isCapped } } } } } }", 7 + 7 * 250),
        ("{ books(first: 2) { nodes { title } } @skip }".replace(" @skip", ""), 2),
        ("{ books(first: 2) @include(if: false) { nodes { title } } __typename }", 0),
        ("{ ... @skip(if: true) { books { nodes { title } } } __typename }", 0),
    ],
)  # fmt: skip
def test_rows_are_counted(text: str, cost: int) -> None:
    assert cost_of(text) == cost


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("{ __typename }", 1),
        ("{ __schema { types { name } } __typename }", 3_000 + 1),
        ('{ book(by: {isbn: "9780306406157"}) { title __typename } }', 3),
        ("{ books(first: 5) { totalCount nodes { a: title b: title price { amount } } } }", 1 + 1 + 5 * 5),
        ("{ books(first: 2) { edges { node { authors { name } } } } }", 1 + 2 * (1 + 1 + 4 * 2)),
        ("query ($n: Int = 3) { books(first: $n) { nodes { title } } }", 1 + 3 * 2),
    ],
)
def test_values_are_counted(text: str, values: int) -> None:
    assert DocumentCache(schema).get(text, None).prepare(None).value_cost == values


VARYING = """
query ($first: Int, $ids: [ID!]!, $deep: Boolean!, $flat: Boolean = true) {
  books(first: $first) { nodes { title authors @include(if: $deep) { name } } }
  nodes(ids: $ids) @skip(if: $flat) { id }
}
"""


@pytest.mark.parametrize(
    ("variables", "cost"),
    [
        ({"ids": [], "deep": False}, 20),
        ({"ids": [], "deep": True}, 20 + 20 * 4),
        ({"first": 3, "ids": ["a", "b"], "deep": False, "flat": False}, 3 + 2),
        ({"first": None, "ids": ["a"], "deep": True, "flat": False}, 100 + 1),
        ({"first": 0, "ids": ["a"], "deep": True, "flat": True}, 0),
        ({"deep": True}, None),
    ],
)
def test_the_cost_depends_on_variables(variables: dict[str, Any], cost: int | None) -> None:
    assert cost_of(VARYING, variables) == cost


@pytest.mark.parametrize(
    ("field", "maximum"),
    [
        ("books(first: $n) { nodes { id } }", 100),
        ("books(last: $n) { nodes { id } }", 100),
        ('suggest(prefix: "a", first: $n) { books { id } }', 1 + 20),
        ("books { facets { authors(first: $n) { entries { author { id } } } } }", 250 + 50 * 2),
    ],
)
def test_a_size_that_the_resolver_rejects_counts_as_the_maximum(field: str, maximum: int) -> None:
    literal = f"{{ {field.replace('$n', '1000000000')} }}"

    assert cost_of(literal) == maximum
    assert cost_of(f"query ($n: Int!) {{ {field} }}", {"n": 1_000_000_000}) == maximum


def test_an_operation_that_costs_too_much_is_located() -> None:
    text = "query A { __typename }\nquery B { categories(first: 100) { nodes { books(first: 100) { nodes { id } } } } }"

    with pytest.raises(LimitExceededError) as exceeded:
        DocumentCache(schema).get(text, "B")

    assert exceeded.value.error.formatted == {
        "message": "The operation costs 10,100 rows; at most 10,000 are allowed (MAX_COST).",
        "locations": [{"line": 2, "column": 1}],
        "extensions": {"code": "COST_LIMIT_EXCEEDED", "limit": "MAX_COST", "allowed": 10_000},
    }


def test_a_field_selected_under_two_conditions_counts_if_either_holds() -> None:
    text = """query ($a: Boolean!, $b: Boolean!) {
      books(first: 2) @include(if: $a) { nodes { id } } ... @skip(if: $b) { books(first: 2) { nodes { id } } }
    }"""

    costs = [cost_of(text, {"a": a, "b": b}) for a in (True, False) for b in (True, False)]

    assert costs == [2, 2, 0, 2]
