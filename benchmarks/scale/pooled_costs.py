"""What a pooler costs and gains: time, CPU and memory at several numbers of server processes.

A machine with a few cores cannot run 64 busy processes. So each process is modelled by its pool: one process
here holds all of them, and runs GraphQL operations over each in turn, with IN_FLIGHT at any time. That is the
number of connections and sessions of N processes, with the load of one.
"""

import asyncio
import gc
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from statistics import median

from benchmarks.serving.meters import PROC, cpu_seconds_of, process_tree
from db.connections.pool import ConnectionPool
from graphql_api.access.roles import Role
from graphql_api.context import Context
from graphql_api.execution.documents import Document, DocumentCache
from graphql_api.execution.executor import run_operation
from graphql_api.http.endpoint import NullViewCounter
from graphql_api.schema import schema_for

POOL_SIZE = 5
IN_FLIGHT = 4
TIMEOUT = 60.0
WORKS = {
    "page": "{ books(first: 20) { nodes { title price { amount } authors { name } categories { name } } } }",
    "search": '{ books(first: 20, filter: {text: "garden", inStock: true}) { totalCount nodes { title } } }',
}
"""A page by keyset, and a search, whose statements are planned for each execution."""


@dataclass(frozen=True, slots=True)
class Route:
    """A way to PostgreSQL: its address, and the process of the pooler on it."""

    title: str
    dsn: str
    pooler: int | None


@dataclass(frozen=True, slots=True)
class Sample:
    """One round: seconds of each request, and CPU seconds of a request by process. `sessions` use `memory` MB."""

    latencies: Sequence[float]
    server_cpu: float
    pooler_cpu: float
    postgres_cpu: float
    sessions: int
    memory: float


@dataclass(frozen=True, slots=True)
class Cost:
    """The medians of the rounds: times and CPU in milliseconds a request, memory in MB."""

    p50: float
    p99: float
    server_cpu: float
    pooler_cpu: float
    postgres_cpu: float
    sessions: int
    memory: float


def summarize(samples: Sequence[Sample]) -> Cost:
    def milliseconds(values: Sequence[float]) -> float:
        return 1000 * median(values)

    return Cost(
        milliseconds([percentile(sample.latencies, 0.5) for sample in samples]),
        milliseconds([percentile(sample.latencies, 0.99) for sample in samples]),
        milliseconds([sample.server_cpu for sample in samples]),
        milliseconds([sample.pooler_cpu for sample in samples]),
        milliseconds([sample.postgres_cpu for sample in samples]),
        round(median([sample.sessions for sample in samples])),
        median([sample.memory for sample in samples]),
    )


def percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


async def measure(route: Route, postmaster: int, *, processes: int, seconds: float) -> dict[str, Sample]:
    """Return a round of each work, over the pools of a number of processes, all of whose connections are open."""
    cache = DocumentCache(schema_for(Role.PUBLIC))
    documents = {title: cache.get(text, None) for title, text in WORKS.items()}
    async with open_pools(route.dsn, processes) as pools:
        for document in documents.values():
            for pool in pools:
                await asyncio.gather(*(run(pool, document) for _ in range(POOL_SIZE)))
        return {
            title: await measure_work(route, postmaster, pools, document, seconds)
            for title, document in documents.items()
        }


@asynccontextmanager
async def open_pools(dsn: str, number: int) -> AsyncGenerator[list[ConnectionPool]]:
    """Yield pools whose connections are all open."""
    pools = [
        ConnectionPool(dsn, size=POOL_SIZE, command_timeout=TIMEOUT, acquire_timeout=TIMEOUT)
        for _ in range(number)
    ]
    try:
        for pool in pools:
            held = await asyncio.gather(*(pool.acquire() for _ in range(POOL_SIZE)))
            for connection in held:
                pool.release(connection)
        yield pools
    finally:
        await asyncio.gather(*(pool.close(TIMEOUT) for pool in pools))


async def measure_work(
    route: Route, postmaster: int, pools: Sequence[ConnectionPool], document: Document, seconds: float
) -> Sample:
    latencies: list[float] = []
    numbers = count()
    gc.collect()
    before = read_cpu(route, postmaster)
    stop_at = time.perf_counter() + seconds

    async def send() -> None:
        while (started_at := time.perf_counter()) < stop_at:
            await run(pools[next(numbers) % len(pools)], document)
            latencies.append(time.perf_counter() - started_at)

    await asyncio.gather(*(send() for _ in range(IN_FLIGHT)))
    after = read_cpu(route, postmaster)
    server, pooler, postgres = (
        (end - start) / len(latencies) for start, end in zip(before, after, strict=True)
    )
    sessions = [pid for pid in process_tree(postmaster) if is_session(pid)]
    return Sample(latencies, server, pooler, postgres, len(sessions), sum(map(private_mb, sessions)))


async def run(pool: ConnectionPool, document: Document) -> None:
    """Run an operation over a pool. Raises RuntimeError if it has an error."""
    outcome = await run_operation(document.prepare(None), Context(NullViewCounter(pool), pool))
    if outcome.result.errors:
        raise RuntimeError(outcome.result.errors[0].message)


def read_cpu(route: Route, postmaster: int) -> tuple[float, float, float]:
    """Return the CPU seconds of this process, of the pooler and of PostgreSQL."""
    pooler = cpu_seconds_of(route.pooler) if route.pooler else 0.0
    return time.process_time(), pooler, cpu_seconds_of(postmaster)


def is_session(pid: int) -> bool:
    """Return whether a process of PostgreSQL serves a client."""
    return (PROC / str(pid) / "cmdline").read_bytes().startswith(b"postgres: app ")


def private_mb(pid: int) -> float:
    """Return the memory that only this process has, in MB."""
    lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    sizes = [int(line.split()[1]) for line in lines if line.startswith("Private_")]
    return sum(sizes) / 1024
