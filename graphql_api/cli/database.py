"""The database that a command uses."""

import os

from db import embedded
from db.connections.dsn import SERVER_VARIABLES, DsnError, parse_dsn
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
    return embedded.start(settings.data, bin_folder=settings.postgres_bin).dsn
