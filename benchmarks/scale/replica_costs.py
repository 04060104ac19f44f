"""Measure every work without replicas and with two: where a request's CPU time goes.

Two primaries with equal catalogs run beside each other, one of them with two hot standbys, and a server for
each. They take turns. What each group of processes takes without requests is measured apart and left out.
"""

from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.scale.accounting import Cost, Groups, LoadPlan, measure_cost, measure_idle, median_of
from benchmarks.scale.fronts import Front, run_workers
from benchmarks.scale.private_postgres import PrivatePostgres, postmaster_of
from benchmarks.serving.catalog import Catalog, add_editor
from benchmarks.serving.load import LoadError, build_requests
from benchmarks.serving.offers import count_changes
from benchmarks.serving.workloads import OURS, Workload
from db.connections.connect import connect
from db.connections.positions import read_server_state
from graphql_api.access.keys import generate_key
from tests.waiting import until

SERVER, PRIMARY, REPLICAS = "server", "primary", "replicas"
REPLICA_COUNT = 2
IDLE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Deployment:
    """A server with its primary and replicas. `positions` has the requests that each work that writes has sent."""

    title: str
    postgres: PrivatePostgres
    front: Front
    key: str
    positions: Counter[str] = field(default_factory=Counter[str])

    @property
    def groups(self) -> Groups:
        return {
            SERVER: self.front.parents,
            PRIMARY: (postmaster_of(self.postgres.primary),),
            REPLICAS: tuple(map(postmaster_of, self.postgres.standbys)),
        }


@dataclass(frozen=True, slots=True)
class DeploymentCosts:
    """The costs of the works, and the CPU time in milliseconds a second that each group takes without requests."""

    title: str
    costs: Mapping[str, Cost]
    idle: Mapping[str, float]

    def bears(self, work: str) -> float:
        """Return the requests a second that PostgreSQL bears by CPU accounting, if each server has one core."""
        cpu = self.costs[work].cpu
        return 1_000 / max(cpu[PRIMARY], cpu[REPLICAS] / REPLICA_COUNT, 1e-6)


@contextmanager
def run_deployment(postgres: PrivatePostgres, folder: Path, editor: str) -> Generator[Deployment]:
    """Run a server for a catalog and the standbys that it has."""
    settings: dict[str, str] = {}
    if postgres.standbys:
        settings["REPLICA_URLS"] = " ".join(each.dsn for each in postgres.standbys)
    with run_workers(1, postgres.primary.dsn, folder, **settings) as front:
        title = f"{len(postgres.standbys)} replicas" if postgres.standbys else "no replica"
        yield Deployment(title, postgres, front, editor)


async def add_editor_key(postgres: PrivatePostgres, books: int) -> str:
    """Add an editor's access key to a catalog, and return it."""
    key = generate_key()
    await add_editor(Catalog(postgres.primary.dsn, postmaster_of(postgres.primary), books, key))
    return key


def measure_deployments(
    deployments: Sequence[Deployment],
    works: Sequence[Workload],
    values: Mapping[str, Sequence[Any]],
    plan: LoadPlan,
) -> list[DeploymentCosts]:
    return uvloop.run(_measure_deployments(deployments, works, values, plan))


async def _measure_deployments(
    deployments: Sequence[Deployment],
    works: Sequence[Workload],
    values: Mapping[str, Sequence[Any]],
    plan: LoadPlan,
) -> list[DeploymentCosts]:
    idle = {each.title: await measure_idle(each.groups, IDLE_SECONDS) for each in deployments}
    costs: dict[str, dict[str, Cost]] = {each.title: {} for each in deployments}
    for work in works:
        samples: dict[str, list[Cost]] = {each.title: [] for each in deployments}
        for seconds in (plan.warm_up, *[plan.seconds] * plan.rounds):
            for each in deployments:
                cost = await measure_work(each, work, values[work.key], plan.connections, seconds)
                samples[each.title].append(without_idle(cost, idle[each.title]))
        for title, measured in samples.items():
            costs[title][work.key] = median_of(measured[1:])
    return [DeploymentCosts(each.title, costs[each.title], idle[each.title]) for each in deployments]


async def measure_work(
    deployment: Deployment, work: Workload, values: Sequence[Any], connections: int, seconds: float
) -> Cost:
    """Run a work until the replicas have replayed it.

    Raises LoadError if a request of a work that writes has not changed all of its books.
    """
    dsn = deployment.postgres.primary.dsn
    changes = await count_changes(dsn, values) if work.writes else 0
    cost = await measure_cost(
        deployment.front.port,
        build_requests(work.bodies(OURS, values), deployment.key),
        deployment.groups,
        connections=connections,
        seconds=seconds,
        start=deployment.positions[work.key],
        settle=lambda: wait_for_replay(deployment.postgres),
    )
    if work.writes:
        deployment.positions[work.key] += cost.requests
        changes = await count_changes(dsn, values) - changes
        if changes != work.offers * cost.requests:
            raise LoadError(
                f"{deployment.title}: {cost.requests:,} requests of {work.key} changed {changes:,} books;"
                f" each must change {work.offers:,}."
            )
    return cost


def without_idle(cost: Cost, idle: Mapping[str, float]) -> Cost:
    """Leave out what the groups would have taken without requests."""
    spent = {name: max(0.0, each - idle[name] / cost.per_second) for name, each in cost.cpu.items()}
    return Cost(cost.requests, cost.per_second, cost.p50, cost.p99, spent, cost.load_cpu)


async def wait_for_replay(postgres: PrivatePostgres) -> None:
    """Wait until all standbys have replayed what the primary has written."""
    if not postgres.standbys:
        return
    connections = [
        await connect(each.dsn, application_name="benchmark")
        for each in (postgres.primary, *postgres.standbys)
    ]

    async def has_caught_up() -> bool:
        written, *replayed = [(await read_server_state(each)).position.lsn for each in connections]
        return min(replayed) >= written

    try:
        await until(has_caught_up)
    finally:
        for each in connections:
            each.terminate()
