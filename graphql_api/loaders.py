"""One aiodataloader for each relation: whatever asks for a row in the same tick shares one statement."""

from asyncio import Future, shield
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import Any, TypeVar

from aiodataloader import DataLoader

from db import authors, books, categories, views
from db.authors import Author, Contribution
from db.books import Book
from db.categories import Category
from db.pages import Order, Page, Window
from db.pool import Database

K = TypeVar("K")
V = TypeVar("V")

WHOLE_CATALOG = 0
"""The key under which a page of the whole catalog is loaded."""


class Loader(DataLoader[K, V]):
    """An aiodataloader whose results outlive the cancelling of one who waits for them.

    When a field fails, graphql-core cancels its siblings; another branch may wait for the same key.
    """

    def load(self, key: K) -> Future[V]:
        return shield(super().load(key))


class Loaders:
    """The loaders of one request. Page loaders come into being for each set of arguments."""

    def __init__(self, database: Database) -> None:
        def loader(read: Callable[[Database, Sequence[K]], Coroutine[Any, Any, list[V]]]) -> Loader[K, V]:
            return Loader[K, V](partial(read, database))

        self.database = database
        self.book_by_id: Loader[int, Book | None] = loader(books.books_by_ids)
        self.book_by_isbn: Loader[str, Book | None] = loader(books.books_by_isbns)
        self.description_by_book_id: Loader[int, str | None] = loader(books.descriptions_by_book_ids)
        self.recent_views_by_book_id: Loader[int, int] = loader(views.recent_views_by_book_ids)
        self.author_by_id: Loader[int, Author | None] = loader(authors.authors_by_ids)
        self.author_by_slug: Loader[str, Author | None] = loader(authors.authors_by_slugs)
        self.authors_by_book_id: Loader[int, list[Contribution]] = loader(authors.authors_by_book_ids)
        self.category_by_id: Loader[int, Category | None] = loader(categories.categories_by_ids)
        self.category_by_path: Loader[str, Category | None] = loader(categories.categories_by_paths)
        self.categories_by_book_id: Loader[int, list[Category]] = loader(categories.categories_by_book_ids)
        self.count_of_children_by_category_id: Loader[int, int] = loader(
            categories.counts_of_children_by_category_ids
        )
        self.paged: dict[object, Loader[int, Any]] = {}

    def page_of_books(self, order: Order, window: Window) -> Loader[int, Page[Book]]:
        return self.pages(
            ("books", order, window), only(partial(books.page_of_books, self.database, order, window))
        )

    def page_of_authors(self, window: Window) -> Loader[int, Page[Author]]:
        return self.pages(("authors", window), only(partial(authors.page_of_authors, self.database, window)))

    def page_of_categories(self, window: Window, *, roots: bool) -> Loader[int, Page[Category]]:
        read = partial(categories.page_of_categories, self.database, window, roots=roots)
        return self.pages(("categories", window, roots), only(read))

    def books_by_author_id(self, order: Order, window: Window) -> Loader[int, Page[Book]]:
        return self.pages(
            ("author", order, window), partial(books.books_by_author_ids, self.database, order, window)
        )

    def books_by_category_id(
        self, order: Order, window: Window, *, descendants: bool
    ) -> Loader[int, Page[Book]]:
        read = partial(books.books_by_category_ids, self.database, order, window, descendants=descendants)
        return self.pages(("category", order, window, descendants), read)

    def children_by_category_id(self, window: Window) -> Loader[int, Page[Category]]:
        return self.pages(
            ("children", window), partial(categories.children_by_category_ids, self.database, window)
        )

    def pages(
        self, arguments: object, read: Callable[[Sequence[int]], Coroutine[Any, Any, list[Page[V]]]]
    ) -> Loader[int, Page[V]]:
        """The loader of one field with one set of arguments."""
        return self.paged.setdefault(arguments, Loader[int, Page[V]](read))


def only(read: Callable[[], Awaitable[V]]) -> Callable[[Sequence[int]], Coroutine[Any, Any, list[V]]]:
    """A batch of the one key there is, WHOLE_CATALOG."""

    async def batch(_keys: Sequence[int]) -> list[V]:
        return [await read()]

    return batch
