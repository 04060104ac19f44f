"""Keys that more than one row has."""

from db.statements import ReadStatement

_DUPLICATES_SQL = """
SELECT format('%s: %s', concat_ws('/', {key}), array_to_string((array_agg(id ORDER BY id))[:5], ', '))
           AS example, count(*) OVER () AS wrong
FROM {table}
WHERE {condition}
GROUP BY {key} HAVING count(*) > 1
ORDER BY min(id), {key} LIMIT 5
"""


def _find_duplicates(name: str, table: str, key: str, condition: str = "true") -> ReadStatement:
    """Return the statement that finds keys of more than one row, with the first five of the rows' ids."""
    return ReadStatement(name, _DUPLICATES_SQL.format(table=table, key=key, condition=condition))


BOOK_IDS = _find_duplicates("duplicate_book_ids", "book", "id")
AUTHOR_IDS = _find_duplicates("duplicate_author_ids", "author", "id")
CATEGORY_IDS = _find_duplicates("duplicate_category_ids", "category", "id")
BOOK_SOURCES = _find_duplicates("duplicate_book_sources", "book", "source, source_id")
ISBNS = _find_duplicates("duplicate_isbns", "book", "isbn", "isbn IS NOT NULL")
AUTHOR_SOURCES = _find_duplicates("duplicate_author_sources", "author", "source, source_id")
AUTHOR_NAMES = _find_duplicates(
    "duplicate_author_names", "author", "left(slug(name), 200)", "source = 'name'"
)
AUTHOR_SLUGS = _find_duplicates("duplicate_author_slugs", "author", "slug")
CATEGORY_PATHS = _find_duplicates("duplicate_category_paths", "category", "path")
SERIES_SLUGS = _find_duplicates("duplicate_series_slugs", "series", "slug")

BOOK_CATEGORIES = ReadStatement(
    "duplicate_book_categories",
    """
SELECT format('book %s, category %s', book_id, category_id) AS example, count(*) OVER () AS wrong
FROM book_category
GROUP BY book_id, category_id HAVING count(*) > 1
ORDER BY book_id, category_id LIMIT 5
""",
)

BOOK_AUTHORS = ReadStatement(
    "repeated_authors",
    """
SELECT format('book %s: author %s as %s', book_id, author_id, role) AS example, count(*) OVER () AS wrong
FROM book_author
GROUP BY book_id, author_id, role HAVING count(*) > 1
ORDER BY book_id, author_id, role LIMIT 5
""",
)
