"""Upserts: up to a thousand flat records at once, by the rules and the statements of an import.

The records take over the fields that they give, also those of other sources or edited by hand. The step is
no import of its own in the journal: the audit trail has it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

import asyncpg

from db.connections.write_session import WriteSession
from db.errors import DatabaseUnavailableError
from db.importing import resolve, staged_checks
from db.importing.edited_names import keep_edited_names
from db.importing.import_transaction import LISTINGS_LOCKED, TRY_IMPORT_LOCK
from db.importing.merge import LOCK_TABLES, merge
from db.importing.options import DEFAULT_OPTIONS, OWNABLE_FIELDS, ImportOptions
from db.importing.ownership import record_owners
from db.importing.publishing import keep_unpublished_books
from db.importing.readers.flat import FlatRecordParser
from db.importing.readers.flat_fields import fields_of_columns
from db.importing.records import BookRecord, Reject
from db.importing.spellings import choose_spellings, write_spellings
from db.importing.staging import Staging
from db.importing.temporary_tables import (
    create_merge_tables,
    create_staging_tables,
    discard_temporary_tables,
)
from db.importing.update_rules import UpdateRules, update_rules
from db.writes.faults import Fault, FaultCode, FaultPath, WriteRejectedError
from db.writes.sources import check_source

LOCK_TIMEOUT = 3.0
"""Maximum wait for the locks on the catalog, in seconds."""


class RowOutcome(Enum):
    """What became of a record."""

    CREATED = "CREATED"
    UPDATED = "UPDATED"
    UNCHANGED = "UNCHANGED"
    REJECTED = "REJECTED"


@dataclass(slots=True)
class UpsertedRow:
    """The outcome of one record. A record with faults is rejected."""

    outcome: RowOutcome = RowOutcome.REJECTED
    book_id: int | None = None
    faults: list[Fault] = field(default_factory=list[Fault])


@dataclass(frozen=True, slots=True)
class Upsert:
    """Flat records of a source: texts by their fields, None for a value that is emptied."""

    source: str
    records: Sequence[Mapping[str, str | None]]
    skips_rows: bool
    dry_run: bool


_RESET_WRITER = """
/* reset_writer */
SELECT set_config(name, '', true)
FROM unnest(ARRAY['bookstore.writer', 'bookstore.listings_locked', 'bookstore.defer_spellings']) AS u (name)
"""

_SET_WRITER = """
/* set_writer */
SELECT set_config('bookstore.writer', 'import', true)
"""

_SET_LOCK_TIMEOUT = f"""
/* set_lock_timeout */
SET LOCAL lock_timeout = {round(LOCK_TIMEOUT * 1000)}
"""

_RESET_LOCK_TIMEOUT = """
/* reset_lock_timeout */
SET LOCAL lock_timeout TO DEFAULT
"""

_OUTCOMES = """
/* upserted_rows */
SELECT s.row, t.id, CASE
    WHEN t.is_new THEN 'CREATED'
    WHEN t.differs OR t.is_published IS NOT NULL OR t.id IN (
        SELECT book_id FROM target_book_author UNION ALL SELECT book_id FROM gone_book_author
        UNION ALL SELECT book_id FROM target_book_category UNION ALL SELECT book_id FROM gone_book_category
    ) THEN 'UPDATED'
    ELSE 'UNCHANGED' END AS outcome
FROM stage_book s JOIN target_book t USING (ordinal)
"""

_REJECTED = """
/* rejected_rows */
SELECT row, field, value, reason, first_row FROM stage_reject ORDER BY row, field
"""

_ADD_IMPORT = """
/* add_passing_import */
INSERT INTO import (id, source, inputs, new_books, changed_books, deleted_books, rejected_rows)
SELECT coalesce(max(id), 0) + 1, $1::text, '', 0, 0, 0, 0 FROM import
RETURNING id
"""

_REMOVE_IMPORT = """
/* remove_passing_import */
DELETE FROM import WHERE id = $1::integer
"""


async def upsert_books(session: WriteSession, upsert: Upsert) -> list[UpsertedRow]:
    """Add and change the books of the records. Return the outcome of each.

    Raises WriteRejectedError with all faults if a record has one and rows are not skipped.
    Raises DatabaseUnavailableError while an import runs.
    """
    if faults := check_source(upsert.source, ("source",)):
        raise WriteRejectedError(faults)
    rows: list[UpsertedRow] = [UpsertedRow() for _ in upsert.records]
    names = sorted({name for record in upsert.records for name in record})
    owned = frozenset(names) & frozenset(OWNABLE_FIELDS)
    options = ImportOptions(empty_clears=True, owner_of=owned, overwrite_edits=True)
    rules = update_rules(fields_of_columns(names), options)
    parsed = list(_parse_records(upsert.records, names, rows))
    async with session.raw_connection() as connection:
        if not await connection.fetchval(TRY_IMPORT_LOCK):
            raise DatabaseUnavailableError("An import is running.")
        await discard_temporary_tables(connection)
        await connection.execute(_SET_WRITER)
        await create_staging_tables(connection)
        while True:
            await _plan(connection, upsert.source, parsed, rules, options)
            rejected = await connection.fetch(_REJECTED)
            if not rejected:
                break
            _add_faults(rows, rejected)
            await discard_temporary_tables(connection)
            await create_staging_tables(connection)
            parsed = [book for book in parsed if not rows[book.row - 1].faults]
        faults = [fault for row in rows for fault in row.faults]
        if faults and not upsert.skips_rows:
            raise WriteRejectedError(faults)
        for row in await connection.fetch(_OUTCOMES):
            number: int = row["row"]
            done = rows[number - 1]
            done.outcome = RowOutcome(row["outcome"])
            is_planned = upsert.dry_run and done.outcome is RowOutcome.CREATED
            done.book_id = None if is_planned else row["id"]
        if not upsert.dry_run:
            await _write(connection, upsert.source, rules, options)
        await discard_temporary_tables(connection)
        await connection.execute(_RESET_WRITER)
    return rows


def _parse_records(
    records: Sequence[Mapping[str, str | None]], names: Sequence[str], rows: list[UpsertedRow]
) -> Iterator[BookRecord]:
    """Yield the books of the records. The faults of a record go into its row, and it is no book."""
    parser = FlatRecordParser(names)
    for number, record in enumerate(records, 1):
        parsed = parser.parse(number, [record.get(name) or "" for name in names])
        faults = [_fault_of(number, each) for each in parsed if isinstance(each, Reject)]
        rows[number - 1].faults += faults
        book = parsed[0]
        if not faults and isinstance(book, BookRecord):
            absent = tuple(name for name in names if name not in record)
            yield replace(book, absent=absent) if absent else book


_CLI_ADVICE = re.compile(
    r"say --[a-z-]+ or --[a-z-]+, or |, or say --[a-z-]+.*|; imported (?:without it|as .*)$"
)
"""What the reader of a file can do besides, by an option of the command."""


def _fault_of(number: int, found: Reject) -> Fault:
    message = f"{found.value[:60]!r}: {_CLI_ADVICE.sub('', found.reason)}"
    return Fault(("books", number - 1, found.field), FaultCode.INVALID, message)


def _add_faults(rows: list[UpsertedRow], rejected: Sequence[asyncpg.Record]) -> None:
    for each in rejected:
        first = each["first_row"]
        message = f"{each['value'][:60]!r}: {each['reason']}" + (f" books[{first - 1}]" if first else "")
        code = FaultCode.DUPLICATE if first else FaultCode.INVALID
        number: int = each["row"]
        path: FaultPath = ("books", number - 1, each["field"])
        rows[number - 1].faults.append(Fault(path, code, message))


async def _plan(
    connection: asyncpg.Connection,
    source: str,
    books: Sequence[BookRecord],
    rules: UpdateRules,
    options: ImportOptions,
) -> None:
    """Stage the books, lock the catalog, and find what they change."""
    staging = Staging(connection, keeps_absent=True)
    await staging.add(books)
    await staging.finish()
    await _lock_catalog(connection)
    await staged_checks.reject_invalid_rows(connection, source, rules, options)
    await resolve.resolve(connection, rules)
    await keep_unpublished_books(connection, DEFAULT_OPTIONS)
    await choose_spellings(connection)
    await keep_edited_names(connection, options)


async def _lock_catalog(connection: asyncpg.Connection) -> None:
    """Let no other session write to the catalog until the end of the transaction."""
    await connection.execute(_SET_LOCK_TIMEOUT)
    try:
        await connection.execute(LOCK_TABLES)
    except asyncpg.LockNotAvailableError as error:
        raise DatabaseUnavailableError(f"Other writers held the catalog for {LOCK_TIMEOUT:g} s.") from error
    await connection.execute(_RESET_LOCK_TIMEOUT)
    await connection.execute(LISTINGS_LOCKED)
    await create_merge_tables(connection)


async def _write(
    connection: asyncpg.Connection, source: str, rules: UpdateRules, options: ImportOptions
) -> None:
    number: Any = await connection.fetchval(_ADD_IMPORT, source)
    await record_owners(connection, source, rules, options)
    await merge(connection, source, rules, number, into_rebuilt=False)
    await write_spellings(connection)
    await connection.execute(_REMOVE_IMPORT, number)
