"""The pool of connections that every read goes through."""

from collections.abc import Sequence
from typing import Any, Protocol

import asyncpg

from db.errors import DatabaseError


class Database(Protocol):
    """What a read needs: a pool, or one connection of it."""

    async def fetch(self, query: str, *args: object) -> Sequence[Any]:
        """Run one statement and return its rows."""
        ...


PLANNED_ANEW = "planned anew"
"""What the comment of a statement says whose plan depends on the values it is given."""


class Connection(asyncpg.Connection):
    """A connection that keeps no plan of statements that are to be planned anew.

    After five runs PostgreSQL may settle on one plan for all values; one that suits a rare word walks for
    seconds with a common one.
    """

    async def fetch(self, query: str, *args: object, **options: Any) -> list[Any]:
        """The rows of a statement."""
        if PLANNED_ANEW not in query[:100]:
            return await super().fetch(query, *args, **options)
        return await (await self.prepare(query)).fetch(*args, timeout=options.get("timeout"))


UNREACHABLE = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError)
"""What connecting raises: no server, a refusal, or an address that is none."""


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
            connection_class=Connection,
            server_settings={"application_name": "bookstore"},
        )
    except UNREACHABLE as error:
        raise DatabaseError(f"PostgreSQL cannot be reached: {error}") from error
