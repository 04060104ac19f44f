"""Hostile documents: each takes a bounded amount of work, and is rejected with the name of a limit."""

import os

import pytest
from graphql import get_introspection_query
from graphql.language.lexer import Lexer
from graphql.validation.rules.overlapping_fields_can_be_merged import spend_complexity_budget
from hypothesis import HealthCheck, given, settings

from graphql_api.access.roles import Role
from graphql_api.execution.documents import (
    Document,
    DocumentCache,
    InvalidDocumentError,
    UnknownOperationError,
)
from graphql_api.execution.limits import LIMITS, LimitExceededError, Limits
from graphql_api.schema import schema_for
from tests.conftest import SUPPRESSED_CHECKS
from tests.graphql_api.execution import hostile
from tests.tables import note
from tests.work import Work

schema = schema_for(Role.MANAGER)  # its fields are a superset

MAX_CALLS = 600_000
"""Maximum function calls for one document. A plan of 500 fields takes about 400,000."""


def prepare_document(text: str, operation: str | None = None) -> tuple[Document | None, str, Work]:
    """Parse, plan and check a document. Return it or the reason for its rejection, and the work."""
    document, reason = None, ""
    with Work() as work:
        try:
            document = DocumentCache(schema).get(text, operation)
            document.plan_for({})
            document.check_limits({})
        except LimitExceededError as exceeded:
            document, reason = None, str(exceeded)
        except (InvalidDocumentError, UnknownOperationError) as invalid:
            reason = str(invalid)
    return document, reason, work


def count_tokens_and_comparisons(work: Work) -> tuple[int, int]:
    """Return the number of tokens read, and of comparisons of two fields."""
    return work.calls_of(Lexer.advance), work.calls_of(spend_complexity_budget)


HOSTILE_DOCUMENTS = {
    "30 doubling fragments": (hostile.doubling(30, 2), "MAX_FIELDS"),
    "100 doubling fragments": (hostile.doubling(100, 2), "MAX_FRAGMENTS"),
    "doubling fragments that execute": (hostile.aliased_doubling(10, 2), "MAX_DEPTH"),
    "200 x 100 inline fragments": (hostile.inline(100, 200), "MAX_DOCUMENT_LENGTH"),
    "5,000 operations": (hostile.operations(5_000, 1), "MAX_DOCUMENT_LENGTH"),
    "400 operations": (hostile.operations(400, 1), "MAX_OPERATIONS"),
    "2,000 variables": (hostile.variables(2_000, 1), "MAX_TOKENS"),
    "300 variables": (hostile.variables(300, 1), "MAX_VARIABLES"),
    "60 overlapping fragments": (hostile.overlapping_fragments(60, 4), "MAX_FRAGMENTS"),
    "50 overlapping fragments": (hostile.overlapping_fragments(50, 4), "MAX_COMPARISONS"),
    "120 overlapping fields": (hostile.overlapping(120, 1), "MAX_COMPARISONS"),
    "1 MB of comments": (hostile.comments(10_000, 100), "MAX_DOCUMENT_LENGTH"),
    "24,000 comments": (hostile.comments(24_000, 1), "MAX_TOKENS"),
    "depth 13": (hostile.deep_fields(4, 1), "MAX_DEPTH"),
    "31 aliases": (hostile.aliases(31, 1), "MAX_ALIASES"),
    "51 directives": (hostile.directives(51, 1), "MAX_DIRECTIVES"),
    "6 directives in one place": (hostile.directives(1, 6), "MAX_DIRECTIVES_PER_LOCATION"),
    "a list of 1,001": ("{ nodes(ids: [" + '"a" ' * 1_001 + "]) { id } }", "MAX_LIST_ARGUMENT"),
    "40,500 rows": (
        "{ books(first: 100) { nodes { authors { books(first: 100) { nodes { id } } } } } }",
        "MAX_COST",
    ),
    "304,001 values": (
        "{ categories(first: 100) { nodes { books(first: 98) { nodes { "
        + " ".join(f"a{n}: id" for n in range(30))
        + " } } } } }",
        "MAX_RESPONSE_VALUES",
    ),
    "circular introspection": (hostile.introspection(3, 1), "introspection"),
    "31 times the same mutation": (hostile.same_mutation(31, 1), "MAX_ALIASES"),
    "60 mutations in fragments": (hostile.mutations_in_fragments(60, 1), "MAX_FRAGMENTS"),
    "300 offers in a document": (hostile.offers(60, 5), "MAX_TOKENS"),
    "a payload of 1,000,000 rows": (hostile.deep_payload(3, 1), "MAX_COST"),
    "501 fields": ("{ " + "__typename " * 501 + "}", "MAX_FIELDS"),
}


@pytest.mark.parametrize("name", HOSTILE_DOCUMENTS)
def test_the_limit_is_named_in_the_error(name: str) -> None:
    text, limit = HOSTILE_DOCUMENTS[name]

    _, reason, work = prepare_document(text)
    tokens, comparisons = count_tokens_and_comparisons(work)

    assert f"({limit})" in reason
    assert tokens <= LIMITS.tokens + 2  # the lexer adds tokens for the start and the end
    assert comparisons <= LIMITS.comparisons
    assert work.calls < MAX_CALLS
    note(
        "document | bytes | tokens | comparisons | calls | error",
        name,
        f"{len(text):,}",
        f"{tokens:,}",
        f"{comparisons:,}",
        f"{work.calls:,}",
        reason,
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("depth 12", hostile.deep_fields(3, 1).replace("books { nodes", "books(first: 3) { nodes")),
        ("30 aliases", hostile.aliases(30, 1)),
        ("50 directives", hostile.directives(50, 1)),
        ("10 operations", "query A { __typename } " + hostile.operations(9, 1)),
        ("page 100", "{ books(first: 100) { totalCount } }"),
        ("list of 100", "{ nodes(ids: [" + '"a" ' * 100 + "]) { id } }"),
    ],
    ids=lambda value: value if len(value) < 20 else "",
)
def test_a_document_at_a_limit_is_accepted(name: str, text: str) -> None:
    document, reason, _ = prepare_document(text, "A" if name == "10 operations" else None)

    assert (reason, document is not None) == ("", True)


@pytest.mark.parametrize(
    "text",
    [
        get_introspection_query(),
        get_introspection_query(
            descriptions=True,
            specified_by_url=True,
            directive_is_repeatable=True,
            schema_description=True,
            input_value_deprecation=True,
        ),
    ],
    ids=["default options", "all options"],
)
def test_the_introspection_query_of_tools_is_accepted(text: str) -> None:
    document, reason, _ = prepare_document(text)

    assert (reason, document is not None) == ("", True)


@settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "200")),
    suppress_health_check=[*SUPPRESSED_CHECKS, HealthCheck.data_too_large],
)
@given(text=hostile.hostile_documents())
def test_hostile_documents_take_bounded_work(text: str) -> None:
    _, _, work = prepare_document(text)
    tokens, comparisons = count_tokens_and_comparisons(work)

    assert tokens <= LIMITS.tokens + 2  # the lexer adds tokens for the start and the end
    assert comparisons <= LIMITS.comparisons
    assert work.calls < MAX_CALLS


def test_limits_can_be_set() -> None:
    documents = DocumentCache(schema, limits=Limits(depth=2, cost=5))

    with pytest.raises(
        LimitExceededError, match=r"An operation has 3 levels of fields; at most 2 are allowed \(MAX_DEPTH\)"
    ):
        documents.get("{ books { nodes { id } } }", None)
    with pytest.raises(LimitExceededError, match="costs 100 rows; at most 5") as caught:
        documents.get("{ nodes(ids: [" + '"a" ' * 100 + "]) { id } }", None)
    assert caught.value.error.extensions == {
        "code": "COST_LIMIT_EXCEEDED",
        "limit": "MAX_COST",
        "allowed": 5,
    }
