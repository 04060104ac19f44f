"""Vigil: a request's work ends when its client leaves or its time is up."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any

from starlette.types import Scope

from graphql_api.http.graphql_requests import ClientDisconnectedError
from graphql_api.http.responses import HttpError, service_unavailable

LEFT = "bookstore.left"
"""The extension of ASGI by which our protocol tells whether the client has left. To wait for the message that
ASGI has for it takes a task for each request, just when there are many."""

LOOK_EVERY = 0.1
"""So much later than it happens, in seconds, it may be seen that a client left or a request's time is up."""


class Watch:
    """Looks now and then after all requests that are under way."""

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        self.every = min(LOOK_EVERY, timeout)
        self.under_way: set[Vigil] = set()
        self.timer: asyncio.TimerHandle | None = None

    def add(self, vigil: "Vigil", loop: asyncio.AbstractEventLoop) -> None:
        self.under_way.add(vigil)
        if self.timer is None:
            self.timer = loop.call_later(self.every, self.look, loop)

    def look(self, loop: asyncio.AbstractEventLoop) -> None:
        too_early = loop.time() - self.timeout
        for vigil in self.under_way:
            if vigil.left():
                vigil.end(ClientDisconnectedError)
            elif vigil.began <= too_early:
                vigil.end(self.timed_out)
        self.timer = loop.call_later(self.every, self.look, loop) if self.under_way else None

    def timed_out(self) -> HttpError:
        return service_unavailable(
            f"The request took longer than {self.timeout:g} seconds (REQUEST_TIMEOUT).", "TIMEOUT"
        )


def never() -> bool:
    """A client's leaving, where the server does not tell of it."""
    return False


class Vigil:
    """A context that cancels the task within it, and raises ClientLeft or a Refusal in its place."""

    __slots__ = ("began", "left", "task", "watch", "why")

    def __init__(self, scope: Scope, watch: Watch) -> None:
        extensions: dict[str, Any] = scope.get("extensions") or {}
        self.left: Callable[[], bool] = extensions.get(LEFT, never)
        self.watch = watch
        self.why: Callable[[], Exception] | None = None

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        self.task = asyncio.current_task(loop)
        self.began = loop.time()
        self.watch.add(self, loop)

    def end(self, why: Callable[[], Exception]) -> None:
        """Cancel the task, once."""
        if self.task and not self.why:
            self.why = why
            self.task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.watch.under_way.discard(self)
        if self.why and self.task and isinstance(error, asyncio.CancelledError):
            self.task.uncancel()
            raise self.why() from None
