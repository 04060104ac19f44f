"""Connecting to PostgreSQL: the one place that hands an address to the driver."""

from collections.abc import Mapping
from typing import Any

import asyncpg

from db.connections.dsn import parse_dsn
from db.connections.error_mapping import database_errors
from db.errors import DatabaseUnavailableError
from db.statements import ReadStatement, WriteStatement

CONNECT_TIMEOUT = 5.0
"""Seconds to connect in, unless the address has a connect_timeout."""

_BACKEND_PID = ReadStatement("backend_pid", "SELECT pg_backend_pid()")
_SET_UNCACHED = "SET LOCAL plan_cache_mode = 'force_custom_plan'"


class Connection(asyncpg.Connection):
    """A connection that runs statement objects, and texts as its base class does."""

    generation = 0
    """The pool's generation in which the connection was opened."""

    is_pooled = False
    """Whether a pooler such as PgBouncer is between this client and PostgreSQL."""

    statement_suffix = ""
    """What distinguishes statements from those of the same text that a pooler has prepared already."""

    def fetch(self, query: str | ReadStatement, *args: object, **options: Any) -> Any:
        """Return an awaitable of the statement's rows."""
        if isinstance(query, str):
            return super().fetch(query, *args, **options)
        text = query.text + self.statement_suffix if self.statement_suffix else query.text
        if query.cached_plan:
            return super().fetch(text, *args, **options)
        return self._fetch_unprepared(text, *args, **options)

    async def execute_write(self, statement: WriteStatement, *args: object) -> None:
        """Run one statement that writes."""
        await self.execute(statement.text, *args)

    async def detect_pooler(self, timeout: float) -> None:  # noqa: ASYNC109
        """Find out whether there is a pooler: another process then answers than the login named.

        Raises TimeoutError if none answers within `timeout` seconds: a pooler accepts logins by itself.
        """
        if await self.fetchval(_BACKEND_PID.text, timeout=timeout) != self.get_server_pid():
            self.mark_as_pooled()

    def mark_as_pooled(self) -> None:
        """Keep the driver and this class from what needs more than one transaction in the same session."""
        self.is_pooled = True
        # Before the driver reads types it would turn jit off, and on again by another transaction.
        self._server_caps: Any = self._server_caps._replace(jit=False)

    async def _fetch_unprepared(self, query: str, *args: object, **options: Any) -> list[Any]:
        """Run a statement whose plan PostgreSQL must not keep.

        It keeps none of a statement that was just prepared. A pooler prepares each text once for all of its
        clients, so that the transaction has to forbid it.
        """
        if not self.is_pooled:
            statement = await self.prepare(query, record_class=options.get("record_class"))
            return await statement.fetch(*args, timeout=options.get("timeout"))
        if self.is_in_transaction():
            await self.execute(_SET_UNCACHED)
            return await super().fetch(query, *args, **options)
        await self.execute(f"BEGIN; {_SET_UNCACHED}")
        try:
            rows = await super().fetch(query, *args, **options)
        except asyncpg.PostgresError:
            if not self.is_closed():
                await self.execute("ROLLBACK")
            raise
        await self.execute("COMMIT")
        return rows


async def connect(
    dsn: str,
    *,
    application_name: str,
    timeout: float = CONNECT_TIMEOUT,  # noqa: ASYNC109 - asyncpg has it
    command_timeout: float | None = None,
    settings: Mapping[str, str] | None = None,
    is_pooled: bool | None = None,
) -> Connection:
    """Open a connection within `timeout` seconds, or within the connect_timeout of the address.

    `application_name` is the default for an address without one; `settings` are server settings.
    `command_timeout` limits each statement, in seconds. `is_pooled` is what an earlier connection to the
    address has found out. Without it one statement asks, which also proves that PostgreSQL answers.
    Raises DatabaseUnavailableError if a retry may help, and DsnError or DatabaseError otherwise. All name the
    reason, and none contains a password.
    """
    address = parse_dsn(dsn)
    timeout = address.connect_timeout or timeout
    failure = f"PostgreSQL cannot be reached at {address.location}"
    with database_errors(failure):
        try:
            connection: Connection = await asyncpg.connect(
                address.driver_url,
                host=list(address.hosts) or None,
                port=list(address.ports),
                user=address.user,
                password=address.password,
                database=address.database,
                passfile=address.passfile,
                timeout=timeout,
                command_timeout=command_timeout,
                max_cacheable_statement_size=0,  # no limit: a statement without a name loses its session
                server_settings={
                    "application_name": application_name,
                    **(settings or {}),
                    **address.settings,
                },
                connection_class=Connection,
            )
            if is_pooled:
                connection.mark_as_pooled()
            elif is_pooled is None:
                await _detect_pooler(connection, timeout)
            return connection
        except TimeoutError as error:
            raise DatabaseUnavailableError(f"{failure}: no answer within {timeout:g} s") from error


async def _detect_pooler(connection: Connection, timeout: float) -> None:  # noqa: ASYNC109
    try:
        await connection.detect_pooler(timeout)
    except BaseException:
        connection.terminate()
        raise
