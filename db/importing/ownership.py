"""Keep fields that the feed's source does not own, and record the fields that it owns from now on.

A field belongs to the source of its book. `book_field` holds the exceptions: fields that another source owns
(`--owner-of`), and fields that were edited by hand. What is kept is noted in `kept_field`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import asyncpg

from db.book_columns import BookField
from db.importing.matching import delete_rejected_targets
from db.importing.options import EDITOR, LINK_FIELDS, ImportOptions
from db.importing.temporary_tables import decimal_text_column
from db.importing.update_rules import UpdateRules, differs_condition

_KEEP_EDITED_AND_OWNED = f"""
/* keep_edited_and_owned_fields */
INSERT INTO kept_field (ordinal, field, owner)
SELECT t.ordinal, o.field, CASE WHEN o.edited_at IS NULL OR $4::boolean THEN o.owner ELSE '{EDITOR}' END
FROM book_field o JOIN target_book t ON t.id = o.book_id
WHERE o.field = ANY ($2::text[])
  AND ((o.edited_at IS NOT NULL AND NOT $4::boolean) OR (o.owner <> $1::text AND o.field <> ALL ($3::text[])))
"""

_KEEP_FIELDS_OF_OTHER_SOURCES = """
/* keep_fields_of_other_sources */
INSERT INTO kept_field (ordinal, field, owner)
SELECT t.ordinal, f.field, b.source
FROM target_book t JOIN book b USING (id) CROSS JOIN unnest($2::text[]) AS f (field)
WHERE NOT t.is_own AND f.field <> ALL ($3::text[])
  AND NOT EXISTS (SELECT FROM book_field o WHERE o.book_id = t.id AND o.field = f.field AND o.owner = $1::text)
  AND NOT EXISTS (SELECT FROM kept_field k WHERE k.ordinal = t.ordinal AND k.field = f.field)
"""

# What the cell was meant to say is unknown: it does not empty the field.
_KEEP_DROPPED = """
/* keep_fields_of_dropped_values */
INSERT INTO kept_field (ordinal, field, owner)
SELECT t.ordinal, $2::text, $3::text
FROM target_book t JOIN stage_book s USING (ordinal) JOIN stage_link l USING (ordinal)
WHERE s.row IN (SELECT d.row FROM stage_dropped d WHERE d.field = ANY ($1::text[])) AND {is_empty}
  AND NOT EXISTS (SELECT FROM kept_field k WHERE k.ordinal = t.ordinal AND k.field = $2::text)
"""

_DROPPED_NAMES = """
/* dropped_names */
SELECT DISTINCT field FROM stage_dropped
"""

_NOBODY = ""
"""The owner of a field that is kept because the row has an invalid value, or says nothing of it."""

_REJECT_BOOKS_OF_OTHER_SOURCES = """
/* reject_books_of_other_sources */
WITH gone AS (
    DELETE FROM stage_book s USING target_book t JOIN book b USING (id)
    WHERE s.ordinal = t.ordinal AND NOT t.is_own
      AND NOT EXISTS (SELECT FROM book_field o WHERE o.book_id = b.id AND o.owner = $1::text)
    RETURNING s.row, s.isbn, b.source, b.source_id
)
INSERT INTO stage_reject (row, field, value, reason)
SELECT row, 'isbn', isbn, format('ISBN %s is already book %s/%s; name the fields that this source may set in '
                                 'books of others with --owner-of, such as --owner-of price,stock', isbn, source, source_id)
FROM gone ORDER BY row
"""

_KEPT_NAMES = """
/* kept_names */
SELECT DISTINCT field FROM kept_field
"""

_KEEP_VALUES = """
/* keep_values */
WITH kept AS (
    UPDATE stage_book s SET ({staged}) = ROW({current})
    FROM kept_field k JOIN target_book t USING (ordinal) JOIN book b USING (id)
    WHERE s.ordinal = k.ordinal AND k.field = $1::text AND {differs}
    RETURNING k.owner
)
SELECT owner, count(*) AS books FROM kept GROUP BY owner ORDER BY owner
"""

# Only lists that differ from those of the book are counted.
_KEEP_LINKS = """
/* keep_links */
WITH former AS MATERIALIZED (
    SELECT l.ordinal, l.{column} AS list, k.owner
    FROM stage_link l JOIN kept_field k USING (ordinal) WHERE k.field = $1::text AND {sets}
), released AS (
    UPDATE stage_link l SET {column} = NULL FROM former f WHERE l.ordinal = f.ordinal
), staged AS (
    SELECT e.ordinal, array_agg(e.entry ORDER BY e.n, e.entry) AS entries
    FROM ({staged_entries}) e GROUP BY e.ordinal
)
SELECT f.owner, count(*) AS books
FROM former f JOIN target_book t USING (ordinal) LEFT JOIN staged s USING (ordinal)
WHERE s.entries IS DISTINCT FROM ({current_entries})
GROUP BY f.owner ORDER BY f.owner
"""

_STAGED_ENTRIES = {
    "authors": """
    SELECT f.ordinal, concat_ws(' ', k.role, k.source, k.source_id) AS entry, min(u.n) AS n
    FROM former f CROSS JOIN string_to_table(f.list, ',') WITH ORDINALITY AS u (person, n)
    JOIN stage_key k ON k.person = u.person::integer GROUP BY 1, 2
    """,
    "categories": """
    SELECT DISTINCT f.ordinal, n.slugs AS entry, 1 AS n
    FROM former f CROSS JOIN string_to_table(f.list, ',') AS u (path)
    JOIN stage_node n ON n.path = u.path::integer AND n.is_leaf
    """,
}

_CURRENT_ENTRIES = {
    "authors": """
    SELECT array_agg(concat_ws(' ', ba.role, a.source, a.source_id) ORDER BY ba.position)
    FROM book_author ba JOIN author a ON a.id = ba.author_id WHERE ba.book_id = t.id
    """,
    "categories": """
    SELECT array_agg(c.path ORDER BY c.path)
    FROM book_category bc JOIN category c ON c.id = bc.category_id WHERE bc.book_id = t.id
    """,
}

_COMPARE_KEPT = """
/* compare_kept */
UPDATE target_book t
SET differs = {differs} OR t.new_key IS NOT NULL
FROM stage_book s, book b
WHERE t.ordinal IN (SELECT ordinal FROM kept_field) AND s.ordinal = t.ordinal AND b.id = t.id
"""

_RECORD_OWNER = """
/* record_owner */
INSERT INTO book_field AS f (book_id, field, owner)
SELECT t.id, $2::text, $1::text
FROM target_book t JOIN stage_book s USING (ordinal) JOIN stage_link l USING (ordinal)
WHERE NOT t.is_new AND NOT t.is_own AND {sets}
  AND NOT EXISTS (SELECT FROM kept_field k WHERE k.ordinal = t.ordinal AND k.field = $2::text AND k.owner = $3::text)
ON CONFLICT (book_id, field) DO UPDATE SET owner = excluded.owner WHERE f.owner IS DISTINCT FROM excluded.owner
"""

# The book's own source takes its field back.
_FORGET_OWNER = """
/* forget_owner */
WITH back AS (
    DELETE FROM book_field f USING target_book t
    WHERE f.book_id = t.id AND t.is_own AND f.field = ANY ($1::text[]) AND f.edited_at IS NULL
    RETURNING f.book_id
), edited AS (
    UPDATE book_field f SET owner = NULL FROM target_book t
    WHERE f.book_id = t.id AND t.is_own AND f.field = ANY ($1::text[]) AND f.edited_at IS NOT NULL
      AND f.owner IS NOT NULL
    RETURNING f.book_id
)
SELECT (SELECT count(*) FROM back) + (SELECT count(*) FROM edited)
"""

_FORGET_EDITS = """
/* forget_edits */
WITH overwritten AS (
    SELECT f.book_id, f.field
    FROM book_field f JOIN target_book t ON t.id = f.book_id
    JOIN stage_book s USING (ordinal) JOIN stage_link l USING (ordinal)
    WHERE f.field = $1::text AND f.edited_at IS NOT NULL AND {sets}
      AND NOT EXISTS (SELECT FROM kept_field k WHERE k.ordinal = t.ordinal AND k.field = f.field)
), forgotten AS (
    DELETE FROM book_field f USING overwritten o
    WHERE f.book_id = o.book_id AND f.field = o.field AND f.owner IS NULL
)
UPDATE book_field f SET edited_at = NULL FROM overwritten o
WHERE f.book_id = o.book_id AND f.field = o.field AND f.owner IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class KeptField:
    """The number of books, or of `items`, whose field the feed did not set, because of its owner or its editor."""

    field: str
    owner: str
    books: int
    items: str = "books"


async def keep_fields(
    connection: asyncpg.Connection, source: str, rules: UpdateRules, options: ImportOptions
) -> list[KeptField]:
    """Give kept fields their present values in the staged rows. Return what the feed would have changed.

    Reject rows of books of other sources in which this source owns nothing.
    """
    owned = sorted(options.owner_of)
    if not options.owner_of.intersection(rules.names):
        await connection.execute(_REJECT_BOOKS_OF_OTHER_SOURCES, source)
        await delete_rejected_targets(connection)
    await connection.execute(_KEEP_EDITED_AND_OWNED, source, rules.names, owned, options.overwrite_edits)
    await connection.execute(_KEEP_FIELDS_OF_OTHER_SOURCES, source, rules.names, owned)
    if rules.empty_clears:
        await _keep_dropped(connection, rules)
    names = {row[0] for row in await connection.fetch(_KEPT_NAMES)}
    if not names:
        return []
    kept: list[KeptField] = []
    for name, statement in _keep_statements(rules):
        if name in names:
            kept += [KeptField(name, row[0], row[1]) for row in await connection.fetch(statement, name)]
    await connection.execute(_COMPARE_KEPT.format(differs=rules.differs))
    return [each for each in kept if each.owner != _NOBODY]


async def _keep_dropped(connection: asyncpg.Connection, rules: UpdateRules) -> None:
    """Keep the fields whose only value in a row was invalid."""
    dropped = {row[0] for row in await connection.fetch(_DROPPED_NAMES)}
    if not dropped:
        return
    cells = [
        (field.name, {name for column in field.columns for name in (column.name, column.flat_field)}, field)
        for field in rules.fields
    ]
    cells += [(name, {name}, name) for name in rules.links]
    for name, cell_names, field in cells:
        if dropped & cell_names:
            is_empty = (
                f"s.{field.lead} IS NULL" if isinstance(field, BookField) else f"l.{_LINK_COLUMNS[name]} = ''"
            )
            await connection.execute(
                _KEEP_DROPPED.format(is_empty=is_empty), sorted(cell_names), name, _NOBODY
            )


def _keep_statements(rules: UpdateRules) -> list[tuple[str, str]]:
    """Return the statement that keeps each field."""
    statements = [
        (
            field.name,
            _KEEP_VALUES.format(
                staged=", ".join(
                    decimal_text_column(column.name) if column.is_decimal else column.name
                    for column in field.columns
                ),
                current=", ".join(
                    f"b.{column.name}::text" if column.is_decimal else f"b.{column.name}"
                    for column in field.columns
                ),
                differs=differs_condition((field,), empty_clears=rules.empty_clears),
            ),
        )
        for field in rules.fields
    ]
    return statements + [
        (
            name,
            _KEEP_LINKS.format(
                column=_LINK_COLUMNS[name],
                sets=_sets(rules, name),
                staged_entries=_STAGED_ENTRIES[name],
                current_entries=_CURRENT_ENTRIES[name],
            ),
        )
        for name in rules.links
    ]


_LINK_COLUMNS: Mapping[str, str] = dict(zip(LINK_FIELDS, ("people", "paths"), strict=True))


def _sets(rules: UpdateRules, field: BookField | str) -> str:
    """Return the condition that a staged row `s` with the links `l` sets the field."""
    if isinstance(field, str):
        return rules.sets_links(f"l.{_LINK_COLUMNS[field]}")
    return "true" if rules.empty_clears else f"s.{field.lead} IS NOT NULL"


async def record_owners(
    connection: asyncpg.Connection, source: str, rules: UpdateRules, options: ImportOptions
) -> int:
    """Record the fields that this source owns from now on, and forget edits that it overwrote.

    Return the number of fields of books that changed their owner.
    """
    changed = 0
    named: list[tuple[str, BookField | str]] = [(field.name, field) for field in rules.fields]
    named += [(name, name) for name in rules.links]
    for name, field in named:
        if options.overwrite_edits:
            await connection.execute(_FORGET_EDITS.format(sets=_sets(rules, field)), name)
        if name in options.owner_of:
            status = await connection.execute(
                _RECORD_OWNER.format(sets=_sets(rules, field)), source, name, _NOBODY
            )
            changed += int(status.rpartition(" ")[2])
    if options.owner_of:
        changed += await connection.fetchval(
            _FORGET_OWNER, sorted(options.owner_of.intersection(rules.names))
        )
    return changed
