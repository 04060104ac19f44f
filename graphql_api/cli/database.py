"""The database that a command uses."""

from db import embedded
from graphql_api.settings import Settings


def database_dsn(settings: Settings) -> str:
    """Return DATABASE_URL, or the DSN of the embedded PostgreSQL, which is started if it is not running."""
    if settings.database_url:
        return settings.database_url
    return embedded.start(settings.data, bin_folder=settings.postgres_bin).dsn
