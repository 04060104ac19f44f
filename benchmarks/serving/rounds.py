"""Measure: compare the responses, warm up the servers, then measure in rounds, each server in turn."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from benchmarks.serving.catalog import Catalog
from benchmarks.serving.load import LoadError, build_requests, fetch_response, run_load
from benchmarks.serving.meters import cpu_seconds_of
from benchmarks.serving.offers import count_changes
from benchmarks.serving.responses import ResponseMismatchError, require_equal
from benchmarks.serving.servers import RunningServer
from benchmarks.serving.workloads import OURS, Workload
from graphql_api.access.roles import Role
from graphql_api.execution.documents import DocumentCache
from graphql_api.execution.limits import LIMITS
from graphql_api.schema import schema_for

COMPARED_REQUESTS = 50
"""Number of requests of each workload whose responses are compared across all servers."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """The concurrent connections, the rounds, and the seconds per server, workload and round."""

    connections: int
    rounds: int
    seconds: float
    warm_up: float


@dataclass(frozen=True, slots=True)
class Sample:
    """One server under one workload in one round. Latencies and CPU per request are in milliseconds."""

    server: str
    work: str
    round: int
    requests: int
    per_second: float
    p50: float
    p99: float
    server_cpu: float
    postgres_cpu: float
    load_cpu: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """The workloads and the servers that are compared on one catalog.

    `positions` has the number of requests that each work that writes has sent so far. The next server continues
    there, so that its requests change something, too.
    """

    servers: Sequence[RunningServer]
    works: Sequence[Workload]
    values: Mapping[str, Sequence[Any]]
    catalog: Catalog
    positions: Counter[str] = field(default_factory=Counter[str])

    def requests_of(self, running: RunningServer, work: Workload, values: Sequence[Any]) -> list[bytes]:
        return build_requests(work.bodies(running.server.dialect, values), self.catalog.key)

    async def changes_of(self, work: Workload) -> int:
        """Return the number of changes of the work's books so far; 0 for a work that reads."""
        return await count_changes(self.catalog.dsn, self.values[work.key]) if work.writes else 0


async def require_same_responses(comparison: Comparison) -> None:
    """Raise ResponseMismatchError unless all servers' responses are equal, and ours uses its plans."""
    for work in comparison.works:
        require_plan(work)
        for values in compared_values(work, comparison.values[work.key]):
            responses = {
                each.server.key: [
                    await fetch_response(each.port, request)
                    for request in comparison.requests_of(each, work, values)
                ]
                for each in comparison.servers
            }
            for number, value in enumerate(values):
                require_equal(work, value, {key: bodies[number] for key, bodies in responses.items()})
            require_same_bytes(work, values, comparison.servers, responses)


def compared_values(work: Workload, values: Sequence[Any]) -> list[Sequence[Any]]:
    """Return the values that each server gets before the next one: if they write, the last one undoes the first."""
    if not work.writes:
        return [[value] for value in values[:COMPARED_REQUESTS]]
    half = len(values) // 2
    return [[values[number], values[half + number]] for number in range(min(COMPARED_REQUESTS, half))]


def require_plan(work: Workload) -> None:
    role = Role.EDITOR if work.writes else Role.PUBLIC
    documents = DocumentCache(schema_for(role), limits=replace(LIMITS, cost=20_000))
    plan = documents.get(work.text(OURS), work.operation).plan_for({})
    if isinstance(plan, str):
        raise ResponseMismatchError(
            f"{work.operation} has no plan, so graphql-core would be measured: {plan}"
        )


def require_same_bytes(
    work: Workload,
    values: Sequence[Any],
    servers: Sequence[RunningServer],
    responses: Mapping[str, Sequence[bytes]],
) -> None:
    """Raise ResponseMismatchError unless the servers with our dialect send the same bytes."""
    same = {tuple(responses[each.server.key]) for each in servers if each.server.dialect == OURS}
    if len(same) > 1:
        raise ResponseMismatchError(
            f"{work.operation}({values!r}) has the same content but different bytes: {same}"
        )


async def measure_rounds(
    comparison: Comparison, schedule: Schedule, report_progress: Callable[[str], None]
) -> list[Sample]:
    """Return the samples of all servers, workloads and rounds.

    Within a round, the servers run each workload in turn. Every round starts with another server, so that no
    server always follows the same one.
    """
    servers, works = comparison.servers, comparison.works
    requests = {
        (each.server.key, work.key): comparison.requests_of(each, work, comparison.values[work.key])
        for each in servers
        for work in works
    }
    warm_up = replace(schedule, seconds=schedule.warm_up)
    for work in works:
        for each in servers:
            report_progress(f"warming up: {work.title}, {each.server.title}")
            await measure_sample(each, work, 0, requests[each.server.key, work.key], comparison, warm_up)
    samples: list[Sample] = []
    for number in range(schedule.rounds):
        start = number % len(servers)
        for work in works:
            for each in (*servers[start:], *servers[:start]):
                report_progress(f"round {number + 1} of {schedule.rounds}: {work.title}, {each.server.title}")
                ours = requests[each.server.key, work.key]
                samples.append(await measure_sample(each, work, number, ours, comparison, schedule))
    return samples


async def measure_sample(
    running: RunningServer,
    work: Workload,
    number: int,
    requests: Sequence[bytes],
    comparison: Comparison,
    schedule: Schedule,
) -> Sample:
    """Run a load. Raise LoadError if a request of a work that writes has not changed all of its books."""
    changes_before = await comparison.changes_of(work)
    server_before, postgres_before = (
        cpu_seconds_of(running.pid),
        cpu_seconds_of(comparison.catalog.postmaster),
    )
    load_result = await run_load(
        running.port,
        requests,
        connections=schedule.connections,
        seconds=schedule.seconds,
        start=comparison.positions[work.key],
    )
    server_cpu, postgres_cpu = (
        cpu_seconds_of(running.pid) - server_before,
        cpu_seconds_of(comparison.catalog.postmaster) - postgres_before,
    )
    if work.writes:
        comparison.positions[work.key] += load_result.requests
        changes = await comparison.changes_of(work) - changes_before
        if changes != work.offers * load_result.requests:
            raise LoadError(
                f"{running.server.title} changed {changes:,} books in {load_result.requests:,} requests of"
                f" {work.key}; each must change {work.offers:,}."
            )
    return Sample(
        server=running.server.key,
        work=work.key,
        round=number,
        requests=load_result.requests,
        per_second=load_result.requests / load_result.seconds,
        p50=load_result.percentile(0.5) * 1000,
        p99=load_result.percentile(0.99) * 1000,
        server_cpu=server_cpu / load_result.requests * 1000,
        postgres_cpu=postgres_cpu / load_result.requests * 1000,
        load_cpu=load_result.cpu / load_result.requests * 1000,
    )
