"""Admission: so many requests are worked on at once, some more wait, and further ones are told so at once."""

import asyncio
from collections import deque

from graphql_api.http.answers import Refusal, unavailable


class Admission:
    """A context that a request is worked on in: `most` are at once, and `places` more wait in line.

    The line is for moments in which the machine has something else to do: without it they alone would have
    requests refused. Who waits in it holds no more than what was asked.
    """

    def __init__(self, most: int, places: int) -> None:
        self.most = most
        self.places = places
        self.admitted = 0
        self.expected = 0
        self.line: deque[asyncio.Future[None]] = deque()

    @property
    def refusal(self) -> Refusal:
        return unavailable(
            f"{self.most:,} requests are being answered (MAX_REQUESTS) and {self.places:,} wait "
            "(MAX_WAITING)."
        )

    @property
    def has_room(self) -> bool:
        """Whether one more may come, beside those that are expected."""
        return self.admitted + len(self.line) + self.expected < self.most + self.places

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
        elif len(self.line) < self.places:
            await self.in_line()
        else:
            raise self.refusal

    async def in_line(self) -> None:
        """Wait for the place of one who is done."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
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
