"""Write a resolved feed into the catalog, one statement per table.

Every statement touches only rows that differ, so a feed without changes writes nothing. Statements that may
write to rebuilt tables name them by placeholders, such as {book}.
"""

from dataclasses import dataclass

import asyncpg

from db.book_columns import join_columns, new_book_values
from db.importing.table_rebuild import BOOK_TABLES, copy_rows, table_names
from db.importing.update_rules import UpdateRules

LOCK_TABLES = """
/* lock_catalog_for_writing */
LOCK TABLE catalog_size, author, author_spelling, category, category_spelling, series, book, book_author,
           book_category, author_listing, category_listing, book_search, search_word
IN SHARE ROW EXCLUSIVE MODE
"""
"""Mutations lock `catalog_size` before any row: see db.connections.write_session."""

# If the listings are deferred, no trigger counts the books of a new author.
_INSERT_AUTHORS = """
/* insert_authors */
INSERT INTO {author} (id, source, source_id, name, sort_name, birth_year, death_year, edited_at, book_count,
                      rating_count)
OVERRIDING SYSTEM VALUE
SELECT t.id, t.source, t.source_id, t.name, t.sort_name, t.birth_year, t.death_year, t.edited_at,
       CASE WHEN listings_deferred() THEN coalesce(b.books, 0) ELSE 0 END,
       CASE WHEN listings_deferred() THEN coalesce(b.ratings, 0) ELSE 0 END
FROM target_author t
LEFT JOIN (
    SELECT l.author_id, count(*) AS books, sum(s.rating_count) AS ratings
    FROM (SELECT DISTINCT author_id, book_id FROM target_book_author WHERE listings_deferred()) l
    JOIN target_book k ON k.id = l.book_id
    JOIN stage_book s ON s.ordinal = k.ordinal
    GROUP BY l.author_id
) b ON b.author_id = t.id
WHERE t.is_new
ORDER BY t.id
"""

_UPDATE_AUTHORS = """
/* update_authors */
UPDATE author a
SET name = t.name, sort_name = t.sort_name, birth_year = t.birth_year, death_year = t.death_year,
    edited_at = t.edited_at
FROM target_author t
WHERE a.id = t.id AND NOT t.is_new
  AND (a.name, a.sort_name, a.birth_year, a.death_year)
      IS DISTINCT FROM (t.name, t.sort_name, t.birth_year, t.death_year)
"""

_INSERT_CATEGORIES = """
/* insert_categories */
INSERT INTO category (id, parent_id, name, edited_at)
OVERRIDING SYSTEM VALUE
SELECT id, parent_id, name, edited_at FROM target_category WHERE is_new ORDER BY depth, id
"""

_UPDATE_CATEGORIES = """
/* update_categories */
UPDATE category c SET name = t.name, edited_at = t.edited_at
FROM target_category t
WHERE c.id = t.id AND NOT t.is_new AND c.name <> t.name
"""

_MOVES_ISBNS = """
/* moves_isbns */
SELECT EXISTS (
    SELECT FROM stage_book s JOIN target_book t USING (ordinal) JOIN book b ON b.isbn = s.isbn
    WHERE t.id <> b.id AND (t.is_new OR t.differs)
)
"""

# If the feed moves an ISBN between its books, the old book loses it first, and _UPDATE_BOOKS sets the other.
# An update of no row would fire the triggers of book, and PostgreSQL keep their plans for no row: a nested
# loop, which takes minutes for the rows of _UPDATE_BOOKS.
_RELEASE_ISBNS = """
/* release_isbns */
UPDATE book b SET isbn = NULL
FROM stage_book s JOIN target_book t USING (ordinal)
WHERE s.isbn = b.isbn AND t.id <> b.id AND (t.is_new OR t.differs)
"""

# A book that has no key but its ISBN takes the key of its row.
_UPDATE_BOOKS = """
/* update_books */
UPDATE book b
SET ({columns}) = ROW({values})
FROM target_book t JOIN stage_book s ON s.ordinal = t.ordinal
WHERE (t.differs OR t.is_published IS NOT NULL) AND b.id = t.id
"""

_HAS_UNPUBLISHED_BOOKS = """
/* has_unpublished_books */
SELECT EXISTS (SELECT FROM unpublished_book)
"""

_UNPUBLISH_BOOKS = """
/* unpublish_books */
UPDATE book b SET is_published = false FROM unpublished_book m WHERE b.id = m.id
"""

# Triggers of the links do so unless the listings are deferred.
_RELINKED_BOOKS = """(
    SELECT r.id
    FROM (
        SELECT b.id, b.xmin AS row_xmin
        FROM (
            SELECT book_id FROM target_book_author UNION SELECT book_id FROM gone_book_author
            UNION SELECT book_id FROM target_book_category UNION SELECT book_id FROM gone_book_category
        ) l
        JOIN target_book t ON t.id = l.book_id AND NOT t.is_new
        JOIN book b ON b.id = t.id
        OFFSET 0
    ) r
    WHERE NOT is_own_row(r.row_xmin)
)"""

_HAS_RELINKED_BOOKS = f"""
/* has_relinked_books */
SELECT CASE WHEN listings_deferred() AND EXISTS (SELECT FROM target_book WHERE NOT is_new)
            THEN EXISTS {_RELINKED_BOOKS} ELSE false END
"""

_MOVE_VERSIONS = f"""
/* move_versions_of_relinked_books */
UPDATE book SET version = version + 1 WHERE id IN {_RELINKED_BOOKS}
"""

# The triggers of book compare the old rows with the new ones. PostgreSQL keeps their plans, which for the few rows of
# one update are nested loops, and take hours for the many rows of the next one.
_FORGET_PLANS = """
/* forget_plans */
DISCARD PLANS
"""

_DELETE_BOOK_AUTHORS = """
/* delete_book_authors */
DELETE FROM book_author ba USING gone_book_author g
WHERE ba.book_id = g.book_id AND ba.position = g.position
"""

_DELETE_BOOK_CATEGORIES = """
/* delete_book_categories */
DELETE FROM book_category bc USING gone_book_category g
WHERE bc.book_id = g.book_id AND bc.category_id = g.category_id
"""

# A rebuilt table has no trigger yet that finds the series of a book.
_INSERT_SERIES = """
/* insert_series */
INSERT INTO series (slug, name)
SELECT DISTINCT ON (series_slug(n.series)) series_slug(n.series), n.series
FROM (
    SELECT s.series, min(s.ordinal) AS first FROM stage_book s JOIN target_book t USING (ordinal)
    WHERE s.series IS NOT NULL AND t.is_new GROUP BY s.series
) n
ORDER BY series_slug(n.series), n.first
ON CONFLICT (slug) DO NOTHING
"""

_INSERT_BOOKS = f"""
/* insert_books */
INSERT INTO {{book}} (id, source, source_id, {join_columns()}, series_id, series_key, is_published)
OVERRIDING SYSTEM VALUE
SELECT t.id, $1::text, s.source_id, {new_book_values()},
       CASE WHEN s.series IS NOT NULL THEN (SELECT x.id FROM series x WHERE x.slug = series_slug(s.series)) END,
       CASE WHEN s.series_position IS NOT NULL THEN series_position_key(s.series_position) END,
       coalesce(t.is_published, true)
FROM target_book t JOIN stage_book s ON s.ordinal = t.ordinal
WHERE t.is_new
ORDER BY t.ordinal
"""

# The trigger of `book` dates books that are added to it.
_DATE_ADDED_BOOKS = """
/* date_added_books */
INSERT INTO book_addition (first_id, last_id, added_at)
SELECT min(t.id), max(t.id), greatest(clock_timestamp(), max(a.added_at))
FROM target_book t
JOIN (SELECT last_id, added_at FROM book_addition ORDER BY first_id DESC LIMIT 1) a ON t.id > a.last_id
WHERE t.is_new
HAVING count(*) > 0
"""

_INSERT_BOOK_AUTHORS = """
/* insert_book_authors */
INSERT INTO {book_author} (book_id, position, author_id, role, spelling)
SELECT book_id, position, author_id, role, spelling FROM target_book_author ORDER BY book_id, position
"""

_INSERT_BOOK_CATEGORIES = """
/* insert_book_categories */
INSERT INTO {book_category} (book_id, category_id, spelling)
SELECT book_id, category_id, spelling FROM target_book_category ORDER BY book_id, category_id
"""

# The triggers of books and of both kinds of links would each make the documents of the same books.
_DEFER_SEARCH = """
/* defer_search */
SELECT set_config('bookstore.defer_search', $1::text, true)
"""

_REFRESH_SEARCH = """
/* refresh_search */
SELECT search_refresh(ARRAY(
    SELECT id FROM target_book WHERE is_new
    UNION SELECT book_id FROM target_book_author UNION SELECT book_id FROM target_book_category
))
WHERE NOT listings_deferred()
"""

# Their links are deleted before, all at once: a cascade would maintain the listings book by book.
_DELETE_MISSING_BOOKS = """
/* delete_missing_books */
DELETE FROM book b USING missing_book m WHERE b.id = m.id
"""

_PRUNE_AUTHORS = """
/* prune_authors */
WITH pruned AS (
    DELETE FROM author a
    WHERE a.id IN (SELECT author_id FROM gone_book_author)
      AND NOT EXISTS (SELECT FROM book_author ba WHERE ba.author_id = a.id)
      AND NOT EXISTS (SELECT FROM target_book_author t WHERE t.author_id = a.id)
    RETURNING a.*
)
INSERT INTO import_change AS c (import_id, kind, item_id, before)
SELECT $1::integer, 'author', id, jsonb_build_object(
    'source', source, 'source_id', source_id, 'name', name, 'sort_name', sort_name,
    'birth_year', birth_year, 'death_year', death_year, 'edited_at', edited_at)
FROM pruned
ON CONFLICT (import_id, kind, item_id) DO UPDATE SET before = excluded.before || c.before, after = NULL
"""

_EMPTIED_CATEGORIES = """
/* left_categories */
CREATE TEMPORARY TABLE left_category ON COMMIT DROP AS
SELECT c.id, cardinality(c.lineage) AS depth
FROM category c
WHERE c.id IN (
    SELECT unnest(k.lineage) FROM category k WHERE k.id IN (SELECT category_id FROM gone_book_category)
)
"""

_EMPTIED_DEPTHS = """
/* left_depths */
SELECT DISTINCT depth FROM left_category ORDER BY depth DESC
"""

_PRUNE_CATEGORIES = """
/* prune_categories */
WITH pruned AS (
    DELETE FROM category c USING left_category l
    WHERE c.id = l.id AND l.depth = $1::integer
      AND NOT EXISTS (SELECT FROM category k WHERE k.parent_id = c.id)
      AND NOT EXISTS (SELECT FROM book_category bc WHERE bc.category_id = c.id)
      AND NOT EXISTS (SELECT FROM target_book_category t WHERE t.category_id = c.id)
    RETURNING c.*
)
INSERT INTO import_change AS c (import_id, kind, item_id, before)
SELECT $2::integer, 'category', id, jsonb_build_object('path', path, 'name', name, 'edited_at', edited_at)
FROM pruned
ON CONFLICT (import_id, kind, item_id) DO UPDATE SET before = excluded.before || c.before, after = NULL
"""


@dataclass(frozen=True, slots=True)
class MergeCounts:
    """Counts of the rows that a merge inserted, updated and deleted, without books."""

    new_authors: int
    changed_authors: int
    removed_authors: int
    new_categories: int
    changed_categories: int
    removed_categories: int
    new_links: int
    removed_links: int


NO_CHANGES = MergeCounts(0, 0, 0, 0, 0, 0, 0, 0)


async def merge(
    connection: asyncpg.Connection, source: str, rules: UpdateRules, number: int, *, into_rebuilt: bool
) -> MergeCounts:
    """Write all changes. Return the counts.

    `number` is that of the import, under which deleted authors and categories are recorded. With `into_rebuilt`, new authors, books and links go to the rebuilt tables.
    """
    changed_authors = await _execute_counted(connection, _UPDATE_AUTHORS)
    changed_categories = await _execute_counted(connection, _UPDATE_CATEGORIES)
    await _update_books(connection, rules)
    removed_links = await _execute_counted(connection, _DELETE_BOOK_AUTHORS) + await _execute_counted(
        connection, _DELETE_BOOK_CATEGORIES
    )
    await connection.execute(_DELETE_MISSING_BOOKS)
    new_categories = await _execute_counted(connection, _INSERT_CATEGORIES)
    removed_authors, removed_categories = await _prune(connection, number)
    if into_rebuilt:
        await copy_rows(connection, BOOK_TABLES)
    names = table_names(BOOK_TABLES if into_rebuilt else ())
    await connection.execute(_DEFER_SEARCH, "on")
    new_authors = await _execute_counted(connection, _INSERT_AUTHORS.format_map(names))
    await connection.execute(_INSERT_SERIES)
    await connection.execute(_INSERT_BOOKS.format_map(names), source)
    if into_rebuilt:
        await connection.execute(_DATE_ADDED_BOOKS)
    new_links = await _execute_counted(
        connection, _INSERT_BOOK_AUTHORS.format_map(names)
    ) + await _execute_counted(connection, _INSERT_BOOK_CATEGORIES.format_map(names))
    await connection.execute(_DEFER_SEARCH, "")
    await connection.execute(_REFRESH_SEARCH)
    return MergeCounts(
        new_authors=new_authors,
        changed_authors=changed_authors,
        removed_authors=removed_authors,
        new_categories=new_categories,
        changed_categories=changed_categories,
        removed_categories=removed_categories,
        new_links=new_links,
        removed_links=removed_links,
    )


_KEY_AND_STATE = ("coalesce(t.new_key, b.source_id)", "coalesce(t.is_published, b.is_published)")


async def _update_books(connection: asyncpg.Connection, rules: UpdateRules) -> None:
    if await connection.fetchval(_MOVES_ISBNS):
        await connection.execute(_RELEASE_ISBNS)
        await connection.execute(_FORGET_PLANS)
    await connection.execute(
        _UPDATE_BOOKS.format(
            columns=", ".join(filter(None, ("source_id", "is_published", rules.columns))),
            values=", ".join(filter(None, (*_KEY_AND_STATE, rules.values))),
        )
    )
    if await connection.fetchval(_HAS_RELINKED_BOOKS):
        await connection.execute(_FORGET_PLANS)
        await connection.execute(_MOVE_VERSIONS)
    if await connection.fetchval(_HAS_UNPUBLISHED_BOOKS):
        await connection.execute(_FORGET_PLANS)
        await connection.execute(_UNPUBLISH_BOOKS)


async def _prune(connection: asyncpg.Connection, number: int) -> tuple[int, int]:
    """Delete authors and categories without links, and ancestors that became empty, and record them.

    Return the number of deleted authors and categories.
    """
    authors = await _execute_counted(connection, _PRUNE_AUTHORS, number)
    categories = 0
    if await _execute_counted(connection, _EMPTIED_CATEGORIES):
        for (depth,) in await connection.fetch(_EMPTIED_DEPTHS):
            categories += await _execute_counted(connection, _PRUNE_CATEGORIES, depth, number)
    return authors, categories


async def _execute_counted(connection: asyncpg.Connection, statement: str, *arguments: object) -> int:
    """Execute a statement. Return the number of rows written."""
    return int((await connection.execute(statement, *arguments)).rpartition(" ")[2])
