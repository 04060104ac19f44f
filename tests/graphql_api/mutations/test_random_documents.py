"""Random documents of mutations: each is answered without a fault, and a plan writes and answers as graphql-core does."""

import json
import os
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, event, example, given, settings
from hypothesis import strategies as st

from db.connections.write_session import WriteSession
from db.verify import run_checks
from graphql_api.access.roles import Role
from graphql_api.context import Context
from graphql_api.execution import yielding
from graphql_api.execution.documents import DocumentCache, PreparedOperation
from graphql_api.execution.executor import Outcome, run_operation, run_with_graphql_core
from graphql_api.schema import schema_for
from graphql_api.schema.ids import global_id
from tests.catalogs import add_author, add_book, add_category
from tests.conftest import SUPPRESSED_CHECKS
from tests.graphql_api.execution.operations import DrawnOperation, draw_operations
from tests.graphql_api.execution.test_differential import (
    UNLIMITED,
    UncachedFallbackContext,
    add_rare_values,
    data_and_nulls,
    encode_outcome,
    is_valid,
)
from tests.graphql_api.mutations.conftest import Shop

# graphql-core never awaits the coroutines of siblings of a field that fails immediately; Python warns of them.
pytestmark = [
    pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

fuzzing = settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "200")) // 10,
    suppress_health_check=[*SUPPRESSED_CHECKS, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)

schema = schema_for(Role.MANAGER)

ISBN, OTHER_ISBN = "9780306406157", "9780261102217"
IDS = [global_id(kind, number) for kind in ("Book", "Author", "Category") for number in (1, 2, 3, 9)]
HUGE = "w" * 3_000
LARGEST = 2**31 - 1
TEXTS = st.sampled_from(["Emma", "Ann", "a b", "Ängström & Söhne", "Art", "1", ""])
HOSTILE_TEXTS = (
    "\0",
    "a\0b",
    "\ud800",
    HUGE,
    "\u202e",
    "'; DROP TABLE book; --",
    "$1",
    "%s",
    " ",
    "\ufdfa" * 400,
)

VALUES = {
    "id": add_rare_values(st.sampled_from(IDS), global_id("Planet", 1), "", "5", HUGE, "\0"),
    "isbn": add_rare_values(st.sampled_from([ISBN, "0306406152", "0-306-40615-2", OTHER_ISBN]), "978", "", HUGE),
    "slug": add_rare_values(st.sampled_from(["ann", "bob", "cid", "dan"]), "", HUGE),
    "path": add_rare_values(st.sampled_from(["art", "art/modern", "craft", "new"]), "/", "", HUGE),
    "name": add_rare_values(st.sampled_from(["Ann", "Bob", "Art", "Modern", "New"]), *HOSTILE_TEXTS, "!!!", "/"),
    "source": add_rare_values(st.sampled_from(["test", "shop"]), "name", *HOSTILE_TEXTS),
    "sourceId": add_rare_values(st.sampled_from(["Emma", "Dune", "1", "2"]), *HOSTILE_TEXTS),
    "language": add_rare_values(st.sampled_from(["en", "German", "fra"]), "klingon", *HOSTILE_TEXTS),
    "currencyCode": add_rare_values(st.sampled_from(["EUR", "usd"]), "EURO", ""),
    "currency": add_rare_values(st.sampled_from(["EUR", "usd"]), "EURO", ""),
    "price": add_rare_values(st.sampled_from(["1", "7,90 €", "12.50"]), "-1", "1e400", "free", "\0"),
    "published": add_rare_values(st.sampled_from(["1999", "1999-12-31"]), "0", "99999", "-44", "\0"),
    "position": add_rare_values(st.sampled_from(["1", "1.5", "Vol. III"]), *HOSTILE_TEXTS),
    "series": add_rare_values(st.sampled_from(["New", "NEW, #2", "Art"]), *HOSTILE_TEXTS),
    "seriesPosition": add_rare_values(st.sampled_from(["1", "1.5", "Vol. III"]), *HOSTILE_TEXTS),
    "authors": add_rare_values(st.sampled_from(["Ann", "Doe, Jane; Roe, John (editor)", "Bob; Bob"]), *HOSTILE_TEXTS),
    "categories": add_rare_values(st.sampled_from(["Art > Modern; Craft", "New"]), "a > " * 40, *HOSTILE_TEXTS),
    "format": add_rare_values(st.sampled_from(["Hardcover", "ebook"]), "parchment", "\0"),
    "coverUrl": add_rare_values(st.sampled_from(["https://a.example/1.jpg"]), "javascript:1", *HOSTILE_TEXTS),
    "expectedVersion": add_rare_values(st.sampled_from([1, 2, 3]), -1, LARGEST),
    "delta": add_rare_values(st.integers(-3, 3), LARGEST, -LARGEST - 1),
    "stock": add_rare_values(st.integers(0, 9), -1, LARGEST),
    "first": add_rare_values(st.sampled_from([0, 1, 2, 20]), -1, 101),
    "last": add_rare_values(st.sampled_from([0, 1, 2]), -1),
    "after": add_rare_values(st.none(), "nothing", "\0"),
    "before": add_rare_values(st.none(), "nothing"),
    "Boolean": st.booleans(),
    "DateTime": add_rare_values(
        st.sampled_from(["1999-12-31T23:59:59Z", "2100-01-01T00:00:00+02:00"]),
        "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "1999-12-31", "\0",
    ),
    "Date": add_rare_values(st.sampled_from(["1999-12-31"]), "0001-01-01", "9999-12-31", "1999-02-30", "\0"),
    "Decimal": add_rare_values(
        st.sampled_from(["0", "4.5", "12.90", "3.1000000"]), "NaN", "-1", "1e999", "1e-999", "9999999999.99995", "1" * 90
    ),
    "ID": add_rare_values(st.sampled_from(IDS), "nothing"),
    "Int": add_rare_values(st.integers(0, 2_000), -1, LARGEST, -LARGEST - 1, 2**31, 2**63),
    "String": add_rare_values(TEXTS, "\ud800", *HOSTILE_TEXTS),
}  # fmt: skip

DOCUMENTS = draw_operations(schema._schema, VALUES, depth=3, operation="mutation")

KEYS = st.one_of(
    st.none(),
    st.sampled_from(["k", '"k"', "", '""', '"', "x" * 255, "x" * 256, "\xe9", "a b", "k\x7f", "'; --"]),
)
"""Idempotency keys: most are used for several requests."""


async def fill_catalog(shop: Shop) -> None:
    """Empty the catalog, and add books, authors and categories with ids from 1."""
    connection = shop.connection
    await connection.execute("DELETE FROM book; DELETE FROM author; DELETE FROM repeatable_answer")
    await connection.execute("TRUNCATE category CASCADE; UPDATE catalog_size SET categories = 0")
    await restart_ids(shop, 1)
    authors = [await add_author(connection, name) for name in ("Ann", "Bob", "Cid")]
    art = await add_category(connection, "Art")
    categories = [art, await add_category(connection, "Modern", art), await add_category(connection, "Craft")]
    links: dict[str, Any] = {"authors": [*authors[:2], (authors[0], "EDITOR")], "categories": categories[1:]}
    await add_book(connection, "Emma", isbn=ISBN, stock=2, rating_average=4, rating_count=9, **links)
    await add_book(
        connection,
        "Dune",
        price=3,
        currency="EUR",
        series="New",
        series_position="1",
        authors=authors[1:2],
        categories=categories[:1],
    )
    await add_book(connection, "Solaris", is_published=False, authors=authors[1:2])


async def restart_ids(shop: Shop, first: int) -> None:
    for table in ("book", "author", "category", "series"):
        await shop.connection.execute(
            f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {first}, false)"
        )


@fuzzing
@given(requests=st.lists(st.tuples(DOCUMENTS, KEYS), min_size=1, max_size=4))
async def test_random_mutations_are_answered_and_leave_a_correct_catalog(
    shop: Shop, requests: list[tuple[DrawnOperation, str | None]]
) -> None:
    await fill_catalog(shop)

    for drawn, key in requests:
        body = json.dumps({"query": drawn.document, "variables": drawn.variables})
        headers = [(b"content-type", b"application/json")]
        headers += [] if key is None else [(b"idempotency-key", key.encode("latin-1"))]
        response = await shop.client.post("/graphql", content=body, headers=headers)
        errors = response.json().get("errors", [])
        event(f"{response.status_code} {errors[0]['extensions']['code'] if errors else ''}")

        assert response.status_code in (200, 400, 422), response.text
        assert "INTERNAL_SERVER_ERROR" not in response.text

    assert [(each.name, each.examples) for each in await run_checks(shop.connection) if each.count] == []


@pytest.fixture
def same_outcomes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Disable what makes two runs differ: yielding, and new keys."""
    monkeypatch.setattr(yielding, "TIME_SLICE", float("inf"))
    monkeypatch.setattr("secrets.token_hex", lambda count: "0" * count)


Run = Callable[[PreparedOperation, Context], Awaitable[Outcome]]


async def run_and_undo(shop: Shop, operation: PreparedOperation, run: Run) -> tuple[Outcome, list[Any]]:
    """Return the outcome of an operation, and the audit trail that it wrote. Nothing stays."""
    await restart_ids(shop, 100)
    session = WriteSession(shop.app.endpoint.cluster.primary)
    context = UncachedFallbackContext(shop.app.endpoint.view_counter, session)
    try:
        outcome = await run(operation, context)
        async with session.raw_connection() as connection:
            written = await connection.fetch("SELECT mutation, items FROM audit_entry ORDER BY id")
        return outcome, [tuple(row) for row in written]
    finally:
        await session.roll_back()


@fuzzing
@given(drawn=DOCUMENTS)
@example(
    drawn=DrawnOperation(
        'mutation { a: adjustStock(by: {id: "Qm9vazox"}, delta: 1) { book { id stock } } '
        'b: adjustStock(by: {id: "Qm9vazox"}, delta: 1) { book { id stock authors { books(first: 101) { totalCount } } } } }',
        {},
    )
)
async def test_a_plan_writes_and_answers_what_graphql_core_does(
    shop: Shop, same_outcomes: None, drawn: DrawnOperation
) -> None:
    assume(is_valid(schema, drawn))
    await fill_catalog(shop)
    operation = DocumentCache(schema, limits=UNLIMITED).get(drawn.document, None).prepare(drawn.variables)

    planned, written = await run_and_undo(shop, operation, run_operation)
    by_graphql_core, expected = await run_and_undo(
        shop, operation, lambda prepared, context: run_with_graphql_core(prepared, context, "compared")
    )

    event(planned.fallback_reason or "planned")
    assert written == expected
    if planned.fallback_reason and planned.result.errors:
        # After a plan that failed, the payloads of its steps are read as they are after the last step.
        assert data_and_nulls(planned)[1] == data_and_nulls(by_graphql_core)[1]
    else:
        assert encode_outcome(planned) == encode_outcome(by_graphql_core)
