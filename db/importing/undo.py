"""Undo an import: one more import, whose rows are those of the journal."""

from dataclasses import replace

import asyncpg

from db.errors import CatalogImportError
from db.importing import journal, plan, reversal
from db.importing.edited_names import keep_edited_names
from db.importing.history import find_import, list_imports
from db.importing.import_transaction import ImportTransaction, begin_import
from db.importing.importer import approve_all, peak_memory_mb, require_approval
from db.importing.merge import MergeCounts, merge
from db.importing.missing import unlink_missing_books
from db.importing.options import DEFAULT_OPTIONS
from db.importing.phases import PhaseTimer
from db.importing.plan import Approve, Plan
from db.importing.progress import ImportProgress
from db.importing.readers.feed import ReadingNotes, default_row_label
from db.importing.spellings import choose_spellings, write_spellings
from db.importing.summary import Summary
from db.importing.temporary_tables import create_staging_tables

_NO_PROGRESS = ImportProgress()

_HAS_CHANGES = """
/* has_changes */
SELECT EXISTS (SELECT FROM import_change WHERE import_id = $1::integer)
    OR EXISTS (SELECT FROM import WHERE id = $1::integer AND first_book_id IS NOT NULL)
"""


async def undo_import(
    dsn: str,
    number: int,
    *,
    dry_run: bool = False,
    approve: Approve = approve_all,
    progress: ImportProgress = _NO_PROGRESS,
) -> Summary:
    """Set back what an import changed, as far as nothing else has changed it since. Return what was done.

    It is an import of its own, with a number, and can be undone as well. With `dry_run` it only counts.

    Raises CatalogImportError if the import does not exist or is undone already, if its changes are not kept
    any more, if another import is running, or if the plan is not approved. Nothing was written then.
    """
    timer = PhaseTimer(progress)
    async with begin_import(dsn, timer, dry_run=dry_run, application_name="bookstore undo") as transaction:
        source, later_imports = await _find_import(transaction.connection, number)
        timer.start_phase("Comparing with the catalog")
        planned = await _plan(transaction, number, source, later_imports)
        await _require_effect(transaction.connection, number, planned)
        require_approval(planned, approve, dry_run=dry_run)
        timer.start_phase("Writing books, authors and categories")
        written, own_number = await _write(transaction, planned, number)
    timer.stop()
    return Summary(
        plan=planned,
        dry_run=dry_run,
        number=own_number,
        read=planned.counts.staged,
        merged=written,
        rebuilt=(),
        phases=tuple(timer.phases),
        seconds=timer.seconds,
        peak_memory_mb=peak_memory_mb(),
    )


async def _find_import(connection: asyncpg.Connection, number: int) -> tuple[str, list[int]]:
    """Return the source of the import, and the later imports whose changes stand."""
    imports = await list_imports(connection)
    found = find_import(imports, number)
    if found.undone_by:
        raise CatalogImportError(
            f"Import {number} is undone already, by import {found.undone_by}; "
            f"`bookstore undo {found.undone_by}` brings its changes back."
        )
    if not found.has_changes:
        raise CatalogImportError(
            f"The changes of import {number} are not kept any more: it is more than "
            f"{journal.CHANGES_KEPT_DAYS} days old."
        )
    later = [
        each.number
        for each in imports
        if each.number > number and each.undoes is None and each.undone_by is None
    ]
    return found.source, later


async def _require_effect(connection: asyncpg.Connection, number: int, planned: Plan) -> None:
    """Raise CatalogImportError if nothing would be set back: the import would count as undone, and is not."""
    if not await connection.fetchval(_HAS_CHANGES, number):
        raise CatalogImportError(f"Import {number} changed nothing, so there is nothing to set back.")
    if planned.kept and not (planned.counts.new or planned.counts.changed or planned.deleted):
        kept = ", ".join(f"{each.field} of {each.books:,} {each.items}" for each in planned.kept)
        raise CatalogImportError(
            f"Nothing of import {number} can be set back, since it was all changed later: {kept}."
        )


async def _plan(transaction: ImportTransaction, number: int, source: str, later_imports: list[int]) -> Plan:
    connection, rules = transaction.connection, reversal.ALL_RULES
    await create_staging_tables(connection)
    await transaction.lock_catalog()
    kept = await reversal.stage_reversal(connection, number, later_imports)
    await unlink_missing_books(connection)
    examples = await plan.deleted_examples(connection)
    counts = await plan.count_books(connection, source)
    deleted: int = await connection.fetchval("SELECT count(*) FROM missing_book")
    return Plan(
        source=source,
        row_label=default_row_label,
        columns=(),
        notes=ReadingNotes(),
        fields=tuple(rules.names),
        ignored_headings=(),
        counts=replace(counts, missing_from_feed=deleted),
        rejected=0,
        skipped=0,
        dropped_values=0,
        deleted=deleted,
        unpublished=0,
        changes=await plan.changed_fields(connection, rules) if counts.changed else (),
        kept=tuple(kept),
        new_examples=await plan.new_examples(connection) if counts.new else (),
        published_examples=await plan.published_examples(connection) if counts.published else (),
        missing_examples=examples,
    )


async def _write(transaction: ImportTransaction, planned: Plan, undoes: int) -> tuple[MergeCounts, int]:
    connection, rules = transaction.connection, reversal.ALL_RULES
    transaction.written_books = planned.counts.new + planned.counts.changed + planned.deleted
    await choose_spellings(connection)
    await keep_edited_names(connection, DEFAULT_OPTIONS)
    await reversal.restore_names(connection, undoes)
    await journal.forget_old_changes(connection)
    number = await journal.add_import(connection, planned, inputs=f"undo of import {undoes}", undoes=undoes)
    await journal.record_changes(connection, number, rules, planned)
    await reversal.record_restored_books(connection, number)
    written = await merge(connection, planned.source, rules, number, into_rebuilt=False)
    await write_spellings(connection)
    books = reversal.BOOKS_WITH_CHANGED_FIELDS.format(number=int(undoes))
    async with journal.record_fields(connection, number, books):
        await reversal.restore_book_fields(connection, undoes)
    return written, number
