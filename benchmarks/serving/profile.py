"""Profile a Python server under one workload: `python -m benchmarks.serving.profile [WORK] [--server ours]`."""

import argparse
import os
from pathlib import Path
from typing import Any

import orjson
import uvloop
from rich.console import Console
from rich.table import Table

from benchmarks.serving.catalog import WORK_FOLDER, open_catalog, open_for
from benchmarks.serving.cores import choose_cores, pin_to_core
from benchmarks.serving.load import LoadResult, build_requests, run_load
from benchmarks.serving.servers import SERVERS, start_server
from benchmarks.serving.workloads import WORKLOADS, workload_values


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving.profile", description=__doc__)
    parser.add_argument("work", nargs="?", choices=[work.key for work in WORKLOADS], default=WORKLOADS[0].key)
    parser.add_argument(
        "--server", choices=[each.key for each in SERVERS if not each.on_node], default="ours"
    )
    parser.add_argument("--books", type=int, default=1_000_000, help="the size of the catalog")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--functions", type=int, default=30, help="number of functions to show")
    options = parser.parse_args()
    console = Console()
    result = WORK_FOLDER / "profile.json"
    load_result = run_profiled(options, result, console)
    profile: dict[str, Any] = orjson.loads(result.read_bytes())
    console.print(
        f"{options.server} under {options.work}: {load_result.requests:,} requests, {profile['samples']:,} samples"
    )
    for title, column in (("by self time", 1), ("by cumulative time", 2)):
        console.print(build_table(title, column, profile, options.functions))


def run_profiled(options: argparse.Namespace, result: Path, console: Console) -> LoadResult:
    """Run a load against the server, which writes its profile to `result` when it exits."""
    work = next(work for work in WORKLOADS if work.key == options.work)
    server = next(server for server in SERVERS if server.key == options.server)
    server_core, other_core = choose_cores()
    with (
        pin_to_core(other_core),
        open_catalog(options.books, WORK_FOLDER, console) as original,
        open_for(original, writes=work.writes) as catalog,
    ):
        values = uvloop.run(workload_values(catalog.dsn))[work.key]
        requests = build_requests(work.bodies(server.dialect, values), catalog.key)
        os.environ["PROFILE"] = str(result)
        with start_server(server, catalog.dsn, server_core, WORK_FOLDER / "logs") as running:
            return uvloop.run(
                run_load(running.port, requests, connections=options.connections, seconds=options.seconds)
            )


def build_table(title: str, column: int, profile: dict[str, Any], functions: int) -> Table:
    result = Table(title=f"Functions {title}", title_justify="left", title_style="bold")
    result.add_column("share", justify="right")
    result.add_column("function")
    for row in sorted(profile["functions"], key=lambda row: -row[column])[:functions]:
        result.add_row(f"{row[column] / profile['samples']:.1%}", row[0])
    return result


if __name__ == "__main__":
    main()
