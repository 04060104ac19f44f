"""Vigil: a request's work ends when its client leaves or its time is up."""

import asyncio
from types import TracebackType

from starlette.types import Receive

from graphql_api.http.answers import unavailable
from graphql_api.http.requests import ClientLeft

FIRST_LOOK = 0.1
"""Most requests are answered sooner, in which time nobody looks after them: no timer, and no task."""


class Watch:
    """Looks now and then for requests that take long, and begins their vigils."""

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        self.every = min(FIRST_LOOK, timeout)
        self.under_way: set[Vigil] = set()
        self.timer: asyncio.TimerHandle | None = None

    def add(self, vigil: "Vigil") -> None:
        self.under_way.add(vigil)
        if self.timer is None:
            self.timer = vigil.loop.call_later(self.every, self.look, vigil.loop)

    def look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin the vigils of those that were under way at the last look already."""
        before = loop.time() - self.every
        for vigil in self.under_way:
            if vigil.watching is None and vigil.began <= before:
                vigil.watching = loop.create_task(vigil.watch())
        self.timer = loop.call_later(self.every, self.look, loop) if self.under_way else None


class Vigil:
    """A context that cancels the task within it, and raises ClientLeft or a Refusal in its place."""

    __slots__ = ("began", "ended", "loop", "receive", "task", "watch_over", "watching")

    def __init__(self, receive: Receive, watch: Watch) -> None:
        self.receive = receive
        self.watch_over = watch
        self.watching: asyncio.Task[None] | None = None
        self.ended: Exception | None = None

    def __enter__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.task = asyncio.current_task(self.loop)
        self.began = self.loop.time()
        self.watch_over.add(self)

    async def watch(self) -> None:
        timeout = self.watch_over.timeout
        try:
            async with asyncio.timeout_at(self.began + timeout):
                while (await self.receive())["type"] != "http.disconnect":
                    pass
            self.ended = ClientLeft()
        except TimeoutError:
            self.ended = unavailable(
                f"The request took longer than {timeout:g} seconds (REQUEST_TIMEOUT).", "TIMEOUT"
            )
        if self.task:
            self.task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.watch_over.under_way.discard(self)
        if self.watching:
            self.watching.cancel()
            self.watching = None  # it holds us, and its frames, until it is let go
        if self.ended and self.task and isinstance(error, asyncio.CancelledError):
            self.task.uncancel()
            raise self.ended from None
