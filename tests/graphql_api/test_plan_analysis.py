"""`bookstore plan --analyze` prints the SQL statements of one operation with their rows, time and buffers."""

import asyncio
import re

import asyncpg
import pytest
from click.testing import CliRunner, Result

from graphql_api.cli import main
from tests.catalogs import add_author, add_book

BOOKS = "query Page($count: Int) { books(first: $count) { nodes { title authors { name } } } }"


@pytest.fixture
async def catalog(dsn: str) -> str:
    """Return the DSN of a database with three books of two authors each."""
    connection = await asyncpg.connect(dsn)
    authors = [await add_author(connection, f"Person {number}") for number in range(4)]
    for number in range(3):
        await add_book(connection, f"Book {number}", authors=authors[number : number + 2])
    await connection.close()
    return dsn


def analyze(dsn: str, text: str, *options: str) -> Result:
    return CliRunner().invoke(
        main, ["plan", "-", "--analyze", *options], input=text, env={"DATABASE_URL": dsn, "COLUMNS": "80"}
    )


def rows_of_table(output: str) -> list[tuple[str, int, float, int]]:
    """Return the name, rows, milliseconds and buffers in each line of the table, the total last."""
    rows = re.findall(r"^│ (\S.*?) +│ +(\d+) │ +(\d+\.\d\d) │ +(\d+) │$", output, re.M)
    return [(name, int(count), float(time), int(buffers)) for name, count, time, buffers in rows]


@pytest.mark.parametrize("count", [1, 3])
def test_each_statement_is_printed_with_its_rows_and_buffers(catalog: str, count: int) -> None:
    result = analyze(catalog, BOOKS, "--variables", f'{{"count": {count}}}')

    assert result.exit_code == 0
    books, authors, total = rows_of_table(result.output)
    assert (books[:2], authors[:2]) == (
        ("page_of_books", count + (count < 3)),
        ("authors_by_book_ids", 2 * count),
    )
    assert books[3] > 0
    assert authors[3] > 0
    assert total[0] == "2 in all"
    assert total[1] == books[1] + authors[1]
    assert total[2] == pytest.approx(books[2] + authors[2], abs=0.02)
    assert total[3] == books[3] + authors[3]
    assert re.fullmatch(
        r"The operation was run by its plan in \d+\.\d\d ms\.", result.output.splitlines()[-1]
    )


def test_an_operation_without_a_plan_is_analyzed_too(catalog: str) -> None:
    result = analyze(catalog, "{ __schema { queryType { name } } authors { nodes { name } } }")

    assert [row[0] for row in rows_of_table(result.output)] == ["page_of_authors", "1 in all"]
    assert "\nThe operation was run by graphql-core (introspection) in " in result.output


def test_an_operation_with_errors_prints_them_and_fails(catalog: str) -> None:
    missing = analyze(catalog, "query ($id: ID!) { node(id: $id) { id } }")
    expensive = "query ($n: Int) { categories(first: $n) { nodes { children(first: $n) { nodes { children(first: 50) { nodes { name } } } } } } }"
    too_expensive = analyze(catalog, expensive, "--variables", '{"n": 100}')

    assert missing.exit_code == too_expensive.exit_code == 1
    assert rows_of_table(missing.output) == []
    assert missing.output.endswith(
        "Error: Variable '$id' has invalid value: Expected a value of non-null type 'ID!' to be provided.\n"
    )
    assert too_expensive.output == (
        "Error: The operation cannot be run: The operation costs 510,100 rows; "
        "at most 10,000 are allowed (MAX_COST).\n"
    )


async def test_a_database_that_fails_is_reported_without_a_traceback(catalog: str) -> None:
    connection = await asyncpg.connect(catalog)
    database = await connection.fetchval("SELECT current_database()")
    await connection.execute(f"ALTER DATABASE {database} SET lock_timeout = '1ms'")

    async with connection.transaction():
        await connection.execute("LOCK alembic_version")
        locked = await asyncio.to_thread(analyze, catalog, "{ __typename }")
    await connection.close()
    unreachable = await asyncio.to_thread(analyze, "postgresql://app:secret@127.0.0.1:1/x", "{ __typename }")

    assert locked.exit_code == unreachable.exit_code == 1
    assert locked.output == (
        "Error: The database failed during the analysis: canceling statement due to lock timeout\n"
    )
    assert unreachable.output.startswith("Error: PostgreSQL cannot be reached at 127.0.0.1:1: ")
    assert "secret" not in unreachable.output


def test_a_mutation_is_not_analysed(catalog: str) -> None:
    result = analyze(catalog, 'mutation { deleteBook(by: {isbn: "9780306406157"}) { deletedId } }')

    assert (result.exit_code, result.output) == (
        1,
        "Error: A mutation is not analysed, because it would write: leave out --analyze.\n",
    )
