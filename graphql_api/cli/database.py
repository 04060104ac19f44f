"""The database that a command uses."""

import asyncio
import atexit
import os
import signal
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import click

from db import embedded
from db.connections.connect import Connection, connect
from db.connections.dsn import SERVER_VARIABLES, DsnError, parse_dsn
from db.connections.error_mapping import database_errors
from db.connections.replica_urls import parse_replica_urls
from db.errors import CatalogError
from db.revision import migrate_to_head
from graphql_api.settings import Settings, SettingsError

T = TypeVar("T")


def database_dsn(settings: Settings) -> str:
    """Return DATABASE_URL, or the DSN of the embedded PostgreSQL, which is started if it is not running.

    Raise SettingsError if DATABASE_URL is invalid, or if another variable names a server without it.
    """
    if settings.database_url:
        dsn = _require_valid("DATABASE_URL", settings.database_url)
        try:
            parse_replica_urls(settings.replica_urls, dsn)
        except DsnError as error:
            raise SettingsError(f"REPLICA_URLS: {error}.") from error
        return dsn
    if settings.direct_database_url:
        raise SettingsError(
            "DIRECT_DATABASE_URL is set, but DATABASE_URL is not. "
            "Set DATABASE_URL for the server, or unset both."
        )
    if named := [variable for variable in SERVER_VARIABLES if os.environ.get(variable)]:
        raise SettingsError(
            f"{named[0]} is set, but DATABASE_URL is not. Set DATABASE_URL=postgresql:// for the PostgreSQL "
            f"that the PG* variables name, or unset {', '.join(named)} for the embedded one."
        )
    if os.getpid() == 1:
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # PID 1 has no default action
        atexit.register(_stop_with_pid_1, settings.data_dir)
    return embedded.start(settings.data_dir, bin_folder=settings.postgres_bin).dsn


def direct_dsn(settings: Settings) -> str:
    """Return DIRECT_DATABASE_URL, or what `database_dsn` returns. Raise SettingsError as it does."""
    if settings.database_url and settings.direct_database_url:
        return _require_valid("DIRECT_DATABASE_URL", settings.direct_database_url)
    return database_dsn(settings)


def _require_valid(name: str, dsn: str) -> str:
    try:
        parse_dsn(dsn)
    except DsnError as error:
        raise SettingsError(f"{name}: {error}.") from error
    return dsn


def migrated_dsn() -> str:
    """Return the DSN of the database of the environment's settings, at the newest revision."""
    dsn = direct_dsn(Settings.from_environment(os.environ))
    migrate_to_head(dsn)
    return dsn


def query_database(query: Callable[[Connection], Coroutine[Any, Any, T]], application_name: str) -> T:
    """Return what the query returns for a connection to the migrated database."""
    dsn = migrated_dsn()

    async def run_query() -> T:
        connection = await connect(dsn, application_name=application_name, settings={"timezone": "UTC"})
        try:
            with database_errors("The database failed"):
                return await query(connection)
        finally:
            await connection.close()

    return asyncio.run(run_query())


def _stop_with_pid_1(data: Path) -> None:
    """Stop the embedded PostgreSQL in order. When PID 1 ends, all other processes are killed."""
    try:
        if embedded.stop(data):
            click.echo("PostgreSQL is stopped: it cannot outlive PID 1.")
    except CatalogError as error:
        click.echo(f"Error: {error}", err=True)
