"""What an import will do, counted before it writes: books by kind and field, with examples."""

from collections.abc import Callable
from dataclasses import dataclass

import asyncpg

from db.importing.options import LINK_FIELDS
from db.importing.ownership import KeptField
from db.importing.readers.feed import ReadingNotes
from db.importing.update_rules import UpdateRules, differs_condition

MAX_EXAMPLES = 3

_EXAMPLE_LENGTH = 60
"""Characters of a value that an example shows."""

COUNT_BOOKS = """
/* count_target_books */
SELECT count(*) FILTER (WHERE b.is_new) AS new,
       count(*) FILTER (WHERE NOT b.is_new AND (b.differs OR b.is_published IS NOT NULL OR b.id IN (
           SELECT book_id FROM target_book_author UNION ALL SELECT book_id FROM gone_book_author
           UNION ALL SELECT book_id FROM target_book_category UNION ALL SELECT book_id FROM gone_book_category
       ))) AS changed,
       count(*) FILTER (WHERE NOT b.is_new AND b.is_published) AS published,
       count(*) FILTER (WHERE NOT b.is_new AND NOT b.is_published) AS unpublished,
       count(*) AS staged,
       (SELECT count(*) FROM book WHERE source = $1::text) AS of_source,
       (SELECT count(*) FROM book WHERE source = $1::text)
           - count(*) FILTER (WHERE b.is_own AND NOT b.is_new) AS missing_from_feed,
       (SELECT books FROM catalog_size) AS catalog,
       (SELECT count(*) FROM book WHERE source = 'sample' AND $1::text <> 'sample') AS of_sample
FROM target_book b
"""

_COUNT_FIELDS = """
/* count_changed_fields */
SELECT {counts}
FROM target_book t JOIN stage_book s USING (ordinal) JOIN book b ON b.id = t.id
WHERE t.differs AND NOT t.is_new
"""

_COUNT_LINKS = """
/* count_changed_links */
SELECT count(*) FROM target_book t
WHERE NOT t.is_new AND t.id IN (SELECT book_id FROM target_{table} UNION ALL SELECT book_id FROM gone_{table})
"""

_FIELD_EXAMPLES = """
/* changed_field_examples */
SELECT s.row, b.source || '/' || b.source_id AS key, b.title,
       left(concat_ws(' ', {old}), $1::integer) AS old, left(concat_ws(' ', {new}), $1::integer) AS new
FROM target_book t JOIN stage_book s USING (ordinal) JOIN book b ON b.id = t.id
WHERE t.differs AND NOT t.is_new AND {differs}
ORDER BY t.ordinal LIMIT $2::integer
"""

_NEW_EXAMPLES = """
/* new_book_examples */
SELECT s.row, s.source_id AS key, s.title, '' AS old, '' AS new
FROM target_book t JOIN stage_book s USING (ordinal)
WHERE t.is_new ORDER BY t.ordinal LIMIT $1::integer
"""
_PUBLISHED_EXAMPLES = """
/* published_book_examples */
SELECT s.row, b.source || '/' || b.source_id AS key, b.title, '' AS old, '' AS new
FROM target_book t JOIN stage_book s USING (ordinal) JOIN book b ON b.id = t.id
WHERE NOT t.is_new AND t.is_published ORDER BY t.ordinal LIMIT $1::integer
"""

_DELETED_EXAMPLES = """
/* deleted_book_examples */
SELECT 0 AS row, b.source || '/' || b.source_id AS key, b.title, '' AS old, '' AS new
FROM book b JOIN missing_book m USING (id) ORDER BY b.id LIMIT $1::integer
"""


@dataclass(frozen=True, slots=True)
class BookCounts:
    """Counts of the staged books compared with the catalog.

    Of the changed books, `published` are published again, and `unpublished` set back to that by an undo.
    `of_source` are the books of the feed's source before the import, `catalog` the published ones of all
    sources, and `of_sample` those of the sample, if the feed is another one.
    """

    new: int
    changed: int
    published: int
    unpublished: int
    staged: int
    of_source: int
    missing_from_feed: int
    catalog: int
    of_sample: int


@dataclass(frozen=True, slots=True)
class Example:
    """A book of the plan: its row in the feed (0 if it has none), key and title, and a value that changes."""

    row: int
    key: str
    title: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class FieldChange:
    """The number of existing books whose field changes. Links have no examples."""

    field: str
    books: int
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What an import will write if it goes on.

    - `columns` are the columns that it reads, each with its field; `ignored_headings` are the others.
    - `notes` tell what its reader guessed, and count what it repaired or took for nothing.
    - `fields` are the fields that it sets in existing books.
    - `kept` are fields that it leaves to another source or to an editor.
    - `deleted` and `unpublished` count the missing books that it deletes or unpublishes.
    - `row_label` formats a row number for display, as the feed does.
    """

    source: str
    row_label: Callable[[int], str]
    columns: tuple[tuple[str, str], ...]
    notes: ReadingNotes
    fields: tuple[str, ...]
    ignored_headings: tuple[str, ...]
    counts: BookCounts
    rejected: int
    skipped: int
    dropped_values: int
    deleted: int
    unpublished: int
    changes: tuple[FieldChange, ...]
    kept: tuple[KeptField, ...]
    new_examples: tuple[Example, ...]
    published_examples: tuple[Example, ...]
    missing_examples: tuple[Example, ...]

    @property
    def unchanged(self) -> int:
        return self.counts.staged - self.counts.new - self.counts.changed

    @property
    def is_large(self) -> bool:
        """Whether more than a tenth of the catalog, and more than LARGE_MIN_BOOKS, changes or goes."""
        return self.touched > LARGE_MIN_BOOKS and self.touched * 10 > self.counts.catalog

    @property
    def touched(self) -> int:
        """The number of books that change, are deleted or are unpublished."""
        return self.counts.changed + self.deleted + self.unpublished


LARGE_MIN_BOOKS = 10

Approve = Callable[[Plan], bool]
"""Decides whether an import goes on. It is asked only about a large plan."""


async def count_books(connection: asyncpg.Connection, source: str) -> BookCounts:
    return BookCounts(**dict(await connection.fetchrow(COUNT_BOOKS, source) or {}))


async def changed_fields(connection: asyncpg.Connection, rules: UpdateRules) -> tuple[FieldChange, ...]:
    """Return each field that changes, with the number of its books and the first of them."""
    conditions = {
        field.name: differs_condition((field,), empty_clears=rules.empty_clears) for field in rules.fields
    }
    changes: list[FieldChange] = []
    if conditions:
        counts = ", ".join(
            f'count(*) FILTER (WHERE {condition}) AS "{name}"' for name, condition in conditions.items()
        )
        counted = dict(await connection.fetchrow(_COUNT_FIELDS.format(counts=counts)) or {})
        for field in rules.fields:
            if counted[field.name]:
                statement = _FIELD_EXAMPLES.format(
                    old=", ".join(f"b.{column.name}" for column in field.columns),
                    new=", ".join(rules.values_of(field)),
                    differs=conditions[field.name],
                )
                examples = await fetch_examples(connection, statement, _EXAMPLE_LENGTH, MAX_EXAMPLES)
                changes.append(FieldChange(field.name, counted[field.name], examples))
    for name, table in zip(LINK_FIELDS, ("book_author", "book_category"), strict=True):
        if books := await connection.fetchval(_COUNT_LINKS.format(table=table)):
            changes.append(FieldChange(name, books))
    return tuple(changes)


async def new_examples(connection: asyncpg.Connection) -> tuple[Example, ...]:
    return await fetch_examples(connection, _NEW_EXAMPLES, MAX_EXAMPLES)


async def published_examples(connection: asyncpg.Connection) -> tuple[Example, ...]:
    return await fetch_examples(connection, _PUBLISHED_EXAMPLES, MAX_EXAMPLES)


async def deleted_examples(connection: asyncpg.Connection) -> tuple[Example, ...]:
    """Return the first of the books in `missing_book`."""
    return await fetch_examples(connection, _DELETED_EXAMPLES, MAX_EXAMPLES)


async def fetch_examples(
    connection: asyncpg.Connection, statement: str, *arguments: object
) -> tuple[Example, ...]:
    """Return the books that the statement selects as examples."""
    return tuple([Example(**dict(row)) for row in await connection.fetch(statement, *arguments)])
