"""Admission control: requests run, wait in a bounded queue, or are rejected."""

from typing import Protocol

from graphql_api.http.responses import HttpError, service_unavailable

BURST_SECONDS = 5.0
"""A queue that has not been empty for longer than this is sustained load, not a burst."""

SUSTAINED_LOAD_FACTOR = 1 / 8
"""The share of the queue's limit that is left under sustained load."""


ADMISSION_STATE = "admission"
"""The key of the admission control in the state of an ASGI scope."""


class Startable(Protocol):
    """A request that can be admitted. It calls `release` once when it has ended."""

    def start(self) -> None: ...


class Admission:
    """Runs at most `max_running` requests at once and queues at most `queue_limit` more.

    The queue absorbs bursts. A queue that never drains adds latency without adding throughput, so its limit
    is lowered under sustained load (CoDel: Nichols and Jacobson, Controlling Queue Delay, 2012).
    Times are seconds of the event loop's clock.
    """

    def __init__(self, max_running: int, queue_limit: int) -> None:
        self.max_running = max_running
        self.queue_limit = queue_limit
        self.running = 0
        self.waiters: dict[Startable, None] = {}  # a queue from which each entry can be removed at once
        self.queued_since = 0.0

    def has_capacity(self, now: float) -> bool:
        """Return whether one more request can run or wait."""
        return self.running < self.max_running or len(self.waiters) < self.current_queue_limit(now)

    def current_queue_limit(self, now: float) -> float:
        is_sustained = self.waiters and now - self.queued_since > BURST_SECONDS
        return self.queue_limit * SUSTAINED_LOAD_FACTOR if is_sustained else self.queue_limit

    def admit(self, request: Startable, now: float) -> None:
        """Start a request, or queue it until another one ends. The caller has checked `has_capacity`."""
        if self.running < self.max_running:
            self.running += 1
            request.start()
            return
        if not self.waiters:
            self.queued_since = now
        self.waiters[request] = None

    def withdraw(self, request: Startable) -> None:
        """Remove a request from the queue: its client has disconnected."""
        self.waiters.pop(request, None)

    def release(self) -> None:
        """Start the next request of the queue in place of one that has ended."""
        for waiter in self.waiters:
            del self.waiters[waiter]
            waiter.start()
            return
        self.running -= 1

    def overload_error(self) -> HttpError:
        return service_unavailable(
            f"The server is overloaded: {self.max_running:,} requests are running (MAX_CONCURRENT_REQUESTS) "
            "and the queue is full (MAX_QUEUED_REQUESTS). Retry later."
        )
