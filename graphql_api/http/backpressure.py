"""Backpressure: connections whose requests were rejected are read from at a limited rate."""

import asyncio
from collections import deque
from typing import Protocol

RESUME_BATCH = 50
"""How many rejected connections are read from again at a time."""

RESUME_INTERVAL = 0.005
"""How often a batch is read from again, in seconds."""


class Pausable(Protocol):
    """A connection that can stop reading."""

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class ReadThrottle:
    """Limits how fast rejected connections are read, so that retries do not starve admitted requests."""

    def __init__(self) -> None:
        self._paused: deque[Pausable] = deque()

    def throttle(self, connection: Pausable, loop: asyncio.AbstractEventLoop) -> None:
        """Stop reading from a connection until its turn comes."""
        connection.pause_reading()
        if not self._paused:
            loop.call_later(RESUME_INTERVAL, self._resume_batch, loop)
        self._paused.append(connection)

    def _resume_batch(self, loop: asyncio.AbstractEventLoop) -> None:
        for _ in range(min(RESUME_BATCH, len(self._paused))):
            self._paused.popleft().resume_reading()
        if self._paused:
            loop.call_later(RESUME_INTERVAL, self._resume_batch, loop)
