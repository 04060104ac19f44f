"""Forecasts of larger machines by queueing theory, from the CPU time that a request takes.

Utilisation law: a station of c cores at utilisation U serves X = U c / D requests a second, where D is the CPU
time of a request there. A server process is one thread with a queue of its own, hence M/M/1. A backend of
PostgreSQL runs on any core of its station, hence M/M/c, whose waits are those of Erlang's formula C.

The model knows nothing of what processes share beside cores: locks, caches and the bandwidth of memory. Its
forecasts are therefore upper limits of throughput.
"""

import math
from dataclasses import dataclass

UTILISATION = 0.7
"""The share of its cores that the busiest station uses."""


@dataclass(frozen=True, slots=True)
class Demand:
    """The CPU time of a request in milliseconds: of the server, and of PostgreSQL."""

    server: float
    postgres: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """A machine whose cores are divided between server processes and PostgreSQL.

    `mean` and `p99` are milliseconds; `p99` is the sum of those of both stations, hence an upper limit.
    """

    processes: int
    postgres_cores: int
    per_second: float
    mean: float
    p99: float


def forecast(demand: Demand, cores: int, utilisation: float = UTILISATION) -> Forecast:
    """Divide the cores of a machine in proportion to the demand, and return what it bears."""
    share = demand.postgres / (demand.server + demand.postgres)
    postgres_cores = min(cores - 1, max(1, round(cores * share)))
    processes = cores - postgres_cores
    per_second = 1_000 * utilisation * min(processes / demand.server, postgres_cores / demand.postgres)
    server = demand.server / (1 - per_second * demand.server / 1_000 / processes)
    offered = per_second * demand.postgres / 1_000
    wait = waiting_probability(postgres_cores, offered) * demand.postgres / (postgres_cores - offered)
    mean = server + demand.postgres + wait
    return Forecast(processes, postgres_cores, per_second, mean, math.log(100) * mean)


def waiting_probability(servers: int, offered: float) -> float:
    """Return the share of arrivals that wait, by Erlang's formula C. `offered` is the number of busy servers."""
    blocked = 1.0
    for number in range(1, servers + 1):
        blocked = offered * blocked / (number + offered * blocked)
    return blocked / (1 - offered / servers * (1 - blocked))
