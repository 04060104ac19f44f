"""Bring a database to the revision that this code needs, by Alembic."""

import asyncio
from importlib.resources import files

from alembic import command
from alembic.config import Config
from alembic.util import CommandError

from db.connections.connect import connect
from db.connections.error_mapping import database_errors
from db.errors import DatabaseError
from db.statements import ReadStatement

UNICODE_FOLDING_QUERY = ReadStatement(
    "unicode_folding",
    """
SELECT lower('É'::text) = 'é' AS folds
""",
)

_FAILURE = "The database cannot be migrated"


def migrate(dsn: str, revision: str = "head") -> None:
    """Upgrade the database to `revision`. Call it outside of an event loop: it runs its own.

    Raises DatabaseUnavailableError if a retry may help. Raises DatabaseError if PostgreSQL refuses the
    connection, the database folds only ASCII letters, or an extension or a right is missing.
    """
    asyncio.run(_require_unicode_locale(dsn))
    try:
        with database_errors(_FAILURE):
            command.upgrade(_alembic_config(dsn), revision)
    except CommandError as error:
        raise DatabaseError(f"{_FAILURE}: {error}") from error


async def _require_unicode_locale(dsn: str) -> None:
    """Raise DatabaseError if the database cannot be reached or folds only ASCII letters."""
    connection = await connect(dsn, application_name="bookstore migrate")
    try:
        with database_errors(_FAILURE):
            folds = await connection.fetchval(UNICODE_FOLDING_QUERY.text)
    finally:
        connection.terminate()
    if not folds:
        raise DatabaseError(
            "The database's locale folds only ASCII letters, so that É and é would differ: "
            "create the database with LC_CTYPE 'C.UTF-8' (CREATE DATABASE … TEMPLATE template0)."
        )


def downgrade(dsn: str, revision: str = "base") -> None:
    """Downgrade the database to `revision`. `base` removes the catalog and all its data."""
    command.downgrade(_alembic_config(dsn), revision)


def _alembic_config(dsn: str) -> Config:
    settings = Config(attributes={"dsn": dsn})
    settings.set_main_option("script_location", str(files("migrations")))
    return settings
