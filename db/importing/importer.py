"""Import one feed in one transaction: stage it, reject invalid rows and merge the others."""

import gc
import logging
import resource
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import asyncpg

from db.errors import CatalogImportError
from db.importing import import_transaction, journal, listings, plan, resolve, staged_checks, table_rebuild
from db.importing.edited_names import keep_edited_names
from db.importing.import_transaction import ImportTransaction, begin_import
from db.importing.merge import MergeCounts, merge
from db.importing.missing import (
    check_missing_limit,
    count_missing_books,
    find_missing_books,
    list_missing_books,
)
from db.importing.options import DEFAULT_OPTIONS, KEEPERS, ImportOptions
from db.importing.ownership import record_owners
from db.importing.phases import PhaseTimer
from db.importing.plan import Approve, Plan
from db.importing.progress import ImportProgress
from db.importing.publishing import forget_publishing_edits, keep_unpublished_books, kept_states
from db.importing.readers.feed import Feed, RecordBatch
from db.importing.records import BookRecord, Reject
from db.importing.rejects import RejectsFile
from db.importing.spellings import choose_spellings, write_spellings
from db.importing.staging import Staging
from db.importing.summary import Summary
from db.importing.temporary_tables import create_staging_tables
from db.importing.update_rules import UpdateRules, update_rules

_NO_PROGRESS = ImportProgress()

log = logging.getLogger(__name__)

_STAGED_REJECTS = """
/* rejects */
SELECT r.row, r.field, r.value, r.reason, r.first_row, r.dropped, coalesce(g.source_id, s.source_id, '') AS source_id,
       coalesce(g.title, s.title, '') AS title
FROM stage_reject r LEFT JOIN gone_row g USING (row) LEFT JOIN stage_book s USING (row)
ORDER BY r.row, r.field
"""


@dataclass(frozen=True, slots=True)
class Job:
    """The state of one running import."""

    transaction: ImportTransaction
    feed: Feed
    options: ImportOptions
    rules: UpdateRules
    rejects_file: RejectsFile
    missing_file: Path
    approve: Approve
    timer: PhaseTimer

    @property
    def connection(self) -> asyncpg.Connection:
        return self.transaction.connection


def approve_all(_: Plan) -> bool:
    return True


async def import_feed(
    dsn: str,
    feed: Feed,
    *,
    rejects: Path,
    missing: Path | None = None,
    options: ImportOptions = DEFAULT_OPTIONS,
    dry_run: bool = False,
    approve: Approve = approve_all,
    progress: ImportProgress = _NO_PROGRESS,
) -> Summary:
    """Merge the feed into the catalog at `dsn`; with `dry_run`, only count the changes.

    The import is atomic: readers see the old catalog until the commit. Rejected rows go to the file
    `rejects`, books that are deleted or unpublished because the feed lacks them to the file `missing`, by
    default beside it. Both are complete on disk before the commit. `approve` is asked about a large plan, not
    in a dry run.

    Raises CatalogImportError if another import is running, the feed cannot be read or the plan is not
    approved. Raises DatabaseError if the database is unreachable or not migrated. In these cases nothing was
    written.
    """
    if feed.source in ("name", *KEEPERS) or not feed.source.strip():
        raise CatalogImportError(f"A source cannot be called {feed.source!r}: choose another name.")
    if options.empty_clears and not options.replace and feed.partial_fields:
        raise CatalogImportError(
            f"Not all of these files have a column for {', '.join(sorted(feed.partial_fields))}: --empty-clears would"
            " empty it in the books of the others. Import files with different columns one by one."
        )
    if options.missing != "keep" and feed.is_partial:
        raise CatalogImportError(
            "A rejects file lacks most books of its source: leave out "
            f"--missing {options.missing}, which would {options.missing} them."
        )
    timer = PhaseTimer(progress)
    rejected = RejectsFile(rejects, feed)
    rules = update_rules(feed.fields, options)
    listed = missing or rejects.with_name(f"{feed.source}.missing.csv")
    async with aclosing(feed.batches):
        with rejected:
            async with begin_import(dsn, timer, dry_run=dry_run) as transaction:
                job = Job(transaction, feed, options, rules, rejected, listed, approve, timer)
                read = await _stage(job)
                planned = await _plan(job)
                require_approval(planned, approve, dry_run=dry_run)
                rejected.write_rows()
                written, number = await _write(job, planned)
                rejected.finish()
            if not dry_run:
                rejected.replace_input()
    timer.stop()
    return Summary(
        plan=planned,
        dry_run=dry_run,
        number=number,
        read=read,
        merged=written,
        rebuilt=tuple(transaction.rebuilt),
        phases=tuple(timer.phases),
        seconds=timer.seconds,
        peak_memory_mb=peak_memory_mb(),
        kept_rejects_file=dry_run and rejected.is_input,
    )


def require_approval(planned: Plan, approve: Approve, *, dry_run: bool) -> None:
    """Raise CatalogImportError if the plan is large and not approved."""
    if planned.is_large and not dry_run and not approve(planned):
        raise CatalogImportError("The changes were not approved. Nothing was written.")


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


async def _stage(job: Job) -> int:
    """Read the feed into the staging tables. Return the number of rows read."""
    # With --replace a book becomes what its row says, and a field without a value is empty.
    staging = Staging(job.connection, keeps_absent=job.options.empty_clears and not job.options.replace)
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
    await job.transaction.lock_catalog()
    kept = await staged_checks.reject_invalid_rows(connection, source, rules, job.options)
    async for row in connection.cursor(_STAGED_REJECTS):
        job.rejects_file.write([_reject_from_row(row, job.feed)])
    await resolve.resolve(connection, rules)
    edited = await keep_unpublished_books(connection, job.options)
    counts = await plan.count_books(connection, source)
    missing = await count_missing_books(connection, source, counts, job.options)
    check_missing_limit(source, missing, job.options)
    if missing.deleted or missing.unpublished:
        await find_missing_books(connection, source, job.options)
    await choose_spellings(connection)
    kept += await keep_edited_names(connection, job.options)
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
        deleted=missing.deleted,
        unpublished=missing.unpublished,
        changes=await plan.changed_fields(connection, rules) if counts.changed else (),
        kept=(*kept, *kept_states(edited + missing.edited)),
        new_examples=await plan.new_examples(connection) if counts.new else (),
        published_examples=await plan.published_examples(connection) if counts.published else (),
        missing_examples=missing.examples,
    )


async def _write(job: Job, planned: Plan) -> tuple[MergeCounts, int]:
    """Write what is planned. Return the counts and the number of the import."""
    connection, source, timer, rules = job.connection, job.feed.source, job.timer, job.rules
    tables = await _choose_tables_to_rebuild(connection, planned)
    job.transaction.written_books = planned.counts.new + planned.counts.changed + planned.unpublished
    job.transaction.rebuilt = tables
    timer.start_phase("Writing books, authors and categories")
    if tables:
        await table_rebuild.create_rebuilt_tables(connection, tables)
    if planned.deleted or planned.unpublished:
        await list_missing_books(connection, job.missing_file, job.options)
    await journal.forget_old_changes(connection)
    number = await journal.add_import(connection, planned, inputs=job.feed.inputs)
    await journal.record_changes(connection, number, rules, planned)
    if job.options.owner_of or job.options.overwrite_edits:
        async with journal.record_fields(connection, number, journal.OWNED_BOOKS):
            await record_owners(connection, source, rules, job.options)
            await forget_publishing_edits(connection, job.options)
    written = await merge(connection, source, rules, number, into_rebuilt="book" in tables)
    if tables:
        timer.start_phase("Building indexes")
        await table_rebuild.finish_rebuilt_tables(connection, tables, table_rebuild.BOOK_TABLES)
        timer.start_phase("Listing books by author and category")
        await listings.fill(connection, tables)
        timer.start_phase("Building indexes of the listings")
        await table_rebuild.finish_rebuilt_tables(connection, tables, table_rebuild.LISTING_TABLES)
        await listings.recount(connection, tables)
        await table_rebuild.swap_tables(
            connection, tables, total_timeout=import_transaction.CATALOG_LOCK_TIMEOUT
        )
    await write_spellings(connection)
    return written, number


async def _choose_tables_to_rebuild(connection: asyncpg.Connection, planned: Plan) -> Sequence[str]:
    """Return the tables that are cheaper to rebuild than to update row by row.

    - The listings, if more than a fifth of the books changes or is unpublished.
    - The books and their links too, if at least two thirds of the resulting catalog are new.
    """
    counts = planned.counts
    touched = counts.new + counts.changed + planned.unpublished
    if touched < import_transaction.BULK_MIN_BOOKS or touched * 5 <= counts.catalog:
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


def peak_memory_mb() -> float:
    """Return the peak memory of this process in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
