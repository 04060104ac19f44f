"""Request deadlines: a request is cancelled when its time is up or its client disconnects."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any

from starlette.types import Scope

from graphql_api.http.graphql_requests import ClientDisconnectedError
from graphql_api.http.responses import HttpError, service_unavailable

DISCONNECTED_EXTENSION = "bookstore.is_disconnected"
"""The ASGI extension that holds a function: whether the client has disconnected.

Waiting for ASGI's `http.disconnect` message would take one more task per request.
"""

RECEIVED_EXTENSION = "bookstore.received_at"
"""The ASGI extension that holds when the request was received, in seconds of the event loop's clock."""

CHECK_INTERVAL = 0.1
"""How often deadlines and disconnects are checked, in seconds."""


class DeadlineMonitor:
    """Checks all active requests of a process. `timeout` is in seconds."""

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        self.interval = min(CHECK_INTERVAL, timeout)
        self.active: set[RequestDeadline] = set()
        self.timer: asyncio.TimerHandle | None = None

    def add(self, deadline: "RequestDeadline", loop: asyncio.AbstractEventLoop) -> None:
        self.active.add(deadline)
        if self.timer is None:
            self.timer = loop.call_later(self.interval, self._check, loop)

    def _check(self, loop: asyncio.AbstractEventLoop) -> None:
        expired = loop.time() - self.timeout
        for deadline in self.active:
            if deadline.is_disconnected():
                deadline.cancel(ClientDisconnectedError)
            elif deadline.received_at <= expired:
                deadline.cancel(self.timeout_error)
        self.timer = loop.call_later(self.interval, self._check, loop) if self.active else None

    def timeout_error(self) -> HttpError:
        return service_unavailable(
            f"The request took longer than {self.timeout:g} seconds (REQUEST_TIMEOUT).", "TIMEOUT"
        )


def never_disconnected() -> bool:
    """Answer for servers that do not report disconnects."""
    return False


class RequestDeadline:
    """A context that cancels its task at the deadline or when the client disconnects.

    It then raises HttpError or ClientDisconnectedError in place of CancelledError. Entering it raises
    HttpError if the request has waited past its deadline.
    """

    __slots__ = ("cancel_reason", "is_disconnected", "monitor", "received_at", "task")

    def __init__(self, scope: Scope, monitor: DeadlineMonitor) -> None:
        extensions: dict[str, Any] = scope.get("extensions") or {}
        self.is_disconnected: Callable[[], bool] = extensions.get(DISCONNECTED_EXTENSION, never_disconnected)
        self.received_at: float = extensions.get(RECEIVED_EXTENSION, 0.0)
        self.monitor = monitor
        self.cancel_reason: Callable[[], Exception] | None = None

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        self.task = asyncio.current_task(loop)
        now = loop.time()
        self.received_at = self.received_at or now
        if self.received_at + self.monitor.timeout <= now:
            raise self.monitor.timeout_error()
        self.monitor.add(self, loop)

    def cancel(self, reason: Callable[[], Exception]) -> None:
        """Cancel the task, once."""
        if self.task and not self.cancel_reason:
            self.cancel_reason = reason
            self.task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.monitor.active.discard(self)
        if self.cancel_reason and self.task and isinstance(error, asyncio.CancelledError):
            self.task.uncancel()
            raise self.cancel_reason() from None
