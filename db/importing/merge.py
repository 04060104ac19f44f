"""Write a resolved delivery into the catalog, set by set.

Every statement touches only rows that come out different, so that a delivery that brings nothing new
writes nothing.
"""

from dataclasses import dataclass

import asyncpg

from db.importing.bulk import BOOKS, copy_rows, rebuilt

LOCK_TABLES = """
/* lock_catalog_for_writing */
LOCK TABLE author, category, book, book_author, book_category, author_listing, category_listing,
           book_search
IN SHARE ROW EXCLUSIVE MODE
"""

# With the listings deferred nobody else counts the books of a new author.
INSERT_AUTHORS = """
/* insert_authors */
INSERT INTO author (id, source, source_id, name, sort_name, birth_year, death_year, book_count)
OVERRIDING SYSTEM VALUE
SELECT t.id, t.source, t.source_id, t.name, t.sort_name, t.birth_year, t.death_year,
       CASE WHEN listings_deferred() THEN coalesce(b.books, 0) ELSE 0 END
FROM target_author t
LEFT JOIN (
    SELECT author_id, count(DISTINCT book_id) AS books FROM target_book_author
    WHERE listings_deferred() GROUP BY author_id
) b ON b.author_id = t.id
WHERE t.is_new
ORDER BY t.id
"""

UPDATE_AUTHORS = """
/* update_authors */
UPDATE author a
SET name = t.name, sort_name = t.sort_name, birth_year = t.birth_year, death_year = t.death_year
FROM target_author t
WHERE a.id = t.id AND NOT t.is_new
  AND (a.name, a.sort_name, a.birth_year, a.death_year)
      IS DISTINCT FROM (t.name, t.sort_name, t.birth_year, t.death_year)
"""

INSERT_CATEGORIES = """
/* insert_categories */
INSERT INTO category (id, parent_id, name)
OVERRIDING SYSTEM VALUE
SELECT id, parent_id, name FROM target_category WHERE is_new ORDER BY depth, id
"""

UPDATE_CATEGORIES = """
/* update_categories */
UPDATE category c SET name = t.name
FROM target_category t
WHERE c.id = t.id AND NOT t.is_new AND c.name <> t.name
"""

# Within a source its newest delivery has the say: an ISBN that it gives to another book is first taken from
# the one that had it, which may get another one from UPDATE_BOOKS or keep none.
RELEASE_ISBNS = """
/* release_isbns */
WITH released AS (
    UPDATE book b SET isbn = NULL
    FROM stage_book s
    WHERE s.isbn = b.isbn AND s.source_id <> b.source_id AND b.source = $1::text
    RETURNING b.id
)
SELECT count(*) FROM released r WHERE NOT EXISTS (SELECT FROM target_book t WHERE t.id = r.id)
"""

UPDATE_BOOKS = """
/* update_books */
UPDATE book b
SET isbn = s.isbn, title = s.title, subtitle = s.subtitle, description = s.description,
    language = s.language, published_year = s.published_year, published_on = s.published_on,
    page_count = s.page_count, price = s.price, currency = s.currency, stock = s.stock,
    cover_url = s.cover_url, rating_average = s.rating_average, rating_count = s.rating_count
FROM target_book t JOIN stage_book s ON s.ordinal = t.ordinal
WHERE t.differs AND b.id = t.id
"""

DELETE_BOOK_AUTHORS = """
/* delete_book_authors */
DELETE FROM book_author ba USING gone_book_author g
WHERE ba.book_id = g.book_id AND ba.position = g.position
"""

DELETE_BOOK_CATEGORIES = """
/* delete_book_categories */
DELETE FROM book_category bc USING gone_book_category g
WHERE bc.book_id = g.book_id AND bc.category_id = g.category_id
"""

INSERT_BOOKS = """
/* insert_books */
INSERT INTO book (
    id, source, source_id, isbn, title, subtitle, description, language, published_year, published_on,
    page_count, price, currency, stock, cover_url, rating_average, rating_count
)
OVERRIDING SYSTEM VALUE
SELECT t.id, $1::text, s.source_id, s.isbn, s.title, s.subtitle, s.description, s.language, s.published_year,
       s.published_on, s.page_count, s.price, s.currency, s.stock, s.cover_url, s.rating_average, s.rating_count
FROM target_book t JOIN stage_book s ON s.ordinal = t.ordinal
WHERE t.is_new
ORDER BY t.ordinal
"""

INSERT_BOOK_AUTHORS = """
/* insert_book_authors */
INSERT INTO book_author (book_id, position, author_id, role)
SELECT book_id, position, author_id, role FROM target_book_author ORDER BY book_id, position
"""

INSERT_BOOK_CATEGORIES = """
/* insert_book_categories */
INSERT INTO book_category (book_id, category_id)
SELECT book_id, category_id FROM target_book_category ORDER BY book_id, category_id
"""

PRUNE_AUTHORS = """
/* prune_authors */
DELETE FROM author a
WHERE a.id IN (SELECT author_id FROM gone_book_author)
  AND NOT EXISTS (SELECT FROM book_author ba WHERE ba.author_id = a.id)
  AND NOT EXISTS (SELECT FROM target_book_author t WHERE t.author_id = a.id)
"""

LEFT_CATEGORIES = """
/* left_categories */
CREATE TEMPORARY TABLE left_category ON COMMIT DROP AS
SELECT c.id, cardinality(c.lineage) AS depth
FROM category c
WHERE c.id IN (
    SELECT unnest(k.lineage) FROM category k WHERE k.id IN (SELECT category_id FROM gone_book_category)
)
"""

LEFT_DEPTHS = """
/* left_depths */
SELECT DISTINCT depth FROM left_category ORDER BY depth DESC
"""

PRUNE_CATEGORIES = """
/* prune_categories */
DELETE FROM category c USING left_category l
WHERE c.id = l.id AND l.depth = $1::integer
  AND NOT EXISTS (SELECT FROM category k WHERE k.parent_id = c.id)
  AND NOT EXISTS (SELECT FROM book_category bc WHERE bc.category_id = c.id)
  AND NOT EXISTS (SELECT FROM target_book_category t WHERE t.category_id = c.id)
"""


@dataclass(frozen=True, slots=True)
class Written:
    """How many rows of each kind a merge inserted, updated and deleted, the books aside."""

    new_authors: int
    changed_authors: int
    removed_authors: int
    new_categories: int
    changed_categories: int
    removed_categories: int
    new_links: int
    removed_links: int
    released_isbns: int


NOTHING = Written(0, 0, 0, 0, 0, 0, 0, 0, 0)


async def merge(connection: asyncpg.Connection, source: str, *, into_rebuilt: bool) -> Written:
    """Write everything; new authors, books and links go to the rebuilt tables when there are such."""
    changed_authors = await rows(connection, UPDATE_AUTHORS)
    changed_categories = await rows(connection, UPDATE_CATEGORIES)
    released_isbns: int = await connection.fetchval(RELEASE_ISBNS, source)
    await connection.execute(UPDATE_BOOKS)
    removed_links = await rows(connection, DELETE_BOOK_AUTHORS) + await rows(
        connection, DELETE_BOOK_CATEGORIES
    )
    new_categories = await rows(connection, INSERT_CATEGORIES)
    removed_authors, removed_categories = await prune(connection)
    if into_rebuilt:
        await copy_rows(connection, BOOKS)
    into = rebuilt if into_rebuilt else str
    new_authors = await rows(connection, into(INSERT_AUTHORS))
    await connection.execute(into(INSERT_BOOKS), source)
    new_links = await rows(connection, into(INSERT_BOOK_AUTHORS)) + await rows(
        connection, into(INSERT_BOOK_CATEGORIES)
    )
    return Written(
        new_authors=new_authors,
        changed_authors=changed_authors,
        removed_authors=removed_authors,
        new_categories=new_categories,
        changed_categories=changed_categories,
        removed_categories=removed_categories,
        new_links=new_links,
        removed_links=removed_links,
        released_isbns=released_isbns,
    )


async def prune(connection: asyncpg.Connection) -> tuple[int, int]:
    """Delete the authors and categories that lost their last link, and ancestors left empty by that."""
    authors = await rows(connection, PRUNE_AUTHORS)
    categories = 0
    if await rows(connection, LEFT_CATEGORIES):
        for (depth,) in await connection.fetch(LEFT_DEPTHS):
            categories += await rows(connection, PRUNE_CATEGORIES, depth)
    return authors, categories


async def rows(connection: asyncpg.Connection, statement: str, *arguments: object) -> int:
    """Run a statement; the number of rows that it wrote."""
    return int((await connection.execute(statement, *arguments)).rpartition(" ")[2])
