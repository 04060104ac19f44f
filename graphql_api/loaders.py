"""One aiodataloader for each relation: whatever asks for rows at the same time shares one statement."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from db import authors, books, categories, views
from db.authors import Author, Contribution
from db.books import Book
from db.categories import Category, CategoryOfBook
from db.database import Database
from db.pages import Lookup, Order, Page, Scope, Window, parents_with_pages
from db.rows import Columns
from db.trees import trees
from graphql_api.loading import NOTHING, Loader

V = TypeVar("V")

KEY_TYPES = {"id": "bigint", "slug": "text", "path": "text"}

WHOLE_CATALOG = 0
"""The key under which a page or a count of the whole catalog is loaded."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which columns of books, authors and categories a request wants."""

    books: Columns[Book] = books.COLUMNS
    authors: Columns[Author] = authors.COLUMNS
    categories: Columns[Category] = categories.COLUMNS


EVERY_COLUMN = Selection()


class Loaders:
    """The loaders of one request; each comes into being when it is first asked for.

    `gathers` as in Loader. Those made `again` gather; they read nothing that the earlier ones have.
    """

    def __init__(
        self,
        database: Database,
        columns: Selection = EVERY_COLUMN,
        *,
        gathers: bool = True,
        earlier: "Loaders | None" = None,
    ) -> None:
        self.database = database
        self.columns = columns
        self.gathers = gathers
        self.made: dict[object, Loader[Any, Any]] = {}
        self.earlier: Mapping[object, Loader[Any, Any]] = earlier.made if earlier else NOTHING

    def again(self, database: Database) -> "Loaders":
        return Loaders(database, self.columns, earlier=self)

    def loader(
        self,
        name: object,
        read: Callable[..., Coroutine[Any, Any, list[Any]]],
        *arguments: Any,
        **options: Any,
    ) -> Loader[Any, Any]:
        """The loader that reads with these arguments; the name tells it from others."""
        found = self.made.get(name)
        if found is None:
            earlier = self.earlier.get(name)
            known = earlier.values if earlier else NOTHING
            found = Loader(partial(read, self.database, *arguments, **options), known, gathers=self.gathers)
            self.made[name] = found
        return found

    @property
    def book_by_id(self) -> Loader[int, Book | None]:
        return self.loader("book_by_id", books.books_by_ids, columns=self.columns.books)

    @property
    def book_by_isbn(self) -> Loader[str, Book | None]:
        return self.loader("book_by_isbn", books.books_by_isbns, columns=self.columns.books)

    @property
    def recent_views_by_book_id(self) -> Loader[int, int]:
        return self.loader("recent_views_by_book_id", views.recent_views_by_book_ids)

    @property
    def author_by_id(self) -> Loader[int, Author | None]:
        return self.loader("author_by_id", authors.authors_by_ids, columns=self.columns.authors)

    @property
    def author_by_slug(self) -> Loader[str, Author | None]:
        return self.loader("author_by_slug", authors.authors_by_slugs, columns=self.columns.authors)

    @property
    def authors_by_book_id(self) -> Loader[int, list[Contribution]]:
        return self.loader("authors_by_book_id", authors.authors_by_book_ids, columns=self.columns.authors)

    @property
    def category_by_id(self) -> Loader[int, Category | None]:
        return self.loader("category_by_id", categories.categories_by_ids, columns=self.columns.categories)

    @property
    def category_by_path(self) -> Loader[str, Category | None]:
        return self.loader(
            "category_by_path", categories.categories_by_paths, columns=self.columns.categories
        )

    @property
    def categories_by_book_id(self) -> Loader[int, list[CategoryOfBook]]:
        return self.loader(
            "categories_by_book_id", categories.categories_by_book_ids, columns=self.columns.categories
        )

    @property
    def count_of_children_by_category_id(self) -> Loader[int, int]:
        return self.loader("count_of_children_by_category_id", categories.counts_of_children_by_category_ids)

    def page_of_books(self, order: Order, window: Window) -> Loader[int, Page[Book]]:
        name = ("books", order, window)
        return self.loader(name, only(books.page_of_books), order, window, columns=self.columns.books)

    def page_of_authors(self, window: Window) -> Loader[int, Page[Author]]:
        name = ("authors", window)
        return self.loader(name, only(authors.page_of_authors), window, columns=self.columns.authors)

    def page_of_categories(self, window: Window, *, roots: bool) -> Loader[int, Page[Category]]:
        name, read = ("categories", window, roots), only(categories.page_of_categories)
        return self.loader(name, read, window, roots=roots, columns=self.columns.categories)

    def books_by_author_id(self, order: Order, window: Window) -> Loader[int, Page[Book]]:
        name = ("author", order, window)
        return self.loader(name, books.books_by_author_ids, order, window, columns=self.columns.books)

    def books_by_category_id(
        self, order: Order, window: Window, *, descendants: bool
    ) -> Loader[int, Page[Book]]:
        return self.loader(
            ("category", order, window, descendants),
            books.books_by_category_ids,
            order,
            window,
            descendants=descendants,
            columns=self.columns.books,
        )

    def children_by_category_id(self, window: Window) -> Loader[int, Page[Category]]:
        name = ("children", window)
        return self.loader(name, categories.children_by_category_ids, window, columns=self.columns.categories)

    def author_with_books(self, column: str, order: Order, window: Window) -> Loader[Any, Author | None]:
        """Authors by their id or slug, each read along with a page of their books: `books_by_author_id`
        has it then."""
        lookup = Lookup("author", column, KEY_TYPES[column], self.columns.authors)
        pages = self.books_by_author_id(order, window)
        plain = self.author_by_id if column == "id" else self.author_by_slug
        return self.along(plain, lookup, pages, books.BY_AUTHOR, order, window, self.columns.books)

    def category_with_books(
        self, column: str, order: Order, window: Window, *, descendants: bool
    ) -> Loader[Any, Category | None]:
        """Categories by their id or path, each read along with a page of its books."""
        lookup = Lookup("category", column, KEY_TYPES[column], self.columns.categories)
        pages = self.books_by_category_id(order, window, descendants=descendants)
        scope = books.BY_CATEGORY if descendants else books.DIRECTLY_IN_CATEGORY
        return self.along(self.category_by(column), lookup, pages, scope, order, window, self.columns.books)

    def category_with_children(self, column: str, windows: Sequence[Window]) -> Loader[Any, Category | None]:
        """Categories by their id or path, each read along with a page of its children, and of theirs, as
        many levels as there are windows."""
        lookup = Lookup("category", column, KEY_TYPES[column], self.columns.categories)
        plain = self.category_by(column)
        pages = [self.children_by_category_id(window) for window in windows]

        async def read(database: Database, keys: Sequence[Any]) -> list[Category | None]:
            found = await trees(database, lookup, keys, windows)
            for key, root in zip(keys, found.roots, strict=True):
                plain.prime(key, root)
            for level, loader in zip(found.levels, pages, strict=True):
                for parent, children in level.items():
                    loader.prime(parent, children)
            return found.roots

        return self.loader(("trees", column, *windows), read)

    def category_by(self, column: str) -> Loader[Any, Category | None]:
        return self.category_by_id if column == "id" else self.category_by_path

    def along(
        self,
        plain: Loader[Any, Any],
        lookup: Lookup,
        pages: Loader[int, Page[Any]],
        scope: Scope,
        order: Order,
        window: Window,
        columns: Columns[Any],
    ) -> Loader[Any, Any]:
        """The loader of what a look-up finds along with a page of each, which tells the plain loader of the
        look-up and the loader of pages."""

        async def read(database: Database, keys: Sequence[Any]) -> list[Any]:
            found = await parents_with_pages(database, scope, order, window, lookup, keys, columns)
            for key, each in zip(keys, found, strict=True):
                plain.prime(key, each and each[0])
                if each:
                    pages.prime(each[0].id, each[1])
            return [each and each[0] for each in found]

        return self.loader((lookup.table, lookup.column, scope.name, order, window), read)

    def count(self, read: Callable[..., Coroutine[Any, Any, int]], **options: Any) -> Loader[int, int]:
        """The loader of a count of the whole catalog."""
        return self.loader((read, *options.items()), only(read), **options)


def only(read: Callable[..., Coroutine[Any, Any, V]]) -> Callable[..., Coroutine[Any, Any, list[V]]]:
    """A batch of the one key there is, WHOLE_CATALOG."""

    async def batch(database: Database, *arguments: Any, **options: Any) -> list[V]:
        return [await read(database, *arguments[:-1], **options)]

    return batch
