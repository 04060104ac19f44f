"""The session of one request: its reads, which one failure ends."""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Any

from db.connections.connect import Connection
from db.connections.error_mapping import is_connection_lost, is_transient, to_database_error
from db.connections.pool import ConnectionPool
from db.connections.supervisor import PoolSupervisor
from db.errors import DatabaseError, DatabaseUnavailableError, PoolExhaustedError
from db.statements import ReadStatement

RETRY_DELAY = 0.02
"""Seconds until a retry after a lost connection, so that the pool can notice other lost connections."""


@dataclass(frozen=True, slots=True)
class FailedStatement:
    """The name of a statement that failed or was cancelled, and the milliseconds until then."""

    name: str
    milliseconds: float


class ReadSession:
    """The reads of one request, and the number of rows that they have read.

    The first read that fails because of PostgreSQL is kept as `failure`, and every later read raises it.

    `supervisor` is the server of all reads. If a replica fails, its reads go to the primary from then on:
    that one is never older. `has_read` tells whether a statement was run.

    After `pin` all reads go over one connection, acquired for the first of them and released by `unpin`. So a
    request that holds a connection never waits for a second one.
    """

    __slots__ = (
        "_failed_statement",
        "_lock",
        "_loop",
        "_pinned",
        "_running",
        "failure",
        "has_read",
        "primary",
        "rows_read",
        "supervisor",
    )

    def __init__(self, supervisor: PoolSupervisor, primary: PoolSupervisor | None = None) -> None:
        self.supervisor = supervisor
        self.primary = primary or supervisor
        self.has_read = False
        self.failure: DatabaseError | None = None
        self.rows_read = 0
        self._loop = asyncio.get_running_loop()
        self._running: dict[asyncio.Task[Any], tuple[ReadStatement, float]] = {}
        self._failed_statement: FailedStatement | None = None
        self._lock: asyncio.Lock | None = None
        self._pinned: tuple[ConnectionPool, Connection] | None = None

    async def fetch(self, statement: ReadStatement, *args: object, record_class: Any = None) -> list[Any]:
        """Run one statement and return its rows. A transient error is retried once.

        Raises DatabaseUnavailableError or StatementTimeoutError if PostgreSQL is the cause, and TypeError for
        anything but a ReadStatement: a write must not run twice.
        """
        if not isinstance(statement, ReadStatement):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"a read session runs instances of ReadStatement only, not {statement!r}")
        if self.failure:
            raise self.failure
        task = asyncio.current_task(self._loop)
        assert task is not None  # noqa: S101 - a coroutine runs in a task
        self._running[task] = statement, self._loop.time()
        self.has_read = True
        try:
            try:
                rows = await self._fetch_once(statement, args, record_class)
            except Exception as error:
                if not self._can_retry(error):
                    raise
                if is_connection_lost(error):
                    await asyncio.sleep(RETRY_DELAY)
                self.supervisor = self.primary
                rows = await self._fetch_once(statement, args, record_class)
            self.rows_read += len(rows)
            return rows
        except Exception as error:
            self.failure = to_database_error(error)
            if self.failure:
                self._failed_statement = self.failed_statement()
            if self.failure in (None, error):
                raise
            raise self.failure from error
        except asyncio.CancelledError:
            self._failed_statement = self.failed_statement()
            raise
        finally:
            del self._running[task]

    def failed_statement(self) -> FailedStatement | None:
        """Return the first statement that failed or was cancelled, or else the first one that runs."""
        if self._failed_statement or not self._running:
            return self._failed_statement
        statement, started_at = next(iter(self._running.values()))
        return FailedStatement(statement.name, (self._loop.time() - started_at) * 1000)

    def pin(self) -> None:
        """Read over one connection from now on."""
        self._lock = asyncio.Lock()

    def unpin(self) -> None:
        """Release the pinned connection, and read over any connection from now on."""
        self._lock = None
        self._release_pinned(None)

    def cancel(self) -> None:
        """Cancel the statements that run, in PostgreSQL too."""
        for task in self._running:
            task.cancel()

    def _can_retry(self, error: Exception) -> bool:
        """Return whether a read is worth a retry: here, or on the primary if a replica has failed."""
        is_unavailable = isinstance(error, DatabaseUnavailableError) and not isinstance(
            error, PoolExhaustedError
        )
        return is_transient(error) or (is_unavailable and self.supervisor is not self.primary)

    def _fetch_once(
        self, statement: ReadStatement, args: Sequence[object], record_class: Any
    ) -> Awaitable[list[Any]]:
        if self._lock is None:
            return self.supervisor.fetch(statement, *args, record_class=record_class)
        return self._fetch_pinned(self._lock, statement, args, record_class)

    async def _fetch_pinned(
        self, lock: asyncio.Lock, statement: ReadStatement, args: Sequence[object], record_class: Any
    ) -> list[Any]:
        async with lock:
            if self._pinned is None:
                pool = self.supervisor.require_pool()
                self._pinned = pool, await pool.acquire()
            try:
                return await self._pinned[1].fetch(statement, *args, record_class=record_class)
            except BaseException as error:
                self._release_pinned(error)
                raise

    def _release_pinned(self, failure: BaseException | None) -> None:
        if self._pinned is not None:
            (pool, connection), self._pinned = self._pinned, None
            pool.release(connection, failure)
