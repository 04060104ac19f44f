"""Connecting to PostgreSQL: the one place that hands an address to the driver."""

from collections.abc import Mapping
from typing import Any

import asyncpg

from db.connections.dsn import parse_dsn
from db.connections.error_mapping import database_errors
from db.database import PLANNED_ANEW
from db.errors import DatabaseUnavailableError

CONNECT_TIMEOUT = 5.0
"""Seconds to connect in, unless the address has a connect_timeout."""


class Connection(asyncpg.Connection):
    """A connection that keeps no plan of a statement whose text says PLANNED_ANEW.

    PostgreSQL may settle on one plan for all values after five runs. A plan that suits a rare word reads for
    seconds with a frequent one.
    """

    generation = 0
    """The pool's generation in which the connection was opened."""

    def fetch(self, query: str, *args: object, **options: Any) -> Any:
        """Return an awaitable of the statement's rows."""
        if PLANNED_ANEW not in query[:100]:
            return super().fetch(query, *args, **options)
        return self._fetch_unprepared(query, *args, **options)

    async def _fetch_unprepared(self, query: str, *args: object, **options: Any) -> list[Any]:
        statement = await self.prepare(query, record_class=options.get("record_class"))
        return await statement.fetch(*args, timeout=options.get("timeout"))


async def connect(
    dsn: str,
    *,
    application_name: str,
    timeout: float = CONNECT_TIMEOUT,  # noqa: ASYNC109 - asyncpg has it
    command_timeout: float | None = None,
    settings: Mapping[str, str] | None = None,
) -> Connection:
    """Open a connection within `timeout` seconds, or within the connect_timeout of the address.

    `application_name` is the default for an address without one; `settings` are server settings.
    `command_timeout` limits each statement, in seconds. Raises DatabaseUnavailableError if a retry may help,
    and DsnError or DatabaseError otherwise. All name the reason, and none contains a password.
    """
    address = parse_dsn(dsn)
    timeout = address.connect_timeout or timeout
    failure = f"PostgreSQL cannot be reached at {address.location}"
    with database_errors(failure):
        try:
            return await asyncpg.connect(
                address.driver_url,
                host=list(address.hosts) or None,
                port=list(address.ports),
                user=address.user,
                password=address.password,
                database=address.database,
                passfile=address.passfile,
                timeout=timeout,
                command_timeout=command_timeout,
                server_settings={
                    "application_name": application_name,
                    **(settings or {}),
                    **address.settings,
                },
                connection_class=Connection,
            )
        except TimeoutError as error:
            raise DatabaseUnavailableError(f"{failure}: no answer within {timeout:g} s") from error
