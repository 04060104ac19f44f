"""Every read statement is explained on a catalog large enough for scans to show, and has no problems.

Half of its books are unpublished.
"""

import pkgutil
from collections.abc import AsyncGenerator, Iterable
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import db
from db import (
    authors,
    books,
    categories,
    embedded,
    redirects,
    related,
    search,
    series,
    trends,
    view_counts,
    works,
)
from db import (
    catalog as catalog_reads,
)
from db.access_keys import access_key_by_hash, active_access_keys
from db.books import count_books
from db.category_trees import fetch_category_trees
from db.checksum import books_checksum
from db.connections.connect import connect
from db.connections.positions import read_timeline_history
from db.database import Database
from db.errors import DatabaseError
from db.explain import ExplainCase, ExplainResult, Recorder, run_cases
from db.explain_cases import explain_catalog
from db.explain_sample import load_sample
from db.importing.importer import import_feed
from db.importing.readers import open_generated
from db.importing.seed_views import seed_views
from db.keyset import Order, PageRequest, ParentLookup, Scope, fetch_parents_with_pages
from db.statements import ReadStatement, StatementTemplate
from tests.conftest import clone_template

BOOKS = 25_000

# As many unpublished books with the same keys, the newest of all.
ADD_UNPUBLISHED = """
INSERT INTO book (source, source_id, title, language, publisher, format, published_year, price, currency, stock,
                  rating_average, rating_count, series, series_position, is_published)
SELECT 'unpublished', source_id, title, language, publisher, format, published_year, price, currency, stock,
       rating_average, rating_count, series, series_position, false
FROM book ORDER BY id;
VACUUM ANALYZE book
"""

SCAN = ReadStatement("scanned", "SELECT id FROM book WHERE stock = -1")
SORT = ReadStatement("sorted_", "SELECT id FROM book ORDER BY page_count, description")


@pytest.fixture(scope="module")
async def catalog(
    server: embedded.Server, template: str, maintenance: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[str]:
    async with clone_template(server, template, maintenance) as dsn:
        rejects: Path = tmp_path_factory.mktemp("explain") / "rejects.csv"
        await import_feed(dsn, open_generated(BOOKS, 1), rejects=rejects)
        await seed_views(dsn)
        connection = await connect(dsn, application_name="bookstore tests")
        for statement in ADD_UNPUBLISHED.split(";"):
            await connection.execute(statement)
        await connection.close()
        yield dsn


@pytest.fixture
async def small_catalog(dsn: str, tmp_path: Path) -> str:
    await import_feed(dsn, open_generated(200, 1), rejects=tmp_path / "rejects.csv")
    return dsn


@pytest.fixture(scope="module")
async def results(catalog: str) -> list[ExplainResult]:
    return await explain_catalog(catalog)


def modules_of(package: ModuleType) -> list[ModuleType]:
    """Return the modules of a package and of its packages."""
    found = pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    return [import_module(module.name) for module in found]


def statements_of(modules: Iterable[ModuleType]) -> list[ReadStatement | StatementTemplate]:
    """Return the read statements that are constants of the modules."""
    values = [value for module in modules for value in vars(module).values()]
    return [value for value in values if isinstance(value, ReadStatement | StatementTemplate)]


def read_statements() -> set[str]:
    """Return the names of all read statements, including those generated per list and shape."""
    modules = [
        *(authors, books, catalog_reads, categories, redirects, related, series, trends, view_counts, works),
        *modules_of(search),
    ]
    names = {statement.name for statement in statements_of(modules)}
    scopes = [
        value
        for module in (authors, books, categories, works)
        for value in vars(module).values()
        if isinstance(value, Scope)
    ]
    names |= {scope.name for scope in scopes}
    of_books = [
        value
        for value in vars(books).values()
        if isinstance(value, Scope)
        and value not in (books.UNPUBLISHED_BOOKS, books.BY_SERIES)  # without filters
    ]
    names.add(f"{books.BY_SERIES.name}_facets")
    for shape in ("matching", "count_matching", "ranked_hits", "facets"):
        names |= {f"{scope.name}_{shape}" for scope in of_books}
    names |= {
        f"{scope.name}_{shape}"
        for scope in (authors.ALL_AUTHORS, categories.ALL_CATEGORIES, categories.ROOTS)
        for shape in ("matching", "count_matching")
    }
    return names | {
        f"{scope.name}_{shape}"
        for scope in trends.SCOPES
        for shape in ("matching", "count_matching", "facets")
    }


def test_every_read_statement_has_a_case(results: list[ExplainResult]) -> None:
    assert {result.name for result in results} == read_statements()


def test_no_read_statement_has_a_problem(results: list[ExplainResult]) -> None:
    assert [(result.name, result.case, result.problems) for result in results if result.problems] == []


def test_a_page_in_the_middle_uses_as_many_buffers_as_one_at_the_start(results: list[ExplainResult]) -> None:
    """The cost depends on the rows of the page, not on the size of the list or the depth of the page."""
    pages = [result for result in results if result.case.endswith((", first", ", deep"))]
    deepest = max(result.buffers for result in pages if result.case.endswith("deep"))

    unpublished = updated = 2 * 3  # in the order of their ids alone, and in that of their last changes
    of_records = 2 * 3 * (len(authors.SORT_KEYS) + 2 * len(categories.SORT_KEYS))
    assert len(pages) == 2 * 3 * 4 * len(books.SORT_KEYS) + unpublished + updated + of_records
    assert deepest <= 1.5 * max(result.buffers for result in pages if result.case.endswith("first"))


async def test_scans_sorts_and_too_many_buffers_are_reported(catalog: str) -> None:
    connection = await connect(catalog, application_name="bookstore tests")

    async def scan(database: object) -> object:
        return await database.fetch(SCAN)  # type: ignore[attr-defined]

    async def sort(database: object) -> object:
        return await database.fetch(SORT)  # type: ignore[attr-defined]

    explained = await run_cases(
        connection,
        [ExplainCase("scan", scan, 10**9), ExplainCase("sort", sort, 10**9), ExplainCase("much", sort, 10)],
    )
    only = await run_cases(
        connection, [ExplainCase("scan", scan, 10**9), ExplainCase("sort", sort, 10**9)], "scanned"
    )
    await connection.close()

    assert [(result.name, result.case) for result in explained] == [
        ("scanned", "scan"),
        ("sorted_", "sort"),
        ("sorted_", "much"),
    ]
    assert explained[0].problems == ("sequential scan of book",)
    assert (explained[0].rows, explained[0].rows_discarded) == (0, 2 * BOOKS)
    assert explained[1].problems == ("sort of 50,000 rows", "sequential scan of book")
    assert explained[2].problems[-1].endswith(" buffers used, limit 10")
    assert [result.name for result in only] == ["scanned"]


async def test_every_read_statement_runs_in_a_read_only_transaction(
    results: list[ExplainResult], small_catalog: str
) -> None:
    """PostgreSQL refuses one that writes, and one whose functions write. All cases have run in such one."""
    constants = statements_of(modules_of(db))
    connection = await connect(small_catalog, application_name="bookstore tests")
    recorder = Recorder(connection)

    async with connection.transaction(readonly=True):
        for statement in constants:
            if isinstance(statement, ReadStatement) and "$1" not in statement.sql:
                await recorder.fetch(statement)
        await books_checksum(recorder, source="generated", source_ids=["1"])
        await active_access_keys(recorder, datetime.now(UTC))
        await access_key_by_hash(recorder, bytes(32))
        await read_trees_and_parents(recorder)
        assert await read_timeline_history(recorder, 2) is None  # there is no such file, an error ends it
    await connection.close()

    run = {result.name for result in results} | {statement.name for statement, _ in recorder.sent}
    assert {statement.name for statement in constants} <= run
    assert {statement.name for statement, _ in recorder.sent if statement not in constants} == {
        "author_with_books_by_author_ids",
        "category_with_books_by_category_ids",
        "trees_by_ids",
    }


async def read_trees_and_parents(database: Database) -> None:
    by_title, five = Order(books.TITLE), PageRequest(5)
    author = ParentLookup("author", "id", "bigint", authors.COLUMNS)
    category = ParentLookup("category", "id", "bigint", categories.COLUMNS)
    await fetch_parents_with_pages(database, books.BY_AUTHOR, by_title, five, author, [1], books.COLUMNS)
    await fetch_parents_with_pages(database, books.BY_CATEGORY, by_title, five, category, [1], books.COLUMNS)
    await fetch_category_trees(database, category, [1], [five, five])


async def test_a_read_statement_whose_function_writes_is_refused(small_catalog: str) -> None:
    connection = await connect(small_catalog, application_name="bookstore tests")
    await connection.execute("""
        ALTER FUNCTION words(text) RENAME TO other_words;
        CREATE FUNCTION words(text) RETURNS tsvector LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE catalog_size SET books = 0;
            RETURN other_words($1);
        END $$
    """)

    with pytest.raises(DatabaseError, match="cannot execute UPDATE in a read-only transaction"):
        await explain_catalog(small_catalog)

    assert await count_books(connection) == 200
    await connection.close()


async def test_an_empty_catalog_has_nothing_to_explain(dsn: str) -> None:
    connection = await connect(dsn, application_name="bookstore tests")
    sample = await load_sample(connection)
    await connection.close()

    with pytest.raises(DatabaseError, match="The catalog is empty"):
        await explain_catalog(dsn)
    assert sample is None


async def test_an_unreachable_database_is_reported() -> None:
    with pytest.raises(DatabaseError, match="PostgreSQL cannot be reached"):
        await explain_catalog("postgresql://app@/none?host=/nowhere")
