"""Limits on documents: an error has the location of the node that exceeds its limit."""

import pytest

from graphql_api.execution.documents import DocumentCache
from graphql_api.execution.limits import LimitExceededError, Limits
from graphql_api.schema import schema

LIMITS = Limits(
    tokens=100,
    depth=3,
    fields=6,
    aliases=2,
    directives=2,
    directives_per_location=1,
    operations=1,
    fragments=1,
    variables=1,
    list_argument=2,
)


@pytest.mark.parametrize(
    ("setting", "text", "line", "column"),
    [
        ("MAX_TOKENS", "{\n" + "id " * 50 + "\n" + "id " * 50 + "}", 3, 148),
        ("MAX_OPERATIONS", "query A { __typename }\nquery B { __typename }", 2, 1),
        ("MAX_FRAGMENTS", "{ ...A }\nfragment A on Query { id }\nfragment B on Query { id }", 3, 1),
        ("MAX_VARIABLES", "query (\n$a: Int\n$b: Int) { __typename }", 3, 1),
        ("MAX_DEPTH", "{ books {\nnodes { authors {\nname } } } }", 3, 1),
        ("MAX_DEPTH", "{ books { nodes { ...A } } }\nfragment A on Book { title authors { name } }", 2, 38),
        ("MAX_FIELDS", "{ " + "__typename " * 7 + "}", 1, 1),
        ("MAX_ALIASES", "\n{ a: __typename b: __typename c: __typename }", 2, 1),
        ("MAX_DIRECTIVES", "{ a @a(x: 1) b @b c @c }", 1, 1),
        ("MAX_DIRECTIVES_PER_LOCATION", "{ a\n@a @b }", 2, 4),
        ("MAX_LIST_ARGUMENT", "{ nodes(ids: [\n1 2 3]) { id } }", 2, 5),
        ("introspection", "{ __schema { types { fields { type {\nfields { name } } } } } }", 2, 1),
    ],
)  # fmt: skip
def test_the_error_of_a_limit_has_a_location(setting: str, text: str, line: int, column: int) -> None:
    with pytest.raises(LimitExceededError) as exceeded:
        DocumentCache(schema, limits=LIMITS).get(text, None)

    error = exceeded.value.error
    assert (error.extensions or {})["limit"] == setting
    assert error.formatted.get("locations") == [{"line": line, "column": column}]
