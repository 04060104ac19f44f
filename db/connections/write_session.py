"""The session of one request that writes: one transaction, which never runs twice by itself."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from db.connections.connect import Connection
from db.connections.error_mapping import is_connection_lost, to_database_error
from db.connections.pool import ConnectionPool
from db.connections.session import FailedStatement
from db.connections.supervisor import PoolSupervisor
from db.errors import DatabaseError, UnknownOutcomeError
from db.statements import ReadStatement, WriteStatement

COMMIT_PATIENCE = 1.0
"""Seconds for a commit. One that is cancelled later may wait for a standby that is the primary now."""

_BEGIN = "BEGIN"
# Imports lock this table first, against this lock: a step and an import never lock rows at the same time, and
# so never wait for each other in a circle.
_ENTER_CATALOG = "LOCK TABLE catalog_size IN ROW EXCLUSIVE MODE"
_SAVEPOINT = f"{_ENTER_CATALOG}; SAVEPOINT step"
_UNDO_STEP = "ROLLBACK TO SAVEPOINT step"
_UNKNOWN = "the changes may or may not be written, and may be lost."
_VIOLATION = asyncpg.IntegrityConstraintViolationError
"""The error of a value that a constraint refuses. It does not end the transaction: its step can be undone."""


class WriteSession:
    """One transaction of a request, over one connection: steps that can be undone, reads of what they wrote.

    The first error of PostgreSQL that ends the transaction is kept as `failure`, and everything later raises
    it. `must_retry` tells that PostgreSQL rolled it back for the sake of another transaction, so that the
    request can run again as a whole. While it `is_committing`, it is unknown whether its changes are written.
    """

    __slots__ = (
        "_commit_started_at",
        "_connection",
        "_failed_statement",
        "_has_savepoint",
        "_lock",
        "_pool",
        "failure",
        "is_committing",
        "must_retry",
        "rows_read",
        "supervisor",
    )

    def __init__(self, supervisor: PoolSupervisor) -> None:
        self.supervisor = supervisor
        self.failure: DatabaseError | None = None
        self.must_retry = False
        self.rows_read = 0
        self.is_committing = False
        self._commit_started_at = 0.0
        self._failed_statement: FailedStatement | None = None
        self._lock = asyncio.Lock()
        self._pool: ConnectionPool | None = None
        self._connection: Connection | None = None
        self._has_savepoint = False

    async def fetch(
        self, statement: ReadStatement | WriteStatement, *args: object, record_class: Any = None
    ) -> list[Any]:
        """Run one statement in the transaction, and return its rows."""
        async with self._lock:
            connection = self._connection
            if connection is None or self.failure:
                connection = await self._begin()
            query = statement if isinstance(statement, ReadStatement) else statement.text
            started_at = time.monotonic()
            try:
                rows: list[Any] = await connection.fetch(query, *args, record_class=record_class)
            except BaseException as error:
                milliseconds = 1000 * (time.monotonic() - started_at)
                self._failed_statement = FailedStatement(statement.name, milliseconds)
                if isinstance(error, Exception) and not isinstance(error, _VIOLATION):
                    raise self._fail(error) from error
                raise
            self.rows_read += len(rows)
            return rows

    def failed_statement(self) -> FailedStatement | None:
        """Return the last statement that failed or was cancelled."""
        return self._failed_statement

    @asynccontextmanager
    async def raw_connection(self) -> AsyncGenerator[Connection]:
        """Yield the connection of the transaction, for writes that need more than `fetch`."""
        async with self._lock:
            connection = await self._begin()
            try:
                yield connection
            except _VIOLATION:
                raise
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, DatabaseError) as error:
                raise self._fail(error) from error

    async def start_step(self) -> None:
        """Begin a step: what is written from here on, `undo_step` sets back."""
        async with self._lock:
            connection = await self._begin(step=True)
            if not self._has_savepoint:
                await self._run(connection.execute(_SAVEPOINT))
            self._has_savepoint = True

    async def undo_step(self) -> None:
        """Set back what was written since `start_step`, also after a statement that failed."""
        async with self._lock:
            await self._run((await self._begin()).execute(_UNDO_STEP))

    def finish_step(self) -> None:
        """End the step. The next one needs a savepoint of its own."""
        self._has_savepoint = False

    async def commit(self) -> None:
        """Commit. Raises UnknownOutcomeError if the connection is lost, or no standby confirms the changes.

        Raises RuntimeError if a statement has failed that was not undone: nothing is written.
        """
        if self.failure:
            raise self.failure
        if self._connection is None:
            return
        self.is_committing, self._commit_started_at = True, time.monotonic()
        try:
            status, warnings = await _commit(self._connection)
        except TimeoutError as error:
            self.abandon()
            raise UnknownOutcomeError(
                f"PostgreSQL has not confirmed the commit in time; {_UNKNOWN}"
            ) from error
        except Exception as error:
            self._release(error)
            if is_connection_lost(error):
                raise UnknownOutcomeError(
                    f"The connection to PostgreSQL was lost during the commit; {_UNKNOWN}"
                ) from error
            self.is_committing = False
            raise self._fail(error) from error
        if warnings:
            assert self._pool is not None  # noqa: S101 - the connection was acquired from it
            self._pool.distrust(self._connection)
            self._release(None)
            raise UnknownOutcomeError(f"No standby has confirmed the commit in time; {_UNKNOWN}")
        self.is_committing = False
        self._release(None)
        if status != "COMMIT":
            raise RuntimeError(f"PostgreSQL answered a commit by {status}: a statement had failed before")

    async def roll_back(self) -> None:
        """Roll back, and release the connection. Nothing happens if there is no transaction."""
        if self._connection is None:
            return
        failure = self.failure and self.failure.__cause__
        try:
            await self._connection.execute("ROLLBACK")
        except Exception as error:
            failure = error
        finally:
            self._release(failure)

    def abandon(self) -> None:
        """Cancel what runs, and roll back without waiting for it.

        A host that has not confirmed a commit within COMMIT_PATIENCE is distrusted.
        """
        if self._pool is not None and self._connection is not None:
            if self.is_committing and time.monotonic() >= self._commit_started_at + COMMIT_PATIENCE:
                self._pool.distrust(self._connection)
            self._pool.abandon(self._connection)
            self._connection = None

    async def _begin(self, *, step: bool = False) -> Connection:
        if self.failure:
            raise self.failure
        if self._connection is None:
            try:
                self._pool = self.supervisor.require_writable_pool()
                self._connection = await self._pool.acquire()
            except Exception as error:
                raise self._fail(error) from error
            await self._run(self._connection.execute(f"{_BEGIN}; {_SAVEPOINT}" if step else _BEGIN))
            self._has_savepoint = step
        return self._connection

    async def _run(self, running: Any) -> Any:
        try:
            return await running
        except _VIOLATION:
            raise
        except Exception as error:
            raise self._fail(error) from error

    def _fail(self, error: Exception) -> Exception:
        """Keep the error that ends the transaction. Return what to raise."""
        self.must_retry = isinstance(error, asyncpg.TransactionRollbackError)
        self.failure = to_database_error(error)
        return self.failure or error

    def _release(self, failure: BaseException | None) -> None:
        assert self._pool is not None  # noqa: S101 - it was acquired from it
        assert self._connection is not None  # noqa: S101
        self._pool.release(self._connection, failure)
        self._connection = None


async def _commit(connection: Connection) -> tuple[str, list[object]]:
    """Commit. Return PostgreSQL's answer, and its warnings.

    It warns of a cancelled or timed-out wait for a synchronous standby, and answers COMMIT all the same.
    """
    warnings: list[object] = []

    def keep_warning(_: object, message: object) -> None:
        if isinstance(message, asyncpg.PostgresWarning):
            warnings.append(message)

    connection.add_log_listener(keep_warning)
    try:
        return await connection.execute("COMMIT"), warnings
    finally:
        connection.remove_log_listener(keep_warning)
