"""The speed of this machine, measured in the run whose times are compared with it."""

from collections.abc import Callable
from time import perf_counter, thread_time

from graphql import parse

DOCUMENT = "{ " + " ".join(f"a{n}: books {{ nodes {{ id title }} }}" for n in range(200)) + " }"
REFERENCE_SECONDS = 0.01
"""Seconds to parse DOCUMENT on the reference machine, for which the bounds on times were chosen."""


def measure_cpu_slowness() -> float:
    """Return how many times slower a CPU of this machine is than the reference; at least 1."""
    return _measure_slowness(thread_time)


def measure_slowness() -> float:
    """Return the same in wall-clock time, so that a busy machine counts as a slow one."""
    return _measure_slowness(perf_counter)


def _measure_slowness(clock: Callable[[], float]) -> float:
    times: list[float] = []
    for _ in range(5):
        began = clock()
        parse(DOCUMENT)
        times.append(clock() - began)
    return max(1.0, min(times) / REFERENCE_SECONDS)
