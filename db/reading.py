"""Reading: what one request reads, ended with it."""

import asyncio
from collections.abc import Sequence
from typing import Any

from asyncpg.pool import PoolConnectionProxy

from db.errors import DatabaseError
from db.faults import is_lost, known
from db.keeper import Keeper

HEARSAY = 0.02


class Reading:
    """The reads of one request. After the first that fails for want of PostgreSQL none is tried any more:
    `failure` tells of it.

    Once it is told to `hold`, all go over one connection, taken with the first and kept until it is told to
    `let_go`. None takes a second one: who holds one never waits for another.
    """

    def __init__(self, keeper: Keeper) -> None:
        self.keeper = keeper
        self.loop = asyncio.get_running_loop()
        self.failure: DatabaseError | None = None
        self.under_way: set[asyncio.Task[Any]] = set()
        self.turn: asyncio.Lock | None = None
        self.held: PoolConnectionProxy | None = None

    async def fetch(self, query: str, *args: object, record_class: Any = None) -> list[Any]:
        """Run one statement, once more if its connection dies under it, and return its rows.

        Raises DatabaseUnavailableError or StatementTimeoutError for what PostgreSQL does wrong.
        """
        if self.failure:
            raise self.failure
        task = asyncio.current_task(self.loop)
        assert task is not None  # noqa: S101 - a coroutine runs in one
        self.under_way.add(task)
        try:
            try:
                return await self.once(query, args, record_class)
            except Exception as error:
                if not is_lost(error):
                    raise
            # Others may have died with it: by then the pool has heard of them too.
            await asyncio.sleep(HEARSAY)
            return await self.once(query, args, record_class)
        except Exception as error:
            self.failure = known(error)
            raise self.failure or error from error
        finally:
            self.under_way.discard(task)

    async def once(self, query: str, args: Sequence[object], record_class: Any) -> list[Any]:
        if self.turn is None:
            return await self.keeper.fetch(query, *args, record_class=record_class)
        async with self.turn:
            if self.held is None:
                self.lender = self.keeper.lender_now()
                self.held = await self.lender.take()
            try:
                return await self.held.fetch(query, *args, record_class=record_class)
            except BaseException as error:
                connection, self.held = self.held, None
                await self.lender.give_back(connection, error)
                raise

    def hold(self) -> None:
        """Read over one connection from now on."""
        self.turn = asyncio.Lock()

    async def let_go(self) -> None:
        """Give the connection back, and read over any from now on."""
        self.turn = None
        if self.held:
            connection, self.held = self.held, None
            await self.lender.give_back(connection)

    def end(self) -> None:
        """Cancel what is still under way, in PostgreSQL too."""
        for task in self.under_way:
            task.cancel()
