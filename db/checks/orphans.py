"""Rows that refer to a missing row."""

_ORPHANS_SQL = """
/* {name} */
SELECT format('book %s, {owner} %s', l.book_id, l.{owner}_id) AS example, count(*) OVER () AS wrong
FROM {table} l LEFT JOIN book b ON b.id = l.book_id LEFT JOIN {owner} o ON o.id = l.{owner}_id
WHERE b.id IS NULL OR o.id IS NULL
ORDER BY l.book_id, l.{owner}_id LIMIT 5
"""

BOOK_AUTHORS = _ORPHANS_SQL.format(name="orphan_book_authors", table="book_author", owner="author")
BOOK_CATEGORIES = _ORPHANS_SQL.format(name="orphan_book_categories", table="book_category", owner="category")
AUTHOR_LISTINGS = _ORPHANS_SQL.format(name="orphan_author_listings", table="author_listing", owner="author")
CATEGORY_LISTINGS = _ORPHANS_SQL.format(
    name="orphan_category_listings", table="category_listing", owner="category"
)

BOOK_VIEWS = """
/* orphan_book_views */
SELECT format('book %s on %s', v.book_id, v.viewed_on) AS example, count(*) OVER () AS wrong
FROM book_view v LEFT JOIN book b ON b.id = v.book_id
WHERE b.id IS NULL
ORDER BY v.book_id, v.viewed_on LIMIT 5
"""

CATEGORIES = """
/* orphan_categories */
SELECT format('category %s (%s), parent %s', k.id, k.name, k.parent_id) AS example,
       count(*) OVER () AS wrong
FROM category k LEFT JOIN category parent ON parent.id = k.parent_id
WHERE k.parent_id IS NOT NULL AND parent.id IS NULL
ORDER BY k.id LIMIT 5
"""
