"""A plan's result is exactly that of graphql-core, byte for byte, including errors."""

import asyncio
import os
from collections.abc import AsyncGenerator, Callable
from decimal import Decimal
from typing import Any

import orjson
import pytest
from graphql import GraphQLNamedType, get_named_type, is_leaf_type
from hypothesis import HealthCheck, assume, event, example, given, settings
from hypothesis import strategies as st
from strawberry import Schema

from db.connections.connect import Connection
from graphql_api.access.roles import Role
from graphql_api.context import Context
from graphql_api.execution import yielding
from graphql_api.execution.documents import DocumentCache, InvalidDocumentError
from graphql_api.execution.executor import Outcome, run_operation, run_with_graphql_core
from graphql_api.execution.limits import Limits
from graphql_api.loaders.registry import Loaders
from graphql_api.schema import schema_for
from graphql_api.schema.ids import global_id
from tests.catalogs import add_author, add_book, add_category
from tests.conftest import SUPPRESSED_CHECKS
from tests.graphql_api.conftest import Client
from tests.graphql_api.execution.nasty import nasty_context, nasty_schema
from tests.graphql_api.execution.operations import DrawnOperation, draw_operations
from tests.waiting import until

# graphql-core never awaits the coroutines of siblings of a field that fails immediately; Python warns of them.
pytestmark = [
    pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

schema = schema_for(Role.MANAGER)  # its fields are a superset

fuzzing = settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "250")),
    suppress_health_check=[*SUPPRESSED_CHECKS, HealthCheck.filter_too_much],
)

nasty_values = {
    "Int": st.integers(-3, 30),
    "String": st.sampled_from(["", "a", "b\u00e9", '"quoted"', "\\", "null"]),
    "Boolean": st.booleans(),
}

UNLIMITED = Limits(
    **dict.fromkeys(
        (
            *("document_length", "tokens", "depth", "fragments", "fields", "aliases", "directives"),
            *("comparisons", "cost", "response_values"),
        ),
        10**9,
    )
)

RARE = ("informed", "missing", "failing", "sureSlow", "wrongInt", "number", "sureText")

FOUND = st.sampled_from(
    [
        global_id("Series", 1),
        global_id("Book", 1),
        global_id("Author", 1),
        global_id("Category", 2),
        global_id("Work", 2),
    ]
)
CURSORS = ("WyJ0aXRsZSBhc2MiLCJib29rIDEiLDFd", "WyJuYW1lIGFzYyIsInBlcnNvbiAxIiwyXQ")  # by title, by name


def add_rare_values(usual: st.SearchStrategy[Any], *rare: Any) -> st.SearchStrategy[Any]:
    """Return a strategy of the usual values, and of rare ones in one case of eight."""
    return st.integers(0, 7).flatmap(lambda drawn: st.sampled_from(rare) if drawn == 7 else usual)


catalog_values = {
    "first": add_rare_values(st.sampled_from([0, 1, 2, 3, 20, 100]), 101, 2, 3),
    "last": add_rare_values(st.sampled_from([0, 1, 2, 3, 100]), -1, 1, 2),
    "after": add_rare_values(st.none(), *CURSORS, "nothing"),
    "before": add_rare_values(st.none(), *CURSORS, ""),
    "id": add_rare_values(FOUND, global_id("Planet", 1), "nothing"),
    "ids": add_rare_values(FOUND, global_id("Planet", 1), "nothing"),
    "truncateAt": add_rare_values(st.sampled_from([1, 3, 6, 100]), 0),
    "isbns": add_rare_values(st.sampled_from(["9780306406157", "0306406152"]), "978", "9791091146135"),
    "sourceId": st.sampled_from(["Book 0", "nothing"]),
    "source": st.sampled_from(["test", "other"]),
    "isbn": add_rare_values(st.sampled_from(["9780306406157", "0306406152"]), "978", "979-0-306-40615-6"),
    "slug": st.sampled_from(["person-0", "series-0", "nobody", "any-title-1"]),
    "path": st.sampled_from(["fiction", "fiction/middle", "nowhere"]),
    "text": add_rare_values(st.sampled_from(["book", "prson", "0306406152", "&"]), "\0"),
    "prefix": add_rare_values(st.sampled_from(["b", "person", ""]), "\0"),
    "Boolean": st.booleans(),
    "Decimal": add_rare_values(st.sampled_from(["0", "9.99", "4.5"]), "NaN"),
    "DateTime": add_rare_values(
        st.sampled_from(["2000-01-01T00:00:00Z", "2100-01-01T01:00:00+01:00"]), "2000-01-01", "never"
    ),
    "ID": add_rare_values(FOUND, "nothing"),
    "Int": add_rare_values(st.integers(-50, 2000), 10_000),
    "String": add_rare_values(
        st.sampled_from(["en", "EUR", "per", "%", "9780306406157", "person-0", "fiction"]), "\0"
    ),
}


@pytest.fixture(autouse=True)
def unlimited_time_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Disable yielding, which may change the order of errors."""
    monkeypatch.setattr(yielding, "TIME_SLICE", float("inf"))


def encode_outcome(outcome: Outcome) -> bytes:
    """Return the data and the errors as JSON, with the repr of values that JSON cannot represent."""
    errors = [error.formatted for error in outcome.result.errors or []]
    return orjson.dumps({"data": outcome.result.data, "errors": errors}, default=repr)


def data_and_nulls(outcome: Outcome) -> tuple[bytes, set[tuple[str | int, ...]]]:
    """Return the data as JSON, and the paths of the values that errors made null."""
    data = outcome.result.data
    return orjson.dumps(data, default=repr), {
        path_of_null(data, error.path or []) for error in outcome.result.errors or ()
    }


def path_of_null(data: Any, path: list[str | int]) -> tuple[str | int, ...]:
    """Return the part of an error's path that ends at the null value."""
    for depth, step in enumerate(path):
        if data is None:
            return tuple(path[:depth])
        data = data[step]
    assert data is None
    return tuple(path)


async def assert_equal_to_graphql_core(
    schema_: Schema, drawn: DrawnOperation, context: Callable[[], Any], *, racing: bool = False
) -> Outcome:
    """Run an operation twice by its plan and once by graphql-core, and assert equal outcomes. Return the plan's.

    With `racing`, only the null values of fallbacks with errors are compared: if two errors make the same value
    null, graphql-core reports the one whose read finishes first.
    """
    operation = DocumentCache(schema_, limits=UNLIMITED).get(drawn.document, None).prepare(drawn.variables)
    planned = await run_operation(operation, context())
    again = await run_operation(operation, context())
    by_graphql_core = await run_with_graphql_core(operation, context(), "compared")

    for outcome in (planned, again):
        if racing and outcome.fallback_reason and outcome.result.errors and by_graphql_core.result.errors:
            assert data_and_nulls(outcome) == data_and_nulls(by_graphql_core)
        else:
            assert encode_outcome(outcome) == encode_outcome(by_graphql_core)
    assert planned.fallback_reason or not planned.result.errors
    assert planned.result.errors or planned.fallback_reason != "the plan failed", (
        "a plan failed without an error"
    )
    return planned


def is_valid(schema_: Schema, drawn: DrawnOperation) -> bool:
    try:
        DocumentCache(schema_, limits=UNLIMITED).get(drawn.document, None)
    except InvalidDocumentError:
        return False
    return True


@fuzzing
@given(drawn=draw_operations(nasty_schema._schema, nasty_values, depth=4, rare=RARE))
@example(
    drawn=DrawnOperation("{ item { number } items(keys: [0, 1, 2, 3, 4, 5, 6]) { number flag amount } }", {})
)
async def test_operations_on_a_schema_of_hard_cases_have_the_result_of_graphql_core(
    drawn: DrawnOperation,
) -> None:
    assume(is_valid(nasty_schema, drawn))

    outcome = await assert_equal_to_graphql_core(nasty_schema, drawn, nasty_context)

    event(outcome.fallback_reason or "planned")


@pytest.fixture(scope="module")
async def catalog_of_module(shared_connection: Connection) -> AsyncGenerator[Client]:
    """A client of a few books, authors and categories with ids from 1, in a transaction of the module."""
    transaction = shared_connection.transaction()
    await transaction.start()
    for table in ("book", "author", "category", "series"):
        await shared_connection.execute(f"ALTER TABLE {table} ALTER COLUMN id RESTART")
    root = await add_category(shared_connection, "Fiction")
    middle = await add_category(shared_connection, "Middle", root)
    people = [await add_author(shared_connection, f"Person {number}") for number in range(3)]
    for number in range(6):
        await add_book(
            shared_connection,
            f"Book {number}",
            description=f"About {number}" if number % 2 else None,
            price=Decimal(number) if number % 3 else None,
            currency="EUR" if number % 3 else None,
            published_year=1900 + number if number % 2 else None,
            cover_url=f"https://covers.example/{number}.jpg" if number % 2 else None,
            isbn="9780306406157" if number == 0 else None,
            series=f"Series {number % 2}" if number < 5 else None,
            series_position=f"{number}" if number in (0, 1, 2) else None,
            authors=[people[number % 3], (people[(number + 1) % 3], "EDITOR")],
            categories=[root, middle] if number % 2 else [middle],
        )
    client = Client(shared_connection)
    for book in (1, 2, 2, 5):
        client.views.record(book)
    await client.views.flush()
    yield client
    async with client.lock:
        await transaction.rollback()


@pytest.fixture
def small_catalog(catalog_of_module: Client) -> Client:
    """A client with a separate list of statements, because reads of earlier operations may still run."""
    return Client(catalog_of_module.connection, lock=catalog_of_module.lock)


class UncachedFallbackContext(Context):
    """A context whose fallback reads everything again, as graphql-core without a plan does.

    Cached rows would change which of two errors that make the same value null comes first.
    """

    def for_fallback(self) -> Context:
        return Context(self.view_counter, self.database, Loaders(self.database, self.loaders.columns))


@fuzzing
@given(drawn=draw_operations(schema._schema, catalog_values, depth=4))
@example(DrawnOperation('{ booksByIsbn(isbns: ["978", "9780306406157"]) { __typename } }', {}))
@example(
    DrawnOperation(
        'query ($skipped: Boolean!) { booksByIsbn(isbns: ["978"]) { id @skip(if: $skipped) } }',
        {"skipped": True},
    )
)
async def test_operations_on_the_catalog_have_the_result_of_graphql_core(
    small_catalog: Client, drawn: DrawnOperation
) -> None:
    assume(is_valid(schema, drawn))

    outcome = await assert_equal_to_graphql_core(
        schema, drawn, lambda: UncachedFallbackContext(small_catalog.views, small_catalog), racing=True
    )

    event(outcome.fallback_reason or "planned")


async def test_a_plan_runs_the_statements_of_graphql_core(small_catalog: Client) -> None:
    operation = (
        DocumentCache(schema, limits=UNLIMITED)
        .get(
            "{ books { nodes { authors { name books { nodes { title categories { ancestors { name } } } } } } } }",
            None,
        )
        .prepare(None)
    )

    planned = await run_operation(operation, Context(small_catalog.views, small_catalog))
    by_plan = small_catalog.statements.copy()
    small_catalog.statements.clear()
    await run_with_graphql_core(operation, Context(small_catalog.views, small_catalog), "compared")

    assert planned.fallback_reason is None
    assert by_plan == small_catalog.statements


async def test_what_a_failed_plan_has_read_is_not_read_again(small_catalog: Client) -> None:
    operation = (
        DocumentCache(schema, limits=UNLIMITED)
        .get(
            '{ category(by: {path: "fiction"}) { books { nodes { title authors { books(first: 101) { nodes { id } } } } } } }',
            None,
        )
        .prepare(None)
    )

    small_catalog.statements.clear()
    outcome = await run_operation(operation, Context(small_catalog.views, small_catalog))

    assert outcome.fallback_reason == "the plan failed"
    assert small_catalog.statements == ["category_with_books_by_category_ids", "authors_by_book_ids"]


def test_a_failed_plan_leaves_nothing_running() -> None:
    async def run_failing_plan() -> None:
        drawn = DrawnOperation(
            "{ items(keys: [1, 13, 5]) { thing { key } slow others(count: -1) { key } } }", {}
        )
        await assert_equal_to_graphql_core(nasty_schema, drawn, nasty_context)
        await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})

    asyncio.run(run_failing_plan())


def fields_of_catalog_types() -> list[tuple[str, str]]:
    """Return each field of the catalog's types with its selection set, as type name and text."""
    types = schema._schema.type_map
    found: list[tuple[str, str]] = []
    for owner in ("Book", "Author", "Category", "Series", "Work"):
        for name, field in types[owner].fields.items():  # type: ignore[attr-defined]
            found.append((owner, f"{name} {selection_of(get_named_type(field.type))}"))
    return found


EMPTY_SELECTION = "{  }"
"""The selection of a type that has only object fields, at the maximum depth."""


def selection_of(kind: GraphQLNamedType, depth: int = 0) -> str:
    """Return a selection set of a type: its leaf fields, and its object fields down to a depth."""
    if is_leaf_type(kind):
        return ""
    fields = kind.fields.items()  # type: ignore[attr-defined]
    inner = [
        f"{name} {selection}"
        for name, field in fields
        if is_leaf_type(get_named_type(field.type)) or depth < 1
        if (selection := selection_of(get_named_type(field.type), depth + 1)) != EMPTY_SELECTION
    ]
    return "{ " + " ".join(inner) + " }"


@pytest.mark.parametrize(("owner", "selection"), fields_of_catalog_types())
async def test_each_field_alone_has_the_columns_it_needs(
    small_catalog: Client, owner: str, selection: str
) -> None:
    text = f'{{ node(id: "{global_id(owner, 1)}") {{ ... on {owner} {{ {selection} }} }} }}'
    operation = DocumentCache(schema).get(text, None).prepare(None)

    planned = await run_operation(operation, Context(small_catalog.views, small_catalog))
    by_graphql_core = await run_with_graphql_core(
        operation, Context(small_catalog.views, small_catalog), "compared"
    )

    assert planned.fallback_reason is None
    assert encode_outcome(planned) == encode_outcome(by_graphql_core)
    assert planned.result.data
    assert planned.result.data["node"]


@pytest.mark.parametrize(
    ("text", "statements"),
    [
        (
            '{ category(by: {path: "fiction"}) { name books(first: 2) { nodes { title } } } }',
            ["category_with_books_by_category_ids"],
        ),
        (
            '{ category(by: {path: "fiction"}) { books { totalCount } children { nodes { path } } } }',
            ["trees_by_paths"],
        ),
        (
            '{ category(by: {path: "fiction"}) { name children(last: 2) { pageInfo { hasPreviousPage } nodes '
            "{ name children(first: 1) { edges { cursor node { id children { nodes { path } } } } } } } } }",
            ["trees_by_paths"],
        ),
        (
            f'{{ category(by: {{id: "{global_id("Category", 1)}"}}) {{ a: children(first: 1) {{ nodes {{ name '
            "b: children { totalCount nodes { bookCount } } c: children(first: 1) { nodes { id } } } } } }",
            ["trees_by_ids", "counts_of_children_by_category_ids", "children_by_category_ids"],
        ),
        (
            '{ a: category(by: {path: "fiction"}) { children { nodes { children { nodes { id } } } } } '
            'b: category(by: {path: "nowhere"}) { children { nodes { children { nodes { id } } } } } }',
            ["trees_by_paths", "category_redirects_by_paths"],
        ),
        (
            '{ category(by: {path: "nowhere"}) { children(before: "WyJ0aXRsZSBhc2MiLCJib29rIDEiLDFd") '
            '{ edges { cursor } } } author(by: {slug: "nobody"}) { books(after: "?") { nodes { title } } } }',
            [
                "categories_by_paths",
                "category_redirects_by_paths",
                "authors_by_slugs",
                "author_redirects_by_slugs",
            ],
        ),
        (
            '{ category(by: {path: "fiction"}) { books { totalCount } children { totalCount } } }',
            ["categories_by_paths", "counts_of_children_by_category_ids"],
        ),
        (
            '{ category(by: {path: "fiction/middle"}) { books(last: 1, includeDescendants: false) '
            "{ pageInfo { hasPreviousPage startCursor } } children { nodes { name } } } }",
            ["category_with_books_directly_by_category_ids", "children_by_category_ids"],
        ),
        (
            '{ a: category(by: {path: "fiction"}) { books { nodes { id } } } '
            'b: category(by: {path: "fiction/middle"}) { books { edges { cursor } } } '
            'c: category(by: {path: "nowhere"}) { books { nodes { id } } } }',
            ["category_with_books_by_category_ids", "category_redirects_by_paths"],
        ),
        (
            f'{{ author(by: {{id: "{global_id("Author", 1)}"}}) {{ name books(orderBy: {{field: PRICE}}) '
            "{ nodes { price { amount } authors { name } } } } }",
            ["author_with_books_by_author_ids", "authors_by_book_ids"],
        ),
        (
            '{ category(by: {path: "fiction"}) { books { facets { languages { entries { count } } } } } }',
            ["categories_by_paths", "books_by_category_ids_facets"],
        ),
        (
            '{ category(by: {path: "fiction"}) { books { nodes { id } facets { languages { entries { count } } } } } }',
            ["categories_by_paths", "books_by_category_ids", "books_by_category_ids_facets"],
        ),
        (
            '{ category(by: {path: "fiction"}) { books { totalCount totalCountIsCapped didYouMean } } }',
            ["categories_by_paths"],
        ),
        (
            '{ category(by: {path: "fiction"}) { books(filter: {}) { nodes { title } } } }',
            ["categories_by_paths", "books_by_category_ids"],
        ),
        (
            '{ author(by: {slug: "nobody"}) { books { nodes { title } } } }',
            ["author_with_books_by_author_ids", "author_redirects_by_slugs"],
        ),
    ],
)
async def test_a_lookup_prefetches_the_page_below_it(
    small_catalog: Client, text: str, statements: list[str]
) -> None:
    operation = DocumentCache(schema).get(text, None).prepare(None)

    small_catalog.statements.clear()
    planned = await run_operation(operation, Context(small_catalog.views, small_catalog))
    by_plan = small_catalog.statements.copy()
    by_graphql_core = await run_with_graphql_core(
        operation, Context(small_catalog.views, small_catalog), "compared"
    )

    assert planned.fallback_reason is None
    assert by_plan == statements
    assert encode_outcome(planned) == encode_outcome(by_graphql_core)
    assert not planned.result.errors
