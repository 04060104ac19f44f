"""Profile a Python server at one work: `python -m benchmarks.serving.profile [WORK] [--server ours]`."""

import argparse
import os
from pathlib import Path
from typing import Any

import orjson
import uvloop
from rich.console import Console
from rich.table import Table

from benchmarks.serving.catalog import WORK_FOLDER, catalog_of
from benchmarks.serving.cores import cores, pinned
from benchmarks.serving.load import Load, load
from benchmarks.serving.servers import SERVERS, started
from benchmarks.serving.works import WORKS, values_of_works


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving.profile", description=__doc__)
    parser.add_argument("work", nargs="?", choices=[work.key for work in WORKS], default=WORKS[0].key)
    parser.add_argument(
        "--server", choices=[each.key for each in SERVERS if not each.on_node], default="ours"
    )
    parser.add_argument("--books", type=int, default=1_000_000, help="the size of the catalog")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--functions", type=int, default=30, help="how many are shown")
    options = parser.parse_args()
    console = Console()
    result = WORK_FOLDER / "profile.json"
    done = profiled(options, result, console)
    found: dict[str, Any] = orjson.loads(result.read_bytes())
    console.print(
        f"{options.server} at {options.work}: {done.requests:,} requests, {found['samples']:,} samples"
    )
    for title, column in (("by what they do themselves", 1), ("with what they call", 2)):
        console.print(table(title, column, found, options.functions))


def profiled(options: argparse.Namespace, result: Path, console: Console) -> Load:
    """Put a load to the server, which writes its profile to `result` when it ends."""
    work = next(work for work in WORKS if work.key == options.work)
    server = next(server for server in SERVERS if server.key == options.server)
    server_core, other_core = cores()
    with pinned(other_core), catalog_of(options.books, WORK_FOLDER, console) as catalog:
        values = uvloop.run(values_of_works(catalog.dsn))[work.key]
        requests = [work.body(server.dialect, value) for value in values]
        os.environ["PROFILE"] = str(result)
        with started(server, catalog.dsn, server_core, WORK_FOLDER / "logs") as running:
            return uvloop.run(
                load(running.port, requests, connections=options.connections, seconds=options.seconds)
            )


def table(title: str, column: int, found: dict[str, Any], functions: int) -> Table:
    made = Table(title=f"Functions {title}", title_justify="left", title_style="bold")
    made.add_column("share", justify="right")
    made.add_column("function")
    for row in sorted(found["functions"], key=lambda row: -row[column])[:functions]:
        made.add_row(f"{row[column] / found['samples']:.1%}", row[0])
    return made


if __name__ == "__main__":
    main()
