"""The database that a command uses."""

import atexit
import os
import signal
from pathlib import Path

import click

from db import embedded
from db.connections.dsn import SERVER_VARIABLES, DsnError, parse_dsn
from db.errors import CatalogError
from graphql_api.settings import Settings, SettingsError


def database_dsn(settings: Settings) -> str:
    """Return DATABASE_URL, or the DSN of the embedded PostgreSQL, which is started if it is not running.

    Raise SettingsError if DATABASE_URL is invalid, or if PG* variables name a server without it.
    """
    if settings.database_url:
        try:
            parse_dsn(settings.database_url)
        except DsnError as error:
            raise SettingsError(f"DATABASE_URL: {error}.") from error
        return settings.database_url
    if named := [variable for variable in SERVER_VARIABLES if os.environ.get(variable)]:
        raise SettingsError(
            f"{named[0]} is set, but DATABASE_URL is not. Set DATABASE_URL=postgresql:// for the PostgreSQL "
            f"that the PG* variables name, or unset {', '.join(named)} for the embedded one."
        )
    if os.getpid() == 1:
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # PID 1 has no default action
        atexit.register(_stop_with_pid_1, settings.data_dir)
    return embedded.start(settings.data_dir, bin_folder=settings.postgres_bin).dsn


def _stop_with_pid_1(data: Path) -> None:
    """Stop the embedded PostgreSQL in order. When PID 1 ends, all other processes are killed."""
    try:
        if embedded.stop(data):
            click.echo("PostgreSQL is stopped: it cannot outlive PID 1.")
    except CatalogError as error:
        click.echo(f"Error: {error}", err=True)
