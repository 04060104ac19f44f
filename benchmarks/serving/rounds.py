"""Measure: compare the responses, warm up the servers, then measure in rounds, each server in turn."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from benchmarks.serving.load import fetch_response, run_load
from benchmarks.serving.meters import cpu_seconds_of
from benchmarks.serving.responses import ResponseMismatchError, require_equal
from benchmarks.serving.servers import RunningServer
from benchmarks.serving.workloads import OURS, Workload
from graphql_api.execution.documents import DocumentCache
from graphql_api.execution.limits import LIMITS
from graphql_api.schema import schema

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


async def require_same_responses(
    servers: Sequence[RunningServer], works: Sequence[Workload], values: Mapping[str, Sequence[str]]
) -> None:
    """Raise ResponseMismatchError unless all servers' responses are equal, and ours uses its plans."""
    for work in works:
        plan = (
            DocumentCache(schema, limits=replace(LIMITS, cost=20_000))
            .get(work.text(OURS), work.operation)
            .plan_for({})
        )
        if isinstance(plan, str):
            raise ResponseMismatchError(
                f"{work.operation} has no plan, so graphql-core would be measured: {plan}"
            )
        for value in values[work.key][:COMPARED_REQUESTS]:
            responses = {
                each.server.key: await fetch_response(each.port, work.body(each.server.dialect, value))
                for each in servers
            }
            require_equal(work, value, responses)
            same = {responses[each.server.key] for each in servers if each.server.dialect == OURS}
            if len(same) > 1:
                raise ResponseMismatchError(
                    f"{work.operation}({value!r}) has the same content but different bytes: {same}"
                )


async def measure_rounds(
    servers: Sequence[RunningServer],
    works: Sequence[Workload],
    values: Mapping[str, Sequence[str]],
    postmaster: int,
    plan: Schedule,
    report_progress: Callable[[str], None],
) -> list[Sample]:
    """Return the samples of all servers, workloads and rounds.

    Within a round, the servers run each workload in turn. Every round starts with another server, so that no
    server always follows the same one.
    """
    bodies = {
        (each.server.key, work.key): [work.body(each.server.dialect, value) for value in values[work.key]]
        for each in servers
        for work in works
    }
    for work in works:
        for each in servers:
            report_progress(f"warming up: {work.title}, {each.server.title}")
            requests = bodies[each.server.key, work.key]
            await run_load(each.port, requests, connections=plan.connections, seconds=plan.warm_up)
    samples: list[Sample] = []
    for number in range(plan.rounds):
        start = number % len(servers)
        for work in works:
            for each in (*servers[start:], *servers[:start]):
                report_progress(f"round {number + 1} of {plan.rounds}: {work.title}, {each.server.title}")
                requests = bodies[each.server.key, work.key]
                samples.append(await measure_sample(each, work, number, requests, postmaster, plan))
    return samples


async def measure_sample(
    running: RunningServer,
    work: Workload,
    number: int,
    requests: Sequence[bytes],
    postmaster: int,
    plan: Schedule,
) -> Sample:
    server_before, postgres_before = cpu_seconds_of(running.pid), cpu_seconds_of(postmaster)
    load_result = await run_load(running.port, requests, connections=plan.connections, seconds=plan.seconds)
    server_cpu, postgres_cpu = (
        cpu_seconds_of(running.pid) - server_before,
        cpu_seconds_of(postmaster) - postgres_before,
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
