"""Measure all servers under all workloads: `python -m benchmarks.serving [--books 1000000]`.

Installs the peers and starts a PostgreSQL with a generated catalog, which is kept in benchmarks/.work. Starts
the servers on one core and everything else on another. Compares the responses, measures in rounds, and stops
all processes.
"""

import argparse
import os
import platform
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
import uvloop
from rich.console import Console

from benchmarks.serving.catalog import (
    WORK_FOLDER,
    BenchmarkCatalogError,
    Catalog,
    open_catalog,
    open_for,
)
from benchmarks.serving.cores import CoresUnavailableError, choose_cores, pin_to_core
from benchmarks.serving.load import LoadError
from benchmarks.serving.meters import memory_mb_of
from benchmarks.serving.plot import plot
from benchmarks.serving.report import WIDTH, as_json, kind_of, parse_samples, print_report, summarize
from benchmarks.serving.responses import ResponseMismatchError
from benchmarks.serving.rounds import Comparison, Sample, Schedule, measure_rounds, require_same_responses
from benchmarks.serving.servers import (
    SERVERS,
    Server,
    ServerError,
    install_peers,
    start_servers,
)
from benchmarks.serving.workloads import WORKLOADS, Workload, workload_values
from db.errors import CatalogError as CatalogRefused


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a run."""

    books: int
    servers: Sequence[Server]
    works: Sequence[Workload]
    schedule: Schedule


def main() -> None:
    options = parse_arguments()
    signal.signal(signal.SIGTERM, exit_on_signal)
    # A narrower terminal wraps the lines of a table; otherwise its numbers would be cut off.
    console = Console(width=max(Console().width, WIDTH))
    results: Path = options.json
    if options.show:
        document: dict[str, Any] = orjson.loads(results.read_bytes())
    else:
        selection = Options(
            options.books,
            [server for server in SERVERS if server.key in options.servers],
            [work for work in WORKLOADS if work.key in options.works],
            Schedule(options.connections, options.rounds, options.seconds, options.warm_up),
        )
        try:
            document = measure_all(selection, console)
        except (
            BenchmarkCatalogError,
            CatalogRefused,
            ResponseMismatchError,
            LoadError,
            CoresUnavailableError,
            ServerError,
        ) as error:
            raise SystemExit(f"{type(error).__name__}: {error}") from None
        except KeyboardInterrupt:
            raise SystemExit("interrupted by SIGINT") from None
        results.parent.mkdir(parents=True, exist_ok=True)
        results.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))
    print_and_plot(document, options.plot, console)


def exit_on_signal(signal_number: int, frame: object) -> None:
    """Exit, so that context managers stop the started processes."""
    sys.exit(f"interrupted by {signal.Signals(signal_number).name}")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description="Measure the servers.")
    names, titles = [server.key for server in SERVERS], [work.key for work in WORKLOADS]
    parser.add_argument("--books", type=int, default=1_000_000, help="the size of the catalog")
    parser.add_argument("--servers", nargs="+", choices=names, default=names)
    parser.add_argument("--works", nargs="+", choices=titles, default=titles)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=4.0, help="per server, workload and round")
    parser.add_argument("--warm-up", type=float, default=4.0, help="seconds per server and workload")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--json", type=Path, default=WORK_FOLDER / "serving.json", help="file of the results")
    parser.add_argument("--plot", type=Path, default=WORK_FOLDER / "serving.svg", help="file of the plot")
    parser.add_argument("--show", action="store_true", help="show the file of the results without measuring")
    options = parser.parse_args()
    all_write = all(work.writes for work in WORKLOADS if work.key in options.works)
    if all_write and not any(server.writes for server in SERVERS if server.key in options.servers):
        parser.error(f"the servers {', '.join(options.servers)} have no mutations: name another one.")
    return options


def measure_all(options: Options, console: Console) -> dict[str, Any]:
    """Measure everything, and return the results. Reads come first, so they see no trace of a write."""
    if any(server.on_node for server in options.servers):
        install_peers()
    server_core, other_core = choose_cores()
    samples: list[Sample] = []
    memory: dict[str, dict[str, float]] = {}
    with pin_to_core(other_core), open_catalog(options.books, WORK_FOLDER, console) as catalog:
        before = os.getloadavg()[0]
        for writes in (False, True):
            selection = replace(
                options,
                servers=[server for server in options.servers if server.writes or not writes],
                works=[work for work in options.works if work.writes == writes],
            )
            if selection.servers and selection.works:
                measured, memory[kind_of(writes=writes)] = measure_on(
                    catalog, writes, selection, server_core, console
                )
                samples += measured
    circumstances = {
        "books": options.books,
        "connections": options.schedule.connections,
        "rounds": options.schedule.rounds,
        "seconds": options.schedule.seconds,
        "python": platform.python_version(),
        "load_before": before,
    }
    return as_json(circumstances, samples, memory)


def measure_on(
    original: Catalog, writes: bool, options: Options, server_core: int, console: Console
) -> tuple[list[Sample], dict[str, float]]:
    """Return the samples, and the memory of each server in MB."""
    with ExitStack() as stack:
        catalog = stack.enter_context(open_for(original, writes=writes))
        servers = stack.enter_context(
            start_servers(options.servers, catalog.dsn, server_core, WORK_FOLDER / "logs")
        )
        values = uvloop.run(workload_values(catalog.dsn))
        comparison = Comparison(servers, options.works, values, catalog)
        samples = uvloop.run(compare_and_measure(comparison, options.schedule, console))
        return samples, {each.server.key: memory_mb_of(each.pid) for each in servers}


async def compare_and_measure(comparison: Comparison, schedule: Schedule, console: Console) -> list[Sample]:
    with console.status("comparing responses") as status:
        await require_same_responses(comparison)
        return await measure_rounds(comparison, schedule, status.update)


def print_and_plot(document: dict[str, Any], picture: Path, console: Console) -> None:
    report_lines = summarize(parse_samples(document))
    measured_ones = {line.server for line in report_lines}
    servers = [server for server in SERVERS if server.key in measured_ones]
    print_report(console, report_lines, servers, document["memory_mb"])
    facts = document["circumstances"]
    caption = (
        f"{facts['books']:,} books, {facts['connections']} connections, PostgreSQL and load on another core;"
        f" median of {facts['rounds']} rounds, servers in turn."
    )
    picture.parent.mkdir(parents=True, exist_ok=True)
    picture.write_text(plot(report_lines, servers, caption))
    console.print(f"Plot: {picture}")


if __name__ == "__main__":
    main()
