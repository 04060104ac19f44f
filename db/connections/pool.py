"""The pool: open connections, and the queue of requests that wait for one."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import asyncpg

from db.connections.connect import Connection, connect
from db.connections.error_mapping import is_connection_lost, is_refused_by_pooler
from db.connections.hosts import HostOrder
from db.errors import DatabaseError, DatabaseUnavailableError, PoolExhaustedError
from db.statements import ReadStatement, WriteStatement

logger = logging.getLogger("bookstore.database")

ALL_IN_USE = "All connections to PostgreSQL are in use."
CLOSED = "The connections to PostgreSQL are closed."

_STATEMENT_SETTINGS = {"jit": "off", "max_parallel_workers_per_gather": "0"}
"""Starting a worker or compiling an expression takes longer than most statements of a request."""


@dataclass(slots=True, eq=False)
class _Waiter:
    """A request in the queue. Its future gets a connection, or None for the right to open one.

    `deadline` is a time of the event loop.
    """

    future: "asyncio.Future[Connection | None]"
    deadline: float


class ConnectionPool:
    """At most `size` connections to `dsn`, opened when they are needed and kept until the pool ends.

    `acquire_timeout` limits in seconds both waiting for a connection and opening one, to each of the hosts.
    `command_timeout` limits a statement in seconds, here and in the server. `in_use` counts the connections
    that are acquired, being opened, or being made reusable. `host_order` is shared with its supervisor.

    Releasing a connection sends nothing and starts no task: it goes to the first waiter or becomes idle. So
    no statement may leave anything in its session (tested). A transaction left open is rolled back.
    """

    def __init__(
        self,
        dsn: str,
        *,
        size: int,
        command_timeout: float,
        acquire_timeout: float,
        host_order: HostOrder | None = None,
    ) -> None:
        self.dsn = dsn
        self.size = size
        self.command_timeout = command_timeout
        self.acquire_timeout = acquire_timeout
        self.host_order = host_order or HostOrder()
        self.in_use = 0
        self._is_pooled: bool | None = None
        self._statement_suffix = ""
        self._session_settings: Mapping[str, str] = {
            "statement_timeout": str(round(command_timeout * 1000)),
            **_STATEMENT_SETTINGS,
        }
        self._generation = 0
        self._connections: set[Connection] = set()
        self._idle: list[Connection] = []
        self._openings: set[asyncio.Timeout] = set()
        self._waiters: deque[_Waiter] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._end_reason: str | None = None

    @property
    def load(self) -> int:
        """The number of requests that use a connection or wait for one."""
        return self.in_use + len(self._waiters)

    async def fetch(self, statement: ReadStatement, *args: object, record_class: Any = None) -> list[Any]:
        """Run one statement on any connection and return its rows."""
        connection = await self.acquire()
        failure = None
        try:
            return await connection.fetch(statement, *args, record_class=record_class)
        except BaseException as error:
            failure = error
            raise
        finally:
            self.release(connection, failure)

    async def execute_write(self, statement: WriteStatement, *args: object) -> None:
        """Run one statement that writes, once, on any connection."""
        async with self.connection() as connection:
            await connection.execute_write(statement, *args)

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[Connection]:
        """Acquire a connection for the context. Raises DatabaseUnavailableError as acquire does."""
        connection = await self.acquire()
        failure = None
        try:
            yield connection
        except BaseException as error:
            failure = error
            raise
        finally:
            self.release(connection, failure)

    async def acquire(self) -> Connection:
        """Return a connection, which is to be released: the one used last, a new one, or the next released.

        Raises DatabaseUnavailableError if none is released in time or the pool has ended, and DatabaseError
        if none can be opened.
        """
        self._require_not_ended()
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                self.in_use += 1
                return connection
            self._discard(connection)
        if self.in_use < self.size:
            self.in_use += 1
            return await self._open()
        return await self._wait_for_connection() or await self._open()

    def release(self, connection: Connection, failure: BaseException | None = None) -> None:
        """Take an acquired connection back. `failure` is the error of its last statement.

        A lost connection, or one to a former primary, expires the others that were open with it.
        """
        is_lost = failure is not None and is_connection_lost(failure)
        if is_lost and connection.generation == self._generation:
            self.expire_connections()
        if connection.is_pooled and isinstance(failure, asyncpg.InvalidCachedStatementError):
            self._renew_statements()
        if (
            self._end_reason is not None
            or connection.is_closed()
            or connection.generation != self._generation
        ):
            self._discard(connection)
            self._hand_over(None)
        elif connection.is_in_transaction() or not isinstance(failure, asyncpg.PostgresError | None):
            statement = "SELECT"
            if connection.is_in_transaction():
                statement = "ROLLBACK"
                if failure is None:
                    logger.error("a connection was released within a transaction, which is rolled back")
            self._start_task(self._make_reusable(connection, statement))
        else:
            self._hand_over(connection)

    def abandon(self, connection: Connection) -> None:
        """Take an acquired connection back whose statement may be cancelled, and roll its transaction back.

        It is in use until PostgreSQL has ended the statement: to close it would leave a statement that waits
        for a lock, and PostgreSQL would run more of them than the pool has connections.
        """
        if connection.is_closed():
            self.release(connection)
        else:
            self._start_task(self._make_reusable(connection, "ROLLBACK"))

    def expire_connections(self) -> None:
        """Replace every connection that is open now before its next use.

        One to another host than the last good one ends at once: its statement may wait for a dead host.
        """
        self._generation += 1
        while self._idle:
            self._discard(self._idle.pop())
        for connection in self._connections:
            if connection.host != self.host_order.last_good:
                connection.terminate()

    def distrust(self, connection: Connection) -> None:
        """Expire every connection, and try other hosts before this one's: it does not confirm commits.

        A primary that was replaced goes on answering reads if nothing has stopped it.
        """
        if connection.generation == self._generation:
            self.host_order.distrust(connection.host)
            self.expire_connections()

    def terminate(self, reason: str) -> None:
        """End the pool at once: statements that run fail, and waiters fail with `reason`."""
        self._refuse_requests(reason)
        for connection in tuple(self._connections):
            self._discard(connection)

    async def close(self, timeout: float) -> None:  # noqa: ASYNC109 - after it the rest is terminated
        """End the pool: cancel statements that run, and close each connection within `timeout` seconds."""
        self._refuse_requests(CLOSED)
        closing = (connection.close(timeout=timeout) for connection in tuple(self._connections))
        await asyncio.gather(*closing, *self._tasks, return_exceptions=True)
        self.terminate(CLOSED)

    def _refuse_requests(self, reason: str) -> None:
        self._end_reason = reason
        self._idle.clear()
        while self._openings:
            self._openings.pop().reschedule(0)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while (waiter := self._next_waiter()) is not None:
            waiter.future.set_exception(DatabaseUnavailableError(reason))

    def _require_not_ended(self) -> None:
        if self._end_reason is not None:
            raise DatabaseUnavailableError(self._end_reason)

    async def _open(self) -> Connection:
        """Open the connection that `in_use` already counts."""
        try:
            self._require_not_ended()
            return await self._connect()
        except BaseException:
            self._hand_over(None)
            raise

    async def _connect(self) -> Connection:
        generation = self._generation
        opening = asyncio.timeout(None)
        try:
            async with opening:
                self._openings.add(opening)
                connection = await self._log_in()
        except TimeoutError:  # only _refuse_requests lets it expire
            raise DatabaseUnavailableError(self._end_reason) from None
        finally:
            self._openings.discard(opening)
        connection.generation = generation
        connection.statement_suffix = self._statement_suffix
        self._is_pooled = connection.is_pooled
        self._connections.add(connection)
        return connection

    async def _log_in(self) -> Connection:
        """Open a connection with the session settings, or without them where a pooler refuses settings.

        They are then the role's: `db.connections.pooler` checks them.
        """
        settings = self._session_settings
        try:
            return await self._connect_with(settings)
        except DatabaseError as error:
            if not (settings and is_refused_by_pooler(error)):
                raise
        self._session_settings = {}
        return await self._connect_with(self._session_settings)

    def _connect_with(self, settings: Mapping[str, str]) -> Coroutine[Any, Any, Connection]:
        return connect(
            self.dsn,
            application_name="bookstore",
            timeout=self.acquire_timeout,
            command_timeout=self.command_timeout,
            settings=settings,
            host_order=self.host_order,
            is_pooled=self._is_pooled,
        )

    def _renew_statements(self) -> None:
        """Let the pooler prepare every statement again: one whose result type has changed is refused."""
        logger.warning("The result type of a statement has changed: run RECONNECT in the pooler")
        self._statement_suffix = f" /* {uuid4().hex} */"
        for connection in self._connections:
            connection.statement_suffix = self._statement_suffix

    def _start_task(self, running: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(running)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _make_reusable(self, connection: Connection, statement: str) -> None:
        """Wait until a cancelled statement has ended in PostgreSQL, and run one that ends a transaction."""
        try:
            await connection.execute(statement, timeout=self.acquire_timeout)
        except Exception:
            connection.terminate()
        self.release(connection)

    def _discard(self, connection: Connection) -> None:
        self._connections.discard(connection)
        connection.terminate()

    # The queue

    async def _wait_for_connection(self) -> Connection | None:
        """Return the connection that was handed over; None if one may be opened."""
        loop = asyncio.get_running_loop()
        waiter = _Waiter(loop.create_future(), loop.time() + self.acquire_timeout)
        self._waiters.append(waiter)
        if self._timer is None:
            self._timer = loop.call_at(waiter.deadline, self._expire_waiters, loop)
        try:
            return await waiter.future
        except asyncio.CancelledError:
            if not waiter.future.cancelled() and waiter.future.exception() is None:
                self._hand_over(waiter.future.result())  # the hand-over came first
            raise

    def _expire_waiters(self, loop: asyncio.AbstractEventLoop) -> None:
        """Fail the waiters whose deadline has passed. All wait equally long, so one timer is enough."""
        while self._waiters and self._waiters[0].deadline <= loop.time():
            future = self._waiters.popleft().future
            if not future.done():
                future.set_exception(PoolExhaustedError(ALL_IN_USE))
        self._timer = None
        if self._waiters:
            self._timer = loop.call_at(self._waiters[0].deadline, self._expire_waiters, loop)

    def _hand_over(self, connection: Connection | None) -> None:
        """Give the first waiter a connection, or with None the right to open one. Without a waiter the
        connection becomes idle."""
        waiter = self._next_waiter()
        if waiter is not None:
            waiter.future.set_result(connection)
            return
        self.in_use -= 1
        if connection is not None:
            self._idle.append(connection)

    def _next_waiter(self) -> _Waiter | None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.future.done():
                return waiter
        return None
