"""Run a load, and account for the CPU time of each group of processes by request."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.serving.load import run_load
from benchmarks.serving.meters import cpu_seconds_of

Groups = Mapping[str, Sequence[int]]
"""Processes by the name of their group; the children of each belong to it."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What requests cost: `p50`, `p99` and the CPU times of each group and of the load are in milliseconds."""

    requests: int
    per_second: float
    p50: float
    p99: float
    cpu: Mapping[str, float]
    load_cpu: float

    @property
    def cores_used(self) -> float:
        return (sum(self.cpu.values()) + self.load_cpu) * self.per_second / 1_000


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """The concurrent connections, the seconds of a round, those of the warm-up, and the rounds."""

    connections: int
    seconds: float
    warm_up: float
    rounds: int


async def do_nothing() -> None:
    """Settle a load after which no work goes on."""


async def measure_cost(
    port: int,
    requests: Sequence[bytes],
    groups: Groups,
    *,
    connections: int,
    seconds: float,
    start: int = 0,
    settle: Callable[[], Awaitable[None]] = do_nothing,
) -> Cost:
    """Send the requests from that at `start`. Work that `settle` waits for is accounted for, too."""
    before = read_cpu(groups)
    load = await run_load(port, requests, connections=connections, seconds=seconds, start=start)
    await settle()
    after = read_cpu(groups)
    return Cost(
        requests=load.requests,
        per_second=load.requests / load.seconds,
        p50=load.percentile(0.5) * 1_000,
        p99=load.percentile(0.99) * 1_000,
        cpu={name: (after[name] - before[name]) / load.requests * 1_000 for name in groups},
        load_cpu=load.cpu / load.requests * 1_000,
    )


async def measure_idle(groups: Groups, seconds: float) -> dict[str, float]:
    """Return the CPU time in milliseconds that each group takes in a second without requests."""
    before, started_at = read_cpu(groups), time.perf_counter()
    await asyncio.sleep(seconds)
    elapsed = time.perf_counter() - started_at
    return {name: (spent - before[name]) / elapsed * 1_000 for name, spent in read_cpu(groups).items()}


def read_cpu(groups: Groups) -> dict[str, float]:
    """Return the CPU time of each group in seconds."""
    return {name: sum(cpu_seconds_of(pid) for pid in pids) for name, pids in groups.items()}


def median_of(costs: Sequence[Cost]) -> Cost:
    return Cost(
        requests=sum(each.requests for each in costs),
        per_second=median(each.per_second for each in costs),
        p50=median(each.p50 for each in costs),
        p99=median(each.p99 for each in costs),
        cpu={name: median(each.cpu[name] for each in costs) for name in costs[0].cpu},
        load_cpu=median(each.load_cpu for each in costs),
    )
