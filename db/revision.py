"""The revision of the tables: the one that a database is at, and the one that this code needs."""

import asyncio
import logging
from functools import cache
from importlib.resources import files

import asyncpg

from db.connections.connect import connect
from db.connections.error_mapping import database_errors
from db.database import Database
from db.errors import DatabaseError, DatabaseUnavailableError
from db.statements import ReadStatement

CURRENT_REVISION = ReadStatement(
    "current_revision",
    """
SELECT version_num FROM alembic_version
""",
)


_IS_STANDBY = ReadStatement(
    "is_standby",
    """
SELECT pg_is_in_recovery() AS is_standby
""",
)


@cache
def head_revision() -> str:
    """Return the newest revision in the migrations folder: the number that its file's name starts with."""
    names = [entry.name for entry in files("migrations").joinpath("versions").iterdir()]
    return max(name.partition("_")[0] for name in names if name[0].isdigit())


async def current_revision(database: Database) -> str | None:
    """Return the revision of the database, or None if it was never migrated."""
    try:
        return (await database.fetch(CURRENT_REVISION))[0]["version_num"]
    except (asyncpg.UndefinedTableError, IndexError):
        return None


async def require_head(database: Database) -> None:
    """Raise DatabaseError if the database is not at the newest revision."""
    current = await current_revision(database)
    if current != head_revision():
        raise DatabaseError(
            f"The database is at revision {current or 'none'}, this version needs {head_revision()}: "
            "run `bookstore migrate`."
        )


def migrate_to_head(dsn: str) -> None:
    """Upgrade the database to the newest revision, if it is at another one. It runs an event loop.

    Raises DatabaseUnavailableError if it is a standby, and what `db.migrations.migrate` raises.
    """
    revision, is_standby = asyncio.run(_read_revision(dsn))
    if revision != head_revision():
        if is_standby:
            raise DatabaseUnavailableError(
                f"The database is a standby at revision {revision or 'none'}, this version needs "
                f"{head_revision()}: run `bookstore migrate` with the address of its primary"
            )
        logging.getLogger("alembic").setLevel(logging.WARNING)  # it logs its plugins when it is imported
        from db.migrations import migrate

        migrate(dsn)


async def _read_revision(dsn: str) -> tuple[str | None, bool]:
    """Return the revision of the database, and whether it is a standby."""
    connection = await connect(dsn, application_name="bookstore migrate")
    try:
        with database_errors("The database cannot be migrated"):
            [standby] = await connection.fetch(_IS_STANDBY)
            return await current_revision(connection), standby["is_standby"]
    finally:
        connection.terminate()
