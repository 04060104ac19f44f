"""Time-outs of connections: reading a request, writing a response, keep-alive."""

import asyncio
from collections.abc import Collection
from typing import Protocol

TIMEOUT_CHECK_INTERVAL = 0.5
"""How often the time-outs of all connections are checked, in seconds."""


class ConnectionTimeouts:
    """What a connection waits for, and since when, in seconds of the event loop's clock."""

    __slots__ = (
        "_client_timeout",
        "_keep_alive_timeout",
        "_stalled_since",
        "_unsent",
        "idle_since",
        "read_started_at",
    )

    def __init__(self, client_timeout: float, keep_alive_timeout: float, now: float) -> None:
        self._client_timeout = client_timeout
        self._keep_alive_timeout = keep_alive_timeout
        self._unsent = 0
        self._stalled_since = now
        self.read_started_at: float | None = now
        """Since when a request is expected or incomplete; None between requests."""
        self.idle_since: float | None = None
        """When the last response was complete."""

    def is_read_expired(self, now: float) -> bool:
        """Return whether the client has taken too long to send a request."""
        return self.read_started_at is not None and now - self.read_started_at >= self._client_timeout

    def is_write_expired(self, now: float, unsent: int) -> bool:
        """Return whether the client has taken none of the `unsent` bytes for too long."""
        if unsent != self._unsent or not unsent:
            self._unsent, self._stalled_since = unsent, now
            return False
        return now - self._stalled_since >= self._client_timeout

    def is_keep_alive_expired(self, now: float, unsent: int) -> bool:
        """Return whether the client has sent no request for too long since it took the last response."""
        if self.read_started_at is not None or self.idle_since is None or unsent:
            return False
        return now - self.idle_since >= self._keep_alive_timeout


class Monitored(Protocol):
    """A connection whose time-outs are checked."""

    def check_timeouts(self, now: float) -> None: ...


class TimeoutMonitor:
    """Checks the time-outs of all connections of a process with one timer."""

    def __init__(self) -> None:
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, connections: Collection[Monitored], loop: asyncio.AbstractEventLoop) -> None:
        """Check these connections, and those added later, until none is left."""
        if self._timer is None:
            self._timer = loop.call_later(TIMEOUT_CHECK_INTERVAL, self._check, connections, loop)

    def _check(self, connections: Collection[Monitored], loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for connection in tuple(connections):
            connection.check_timeouts(now)
        self._timer = None
        if connections:
            self.watch(connections, loop)
