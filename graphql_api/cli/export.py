"""The command that exports the catalog."""

import asyncio
import os
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import click

from db.connections.connect import connect
from db.errors import CatalogExportError
from db.exporting.exporter import ExportCounts, export_source
from db.exporting.formats import EXPORT_FORMATS, ExportFormat
from db.exporting.records import read_sources
from db.importing.replaced_file import ReplacedFile
from db.revision import migrate_to_head
from graphql_api.cli.database import direct_dsn
from graphql_api.cli.errors import report_errors_without_traceback
from graphql_api.settings import Settings


@click.command("export")
@click.argument("format", type=click.Choice(sorted(EXPORT_FORMATS)), metavar="csv|jsonl")
@click.option("--source", help="Export the books of this source; needed if the catalog has several.")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write this file (default: stdout)."
)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write a file of each source to this folder.",
)
@report_errors_without_traceback
def export_command(
    format: str,  # noqa: A002
    source: str | None,
    output: Path | None,
    folder: Path | None,
) -> None:
    """Export the published books as files that `import` reads.

    Importing a file again, with the same --source, changes nothing. The command exits with 1 if the format
    cannot hold all of a book.
    """
    if folder and (source or output):
        raise click.UsageError("--folder writes a file of each source: leave out --source and --output.")
    dsn = direct_dsn(Settings.from_environment(os.environ))
    migrate_to_head(dsn)
    lossy = asyncio.run(_export(dsn, EXPORT_FORMATS[format], source, output, folder))
    if lossy:
        raise SystemExit(1)


async def _export(
    dsn: str, export_format: ExportFormat, source: str | None, output: Path | None, folder: Path | None
) -> bool:
    """Export one source, or each to a file in the folder. Return whether something could not be held."""
    connection = await connect(dsn, application_name="bookstore export")
    lossy = False
    try:
        sources = await read_sources(connection)
        chosen = list(sources) if folder else [_choose_source(sources, source)]
        for name in chosen:
            path = folder / f"{name}.{export_format.name}" if folder else output
            with _open_output(path) as file:
                counts = await export_source(connection, name, export_format, file)
            _report(name, path, export_format, counts)
            lossy = lossy or bool(counts.lossy)
    finally:
        await connection.close()
    return lossy


def _choose_source(sources: Mapping[str, int], source: str | None) -> str:
    if source is not None and source in sources:
        return source
    if source is None and len(sources) == 1:
        return next(iter(sources))
    listed = ", ".join(f"{name} ({books:,})" for name, books in sources.items()) or "none"
    found = f"the sources and their books are: {listed}."
    if source is not None:
        raise CatalogExportError(f"No book has the source {source!r}; {found}")
    raise CatalogExportError(f"Name a source with --source, or write a file of each with --folder; {found}")


@contextmanager
def _open_output(path: Path | None) -> Generator[TextIO]:
    """Yield the file to write, which takes the place of an earlier one when it is complete."""
    if path is None:
        yield sys.stdout
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replaced = ReplacedFile(path)
        try:
            yield replaced.file
            replaced.finish()
        finally:
            replaced.close()
    except OSError as error:
        raise CatalogExportError(f"{path} cannot be written: {error.strerror or error}.") from error


def _report(source: str, path: Path | None, export_format: ExportFormat, counts: ExportCounts) -> None:
    click.echo(f"Exported {source}: {counts.books:,} books{f', in {path}' if path else ''}.", err=True)
    if counts.unpublished:
        click.echo(f"{counts.unpublished:,} unpublished books were left out.", err=True)
    more = counts.lossy - len(counts.examples)
    if counts.lossy:
        click.echo(
            f"{export_format.name} cannot hold everything of {', '.join(counts.examples)}"
            f"{f' and {more:,} more' if more > 0 else ''}: importing the file would change these books."
            + (" Export them as jsonl." if export_format.name == "csv" else ""),
            err=True,
        )
