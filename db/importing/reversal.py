"""The reversal of an import: fill the tables of a merge from the journal, with what was there before.

A field is set back if it still is as the import left it. Otherwise it is kept, and counted.
"""

import asyncpg

from db.book_columns import BOOK_COLUMNS, BOOK_FIELDS
from db.importing.identity_sequences import identity_sequence
from db.importing.journal import PATHS_SQL, PEOPLE_SQL
from db.importing.options import LATER_CHANGE, LINK_FIELDS
from db.importing.ownership import KeptField
from db.importing.resolve import compare_links
from db.importing.temporary_tables import decimal_text_column
from db.importing.update_rules import UpdateRules

ALL_RULES = UpdateRules(fields=BOOK_FIELDS, links=LINK_FIELDS, empty_clears=True)
"""A restored book becomes what its staged row says."""

_WHOLE_BOOK = "book"
"""The name by which a deleted book is restored as a whole."""

_FIELD_COLUMNS = {
    **{field.name: [column.name for column in field.columns] for field in BOOK_FIELDS},
    "source_id": ["source_id"],
    "is_published": ["is_published"],
    "authors": ["authors"],
    "categories": ["categories"],
}

_CHANGED_BOOKS = f"""
/* changed_books_of_import */
CREATE TEMPORARY TABLE undone_book ON COMMIT DROP AS
SELECT c.item_id AS id, c.before, c.after,
       to_jsonb(b) || jsonb_build_object('authors', p.entries, 'categories', k.entries) AS current
FROM import_change c
LEFT JOIN book b ON b.id = c.item_id
CROSS JOIN LATERAL (
    SELECT coalesce({PEOPLE_SQL}, '[]') AS entries
    FROM book_author l JOIN author a ON a.id = l.author_id WHERE l.book_id = b.id
) p
CROSS JOIN LATERAL (
    SELECT coalesce({PATHS_SQL}, '[]') AS entries
    FROM book_category l JOIN category k ON k.id = l.category_id WHERE l.book_id = b.id
) k
WHERE c.import_id = {{number}} AND c.kind = 'book' AND c.before IS NOT NULL
"""

_CHANGED_FIELDS = f"""
/* changed_fields_of_import */
CREATE TEMPORARY TABLE undone_field ON COMMIT DROP AS
SELECT u.id, f.field, f.columns, u.current IS NULL OR EXISTS (
    SELECT FROM unnest(f.columns) AS c (name) WHERE u.current -> c.name IS DISTINCT FROM u.after -> c.name
) AS is_kept
FROM undone_book u CROSS JOIN (VALUES {{fields}}) AS f (field, columns)
WHERE u.before ? f.columns[1] AND u.after IS NOT NULL
UNION ALL
SELECT u.id, '{_WHOLE_BOOK}', '{{{{}}}}', u.current IS NOT NULL FROM undone_book u WHERE u.after IS NULL
"""

_ADDED_BOOKS_SQL = """
FROM import i
JOIN book b ON b.id BETWEEN i.first_book_id AND i.last_book_id
    OR b.id IN (SELECT c.item_id FROM import_change c
                WHERE c.import_id = i.id AND c.kind = 'book' AND c.before IS NULL)
WHERE i.id = $1::integer
"""

# A new book goes if no edit, no other source and no later import has changed it.
_NEW_BOOKS = f"""
/* new_books_of_import */
INSERT INTO missing_book (id)
SELECT b.id
{_ADDED_BOOKS_SQL}
  AND coalesce((
      SELECT jsonb_object_agg(f.field, jsonb_build_array(f.owner, f.edited_at)) FROM book_field f
      WHERE f.book_id = b.id
  ), '{{}}') = coalesce((
      SELECT c.after -> 'fields' FROM import_change c
      WHERE c.import_id = i.id AND c.kind = 'book' AND c.item_id = b.id AND c.before IS NULL
  ), '{{}}')
  AND NOT EXISTS (
      SELECT FROM import_change c
      WHERE c.kind IN ('book', 'book_field') AND c.item_id = b.id AND c.import_id = ANY ($2::integer[])
  )
"""

_COUNT_KEPT_NEW_BOOKS = f"""
/* count_kept_new_books */
SELECT count(*)
{_ADDED_BOOKS_SQL}
  AND NOT EXISTS (SELECT FROM missing_book m WHERE m.id = b.id)
"""

_PEOPLE = f"""
/* people_to_restore */
CREATE TEMPORARY TABLE undone_person ON COMMIT DROP AS
SELECT f.id, p.position, p.entry ->> 0 AS source, p.entry ->> 1 AS source_id, p.entry ->> 2 AS role
FROM undone_field f JOIN undone_book u USING (id)
CROSS JOIN jsonb_array_elements(u.before -> 'authors') WITH ORDINALITY AS p (entry, position)
WHERE f.field IN ('authors', '{_WHOLE_BOOK}') AND NOT f.is_kept
"""

_PATHS = f"""
/* paths_to_restore */
CREATE TEMPORARY TABLE undone_path ON COMMIT DROP AS
SELECT f.id, p.path
FROM undone_field f JOIN undone_book u USING (id)
CROSS JOIN jsonb_array_elements_text(u.before -> 'categories') AS p (path)
WHERE f.field IN ('categories', '{_WHOLE_BOOK}') AND NOT f.is_kept
"""

# The journal has each author that an import deleted; the last time counts.
_DELETED_AUTHORS = """
/* authors_to_restore */
INSERT INTO target_author (id, is_new, source, source_id, name, sort_name, birth_year, death_year, edited_at)
SELECT nextval($1::text::regclass), true, d.source, d.source_id, d.before ->> 'name', d.before ->> 'sort_name',
       (d.before ->> 'birth_year')::integer, (d.before ->> 'death_year')::integer,
       (d.before ->> 'edited_at')::timestamptz
FROM (
    SELECT DISTINCT ON (p.source, p.source_id) p.source, p.source_id, c.before
    FROM undone_person p
    JOIN import_change c ON c.kind = 'author' AND c.after IS NULL
        AND c.before ->> 'source' = p.source AND c.before ->> 'source_id' = p.source_id
    WHERE NOT EXISTS (SELECT FROM author a WHERE a.source = p.source AND a.source_id = p.source_id)
    ORDER BY p.source, p.source_id, c.import_id DESC
) d
"""

_DELETED_CATEGORIES = """
/* categories_to_restore */
INSERT INTO target_category (id, depth, name, path, is_new, edited_at)
SELECT nextval($1::text::regclass), d.depth, d.before ->> 'name', d.path, true,
       (d.before ->> 'edited_at')::timestamptz
FROM (
    SELECT DISTINCT ON (p.path) p.path, p.depth, c.before
    FROM (
        SELECT DISTINCT array_to_string(s.slugs[:g.depth], '/') AS path, g.depth
        FROM (SELECT DISTINCT string_to_array(path, '/') AS slugs FROM undone_path) s
        CROSS JOIN generate_series(1, cardinality(s.slugs)) AS g (depth)
    ) p
    JOIN import_change c ON c.kind = 'category' AND c.after IS NULL AND c.before ->> 'path' = p.path
    WHERE NOT EXISTS (SELECT FROM category k WHERE k.path = p.path)
    ORDER BY p.path, c.import_id DESC
) d
"""

_PARENTS = """
/* parents_of_categories_to_restore */
UPDATE target_category t SET parent_id = k.id
FROM (SELECT id, path FROM category UNION ALL SELECT id, path FROM target_category) k
WHERE t.depth > 1 AND k.path = left(t.path, -strpos(reverse(t.path), '/'))
"""

_KEEP_UNKNOWN_LINKS = (
    f"""
    /* keep_unknown_authors */
    UPDATE undone_field f SET is_kept = true
    WHERE f.field IN ('authors', '{_WHOLE_BOOK}') AND NOT f.is_kept AND EXISTS (
        SELECT FROM undone_person p
        LEFT JOIN author a USING (source, source_id)
        LEFT JOIN target_author t USING (source, source_id)
        WHERE p.id = f.id AND a.id IS NULL AND t.id IS NULL
    )
    """,
    f"""
    /* keep_unknown_categories */
    UPDATE undone_field f SET is_kept = true
    WHERE f.field IN ('categories', '{_WHOLE_BOOK}') AND NOT f.is_kept AND EXISTS (
        SELECT FROM undone_path p
        LEFT JOIN category k USING (path)
        LEFT JOIN target_category t USING (path)
        WHERE p.id = f.id AND k.id IS NULL AND (t.id IS NULL OR t.depth > 1 AND t.parent_id IS NULL)
    )
    """,
)

# A book whose own ISBN is not set back keeps it, so the check is repeated until it finds nothing.
_KEEP_TAKEN_KEYS = f"""
/* keep_taken_keys */
UPDATE undone_field f SET is_kept = true
FROM undone_book u
WHERE u.id = f.id AND NOT f.is_kept AND (
    f.field IN ('isbn', '{_WHOLE_BOOK}') AND EXISTS (
        SELECT FROM book y
        WHERE y.isbn = u.before ->> 'isbn' AND y.id <> u.id
          AND NOT EXISTS (SELECT FROM missing_book m WHERE m.id = y.id)
          AND NOT EXISTS (SELECT FROM undone_field g WHERE g.id = y.id AND g.field = 'isbn' AND NOT g.is_kept)
    )
    OR f.field IN ('source_id', '{_WHOLE_BOOK}') AND EXISTS (
        SELECT FROM book y
        WHERE y.source = coalesce(u.current ->> 'source', u.before ->> 'source')
          AND y.source_id = u.before ->> 'source_id' AND y.id <> u.id
          AND (u.after IS NOT NULL OR NOT EXISTS (SELECT FROM missing_book m WHERE m.id = y.id))
    )
)
"""

_RESTORED_BOOKS = f"""
/* books_to_restore */
CREATE TEMPORARY TABLE restored_book ON COMMIT DROP AS
SELECT row_number() OVER (ORDER BY u.id)::integer AS ordinal, u.id, u.after IS NULL AS is_new, r.relinked, r.reshelved,
       coalesce(u.current, u.before) || r.columns AS content
FROM undone_book u
JOIN (
    SELECT f.id, bool_or(f.field IN ('authors', '{_WHOLE_BOOK}')) AS relinked,
           bool_or(f.field IN ('categories', '{_WHOLE_BOOK}')) AS reshelved,
           coalesce(jsonb_object_agg(c.name, u.before -> c.name) FILTER (WHERE c.name IS NOT NULL), '{{}}') AS columns
    FROM undone_field f JOIN undone_book u USING (id)
    LEFT JOIN unnest(f.columns) AS c (name) ON true
    WHERE NOT f.is_kept GROUP BY f.id
) r USING (id)
"""

_STAGED_COLUMNS = ", ".join(
    decimal_text_column(column.name) if column.is_decimal else column.name for column in BOOK_COLUMNS
)
_STAGED_VALUES = ", ".join(
    f"b.{column.name}::text" if column.is_decimal else f"b.{column.name}" for column in BOOK_COLUMNS
)

_STAGE_BOOKS = (
    f"""
    /* stage_restored_books */
    INSERT INTO stage_book (ordinal, row, source_id, {_STAGED_COLUMNS})
    SELECT r.ordinal, 0, b.source_id, {_STAGED_VALUES}
    FROM restored_book r CROSS JOIN jsonb_populate_record(NULL::book, r.content) AS b
    """,
    """
    /* stage_restored_links */
    INSERT INTO stage_link (ordinal, people, paths)
    SELECT ordinal, CASE WHEN relinked THEN '' END, CASE WHEN reshelved THEN '' END FROM restored_book
    """,
    f"""
    /* target_restored_books */
    INSERT INTO target_book (ordinal, id, is_new, is_own, differs, new_key, is_published)
    SELECT r.ordinal, r.id, r.is_new, true, NOT r.is_new AND ({ALL_RULES.differs} OR s.source_id <> b.source_id),
           CASE WHEN s.source_id <> b.source_id THEN s.source_id END,
           nullif((r.content ->> 'is_published')::boolean, b.is_published)
    FROM restored_book r JOIN stage_book s USING (ordinal) LEFT JOIN book b ON b.id = r.id
    """,
    """
    /* target_restored_authors */
    INSERT INTO target_book_author (book_id, position, author_id, role)
    SELECT p.id, p.position, coalesce(a.id, t.id), p.role
    FROM undone_person p JOIN restored_book r ON r.id = p.id AND r.relinked
    LEFT JOIN author a USING (source, source_id)
    LEFT JOIN target_author t ON t.is_new AND t.source = p.source AND t.source_id = p.source_id
    """,
    """
    /* target_restored_categories */
    INSERT INTO target_book_category (book_id, category_id)
    SELECT p.id, coalesce(k.id, t.id)
    FROM undone_path p JOIN restored_book r ON r.id = p.id AND r.reshelved
    LEFT JOIN category k USING (path)
    LEFT JOIN target_category t ON t.is_new AND t.path = p.path
    """,
)

_UNNEEDED_TARGETS = (
    """
    /* drop_unneeded_authors */
    DELETE FROM target_author t
    WHERE t.is_new AND NOT EXISTS (SELECT FROM target_book_author l WHERE l.author_id = t.id)
    """,
    """
    /* drop_unneeded_categories */
    DELETE FROM target_category t
    WHERE t.is_new AND NOT EXISTS (
        SELECT FROM target_category k JOIN target_book_category l ON l.category_id = k.id
        WHERE k.path = t.path OR k.path LIKE t.path || '/%'
    )
    """,
)

_RESTORE_AUTHORS = """
/* restore_authors */
INSERT INTO target_author (id, is_new, source, source_id, name, sort_name, birth_year, death_year, edited_at)
SELECT a.id, false, a.source, a.source_id, c.before ->> 'name', c.before ->> 'sort_name',
       (c.before ->> 'birth_year')::integer, (c.before ->> 'death_year')::integer,
       (c.before ->> 'edited_at')::timestamptz
FROM import_change c JOIN author a ON a.id = c.item_id
WHERE c.import_id = $1::integer AND c.kind = 'author' AND c.after IS NOT NULL
  AND (a.name, a.sort_name, a.birth_year, a.death_year, a.edited_at) IS NOT DISTINCT FROM (
      c.after ->> 'name', c.after ->> 'sort_name', (c.after ->> 'birth_year')::integer,
      (c.after ->> 'death_year')::integer, (c.after ->> 'edited_at')::timestamptz)
"""

_RESTORE_CATEGORIES = """
/* restore_categories */
INSERT INTO target_category (id, depth, name, path, is_new, edited_at)
SELECT k.id, cardinality(k.lineage), c.before ->> 'name', k.path, false, (c.before ->> 'edited_at')::timestamptz
FROM import_change c JOIN category k ON k.id = c.item_id
WHERE c.import_id = $1::integer AND c.kind = 'category' AND c.after IS NOT NULL
  AND (k.name, k.edited_at)
      IS NOT DISTINCT FROM (c.after ->> 'name', (c.after ->> 'edited_at')::timestamptz)
"""

_COUNT_CHANGED = """
/* count_changed_names */
SELECT count(*) FROM import_change WHERE import_id = $1::integer AND kind = $2::text AND after IS NOT NULL
"""

_KEPT_FIELDS = """
/* kept_fields_of_import */
SELECT field, count(*) FROM undone_field WHERE is_kept GROUP BY field ORDER BY field
"""

_RESTORE_FIELDS = """
/* restore_book_fields */
WITH change AS (
    SELECT c.item_id AS book_id, e.key AS field, e.value AS before, c.after -> e.key AS after
    FROM import_change c CROSS JOIN jsonb_each(c.before) AS e
    WHERE c.import_id = $1::integer AND c.kind = 'book_field'
    UNION ALL
    SELECT r.id, e.key, e.value, 'null'
    FROM restored_book r CROSS JOIN jsonb_each(r.content -> 'fields') AS e WHERE r.is_new
), restored AS (
    SELECT c.book_id, c.field, c.before
    FROM change c JOIN book b ON b.id = c.book_id
    LEFT JOIN book_field f ON f.book_id = c.book_id AND f.field = c.field
    WHERE c.after = coalesce(CASE WHEN f.book_id IS NOT NULL THEN jsonb_build_array(f.owner, f.edited_at) END, 'null')
), gone AS (
    DELETE FROM book_field f USING restored r
    WHERE f.book_id = r.book_id AND f.field = r.field AND r.before = 'null'
)
INSERT INTO book_field (book_id, field, owner, edited_at)
SELECT book_id, field, before ->> 0, (before ->> 1)::timestamptz FROM restored WHERE before <> 'null'
ON CONFLICT (book_id, field) DO UPDATE SET owner = excluded.owner, edited_at = excluded.edited_at
"""

_RECORD_RESTORED_BOOKS = """
/* record_restored_books */
INSERT INTO import_change (import_id, kind, item_id, after)
SELECT $1::integer, 'book', r.id, jsonb_build_object('fields', r.content -> 'fields')
FROM restored_book r WHERE r.is_new
"""

BOOKS_WITH_CHANGED_FIELDS = (
    "SELECT item_id FROM import_change WHERE import_id = {number} AND kind = 'book_field'"
)
"""The query of the books whose owners of fields, or edits, an import changed."""


async def stage_reversal(
    connection: asyncpg.Connection, number: int, later_imports: list[int]
) -> list[KeptField]:
    """Fill the staging, target and gone tables with the state before an import. Return what is kept.

    `later_imports` are the imports after it whose changes still stand.
    """
    await connection.execute(_CHANGED_BOOKS.format(number=int(number)))
    fields = ", ".join(
        f"('{name}', string_to_array('{' '.join(columns)}', ' '))" for name, columns in _FIELD_COLUMNS.items()
    )
    await connection.execute(_CHANGED_FIELDS.format(fields=fields))
    await connection.execute("ANALYZE undone_book, undone_field")
    await connection.execute(_NEW_BOOKS, number, later_imports)
    await _find_people_and_paths(connection)
    while await _count_written(connection, _KEEP_TAKEN_KEYS):
        pass
    await connection.execute(_RESTORED_BOOKS)
    for statement in (*_STAGE_BOOKS, *_UNNEEDED_TARGETS):
        await connection.execute(statement)
    kept_authors = await _restore_names(connection, _RESTORE_AUTHORS, "author", number)
    kept_categories = await _restore_names(connection, _RESTORE_CATEGORIES, "category", number)
    await connection.execute("ANALYZE stage_book, stage_link, target_book, missing_book")
    await compare_links(connection, ALL_RULES)
    kept = [KeptField(row[0], LATER_CHANGE, row[1]) for row in await connection.fetch(_KEPT_FIELDS)]
    kept += [
        KeptField("name", LATER_CHANGE, kept_authors, "authors"),
        KeptField("name", LATER_CHANGE, kept_categories, "categories"),
        KeptField("addition", LATER_CHANGE, await connection.fetchval(_COUNT_KEPT_NEW_BOOKS, number)),
    ]
    return [each for each in kept if each.books]


async def _find_people_and_paths(connection: asyncpg.Connection) -> None:
    """Find the authors and categories of the restored books. Keep fields whose authors nobody knows any more."""
    await connection.execute(_PEOPLE)
    await connection.execute(_PATHS)
    await connection.execute("ANALYZE undone_person, undone_path")
    await connection.execute(_DELETED_AUTHORS, await identity_sequence(connection, "author"))
    await connection.execute(_DELETED_CATEGORIES, await identity_sequence(connection, "category"))
    await connection.execute(_PARENTS)
    for statement in _KEEP_UNKNOWN_LINKS:
        await connection.execute(statement)


async def _restore_names(connection: asyncpg.Connection, statement: str, kind: str, number: int) -> int:
    """Set back the changed authors or categories. Return how many were changed since."""
    changed: int = await connection.fetchval(_COUNT_CHANGED, number, kind)
    return changed - await _count_written(connection, statement, number)


async def record_restored_books(connection: asyncpg.Connection, number: int) -> None:
    """Record the deleted books that come back, as new books of the import with this number."""
    await connection.execute(_RECORD_RESTORED_BOOKS, number)


async def restore_book_fields(connection: asyncpg.Connection, number: int) -> None:
    """Set back the owners and edits of fields, after the merge."""
    await connection.execute(_RESTORE_FIELDS, number)


async def _count_written(connection: asyncpg.Connection, statement: str, *arguments: object) -> int:
    return int((await connection.execute(statement, *arguments)).rpartition(" ")[2])
