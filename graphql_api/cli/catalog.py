"""The commands that migrate, fill and check the catalog."""

import asyncio
import os
from collections.abc import Sequence

import click
from rich.console import Console
from rich.table import Table

from db.explain import ExplainResult
from db.explain_cases import explain_catalog
from db.importing.readers import Feed, open_generated
from db.importing.sample import remove_sample
from db.importing.seed_views import seed_views
from db.revision import migrate_to_head
from db.search_documents import rebuild_search_documents
from db.verify import Finding, audit_catalog
from graphql_api.cli.database import direct_dsn
from graphql_api.cli.errors import report_errors_without_traceback
from graphql_api.cli.import_ import run_import
from graphql_api.settings import Settings

_PLAN_TABLE_WIDTH = 220
"""Minimum width of the table of plans in characters. In a narrower table the cells are unreadable."""


@click.command("migrate")
@report_errors_without_traceback
def migrate_command() -> None:
    """Migrate the database to the newest revision."""
    migrate_to_head(direct_dsn(Settings.from_environment(os.environ)))
    click.echo("The database is at the newest revision.")


@click.group("sample")
def sample_group() -> None:
    """Manage the books that a new catalog starts with."""


@sample_group.command("remove")
@report_errors_without_traceback
def remove_sample_command() -> None:
    """Delete the books of the sample from the catalog."""
    dsn = direct_dsn(Settings.from_environment(os.environ))
    migrate_to_head(dsn)
    books = asyncio.run(remove_sample(dsn))
    click.echo(
        f"Removed the {books} books of the sample." if books else "The catalog has no book of the sample."
    )


@click.command("seed")
@click.option(
    "--books", "count", type=click.IntRange(min=1), required=True, help="Number of books to generate."
)
@click.option("--seed", "random_seed", type=int, default=1, show_default=True, help="Random seed.")
@report_errors_without_traceback
def seed_command(count: int, random_seed: int) -> None:
    """Fill the catalog with generated books and views of the most popular ones.

    The same number and the same seed give the same books.
    """

    async def open_source() -> Feed:
        return open_generated(count, random_seed)

    run_import(open_source, yes=True)
    asyncio.run(seed_views(direct_dsn(Settings.from_environment(os.environ))))


@click.command("verify")
@click.option("--all", "show_all", is_flag=True, help="Print the checks without errors, too.")
@report_errors_without_traceback
def verify_command(show_all: bool) -> None:
    """Audit the catalog; exit with 1 if it finds an error."""
    findings = asyncio.run(audit_catalog(direct_dsn(Settings.from_environment(os.environ))))
    failed = [finding for finding in findings if finding.count]
    if failed or show_all:
        _print_findings(findings if show_all else failed)
    click.echo(f"{len(findings) - len(failed)} of {len(findings)} checks found no errors.")
    if failed:
        click.echo(f"Errors found: {sum(finding.count for finding in failed):,}.")
        raise SystemExit(1)


def _print_findings(findings: Sequence[Finding]) -> None:
    table = Table(title="Audit of the catalog")
    table.add_column("check")
    table.add_column("errors", justify="right")
    table.add_column("meaning and first examples")
    for finding in findings:
        examples = f": {', '.join(finding.examples)}" if finding.examples else ""
        table.add_row(finding.name, f"{finding.count:,}", f"{finding.description}{examples}")
    Console().print(table)


@click.command("rebuild")
@report_errors_without_traceback
def rebuild_command() -> None:
    """Rebuild the search documents and the statistics of the tables.

    Needed after a dump was restored into another version of PostgreSQL, which may cut texts into other words.
    """
    books = asyncio.run(rebuild_search_documents(direct_dsn(Settings.from_environment(os.environ))))
    click.echo(f"The search documents of {books:,} books are up to date.")


@click.command("explain")
@click.argument("name", required=False)
@click.option("--all", "show_all", is_flag=True, help="Print the plans without problems, too.")
@report_errors_without_traceback
def explain_command(name: str | None, show_all: bool) -> None:
    """Check that the plan of each read statement is bounded.

    Every read statement, or only NAME, is run under EXPLAIN. Its plan is not bounded if it scans a large
    table, sorts an unlimited number of rows or reads too many buffers. The command then exits with 1.
    """
    results = asyncio.run(explain_catalog(direct_dsn(Settings.from_environment(os.environ)), name))
    if name and not results:
        raise click.ClickException(f"No read statement is called {name}.")
    unbounded = [result for result in results if result.problems]
    if unbounded or show_all:
        _print_plans(results if show_all else unbounded)
    click.echo(f"{len(results) - len(unbounded):,} of {len(results):,} plans are bounded.")
    if unbounded:
        raise SystemExit(1)


def _print_plans(results: Sequence[ExplainResult]) -> None:
    table = Table(title="Plans of the read statements")
    for column in ("statement", "case", "plan", "indexes"):
        table.add_column(column, overflow="fold")
    for column in ("rows", "rows discarded", "buffers", "buffer limit", "ms"):
        table.add_column(column, justify="right")
    table.add_column("problems", overflow="fold")
    for result in results:
        numbers = (result.rows, result.rows_discarded, result.buffers, result.buffer_limit)
        table.add_row(
            result.name,
            result.case,
            ", ".join(result.nodes),
            ", ".join(result.indexes),
            *(f"{number:,}" for number in numbers),
            f"{result.milliseconds:.2f}",
            "; ".join(result.problems),
        )
    Console(width=max(Console().width, _PLAN_TABLE_WIDTH)).print(table)
