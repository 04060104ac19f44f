"""Suggestions while somebody types: what begins so, most popular first."""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from db.authors import COLUMNS as AUTHOR_COLUMNS
from db.authors import Author
from db.books import COLUMNS as BOOK_COLUMNS
from db.books import Book
from db.categories import COLUMNS as CATEGORY_COLUMNS
from db.categories import Category
from db.pool import PLANNED_ANEW, Database

T = TypeVar("T")

LONGEST_PREFIX = 80
"""Of a longer prefix the first so many characters are used: sort keys hold no more."""

BEYOND = "chr(1114111)"  # the last code point: text that begins so comes before the prefix with it behind

# Editions share a title; the most popular one stands for them.
EDITIONS = 3

SUGGESTED_BOOKS = f"""
/* suggested_books {PLANNED_ANEW} */
SELECT {BOOK_COLUMNS.sql}, t.title_key
FROM (
    SELECT id FROM book
    WHERE title_sort_key($1::text, NULL) <> '' AND title_key >= title_sort_key($1::text, NULL)
      AND title_key < title_sort_key($1::text, NULL) || {BEYOND}
    ORDER BY rating_count DESC, id DESC
    LIMIT $2::integer
) AS found
JOIN book AS t ON t.id = found.id
ORDER BY t.rating_count DESC, t.id DESC
"""

SUGGESTED_AUTHORS = f"""
/* suggested_authors {PLANNED_ANEW} */
WITH found AS (
    (SELECT id FROM author WHERE slug >= slug($1::text) AND slug < slug($1::text) || {BEYOND}
     ORDER BY book_count DESC, id DESC LIMIT $2::integer)
    UNION
    (SELECT id FROM author WHERE sort_key >= fold($1::text) AND sort_key < fold($1::text) || {BEYOND}
     ORDER BY book_count DESC, id DESC LIMIT $2::integer)
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
