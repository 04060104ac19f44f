"""The DataLoaders of one request: keys that are requested together share one SQL statement."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from db import authors, books, categories, view_counts
from db.authors import Author, Contribution
from db.books import Book
from db.categories import Category, CategoryOfBook
from db.category_trees import fetch_category_trees
from db.database import Database
from db.keyset import Order, Page, PageRequest, ParentLookup, Scope, fetch_parents_with_pages
from db.records import Columns
from graphql_api.loaders.columns import ALL_COLUMNS, ColumnSelection
from graphql_api.loaders.dataloader import EMPTY, Loader

V = TypeVar("V")

_LOOKUP_COLUMN_TYPES = {"id": "bigint", "slug": "text", "path": "text"}

WHOLE_CATALOG = 0
"""Key of loaders that read a page or a count of the whole catalog."""


class Loaders:
    """The loaders of one request, created on first use.

    `auto_dispatch` is described at Loader. `previous` holds loaders whose values are reused.
    """

    def __init__(
        self,
        database: Database,
        columns: ColumnSelection = ALL_COLUMNS,
        *,
        auto_dispatch: bool = True,
        previous: "Loaders | None" = None,
    ) -> None:
        self.database = database
        self.columns = columns
        self._auto_dispatch = auto_dispatch
        self._loaders: dict[object, Loader[Any, Any]] = {}
        self._previous: Mapping[object, Loader[Any, Any]] = previous._loaders if previous else EMPTY  # noqa: SLF001

    def with_cached_results(self, database: Database) -> "Loaders":
        """Return loaders that dispatch automatically and reuse the values loaded by these."""
        return Loaders(database, self.columns, previous=self)

    def loader(
        self,
        name: object,
        read: Callable[..., Coroutine[Any, Any, list[Any]]],
        *arguments: Any,
        **options: Any,
    ) -> Loader[Any, Any]:
        """Return the loader of this name; create it from `read` and its arguments on first use."""
        loader = self._loaders.get(name)
        if loader is None:
            previous = self._previous.get(name)
            cached = previous.values if previous else EMPTY
            loader = Loader(
                partial(read, self.database, *arguments, **options), cached, auto_dispatch=self._auto_dispatch
            )
            self._loaders[name] = loader
        return loader

    @property
    def book_by_id(self) -> Loader[int, Book | None]:
        return self.loader("book_by_id", books.books_by_ids, columns=self.columns.books)

    @property
    def book_by_isbn(self) -> Loader[str, Book | None]:
        return self.loader("book_by_isbn", books.books_by_isbns, columns=self.columns.books)

    @property
    def recent_views_by_book_id(self) -> Loader[int, int]:
        return self.loader("recent_views_by_book_id", view_counts.recent_views_by_book_ids)

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
        return self.loader("count_of_children_by_category_id", categories.child_counts_by_category_ids)

    def page_of_books(self, order: Order, page_request: PageRequest) -> Loader[int, Page[Book]]:
        name = ("books", order, page_request)
        return self.loader(
            name, _single_key_batch(books.page_of_books), order, page_request, columns=self.columns.books
        )

    def page_of_authors(self, page_request: PageRequest) -> Loader[int, Page[Author]]:
        name = ("authors", page_request)
        return self.loader(
            name, _single_key_batch(authors.page_of_authors), page_request, columns=self.columns.authors
        )

    def page_of_categories(self, page_request: PageRequest, *, roots: bool) -> Loader[int, Page[Category]]:
        name, read = ("categories", page_request, roots), _single_key_batch(categories.page_of_categories)
        return self.loader(name, read, page_request, roots=roots, columns=self.columns.categories)

    def books_by_author_id(self, order: Order, page_request: PageRequest) -> Loader[int, Page[Book]]:
        name = ("author", order, page_request)
        return self.loader(name, books.books_by_author_ids, order, page_request, columns=self.columns.books)

    def books_by_category_id(
        self, order: Order, page_request: PageRequest, *, descendants: bool
    ) -> Loader[int, Page[Book]]:
        return self.loader(
            ("category", order, page_request, descendants),
            books.books_by_category_ids,
            order,
            page_request,
            descendants=descendants,
            columns=self.columns.books,
        )

    def children_by_category_id(self, page_request: PageRequest) -> Loader[int, Page[Category]]:
        name = ("children", page_request)
        return self.loader(
            name, categories.children_by_category_ids, page_request, columns=self.columns.categories
        )

    def author_with_books(
        self, column: str, order: Order, page_request: PageRequest
    ) -> Loader[Any, Author | None]:
        """Load authors by id or slug and prefetch a page of their books into `books_by_author_id`."""
        lookup = ParentLookup("author", column, _LOOKUP_COLUMN_TYPES[column], self.columns.authors)
        page_loader = self.books_by_author_id(order, page_request)
        parent_loader = self.author_by_id if column == "id" else self.author_by_slug
        return self._prefetching_loader(
            parent_loader, lookup, page_loader, books.BY_AUTHOR, order, page_request, self.columns.books
        )

    def category_with_books(
        self, column: str, order: Order, page_request: PageRequest, *, descendants: bool
    ) -> Loader[Any, Category | None]:
        """Load categories by id or path and prefetch a page of their books into `books_by_category_id`."""
        lookup = ParentLookup("category", column, _LOOKUP_COLUMN_TYPES[column], self.columns.categories)
        page_loader = self.books_by_category_id(order, page_request, descendants=descendants)
        scope = books.BY_CATEGORY if descendants else books.DIRECTLY_IN_CATEGORY
        return self._prefetching_loader(
            self._category_loader(column), lookup, page_loader, scope, order, page_request, self.columns.books
        )

    def category_with_children(
        self, column: str, page_requests: Sequence[PageRequest]
    ) -> Loader[Any, Category | None]:
        """Load categories by id or path and prefetch their children, one level of the tree per page request.

        The pages go into `children_by_category_id`.
        """
        lookup = ParentLookup("category", column, _LOOKUP_COLUMN_TYPES[column], self.columns.categories)
        parent_loader = self._category_loader(column)
        page_loaders = [self.children_by_category_id(page_request) for page_request in page_requests]

        async def read(database: Database, keys: Sequence[Any]) -> list[Category | None]:
            trees = await fetch_category_trees(database, lookup, keys, page_requests)
            for key, root in zip(keys, trees.roots, strict=True):
                parent_loader.prime(key, root)
            for level, loader in zip(trees.levels, page_loaders, strict=True):
                for parent, children in level.items():
                    loader.prime(parent, children)
            return trees.roots

        return self.loader(("trees", column, *page_requests), read)

    def _category_loader(self, column: str) -> Loader[Any, Category | None]:
        return self.category_by_id if column == "id" else self.category_by_path

    def _prefetching_loader(
        self,
        parent_loader: Loader[Any, Any],
        lookup: ParentLookup,
        page_loader: Loader[int, Page[Any]],
        scope: Scope,
        order: Order,
        page_request: PageRequest,
        columns: Columns[Any],
    ) -> Loader[Any, Any]:
        """Return a loader that reads parents and a page of each in one statement.

        It primes `parent_loader` with the parents and `page_loader` with their pages.
        """

        async def read(database: Database, keys: Sequence[Any]) -> list[Any]:
            parents = await fetch_parents_with_pages(
                database, scope, order, page_request, lookup, keys, columns
            )
            for key, parent_with_page in zip(keys, parents, strict=True):
                parent_loader.prime(key, parent_with_page and parent_with_page[0])
                if parent_with_page:
                    parent, page = parent_with_page
                    page_loader.prime(parent.id, page)
            return [parent_with_page and parent_with_page[0] for parent_with_page in parents]

        return self.loader((lookup.table, lookup.column, scope.name, order, page_request), read)

    def catalog_count(
        self, read: Callable[..., Coroutine[Any, Any, int]], **options: Any
    ) -> Loader[int, int]:
        """Load a count of the whole catalog."""
        return self.loader((read, *options.items()), _single_key_batch(read), **options)


def _single_key_batch(
    read: Callable[..., Coroutine[Any, Any, V]],
) -> Callable[..., Coroutine[Any, Any, list[V]]]:
    """Adapt a read of the whole catalog to a batch, whose only key is WHOLE_CATALOG."""

    async def batch(database: Database, *arguments: Any, **options: Any) -> list[V]:
        return [await read(database, *arguments[:-1], **options)]

    return batch
