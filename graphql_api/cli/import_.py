"""The command that imports books, and the import that other commands share."""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from db.errors import CatalogError, CatalogImportError
from db.importing.importer import import_feed
from db.importing.options import ImportOptions
from db.importing.plan import Plan
from db.importing.progress import ImportProgress, progress_for
from db.importing.readers import Feed, Format, ReadingOptions, find_format, format_names, open_feed
from db.importing.summary import Summary
from db.revision import migrate_to_head
from graphql_api.cli.database import direct_dsn
from graphql_api.cli.errors import report_errors_without_traceback
from graphql_api.cli.import_report import ImportedFiles, print_guesses, print_plan, print_summary
from graphql_api.cli.reading_options import reading_options
from graphql_api.cli.repeated_command import command_for_rejects
from graphql_api.settings import Settings

ROWS_REJECTED = 1
"""The exit code if rows were rejected; the others were imported."""

NOTHING_IMPORTED = 2
"""The exit code if no row was imported, or the import was refused or failed."""


class NothingImportedError(click.ClickException):
    """An import that was refused or that failed."""

    exit_code = NOTHING_IMPORTED


class PercentParameter(click.ParamType[float]):
    """A share in percent, written with or without the sign."""

    name = "percent"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        text = str(value).removesuffix("%").strip()
        try:
            share = float(text)
        except ValueError:
            share = -1
        if not 0 <= share <= 100:
            self.fail(f"{value!r} is not a share between 0% and 100%.", param, ctx)
        return share


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
@reading_options
@click.option(
    "--rejects",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File for the rejected rows, to be corrected there and imported (default: SOURCE.rejects.csv, or"
    " SOURCE.rejects.jsonl of JSON, in the current folder).",
)
@click.option(
    "--replace", is_flag=True, help="Empty each field that a row leaves empty or that has no column."
)
@click.option("--empty-clears", is_flag=True, help="Let an empty cell empty its field.")
@click.option("--update-only", is_flag=True, help="Change existing books; add none.")
@click.option(
    "--owner-of",
    default="",
    metavar="FIELD,…",
    help="Fields that this source sets in books of other sources from now on, such as price,stock.",
)
@click.option("--overwrite-edits", is_flag=True, help="Set fields that were edited by hand, too.")
@click.option(
    "--missing",
    type=click.Choice(["keep", "unpublish", "delete"]),
    default="keep",
    show_default=True,
    help="What happens to books of this source that are not in this import.",
)
@click.option(
    "--missing-limit",
    type=PercentParameter(),
    default="5%",
    show_default=True,
    help="Largest share of the source's books that may be deleted or unpublished.",
)
@click.option(
    "--missing-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File for the list of deleted or unpublished books (default: SOURCE.missing.csv in this folder).",
)
@click.option(
    "--max-rejects",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Number of rejected rows above which the command exits with 1.",
)
@click.option("--yes", is_flag=True, help="Do not ask before changing more than a tenth of the catalog.")
@click.option("--dry-run", is_flag=True, help="Print what would change without writing anything.")
@report_errors_without_traceback
def import_command(
    format: Format,  # noqa: A002
    sources: tuple[str, ...],
    column_mappings: tuple[str, ...],
    source: str | None,
    dsn: str | None,
    table: str | None,
    currency: str | None,
    reading: ReadingOptions,
    rejects: Path | None,
    max_rejects: int,
    **choices: Any,
) -> None:
    """Import books from files or folders of a FORMAT into the catalog.

    A row changes only the fields that have a column, and only where its cell is not empty. Importing the same
    data twice changes nothing. Rejected rows are written to a file, to be corrected and imported. The command
    exits with 1 if rows were rejected, and with 2 if nothing was imported.
    """
    mapping = _parse_mapping(column_mappings)
    open_source = partial(
        open_feed,
        format.name,
        sources,
        mapping=mapping,
        source=source,
        dsn=dsn,
        table=table,
        currency=currency,
        reading=reading,
    )
    repeat = partial(command_for_rejects, click.get_current_context())
    try:
        summary = run_import(open_source, rejects, repeat=repeat, **choices)
    except CatalogError as error:
        raise NothingImportedError(str(error)) from None
    if summary.imported_nothing:
        raise SystemExit(NOTHING_IMPORTED)
    if summary.rejected > max_rejects:
        raise SystemExit(ROWS_REJECTED)


def _parse_mapping(entries: tuple[str, ...]) -> dict[str, str]:
    mapping: dict[str, str] = {}
    for entry in entries:
        column, equals, field = entry.rpartition("=")
        if not (column and equals and field):
            raise click.BadParameter(f"{entry!r} is not COLUMN=FIELD.", param_hint="--map")
        if column in mapping:
            raise click.BadParameter(
                f"{column!r} is given twice; for a column that is the key too, add --key.", param_hint="--map"
            )
        mapping[column] = field
    return mapping


def _parse_names(names: str) -> frozenset[str]:
    return frozenset(name.strip() for name in names.split(",") if name.strip())


def run_import(
    open_source: Callable[[], Coroutine[None, None, Feed]],
    rejects: Path | None = None,
    *,
    repeat: Callable[[str, Path, str], str] | None = None,
    dry_run: bool = False,
    yes: bool = False,
    missing_file: Path | None = None,
    owner_of: str = "",
    **choices: Any,
) -> Summary:
    """Migrate the database, import the books of a source and print a summary.

    `repeat` returns the command that imports a rejects file. `choices` are those of ImportOptions.
    """
    options = ImportOptions(owner_of=_parse_names(owner_of), **choices)
    dsn = direct_dsn(Settings.from_environment(os.environ))
    migrate_to_head(dsn)

    async def import_source() -> tuple[Summary, ImportedFiles]:
        feed = await open_source()
        print_guesses(feed.notes)
        files = _name_files(feed, rejects, missing_file, repeat)
        with progress_for(Console(stderr=True)) as progress:
            summary = await import_feed(
                dsn,
                feed,
                rejects=files.rejects,
                missing=files.missing,
                options=options,
                dry_run=dry_run,
                approve=partial(approve_change, progress, yes=yes),
                progress=progress,
            )
        return summary, files

    summary, files = asyncio.run(import_source())
    if dry_run:
        print_plan(summary.plan)
    print_summary(summary, files)
    return summary


def _name_files(
    feed: Feed, rejects: Path | None, missing: Path | None, repeat: Callable[[str, Path, str], str] | None
) -> ImportedFiles:
    originals = feed.originals
    rejects = rejects or Path(f"{feed.source}.rejects{originals.suffix if originals else '.csv'}")
    command = repeat(originals.format, rejects, feed.source) if originals and repeat else ""
    return ImportedFiles(rejects, missing or Path(f"{feed.source}.missing.csv"), command)


def approve_change(progress: ImportProgress, plan: Plan, *, yes: bool) -> bool:
    """Ask on a terminal whether a large change goes on. Elsewhere, `--yes` is the answer."""
    if yes:
        return True
    what = "changes, unpublishes or deletes" if plan.unpublished else "changes or deletes"
    question = f"This import {what} {plan.touched:,} of {plan.counts.catalog:,} books"
    if not sys.stdin.isatty():
        raise CatalogImportError(
            f"{question}, more than a tenth. Nothing was written; "
            "see what changes with --dry-run, and go on with --yes."
        )
    progress.pause()
    print_plan(plan)
    return click.confirm(f"{question}. Go on?")
