"""Keys that several rows hold."""

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


BOOK_IDS = duplicates("duplicate_book_ids", "book", "id")
AUTHOR_IDS = duplicates("duplicate_author_ids", "author", "id")
CATEGORY_IDS = duplicates("duplicate_category_ids", "category", "id")
BOOK_SOURCES = duplicates("duplicate_book_sources", "book", "source, source_id")
ISBNS = duplicates("duplicate_isbns", "book", "isbn", "isbn IS NOT NULL")
AUTHOR_SOURCES = duplicates("duplicate_author_sources", "author", "source, source_id")
AUTHOR_NAMES = duplicates("duplicate_author_names", "author", "left(slug(name), 200)", "source = 'name'")
AUTHOR_SLUGS = duplicates("duplicate_author_slugs", "author", "slug")
CATEGORY_PATHS = duplicates("duplicate_category_paths", "category", "path")

BOOK_CATEGORIES = """
/* duplicate_book_categories */
SELECT format('book %s, category %s', book_id, category_id) AS example, count(*) OVER () AS wrong
FROM book_category
GROUP BY book_id, category_id HAVING count(*) > 1
ORDER BY book_id, category_id LIMIT 5
"""

BOOK_AUTHORS = """
/* repeated_authors */
SELECT format('book %s: author %s as %s', book_id, author_id, role) AS example, count(*) OVER () AS wrong
FROM book_author
GROUP BY book_id, author_id, role HAVING count(*) > 1
ORDER BY book_id, author_id, role LIMIT 5
"""
