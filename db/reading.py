"""Reading: what one request reads, ended with it."""

import asyncio
from collections.abc import Sequence
from typing import Any

from db.errors import DatabaseError
from db.faults import is_lost, known
from db.pool import Database

HEARSAY = 0.02


class Reading:
    """The reads of one request. After the first that fails for want of PostgreSQL none is tried any more:
    `failure` tells of it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.failure: DatabaseError | None = None
        self.under_way: set[asyncio.Task[Any]] = set()

    async def fetch(self, query: str, *args: object) -> Sequence[Any]:
        """Run one statement, once more if its connection dies under it, and return its rows.

        Raises Unavailable or TimedOut for what PostgreSQL does wrong.
        """
        if self.failure:
            raise self.failure
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in one
        self.under_way.add(task)
        try:
            return await self.rows(query, args)
        except Exception as error:
            self.failure = known(error)
            raise self.failure or error from error
        finally:
            self.under_way.discard(task)

    async def rows(self, query: str, args: Sequence[object]) -> Sequence[Any]:
        try:
            return await self.database.fetch(query, *args)
        except Exception as error:
            if not is_lost(error):
                raise
        # Others may have died with it: by then the pool has heard of them too.
        await asyncio.sleep(HEARSAY)
        return await self.database.fetch(query, *args)

    def end(self) -> None:
        """Cancel what is still under way, in PostgreSQL too."""
        for task in self.under_way:
            task.cancel()
