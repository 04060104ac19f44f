"""Every read statement is explained on a catalog large enough for a scan to show, and none is wrong."""

import pkgutil
import re
from collections.abc import AsyncGenerator
from importlib import import_module
from pathlib import Path

import asyncpg
import pytest

from db import authors, books, categories, embedded, search, views
from db.errors import DatabaseError
from db.explain import Case, Explained, explained
from db.explain_cases import explained_at, sample_of
from db.importing.readers import open_seeded
from db.importing.run import import_delivery
from db.pages import Scope
from tests.conftest import clone

BOOKS = 25_000

NOT_READS = {"count_views"}
"""Statements of the modules read from that write."""


@pytest.fixture(scope="module")
async def catalog(
    server: embedded.Server, template: str, maintenance: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[str]:
    async with clone(server, template, maintenance) as dsn:
        rejects: Path = tmp_path_factory.mktemp("explain") / "rejects.csv"
        await import_delivery(dsn, open_seeded(BOOKS, 1), rejects=rejects)
        yield dsn


@pytest.fixture(scope="module")
async def ran(catalog: str) -> list[Explained]:
    return await explained_at(catalog)


def read_statements() -> set[str]:
    """The names of all statements in the modules that are read from, those of each list and shape included."""
    modules = [authors, books, categories, views]
    modules += [import_module(f"db.search.{each.name}") for each in pkgutil.iter_modules(search.__path__)]
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
    for shape in ("matching", "count_matching", "facets"):
        names |= {f"{scope.name}_{shape}" for scope in of_books}
    names |= {
        f"{scope.name}_{shape}"
        for scope in (authors.IN_CATALOG, categories.IN_CATALOG, categories.ROOTS)
        for shape in ("matching", "count_matching")
    }
    return names - NOT_READS


def test_every_read_statement_has_a_case(ran: list[Explained]) -> None:
    assert {each.name for each in ran} == read_statements()


def test_no_read_statement_is_wrong(ran: list[Explained]) -> None:
    assert [(each.name, each.case, each.wrong) for each in ran if each.wrong] == []


def test_a_page_touches_as_much_in_the_middle_as_at_the_start(ran: list[Explained]) -> None:
    """Bound by the rows of the page, not by the list's size or the page's depth."""
    pages = [each for each in ran if each.case.endswith((", first", ", deep"))]
    deepest = max(each.buffers for each in pages if each.case.endswith("deep"))

    assert len(pages) == 2 * 3 * 4 * len(books.KEYS)
    assert deepest <= 1.5 * max(each.buffers for each in pages if each.case.endswith("first"))


async def test_a_scan_a_sort_and_too_many_buffers_are_told(catalog: str) -> None:
    connection = await asyncpg.connect(catalog)

    async def scan(database: object) -> object:
        return await database.fetch("/* scanned */ SELECT id FROM book WHERE stock = -1")  # type: ignore[attr-defined]

    async def sort(database: object) -> object:
        return await database.fetch("/* sorted_ */ SELECT id FROM book ORDER BY page_count, description")  # type: ignore[attr-defined]

    wrong = await explained(
        connection, [Case("scan", scan, 10**9), Case("sort", sort, 10**9), Case("much", sort, 10)]
    )
    only = await explained(connection, [Case("scan", scan, 10**9), Case("sort", sort, 10**9)], "scanned")
    await connection.close()

    assert [(each.name, each.case) for each in wrong] == [
        ("scanned", "scan"),
        ("sorted_", "sort"),
        ("sorted_", "much"),
    ]
    assert wrong[0].wrong == ("all of book is scanned",)
    assert (wrong[0].rows, wrong[0].removed) == (0, BOOKS)
    assert wrong[1].wrong == ("25,000 rows are sorted", "all of book is scanned")
    assert wrong[2].wrong[-1].endswith(" buffers instead of 10")
    assert [each.name for each in only] == ["scanned"]


async def test_an_empty_catalog_has_nothing_to_explain(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    sample = await sample_of(connection)
    await connection.close()

    with pytest.raises(DatabaseError, match="The catalog is empty"):
        await explained_at(dsn)
    assert sample is None


REVEALING = """
CREATE FUNCTION reveal() RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RAISE 'timeouts are % and %', current_setting('statement_timeout'), current_setting('lock_timeout');
END $$;
ALTER TABLE author RENAME TO hidden;
CREATE VIEW author AS SELECT * FROM hidden WHERE reveal()
"""


async def test_statements_are_explained_without_the_timeouts_of_requests(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    database = await connection.fetchval("SELECT current_database()")
    await connection.execute(f"ALTER DATABASE {database} SET statement_timeout = '20s'")
    await connection.execute(f"ALTER DATABASE {database} SET lock_timeout = '20s'")
    await connection.execute(REVEALING)
    await connection.close()

    with pytest.raises(DatabaseError) as caught:
        await explained_at(dsn)

    assert str(caught.value) == "The database failed while it explained statements: timeouts are 0 and 0"


async def test_a_database_that_is_away_is_told() -> None:
    with pytest.raises(DatabaseError, match="PostgreSQL cannot be reached"):
        await explained_at("postgresql://app@/none?host=/nowhere")
