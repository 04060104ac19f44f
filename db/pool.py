"""The pool of connections that every read goes through."""

from typing import Any, Protocol

import asyncpg

from db.errors import DatabaseError, DatabaseUnavailableError
from db.faults import SHORT, is_lost


class Database(Protocol):
    """What a read needs: a pool, or one connection of it."""

    async def fetch(self, query: str, *args: object, record_class: Any = None) -> list[Any]:
        """Run one statement and return its rows, as records of a class."""
        ...


PLANNED_ANEW = "planned anew"
"""What the comment of a statement says whose plan depends on the values it is given."""


class Connection(asyncpg.Connection):
    """A connection that keeps no plan of statements that are to be planned anew.

    After five runs PostgreSQL may settle on one plan for all values; one that suits a rare word walks for
    seconds with a common one.
    """

    def fetch(self, query: str, *args: object, **options: Any) -> Any:
        """The rows of a statement, to be awaited."""
        if PLANNED_ANEW not in query[:100]:
            return super().fetch(query, *args, **options)
        return self.fetch_anew(query, *args, **options)

    async def fetch_anew(self, query: str, *args: object, **options: Any) -> list[Any]:
        statement = await self.prepare(query, record_class=options.get("record_class"))
        return await statement.fetch(*args, timeout=options.get("timeout"))


UNREACHABLE = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError)
"""What connecting raises: no server, a refusal, or an address that is none."""

CONNECT_SECONDS = 5.0


def unreachable(error: Exception) -> DatabaseError:
    """What to raise for an error of UNREACHABLE: DatabaseUnavailableError if it may pass by itself."""
    if isinstance(error, TimeoutError):
        return DatabaseUnavailableError("PostgreSQL cannot be reached: it does not answer")
    kind = DatabaseUnavailableError if is_lost(error) or isinstance(error, SHORT) else DatabaseError
    return kind(f"PostgreSQL cannot be reached: {error}")


async def leave_as_it_is(connection: object) -> None:
    """Send nothing when a connection goes back to the pool.

    asyncpg's own reset costs a round trip each time. No statement of ours leaves anything in a session
    (tested); a transaction left open is rolled back by asyncpg all the same.
    """


async def open_pool(
    dsn: str, *, size: int, command_timeout: float, connect_timeout: float = CONNECT_SECONDS
) -> asyncpg.Pool:
    """Connect to `dsn` with at most `size` connections; a statement ends after `command_timeout` seconds,
    here and on the server, should that not hear of it.

    Raises DatabaseError naming the cause when the server cannot be reached or refuses.
    """
    try:
        return await asyncpg.create_pool(
            dsn,
            min_size=min(2, size),
            max_size=size,
            timeout=connect_timeout,
            command_timeout=command_timeout,
            max_inactive_connection_lifetime=0,
            reset=leave_as_it_is,
            connection_class=Connection,
            server_settings={
                "application_name": "bookstore",
                "statement_timeout": str(round(command_timeout * 1000)),
            },
        )
    except UNREACHABLE as error:
        raise unreachable(error) from error
