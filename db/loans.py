"""Loans: the connections of a pool, lent to one request after another.

asyncpg's own pool takes a task for each release, and a task and a timer for each wait with a limit. Here a
connection that comes back goes to the next in line at once, or is kept at hand.
"""

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import dataclass

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from db.errors import DatabaseUnavailableError
from db.faults import is_lost


@dataclass(slots=True, eq=False)
class Turn:
    """A place in line, kept until a time of the loop."""

    future: "asyncio.Future[PoolConnectionProxy | None]"
    until: float


class Lender:
    """Lends at most `size` connections of a pool; who wants another one waits in line, for `wait` seconds."""

    def __init__(self, pool: asyncpg.Pool, *, size: int, wait: float) -> None:
        self.pool = pool
        self.size = size
        self.wait = wait
        self.lent = 0
        self.idle: list[PoolConnectionProxy] = []
        self.line: deque[Turn] = deque()
        self.timer: asyncio.TimerHandle | None = None

    async def take(self) -> PoolConnectionProxy:
        """A connection, to be given back. Raises DatabaseUnavailableError when none comes free in time."""
        while self.idle:
            connection = self.idle.pop()
            if lives(connection):
                self.lent += 1
                return connection
            await self.pool.release(connection)
        if self.lent < self.size:
            return await self.acquire()
        return await self.in_line() or await self.acquire()

    async def acquire(self) -> PoolConnectionProxy:
        self.lent += 1
        try:
            return await self.pool.acquire(timeout=self.wait)
        except BaseException as error:
            self.lent -= 1
            self.admit()
            if isinstance(error, TimeoutError):
                raise DatabaseUnavailableError("All connections to PostgreSQL are taken.") from error
            raise

    async def in_line(self) -> PoolConnectionProxy | None:
        """What comes to the one in line: a connection, or None where one is to be had of the pool again."""
        loop = asyncio.get_running_loop()
        turn = Turn(loop.create_future(), loop.time() + self.wait)
        self.line.append(turn)
        if self.timer is None:
            self.timer = loop.call_later(self.wait, self.expire, loop)
        try:
            return await turn.future
        except asyncio.CancelledError:
            if not turn.future.cancelled():  # it came, and nobody is there to take it any more
                self.pass_on(turn.future.result())
            raise

    def expire(self, loop: asyncio.AbstractEventLoop) -> None:
        """Turn away those whose time is up: the first in line, since all wait for as long. One timer does for
        the whole line."""
        while self.line and self.line[0].until <= loop.time():
            turn = self.line.popleft()
            if not turn.future.done():
                turn.future.set_exception(
                    DatabaseUnavailableError("All connections to PostgreSQL are taken.")
                )
        self.timer = loop.call_at(self.line[0].until, self.expire, loop) if self.line else None

    async def give_back(self, connection: PoolConnectionProxy, failure: BaseException | None = None) -> None:
        """Take a connection back, with what failed on it: the next would get one that died."""
        if failure is None:
            self.pass_on(connection)
            return
        self.lent -= 1
        if is_lost(failure):
            with suppress(asyncpg.InterfaceError):  # the pool may have taken it back by itself
                connection.terminate()
        try:
            await self.pool.release(connection, timeout=self.wait)
        finally:
            self.admit()

    def pass_on(self, connection: PoolConnectionProxy | None) -> None:
        """Hand a connection to the next in line, or keep it at hand."""
        if connection is None:
            self.admit()
        elif (turn := self.next()) is not None:
            turn.set_result(connection)
        else:
            self.lent -= 1
            self.idle.append(connection)

    def admit(self) -> None:
        """Let the next in line have a connection of the pool."""
        turn = self.next()
        if turn is not None:
            turn.set_result(None)

    def next(self) -> "asyncio.Future[PoolConnectionProxy | None] | None":
        while self.line:
            turn = self.line.popleft().future
            if not turn.done():
                return turn
        return None

    async def release_idle(self) -> None:
        """Give the pool what is kept at hand."""
        while self.idle:
            await self.pool.release(self.idle.pop())

    def close(self, reason: str) -> None:
        """Give up all connections at once; who waits for one fails now rather than later."""
        self.idle.clear()
        while (turn := self.next()) is not None:
            turn.set_exception(DatabaseUnavailableError(reason))
        self.pool.terminate()


def lives(connection: PoolConnectionProxy) -> bool:
    """Whether nothing is known of the connection's death; the pool takes back those that died."""
    try:
        return not connection.is_closed()
    except asyncpg.InterfaceError:
        return False
