"""The one decision which errors of the driver pass by themselves, and what is raised for each.

PostgreSQL is unavailable and a retry may help, or a statement took too long, or the error is of another kind.
The last is a defect while a request runs. At a start and in a command it ends them with one line.
"""

import ssl
from collections.abc import Generator
from contextlib import contextmanager

import asyncpg
from asyncpg.exceptions import (
    InternalClientError,
    UnsupportedClientFeatureError,
    UnsupportedServerFeatureError,
)

from db.errors import CatalogError, DatabaseError, DatabaseUnavailableError, StatementTimeoutError

CONNECTION_LOST_ERRORS = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.IdleSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InterfaceError,
    InternalClientError,
)
"""The connection ended, or PostgreSQL accepts none for now. asyncpg finds this out in many ways.

A write that is refused as read-only is one too: the connection is to a server that is no longer the primary.
"""

_NOT_CONNECTION_LOST_ERRORS = (
    TimeoutError,
    ValueError,  # arguments and addresses that cannot be used, and certificates that cannot be verified
    ssl.SSLError,
    UnsupportedClientFeatureError,
    UnsupportedServerFeatureError,
)
"""Subclasses of the above with another cause."""

_HANDSHAKE_LOST_ERRORS = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
"""The connection ended during the TLS handshake. Other SSLErrors are about certificates and versions."""

RESOURCE_EXHAUSTED_ERRORS = (asyncpg.InsufficientResourcesError, asyncpg.PostgresIOError)
"""The server lacks connections, memory or space, or cannot read its disk."""

TRANSIENT_STATEMENT_ERRORS = (asyncpg.InvalidCachedStatementError, asyncpg.TransactionRollbackError)
"""DDL changed the result type of a prepared statement, or a standby's recovery cancelled a read."""

PREPARED_STATEMENT_LOST_ERRORS = (
    asyncpg.InvalidSQLStatementNameError,
    asyncpg.DuplicatePreparedStatementError,
)
"""A pooler gave a client another session, without the statements that the client had prepared."""

STATEMENTS_NOT_KEPT = (
    "a pooler before PostgreSQL keeps no prepared statements: use PgBouncer 1.21 or newer with "
    "max_prepared_statements = 200, or name PostgreSQL itself in DATABASE_URL"
)

STATEMENT_TIMEOUT_ERRORS = (
    TimeoutError,
    asyncpg.QueryCanceledError,
    asyncpg.LockNotAvailableError,
    asyncpg.TransactionTimeoutError,
)

DRIVER_ERRORS = (*CONNECTION_LOST_ERRORS, asyncpg.PostgresError)


def is_connection_lost(error: BaseException) -> bool:
    """Return whether the connection ended or is to a former primary, so that another one may do better."""
    if isinstance(error, _HANDSHAKE_LOST_ERRORS):
        return True
    return isinstance(error, CONNECTION_LOST_ERRORS) and not isinstance(error, _NOT_CONNECTION_LOST_ERRORS)


def is_transient(error: BaseException) -> bool:
    """Return whether the same read is worth one retry, on this connection or on another one."""
    return is_connection_lost(error) or isinstance(error, TRANSIENT_STATEMENT_ERRORS)


def is_refused_by_pooler(error: BaseException | None) -> bool:
    """Return whether a pooler refused a login: a protocol violation, which PostgreSQL answers to none."""
    while error is not None and not isinstance(error, asyncpg.ProtocolViolationError):
        error = error.__cause__
    return error is not None


def to_database_error(error: BaseException) -> DatabaseError | None:
    """Return the DatabaseError to raise for an error of a statement; None if it is a defect of ours."""
    if isinstance(error, DatabaseError):
        return error
    kind = _classify(error)
    if kind is StatementTimeoutError:
        return kind(f"A statement took too long: {describe_error(error)}")
    return kind and kind(f"PostgreSQL is unavailable: {describe_error(error)}")


def describe_error(error: BaseException) -> str:
    """Return the first line of an error's message, or its class where it has no message."""
    if isinstance(error, PREPARED_STATEMENT_LOST_ERRORS):
        return STATEMENTS_NOT_KEPT
    return str(error).partition("\n")[0] or type(error).__name__


@contextmanager
def database_errors(failure: str) -> Generator[None]:
    """Raise each error of the driver as a DatabaseError of one line: `failure`, then the reason.

    It is a DatabaseUnavailableError or a StatementTimeoutError by the same rules as in to_database_error.
    Connecting, the first statement of a start, the migrations and the commands all go through here.
    """
    try:
        yield
    except CatalogError:
        raise
    except Exception as error:
        cause = _find_driver_error(error)
        if cause is None:
            raise
        kind = _classify(cause) or DatabaseError
        raise kind(f"{failure}: {describe_error(cause)}") from error


def _classify(error: BaseException) -> type[DatabaseError] | None:
    if isinstance(error, STATEMENT_TIMEOUT_ERRORS):
        return StatementTimeoutError
    if is_transient(error) or isinstance(error, RESOURCE_EXHAUSTED_ERRORS):
        return DatabaseUnavailableError
    if isinstance(error, PREPARED_STATEMENT_LOST_ERRORS):
        return DatabaseError
    return None


def _find_driver_error(error: BaseException | None) -> BaseException | None:
    """Return the driver's error behind one of SQLAlchemy's; None if there is none."""
    while error is not None and not isinstance(error, DRIVER_ERRORS):
        error = error.__cause__
    return error
