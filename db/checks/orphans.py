"""Rows that refer to a missing row."""

from db.statements import ReadStatement

_ORPHANS_SQL = """
SELECT format('book %s, {owner} %s', l.book_id, l.{owner}_id) AS example, count(*) OVER () AS wrong
FROM {table} l LEFT JOIN book b ON b.id = l.book_id LEFT JOIN {owner} o ON o.id = l.{owner}_id
WHERE b.id IS NULL OR o.id IS NULL
ORDER BY l.book_id, l.{owner}_id LIMIT 5
"""


def _find_orphans(name: str, table: str, owner: str) -> ReadStatement:
    """Return the statement that finds rows of a table whose book or owner is missing."""
    return ReadStatement(name, _ORPHANS_SQL.format(table=table, owner=owner))


BOOK_AUTHORS = _find_orphans("orphan_book_authors", "book_author", "author")
BOOK_CATEGORIES = _find_orphans("orphan_book_categories", "book_category", "category")
AUTHOR_LISTINGS = _find_orphans("orphan_author_listings", "author_listing", "author")
CATEGORY_LISTINGS = _find_orphans("orphan_category_listings", "category_listing", "category")

BOOK_SERIES = ReadStatement(
    "orphan_book_series",
    """
SELECT format('book %s, series %s: %s', b.id, b.series_id, b.series) AS example, count(*) OVER () AS wrong
FROM book b LEFT JOIN series s ON s.id = b.series_id
WHERE s.slug IS DISTINCT FROM series_slug(b.series) OR (b.series_id IS NULL) <> (b.series IS NULL)
ORDER BY b.id LIMIT 5
""",
)

EMPTY_SERIES = ReadStatement(
    "empty_series",
    """
SELECT format('series %s: %s', s.id, s.name) AS example, count(*) OVER () AS wrong
FROM series s
WHERE NOT EXISTS (SELECT FROM book b WHERE b.series_id = s.id)
ORDER BY s.id LIMIT 5
""",
)

BOOK_VIEWS = ReadStatement(
    "orphan_book_views",
    """
SELECT format('book %s on %s', v.book_id, v.viewed_on) AS example, count(*) OVER () AS wrong
FROM book_view v LEFT JOIN book b ON b.id = v.book_id
WHERE b.id IS NULL
ORDER BY v.book_id, v.viewed_on LIMIT 5
""",
)

BOOK_FIELDS = ReadStatement(
    "orphan_book_fields",
    """
SELECT format('book %s: %s', f.book_id, f.field) AS example, count(*) OVER () AS wrong
FROM book_field f LEFT JOIN book b ON b.id = f.book_id
WHERE b.id IS NULL
ORDER BY f.book_id, f.field LIMIT 5
""",
)

CATEGORIES = ReadStatement(
    "orphan_categories",
    """
SELECT format('category %s (%s), parent %s', k.id, k.name, k.parent_id) AS example,
       count(*) OVER () AS wrong
FROM category k LEFT JOIN category parent ON parent.id = k.parent_id
WHERE k.parent_id IS NOT NULL AND parent.id IS NULL
ORDER BY k.id LIMIT 5
""",
)
