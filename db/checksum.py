"""Checksums of the catalog's content, independent of ids, insertion order and physical layout.

Each book, author and category is one line: a JSON array of its fields. It refers to other rows by their keys,
never by their ids. PostgreSQL digests the lines in buckets, by the first two bytes of each line's digest, so
that no value grows with the catalog.
"""

from collections.abc import Sequence

from db.book_columns import BOOK_COLUMNS
from db.database import Database
from db.spellings import CATEGORY_NAMES_SQL
from db.statements import ReadStatement

# trim_scale(): equal decimals are the same content, even with a different number of trailing zeros.
_BOOK_COLUMNS_SQL = ", ".join(
    f"trim_scale(b.{column.name})" if column.sql_type == "numeric" else f"b.{column.name}"
    for column in BOOK_COLUMNS
)

_CONTENT_LINES_SQL = """
SELECT json_build_array(
    'book', b.source, b.source_id, {book_columns}, people.entries, shelves.paths, b.is_published
)::text AS line
FROM book b
LEFT JOIN (
    SELECT link.book_id, json_agg(
        CASE WHEN s.name <> a.name
             THEN json_build_array(link.position, link.role, a.source, a.source_id, s.name, s.sort_name)
             ELSE json_build_array(link.position, link.role, a.source, a.source_id) END
        ORDER BY link.position, link.role, a.source COLLATE "C", a.source_id COLLATE "C"
    ) AS entries
    FROM book_author link
    LEFT JOIN author a ON a.id = link.author_id
    LEFT JOIN author_spelling s ON s.author_id = link.author_id AND s.number = coalesce(link.spelling, 0)
    WHERE {links} GROUP BY link.book_id
) people ON people.book_id = b.id
LEFT JOIN (
    SELECT link.book_id, json_agg(
        CASE WHEN coalesce(s.names, written.base) <> written.shown
             THEN json_build_array(k.path, coalesce(s.names, written.base)) ELSE to_json(k.path) END
        ORDER BY k.path
    ) AS paths
    FROM book_category link
    LEFT JOIN category k ON k.id = link.category_id
    LEFT JOIN ({category_names}) written ON written.category_id = link.category_id
    LEFT JOIN category_spelling s
        ON s.category_id = link.category_id AND s.number = coalesce(link.spelling, 0)
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

_DIGEST_SQL = """
SELECT encode(sha256(coalesce(string_agg(bucket, '' ORDER BY prefix), '')), 'hex') AS checksum
FROM (
    SELECT substr(digest, 1, 2) AS prefix, sha256(string_agg(digest, '' ORDER BY digest)) AS bucket
    FROM (SELECT sha256(convert_to(line, 'UTF8')) AS digest FROM lines) digests
    GROUP BY prefix
) buckets
"""

_ALL_LINES_SQL = _CONTENT_LINES_SQL.format(
    book_columns=_BOOK_COLUMNS_SQL,
    category_names=CATEGORY_NAMES_SQL,
    links="true",
    books="true",
    authors="true",
    categories="true",
)

_CONTENT_CHECKSUM = ReadStatement(
    "content_checksum",
    f"""
WITH lines AS ({_ALL_LINES_SQL})
{_DIGEST_SQL}
""",
)


async def content_checksum(database: Database) -> str:
    """Return the SHA-256 of the whole content, in hexadecimal.

    The content is:

    - every field of every book, its authors in order with position and role, the paths of its categories, and
      whether it is published
    - the spelling in which a book writes an author or category, if it is not the shown one
    - every author
    - the path and name of every category

    Derived data (listings, counters, keys) and views are not content. Books refer to authors by
    (source, source id) and to categories by path. If an audit finds duplicates of these keys, the
    checksum may confuse them.
    """
    return (await database.fetch(_CONTENT_CHECKSUM))[0]["checksum"]


_SELECTED_LINES_SQL = _CONTENT_LINES_SQL.format(
    book_columns=_BOOK_COLUMNS_SQL,
    category_names=CATEGORY_NAMES_SQL,
    links="link.book_id IN (SELECT id FROM chosen)",
    books="b.id IN (SELECT id FROM chosen)",
    authors="a.id IN (SELECT author_id FROM book_author WHERE book_id IN (SELECT id FROM chosen))",
    categories="""k.id IN (
    SELECT unnest(leaf.lineage) FROM category leaf JOIN book_category bc ON bc.category_id = leaf.id
    WHERE bc.book_id IN (SELECT id FROM chosen)
)""",
)

_BOOKS_CHECKSUM = ReadStatement(
    "books_checksum",
    f"""
WITH chosen AS (SELECT id FROM book WHERE source = $1::text AND source_id = ANY ($2::text[])),
lines AS ({_SELECTED_LINES_SQL})
{_DIGEST_SQL}
""",
)


async def books_checksum(database: Database, *, source: str, source_ids: Sequence[str]) -> str:
    """Return the same checksum of some books, with their authors, categories and ancestors of categories.

    An unknown book adds nothing.
    """
    return (await database.fetch(_BOOKS_CHECKSUM, source, source_ids))[0]["checksum"]
