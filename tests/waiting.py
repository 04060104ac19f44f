"""Waiting for an event: poll a condition, under a guard that no working machine reaches."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Any, TypeVar

T = TypeVar("T")

GUARD = 60.0
"""Maximum seconds that a test waits for an event before it fails."""

POLL_INTERVAL = 0.01
"""Seconds between two evaluations of a condition."""


async def until(condition: Callable[[], T | Awaitable[T]], guard: float = GUARD) -> T:
    """Return the condition's first true value. The event loop is not blocked.

    The condition may be a coroutine function. Raises AssertionError after `guard` seconds.
    """
    deadline = time.monotonic() + guard
    while True:
        value = condition()
        result: Any = await value if isawaitable(value) else value
        if result:
            return result
        assert time.monotonic() < deadline, f"still {result!r} after {guard:g} seconds"
        await asyncio.sleep(POLL_INTERVAL)


def wait_until(condition: Callable[[], T], guard: float = GUARD) -> T:
    """Return the condition's first true value. Block the thread. Raises AssertionError after `guard` seconds."""
    deadline = time.monotonic() + guard
    while not (result := condition()):
        assert time.monotonic() < deadline, f"still {result!r} after {guard:g} seconds"
        time.sleep(POLL_INTERVAL)
    return result
