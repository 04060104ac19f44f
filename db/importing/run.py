"""Import one delivery: stage it, refuse what cannot be taken, merge the rest, all in one transaction."""

import gc
import logging
import resource
import sys
import time
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from asyncpg.transaction import Transaction

from db.connections.connect import connect
from db.errors import CatalogImportError
from db.importing import bulk, listings, refuse, resolve
from db.importing.merge import LOCK_TABLES, NOTHING, Written, merge
from db.importing.progress import Progress
from db.importing.readers.delivery import Delivery
from db.importing.records import BookRecord, Reject
from db.importing.rejects import RejectsFile
from db.importing.staging import Staging
from db.migrations import require_head

LARGE = 2_000
PATIENCE = 600.0
SILENT = Progress()

# asyncpg calls it an internal error when the server goes away in the middle of a COPY.
FAILURES = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)

log = logging.getLogger(__name__)

# A server that notices a killed importer lets go of its locks at once; not every platform can.
NOTICE_A_KILLED_IMPORTER = """
/* notice_a_killed_importer */
SET client_connection_check_interval = '1s'
"""

# Pool-wide time-outs are not meant for us. A few large sorts and hashes run one after the other.
SETTINGS = """
/* import_settings */
SELECT set_config(name, CASE name
    WHEN 'jit' THEN 'off' WHEN 'work_mem' THEN '128MB' WHEN 'maintenance_work_mem' THEN '256MB'
    WHEN 'temp_buffers' THEN '32MB' ELSE '0' END, true)
FROM pg_settings
WHERE name IN ('jit', 'work_mem', 'maintenance_work_mem', 'temp_buffers', 'statement_timeout', 'lock_timeout',
               'idle_in_transaction_session_timeout', 'transaction_timeout')
"""

ONLY_IMPORT = """
/* only_import */
SELECT pg_try_advisory_xact_lock(hashtext('bookstore import'))
"""

SQL_REJECTS = """
/* rejects */
SELECT row, field, value, reason, first_row FROM stage_reject ORDER BY row, field
"""

VACUUM = (
    """
    /* vacuum_catalog */
    VACUUM (ANALYZE) author, category, book, book_author, book_category, author_listing, category_listing,
                     book_search, search_word
    """,
)

# Rebuilt tables have been analyzed.
VACUUM_REBUILT = (
    """
    /* vacuum_rebuilt_catalog */
    VACUUM author, book, book_author, book_category, author_listing, category_listing, book_search
    """,
    """
    /* vacuum_category */
    VACUUM (ANALYZE) category, search_word
    """,
)


@dataclass(frozen=True, slots=True)
class Summary:
    """What an import did, or with `dry_run` would have done.

    `read` is `new + changed + unchanged + rejected` books; a book whose links changed is changed.
    `dropped_values` were not usable, and their books were imported without them.
    `absent` books are of this source but not in this delivery, and were kept; of those, some may have
    lost their ISBN to a book that is (`released_isbns`). `phases` are seconds by step.
    """

    source: str
    dry_run: bool
    read: int
    new: int
    changed: int
    unchanged: int
    rejected: int
    dropped_values: int
    absent: int
    written: Written
    rebuilt: tuple[str, ...]
    phases: tuple[tuple[str, float], ...]
    seconds: float
    peak_memory_mb: float

    @property
    def changed_nothing(self) -> bool:
        return not (self.new or self.changed or self.written != NOTHING)


@dataclass(frozen=True, slots=True)
class Counts:
    """How the staged books relate to the catalog."""

    new: int
    changed: int
    staged: int
    absent: int
    catalog: int


class Clock:
    """Tells the progress which step begins, and keeps the seconds that each one took."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.started = self._since = time.monotonic()
        self._phase = "Reading"
        self.phases: list[tuple[str, float]] = []

    def phase(self, title: str) -> None:
        self.stop()
        self._phase = title
        self.progress.phase(title)

    def stop(self) -> None:
        now = time.monotonic()
        self.phases.append((self._phase, now - self._since))
        self._since = now


@dataclass(frozen=True, slots=True)
class Job:
    """One import under way."""

    connection: asyncpg.Connection
    delivery: Delivery
    rejected: RejectsFile
    clock: Clock


async def import_delivery(
    dsn: str, delivery: Delivery, *, rejects: Path, dry_run: bool = False, progress: Progress = SILENT
) -> Summary:
    """Merge the delivery into the catalog at `dsn`, or with `dry_run` find out what that would do.

    All or nothing, at whatever moment it ends; readers meanwhile see the catalog as it was.
    Rejected rows go to the file `rejects`, which is made only when there are some. Raises CatalogImportError
    when another import is running or the delivery cannot be read, DatabaseError when the database is
    away or not migrated; then nothing was written.
    """
    if delivery.source == "name" or not delivery.source.strip():
        raise CatalogImportError(f"A source cannot be called {delivery.source!r}: give it another name.")
    clock = Clock(progress)
    async with aclosing(delivery.batches):
        with RejectsFile(rejects, delivery.place) as rejected:
            async with connected(dsn) as connection:
                return await run(Job(connection, delivery, rejected, clock), dry_run=dry_run)


async def run(job: Job, *, dry_run: bool) -> Summary:
    transaction = job.connection.transaction()
    await transaction.start()
    try:
        read = await stage(job)
        counts, written, rebuilt = await merge_staged(job)
        job.clock.phase("Rolling back" if dry_run else "Committing")
    except BaseException:
        if not job.connection.is_closed():
            with suppress(*FAILURES):
                await transaction.rollback()
        raise
    await (transaction.rollback() if dry_run else commit(transaction))
    if not dry_run and counts.new + counts.changed >= LARGE:
        job.clock.phase("Vacuuming")
        await vacuum(job.connection, VACUUM_REBUILT if "book" in rebuilt else VACUUM)
    job.clock.stop()
    return Summary(
        source=job.delivery.source,
        dry_run=dry_run,
        read=read,
        new=counts.new,
        changed=counts.changed,
        unchanged=counts.staged - counts.new - counts.changed,
        rejected=job.rejected.count,
        dropped_values=job.rejected.dropped,
        absent=counts.absent,
        written=written,
        rebuilt=tuple(rebuilt),
        phases=tuple(job.clock.phases),
        seconds=time.monotonic() - job.clock.started,
        peak_memory_mb=peak_memory_mb(),
    )


@contextmanager
def few_collections() -> Generator[None]:
    """Millions of records come and go, none in a cycle: to look for cycles takes a tenth of the time."""
    thresholds = gc.get_threshold()
    gc.set_threshold(100_000, *thresholds[1:])
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)


async def stage(job: Job) -> int:
    """Read the delivery into the staging tables; the number of rows read."""
    await job.connection.execute(SETTINGS)
    if not await job.connection.fetchval(ONLY_IMPORT):
        raise CatalogImportError("Another import is running on this database: start again when it has ended.")
    staging = Staging(job.connection)
    await staging.create()
    job.clock.progress.begin(job.delivery)
    read = 0
    try:
        with few_collections():
            async for batch in job.delivery.batches:
                read += sum(isinstance(record, BookRecord) or record.dropped == "row" for record in batch)
                await staging.add(record for record in batch if isinstance(record, BookRecord))
                job.rejected.write(record for record in batch if isinstance(record, Reject))
                job.clock.progress.read(read)
        await staging.finish()
    finally:
        await staging.close()
    return read


async def merge_staged(job: Job) -> tuple[Counts, Written, Sequence[str]]:
    """Resolve and merge what was staged; also names the tables that were rebuilt for it."""
    connection, source, clock = job.connection, job.delivery.source, job.clock
    clock.phase("Comparing with the catalog")
    await bulk.lock(connection, LOCK_TABLES, wait=0.5, patience=PATIENCE)
    await refuse.create(connection)
    await resolve.create(connection)
    await refuse.refuse_rows(connection, source)
    async for row in connection.cursor(SQL_REJECTS):
        job.rejected.write([sql_reject(row, job.delivery)])
    await resolve.resolve(connection, source)
    counts = Counts(**dict(await connection.fetchrow(resolve.COUNT_BOOKS, source) or {}))
    tables = await tables_to_rebuild(connection, counts)
    clock.phase("Writing books, authors and categories")
    if tables:
        await bulk.begin(connection, tables)
    written = await merge(connection, source, into_rebuilt="book" in tables)
    if tables:
        clock.phase("Building indexes")
        await bulk.complete(connection, tables, bulk.BOOKS)
        clock.phase("Listing books by author and category")
        await listings.fill(connection, tables)
        clock.phase("Building indexes of the listings")
        await bulk.complete(connection, tables, bulk.LISTINGS)
        await listings.recount(connection, tables)
        await bulk.swap(connection, tables, patience=PATIENCE)
    return counts, written, tables


async def tables_to_rebuild(connection: asyncpg.Connection, counts: Counts) -> Sequence[str]:
    """Which tables are cheaper built anew than kept row by row.

    The listings, when more than a fifth of the catalog comes out different; the books and their links
    too, when most of them are new.
    """
    touched = counts.new + counts.changed
    if touched < LARGE or touched * 5 <= counts.catalog:
        return ()
    everything = (*bulk.BOOKS, *bulk.LISTINGS)
    for tables in (everything, bulk.LISTINGS) if counts.new >= 2 * counts.catalog else (bulk.LISTINGS,):
        obstacles = await bulk.obstacles(connection, tables)
        if not obstacles:
            return tables
        log.warning("The import is slower than it could be: cannot rebuild %s", "; ".join(obstacles))
    return ()


def sql_reject(row: asyncpg.Record, delivery: Delivery) -> Reject:
    first: int | None = row["first_row"]
    reason: str = row["reason"] if first is None else f"{row['reason']} {delivery.place(first)}"
    return Reject(row["row"], row["field"], row["value"], reason)


async def commit(transaction: Transaction) -> None:
    try:
        await transaction.commit()
    except FAILURES as error:
        raise CatalogImportError(
            f"The connection was lost while committing ({error}): the delivery may have been written or not. "
            "Import it again: what is there already will not change."
        ) from error


async def vacuum(connection: asyncpg.Connection, statements: Sequence[str]) -> None:
    """Make index-only scans possible at once; when that fails the server's autovacuum does it later."""
    try:
        for statement in statements:
            await connection.execute(statement)
    except FAILURES as error:
        log.warning("The import is complete, but VACUUM failed: %s", error)


@asynccontextmanager
async def connected(dsn: str) -> AsyncGenerator[asyncpg.Connection]:
    """A migrated database's connection; whatever goes wrong with it comes out as a CatalogError."""
    connection = await connect(dsn, application_name="bookstore import")
    try:
        await require_head(connection)
        with suppress(asyncpg.PostgresError):
            await connection.execute(NOTICE_A_KILLED_IMPORTER)
        yield connection
    except FAILURES as error:
        raise CatalogImportError(
            f"The database failed during the import: {error}. Nothing was written."
        ) from error
    finally:
        connection.terminate() if connection.is_in_transaction() else await connection.close(timeout=10)


def peak_memory_mb() -> float:
    """The most memory that this process has held so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
