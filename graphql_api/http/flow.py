# pyright: basic
"""Flow: when a connection is read from, and how it is closed."""

import asyncio
from collections import deque
from collections.abc import Callable, Sized

from uvicorn.protocols.http.flow_control import FlowControl

AGAIN = 50
AGAIN_EVERY = 0.005
"""From so many of those who were turned away is read again, each time so many seconds have passed."""


class Pace:
    """Reads again from those who were turned away, so many at a time: a crowd that asks again and again
    takes the time of those who were let in."""

    def __init__(self) -> None:
        self.line: deque[FlowControl] = deque()

    def hold(self, flow: FlowControl, loop: asyncio.AbstractEventLoop) -> None:
        flow.pause_reading()
        if not self.line:
            loop.call_later(AGAIN_EVERY, self.go_on, loop)
        self.line.append(flow)

    def go_on(self, loop: asyncio.AbstractEventLoop) -> None:
        for _ in range(min(AGAIN, len(self.line))):
            self.line.popleft().resume_reading()
        if self.line:
            loop.call_later(AGAIN_EVERY, self.go_on, loop)


class Flow(FlowControl):
    """uvicorn's, which goes on reading with each answer: here not before the last request of the queue."""

    def __init__(self, transport: asyncio.Transport, queue: Sized) -> None:
        super().__init__(transport)
        self.queue = queue

    def resume_reading(self) -> None:
        if not self.queue:
            super().resume_reading()


class Leaving:
    """The transport as an answer sees it: to close it is to part with the client."""

    def __init__(self, transport: asyncio.Transport, part: Callable[[], None]) -> None:
        self.write = transport.write
        self.is_closing = transport.is_closing
        self.close = part
