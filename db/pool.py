"""The pool of connections that every read goes through."""

import asyncio
from typing import Any, Protocol, cast

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from db.errors import DatabaseError


class Database(Protocol):
    """What a read needs: a pool, or one connection of it."""

    async def fetch(self, query: str, *args: object, record_class: Any = None) -> list[Any]:
        """Run one statement and return its rows, as records of a class."""
        ...


UNREACHABLE = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError)
"""What connecting raises: no server, a refusal, or an address that is none."""


class Session:
    """One connection of a pool: taken when something is first read over it, and kept until it is closed.

    Statements take turns on it. None takes a second connection: who holds one never waits for another.
    """

    def __init__(self, pool: asyncpg.Pool) -> None:
        self.pool = pool
        self.connection: PoolConnectionProxy | None = None
        self.turn = asyncio.Lock()

    async def fetch(self, query: str, *args: object, record_class: Any = None) -> list[Any]:
        async with self.turn:
            if self.connection is None:
                self.connection = await self.pool.acquire()
            return await self.connection.fetch(query, *args, record_class=record_class)

    async def close(self) -> None:
        """Give the connection back."""
        if self.connection is not None:
            await self.pool.release(self.connection)


def session(database: Database) -> Database:
    """One connection of a pool, to be closed; anything else as it is."""
    return Session(cast("Any", database)) if isinstance(database, asyncpg.Pool) else database


async def leave_as_it_is(connection: object) -> None:
    """Send nothing when a connection goes back to the pool.

    asyncpg's own reset costs a round trip each time. No statement of ours leaves anything in a session
    (tested); a transaction left open is rolled back by asyncpg all the same.
    """


async def open_pool(dsn: str, *, size: int, command_timeout: float) -> asyncpg.Pool:
    """Connect to `dsn` with at most `size` connections; a statement ends after `command_timeout` seconds.

    Raises DatabaseError naming the cause when the server cannot be reached or refuses.
    """
    try:
        return await asyncpg.create_pool(
            dsn,
            min_size=min(2, size),
            max_size=size,
            command_timeout=command_timeout,
            max_inactive_connection_lifetime=0,
            reset=leave_as_it_is,
            server_settings={"application_name": "bookstore"},
        )
    except UNREACHABLE as error:
        raise DatabaseError(f"PostgreSQL cannot be reached: {error}") from error
