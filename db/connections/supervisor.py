"""The supervisor: it opens a pool, checks that PostgreSQL responds, and replaces the pool after an outage."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

from db.connections.connect import CONNECT_TIMEOUT, Connection, connect
from db.connections.dsn import parse_dsn
from db.connections.error_mapping import RESOURCE_EXHAUSTED_ERRORS, database_errors, describe_error
from db.connections.hosts import HostOrder
from db.connections.pool import ConnectionPool
from db.connections.positions import ServerState, read_server_state, read_timeline_history
from db.database import Database
from db.errors import DatabaseUnavailableError
from db.statements import ReadStatement, WriteStatement

logger = logging.getLogger("bookstore.database")

HEALTH_CHECK_INTERVAL = 0.25
RECONNECT_DELAY = 0.1
PROBE_TIMEOUT = 0.7
"""Seconds in which PostgreSQL must respond to a health check or accept a connection. Together with
RECONNECT_DELAY it bounds the time to notice that a server is back: less than a second."""


class PoolSupervisor:
    """Supervises one pool over a connection outside of it, so that no request waits for an absent server.

    While PostgreSQL is unavailable `pool` is None and `unavailable_reason` is one line. `on_open` checks the
    database before each new pool is used, and raises DatabaseError if the database cannot be used.

    `state` is the newest known state of the server. `on_change` is called when it or `pool` has changed.
    `name` is the server's in the log.
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
        self.name = "PostgreSQL"
        self.check_interval = HEALTH_CHECK_INTERVAL
        self.on_change: Callable[[], None] = lambda: None
        self.pool: ConnectionPool | None = None
        self.unavailable_reason: str | None = "PostgreSQL has not been reached yet."
        self.state: ServerState | None = None
        self._was_standby = False
        self._host_order = HostOrder()
        self._probe_connection: Connection | None = None
        self._probe_lock = asyncio.Lock()
        self._next_reading: asyncio.Task[ServerState] | None = None

    def fetch(
        self, statement: ReadStatement, *args: object, record_class: Any = None
    ) -> Coroutine[Any, Any, list[Any]]:
        """Run one statement and return its rows. Raises DatabaseUnavailableError if there is no pool."""
        return self.require_pool().fetch(statement, *args, record_class=record_class)

    async def execute_write(self, statement: WriteStatement, *args: object) -> None:
        """Run one statement that writes. It is never retried: it may have run before an error arrived.

        Raises DatabaseUnavailableError if there is no pool, or if the server is a standby.
        """
        await self.require_writable_pool().execute_write(statement, *args)

    def require_pool(self) -> ConnectionPool:
        """Return the pool. Raises DatabaseUnavailableError with the reason if there is none."""
        if self.pool is None:
            raise DatabaseUnavailableError(self.unavailable_reason)
        return self.pool

    def require_writable_pool(self) -> ConnectionPool:
        """Return the pool. Raises DatabaseUnavailableError if there is none or the server is a standby."""
        if self.state is not None and self.state.is_standby:
            raise DatabaseUnavailableError(f"PostgreSQL is unavailable: {self.location} is a standby")
        return self.require_pool()

    async def read_state(self) -> ServerState:
        """Read the state of the server, which includes everything that was visible before this call.

        Calls at the same time share a statement. Raises DatabaseUnavailableError if the server is lost.
        """
        if self._next_reading is None:
            self._next_reading = asyncio.create_task(self._read_next_state())
            self._next_reading.add_done_callback(_retrieve_exception)
        return await asyncio.shield(self._next_reading)

    async def read_history(self, timeline: int) -> Mapping[int, int] | None:
        """Return the LSN at which each ancestor of a timeline ended, or None if the role may not read it.

        Raises DatabaseUnavailableError if the server is lost.
        """
        async with self._probe_lock:
            connection = self._require_probe_connection()
            with database_errors("PostgreSQL is unavailable"):
                async with asyncio.timeout(PROBE_TIMEOUT):
                    return await read_timeline_history(connection, timeline)

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
                await asyncio.sleep(self.check_interval)
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
                self.state = await read_server_state(self._probe_connection)
                self._was_standby = self.state.is_standby
        except Exception as error:  # any error may be temporary: the next attempt can succeed
            self._mark_unavailable(describe_error(error))
            return
        self.pool = ConnectionPool(
            self.dsn,
            size=self.size,
            command_timeout=self.command_timeout,
            acquire_timeout=self.acquire_timeout,
            host_order=self._host_order,
        )
        self.unavailable_reason = None
        logger.info("%s is available", self.name)
        self.on_change()

    async def _connect(self, timeout: float) -> Connection:  # noqa: ASYNC109
        return await connect(
            self.dsn,
            application_name="bookstore health check",
            timeout=timeout,
            command_timeout=self.command_timeout,
            host_order=self._host_order,
        )

    async def _read_next_state(self) -> ServerState:
        async with self._probe_lock:
            self._next_reading = None  # a later call is not answered by what this one reads
            connection = self._require_probe_connection()
            with database_errors("PostgreSQL is unavailable"):
                async with asyncio.timeout(PROBE_TIMEOUT):
                    state = await read_server_state(connection)
            self.state = state = state.with_timeline_of(self.state)
            self.on_change()
            return state

    def _require_probe_connection(self) -> Connection:
        if self._probe_connection is None:
            raise DatabaseUnavailableError(self.unavailable_reason)
        return self._probe_connection

    async def _check_health(self, pool: ConnectionPool) -> None:
        """End the pool if PostgreSQL responds neither on the probe connection nor on a new one.

        A server that has no room for the new one responds: the pool keeps the connections that it has. The
        pool also ends if the address demands a role and the server has another one than at the pool's start.
        """
        try:
            state = await self.read_state()
        except Exception:
            self._close_probe_connection()
        else:
            if state.is_standby != self._was_standby and self._demands_role:
                role = "standby" if state.is_standby else "primary"
                self._mark_unavailable(f"the server has become a {role}")
            return
        try:
            self._probe_connection = await self._connect(PROBE_TIMEOUT)
        except Exception as error:
            if not isinstance(error.__cause__, RESOURCE_EXHAUSTED_ERRORS):
                self._mark_unavailable(describe_error(error))
        else:
            pool.expire_connections()  # the cause that ended the probe connection may have ended others

    @property
    def location(self) -> str:
        """The hosts and ports of the address, for a log line."""
        return parse_dsn(self.dsn).location

    @property
    def _demands_role(self) -> bool:
        return parse_dsn(self.dsn).target_session_attrs != "any"

    def _mark_unavailable(self, reason: str) -> None:
        """End the pool at once, so that requests fail with the reason rather than with a timeout."""
        if reason != self.unavailable_reason:
            logger.warning("%s is unavailable: %s", self.name, reason)
        pool, self.pool, self.unavailable_reason = self.pool, None, reason
        if pool is not None:
            pool.terminate(reason)
            self.on_change()
        self._close_probe_connection()

    def _close_probe_connection(self) -> None:
        if self._probe_connection is not None:
            self._probe_connection.terminate()
            self._probe_connection = None


def _retrieve_exception(reading: asyncio.Task[ServerState]) -> None:
    """Do not report an error as lost if everything that waited for it was cancelled."""
    if not reading.cancelled():
        reading.exception()
