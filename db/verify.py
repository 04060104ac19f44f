"""The audit of a catalog: what constraints and triggers promise, read again from the rows themselves.

A check is one statement, which answers the first five wrong rows as text, each with the number of all.
Constraints may be dropped or not valid and triggers disabled: no check leans on them. Links and parents are
taken for the truth that listings and counters have to follow.
"""

from dataclasses import dataclass

import asyncpg

from db import verify_documents as documents
from db.errors import DatabaseError
from db.migrations import require_head
from db.pool import UNREACHABLE, Database


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found: how many are `wrong`, and the first five as text. 0 and none where all is well."""

    name: str
    meaning: str
    wrong: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """What is wrong with the rows that the statement answers: `example`, and `wrong` for their number."""

    meaning: str
    sql: str

    @property
    def name(self) -> str:
        """The name in the statement's comment."""
        return self.sql.split(maxsplit=2)[1]


async def audit(database: Database) -> list[Finding]:
    """One finding for each check, in the order of CHECKS; over a pool, each of its own moment."""
    findings: list[Finding] = []
    for check in CHECKS:
        rows = await database.fetch(check.sql)
        examples = tuple(row["example"] for row in rows)
        findings.append(Finding(check.name, check.meaning, rows[0]["wrong"] if rows else 0, examples))
    return findings


# An index that has lost rows would hide what is wrong with them, so would a belief in constraints.
AUDIT_SETTINGS = """
/* audit_settings */
SELECT set_config(name, CASE name
    WHEN 'work_mem' THEN '64MB' WHEN 'statement_timeout' THEN '0' WHEN 'lock_timeout' THEN '0'
    WHEN 'transaction_timeout' THEN '0' ELSE 'off' END, true)
FROM pg_settings
WHERE name IN ('enable_indexscan', 'enable_indexonlyscan', 'enable_bitmapscan', 'constraint_exclusion', 'jit',
               'work_mem', 'statement_timeout', 'lock_timeout', 'transaction_timeout')
"""


async def audited(dsn: str) -> list[Finding]:
    """The audit of the database at `dsn`, of one moment, reading tables and never indexes.

    Raises DatabaseError when the database is away, not migrated, or fails on the way.
    """
    try:
        connection = await asyncpg.connect(dsn, server_settings={"application_name": "bookstore verify"})
    except UNREACHABLE as error:
        raise DatabaseError(f"PostgreSQL cannot be reached: {error}") from error
    try:
        await require_head(connection)
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await connection.execute(AUDIT_SETTINGS)
            return await audit(connection)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise DatabaseError(f"The database failed during the audit: {error}") from error
    finally:
        connection.terminate() if connection.is_in_transaction() else await connection.close(timeout=10)


ORPHANS = """
/* {name} */
SELECT format('book %s, {owner} %s', l.book_id, l.{owner}_id) AS example, count(*) OVER () AS wrong
FROM {table} l LEFT JOIN book b ON b.id = l.book_id LEFT JOIN {owner} o ON o.id = l.{owner}_id
WHERE b.id IS NULL OR o.id IS NULL
ORDER BY l.book_id, l.{owner}_id LIMIT 5
"""

ORPHAN_BOOK_AUTHORS = ORPHANS.format(name="orphan_book_authors", table="book_author", owner="author")
ORPHAN_BOOK_CATEGORIES = ORPHANS.format(
    name="orphan_book_categories", table="book_category", owner="category"
)
ORPHAN_AUTHOR_LISTINGS = ORPHANS.format(name="orphan_author_listings", table="author_listing", owner="author")
ORPHAN_CATEGORY_LISTINGS = ORPHANS.format(
    name="orphan_category_listings", table="category_listing", owner="category"
)

ORPHAN_BOOK_VIEWS = """
/* orphan_book_views */
SELECT format('book %s on %s', v.book_id, v.viewed_on) AS example, count(*) OVER () AS wrong
FROM book_view v LEFT JOIN book b ON b.id = v.book_id
WHERE b.id IS NULL
ORDER BY v.book_id, v.viewed_on LIMIT 5
"""

ORPHAN_CATEGORIES = """
/* orphan_categories */
SELECT format('category %s (%s), parent %s', k.id, k.name, k.parent_id) AS example,
       count(*) OVER () AS wrong
FROM category k LEFT JOIN category parent ON parent.id = k.parent_id
WHERE k.parent_id IS NOT NULL AND parent.id IS NULL
ORDER BY k.id LIMIT 5
"""

DUPLICATES = """
/* {name} */
SELECT format('%s: %s', concat_ws('/', {key}), array_to_string((array_agg(id ORDER BY id))[:5], ', '))
           AS example, count(*) OVER () AS wrong
FROM {table}
WHERE {among}
GROUP BY {key} HAVING count(*) > 1
ORDER BY min(id), {key} LIMIT 5
"""


def duplicates(name: str, table: str, key: str, among: str = "true") -> str:
    """The statement that finds keys held by several rows, with the first of their ids."""
    return DUPLICATES.format(name=name, table=table, key=key, among=among)


DUPLICATE_BOOK_IDS = duplicates("duplicate_book_ids", "book", "id")
DUPLICATE_AUTHOR_IDS = duplicates("duplicate_author_ids", "author", "id")
DUPLICATE_CATEGORY_IDS = duplicates("duplicate_category_ids", "category", "id")
DUPLICATE_BOOK_SOURCES = duplicates("duplicate_book_sources", "book", "source, source_id")
DUPLICATE_ISBNS = duplicates("duplicate_isbns", "book", "isbn", "isbn IS NOT NULL")
DUPLICATE_AUTHOR_SOURCES = duplicates("duplicate_author_sources", "author", "source, source_id")
DUPLICATE_AUTHOR_NAMES = duplicates(
    "duplicate_author_names", "author", "left(slug(name), 200)", "source = 'name'"
)
DUPLICATE_AUTHOR_SLUGS = duplicates("duplicate_author_slugs", "author", "slug")
DUPLICATE_CATEGORY_PATHS = duplicates("duplicate_category_paths", "category", "path")

DUPLICATE_BOOK_CATEGORIES = """
/* duplicate_book_categories */
SELECT format('book %s, category %s', book_id, category_id) AS example, count(*) OVER () AS wrong
FROM book_category
GROUP BY book_id, category_id HAVING count(*) > 1
ORDER BY book_id, category_id LIMIT 5
"""

REPEATED_AUTHORS = """
/* repeated_authors */
SELECT format('book %s: author %s as %s', book_id, author_id, role) AS example, count(*) OVER () AS wrong
FROM book_author
GROUP BY book_id, author_id, role HAVING count(*) > 1
ORDER BY book_id, author_id, role LIMIT 5
"""

AUTHOR_POSITIONS = """
/* author_positions */
SELECT format('book %s: %s', book_id, array_to_string((array_agg(position ORDER BY position))[:9], ', '))
           AS example, count(*) OVER () AS wrong
FROM book_author
GROUP BY book_id
HAVING min(position) <> 1 OR max(position) <> count(*) OR count(DISTINCT position) <> count(*)
ORDER BY book_id LIMIT 5
"""

AUTHOR_ROLES = """
/* author_roles */
SELECT format('book %s, author %s: %s', book_id, author_id, role) AS example, count(*) OVER () AS wrong
FROM book_author
WHERE role NOT IN ('AUTHOR', 'EDITOR', 'TRANSLATOR', 'ILLUSTRATOR', 'INTRODUCTION', 'NARRATOR', 'CONTRIBUTOR')
ORDER BY book_id, position, author_id LIMIT 5
"""

INVALID_ISBNS = """
/* invalid_isbns */
SELECT format('book %s: %s', id, isbn) AS example, count(*) OVER () AS wrong
FROM book
WHERE NOT is_isbn13(isbn)
ORDER BY id LIMIT 5
"""

FAULTY = """
/* {name} */
SELECT format('{table} %s: %s', id, faults) AS example, count(*) OVER () AS wrong
FROM {table} CROSS JOIN LATERAL concat_ws(', ', {faults}) AS faults
WHERE faults <> ''
ORDER BY id LIMIT 5
"""


def faulty(name: str, table: str, /, **faults: str) -> str:
    """The statement that finds rows with a fault, by the condition of each fault, and says which."""
    named = ", ".join(f"CASE WHEN {condition} THEN '{fault}' END" for fault, condition in faults.items())
    return FAULTY.format(name=name, table=table, faults=named)


BOOK_PRICES = faulty(
    "book_prices",
    "book",
    price="price < 0 OR price >= 10000000000 OR scale(price) > 4",
    currency="(price IS NULL) <> (currency IS NULL) OR currency !~ '^[A-Z]{3}$'",
)
BOOK_FIELDS = faulty(
    "book_fields",
    "book",
    title="title !~ '\\S' OR length(title) > 2000",
    source="source !~ '\\S' OR source_id !~ '\\S'",
    language="language !~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$'",
    published_year="published_year NOT BETWEEN -9999 AND 9999",
    published_on="published_on IS NOT NULL AND (published_on < DATE '0001-01-01'"
    " OR extract(year FROM published_on) IS DISTINCT FROM published_year)",
    page_count="page_count <= 0",
    stock="stock < 0",
    rating_average="rating_average NOT BETWEEN 0 AND 5",
    rating_count="rating_count < 0 OR (rating_average IS NULL) <> (rating_count = 0)",
)
AUTHOR_FIELDS = faulty(
    "author_fields",
    "author",
    name="name !~ '\\S' OR length(name) > 500",
    sort_name="sort_name !~ '\\S' OR length(sort_name) > 500",
    source="source !~ '\\S'",
    source_id="source_id !~ '\\S' OR source = 'name' AND source_id <> left(slug(name), 200)",
    death_year="birth_year > death_year",
)
CATEGORY_FIELDS = faulty(
    "category_fields",
    "category",
    name="name !~ '\\S' OR length(name) > 500",
    path="octet_length(path) > 2000",
    lineage="cardinality(lineage) > 32",
)

BOOK_KEYS = faulty(
    "book_keys",
    "book",
    title_key="title_key IS DISTINCT FROM title_sort_key(title, language)",
    published_key="published_key IS DISTINCT FROM published_year * 10000 + coalesce("
    "extract(month FROM published_on)::integer * 100 + extract(day FROM published_on)::integer, 0)",
)
AUTHOR_KEYS = faulty(
    "author_keys",
    "author",
    sort_key="sort_key IS DISTINCT FROM left(fold(sort_name), 80)",
    slug="slug IS DISTINCT FROM CASE source WHEN 'name' THEN source_id"
    " ELSE left(slug(name), 200) || '-' || slug(source) || '-' || slug(source_id) END",
)
CATEGORY_KEYS = faulty("category_keys", "category", sort_key="sort_key IS DISTINCT FROM left(fold(name), 80)")

# A category whose parent is missing counts as a top here: it is wrong as an orphan already.
CATEGORY_CYCLES = """
/* category_cycles */
WITH RECURSIVE reached AS (
    SELECT k.id FROM category k LEFT JOIN category parent ON parent.id = k.parent_id WHERE parent.id IS NULL
    UNION
    SELECT k.id FROM reached JOIN category k ON k.parent_id = reached.id
)
SELECT format('category %s (%s)', k.id, k.name) AS example, count(*) OVER () AS wrong
FROM category k LEFT JOIN reached ON reached.id = k.id
WHERE reached.id IS NULL
ORDER BY k.id LIMIT 5
"""

CATEGORY_PLACES = """
/* {name} */
SELECT format('category %s (%s): %s', k.id, k.name, k.{column}) AS example, count(*) OVER () AS wrong
FROM category k LEFT JOIN category parent ON parent.id = k.parent_id
WHERE (k.parent_id IS NULL OR parent.id IS NOT NULL) AND k.{column} IS DISTINCT FROM {due}
ORDER BY k.id LIMIT 5
"""

CATEGORY_LINEAGES = CATEGORY_PLACES.format(
    name="category_lineages", column="lineage", due="coalesce(parent.lineage, ARRAY[]::bigint[]) || k.id"
)
CATEGORY_PATHS = CATEGORY_PLACES.format(
    name="category_paths", column="path", due="coalesce(parent.path || '/', '') || slug(k.name)"
)

AUTHOR_LINKS = """(
    SELECT DISTINCT l.author_id, l.book_id, true AS direct FROM book_author l
)"""

CATEGORY_LINKS = """(
    SELECT up.category_id, l.book_id, bool_or(up.category_id = l.category_id) AS direct
    FROM book_category l
    JOIN category k ON k.id = l.category_id
    CROSS JOIN unnest(k.lineage) AS up (category_id)
    GROUP BY up.category_id, l.book_id
)"""

# The second of two equal listings finds no link left, and so is surplus.
LISTINGS = """
/* {owner}_listings */
SELECT format('{owner} %s, book %s: %s', {owner}_id, book_id, fault) AS example, count(*) OVER () AS wrong
FROM (
    SELECT l.{owner}_id, l.book_id, 1::bigint AS copy, l.direct,
           ROW (b.published_key, b.price, b.rating_average, b.title_key, b.rating_count, b.language,
                b.currency) AS keys
    FROM {links} l JOIN book b ON b.id = l.book_id
) link
FULL JOIN (
    SELECT {owner}_id, book_id, row_number() OVER (PARTITION BY book_id, {owner}_id) AS copy,
           {direct} AS direct,
           ROW (published_key, price, rating_average, title_key, rating_count, language, currency) AS keys
    FROM {owner}_listing
) listing USING ({owner}_id, book_id, copy)
CROSS JOIN LATERAL (SELECT CASE
    WHEN listing.direct IS NULL THEN 'missing'
    WHEN link.direct IS NULL THEN 'surplus'
    WHEN link.direct <> listing.direct THEN 'direct'
    WHEN link.keys IS DISTINCT FROM listing.keys THEN 'sort keys'
END AS fault) comparison
WHERE fault IS NOT NULL
ORDER BY {owner}_id, book_id, fault LIMIT 5
"""

AUTHOR_LISTINGS = LISTINGS.format(owner="author", links=AUTHOR_LINKS, direct="true")
CATEGORY_LISTINGS = LISTINGS.format(owner="category", links=CATEGORY_LINKS, direct="direct")

AUTHOR_COUNTS = f"""
/* author_counts */
SELECT format('author %s: %s instead of %s', a.id, a.book_count, coalesce(c.books, 0)) AS example,
       count(*) OVER () AS wrong
FROM author a
LEFT JOIN (
    SELECT l.author_id, count(*) AS books
    FROM {AUTHOR_LINKS} l JOIN book b ON b.id = l.book_id
    GROUP BY l.author_id
) c ON c.author_id = a.id
WHERE a.book_count <> coalesce(c.books, 0)
ORDER BY a.id LIMIT 5
"""

CATEGORY_COUNTS = f"""
/* category_counts */
SELECT format('category %s: %s instead of %s, directly %s instead of %s', k.id, k.book_count,
              coalesce(c.books, 0), k.direct_book_count, coalesce(c.direct_books, 0)) AS example,
       count(*) OVER () AS wrong
FROM category k
LEFT JOIN (
    SELECT l.category_id, count(*) AS books, count(*) FILTER (WHERE l.direct) AS direct_books
    FROM {CATEGORY_LINKS} l JOIN book b ON b.id = l.book_id
    GROUP BY l.category_id
) c ON c.category_id = k.id
WHERE (k.book_count, k.direct_book_count) <> (coalesce(c.books, 0), coalesce(c.direct_books, 0))
ORDER BY k.id LIMIT 5
"""

CATALOG_SIZES = """
/* catalog_sizes */
SELECT format('%s: %s instead of %s', kind, coalesce(counted::text, 'none'), held) AS example,
       count(*) OVER () AS wrong
FROM (VALUES (1, 'books', (SELECT count(*) FROM book)), (2, 'authors', (SELECT count(*) FROM author)),
             (3, 'categories', (SELECT count(*) FROM category))) AS sizes (rank, kind, held)
LEFT JOIN catalog_size ON true
CROSS JOIN LATERAL (SELECT (ARRAY[books, authors, categories])[rank] AS counted) counter
WHERE counted IS DISTINCT FROM held
ORDER BY rank, counted LIMIT 5
"""

CHECKS = (
    Check("Authors of a book where one of both is missing", ORPHAN_BOOK_AUTHORS),
    Check("Categories of a book where one of both is missing", ORPHAN_BOOK_CATEGORIES),
    Check("Listings by author where author or book is missing", ORPHAN_AUTHOR_LISTINGS),
    Check("Listings by category where category or book is missing", ORPHAN_CATEGORY_LISTINGS),
    Check("Views of a missing book", ORPHAN_BOOK_VIEWS),
    Check("Categories whose parent is missing", ORPHAN_CATEGORIES),
    Check("Ids of several books", DUPLICATE_BOOK_IDS),
    Check("Ids of several authors", DUPLICATE_AUTHOR_IDS),
    Check("Ids of several categories", DUPLICATE_CATEGORY_IDS),
    Check("Source ids of several books", DUPLICATE_BOOK_SOURCES),
    Check("ISBNs of several books", DUPLICATE_ISBNS),
    Check("Source ids of several authors", DUPLICATE_AUTHOR_SOURCES),
    Check("Names of several authors who are known by name alone", DUPLICATE_AUTHOR_NAMES),
    Check("Slugs of several authors", DUPLICATE_AUTHOR_SLUGS),
    Check("Paths of several categories", DUPLICATE_CATEGORY_PATHS),
    Check("Books more than once in a category", DUPLICATE_BOOK_CATEGORIES),
    Check("Authors more than once in one role of a book", REPEATED_AUTHORS),
    Check("Books whose authors' positions do not run from 1 without a gap", AUTHOR_POSITIONS),
    Check("Authors of a book in a role that there is not", AUTHOR_ROLES),
    Check("Books whose ISBN is no ISBN-13 or has a wrong check digit", INVALID_ISBNS),
    Check("Books whose price is negative or out of range, or lacks its currency", BOOK_PRICES),
    Check("Books with fields that cannot be", BOOK_FIELDS),
    Check("Authors with fields that cannot be", AUTHOR_FIELDS),
    Check("Categories with fields that cannot be", CATEGORY_FIELDS),
    Check("Categories in or under a cycle, which no top category leads to", CATEGORY_CYCLES),
    Check("Categories whose lineage is not their parent's and themselves", CATEGORY_LINEAGES),
    Check("Categories whose path is not their parent's and their name", CATEGORY_PATHS),
    Check("Listings by author that disagree with the books' authors", AUTHOR_LISTINGS),
    Check("Listings by category that disagree with the books' categories", CATEGORY_LISTINGS),
    Check("Authors whose number of books is wrong", AUTHOR_COUNTS),
    Check("Categories whose number of books is wrong", CATEGORY_COUNTS),
    Check("Sizes of the catalog that are wrong", CATALOG_SIZES),
    Check("Books whose sort keys disagree with their fields", BOOK_KEYS),
    Check("Authors whose sort key or slug disagrees with their fields", AUTHOR_KEYS),
    Check("Categories whose sort key disagrees with their name", CATEGORY_KEYS),
    Check("Books whose search document is not made of their words", documents.DOCUMENTS),
    Check("Words of titles and authors that misspelt ones are not compared with", documents.WORDS),
)
"""Every check, in the order in which an audit reports them."""
