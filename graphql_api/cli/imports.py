"""The commands that list imports, show what they changed and undo them."""

import asyncio
from functools import partial

import click
from rich.console import Console
from rich.table import Table

from db.connections.connect import Connection
from db.importing.history import (
    Change,
    PastImport,
    count_changed_fields,
    find_import,
    list_changes,
    list_imports,
)
from db.importing.progress import progress_for
from db.importing.summary import Summary
from db.importing.undo import undo_import
from graphql_api.cli.database import migrated_dsn, query_database
from graphql_api.cli.errors import report_errors_without_traceback
from graphql_api.cli.import_ import approve_change
from graphql_api.cli.import_report import print_changes, print_summary

_APPLICATION_NAME = "bookstore imports"

_MAX_VALUE_LENGTH = 60
"""Characters of a value that a line shows."""

_MIN_TABLE_WIDTH = 120
"""Minimum width of the table of imports in characters."""


@click.group("imports", invoke_without_command=True)
@click.pass_context
@report_errors_without_traceback
def imports_group(context: click.Context) -> None:
    """List the imports, the first one first. `bookstore imports show N` lists the changes of one."""
    if context.invoked_subcommand is None:
        _print_imports(query_database(list_imports, _APPLICATION_NAME))


@imports_group.command("show")
@click.argument("number", type=click.IntRange(min=1))
@click.option("--all", "show_all", is_flag=True, help="Print every change, not only those of 20 items.")
@report_errors_without_traceback
def show_import_command(number: int, show_all: bool) -> None:
    """List what import NUMBER changed."""
    limit = None if show_all else 20

    async def read(connection: Connection) -> tuple[PastImport, list[tuple[str, str, int]], list[Change]]:
        found = find_import(await list_imports(connection), number)
        return (
            found,
            await count_changed_fields(connection, number),
            await list_changes(connection, number, limit),
        )

    found, counts, changes = query_database(read, _APPLICATION_NAME)
    click.echo(
        f"Import {number} of {found.source}, {found.imported_at:%Y-%m-%d %H:%M} UTC: {found.inputs}. "
        f"{found.new_books:,} new, {found.changed_books:,} changed, {found.deleted_books:,} deleted, "
        f"{found.unpublished_books:,} unpublished books."
    )
    for kind, field, items in counts:
        click.echo(f"{items:,} × {kind.replace('_', ' ')}: {field}")
    for change in changes:
        click.echo(f"    {_describe(change)}")
    if not found.has_changes:
        click.echo("Its changes are not kept any more.")
    elif not show_all and max(found.new_books, found.touched_books) > 20:
        click.echo("Not every change is listed: see them with --all.")


@click.command("undo")
@click.argument("number", type=click.IntRange(min=1))
@click.option("--yes", is_flag=True, help="Do not ask before changing more than a tenth of the catalog.")
@click.option("--dry-run", is_flag=True, help="Print what would change without writing anything.")
@report_errors_without_traceback
def undo_command(number: int, yes: bool, dry_run: bool) -> None:
    """Set back what import NUMBER changed, as far as nothing else has changed it since.

    Books that it added are deleted, and those that it deleted come back. What was changed since is kept and
    counted. An undo is an import with a number of its own, so it can be undone as well.
    """
    dsn = migrated_dsn()

    async def undo() -> Summary:
        with progress_for(Console(stderr=True)) as progress:
            approve = partial(approve_change, progress, yes=yes)
            return await undo_import(dsn, number, dry_run=dry_run, approve=approve, progress=progress)

    summary = asyncio.run(undo())
    if dry_run:
        print_changes(summary.plan)
    print_summary(summary)


def _print_imports(imports: list[PastImport]) -> None:
    if not imports:
        click.echo("Nothing was imported yet.")
        return
    table = Table(title="Imports")
    for column in ("import", "time (UTC)", "source", "what was read"):
        table.add_column(column)
    for column in ("new", "changed", "deleted", "unpublished", "rejected"):
        table.add_column(column, justify="right")
    table.add_column("")
    for each in imports:
        counts = (
            each.new_books,
            each.changed_books,
            each.deleted_books,
            each.unpublished_books,
            each.rejected_rows,
        )
        table.add_row(
            str(each.number),
            f"{each.imported_at:%Y-%m-%d %H:%M}",
            each.source,
            each.inputs,
            *(f"{count:,}" for count in counts),
            _state(each),
        )
    Console(width=max(Console().width, _MIN_TABLE_WIDTH)).print(table)


def _state(past: PastImport) -> str:
    if past.undone_by:
        return f"undone by {past.undone_by}"
    return "" if past.has_changes else "changes not kept"


def _describe(change: Change) -> str:
    if change.before is None:
        return f"{change.item}: new, {_shorten(change.after)}"
    if change.after is None:
        return f"{change.item}: deleted, {_shorten(change.before)}"
    return f"{change.item}: {change.field} {_shorten(change.before)} -> {_shorten(change.after)}"


def _shorten(value: str | None) -> str:
    text = " ".join((value or "").split()) or "(empty)"
    return text if len(text) <= _MAX_VALUE_LENGTH else f"{text[:_MAX_VALUE_LENGTH]}…"
