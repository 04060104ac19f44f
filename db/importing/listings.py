"""Fill the listings, search documents and counters of a bulk import from the published books and their links.

A listing is a table with one row per owner (author or category) and book, with denormalised sort keys.
Placeholders such as {book} stand for the tables that may be rebuilt.
"""

from collections.abc import Sequence

import asyncpg

from db.importing.table_rebuild import LISTING_TABLES, table_names

# Rows are inserted in the order of the author, not of the book. This halves the time of the index builds,
# because rows compared by their sorts are close together. Readers benefit from the same locality.
_FILL_AUTHOR_LISTING = """
/* fill_author_listing */
INSERT INTO {author_listing}
    (author_id, book_id, published_key, price, rating_average, title_key, rating_count, language, currency)
SELECT l.author_id, b.id, b.published_key, b.price, b.rating_average, b.title_key, b.rating_count, b.language,
       b.currency
FROM (SELECT DISTINCT author_id, book_id FROM {book_author}) l
JOIN {book} b ON b.id = l.book_id AND b.is_published
"""

_PREPARE_CATEGORY_LISTING = """
/* prepare_category_listing */
CREATE TEMPORARY TABLE descendant ON COMMIT DROP AS
SELECT up.category_id, k.id AS descendant_id
FROM category k CROSS JOIN unnest(k.lineage) AS up (category_id)
ORDER BY up.category_id;
CREATE TEMPORARY TABLE direct_link ON COMMIT DROP AS
SELECT category_id, book_id FROM {book_category} ORDER BY category_id, book_id;
CREATE INDEX ON descendant (category_id);
CREATE INDEX ON direct_link (category_id);
ANALYZE descendant, direct_link
"""

# Processes one category at a time, so each sort covers only the books of that category.
_FILL_CATEGORY_LISTING = """
/* fill_category_listing */
INSERT INTO {category_listing}
    (category_id, book_id, direct, published_key, price, rating_average, title_key, rating_count, language,
     currency)
SELECT l.category_id, b.id, l.direct, b.published_key, b.price, b.rating_average, b.title_key, b.rating_count,
       b.language, b.currency
FROM (
    SELECT c.id AS category_id, d.book_id, d.direct
    FROM (SELECT id FROM category ORDER BY id) c
    CROSS JOIN LATERAL (
        SELECT l.book_id, bool_or(l.category_id = c.id) AS direct
        FROM descendant u JOIN direct_link l ON l.category_id = u.descendant_id
        WHERE u.category_id = c.id
        GROUP BY l.book_id
    ) d
) l
JOIN {book} b ON b.id = l.book_id AND b.is_published
"""

# PostgreSQL uses parallel workers for CREATE TABLE AS, but not for INSERT, nor with an aggregate per book. So
# names are aggregated into a table first, and the other properties of the table are added later.
_FILL_SEARCH = (
    """
    /* fill_search_text */
    CREATE UNLOGGED TABLE search_text AS
    SELECT book_id, a.names, c.paths
    FROM (
        SELECT ba.book_id, string_agg(a.name, ' ' ORDER BY ba.position) AS names
        FROM {book_author} ba JOIN {author} a ON a.id = ba.author_id GROUP BY ba.book_id
    ) a
    FULL JOIN (
        SELECT bc.book_id, string_agg(k.path, ' ' ORDER BY k.path) AS paths
        FROM {book_category} bc JOIN category k ON k.id = bc.category_id GROUP BY bc.book_id
    ) c USING (book_id)
    """,
    "ANALYZE search_text",
    "DROP TABLE {book_search}",
    """
    /* fill_book_search */
    CREATE TABLE {book_search} AS
    SELECT b.id AS book_id, book_document(b.title, t.names, subtitle_and_series(b.subtitle, b.series), t.paths, b.description)
           || popularity(b.rating_count) AS document
    FROM {book} b LEFT JOIN search_text t ON t.book_id = b.id
    WHERE b.is_published
    """,
    "ALTER TABLE {book_search} ALTER COLUMN book_id SET NOT NULL, ALTER COLUMN document SET NOT NULL",
    "DROP TABLE search_text",
)

# PostgreSQL 18 and later name NOT NULL constraints. Restore the names of the old table.
_RENAME_NOT_NULL_CONSTRAINTS = """
/* names_of_not_null */
SELECT format('ALTER TABLE {book_search} RENAME CONSTRAINT %I TO %I', conname,
              replace(conname, '{book_search}', 'book_search'))
FROM pg_constraint
WHERE conrelid = '{book_search}'::regclass AND contype = 'n' ORDER BY conname
"""

_FILL_WORDS = """
/* fill_search_word */
INSERT INTO {search_word} (word, books, popular_books, documents)
SELECT word, books, popular_books, documents
FROM counted_words('{book_search}', (SELECT count(*) FROM {book_search}))
ORDER BY word
"""

_RECOUNT_AUTHORS = """
/* recount_authors */
UPDATE {author} a SET book_count = c.books, rating_count = c.ratings
FROM (
    SELECT k.id, coalesce(l.books, 0) AS books, coalesce(l.ratings, 0) AS ratings
    FROM {author} k
    LEFT JOIN (
        SELECT author_id, count(*) AS books, sum(rating_count) AS ratings
        FROM {author_listing} GROUP BY author_id
    ) l ON l.author_id = k.id
    WHERE (k.book_count, k.rating_count) <> (coalesce(l.books, 0), coalesce(l.ratings, 0))
) c
WHERE a.id = c.id
"""

_RECOUNT_CATEGORIES = """
/* recount_categories */
UPDATE category a
SET book_count = c.books, direct_book_count = c.direct_books, rating_count = c.ratings
FROM (
    SELECT k.id, coalesce(l.books, 0) AS books, coalesce(l.direct_books, 0) AS direct_books,
           coalesce(l.ratings, 0) AS ratings
    FROM category k
    LEFT JOIN (
        SELECT category_id, count(*) AS books, count(*) FILTER (WHERE direct) AS direct_books,
               sum(rating_count) AS ratings
        FROM {category_listing} GROUP BY category_id
    ) l ON l.category_id = k.id
    WHERE (k.book_count, k.direct_book_count, k.rating_count)
          <> (coalesce(l.books, 0), coalesce(l.direct_books, 0), coalesce(l.ratings, 0))
) c
WHERE a.id = c.id
"""

_RECOUNT_CATALOG = """
/* recount_catalog */
UPDATE catalog_size
SET books = (SELECT count(*) FROM {book} WHERE is_published), authors = (SELECT count(*) FROM {author}),
    categories = (SELECT count(*) FROM category)
"""

_FORGET_CODES = """
/* forget_codes */
DELETE FROM catalog_code
"""

_RECOUNT_CODES = """
/* recount_codes */
INSERT INTO catalog_code (kind, code, books)
SELECT k.kind, k.code, sum(b.books)
FROM (SELECT language, currency, count(*) AS books FROM {book} WHERE is_published GROUP BY language, currency) AS b
CROSS JOIN LATERAL (VALUES ('currency', b.currency), ('language', b.language)) AS k (kind, code)
WHERE k.code IS NOT NULL
GROUP BY k.kind, k.code
"""

_RENAME_SERIES = """
/* rename_series */
UPDATE series s SET name = c.name
FROM (
    SELECT DISTINCT ON (v.series_id) v.series_id, v.series AS name
    FROM (
        SELECT b.series_id, b.series, count(*) AS books FROM {book} b
        WHERE b.series_id IS NOT NULL GROUP BY b.series_id, b.series
    ) v
    ORDER BY v.series_id, v.books DESC, spelling_rank(v.series), v.series COLLATE "C"
) c
WHERE s.id = c.series_id AND s.name <> c.name
"""

# Otherwise the planner hashes the links or sorts the books, and the rows lose the order of the owner.
_SET_PLANNER_FLAGS = """
/* keep_order */
SELECT set_config(name, $1::text, true)
FROM unnest(ARRAY['enable_hashagg', 'enable_mergejoin', 'enable_memoize']) AS u (name)
"""


async def fill(connection: asyncpg.Connection, tables: Sequence[str]) -> None:
    """Fill the rebuilt listings and search documents from the published books and links, rebuilt or not."""
    names = table_names((*tables, *LISTING_TABLES))
    await connection.execute(_PREPARE_CATEGORY_LISTING.format_map(names))
    await connection.execute(_SET_PLANNER_FLAGS, "off")
    await connection.execute(_FILL_AUTHOR_LISTING.format_map(names))
    await connection.execute(_FILL_CATEGORY_LISTING.format_map(names))
    await connection.execute(_SET_PLANNER_FLAGS, "on")
    for statement in _FILL_SEARCH:
        await connection.execute(statement.format_map(names))
    for (statement,) in await connection.fetch(_RENAME_NOT_NULL_CONSTRAINTS.format_map(names)):
        await connection.execute(statement)
    await connection.execute(_FILL_WORDS.format_map(names))


async def recount(connection: asyncpg.Connection, tables: Sequence[str]) -> None:
    """Update the counters of authors, categories and the catalog, and the names of series.

    Rebuilt tables had no triggers.
    """
    names = table_names((*tables, *LISTING_TABLES))
    await connection.execute(_RECOUNT_AUTHORS.format_map(names))
    await connection.execute(_RECOUNT_CATEGORIES.format_map(names))
    await connection.execute(_RECOUNT_CATALOG.format_map(names))
    if "book" in tables:
        await connection.execute(_FORGET_CODES)
        await connection.execute(_RECOUNT_CODES.format_map(names))
        await connection.execute(_RENAME_SERIES.format_map(names))
