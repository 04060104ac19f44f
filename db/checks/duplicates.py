"""Keys that more than one row has."""

_DUPLICATES_SQL = """
/* {name} */
SELECT format('%s: %s', concat_ws('/', {key}), array_to_string((array_agg(id ORDER BY id))[:5], ', '))
           AS example, count(*) OVER () AS wrong
FROM {table}
WHERE {condition}
GROUP BY {key} HAVING count(*) > 1
ORDER BY min(id), {key} LIMIT 5
"""


def _duplicates_sql(name: str, table: str, key: str, condition: str = "true") -> str:
    """Return the statement that finds keys of more than one row, with the first five of the rows' ids."""
    return _DUPLICATES_SQL.format(name=name, table=table, key=key, condition=condition)


BOOK_IDS = _duplicates_sql("duplicate_book_ids", "book", "id")
AUTHOR_IDS = _duplicates_sql("duplicate_author_ids", "author", "id")
CATEGORY_IDS = _duplicates_sql("duplicate_category_ids", "category", "id")
BOOK_SOURCES = _duplicates_sql("duplicate_book_sources", "book", "source, source_id")
ISBNS = _duplicates_sql("duplicate_isbns", "book", "isbn", "isbn IS NOT NULL")
AUTHOR_SOURCES = _duplicates_sql("duplicate_author_sources", "author", "source, source_id")
AUTHOR_NAMES = _duplicates_sql("duplicate_author_names", "author", "left(slug(name), 200)", "source = 'name'")
AUTHOR_SLUGS = _duplicates_sql("duplicate_author_slugs", "author", "slug")
CATEGORY_PATHS = _duplicates_sql("duplicate_category_paths", "category", "path")

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
