"""Pin processes to cores."""

import os
from collections.abc import Generator
from contextlib import contextmanager


class CoresUnavailableError(Exception):
    """The machine has fewer than two cores, or the system cannot pin processes to cores."""


def choose_cores() -> tuple[int, int]:
    """Return the core of the servers, and the core of PostgreSQL and the load."""
    available = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(available) < 2:
        raise CoresUnavailableError(
            "Linux and two cores are required: one for the server, one for PostgreSQL and the load."
        )
    return available[0], available[1]


@contextmanager
def pin_to_core(core: int) -> Generator[None]:
    """Pin this process, and the processes it starts within the block, to one core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
