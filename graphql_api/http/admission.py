"""Admission: so many requests are worked on at once, some more wait, and further ones are told so at once."""

import asyncio
from collections import deque

from graphql_api.http.responses import HttpError, service_unavailable

MOMENT = 5.0
LASTING = 1 / 8
"""Of the places in line so many are there when it has been standing for longer than a MOMENT, in seconds."""


class Admission:
    """A context that a request is worked on in: `most` are at once, and `places` more wait in line.

    The line is for moments in which the machine has something else to do, and for the time that it takes to
    catch up: without it they alone would have requests refused. A line that never empties is no such moment.
    In it everybody waits for as long as it is, and no more are answered for that, so it is kept short. (The
    rule is that of CoDel: Nichols and Jacobson, Controlling Queue Delay, 2012.)
    """

    def __init__(self, most: int, places: int) -> None:
        self.most = most
        self.places = places
        self.admitted = 0
        self.expected = 0
        self.stands_since = 0.0
        self.line: deque[asyncio.Future[None]] = deque()

    @property
    def refusal(self) -> HttpError:
        return service_unavailable(
            f"{self.most:,} requests are being answered (MAX_REQUESTS), "
            "and as many wait as may (MAX_WAITING)."
        )

    def has_room(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Whether one more may come, beside those that are expected."""
        taken = self.admitted + self.expected
        return taken < self.most or taken - self.most + len(self.line) < self.places_now(loop)

    def places_now(self, loop: asyncio.AbstractEventLoop) -> float:
        """How many may wait: fewer when there has been a line for longer than a moment."""
        stands = self.line and loop.time() - self.stands_since > MOMENT
        return self.places * LASTING if stands else self.places

    def expect(self, loop: asyncio.AbstractEventLoop) -> None:
        """Keep room for a request whose task begins with the loop's next turn: of a crowd that comes in one
        turn no more are begun than there is room for."""
        if not self.expected:
            loop.call_soon(self.expect_no_more)
        self.expected += 1

    def expect_no_more(self) -> None:
        self.expected = 0

    async def __aenter__(self) -> None:
        """Raises Refusal if there is no room now."""
        if self.admitted < self.most:
            self.admitted += 1
            return
        loop = asyncio.get_running_loop()
        if len(self.line) >= self.places_now(loop):
            raise self.refusal
        await self.in_line(loop)

    async def in_line(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wait for the place of one who is done."""
        turn: asyncio.Future[None] = loop.create_future()
        if not self.line:
            self.stands_since = loop.time()
        self.line.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self.line.remove(turn)
            else:  # the place came, and nobody is there to take it any more
                self.leave()
            raise

    async def __aexit__(self, *_: object) -> None:
        self.leave()

    def leave(self) -> None:
        """Pass the place on to the next in line, if there is one."""
        for turn in self.line:
            if not turn.done():
                self.line.remove(turn)
                turn.set_result(None)
                return
        self.admitted -= 1
