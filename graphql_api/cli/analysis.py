"""The analysis of an operation: the SQL statements that it runs, with the time of each."""

from dataclasses import dataclass
from time import perf_counter
from typing import Any

import click
from graphql import GraphQLError
from rich.console import Console
from rich.table import Table

from db.analyze import MeasuredStatement, MeasuringDatabase
from db.connections.connect import connect
from db.connections.error_mapping import database_errors
from db.errors import CatalogError
from db.revision import require_head
from db.view_counts import ViewCounter
from graphql_api.context import Context
from graphql_api.execution.documents import Document
from graphql_api.execution.executor import Outcome, run_operation
from graphql_api.execution.limits import LimitExceededError
from graphql_api.http.endpoint import NullViewCounter


@dataclass(frozen=True, slots=True)
class Analysis:
    """The statements of an operation, the milliseconds of the whole operation, and its errors.

    `fallback_reason` says why graphql-core ran the operation; None if its plan ran it.
    """

    statements: list[MeasuredStatement]
    milliseconds: float
    fallback_reason: str | None
    errors: list[GraphQLError]


async def analyze_operation(dsn: str, document: Document, variables: dict[str, Any] | None) -> Analysis:
    """Run an operation twice on the database at `dsn`, over one connection, and measure the second run.

    Raise DatabaseError if the database is unreachable or not migrated, and CatalogError if the operation
    exceeds a limit.
    """
    if document.is_mutation:
        raise CatalogError("A mutation is not analysed, because it would write: leave out --analyze.")
    connection = await connect(dsn, application_name="bookstore plan")
    try:
        with database_errors("The database failed during the analysis"):
            await require_head(connection)
            database, view_counter = MeasuringDatabase(connection), NullViewCounter(connection)
            await _run(document, variables, view_counter, database)
            database.forget()
            start = perf_counter()
            outcome = await _run(document, variables, view_counter, database)
            milliseconds = (perf_counter() - start) * 1000
            statements = await database.measured_statements()
    except LimitExceededError as error:
        raise CatalogError(f"The operation cannot be run: {error}") from error
    finally:
        connection.terminate()
    return Analysis(statements, milliseconds, outcome.fallback_reason, outcome.result.errors or [])


async def _run(
    document: Document,
    variables: dict[str, Any] | None,
    view_counter: ViewCounter,
    database: MeasuringDatabase,
) -> Outcome:
    return await run_operation(document.prepare(variables), Context(view_counter, database))


def print_analysis(analysis: Analysis) -> None:
    """Print the statements, the totals and the errors. Exit with 1 if the operation had errors."""
    if analysis.statements:
        _print_statements(analysis.statements)
    runner = f"graphql-core ({analysis.fallback_reason})" if analysis.fallback_reason else "its plan"
    click.echo(f"The operation was run by {runner} in {analysis.milliseconds:.2f} ms.")
    for error in analysis.errors:
        click.echo(f"Error: {error.message}", err=True)
    if analysis.errors:
        raise SystemExit(1)


def _print_statements(statements: list[MeasuredStatement]) -> None:
    table = Table()
    table.add_column("statement", overflow="fold")
    for column in ("rows", "ms", "buffers"):
        table.add_column(column, justify="right")
    for statement in statements:
        _add_row(table, statement.name, statement.rows, statement.milliseconds, statement.buffers)
    table.add_section()
    _add_row(
        table,
        f"{len(statements):,} in all",
        sum(statement.rows for statement in statements),
        sum(statement.milliseconds for statement in statements),
        sum(statement.buffers for statement in statements),
    )
    Console().print(table)


def _add_row(table: Table, label: str, rows: int, milliseconds: float, buffers: int) -> None:
    table.add_row(label, f"{rows:,}", f"{milliseconds:.2f}", f"{buffers:,}")
