"""The supervisor: it opens a pool, checks that PostgreSQL responds, and replaces the pool after an outage."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from db.connections.connect import CONNECT_TIMEOUT, Connection, connect
from db.connections.error_mapping import RESOURCE_EXHAUSTED_ERRORS, database_errors, describe_error
from db.connections.pool import ConnectionPool
from db.database import Database
from db.errors import DatabaseUnavailableError
from db.statements import ReadStatement, WriteStatement

logger = logging.getLogger("bookstore.database")

HEALTH_CHECK_INTERVAL = 0.25
RECONNECT_DELAY = 0.1
PROBE_TIMEOUT = 0.7
"""Seconds in which PostgreSQL must respond to a health check or accept a connection. Together with
RECONNECT_DELAY it bounds the time to notice that a server is back: less than a second."""

PROBE_STATEMENT = ReadStatement("health_check", "SELECT 1")


class PoolSupervisor:
    """Supervises one pool over a connection outside of it, so that no request waits for an absent server.

    While PostgreSQL is unavailable `pool` is None and `unavailable_reason` is one line. `on_open` checks the
    database before each new pool is used, and raises DatabaseError if the database cannot be used.
    """

    def __init__(
        self,
        dsn: str,
        *,
        size: int,
        command_timeout: float,
        acquire_timeout: float,
        on_open: Callable[[Database], Awaitable[None]],
    ) -> None:
        self.dsn = dsn
        self.size = size
        self.command_timeout = command_timeout
        self.acquire_timeout = acquire_timeout
        self.on_open = on_open
        self.pool: ConnectionPool | None = None
        self.unavailable_reason: str | None = "PostgreSQL has not been reached yet."
        self._probe_connection: Connection | None = None

    def fetch(
        self, statement: ReadStatement, *args: object, record_class: Any = None
    ) -> Coroutine[Any, Any, list[Any]]:
        """Run one statement and return its rows. Raises DatabaseUnavailableError if there is no pool."""
        return self.require_pool().fetch(statement, *args, record_class=record_class)

    async def execute_write(self, statement: WriteStatement, *args: object) -> None:
        """Run one statement that writes. It is never retried: it may have run before an error arrived.

        Raises DatabaseUnavailableError if there is no pool.
        """
        await self.require_pool().execute_write(statement, *args)

    def require_pool(self) -> ConnectionPool:
        """Return the pool. Raises DatabaseUnavailableError with the reason if there is none."""
        if self.pool is None:
            raise DatabaseUnavailableError(self.unavailable_reason)
        return self.pool

    async def start(self) -> None:
        """Try once to open the pool. `monitor` tries again if that fails."""
        await self._open_pool(CONNECT_TIMEOUT)

    async def monitor(self) -> None:
        """Check the connection, and reopen the pool after an outage, until cancelled."""
        while True:
            if self.pool is None:
                await asyncio.sleep(RECONNECT_DELAY)
                await self._open_pool(PROBE_TIMEOUT)
            else:
                await asyncio.sleep(HEALTH_CHECK_INTERVAL)
                await self._check_health(self.pool)

    async def stop(self) -> None:
        """Close all connections, by force after PROBE_TIMEOUT."""
        pool, self.pool = self.pool, None
        self.unavailable_reason = "The server is shutting down."
        if pool is not None:
            await pool.close(PROBE_TIMEOUT)
        self._close_probe_connection()

    async def _open_pool(self, timeout: float) -> None:  # noqa: ASYNC109 - it limits the connecting alone
        try:
            self._probe_connection = await self._connect(timeout)
            with database_errors("PostgreSQL is unavailable"):
                await self.on_open(self._probe_connection)
        except Exception as error:  # any error may be temporary: the next attempt can succeed
            self._mark_unavailable(describe_error(error))
            return
        self.pool = ConnectionPool(
            self.dsn,
            size=self.size,
            command_timeout=self.command_timeout,
            acquire_timeout=self.acquire_timeout,
        )
        self.unavailable_reason = None
        logger.info("PostgreSQL is available")

    async def _connect(self, timeout: float) -> Connection:  # noqa: ASYNC109
        return await connect(
            self.dsn,
            application_name="bookstore health check",
            timeout=timeout,
            command_timeout=self.command_timeout,
        )

    async def _check_health(self, pool: ConnectionPool) -> None:
        """End the pool if PostgreSQL responds neither on the probe connection nor on a new one.

        A server that has no room for the new one responds: the pool keeps the connections that it has.
        """
        if self._probe_connection is not None:
            try:
                await self._probe_connection.fetchval(PROBE_STATEMENT.text, timeout=PROBE_TIMEOUT)
            except Exception:
                self._close_probe_connection()
            else:
                return
        try:
            self._probe_connection = await self._connect(PROBE_TIMEOUT)
        except Exception as error:
            if not isinstance(error.__cause__, RESOURCE_EXHAUSTED_ERRORS):
                self._mark_unavailable(describe_error(error))
        else:
            pool.expire_connections()  # the cause that ended the probe connection may have ended others

    def _mark_unavailable(self, reason: str) -> None:
        """End the pool at once, so that requests fail with the reason rather than with a timeout."""
        if reason != self.unavailable_reason:
            logger.warning("PostgreSQL is unavailable: %s", reason)
        pool, self.pool, self.unavailable_reason = self.pool, None, reason
        if pool is not None:
            pool.terminate(reason)
        self._close_probe_connection()

    def _close_probe_connection(self) -> None:
        if self._probe_connection is not None:
            self._probe_connection.terminate()
            self._probe_connection = None
