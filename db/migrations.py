"""Bring a database to the revision this code was written for, or say that it is not there."""

import asyncio
import logging
from importlib.resources import files

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.exc import DBAPIError

from db.errors import DatabaseError
from db.pool import CONNECT_SECONDS, UNREACHABLE, Database, unreachable

FOLDS_LETTERS = """
/* folds_letters */
SELECT lower('É'::text) = 'é' AS folds
"""

CURRENT_REVISION = """
/* current_revision */
SELECT version_num FROM alembic_version
"""


def migrate(dsn: str, revision: str = "head") -> None:
    """Upgrade the database to `revision`. Runs its own event loop: call it outside of one.

    Raises DatabaseError when the database cannot be reached, folds only ASCII letters, or lacks
    an extension or the right to create one.
    """
    asyncio.run(require_letters(dsn))
    try:
        command.upgrade(config(dsn), revision)
    except (asyncpg.InsufficientPrivilegeError, asyncpg.FeatureNotSupportedError, DBAPIError) as error:
        raise DatabaseError(f"The database cannot be migrated: {reason_of(error)}") from error


async def require_letters(dsn: str) -> None:
    """Raise DatabaseError unless the database can be reached and folds all letters."""
    try:
        connection = await asyncpg.connect(dsn, timeout=CONNECT_SECONDS)
    except UNREACHABLE as error:
        raise unreachable(error) from error
    try:
        if not await connection.fetchval(FOLDS_LETTERS):
            raise DatabaseError(
                "The database's locale folds only ASCII letters, so that É and é would differ: "
                "create it anew with LC_CTYPE 'C.UTF-8' (CREATE DATABASE … TEMPLATE template0)."
            )
    finally:
        await connection.close()


def unmigrate(dsn: str, revision: str = "base") -> None:
    """Downgrade the database to `revision`; `base` removes the catalog and all its data."""
    command.downgrade(config(dsn), revision)


def head() -> str:
    """The newest revision in the migrations folder."""
    revision = ScriptDirectory(str(files("migrations"))).get_current_head()
    assert revision is not None  # noqa: S101 - the package always ships its migrations
    return revision


async def require_head(database: Database) -> None:
    """Raise DatabaseError unless the database is at the newest revision."""
    try:
        current = (await database.fetch(CURRENT_REVISION))[0]["version_num"]
    except (asyncpg.UndefinedTableError, IndexError):
        current = None
    if current != head():
        raise DatabaseError(
            f"The database is at revision {current or 'none'}, this version needs {head()}: "
            "run `bookstore migrate`."
        )


def config(dsn: str) -> Config:
    logging.getLogger("alembic").setLevel(logging.WARNING)
    settings = Config(attributes={"dsn": dsn})
    settings.set_main_option("script_location", str(files("migrations")))
    return settings


def reason_of(error: Exception) -> str:
    """What PostgreSQL said, in one line."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return str(cause).partition("\n")[0].partition(">: ")[2] or str(cause).partition("\n")[0]
