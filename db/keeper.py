"""The keeper: a pool of connections while PostgreSQL can be used, and a new one once it can again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, NamedTuple

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from db.errors import DatabaseError, Unavailable
from db.faults import is_lost, known
from db.pool import UNREACHABLE, open_pool

logger = logging.getLogger("bookstore.database")

LOOK_EVERY = 0.25
RETRY_AFTER = 0.1
PATIENCE = 0.7
"""How many seconds PostgreSQL may take to answer the simplest question or to let us in. With RETRY_AFTER
it bounds the time until a server that is back is noticed: below a second."""

ALIVE = "/* alive */ SELECT 1"


class Loan(NamedTuple):
    """A connection, and the pool that it goes back to."""

    pool: asyncpg.Pool
    connection: PoolConnectionProxy

    def lives(self) -> bool:
        """Whether nothing is known of the connection's death; the pool takes back those that died."""
        try:
            return not self.connection.is_closed()
        except asyncpg.InterfaceError:
            return False


class Keeper:
    """Looks after PostgreSQL by a connection of its own, so that nobody waits for one that is away.

    `pool` is None, and `reason` says why, while PostgreSQL cannot be used. `check` is run on each new pool
    and raises DatabaseError where the database is not as it should be.
    """

    def __init__(
        self,
        dsn: str,
        *,
        size: int,
        command_timeout: float,
        wait: float,
        check: Callable[[asyncpg.Pool], Awaitable[None]],
    ) -> None:
        self.dsn = dsn
        self.size = size
        self.command_timeout = command_timeout
        self.wait = wait
        self.check = check
        self.pool: asyncpg.Pool | None = None
        self.reason: str | None = "PostgreSQL has not been reached yet."
        self.taken = 0
        self.idle: list[Loan] = []

    async def fetch(self, query: str, *args: object, record_class: Any = None) -> list[Any]:
        """Run one statement and return its rows. Raises Unavailable where there is no connection for it."""
        loan = await self.take()
        failure = None
        try:
            return await loan.connection.fetch(query, *args, record_class=record_class)
        except BaseException as error:
            failure = error
            raise
        finally:
            await self.give_back(loan, failure)

    async def take(self) -> "Loan":
        """A connection of the pool, waited for no longer than `wait`; to be given back.

        Raises Unavailable where there is none. A time-out is a task and a timer, so it is set only where
        somebody has to wait.
        """
        pool = self.pool
        if pool is None:
            raise Unavailable(self.reason)
        while self.idle:
            loan = self.idle.pop()
            if loan.lives():
                self.taken += 1
                return loan
            await loan.pool.release(loan.connection)
        self.taken += 1
        try:
            return Loan(pool, await pool.acquire(timeout=self.wait if self.taken > self.size else None))
        except BaseException as error:
            self.taken -= 1
            if isinstance(error, TimeoutError):
                raise Unavailable("All connections to PostgreSQL are taken.") from error
            raise

    async def give_back(self, loan: "Loan", failure: BaseException | None = None) -> None:
        """Give a connection back, with what failed on it: the next would get one that died.

        It is kept at hand, unless somebody waits for one: to the pool and back takes a task each time.
        """
        self.taken -= 1
        if failure is None and self.taken < self.size and loan.pool is self.pool:
            self.idle.append(loan)
            return
        if failure and is_lost(failure):
            with suppress(asyncpg.InterfaceError):  # the pool may have taken it back by itself
                loan.connection.terminate()
        await loan.pool.release(loan.connection, timeout=self.wait if failure else None)

    # The life of the pool

    async def begin(self) -> None:
        """Connect for the first time. Raises DatabaseError for what time will not mend."""
        try:
            await self.open(patience=5.0)
        except Unavailable as error:
            self.close(str(error))

    async def run(self) -> None:
        """Keep the pool until cancelled."""
        while True:
            if self.pool is None:
                await asyncio.sleep(RETRY_AFTER)
                try:
                    await self.open(patience=PATIENCE)
                except DatabaseError as error:
                    self.close(str(error))
            else:
                await asyncio.sleep(LOOK_EVERY)
                await self.look()

    async def open(self, *, patience: float) -> None:
        pool = await open_pool(
            self.dsn, size=self.size, command_timeout=self.command_timeout, connect_timeout=patience
        )
        try:
            await self.check(pool)
            self.watching = await asyncpg.connect(self.dsn, timeout=patience)
        except UNREACHABLE as error:
            pool.terminate()
            raise known(error) or error from error
        except BaseException:
            pool.terminate()
            raise
        self.pool, self.reason = pool, None
        logger.info("PostgreSQL can be used")

    async def look(self) -> None:
        """Close the pool if PostgreSQL does not answer, not on a new connection either."""
        try:
            await self.watching.fetchval(ALIVE, timeout=PATIENCE)
        except UNREACHABLE:
            self.watching.terminate()
            await self.look_anew()

    async def look_anew(self) -> None:
        try:
            self.watching = await asyncpg.connect(self.dsn, timeout=PATIENCE)
        except UNREACHABLE as error:
            self.close(f"PostgreSQL cannot be reached ({type(error).__name__}).")
        else:
            # Others may be dead like the one that was looked at; each is replaced before it is used again.
            if self.pool:
                await self.release_idle()
                await self.pool.expire_connections()

    async def release_idle(self) -> None:
        """Give the pool what is kept at hand."""
        while self.idle:
            loan = self.idle.pop()
            await loan.pool.release(loan.connection)

    def close(self, reason: str) -> None:
        """Give up the pool at once: whoever waits for it fails now rather than after a time-out."""
        if reason != self.reason:
            logger.warning("the catalog cannot be read: %s", reason)
        pool, self.pool, self.reason = self.pool, None, reason
        self.idle.clear()
        if pool:
            pool.terminate()

    async def end(self) -> None:
        """Close all connections, by force if that takes longer than PATIENCE."""
        if not self.pool:
            return
        pool, self.pool = self.pool, None
        await self.release_idle()
        try:
            await asyncio.wait_for(asyncio.gather(pool.close(), self.watching.close()), PATIENCE)
        except UNREACHABLE:
            pool.terminate()
            self.watching.terminate()
