"""The reversal of an import: stage what was there before, as a feed would, from the journal.

A field is set back if it still is as the import left it. Otherwise it is kept, and counted.
"""

import asyncpg

from db.book_columns import BOOK_COLUMNS, BOOK_FIELDS
from db.importing.identity_sequences import identity_sequence
from db.importing.journal import PATHS_SQL, PEOPLE_SQL
from db.importing.options import LATER_CHANGE, LINK_FIELDS
from db.importing.ownership import KeptField
from db.importing.resolve import resolve
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

_ADDED_BOOKS_SQL = """(
    SELECT b.id FROM import i JOIN book b ON b.id BETWEEN i.first_book_id AND i.last_book_id
    WHERE i.id = $1::integer
    UNION ALL
    SELECT b.id FROM import_change c JOIN book b ON b.id = c.item_id
    WHERE c.import_id = $1::integer AND c.kind = 'book' AND c.before IS NULL
)"""

# A new book goes if no edit, no other source and no later import has changed it.
_NEW_BOOKS = f"""
/* new_books_of_import */
INSERT INTO missing_book (id)
SELECT b.id
FROM {_ADDED_BOOKS_SQL} b
LEFT JOIN (
    SELECT f.book_id, jsonb_object_agg(f.field, jsonb_build_array(f.owner, f.edited_at)) AS fields
    FROM book_field f GROUP BY f.book_id
) f ON f.book_id = b.id
LEFT JOIN import_change c ON c.import_id = $1::integer AND c.kind = 'book' AND c.item_id = b.id
WHERE coalesce(f.fields, '{{}}') = coalesce(c.after -> 'fields', '{{}}')
  AND b.id NOT IN (
      SELECT l.item_id FROM import_change l
      WHERE l.kind IN ('book', 'book_field') AND l.import_id = ANY ($2::integer[])
  )
"""

_COUNT_KEPT_NEW_BOOKS = f"""
/* count_kept_new_books */
SELECT count(*) FROM {_ADDED_BOOKS_SQL} b WHERE NOT EXISTS (SELECT FROM missing_book m WHERE m.id = b.id)
"""

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

# The names of authors and categories come back with the links.
_RESTORED_BOOKS = f"""
/* books_to_restore */
CREATE TEMPORARY TABLE restored_book ON COMMIT DROP AS
SELECT row_number() OVER (ORDER BY u.id)::integer AS ordinal, u.id, u.after IS NULL AS is_new, r.relinked, r.reshelved,
       coalesce(u.current, u.before) || r.columns || CASE WHEN r.relinked THEN jsonb_build_object('author_names', u.before -> 'author_names') ELSE '{{}}' END
       || CASE WHEN r.reshelved THEN jsonb_build_object('category_names', u.before -> 'category_names') ELSE '{{}}' END
       AS content
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

_PEOPLE = """
/* people_to_restore */
CREATE TEMPORARY TABLE undone_person ON COMMIT DROP AS
SELECT p.ordinal, p.position, p.source, p.source_id, p.role, p.name, p.sort_name,
       dense_rank() OVER (ORDER BY p.source, p.source_id, p.role, p.name, p.sort_name)::integer AS person
FROM (
    SELECT r.ordinal, e.position, e.entry ->> 0 AS source, e.entry ->> 1 AS source_id, e.entry ->> 2 AS role,
           r.content -> 'author_names' -> (e.position - 1)::integer ->> 0 AS name,
           r.content -> 'author_names' -> (e.position - 1)::integer ->> 1 AS sort_name
    FROM restored_book r CROSS JOIN jsonb_array_elements(r.content -> 'authors') WITH ORDINALITY AS e (entry, position)
    WHERE r.relinked
) p
"""

_PATHS = """
/* paths_to_restore */
CREATE TEMPORARY TABLE undone_path ON COMMIT DROP AS
SELECT p.ordinal, p.position, p.slugs, p.names, dense_rank() OVER (ORDER BY p.slugs, p.names)::integer AS path
FROM (
    SELECT r.ordinal, e.position, e.slugs, r.content -> 'category_names' -> (e.position - 1)::integer AS names
    FROM restored_book r
    CROSS JOIN jsonb_array_elements_text(r.content -> 'categories') WITH ORDINALITY AS e (slugs, position)
    WHERE r.reshelved
) p
"""

# The journal has the years of each author that an import deleted; the last time counts.
_STAGE_PEOPLE = """
/* stage_people_to_restore */
INSERT INTO stage_key (person, role, source, source_id, name, sort_name, birth_year, death_year)
SELECT DISTINCT p.person, p.role, p.source, p.source_id, p.name, p.sort_name,
       coalesce(a.birth_year, (d.before ->> 'birth_year')::integer),
       coalesce(a.death_year, (d.before ->> 'death_year')::integer)
FROM undone_person p
LEFT JOIN author a USING (source, source_id)
LEFT JOIN (
    SELECT DISTINCT ON (c.before ->> 'source', c.before ->> 'source_id')
           c.before ->> 'source' AS source, c.before ->> 'source_id' AS source_id, c.before
    FROM import_change c WHERE c.kind = 'author' AND c.after IS NULL
    ORDER BY c.before ->> 'source', c.before ->> 'source_id', c.import_id DESC
) d USING (source, source_id)
"""

_STAGE_PATHS = """
/* stage_paths_to_restore */
INSERT INTO stage_node (path, depth, is_leaf, name, slugs, parent_slugs)
SELECT p.path, n.depth, n.depth = jsonb_array_length(p.names), n.name,
       array_to_string((string_to_array(p.slugs, '/'))[:n.depth], '/'),
       CASE WHEN n.depth > 1 THEN array_to_string((string_to_array(p.slugs, '/'))[:n.depth - 1], '/') END
FROM (SELECT DISTINCT path, slugs, names FROM undone_path) p
CROSS JOIN jsonb_array_elements_text(p.names) WITH ORDINALITY AS n (name, depth)
"""

_TARGET_AUTHORS = """
/* target_authors_to_restore */
INSERT INTO target_author (id, is_new, source, source_id, name, sort_name, birth_year, death_year, edited_at)
SELECT coalesce(a.id, nextval($1::text::regclass)), a.id IS NULL, k.source, k.source_id,
       coalesce(a.name, k.name), coalesce(a.sort_name, k.sort_name), coalesce(a.birth_year, k.birth_year),
       coalesce(a.death_year, k.death_year), a.edited_at
FROM (
    SELECT DISTINCT ON (source, source_id) source, source_id, name, sort_name, birth_year, death_year
    FROM stage_key ORDER BY source, source_id, person
) k
LEFT JOIN author a USING (source, source_id)
UNION ALL
SELECT a.id, false, a.source, a.source_id, a.name, a.sort_name, a.birth_year, a.death_year, a.edited_at
FROM import_change c JOIN author a ON a.id = c.item_id
WHERE c.import_id = $2::integer AND c.kind = 'author' AND c.after IS NOT NULL
  AND NOT EXISTS (SELECT FROM stage_key k WHERE k.source = a.source AND k.source_id = a.source_id)
"""

_STAGED_COLUMNS = ", ".join(
    decimal_text_column(column.name) if column.is_decimal else column.name for column in BOOK_COLUMNS
)
_STAGED_VALUES = ", ".join(
    f"b.{column.name}::text" if column.is_decimal else f"b.{column.name}" for column in BOOK_COLUMNS
)

_STAGE_BOOKS = (
    f"""
    /* stage_books_to_restore */
    INSERT INTO stage_book (ordinal, row, source_id, {_STAGED_COLUMNS})
    SELECT r.ordinal, 0, b.source_id, {_STAGED_VALUES}
    FROM restored_book r CROSS JOIN jsonb_populate_record(NULL::book, r.content) AS b
    """,
    """
    /* stage_links_to_restore */
    INSERT INTO stage_link (ordinal, people, paths)
    SELECT r.ordinal, CASE WHEN r.relinked THEN coalesce(p.people, '') END,
           CASE WHEN r.reshelved THEN coalesce(k.paths, '') END
    FROM restored_book r
    LEFT JOIN (
        SELECT ordinal, string_agg(person::text, ',' ORDER BY position) AS people FROM undone_person GROUP BY ordinal
    ) p USING (ordinal)
    LEFT JOIN (
        SELECT ordinal, string_agg(path::text, ',' ORDER BY position) AS paths FROM undone_path GROUP BY ordinal
    ) k USING (ordinal)
    """,
    f"""
    /* target_books_to_restore */
    INSERT INTO target_book (ordinal, id, is_new, is_own, differs, new_key, is_published)
    SELECT r.ordinal, r.id, r.is_new, true, NOT r.is_new AND ({ALL_RULES.differs} OR s.source_id <> b.source_id),
           CASE WHEN s.source_id <> b.source_id THEN s.source_id END,
           nullif((r.content ->> 'is_published')::boolean, b.is_published)
    FROM restored_book r JOIN stage_book s USING (ordinal) LEFT JOIN book b ON b.id = r.id
    """,
)

# Names that books vote for come back with their votes, unless they had been edited by hand.
_RESTORE_AUTHORS = """
/* restore_authors */
UPDATE target_author t
SET name = CASE WHEN c.is_own THEN c.before ->> 'name' ELSE t.name END,
    sort_name = CASE WHEN c.is_own OR c.has_one_spelling THEN c.before ->> 'sort_name' ELSE t.sort_name END,
    birth_year = (c.before ->> 'birth_year')::integer, death_year = (c.before ->> 'death_year')::integer,
    edited_at = (c.before ->> 'edited_at')::timestamptz
FROM (
    SELECT c.item_id, c.before, c.after,
           a.source <> 'name' OR c.before ->> 'edited_at' IS NOT NULL AS is_own,
           NOT EXISTS (SELECT FROM target_author_spelling s WHERE s.author_id = a.id) AS has_one_spelling,
           a.name, a.sort_name, a.birth_year, a.death_year, a.edited_at
    FROM import_change c JOIN author a ON a.id = c.item_id
    WHERE c.import_id = $1::integer AND c.kind = 'author' AND c.after IS NOT NULL
) c
WHERE t.id = c.item_id
  AND (c.name, c.sort_name, c.birth_year, c.death_year, c.edited_at) IS NOT DISTINCT FROM (
      c.after ->> 'name', c.after ->> 'sort_name', (c.after ->> 'birth_year')::integer,
      (c.after ->> 'death_year')::integer, (c.after ->> 'edited_at')::timestamptz)
"""

_ADD_RESTORED_CATEGORIES = """
/* add_categories_to_restore */
INSERT INTO target_category (id, depth, name, path, is_new, edited_at)
SELECT k.id, cardinality(k.lineage), k.name, k.path, false, k.edited_at
FROM import_change c JOIN category k ON k.id = c.item_id
WHERE c.import_id = $1::integer AND c.kind = 'category' AND c.after IS NOT NULL
  AND NOT EXISTS (SELECT FROM target_category t WHERE t.id = k.id)
"""

_RESTORE_CATEGORIES = """
/* restore_categories */
UPDATE target_category t SET name = c.before ->> 'name', edited_at = (c.before ->> 'edited_at')::timestamptz
FROM import_change c JOIN category k ON k.id = c.item_id
WHERE t.id = k.id AND c.import_id = $1::integer AND c.kind = 'category' AND c.after IS NOT NULL
  AND c.before ->> 'edited_at' IS NOT NULL
  AND (k.name, k.edited_at)
      IS NOT DISTINCT FROM (c.after ->> 'name', (c.after ->> 'edited_at')::timestamptz)
"""

# A name without a key of its own, or that was not edited, is nobody's: its books vote for it.
_KEPT_NAMES = """
/* kept_names_of_import */
SELECT 'authors', count(*)
FROM import_change c JOIN author a ON a.id = c.item_id
WHERE c.import_id = $1::integer AND c.kind = 'author' AND c.after IS NOT NULL
  AND (a.source <> 'name' OR (c.before ->> 'edited_at') IS NOT NULL OR a.edited_at IS NOT NULL)
  AND (a.name, a.sort_name, a.birth_year, a.death_year, a.edited_at) IS DISTINCT FROM (
      c.after ->> 'name', c.after ->> 'sort_name', (c.after ->> 'birth_year')::integer,
      (c.after ->> 'death_year')::integer, (c.after ->> 'edited_at')::timestamptz)
UNION ALL
SELECT 'categories', count(*)
FROM import_change c JOIN category k ON k.id = c.item_id
WHERE c.import_id = $1::integer AND c.kind = 'category' AND c.after IS NOT NULL
  AND ((c.before ->> 'edited_at') IS NOT NULL OR k.edited_at IS NOT NULL)
  AND (k.name, k.edited_at)
      IS DISTINCT FROM (c.after ->> 'name', (c.after ->> 'edited_at')::timestamptz)
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
    while await connection.execute(_KEEP_TAKEN_KEYS) != "UPDATE 0":
        pass
    await _stage_books(connection, number)
    await resolve(connection, ALL_RULES)
    await connection.execute(_ADD_RESTORED_CATEGORIES, number)
    kept = [KeptField(row[0], LATER_CHANGE, row[1]) for row in await connection.fetch(_KEPT_FIELDS)]
    kept += [
        KeptField("name", LATER_CHANGE, count, items)
        for items, count in await connection.fetch(_KEPT_NAMES, number)
    ]
    kept.append(KeptField("addition", LATER_CHANGE, await connection.fetchval(_COUNT_KEPT_NEW_BOOKS, number)))
    return [each for each in kept if each.books]


async def _stage_books(connection: asyncpg.Connection, number: int) -> None:
    """Stage the books to restore with their authors and categories, as they were before the import."""
    for statement in (_RESTORED_BOOKS, _PEOPLE, _PATHS, _STAGE_PEOPLE, _STAGE_PATHS):
        await connection.execute(statement)
    await connection.execute(_TARGET_AUTHORS, await identity_sequence(connection, "author"), number)
    for statement in _STAGE_BOOKS:
        await connection.execute(statement)
    await connection.execute(
        "ANALYZE stage_book, stage_link, stage_key, stage_node, target_author, target_book, missing_book"
    )


async def restore_names(connection: asyncpg.Connection, number: int) -> None:
    """Set back the names that are not chosen by the books of an author or category. The others are chosen by now."""
    await connection.execute(_RESTORE_AUTHORS, number)
    await connection.execute(_RESTORE_CATEGORIES, number)


async def record_restored_books(connection: asyncpg.Connection, number: int) -> None:
    """Record the deleted books that come back, as new books of the import with this number."""
    await connection.execute(_RECORD_RESTORED_BOOKS, number)


async def restore_book_fields(connection: asyncpg.Connection, number: int) -> None:
    """Set back the owners and edits of fields, after the merge."""
    await connection.execute(_RESTORE_FIELDS, number)
