"""Authors, categories and series not shown as most books write them, and links whose spelling is missing."""

from db.spellings import CATEGORY_NAMES_SQL
from db.statements import ReadStatement

AUTHOR_SPELLINGS = ReadStatement(
    "author_spellings",
    """
SELECT format('author %s: %s instead of %s', a.id, a.name, c.name) AS example, count(*) OVER () AS wrong
FROM author a
JOIN (
    SELECT DISTINCT ON (v.author_id) v.author_id, v.name, v.sort_name
    FROM (
        SELECT s.author_id, s.name, s.sort_name, count(DISTINCT l.book_id) AS books
        FROM author_spelling s
        JOIN book_author l ON l.author_id = s.author_id AND coalesce(l.spelling, 0) = s.number
        GROUP BY s.author_id, s.name, s.sort_name
    ) v
    ORDER BY v.author_id, v.books DESC, spelling_rank(v.name), v.name COLLATE "C", v.sort_name COLLATE "C"
) c ON c.author_id = a.id
WHERE a.edited_at IS NULL AND (a.name, a.sort_name) <> (c.name, c.sort_name)
ORDER BY a.id LIMIT 5
""",
)

# Only a category of which some spelling differs from its name can be wrong.
CATEGORY_SPELLINGS = ReadStatement(
    "category_spellings",
    f"""
WITH path AS MATERIALIZED ({CATEGORY_NAMES_SQL}),
node AS MATERIALIZED (
    SELECT DISTINCT k.id, k.name, u.depth
    FROM category_spelling s
    JOIN category leaf ON leaf.id = s.category_id
    CROSS JOIN unnest(leaf.lineage) WITH ORDINALITY AS u (id, depth)
    JOIN category k ON k.id = u.id
    WHERE s.names[u.depth] <> k.name AND k.edited_at IS NULL
)
SELECT format('category %s: %s instead of %s', c.id, c.name, c.written) AS example, count(*) OVER () AS wrong
FROM (
    SELECT DISTINCT ON (v.id) v.id, v.name, v.written
    FROM (
        SELECT n.id, n.name, coalesce(s.names[n.depth], path.base[n.depth]) AS written,
               count(DISTINCT l.book_id) AS books
        FROM node n
        JOIN (SELECT id, unnest(lineage) AS node_id FROM category) below ON below.node_id = n.id
        JOIN path ON path.category_id = below.id
        JOIN book_category l ON l.category_id = below.id
        LEFT JOIN category_spelling s ON s.category_id = l.category_id AND s.number = coalesce(l.spelling, 0)
        GROUP BY 1, 2, 3
    ) v
    ORDER BY v.id, v.books DESC, spelling_rank(v.written), v.written COLLATE "C"
) c
WHERE c.name <> c.written
ORDER BY c.id LIMIT 5
""",
)

SERIES_SPELLINGS = ReadStatement(
    "series_spellings",
    """
SELECT format('series %s: %s instead of %s', s.id, s.name, c.name) AS example, count(*) OVER () AS wrong
FROM series s
JOIN (
    SELECT DISTINCT ON (v.series_id) v.series_id, v.series AS name
    FROM (
        SELECT b.series_id, b.series, count(*) AS books FROM book b
        WHERE b.series_id IS NOT NULL GROUP BY b.series_id, b.series
    ) v
    ORDER BY v.series_id, v.books DESC, spelling_rank(v.series), v.series COLLATE "C"
) c ON c.series_id = s.id
WHERE s.name <> c.name
ORDER BY s.id LIMIT 5
""",
)

_MISSING_SQL = """
SELECT format('book %s, {owner} %s: spelling %s', l.book_id, l.{owner}_id, l.spelling) AS example,
       count(*) OVER () AS wrong
FROM book_{owner} l
LEFT JOIN {owner}_spelling s ON s.{owner}_id = l.{owner}_id AND s.number = l.spelling
WHERE l.spelling IS NOT NULL AND s.number IS NULL
ORDER BY l.book_id, l.{owner}_id, l.spelling LIMIT 5
"""

BOOK_AUTHORS = ReadStatement("missing_author_spellings", _MISSING_SQL.format(owner="author"))
BOOK_CATEGORIES = ReadStatement("missing_category_spellings", _MISSING_SQL.format(owner="category"))
