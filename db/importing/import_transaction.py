"""The transaction of an import: one at a time, committed or rolled back as a whole, then VACUUM."""

import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import asyncpg
from asyncpg.transaction import Transaction

from db.connections.connect import Connection, connect
from db.errors import CatalogImportError
from db.importing.merge import LOCK_TABLES
from db.importing.phases import PhaseTimer
from db.importing.table_rebuild import acquire_locks
from db.importing.temporary_tables import create_merge_tables, discard_temporary_tables
from db.revision import require_head

BULK_MIN_BOOKS = 2_000
"""An import with at least this many new and changed books may rebuild tables, and ends with VACUUM."""

CATALOG_LOCK_TIMEOUT = 600.0
"""Maximum wait for the locks on the catalog, in seconds."""

IMPORT_LOCK_TIMEOUT = 5.0
"""Maximum wait for the end of an upsert by the API, in seconds."""

# asyncpg raises InternalClientError when the server disconnects during a COPY.
_CONNECTION_ERRORS = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)

log = logging.getLogger(__name__)

# Lets the server notice a killed importer and release its locks within 1 s. Some platforms do not support it.
_ENABLE_CONNECTION_CHECK = """
/* notice_a_killed_importer */
SET LOCAL client_connection_check_interval = '1s'
"""

# Disables the timeouts of the role or database for the import, and raises the memory limits: a few large
# sorts and hashes run one after another. What an import writes is not an edit by hand. The
# journal writes times as texts, which depend on the time zone.
_TRANSACTION_SETTINGS = """
/* import_settings */
SELECT set_config(name, CASE name
    WHEN 'jit' THEN 'off' WHEN 'work_mem' THEN '128MB' WHEN 'maintenance_work_mem' THEN '256MB'
    WHEN 'temp_buffers' THEN '32MB' ELSE '0' END, true)
FROM pg_settings
WHERE name IN ('jit', 'work_mem', 'maintenance_work_mem', 'temp_buffers', 'statement_timeout', 'lock_timeout',
               'idle_in_transaction_session_timeout', 'transaction_timeout')
UNION ALL
SELECT set_config('bookstore.writer', 'import', true)
UNION ALL
SELECT set_config('TimeZone', 'UTC', true)
"""

# Until the end of the transaction nobody else writes to the listings, so their rows stay at their places.
LISTINGS_LOCKED = """
/* listings_locked */
SET LOCAL bookstore.listings_locked = 'on'
"""

_IMPORT_LOCK = """
/* only_import */
SELECT pg_advisory_xact_lock(hashtext('bookstore import'))
"""

TRY_IMPORT_LOCK = """
/* try_only_import */
SELECT pg_try_advisory_xact_lock(hashtext('bookstore import'))
"""

_NO_STATEMENT_TIMEOUT = """
/* no_statement_timeout */
SET statement_timeout = 0
"""

_CATALOG_TABLES = (
    "author", "author_spelling", "author_listing", "book", "book_author", "book_category", "book_search", "category",
    "category_listing", "category_spelling", "search_word", "series",
)  # fmt: skip

# VACUUM reads the indexes of a table, and ANALYZE a sample: for tables that are as before, in vain.
_CHANGED_TABLES = """
/* changed_tables */
SELECT relname FROM pg_stat_xact_user_tables
WHERE relid = ANY ($1::text[]::regclass[]) AND n_tup_ins + n_tup_upd + n_tup_del > 0
ORDER BY relname
"""


@dataclass(slots=True)
class ImportTransaction:
    """The transaction of an import. `written_books` says whether it ends with VACUUM. `rebuilt` tables are analyzed."""

    connection: asyncpg.Connection
    written_books: int = 0
    rebuilt: Sequence[str] = ()

    async def find_changed_tables(self) -> list[str]:
        """Return the tables of the catalog in which the transaction has written rows."""
        return [row[0] for row in await self.connection.fetch(_CHANGED_TABLES, _CATALOG_TABLES)]

    async def lock_catalog(self) -> None:
        """Let no other session write to the catalog until the end, and create the tables to compare with it.

        Raises CatalogImportError after CATALOG_LOCK_TIMEOUT.
        """
        await acquire_locks(
            self.connection, LOCK_TABLES, attempt_timeout=0.5, total_timeout=CATALOG_LOCK_TIMEOUT
        )
        await self.connection.execute(LISTINGS_LOCKED)
        await create_merge_tables(self.connection)


@asynccontextmanager
async def begin_import(
    dsn: str, timer: PhaseTimer, *, dry_run: bool, application_name: str = "bookstore import"
) -> AsyncGenerator[ImportTransaction]:
    """Yield the transaction of the only import that runs. Commit it at the end, or roll it back with `dry_run`.

    Raises CatalogImportError if another import runs, and for errors of the database. Raises DatabaseError if
    the database is unreachable or not migrated.
    """
    async with _open_connection(dsn, application_name) as connection:
        transaction = connection.transaction()
        await transaction.start()
        running = ImportTransaction(connection)
        try:
            await _acquire_import_lock(connection)
            yield running
            changed = await running.find_changed_tables()
            await discard_temporary_tables(connection)
            timer.start_phase("Rolling back" if dry_run else "Committing")
        except BaseException:
            if not connection.is_closed():
                with suppress(*_CONNECTION_ERRORS):
                    await transaction.rollback()
            raise
        await (transaction.rollback() if dry_run else _commit(transaction))
        if not dry_run and running.written_books >= BULK_MIN_BOOKS:
            timer.start_phase("Vacuuming")
            await _vacuum(connection, changed, running.rebuilt)


async def _acquire_import_lock(connection: asyncpg.Connection) -> None:
    with suppress(asyncpg.InvalidParameterValueError):
        async with connection.transaction():
            await connection.execute(_ENABLE_CONNECTION_CHECK)
    await connection.execute(_TRANSACTION_SETTINGS)
    await connection.execute(f"SET LOCAL lock_timeout = {round(IMPORT_LOCK_TIMEOUT * 1000)}")
    try:
        await connection.execute(_IMPORT_LOCK)
    except asyncpg.LockNotAvailableError as error:
        message = "Another import is running on this database: retry when it has finished."
        raise CatalogImportError(message) from error
    await connection.execute("SET LOCAL lock_timeout = 0")


async def _commit(transaction: Transaction) -> None:
    try:
        await transaction.commit()
    except _CONNECTION_ERRORS as error:
        raise CatalogImportError(
            f"The connection was lost during the commit ({error}): the feed may or may not have been written. "
            "Import it again: rows that are already written do not change."
        ) from error


async def _vacuum(connection: Connection, tables: Sequence[str], analyzed: Sequence[str]) -> None:
    """Run VACUUM, which enables index-only scans. If it fails, log a warning: autovacuum runs later.

    It runs outside of a transaction, so that a pooler may give its session to others: the timeout of the role
    stays as it is there.
    """
    advice = ""
    try:
        if connection.is_pooled:
            advice = "; DIRECT_DATABASE_URL can lead around the pooler and its timeouts"
        else:
            await connection.execute(_NO_STATEMENT_TIMEOUT)
        for table in tables:
            await connection.execute(f"VACUUM {'' if table in analyzed else '(ANALYZE)'} {table}")
    except _CONNECTION_ERRORS as error:
        log.warning("The import is complete, but VACUUM failed: %s%s", error, advice)


@asynccontextmanager
async def _open_connection(dsn: str, application_name: str) -> AsyncGenerator[Connection]:
    """Open a connection to a migrated database, and map its errors to DatabaseError or CatalogImportError."""
    connection = await connect(dsn, application_name=application_name)
    try:
        await require_head(connection)
        yield connection
    except _CONNECTION_ERRORS as error:
        raise CatalogImportError(
            f"The database failed during the import: {error}. Nothing was written."
        ) from error
    finally:
        connection.terminate() if connection.is_in_transaction() else await connection.close(timeout=10)
