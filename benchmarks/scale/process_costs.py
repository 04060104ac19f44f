"""Measure several server processes: what a request costs, and how even the load is over the processes."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.scale.accounting import Cost, LoadPlan, measure_cost, median_of
from benchmarks.scale.fronts import Front, run_behind_nginx, run_workers
from benchmarks.serving.load import build_requests
from benchmarks.serving.meters import cpu_seconds_of, memory_mb_of
from benchmarks.serving.workloads import OURS, Workload

SERVERS, POSTGRES, PROXY = "servers", "PostgreSQL", "nginx"


@dataclass(frozen=True, slots=True)
class FrontCosts:
    """The costs of the works behind one front.

    `busiest` is the share of the busiest process in the CPU time of all. `memory` is the MB of a process.
    """

    title: str
    processes: int
    costs: Mapping[str, Cost]
    busiest: float
    memory: float


def measure_fronts(
    dsn: str,
    postmaster: int,
    folder: Path,
    numbers: Sequence[int],
    works: Sequence[Workload],
    values: Mapping[str, Sequence[Any]],
    plan: LoadPlan,
) -> list[FrontCosts]:
    """Measure each number of processes, as workers and behind nginx. One front runs at a time."""
    measured: list[FrontCosts] = []
    for number in numbers:
        for run in (run_workers, run_behind_nginx):
            starting: AbstractContextManager[Front] = run(number, dsn, folder)
            with starting as front:
                measured.append(uvloop.run(measure_front(front, postmaster, works, values, plan)))
    return measured


async def measure_front(
    front: Front,
    postmaster: int,
    works: Sequence[Workload],
    values: Mapping[str, Sequence[Any]],
    plan: LoadPlan,
) -> FrontCosts:
    groups = {
        SERVERS: front.parents,
        POSTGRES: (postmaster,),
        PROXY: (front.proxy,) if front.proxy else (),
    }
    costs: dict[str, Cost] = {}
    before = [cpu_seconds_of(pid) for pid in front.processes]
    for work in works:
        requests = build_requests(work.bodies(OURS, values[work.key]))
        rounds = [
            await measure_cost(front.port, requests, groups, connections=plan.connections, seconds=seconds)
            for seconds in (plan.warm_up, *[plan.seconds] * plan.rounds)
        ]
        costs[work.key] = median_of(rounds[1:])
    spent = [cpu_seconds_of(pid) - start for pid, start in zip(front.processes, before, strict=True)]
    memory = sum(memory_mb_of(pid) for pid in front.processes) / len(front.processes)
    return FrontCosts(front.title, len(front.processes), costs, max(spent) / sum(spent), memory)
