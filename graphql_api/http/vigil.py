"""Vigil: a request's work ends when its client leaves or its time is up."""

import asyncio
from types import TracebackType

from starlette.types import Receive

from graphql_api.http.answers import unavailable
from graphql_api.http.requests import ClientLeft

FIRST_LOOK = 0.1
"""Most requests are answered sooner, and so never need a task that watches over them."""


class Vigil:
    """A context that cancels the task within it, and raises ClientLeft or a Refusal in its place."""

    def __init__(self, receive: Receive, timeout: float) -> None:
        self.receive = receive
        self.timeout = timeout
        self.watching: asyncio.Task[None] | None = None
        self.ended: Exception | None = None

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        self.task = asyncio.current_task()
        self.deadline = loop.time() + self.timeout
        self.timer = loop.call_later(min(FIRST_LOOK, self.timeout), self.begin)

    def begin(self) -> None:
        self.watching = asyncio.create_task(self.watch())

    async def watch(self) -> None:
        try:
            async with asyncio.timeout_at(self.deadline):
                while (await self.receive())["type"] != "http.disconnect":
                    pass
            self.ended = ClientLeft()
        except TimeoutError:
            self.ended = unavailable(
                f"The request took longer than {self.timeout:g} seconds (REQUEST_TIMEOUT).", "TIMEOUT"
            )
        if self.task:
            self.task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.timer.cancel()
        if self.watching:
            self.watching.cancel()
        if self.ended and self.task and isinstance(error, asyncio.CancelledError):
            self.task.uncancel()
            raise self.ended from None
