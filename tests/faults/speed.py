"""The speed of this machine, measured in the run whose times are compared with it."""

from collections.abc import Callable
from time import perf_counter, thread_time

from graphql import parse

WORK = "{ " + " ".join(f"a{n}: books {{ nodes {{ id title }} }}" for n in range(200)) + " }"
REFERENCE_SECONDS = 0.01
"""What parsing WORK takes on the machine that the bounds on time were made on."""


def cpu_slowness() -> float:
    """How many times slower a CPU of this machine is than the reference; at least 1."""
    return _slowness(thread_time)


def slowness() -> float:
    """The same by the clock on the wall, so that a busy machine is a slow one."""
    return _slowness(perf_counter)


def _slowness(clock: Callable[[], float]) -> float:
    times: list[float] = []
    for _ in range(5):
        began = clock()
        parse(WORK)
        times.append(clock() - began)
    return max(1.0, min(times) / REFERENCE_SECONDS)
