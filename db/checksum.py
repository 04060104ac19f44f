"""A digest of what the catalog says, whatever its identity numbers, insertion order and physical layout.

Each book, author and category is one line: a JSON array of its fields, in which other things are named
by their keys, never by their ids. The lines are digested on the server, bucket by bucket of their own
digests' first two bytes, so that no value grows with the catalog.
"""

from collections.abc import Sequence

from db.database import Database

# Numbers that are equal are the same content, however many zeros they were written with.
LINES = """
SELECT json_build_array(
    'book', b.source, b.source_id, b.isbn, b.title, b.subtitle, b.description, b.language, b.published_year,
    b.published_on, b.page_count, trim_scale(b.price), b.currency, b.stock, b.cover_url,
    b.rating_average, b.rating_count, people.entries, shelves.paths
)::text AS line
FROM book b
LEFT JOIN (
    SELECT link.book_id, json_agg(
        json_build_array(link.position, link.role, a.source, a.source_id)
        ORDER BY link.position, link.role, a.source COLLATE "C", a.source_id COLLATE "C"
    ) AS entries
    FROM book_author link LEFT JOIN author a ON a.id = link.author_id
    WHERE {links} GROUP BY link.book_id
) people ON people.book_id = b.id
LEFT JOIN (
    SELECT link.book_id, json_agg(k.path ORDER BY k.path) AS paths
    FROM book_category link LEFT JOIN category k ON k.id = link.category_id
    WHERE {links} GROUP BY link.book_id
) shelves ON shelves.book_id = b.id
WHERE {books}
UNION ALL
SELECT json_build_array(
    'author', a.source, a.source_id, a.name, a.sort_name, a.birth_year, a.death_year
)::text
FROM author a
WHERE {authors}
UNION ALL
SELECT json_build_array('category', k.path, k.name)::text
FROM category k
WHERE {categories}
"""

DIGEST = """
SELECT encode(sha256(coalesce(string_agg(bucket, '' ORDER BY prefix), '')), 'hex') AS checksum
FROM (
    SELECT substr(digest, 1, 2) AS prefix, sha256(string_agg(digest, '' ORDER BY digest)) AS bucket
    FROM (SELECT sha256(convert_to(line, 'UTF8')) AS digest FROM lines) digests
    GROUP BY prefix
) buckets
"""

EVERYTHING = LINES.format(links="true", books="true", authors="true", categories="true")

CONTENT_CHECKSUM = f"""
/* content_checksum */
WITH lines AS ({EVERYTHING})
{DIGEST}
"""


async def content_checksum(database: Database) -> str:
    """The SHA-256 of the whole content, in hexadecimal.

    Every field of every book, its authors in order with position and role, the paths of its categories;
    every author; every category's path and name. What is derived (listings, counters, keys) and views
    are not content. Books tell authors by (source, source id) and categories by path: where an audit
    finds those twice, the digest may take one for the other.
    """
    return (await database.fetch(CONTENT_CHECKSUM))[0]["checksum"]


REACHABLE = LINES.format(
    links="link.book_id IN (SELECT id FROM chosen)",
    books="b.id IN (SELECT id FROM chosen)",
    authors="a.id IN (SELECT author_id FROM book_author WHERE book_id IN (SELECT id FROM chosen))",
    categories="""k.id IN (
    SELECT unnest(leaf.lineage) FROM category leaf JOIN book_category bc ON bc.category_id = leaf.id
    WHERE bc.book_id IN (SELECT id FROM chosen)
)""",
)

BOOKS_CHECKSUM = f"""
/* books_checksum */
WITH chosen AS (SELECT id FROM book WHERE source = $1::text AND source_id = ANY ($2::text[])),
lines AS ({REACHABLE})
{DIGEST}
"""


async def books_checksum(database: Database, *, source: str, source_ids: Sequence[str]) -> str:
    """The same of these books alone, their authors, their categories and the ancestors of those.

    A book that is not there adds nothing.
    """
    return (await database.fetch(BOOKS_CHECKSUM, source, source_ids))[0]["checksum"]
