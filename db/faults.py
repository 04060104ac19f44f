"""What PostgreSQL and the way to it do wrong, told apart by the types of the errors that asyncpg raises."""

import asyncpg

from db.errors import DatabaseError, DatabaseUnavailableError, StatementTimeoutError

LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""The connection died, or there is none to be had now. asyncpg finds the former out in many ways. Its
InterfaceError is also, with ValueError, what it raises for arguments and addresses that are none. OSError
belongs here too, but for TimeoutError, which is one."""

SHORT = (asyncpg.InsufficientResourcesError, asyncpg.PostgresIOError)
"""The server lacks connections, memory or space, or cannot read its disk."""


def is_lost(error: BaseException) -> bool:
    """Whether the connection died under a statement, so that another one may do better."""
    return isinstance(error, (OSError, *LOST)) and not isinstance(error, (TimeoutError, ValueError))


def known(error: BaseException) -> DatabaseError | None:
    """The error as the catalog tells of it; None if it is none of the database's faults but of ours."""
    if isinstance(error, DatabaseError):
        return error
    if isinstance(error, (TimeoutError, asyncpg.QueryCanceledError)):
        return StatementTimeoutError("A statement took longer than it may.")
    if is_lost(error) or isinstance(error, SHORT):
        return DatabaseUnavailableError(f"PostgreSQL cannot be used for now ({type(error).__name__}).")
    return None
