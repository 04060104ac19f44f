"""Connecting to PostgreSQL: the one place that hands an address to the driver."""

from collections.abc import Mapping
from itertools import product
from typing import Any

import asyncpg
from asyncpg.exceptions import TargetServerAttributeNotMatched

from db.connections.dsn import Dsn, HostAddress, parse_dsn
from db.connections.error_mapping import database_errors, describe_error, is_connection_lost
from db.connections.hosts import HostOrder
from db.errors import DatabaseUnavailableError
from db.statements import ReadStatement, WriteStatement

CONNECT_TIMEOUT = 5.0
"""Seconds for each host to connect in, unless the address has a connect_timeout."""

_ATTRIBUTES_IN_TURN = {"prefer-standby": ("standby", "any")}
"""The target_session_attrs that asks for two rounds over the hosts, and the attribute of each round."""

_BACKEND_PID = ReadStatement("backend_pid", "SELECT pg_backend_pid()")
_SET_UNCACHED = "SET LOCAL plan_cache_mode = 'force_custom_plan'"


class Connection(asyncpg.Connection):
    """A connection that runs statement objects, and texts as its base class does."""

    generation = 0
    """The pool's generation in which the connection was opened."""

    host: HostAddress | None = None
    """The host that it was opened to; None for an address without one."""

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


class _HostSkippedError(DatabaseUnavailableError):
    """A host cannot be used, and the next one is to be tried. The message is the reason."""


async def connect(
    dsn: str,
    *,
    application_name: str,
    timeout: float = CONNECT_TIMEOUT,  # noqa: ASYNC109 - asyncpg has it
    command_timeout: float | None = None,
    settings: Mapping[str, str] | None = None,
    host_order: HostOrder | None = None,
    is_pooled: bool | None = None,
) -> Connection:
    """Open a connection to the first host that can be used: the last good one, then in the address's order.

    Each host has `timeout` seconds, or the connect_timeout of the address. A host is skipped if it cannot be
    reached, or if its role is not what target_session_attrs asks for; any other error of it is raised, as by
    psql. `application_name` is the default for an address without one; `settings` are server settings.
    `command_timeout` limits each statement, in seconds. `is_pooled` is what an earlier connection has found
    out. Without it one statement asks, which also proves that PostgreSQL answers.

    Raises DatabaseUnavailableError if a retry may help, and DsnError or DatabaseError otherwise. All name the
    reason, and none contains a password.
    """
    address = parse_dsn(dsn)
    host_order = host_order or HostOrder()
    options = {
        "timeout": address.connect_timeout or timeout,
        "command_timeout": command_timeout,
        "server_settings": {"application_name": application_name, **(settings or {}), **address.settings},
    }
    attributes = _ATTRIBUTES_IN_TURN.get(address.target_session_attrs, (address.target_session_attrs,))
    reasons: dict[str, str] = {}
    skipped: _HostSkippedError | None = None
    for attribute, host in product(attributes, host_order.arrange(address.host_addresses) or (None,)):
        place = f"at {host or address.location}"
        try:
            with database_errors(f"PostgreSQL cannot be reached {place}"):
                connection = await _connect_to_host(
                    address, host, {**options, "target_session_attrs": attribute}, is_pooled
                )
        except _HostSkippedError as error:
            reasons[place], skipped = str(error), error
        else:
            connection.host = host
            host_order.prefer(host)
            return connection
    failure = "; ".join(f"{place}: {reason}" for place, reason in reasons.items())
    raise DatabaseUnavailableError(f"PostgreSQL cannot be reached {failure}") from skipped


async def _connect_to_host(
    address: Dsn, host: HostAddress | None, options: Mapping[str, Any], is_pooled: bool | None
) -> Connection:
    """Open a connection to one host; None is the local server.

    Raises _HostSkippedError with the reason, or the driver's error if no other host is to be tried.
    """
    try:
        connection: Connection = await asyncpg.connect(
            address.driver_url,
            host=host and host.host,
            port=host.port if host else list(address.ports),
            user=address.user,
            password=address.password,
            database=address.database,
            passfile=address.passfile,
            max_cacheable_statement_size=0,  # no limit: a statement without a name loses its session
            connection_class=Connection,
            **options,
        )
        if is_pooled is None:
            await _detect_pooler(connection, options["timeout"])
        elif is_pooled:
            connection.mark_as_pooled()
        return connection
    except TargetServerAttributeNotMatched as error:
        raise _HostSkippedError(
            f"it does not match target_session_attrs={options['target_session_attrs']}"
        ) from error
    except TimeoutError as error:
        raise _HostSkippedError(f"no answer within {options['timeout']:g} s") from error
    except Exception as error:
        if is_connection_lost(error):
            raise _HostSkippedError(describe_error(error)) from error
        raise


async def _detect_pooler(connection: Connection, timeout: float) -> None:  # noqa: ASYNC109
    try:
        await connection.detect_pooler(timeout)
    except BaseException:
        connection.terminate()
        raise
