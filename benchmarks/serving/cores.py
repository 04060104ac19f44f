"""Who runs on which core."""

import os
from collections.abc import Generator
from contextlib import contextmanager


class NoCores(Exception):
    """The machine has too few cores, or is none that processes can be pinned on."""


def cores() -> tuple[int, int]:
    """The core of the servers, and that of PostgreSQL and the load."""
    available = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(available) < 2:
        raise NoCores("Linux and two cores are needed: one for the server, one for PostgreSQL and the load.")
    return available[0], available[1]


@contextmanager
def pinned(core: int) -> Generator[None]:
    """This process, and what it starts within the block, run on this core alone."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
