"""Measure PgBouncer in transaction mode: what works behind it, and what it costs and gains.

    python -m benchmarks.scale.pooler

PgBouncer is downloaded from Debian by apt and not installed; PGBOUNCER names another program.
"""

import argparse
import asyncio
import os
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import uvloop
from rich.console import Console
from rich.table import Table

from benchmarks.scale.debian import PackageError
from benchmarks.scale.pgbouncer import (
    PgBouncer,
    install_old_pgbouncer,
    install_pgbouncer,
    run_pgbouncer,
    version_of,
)
from benchmarks.scale.pooled_costs import WORKS, Cost, Route, Sample, measure, summarize
from benchmarks.scale.pooled_operations import Outcomes, run_statement, try_operations
from db import embedded
from db.importing.importer import import_feed
from db.importing.readers import open_generated
from db.migrations import migrate

POSTGRES_OPTIONS = {
    "max_connections": "500",
    "fsync": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
}
DOCUMENTED = {"max_client_conn": 1000, "server_login_retry": 1}
"""The two settings of docs/deployment.md beside the defaults."""

MIN_VERSION = (1, 21)
TABLE_WIDTH = 140


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure PgBouncer.")
    parser.add_argument("--only", choices=("operations", "costs"), help="one of the two tables")
    parser.add_argument("--books", type=int, default=20_000, help="books of the catalog for the costs")
    parser.add_argument("--processes", type=int, nargs="+", default=[4, 16, 64], help="server processes")
    parser.add_argument("--seconds", type=float, default=4.0, help="duration of a round")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each route")
    options = parser.parse_args()
    console = Console(width=TABLE_WIDTH)
    with tempfile.TemporaryDirectory(prefix="bookstore-pooler-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL has an account of its own
        program = Path(os.environ.get("PGBOUNCER") or install_pgbouncer(folder / "pgbouncer"))
        server = embedded.start(folder / "data", options=POSTGRES_OPTIONS)
        try:
            if options.only != "costs":
                print_operations(console, try_routes(server, program, folder))
            if options.only != "operations":
                fill_catalog(server.dsn, options.books, folder)
                costs = measure_costs(
                    server, program, folder, options.processes, options.seconds, options.rounds
                )
                print_costs(console, costs, options)
        finally:
            embedded.stop(folder / "data")


# What works


def try_routes(server: embedded.Server, program: Path, folder: Path) -> dict[str, Outcomes]:
    """Return the outcomes of all operations by route."""
    outcomes: dict[str, Outcomes] = {}
    with new_database(server) as database:
        outcomes["PostgreSQL"] = try_operations(dsn_of(server, database), folder / "direct")
    version = ".".join(map(str, version_of(program)))
    routes = [(f"PgBouncer {version}", program, DOCUMENTED)]
    routes.append((f"{version}, max_prepared_statements = 0", program, {"max_prepared_statements": 0}))
    old = find_old_pgbouncer(folder)
    if old is not None:
        routes.append((f"PgBouncer {'.'.join(map(str, version_of(old)))}", old, {}))
    for number, (title, each, settings) in enumerate(routes):
        with (
            new_database(server) as database,
            run_pgbouncer(each, server.socket_folder, **settings) as pooler,
        ):
            outcomes[title] = try_operations(pooler.dsn(database), folder / f"pooled-{number}")
    return outcomes


def find_old_pgbouncer(folder: Path) -> Path | None:
    """Return a PgBouncer without prepared statements, where the machine's release has one."""
    try:
        program = install_old_pgbouncer(folder / "old-pgbouncer")
    except PackageError:
        return None
    return program if version_of(program) < MIN_VERSION else None


@contextmanager
def new_database(server: embedded.Server) -> Generator[str]:
    """Yield the name of an empty database, and drop it."""
    maintenance = dsn_of(server, "postgres")
    asyncio.run(run_statement(maintenance, "CREATE DATABASE operations"))
    try:
        yield "operations"
    finally:
        asyncio.run(run_statement(maintenance, "DROP DATABASE operations WITH (FORCE)"))


def dsn_of(server: embedded.Server, database: str) -> str:
    return server.dsn.replace(f"/{embedded.DATABASE}?", f"/{database}?")


def print_operations(console: Console, outcomes: dict[str, Outcomes]) -> None:
    table = Table("operation", *outcomes, title="Operations")
    titles = dict.fromkeys(title for each in outcomes.values() for title in each.cells)
    for title in titles:
        table.add_row(title, *(each.cells.get(title, "–") for each in outcomes.values()))
    console.print(table)
    for route, each in outcomes.items():
        for line, number in each.lines.items():
            console.print(f"{route}, {number} ×: {line}", highlight=False, markup=False)


# What it costs


def fill_catalog(dsn: str, books: int, folder: Path) -> None:
    migrate(dsn)
    asyncio.run(import_feed(dsn, open_generated(books, 1), rejects=folder / "rejects.csv"))


def measure_costs(
    server: embedded.Server,
    program: Path,
    folder: Path,
    numbers: Sequence[int],
    seconds: float,
    rounds: int,
) -> dict[tuple[str, int, str], Cost]:
    """Return the costs by work, number of processes and route. The routes take turns."""
    [status] = embedded.status(folder / "data")
    postmaster = status.pid or 0
    samples: dict[tuple[str, int, str], list[Sample]] = {}
    for processes in numbers:
        for _ in range(rounds):
            with run_pgbouncer(program, server.socket_folder, **DOCUMENTED) as pooler:
                for route in routes_to(server, pooler):
                    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                        measured = runner.run(
                            measure(route, postmaster, processes=processes, seconds=seconds)
                        )
                    for work, sample in measured.items():
                        samples.setdefault((work, processes, route.title), []).append(sample)
    return {key: summarize(each) for key, each in samples.items()}


def routes_to(server: embedded.Server, pooler: PgBouncer) -> tuple[Route, Route]:
    return (
        Route("direct", server.dsn, None),
        Route("PgBouncer", pooler.dsn(embedded.DATABASE), pooler.pid),
    )


def print_costs(
    console: Console, costs: dict[tuple[str, int, str], Cost], options: argparse.Namespace
) -> None:
    table = Table(title=f"Costs of a request, {options.books:,} books, 4 requests in flight")
    for column in ("work", "processes", "route"):
        table.add_column(column)
    for column in ("p50 ms", "p99 ms", "CPU ms: server", "PgBouncer", "PostgreSQL", "sessions", "their MB"):
        table.add_column(column, justify="right")
    for work in WORKS:
        for (each, processes, route), cost in costs.items():
            if each == work:
                table.add_row(work, str(processes), route, *cells_of(cost))
    console.print(table)


def cells_of(cost: Cost) -> list[str]:
    times = (cost.p50, cost.p99, cost.server_cpu, cost.pooler_cpu, cost.postgres_cpu)
    return [*(f"{value:.2f}" for value in times), str(cost.sessions), f"{cost.memory:,.0f}"]


if __name__ == "__main__":
    main()
