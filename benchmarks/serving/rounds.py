"""The measuring: answers compared first, servers warmed up, then round after round, each server in turn."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from benchmarks.serving.answers import Disagreement, require_same
from benchmarks.serving.load import answer_of, load
from benchmarks.serving.meters import cpu_of
from benchmarks.serving.servers import Running
from benchmarks.serving.works import OURS, Work
from graphql_api.execution.documents import Documents
from graphql_api.execution.limits import LIMITS
from graphql_api.schema import schema

COMPARED = 50
"""So many requests of each work are put to all servers and their answers compared."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long is measured: connections at once, rounds, and seconds for each server, work and round."""

    connections: int
    rounds: int
    seconds: float
    warm_up: float


@dataclass(frozen=True, slots=True)
class Sample:
    """One server at one work in one round. Latencies and CPU in milliseconds, CPU for each request."""

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


async def compare(
    servers: Sequence[Running], works: Sequence[Work], values: Mapping[str, Sequence[str]]
) -> None:
    """Raise Disagreement unless all servers give the same answers, and ours gives them by its plans."""
    for work in works:
        plan = (
            Documents(schema, limits=replace(LIMITS, cost=20_000))
            .find(work.text(OURS), work.operation)
            .plan({})
        )
        if isinstance(plan, str):
            raise Disagreement(f"{work.operation} is not planned, stock execution would be measured: {plan}")
        for value in values[work.key][:COMPARED]:
            answers = {
                each.server.key: await answer_of(each.port, work.body(each.server.dialect, value))
                for each in servers
            }
            require_same(work, value, answers)
            same = {answers[each.server.key] for each in servers if each.server.dialect == OURS}
            if len(same) > 1:
                raise Disagreement(
                    f"{work.operation}({value!r}) has the same content but other bytes: {same}"
                )


async def measure(
    servers: Sequence[Running],
    works: Sequence[Work],
    values: Mapping[str, Sequence[str]],
    postmaster: int,
    plan: Plan,
    tell: Callable[[str], None],
) -> list[Sample]:
    """Samples of all servers, works and rounds. Within a round the servers take turns at each work, and
    every round begins with another one, so that none always follows the same."""
    bodies = {
        (each.server.key, work.key): [work.body(each.server.dialect, value) for value in values[work.key]]
        for each in servers
        for work in works
    }
    for work in works:
        for each in servers:
            tell(f"warming up: {work.title}, {each.server.title}")
            requests = bodies[each.server.key, work.key]
            await load(each.port, requests, connections=plan.connections, seconds=plan.warm_up)
    samples: list[Sample] = []
    for number in range(plan.rounds):
        start = number % len(servers)
        for work in works:
            for each in (*servers[start:], *servers[:start]):
                tell(f"round {number + 1} of {plan.rounds}: {work.title}, {each.server.title}")
                requests = bodies[each.server.key, work.key]
                samples.append(await sample(each, work, number, requests, postmaster, plan))
    return samples


async def sample(
    running: Running, work: Work, number: int, requests: Sequence[bytes], postmaster: int, plan: Plan
) -> Sample:
    server_before, postgres_before = cpu_of(running.pid), cpu_of(postmaster)
    done = await load(running.port, requests, connections=plan.connections, seconds=plan.seconds)
    server_cpu, postgres_cpu = cpu_of(running.pid) - server_before, cpu_of(postmaster) - postgres_before
    return Sample(
        server=running.server.key,
        work=work.key,
        round=number,
        requests=done.requests,
        per_second=done.requests / done.seconds,
        p50=done.percentile(0.5) * 1000,
        p99=done.percentile(0.99) * 1000,
        server_cpu=server_cpu / done.requests * 1000,
        postgres_cpu=postgres_cpu / done.requests * 1000,
        load_cpu=done.cpu / done.requests * 1000,
    )
