"""Suggestions while somebody types: what begins so, most popular first."""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from db.authors import COLUMNS as AUTHOR_COLUMNS
from db.authors import Author
from db.books import COLUMNS as BOOK_COLUMNS
from db.books import Book
from db.categories import COLUMNS as CATEGORY_COLUMNS
from db.categories import Category
from db.database import PLANNED_ANEW, Database

T = TypeVar("T")

LONGEST_PREFIX = 80
"""Of a longer prefix the first so many characters are used: sort keys hold no more."""

BEYOND = "chr(1114111)"  # the last code point: text that begins so comes before the prefix with it behind

# Editions share a title; the most popular one stands for them.
EDITIONS = 3

WALKED = 100
"""For each suggestion so many of the most popular are looked at first: what many begin with, enough of them
do. What fewer than one in a hundred begins with is read whole."""


def most_popular(table: str, popularity: str, key: str, prefix: str) -> str:
    """The SQL of the ids of the $2 most popular rows whose key begins with a prefix.

    OFFSET 0 keeps the planner from a walk of all by popularity, in the hope to meet some soon.
    """
    begins = f"key >= {prefix} AND key < {prefix} || {BEYOND}"
    return f"""
    WITH popular AS (
        SELECT id, {key} AS key FROM {table} ORDER BY {popularity} DESC, id DESC LIMIT {WALKED} * $2::integer
    ),
    met AS MATERIALIZED (SELECT id FROM popular WHERE {begins} LIMIT $2::integer),
    enough AS MATERIALIZED (SELECT count(*) = $2::integer AS met FROM met),
    whole AS (SELECT id, {key} AS key, {popularity} AS popularity FROM {table})
    SELECT id FROM met WHERE (SELECT met FROM enough)
    UNION ALL
    (SELECT id FROM (
         SELECT id, popularity FROM whole WHERE {begins} AND NOT (SELECT met FROM enough) OFFSET 0
     ) AS begun
     ORDER BY popularity DESC, id DESC LIMIT $2::integer)
    """


SUGGESTED_BOOKS = f"""
/* suggested_books {PLANNED_ANEW} */
SELECT {BOOK_COLUMNS.sql}, t.title_key
FROM ({most_popular("book", "rating_count", "title_key", "title_sort_key($1::text, NULL)")}) AS found
JOIN book AS t ON t.id = found.id
WHERE title_sort_key($1::text, NULL) <> ''
ORDER BY t.rating_count DESC, t.id DESC
"""

SUGGESTED_AUTHORS = f"""
/* suggested_authors {PLANNED_ANEW} */
WITH found AS (
    ({most_popular("author", "book_count", "slug", "slug($1::text)")})
    UNION
    ({most_popular("author", "book_count", "sort_key", "fold($1::text)")})
)
SELECT {AUTHOR_COLUMNS.sql}
FROM found JOIN author AS t ON t.id = found.id
ORDER BY t.book_count DESC, t.id DESC
LIMIT $2::integer
"""

SUGGESTED_CATEGORIES = f"""
/* suggested_categories {PLANNED_ANEW} */
SELECT {CATEGORY_COLUMNS.sql}
FROM category AS t
WHERE t.sort_key >= fold($1::text) AND t.sort_key < fold($1::text) || {BEYOND}
ORDER BY t.book_count DESC, t.id DESC
LIMIT $2::integer
"""


def each_of(read: Callable[..., Awaitable[list[T]]]) -> Callable[..., Coroutine[Any, Any, list[list[T]]]]:
    """The suggestions for each prefix and size; an empty prefix has none."""

    async def batch(database: Database, asked: Sequence[tuple[str, int]]) -> list[list[T]]:
        return [await read(database, prefix, size) if prefix and size else [] for prefix, size in asked]

    return batch


async def suggested_books(database: Database, prefix: str, size: int) -> list[Book]:
    """The books whose titles begin so, leading articles aside, one of each title."""
    titles: dict[str, Book] = {}
    for book in await database.fetch(SUGGESTED_BOOKS, prefix, size * EDITIONS, record_class=Book):
        titles.setdefault(book["title_key"], book)
    return list(titles.values())[:size]


async def suggested_authors(database: Database, prefix: str, size: int) -> list[Author]:
    """The authors whose name or sort name begins so, those with most books first."""
    return await database.fetch(SUGGESTED_AUTHORS, prefix, size, record_class=Author)


async def suggested_categories(database: Database, prefix: str, size: int) -> list[Category]:
    """The categories whose name begins so, those with most books first."""
    return await database.fetch(SUGGESTED_CATEGORIES, prefix, size, record_class=Category)
