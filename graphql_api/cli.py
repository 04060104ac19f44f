"""The `bookstore` command: all that is done from a terminal."""

import asyncio
import atexit
import logging
import logging.config
import os
import signal
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import asdict, replace
from functools import wraps
from importlib.resources import as_file, files
from pathlib import Path
from typing import BinaryIO, ParamSpec

import asyncpg
import click
from rich.console import Console
from rich.table import Table

from db import embedded
from db.books import count_of_books
from db.errors import CatalogError, Unavailable
from db.explain_cases import explained_at
from db.importing.progress import progress_on
from db.importing.readers import FORMATS, Delivery, open_delivery, open_seeded
from db.importing.run import Summary, import_delivery
from db.migrations import migrate
from db.verify import audited
from graphql_api.execution.describe import described
from graphql_api.execution.documents import Documents
from graphql_api.schema import schema
from graphql_api.server import listening, log_config
from graphql_api.server import serve as serve_until_told_to_end
from graphql_api.settings import Settings, SettingsError

logger = logging.getLogger("bookstore.cli")

P = ParamSpec("P")


def in_one_line(command: Callable[P, None]) -> Callable[P, None]:
    """Report what a person can mend as one line, without a traceback."""

    @wraps(command)
    def reported(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except (CatalogError, SettingsError) as error:
            raise click.ClickException(str(error)) from None

    return reported


def database(settings: Settings) -> str:
    """The address of the database to use: the given one, or the embedded one, started if need be."""
    if settings.database_url:
        return settings.database_url
    if os.getpid() == 1:
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # PID 1 has no default action
        atexit.register(stop_with_pid_1, settings.data)
    return embedded.start(settings.data, bin_folder=settings.postgres_bin).dsn


def stop_with_pid_1(data: Path) -> None:
    """Stop the embedded PostgreSQL in order: when PID 1 ends, all other processes are killed."""
    try:
        if embedded.stop(data):
            click.echo("PostgreSQL is stopped: it cannot outlive PID 1.")
    except CatalogError as error:
        click.echo(f"Error: {error}", err=True)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="bookstore-graphql")
def main() -> None:
    """A GraphQL API over a bookstore catalog.

    Every command uses the PostgreSQL named by DATABASE_URL, or else the embedded one in DATA.
    """


@main.command()
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="How many processes serve; WORKERS if not given. SIGHUP replaces them one by one.",
)
@in_one_line
def serve(workers: int | None) -> None:
    """Serve the API, having migrated the database.

    An empty catalog in the embedded PostgreSQL gets the sample first. While a PostgreSQL of your own is
    away, requests are answered with 503.
    """
    settings = Settings.read(os.environ)
    settings = replace(settings, workers=workers or settings.workers)
    logging.config.dictConfig(log_config(settings.log_level))
    with listening(settings) as listener:
        dsn = database(settings)
        try:
            migrate(dsn)
        except Unavailable as error:
            logger.warning("%s; it is not migrated, and answers are 503 until it can be", error)
        if not settings.database_url:
            asyncio.run(stock_with_sample(dsn))
        with suppress(KeyboardInterrupt):
            serve_until_told_to_end(settings, dsn, listener)
    if not settings.database_url and os.getpid() != 1:
        click.echo("PostgreSQL goes on running; `bookstore db stop` stops it.")


async def stock_with_sample(dsn: str) -> None:
    """Give an empty catalog the sample."""
    if await holds_no_books(dsn):
        with as_file(files("db.importing") / "sample.jsonl") as sample:
            delivery = await open_delivery("jsonl", [sample], source="sample")
            summary = await import_delivery(dsn, delivery, rejects=Path("sample.rejects.csv"))
        click.echo(f"The catalog was empty: it now holds the sample of {summary.new} books.")


async def holds_no_books(dsn: str) -> bool:
    connection = await asyncpg.connect(dsn)
    try:
        return await count_of_books(connection) == 0
    finally:
        await connection.close()


@main.command("migrate")
@in_one_line
def migrate_command() -> None:
    """Bring the database to the newest revision."""
    migrate(database(Settings.read(os.environ)))
    click.echo("The database is at the newest revision.")


@main.command("import")
@click.argument("format", type=click.Choice(FORMATS))
@click.argument("sources", nargs=-1, metavar="SOURCE…")
@click.option(
    "--map", "mapped", multiple=True, metavar="COLUMN=FIELD", help="Read COLUMN as FIELD; repeatable."
)
@click.option("--source", help="What to call where the books come from; the format's name if not given.")
@click.option("--from", "dsn", metavar="DSN", help="For postgres: the database to read.")
@click.option("--table", help="For postgres: the table to read.")
@click.option("--currency", help="The currency of prices that name none, for example EUR.")
@click.option(
    "--rejects",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write the rows that cannot be imported; FORMAT.rejects.csv here if not given.",
)
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@in_one_line
def import_command(
    format: str,  # noqa: A002
    sources: tuple[str, ...],
    mapped: tuple[str, ...],
    source: str | None,
    dsn: str | None,
    table: str | None,
    currency: str | None,
    rejects: Path | None,
    dry_run: bool,
) -> None:
    """Import books from files or folders of a FORMAT into the catalog.

    The same delivery twice changes nothing; a newer one changes what is different. Rows that cannot be
    imported go to a file with the reason.
    """
    mapping = parsed_mapping(mapped)
    if dsn and format != "postgres":
        raise click.BadParameter(
            f"only the format postgres reads from a server, not {format}.", param_hint="--from"
        )

    async def opened() -> Delivery:
        return await open_delivery(
            format,
            [*sources, *([dsn] if dsn else [])],
            mapping=mapping,
            source=source,
            table=table,
            currency=currency,
        )

    bring_in(opened, rejects or Path(f"{source or format}.rejects.csv"), dry_run=dry_run)


def parsed_mapping(mapped: tuple[str, ...]) -> dict[str, str]:
    mapping: dict[str, str] = {}
    for entry in mapped:
        column, equals, field = entry.rpartition("=")
        if not (column and equals and field):
            raise click.BadParameter(f"{entry!r} is not COLUMN=FIELD.", param_hint="--map")
        mapping[column] = field
    return mapping


@main.command()
@click.option(
    "--books", "count", type=click.IntRange(min=1), required=True, help="How many books to make up."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Another number makes another catalog.")
@in_one_line
def seed(count: int, seed: int) -> None:
    """Fill the catalog with made-up books, the same ones for the same numbers."""

    async def opened() -> Delivery:
        return open_seeded(count, seed)

    bring_in(opened, Path("seed.rejects.csv"), dry_run=False)


def bring_in(opened: Callable[[], Coroutine[None, None, Delivery]], rejects: Path, *, dry_run: bool) -> None:
    """Import a delivery, and print what that did."""
    dsn = database(Settings.read(os.environ))
    migrate(dsn)
    console = Console(stderr=True)

    async def imported() -> Summary:
        delivery = await opened()
        with progress_on(console) as progress:
            return await import_delivery(dsn, delivery, rejects=rejects, dry_run=dry_run, progress=progress)

    report(asyncio.run(imported()), rejects)


def report(summary: Summary, rejects: Path) -> None:
    """Print the counts of an import."""
    table = Table(title=f"{summary.source}{' (dry run: nothing was written)' if summary.dry_run else ''}")
    table.add_column("")
    table.add_column("rows", justify="right")
    for label, count in (
        ("read", summary.read),
        ("new books", summary.new),
        ("changed books", summary.changed),
        ("unchanged books", summary.unchanged),
        ("rejected books", summary.rejected),
        ("values left out", summary.dropped_values),
        ("books kept that are not in this delivery", summary.absent),
        *((field.replace("_", " "), count) for field, count in asdict(summary.written).items()),
    ):
        table.add_row(label, f"{count:,}")
    Console().print(table)
    if summary.changed_nothing:
        as_described = "0 rows changed: the catalog is as this delivery describes it."
        click.echo(as_described if summary.unchanged else "0 rows changed: no row could be imported.")
    if summary.rejected or summary.dropped_values:
        click.echo(f"The rejected rows and their reasons are in {rejects}.")
    click.echo(f"{summary.seconds:.1f} s, {summary.peak_memory_mb:.0f} MB of memory")


@main.command()
@in_one_line
def verify() -> None:
    """Audit the catalog; exit 1 if anything in it is wrong."""
    findings = asyncio.run(audited(database(Settings.read(os.environ))))
    table = Table(title="The catalog's audit")
    table.add_column("check")
    table.add_column("wrong", justify="right")
    table.add_column("what it means, and the first that are wrong")
    for finding in findings:
        examples = f": {', '.join(finding.examples)}" if finding.examples else ""
        table.add_row(finding.name, f"{finding.wrong:,}", f"{finding.meaning}{examples}")
    Console().print(table)
    wrong = sum(finding.wrong for finding in findings)
    click.echo(f"{wrong:,} wrong" if wrong else "Nothing is wrong.")
    if wrong:
        raise SystemExit(1)


WIDE = 220
"""How many characters a table of plans needs; cells broken every few characters cannot be read at all."""


@main.command("explain")
@click.argument("name", required=False)
@in_one_line
def explain_command(name: str | None) -> None:
    """Run every read statement, or the one of that NAME, under EXPLAIN; exit 1 if one would not stay fast.

    A statement is wrong that scans a large table, sorts what has no bound or touches too many buffers.
    """
    ran = asyncio.run(explained_at(database(Settings.read(os.environ)), name))
    if name and not ran:
        raise click.ClickException(f"No read statement is called {name}.")
    table = Table(title="Every read statement as it runs")
    for column in ("statement", "case", "plan", "indexes"):
        table.add_column(column, overflow="fold")
    for column in ("rows", "removed", "buffers", "bound", "ms"):
        table.add_column(column, justify="right")
    table.add_column("wrong", overflow="fold")
    for each in ran:
        numbers = (each.rows, each.removed, each.buffers, each.bound)
        table.add_row(
            each.name,
            each.case,
            ", ".join(each.nodes),
            ", ".join(each.indexes),
            *(f"{number:,}" for number in numbers),
            f"{each.milliseconds:.2f}",
            "; ".join(each.wrong),
        )
    Console(width=max(Console().width, WIDE)).print(table)
    wrong = sum(1 for each in ran if each.wrong)
    click.echo(f"{len(ran):,} runs, {wrong:,} of them wrong.")
    if wrong:
        raise SystemExit(1)


@main.command("schema")
def print_schema() -> None:
    """Print the GraphQL schema."""
    click.echo(schema.as_str())


@main.command("plan")
@click.argument("file", type=click.File("rb"))
@click.option("--operation", help="The operation's name, if the file holds several.")
@click.option("--variables", default="{}", help="The variables as JSON: those of @skip and @include matter.")
@in_one_line
def print_plan(file: BinaryIO, operation: str | None, variables: str) -> None:
    """Print what the operation in FILE is compiled to."""
    try:
        text = file.read().decode()
    except UnicodeDecodeError as error:
        raise click.ClickException(
            f"The file is not UTF-8: byte {error.start:,} begins no character."
        ) from None
    documents = Documents(schema, limits=Settings.read(os.environ).limits)
    click.echo(described(documents, text, operation, variables))


@main.group()
def db() -> None:
    """The embedded PostgreSQL, which goes on running when the command that started it ends."""


@db.command()
@in_one_line
def start() -> None:
    """Start it, and print its address."""
    click.echo(database(replace(Settings.read(os.environ), database_url=None)))


@db.command()
@in_one_line
def stop() -> None:
    """Stop it."""
    stopped = embedded.stop(Settings.read(os.environ).data)
    click.echo("PostgreSQL is stopped." if stopped else "No PostgreSQL was running.")


@db.command()
@in_one_line
def status() -> None:
    """Say whether it runs, and where."""
    clusters = embedded.status(Settings.read(os.environ).data)
    for cluster in clusters:
        state = f"runs as process {cluster.pid}" if cluster.pid else "is stopped"
        size = f"{cluster.size / 2**20:.0f} MB"
        click.echo(f"PostgreSQL {cluster.server.version} {state}, {size}: {cluster.server.dsn}")
    if not clusters:
        click.echo("No PostgreSQL has been started here.")
