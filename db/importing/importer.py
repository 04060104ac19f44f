"""Import one feed in one transaction: stage it, reject invalid rows and merge the others."""

import gc
import logging
import resource
import sys
import time
from collections.abc import AsyncGenerator, Generator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import asyncpg
from asyncpg.transaction import Transaction

from db.connections.connect import connect
from db.errors import CatalogImportError
from db.importing import listings, plan, resolve, staged_checks, table_rebuild
from db.importing.merge import LOCK_TABLES, MergeCounts, merge
from db.importing.missing import check_missing_limit, find_missing_books
from db.importing.options import DEFAULT_OPTIONS, EDITOR, ImportOptions
from db.importing.ownership import record_owners
from db.importing.plan import Approve, BookCounts, Plan
from db.importing.progress import ImportProgress
from db.importing.readers.feed import Feed, RecordBatch
from db.importing.records import BookRecord, Reject
from db.importing.rejects import RejectsFile
from db.importing.staging import Staging
from db.importing.summary import Summary
from db.importing.temporary_tables import create_merge_tables, create_staging_tables
from db.importing.update_rules import UpdateRules, update_rules
from db.revision import require_head

# An import with at least this many new and changed books may rebuild tables, and ends with VACUUM.
BULK_MIN_BOOKS = 2_000
# Maximum wait for the locks on the catalog, in seconds.
CATALOG_LOCK_TIMEOUT = 600.0
_NO_PROGRESS = ImportProgress()

# asyncpg raises InternalClientError when the server disconnects during a COPY.
_CONNECTION_ERRORS = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)

log = logging.getLogger(__name__)

# Lets the server notice a killed importer and release its locks within 1 s. Some platforms do not support it.
_ENABLE_CONNECTION_CHECK = """
/* notice_a_killed_importer */
SET client_connection_check_interval = '1s'
"""

# Disables the timeouts of the role or database for the import, and raises the memory limits: a few large
# sorts and hashes run one after another.
_TRANSACTION_SETTINGS = """
/* import_settings */
SELECT set_config(name, CASE name
    WHEN 'jit' THEN 'off' WHEN 'work_mem' THEN '128MB' WHEN 'maintenance_work_mem' THEN '256MB'
    WHEN 'temp_buffers' THEN '32MB' ELSE '0' END, true)
FROM pg_settings
WHERE name IN ('jit', 'work_mem', 'maintenance_work_mem', 'temp_buffers', 'statement_timeout', 'lock_timeout',
               'idle_in_transaction_session_timeout', 'transaction_timeout')
"""

_TRY_IMPORT_LOCK = """
/* only_import */
SELECT pg_try_advisory_xact_lock(hashtext('bookstore import'))
"""

_STAGED_REJECTS = """
/* rejects */
SELECT r.row, r.field, r.value, r.reason, r.first_row, r.dropped, coalesce(g.source_id, s.source_id, '') AS source_id,
       coalesce(g.title, s.title, '') AS title
FROM stage_reject r LEFT JOIN gone_row g USING (row) LEFT JOIN stage_book s USING (row)
ORDER BY r.row, r.field
"""

_VACUUM = (
    """
    /* vacuum_catalog */
    VACUUM (ANALYZE) author, category, book, book_author, book_category, author_listing, category_listing,
                     book_search, search_word
    """,
)

# Rebuilt tables are analyzed already.
_VACUUM_REBUILT = (
    """
    /* vacuum_rebuilt_catalog */
    VACUUM author, book, book_author, book_category, author_listing, category_listing, book_search, search_word
    """,
    """
    /* vacuum_category */
    VACUUM (ANALYZE) category
    """,
)


class PhaseTimer:
    """Measure the seconds of each step, and report each step to the progress display."""

    def __init__(self, progress: ImportProgress) -> None:
        self.progress = progress
        self.started = self._phase_started = time.monotonic()
        self._phase = "Reading"
        self.phases: list[tuple[str, float]] = []

    def start_phase(self, title: str) -> None:
        self.stop()
        self._phase = title
        self.progress.start_phase(title)

    def stop(self) -> None:
        now = time.monotonic()
        self.phases.append((self._phase, now - self._phase_started))
        self._phase_started = now


@dataclass(frozen=True, slots=True)
class Job:
    """The state of one running import."""

    connection: asyncpg.Connection
    feed: Feed
    options: ImportOptions
    rules: UpdateRules
    rejects_file: RejectsFile
    missing_file: Path
    approve: Approve
    timer: PhaseTimer


def _approve_all(_: Plan) -> bool:
    return True


async def import_feed(
    dsn: str,
    feed: Feed,
    *,
    rejects: Path,
    missing: Path | None = None,
    options: ImportOptions = DEFAULT_OPTIONS,
    dry_run: bool = False,
    approve: Approve = _approve_all,
    progress: ImportProgress = _NO_PROGRESS,
) -> Summary:
    """Merge the feed into the catalog at `dsn`; with `dry_run`, only count the changes.

    The import is atomic: readers see the old catalog until the commit. Rejected rows go to the file
    `rejects`, books that are deleted because the feed lacks them to the file `missing`, by default beside
    it. Both are complete on disk before the commit. `approve` is asked about a large plan, not in a dry run.

    Raises CatalogImportError if another import is running, the feed cannot be read or the plan is not
    approved. Raises DatabaseError if the database is unreachable or not migrated. In these cases nothing was
    written.
    """
    if feed.source in ("name", EDITOR) or not feed.source.strip():
        raise CatalogImportError(f"A source cannot be called {feed.source!r}: choose another name.")
    if options.empty_clears and not options.replace and feed.partial_fields:
        raise CatalogImportError(
            f"Not all of these files have a column for {', '.join(sorted(feed.partial_fields))}: --empty-clears would"
            " empty it in the books of the others. Import files with different columns one by one."
        )
    if options.missing == "delete" and feed.is_partial:
        raise CatalogImportError(
            "A rejects file lacks most books of its source: leave out --missing delete, which would delete them."
        )
    timer = PhaseTimer(progress)
    async with aclosing(feed.batches), _open_connection(dsn) as connection:
        rejected = RejectsFile(rejects, feed)
        rules = update_rules(feed.fields, options)
        listed = missing or rejects.with_name(f"{feed.source}.missing.csv")
        job = Job(connection, feed, options, rules, rejected, listed, approve, timer)
        return await _run(job, dry_run=dry_run)


async def _run(job: Job, *, dry_run: bool) -> Summary:
    with job.rejects_file:
        read, planned, written, rebuilt = await _run_transaction(job, dry_run=dry_run)
        if not dry_run:
            job.rejects_file.replace_input()
    if not dry_run and planned.counts.new + planned.counts.changed >= BULK_MIN_BOOKS:
        job.timer.start_phase("Vacuuming")
        await _vacuum(job.connection, _VACUUM_REBUILT if "book" in rebuilt else _VACUUM)
    job.timer.stop()
    return Summary(
        plan=planned,
        dry_run=dry_run,
        read=read,
        merged=written,
        rebuilt=tuple(rebuilt),
        phases=tuple(job.timer.phases),
        seconds=time.monotonic() - job.timer.started,
        peak_memory_mb=_peak_memory_mb(),
        kept_rejects_file=dry_run and job.rejects_file.is_input,
    )


async def _run_transaction(job: Job, *, dry_run: bool) -> tuple[int, Plan, MergeCounts, Sequence[str]]:
    """Return the number of rows read, the plan, and what was written with the names of the rebuilt tables."""
    transaction = job.connection.transaction()
    await transaction.start()
    try:
        await _acquire_import_lock(job.connection)
        read = await _stage(job)
        planned = await _plan(job)
        if planned.is_large and not dry_run and not job.approve(planned):
            raise CatalogImportError("The changes were not approved. Nothing was written.")
        job.rejects_file.write_rows()
        written, rebuilt = await _write(job, planned)
        job.rejects_file.finish()
        job.timer.start_phase("Rolling back" if dry_run else "Committing")
    except BaseException:
        if not job.connection.is_closed():
            with suppress(*_CONNECTION_ERRORS):
                await transaction.rollback()
        raise
    await (transaction.rollback() if dry_run else _commit(transaction))
    return read, planned, written, rebuilt


@contextmanager
def _relaxed_gc() -> Generator[None]:
    """Run the garbage collector less often.

    An import allocates millions of records and no reference cycles; the default takes a tenth of its time.
    """
    thresholds = gc.get_threshold()
    gc.set_threshold(100_000, *thresholds[1:])
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)


async def _acquire_import_lock(connection: asyncpg.Connection) -> None:
    await connection.execute(_TRANSACTION_SETTINGS)
    if not await connection.fetchval(_TRY_IMPORT_LOCK):
        raise CatalogImportError("Another import is running on this database: retry when it has finished.")


async def _stage(job: Job) -> int:
    """Read the feed into the staging tables. Return the number of rows read."""
    staging = Staging(job.connection)
    await create_staging_tables(job.connection)
    job.timer.progress.start(job.feed)
    read, last_book = 0, None
    try:
        with _relaxed_gc():
            async for batch in job.feed.batches:
                read += sum(isinstance(record, BookRecord) or record.dropped == "row" for record in batch)
                await staging.add(batch)
                job.rejects_file.write(_name_rejects(batch, last_book))
                last_book = next(
                    (each for each in reversed(batch) if isinstance(each, BookRecord)), last_book
                )
                job.timer.progress.update(read)
        await staging.finish()
    finally:
        await staging.close()
    return read


def _name_rejects(batch: RecordBatch, book: BookRecord | None) -> Iterator[Reject]:
    """Yield the rejects of a batch. That of a value gets the key and title of its book, the last one before it.

    `book` is the last one of the batch before.
    """
    for record in batch:
        if isinstance(record, BookRecord):
            book = record
        elif book is not None and book.row == record.row:
            yield replace(record, source_id=book.source_id, title=book.title or "")
        else:
            yield record


async def _plan(job: Job) -> Plan:
    """Check and resolve the staged rows, and find what they change. Nothing is written but temporary tables."""
    connection, source, rules = job.connection, job.feed.source, job.rules
    job.timer.start_phase("Comparing with the catalog")
    await table_rebuild.acquire_locks(
        connection, LOCK_TABLES, attempt_timeout=0.5, total_timeout=CATALOG_LOCK_TIMEOUT
    )
    await create_merge_tables(connection)
    kept = await staged_checks.reject_invalid_rows(connection, source, rules, job.options)
    async for row in connection.cursor(_STAGED_REJECTS):
        job.rejects_file.write([_reject_from_row(row, job.feed)])
    await resolve.resolve(connection, rules)
    counts = await plan.count_books(connection, source)
    check_missing_limit(source, counts, job.options)
    return Plan(
        source=source,
        row_label=job.feed.row_label,
        columns=job.feed.columns,
        notes=job.feed.notes,
        fields=tuple(rules.names),
        ignored_headings=job.feed.ignored_headings,
        counts=counts,
        rejected=job.rejects_file.rejected_rows,
        skipped=job.rejects_file.skipped_books,
        dropped_values=job.rejects_file.dropped_values,
        deleted=counts.missing_from_feed if job.options.missing == "delete" else 0,
        changes=await plan.changed_fields(connection, rules) if counts.changed else (),
        kept=tuple(kept),
        new_examples=await plan.new_examples(connection) if counts.new else (),
        missing_examples=await plan.missing_examples(connection, source) if counts.missing_from_feed else (),
    )


async def _write(job: Job, planned: Plan) -> tuple[MergeCounts, Sequence[str]]:
    """Write what is planned. Return the counts and the names of the rebuilt tables."""
    connection, source, timer, rules = job.connection, job.feed.source, job.timer, job.rules
    tables = await _choose_tables_to_rebuild(connection, planned.counts)
    timer.start_phase("Writing books, authors and categories")
    if tables:
        await table_rebuild.create_rebuilt_tables(connection, tables)
    if planned.deleted:
        await find_missing_books(connection, source, job.missing_file)
    await record_owners(connection, source, rules, job.options)
    written = await merge(connection, source, rules, into_rebuilt="book" in tables)
    if tables:
        timer.start_phase("Building indexes")
        await table_rebuild.finish_rebuilt_tables(connection, tables, table_rebuild.BOOK_TABLES)
        timer.start_phase("Listing books by author and category")
        await listings.fill(connection, tables)
        timer.start_phase("Building indexes of the listings")
        await table_rebuild.finish_rebuilt_tables(connection, tables, table_rebuild.LISTING_TABLES)
        await listings.recount(connection, tables)
        await table_rebuild.swap_tables(connection, tables, total_timeout=CATALOG_LOCK_TIMEOUT)
    return written, tables


async def _choose_tables_to_rebuild(connection: asyncpg.Connection, counts: BookCounts) -> Sequence[str]:
    """Return the tables that are cheaper to rebuild than to update row by row.

    - The listings, if more than a fifth of the books changes.
    - The books and their links too, if at least two thirds of the resulting catalog are new.
    """
    touched = counts.new + counts.changed
    if touched < BULK_MIN_BOOKS or touched * 5 <= counts.catalog:
        return ()
    everything = (*table_rebuild.BOOK_TABLES, *table_rebuild.LISTING_TABLES)
    for tables in (
        (everything, table_rebuild.LISTING_TABLES)
        if counts.new >= 2 * counts.catalog
        else (table_rebuild.LISTING_TABLES,)
    ):
        obstacles = await table_rebuild.find_rebuild_blockers(connection, tables)
        if not obstacles:
            return tables
        log.warning("The import is slower than necessary: cannot rebuild %s", "; ".join(obstacles))
    return ()


def _reject_from_row(row: asyncpg.Record, feed: Feed) -> Reject:
    first: int = row["first_row"] or 0
    reason = f"{row['reason']} {feed.row_label(first)}; keep one of the two rows" if first else row["reason"]
    return Reject(
        row["row"], row["field"], row["value"], reason, row["dropped"], row["source_id"], row["title"], first
    )


async def _commit(transaction: Transaction) -> None:
    try:
        await transaction.commit()
    except _CONNECTION_ERRORS as error:
        raise CatalogImportError(
            f"The connection was lost during the commit ({error}): the feed may or may not have been written. "
            "Import it again: rows that are already written do not change."
        ) from error


async def _vacuum(connection: asyncpg.Connection, statements: Sequence[str]) -> None:
    """Run VACUUM, which enables index-only scans. If it fails, log a warning: autovacuum runs later."""
    try:
        for statement in statements:
            await connection.execute(statement)
    except _CONNECTION_ERRORS as error:
        log.warning("The import is complete, but VACUUM failed: %s", error)


@asynccontextmanager
async def _open_connection(dsn: str) -> AsyncGenerator[asyncpg.Connection]:
    """Open a connection to a migrated database, and map its errors to DatabaseError or CatalogImportError."""
    connection = await connect(dsn, application_name="bookstore import")
    try:
        await require_head(connection)
        with suppress(asyncpg.PostgresError):
            await connection.execute(_ENABLE_CONNECTION_CHECK)
        yield connection
    except _CONNECTION_ERRORS as error:
        raise CatalogImportError(
            f"The database failed during the import: {error}. Nothing was written."
        ) from error
    finally:
        connection.terminate() if connection.is_in_transaction() else await connection.close(timeout=10)


def _peak_memory_mb() -> float:
    """Return the peak memory of this process in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
