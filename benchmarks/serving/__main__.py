"""Measure all servers at all works: `python -m benchmarks.serving [--books 1000000]`.

Installs the peers, starts a PostgreSQL with a seeded catalog that is kept in benchmarks/.work, starts each
server on one core and everything else on another, compares answers, measures in rounds, and ends all of it.
"""

import argparse
import os
import platform
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import uvloop
from rich.console import Console

from benchmarks.serving.answers import Disagreement
from benchmarks.serving.catalog import WORK_FOLDER, Catalog, CatalogError, catalog_of
from benchmarks.serving.cores import NoCores, cores, pinned
from benchmarks.serving.load import LoadError
from benchmarks.serving.meters import memory_of
from benchmarks.serving.plot import plot
from benchmarks.serving.report import WIDTH, as_json, lines, samples_in, show
from benchmarks.serving.rounds import Plan, Sample, compare, measure
from benchmarks.serving.servers import SERVERS, Running, Server, ServerError, install_peers, running
from benchmarks.serving.works import WORKS, Work, values_of_works
from db.errors import CatalogError as CatalogRefused


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is measured."""

    books: int
    servers: Sequence[Server]
    works: Sequence[Work]
    plan: Plan


def main() -> None:
    options = arguments()
    signal.signal(signal.SIGTERM, leave)
    # In a narrower terminal a table's lines are folded: its figures would be cut off otherwise.
    console = Console(width=max(Console().width, WIDTH))
    results: Path = options.json
    if options.show:
        document: dict[str, Any] = orjson.loads(results.read_bytes())
    else:
        wanted = Wanted(
            options.books,
            [server for server in SERVERS if server.key in options.servers],
            [work for work in WORKS if work.key in options.works],
            Plan(options.connections, options.rounds, options.seconds, options.warm_up),
        )
        try:
            document = measured(wanted, console)
        except (CatalogError, CatalogRefused, Disagreement, LoadError, NoCores, ServerError) as error:
            raise SystemExit(f"{type(error).__name__}: {error}") from None
        except KeyboardInterrupt:
            raise SystemExit("ended by SIGINT") from None
        results.parent.mkdir(parents=True, exist_ok=True)
        results.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))
    present(document, options.plot, console)


def leave(signal_number: int, frame: object) -> None:
    """End what was started, too."""
    sys.exit(f"ended by {signal.Signals(signal_number).name}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description="Measure the servers.")
    names, titles = [server.key for server in SERVERS], [work.key for work in WORKS]
    parser.add_argument("--books", type=int, default=1_000_000, help="the size of the catalog")
    parser.add_argument("--servers", nargs="+", choices=names, default=names)
    parser.add_argument("--works", nargs="+", choices=titles, default=titles)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=4.0, help="for each server, work and round")
    parser.add_argument("--warm-up", type=float, default=4.0, help="seconds for each server and work")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--json", type=Path, default=WORK_FOLDER / "serving.json", help="the results' file")
    parser.add_argument("--plot", type=Path, default=WORK_FOLDER / "serving.svg", help="the plot's file")
    parser.add_argument("--show", action="store_true", help="measure nothing: show the results' file")
    return parser.parse_args()


def measured(wanted: Wanted, console: Console) -> dict[str, Any]:
    """The results of a whole run."""
    if any(server.on_node for server in wanted.servers):
        install_peers()
    server_core, other_core = cores()
    with (
        pinned(other_core),
        catalog_of(wanted.books, WORK_FOLDER, console) as catalog,
        running(wanted.servers, catalog.dsn, server_core, WORK_FOLDER / "logs") as servers,
    ):
        before = os.getloadavg()[0]
        samples = uvloop.run(in_rounds(servers, catalog, wanted, console))
        memory = {each.server.key: memory_of(each.pid) for each in servers}
    circumstances = {
        "books": wanted.books,
        "connections": wanted.plan.connections,
        "rounds": wanted.plan.rounds,
        "seconds": wanted.plan.seconds,
        "python": platform.python_version(),
        "load_before": before,
    }
    return as_json(circumstances, samples, memory)


async def in_rounds(
    servers: Sequence[Running], catalog: Catalog, wanted: Wanted, console: Console
) -> list[Sample]:
    values = await values_of_works(catalog.dsn)
    with console.status("comparing answers") as status:
        await compare(servers, wanted.works, values)
        return await measure(servers, wanted.works, values, catalog.postmaster, wanted.plan, status.update)


def present(document: dict[str, Any], picture: Path, console: Console) -> None:
    found = lines(samples_in(document))
    measured_ones = {line.server for line in found}
    servers = [server for server in SERVERS if server.key in measured_ones]
    show(console, found, servers, document["memory_mb"])
    facts = document["circumstances"]
    caption = (
        f"{facts['books']:,} books, {facts['connections']} connections, PostgreSQL and load on another core;"
        f" median of {facts['rounds']} rounds, servers in turn."
    )
    picture.parent.mkdir(parents=True, exist_ok=True)
    picture.write_text(plot(found, servers, caption))
    console.print(f"Plot: {picture}")


if __name__ == "__main__":
    main()
