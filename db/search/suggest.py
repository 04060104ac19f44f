"""Suggestions for a typed prefix: books, authors and categories that start with it, most popular first."""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from db.authors import COLUMNS as AUTHOR_COLUMNS
from db.authors import Author
from db.books import COLUMNS as BOOK_COLUMNS
from db.books import Book
from db.categories import COLUMNS as CATEGORY_COLUMNS
from db.categories import Category
from db.constraints import MAX_SORT_KEY_LENGTH
from db.database import Database
from db.statements import ReadStatement

T = TypeVar("T")

MAX_PREFIX_LENGTH = MAX_SORT_KEY_LENGTH
"""Maximum length of a prefix in characters; a longer one is cut. Sort keys are no longer than that."""

_PREFIX_UPPER_BOUND = "chr(1114111)"
"""SQL of the last code point. Every text that starts with a prefix sorts before the prefix followed by it."""

_EDITIONS_PER_TITLE = 3
"""Number of books read per suggested title: editions share a title, and only the most popular is returned."""

_POPULAR_SCAN_FACTOR = 100
"""Number of the most popular rows that are scanned first, per suggestion.

A frequent prefix has enough matches among them. For a prefix of fewer than one row in a hundred, all rows
with the prefix are read.
"""


def _most_popular_sql(table: str, popularity: str, key: str, prefix: str) -> str:
    """Return the SQL for the ids of the $2 most popular rows whose key starts with a prefix.

    OFFSET 0 keeps the planner from scanning all rows by popularity until it has found enough matches.
    """
    has_prefix = f"key >= {prefix} AND key < {prefix} || {_PREFIX_UPPER_BOUND}"
    return f"""
    WITH popular AS (
        SELECT id, {key} AS key FROM {table}
        ORDER BY {popularity} DESC, id DESC LIMIT {_POPULAR_SCAN_FACTOR} * $2::integer
    ),
    hit AS MATERIALIZED (SELECT id FROM popular WHERE {has_prefix} LIMIT $2::integer),
    hit_count AS MATERIALIZED (SELECT count(*) = $2::integer AS is_enough FROM hit),
    all_rows AS (SELECT id, {key} AS key, {popularity} AS popularity FROM {table})
    SELECT id FROM hit WHERE (SELECT is_enough FROM hit_count)
    UNION ALL
    (SELECT id FROM (
         SELECT id, popularity FROM all_rows
         WHERE {has_prefix} AND NOT (SELECT is_enough FROM hit_count) OFFSET 0
     ) AS prefix_match
     ORDER BY popularity DESC, id DESC LIMIT $2::integer)
    """


_SUGGESTED_BOOKS = ReadStatement(
    "suggested_books",
    f"""
SELECT {BOOK_COLUMNS.sql}, t.title_key
FROM ({_most_popular_sql("book", "rating_count", "title_key", "title_sort_key($1::text, NULL)")}) AS found
JOIN book AS t ON t.id = found.id
WHERE title_sort_key($1::text, NULL) <> ''
ORDER BY t.rating_count DESC, t.id DESC
""",
    cached_plan=False,
)

_SUGGESTED_AUTHORS = ReadStatement(
    "suggested_authors",
    f"""
WITH found AS (
    ({_most_popular_sql("author", "book_count", "slug", "slug($1::text)")})
    UNION
    ({_most_popular_sql("author", "book_count", "sort_key", "fold($1::text)")})
)
SELECT {AUTHOR_COLUMNS.sql}
FROM found JOIN author AS t ON t.id = found.id
ORDER BY t.book_count DESC, t.id DESC
LIMIT $2::integer
""",
    cached_plan=False,
)

_SUGGESTED_CATEGORIES = ReadStatement(
    "suggested_categories",
    f"""
SELECT {CATEGORY_COLUMNS.sql}
FROM category AS t
WHERE t.sort_key >= fold($1::text) AND t.sort_key < fold($1::text) || {_PREFIX_UPPER_BOUND}
ORDER BY t.book_count DESC, t.id DESC
LIMIT $2::integer
""",
    cached_plan=False,
)


def batch_reader(
    read: Callable[..., Awaitable[list[T]]],
) -> Callable[..., Coroutine[Any, Any, list[list[T]]]]:
    """Return a batch function that reads suggestions by (prefix, size); an empty prefix has none."""

    async def read_batch(database: Database, keys: Sequence[tuple[str, int]]) -> list[list[T]]:
        return [await read(database, prefix, size) if prefix and size else [] for prefix, size in keys]

    return read_batch


async def suggested_books(database: Database, prefix: str, size: int) -> list[Book]:
    """Return the books whose title starts with the prefix, ignoring leading articles; one book per title."""
    book_by_title: dict[str, Book] = {}
    for book in await database.fetch(_SUGGESTED_BOOKS, prefix, size * _EDITIONS_PER_TITLE, record_class=Book):
        book_by_title.setdefault(book["title_key"], book)
    return list(book_by_title.values())[:size]


async def suggested_authors(database: Database, prefix: str, size: int) -> list[Author]:
    """Return the authors whose name or sort name starts with the prefix, most books first."""
    return await database.fetch(_SUGGESTED_AUTHORS, prefix, size, record_class=Author)


async def suggested_categories(database: Database, prefix: str, size: int) -> list[Category]:
    """Return the categories whose name starts with the prefix, most books first."""
    return await database.fetch(_SUGGESTED_CATEGORIES, prefix, size, record_class=Category)
