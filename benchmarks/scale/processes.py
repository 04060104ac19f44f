"""Measure many processes and replicas by CPU accounting, and forecast larger machines.

    python -m benchmarks.scale.processes [--only processes replicas] [--books 20000]

Servers, PostgreSQL, nginx and the load share the cores of this machine. So requests a second and latencies are
those of a machine that is too small; the CPU time of a request does not depend on that.
"""

import argparse
import asyncio
import os
import signal
from collections.abc import Sequence
from contextlib import ExitStack

import uvloop
from rich.console import Console
from rich.table import Table

from benchmarks.scale.accounting import LoadPlan
from benchmarks.scale.private_postgres import SEED, PrivatePostgres, postmaster_of, run_private_postgres
from benchmarks.scale.process_costs import POSTGRES, PROXY, SERVERS, FrontCosts, measure_fronts
from benchmarks.scale.queueing import UTILISATION, Demand, forecast
from benchmarks.scale.replica_costs import (
    PRIMARY,
    REPLICA_COUNT,
    REPLICAS,
    SERVER,
    Deployment,
    DeploymentCosts,
    add_editor_key,
    measure_deployments,
    run_deployment,
)
from benchmarks.serving.__main__ import exit_on_signal
from benchmarks.serving.load import LoadError
from benchmarks.serving.servers import ServerError
from benchmarks.serving.workloads import WORKLOADS, workload_values
from db.importing.importer import import_feed
from db.importing.readers import open_generated

POSTGRES_OPTIONS = {
    "max_connections": "200",
    "shared_buffers": "256MB",
    "autovacuum": "off",
    "fsync": "off",
    "synchronous_commit": "off",
    "max_wal_size": "8GB",
}
"""No background work runs during measurements. The data may be lost."""

WORKS_OF_PROCESSES = ("category_page", "one_book")
"""The keys of a heavy and of a light work."""

FORECAST_CORES = (16, 64)
WIDTH = 124
"""Width of the tables in terminal columns."""


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scale.processes", description="Measure many processes and replicas."
    )
    parser.add_argument("--only", choices=("processes", "replicas"), help="one of the two measurements")
    parser.add_argument("--books", type=int, default=20_000, help="size of the catalog")
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=2.0, help="seconds of a round")
    parser.add_argument("--warm-up", type=float, default=1.0, help="seconds before the first round of a work")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, exit_on_signal)
    plan = LoadPlan(options.connections, options.seconds, options.warm_up, options.rounds)
    console = Console(width=WIDTH)
    try:
        measure_and_print(options, plan, console)
    except (LoadError, ServerError) as error:
        raise SystemExit(f"{type(error).__name__}: {error}") from None
    console.print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end.")


def measure_and_print(options: argparse.Namespace, plan: LoadPlan, console: Console) -> None:
    with ExitStack() as stack:
        postgres = stack.enter_context(run_private_postgres(POSTGRES_OPTIONS))
        fill(postgres, options.books)
        if options.only != "replicas":
            fronts = measure_processes(postgres, options.processes, plan)
            print_processes(console, fronts, options.books)
        if options.only != "processes":
            print_replicas(console, measure_replicas(stack, postgres, options.books, plan), options.books)


def fill(postgres: PrivatePostgres, books: int) -> None:
    dsn = postgres.primary.dsn
    asyncio.run(import_feed(dsn, open_generated(books, SEED), rejects=postgres.folder / "rejects.csv"))


# Many processes


def measure_processes(postgres: PrivatePostgres, numbers: Sequence[int], plan: LoadPlan) -> list[FrontCosts]:
    dsn = postgres.primary.dsn
    works = [work for work in WORKLOADS if work.key in WORKS_OF_PROCESSES]
    values = uvloop.run(workload_values(dsn))
    postmaster = postmaster_of(postgres.primary)
    return measure_fronts(dsn, postmaster, postgres.folder, numbers, works, values, plan)


def print_processes(console: Console, fronts: Sequence[FrontCosts], books: int) -> None:
    for work in WORKLOADS:
        if work.key in WORKS_OF_PROCESSES:
            console.print(processes_table(work.key, f"{work.title}, {books:,} books", fronts))
    console.print(
        "Busiest: the share of the busiest process in the CPU time of all, over both works. MB: the resident"
        " memory of a process."
    )
    console.print(forecast_table(fronts))
    console.print(
        f"FORECAST, no measurement. Utilisation law with the busiest station at {UTILISATION:.0%}; each process"
        " is an M/M/1 queue, PostgreSQL an M/M/c queue. Demands are those of one process without nginx. Waits"
        " for locks and memory are not in the model, so these are upper limits. p99 is at most as given."
    )


def processes_table(work: str, title: str, fronts: Sequence[FrontCosts]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("processes")
    for heading in (
        "req/s", "p50\nms", "p99\nms", "CPU ms:\nservers", "Postgre-\nSQL", "nginx", "load", "cores\nused",
        "busiest", "MB",
    ):  # fmt: skip
        table.add_column(heading, justify="right")
    for front in fronts:
        cost = front.costs[work]
        table.add_row(
            front.title,
            f"{cost.per_second:,.0f}",
            f"{cost.p50:.1f}",
            f"{cost.p99:.1f}",
            *(f"{cost.cpu[group]:.2f}" for group in (SERVERS, POSTGRES, PROXY)),
            f"{cost.load_cpu:.2f}",
            f"{cost.cores_used:.2f}",
            f"{front.busiest:.0%}",
            f"{front.memory:.0f}",
        )
    return table


def forecast_table(fronts: Sequence[FrontCosts]) -> Table:
    table = Table(title="FORECAST for larger machines", title_justify="left")
    table.add_column("work")
    for heading in ("cores", "processes", "cores of\nPostgreSQL", "req/s", "mean\nms", "p99 ≤\nms"):
        table.add_column(heading, justify="right")
    for work, cost in fronts[0].costs.items():
        for cores in FORECAST_CORES:
            line = forecast(Demand(cost.cpu[SERVERS], cost.cpu[POSTGRES]), cores)
            table.add_row(
                work,
                str(cores),
                str(line.processes),
                str(line.postgres_cores),
                f"{line.per_second:,.0f}",
                f"{line.mean:.1f}",
                f"{line.p99:.1f}",
            )
    return table


# Replicas


def measure_replicas(
    stack: ExitStack, alone: PrivatePostgres, books: int, plan: LoadPlan
) -> list[DeploymentCosts]:
    """Measure all works on the catalog, and on an equal one with replicas."""
    replicated = stack.enter_context(run_private_postgres(POSTGRES_OPTIONS))
    fill(replicated, books)
    deployments: list[Deployment] = []
    for postgres, standbys in ((alone, 0), (replicated, REPLICA_COUNT)):
        key = asyncio.run(add_editor_key(postgres, books))
        for _ in range(standbys):
            postgres.add_standby()
        deployments.append(stack.enter_context(run_deployment(postgres, postgres.folder, key)))
    values = uvloop.run(workload_values(alone.primary.dsn))
    return measure_deployments(deployments, WORKLOADS, values, plan)


def print_replicas(console: Console, measured: Sequence[DeploymentCosts], books: int) -> None:
    alone, replicated = measured
    table = Table(
        title=f"CPU ms of a request, {books:,} books: no replica | two replicas", title_justify="left"
    )
    table.add_column("work")
    for heading in (
        "server", "primary", "server", "primary", "both\nreplicas", "req/s that PostgreSQL bears\nBY CPU ACCOUNTING",
    ):  # fmt: skip
        table.add_column(heading, justify="right")
    for work in WORKLOADS:
        without, with_replicas = alone.costs[work.key], replicated.costs[work.key]
        table.add_row(
            work.title,
            *(f"{without.cpu[group]:.3f}" for group in (SERVER, PRIMARY)),
            *(f"{with_replicas.cpu[group]:.3f}" for group in (SERVER, PRIMARY, REPLICAS)),
            f"{alone.bears(work.key):,.0f} → {replicated.bears(work.key):,.0f}",
        )
    table.add_section()
    table.add_row(
        "without requests, CPU ms a second",
        *(f"{alone.idle[group]:.1f}" for group in (SERVER, PRIMARY)),
        *(f"{replicated.idle[group]:.1f}" for group in (SERVER, PRIMARY, REPLICAS)),
        "",
    )
    console.print(table)
    console.print(
        "Req/s by CPU accounting are no measurement: what a primary of one core bears, and a primary and two"
        " replicas of one core each, with as many server processes as that needs. What the processes take"
        " without requests is left out above, and is per server process."
    )


if __name__ == "__main__":
    main()
