"""Every read statement is explained on a catalog large enough for scans to show, and has no problems."""

import pkgutil
import re
from collections.abc import AsyncGenerator
from importlib import import_module
from pathlib import Path

import asyncpg
import pytest

from db import authors, books, categories, embedded, search, view_counts
from db.errors import DatabaseError
from db.explain import ExplainCase, ExplainResult, run_cases
from db.explain_cases import explain_catalog, load_sample
from db.importing.importer import import_feed
from db.importing.readers import open_generated
from db.keyset import Scope
from tests.conftest import clone

BOOKS = 25_000

NOT_READS = {"count_views"}
"""Statements of these modules that write."""


@pytest.fixture(scope="module")
async def catalog(
    server: embedded.Server, template: str, maintenance: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[str]:
    async with clone(server, template, maintenance) as dsn:
        rejects: Path = tmp_path_factory.mktemp("explain") / "rejects.csv"
        await import_feed(dsn, open_generated(BOOKS, 1), rejects=rejects)
        yield dsn


@pytest.fixture(scope="module")
async def results(catalog: str) -> list[ExplainResult]:
    return await explain_catalog(catalog)


def read_statements() -> set[str]:
    """Return the names of all read statements, including those generated per list and shape."""
    modules = [authors, books, categories, view_counts]
    modules += [import_module(f"db.search.{module.name}") for module in pkgutil.iter_modules(search.__path__)]
    names: set[str] = set()
    for module in modules:
        for value in vars(module).values():
            if isinstance(value, str):
                names |= set(re.findall(r"^\s*/\* (\w+)", value))
    scopes = [
        value
        for module in (authors, books, categories)
        for value in vars(module).values()
        if isinstance(value, Scope)
    ]
    names |= {scope.name for scope in scopes}
    of_books = [value for value in vars(books).values() if isinstance(value, Scope)]
    for shape in ("matching", "count_matching", "count_ranked", "facets"):
        names |= {f"{scope.name}_{shape}" for scope in of_books}
    names |= {
        f"{scope.name}_{shape}"
        for scope in (authors.ALL_AUTHORS, categories.ALL_CATEGORIES, categories.ROOTS)
        for shape in ("matching", "count_matching")
    }
    return names - NOT_READS


def test_every_read_statement_has_a_case(results: list[ExplainResult]) -> None:
    assert {result.name for result in results} == read_statements()


def test_no_read_statement_has_a_problem(results: list[ExplainResult]) -> None:
    assert [(result.name, result.case, result.problems) for result in results if result.problems] == []


def test_a_page_in_the_middle_uses_as_many_buffers_as_one_at_the_start(results: list[ExplainResult]) -> None:
    """The cost depends on the rows of the page, not on the size of the list or the depth of the page."""
    pages = [result for result in results if result.case.endswith((", first", ", deep"))]
    deepest = max(result.buffers for result in pages if result.case.endswith("deep"))

    assert len(pages) == 2 * 3 * 4 * len(books.SORT_KEYS)
    assert deepest <= 1.5 * max(result.buffers for result in pages if result.case.endswith("first"))


async def test_scans_sorts_and_too_many_buffers_are_reported(catalog: str) -> None:
    connection = await asyncpg.connect(catalog)

    async def scan(database: object) -> object:
        return await database.fetch("/* scanned */ SELECT id FROM book WHERE stock = -1")  # type: ignore[attr-defined]

    async def sort(database: object) -> object:
        return await database.fetch("/* sorted_ */ SELECT id FROM book ORDER BY page_count, description")  # type: ignore[attr-defined]

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
    assert (explained[0].rows, explained[0].rows_discarded) == (0, BOOKS)
    assert explained[1].problems == ("sort of 25,000 rows", "sequential scan of book")
    assert explained[2].problems[-1].endswith(" buffers used, limit 10")
    assert [result.name for result in only] == ["scanned"]


async def test_an_empty_catalog_has_nothing_to_explain(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    sample = await load_sample(connection)
    await connection.close()

    with pytest.raises(DatabaseError, match="The catalog is empty"):
        await explain_catalog(dsn)
    assert sample is None


async def test_an_unreachable_database_is_reported() -> None:
    with pytest.raises(DatabaseError, match="PostgreSQL cannot be reached"):
        await explain_catalog("postgresql://app@/none?host=/nowhere")
