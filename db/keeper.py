"""The keeper: a pool of connections while PostgreSQL can be used, and a new one once it can again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg

from db.errors import DatabaseUnavailableError
from db.faults import known
from db.loans import Lender
from db.pool import UNREACHABLE, open_pool

logger = logging.getLogger("bookstore.database")

LOOK_EVERY = 0.25
RETRY_AFTER = 0.1
PATIENCE = 0.7
"""How many seconds PostgreSQL may take to answer the simplest question or to let us in. With RETRY_AFTER
it bounds the time until a server that is back is noticed: below a second."""

ALIVE = "/* alive */ SELECT 1"


class Keeper:
    """Looks after PostgreSQL by a connection of its own, so that nobody waits for one that is away.

    `lender` is None, and `reason` says why, while PostgreSQL cannot be used. `check` is run on each new pool
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
        self.lender: Lender | None = None
        self.reason: str | None = "PostgreSQL has not been reached yet."

    async def fetch(self, query: str, *args: object, record_class: Any = None) -> list[Any]:
        """Run one statement and return its rows. Raises DatabaseUnavailableError without a connection."""
        lender = self.lender_now()
        connection = await lender.take()
        failure = None
        try:
            return await connection.fetch(query, *args, record_class=record_class)
        except BaseException as error:
            failure = error
            raise
        finally:
            await lender.give_back(connection, failure)

    def lender_now(self) -> Lender:
        """Who lends connections at the moment; raises DatabaseUnavailableError where PostgreSQL is away."""
        if self.lender is None:
            raise DatabaseUnavailableError(self.reason)
        return self.lender

    # The life of the pool

    async def begin(self) -> None:
        """Connect for the first time. Raises DatabaseError for what time will not mend."""
        try:
            await self.open(patience=5.0)
        except DatabaseUnavailableError as error:
            self.close(str(error))

    async def run(self) -> None:
        """Keep the pool until cancelled. Whatever goes wrong is tried again: nobody else would."""
        while True:
            if self.lender is None:
                await asyncio.sleep(RETRY_AFTER)
                try:
                    await self.open(patience=PATIENCE)
                except Exception as error:
                    self.close(str(known(error) or error))
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
        self.lender, self.reason = Lender(pool, size=self.size, wait=self.wait), None
        logger.info("PostgreSQL can be used")

    async def look(self) -> None:
        """Close the pool if PostgreSQL does not answer, not on a new connection either."""
        try:
            await self.watching.fetchval(ALIVE, timeout=PATIENCE)
        except Exception:
            self.watching.terminate()
            await self.look_anew()

    async def look_anew(self) -> None:
        try:
            self.watching = await asyncpg.connect(self.dsn, timeout=PATIENCE)
        except Exception as error:
            self.close(f"PostgreSQL cannot be reached ({type(error).__name__}).")
        else:
            # Others may be dead like the one that was looked at; each is replaced before it is used again.
            if self.lender:
                await self.lender.release_idle()
                await self.lender.pool.expire_connections()

    def close(self, reason: str) -> None:
        """Give up the pool at once: whoever waits for it fails now rather than after a time-out."""
        if reason != self.reason:
            logger.warning("the catalog cannot be read: %s", reason)
        lender, self.lender, self.reason = self.lender, None, reason
        if lender:
            lender.close(reason)

    async def end(self) -> None:
        """Close all connections, by force if that takes longer than PATIENCE."""
        lender, self.lender = self.lender, None
        if not lender:
            return
        await lender.release_idle()
        try:
            await asyncio.wait_for(asyncio.gather(lender.pool.close(), self.watching.close()), PATIENCE)
        except Exception:
            lender.pool.terminate()
            self.watching.terminate()
