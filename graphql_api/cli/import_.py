"""The command that imports books, and the import that other commands share."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from db.errors import CatalogImportError
from db.importing.importer import Summary, import_feed
from db.importing.progress import progress_for
from db.importing.readers import Feed, Format, find_format, format_names, open_feed
from db.revision import migrate_to_head
from graphql_api.cli.database import database_dsn
from graphql_api.cli.errors import report_errors_without_traceback
from graphql_api.settings import Settings


class FormatParameter(click.ParamType[Format]):
    """A parameter that names an import format, also one of another package."""

    name = "format"

    def convert(
        self, value: str | Format, param: click.Parameter | None, ctx: click.Context | None
    ) -> Format:
        try:
            return value if isinstance(value, Format) else find_format(value)
        except CatalogImportError as error:
            self.fail(str(error), param, ctx)


class ImportCommand(click.Command):
    """The command whose help lists the formats. They are found when the help is printed."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Formats"):
            formatter.write_dl([(name, _describe_format(name)) for name in format_names()])


def _describe_format(name: str) -> str:
    try:
        found = find_format(name)
    except CatalogImportError as error:
        return str(error)
    options = f" Accepts {', '.join(sorted(found.accepts))}." if found.accepts else ""
    return f"{found.help}.{options}"


@click.command("import", cls=ImportCommand)
@click.argument("format", type=FormatParameter(), metavar="FORMAT")
@click.argument("sources", nargs=-1, metavar="SOURCE…")
@click.option(
    "--map",
    "column_mappings",
    multiple=True,
    metavar="COLUMN=FIELD",
    help="Read the column COLUMN as the field FIELD. Repeatable.",
)
@click.option("--source", help="Source name stored with each book (default: the format).")
@click.option("--from", "dsn", metavar="DSN", help="DSN of the database to read.")
@click.option("--table", help="Table of that database to read.")
@click.option("--currency", help="Currency of prices without one, for example EUR.")
@click.option(
    "--rejects",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File for the rejected rows (default: SOURCE.rejects.csv in the current folder).",
)
@click.option("--dry-run", is_flag=True, help="Report what would change without writing anything.")
@report_errors_without_traceback
def import_command(
    format: Format,  # noqa: A002
    sources: tuple[str, ...],
    column_mappings: tuple[str, ...],
    source: str | None,
    dsn: str | None,
    table: str | None,
    currency: str | None,
    rejects: Path | None,
    dry_run: bool,
) -> None:
    """Import books from files or folders of a FORMAT into the catalog.

    Importing the same data twice changes nothing. Importing newer data updates only the books that differ.
    Rejected rows are written to a file, each with the reason.
    """
    mapping = _parse_mapping(column_mappings)

    async def open_source() -> Feed:
        return await open_feed(
            format.name,
            sources,
            mapping=mapping,
            source=source,
            dsn=dsn,
            table=table,
            currency=currency,
        )

    run_import(open_source, rejects or Path(f"{source or format.name}.rejects.csv"), dry_run=dry_run)


def _parse_mapping(entries: tuple[str, ...]) -> dict[str, str]:
    mapping: dict[str, str] = {}
    for entry in entries:
        column, equals, field = entry.rpartition("=")
        if not (column and equals and field):
            raise click.BadParameter(f"{entry!r} is not COLUMN=FIELD.", param_hint="--map")
        mapping[column] = field
    return mapping


def run_import(
    open_source: Callable[[], Coroutine[None, None, Feed]], rejects: Path, *, dry_run: bool
) -> None:
    """Migrate the database, import the books of a source and print a summary."""
    dsn = database_dsn(Settings.from_environment(os.environ))
    migrate_to_head(dsn)
    console = Console(stderr=True)

    async def import_source() -> Summary:
        delivery = await open_source()
        with progress_for(console) as progress:
            return await import_feed(dsn, delivery, rejects=rejects, dry_run=dry_run, progress=progress)

    _print_summary(asyncio.run(import_source()), rejects)


def _print_summary(summary: Summary, rejects: Path) -> None:
    """Print the counts, the duration and the memory use of an import."""
    table = Table(title=f"{summary.source}{' (dry run: nothing was written)' if summary.dry_run else ''}")
    table.add_column("")
    table.add_column("rows", justify="right")
    for label, count in (
        ("read", summary.read),
        ("new books", summary.new),
        ("changed books", summary.changed),
        ("unchanged books", summary.unchanged),
        ("rejected books", summary.rejected),
        ("dropped values", summary.dropped_values),
        ("kept books missing from this import", summary.missing_from_feed),
        *((field.replace("_", " "), count) for field, count in asdict(summary.merged).items()),
    ):
        table.add_row(label, f"{count:,}")
    Console().print(table)
    if summary.changed_nothing:
        if summary.unchanged:
            click.echo("0 rows changed: the catalog already matches this import.")
        else:
            click.echo("0 rows changed: no row could be imported.")
    if summary.rejected or summary.dropped_values:
        click.echo(f"The rejected rows and their reasons are in {rejects}.")
    click.echo(f"{summary.seconds:.1f} s, {summary.peak_memory_mb:.0f} MB of memory")
