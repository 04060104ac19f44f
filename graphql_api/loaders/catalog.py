"""Loaders of the catalog: books, authors, categories and series by their keys, relations and counts.

Each function returns a loader of one request.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from db import authors, books, categories, related, series, view_counts, works
from db.authors import Author, Contribution
from db.books import Book
from db.categories import Category, CategoryOfBook
from db.category_trees import fetch_category_trees
from db.database import Database
from db.keyset import Order, Page, PageRequest, ParentLookup, Scope, fetch_parents_with_pages
from db.series import Series, SeriesOfBook
from db.works import Work
from graphql_api.loaders.dataloader import Loader
from graphql_api.loaders.registry import Loaders

V = TypeVar("V")

_LOOKUP_COLUMN_TYPES = {"id": "bigint", "slug": "text", "path": "text"}

WHOLE_CATALOG = 0
"""Key of loaders that read a page or a count of the whole catalog."""


def book_by_id(loaders: Loaders, *, unpublished: bool = False) -> Loader[int, Book | None]:
    return loaders.loader(
        ("book_by_id", unpublished),
        books.books_by_ids,
        unpublished=unpublished,
        columns=loaders.columns.books,
    )


def any_book_by_id(loaders: Loaders) -> Loader[int, Book | None]:
    return book_by_id(loaders, unpublished=True)


def book_by_isbn(loaders: Loaders, *, unpublished: bool = False) -> Loader[str, Book | None]:
    return loaders.loader(
        ("book_by_isbn", unpublished),
        books.books_by_isbns,
        unpublished=unpublished,
        columns=loaders.columns.books,
    )


def book_by_source_key(
    loaders: Loaders, *, unpublished: bool = False
) -> Loader[tuple[str, str], Book | None]:
    return loaders.loader(
        ("book_by_source_key", unpublished),
        books.books_by_source_keys,
        unpublished=unpublished,
        columns=loaders.columns.books,
    )


def recent_views_by_book_id(loaders: Loaders) -> Loader[int, int]:
    return loaders.loader("recent_views_by_book_id", view_counts.recent_views_by_book_ids)


def author_by_id(loaders: Loaders) -> Loader[int, Author | None]:
    return loaders.loader("author_by_id", authors.authors_by_ids, columns=loaders.columns.authors)


def author_by_slug(loaders: Loaders) -> Loader[str, Author | None]:
    return loaders.loader("author_by_slug", authors.authors_by_slugs, columns=loaders.columns.authors)


def authors_by_book_id(loaders: Loaders) -> Loader[int, list[Contribution]]:
    return loaders.loader("authors_by_book_id", authors.authors_by_book_ids, columns=loaders.columns.authors)


def category_by_id(loaders: Loaders) -> Loader[int, Category | None]:
    return loaders.loader("category_by_id", categories.categories_by_ids, columns=loaders.columns.categories)


def category_by_path(loaders: Loaders) -> Loader[str, Category | None]:
    return loaders.loader(
        "category_by_path", categories.categories_by_paths, columns=loaders.columns.categories
    )


def categories_by_book_id(loaders: Loaders) -> Loader[int, list[CategoryOfBook]]:
    return loaders.loader(
        "categories_by_book_id", categories.categories_by_book_ids, columns=loaders.columns.categories
    )


def breadcrumb_by_book_id(loaders: Loaders) -> Loader[int, list[CategoryOfBook]]:
    return loaders.loader(
        "breadcrumb_by_book_id", categories.breadcrumbs_by_book_ids, columns=loaders.columns.categories
    )


def related_books_by_book_id(loaders: Loaders, size: int) -> Loader[int, list[Book]]:
    return loaders.loader(
        ("related_books", size), related.related_books_by_book_ids, size, columns=loaders.columns.books
    )


def work_by_book_id(loaders: Loaders) -> Loader[int, Work | None]:
    """Load the work of each book. A work has the id of one of its books."""
    return loaders.loader("work_by_book_id", works.works_by_book_ids)


def work_by_id(loaders: Loaders, *, unpublished: bool = False) -> Loader[int, Work | None]:
    """Load the work of each id, also of an id that it had; with `unpublished`, also one without editions."""
    return loaders.loader(("work_by_id", unpublished), works.works_by_ids, unpublished=unpublished)


def page_of_editions(
    loaders: Loaders, scope: Scope, order: Order, page_request: PageRequest
) -> Loader[int, Page[Book]]:
    """Load a page of the editions in the scope: by book id, or by work id."""
    name = (scope.name, order, page_request)
    return loaders.loader(
        name, works.pages_of_editions, scope, order, page_request, columns=loaders.columns.books
    )


def count_of_other_editions_by_book_id(loaders: Loaders) -> Loader[int, int]:
    return loaders.loader("count_of_other_editions", works.counts_of_other_editions_by_book_ids)


def series_by_id(loaders: Loaders, *, unpublished: bool = False) -> Loader[int, Series | None]:
    return loaders.loader(
        ("series_by_id", unpublished),
        series.series_by_ids,
        unpublished=unpublished,
        columns=loaders.columns.series,
    )


def series_by_slug(loaders: Loaders, *, unpublished: bool = False) -> Loader[str, Series | None]:
    return loaders.loader(
        ("series_by_slug", unpublished),
        series.series_by_slugs,
        unpublished=unpublished,
        columns=loaders.columns.series,
    )


def series_by_book_id(loaders: Loaders) -> Loader[int, SeriesOfBook | None]:
    return loaders.loader("series_by_book_id", series.series_by_book_ids, columns=loaders.columns.series)


def count_of_books_by_series_id(loaders: Loaders) -> Loader[int, int]:
    return loaders.loader("count_of_books_by_series_id", series.book_counts_by_series_ids)


def books_by_series_id(loaders: Loaders, page_request: PageRequest) -> Loader[int, Page[Book]]:
    name, read = ("series", page_request), books.books_by_series_ids
    return loaders.loader(name, read, page_request, columns=loaders.columns.books)


def count_of_children_by_category_id(loaders: Loaders) -> Loader[int, int]:
    return loaders.loader("count_of_children_by_category_id", categories.child_counts_by_category_ids)


def page_of_books(loaders: Loaders, order: Order, page_request: PageRequest) -> Loader[int, Page[Book]]:
    name, read = ("books", order, page_request), _single_key_batch(books.page_of_books)
    return loaders.loader(name, read, order, page_request, columns=loaders.columns.books)


def page_of_unpublished_books(
    loaders: Loaders, order: Order, page_request: PageRequest
) -> Loader[int, Page[Book]]:
    name, read = ("unpublished", order, page_request), _single_key_batch(books.page_of_unpublished_books)
    return loaders.loader(name, read, order, page_request, columns=loaders.columns.books)


def page_of_authors(loaders: Loaders, order: Order, page_request: PageRequest) -> Loader[int, Page[Author]]:
    name, read = ("authors", order, page_request), _single_key_batch(authors.page_of_authors)
    return loaders.loader(name, read, page_request, order, columns=loaders.columns.authors)


def page_of_categories(
    loaders: Loaders, order: Order, page_request: PageRequest, *, roots: bool
) -> Loader[int, Page[Category]]:
    name, read = ("categories", order, page_request, roots), _single_key_batch(categories.page_of_categories)
    return loaders.loader(name, read, page_request, order, roots=roots, columns=loaders.columns.categories)


def books_by_author_id(loaders: Loaders, order: Order, page_request: PageRequest) -> Loader[int, Page[Book]]:
    name = ("author", order, page_request)
    return loaders.loader(name, books.books_by_author_ids, order, page_request, columns=loaders.columns.books)


def books_by_category_id(
    loaders: Loaders, order: Order, page_request: PageRequest, *, descendants: bool
) -> Loader[int, Page[Book]]:
    return loaders.loader(
        ("category", order, page_request, descendants),
        books.books_by_category_ids,
        order,
        page_request,
        descendants=descendants,
        columns=loaders.columns.books,
    )


def children_by_category_id(loaders: Loaders, page_request: PageRequest) -> Loader[int, Page[Category]]:
    name, read = ("children", page_request), categories.children_by_category_ids
    return loaders.loader(name, read, page_request, columns=loaders.columns.categories)


def author_with_books(
    loaders: Loaders, column: str, order: Order, page_request: PageRequest
) -> Loader[Any, Author | None]:
    """Load authors by id or slug and prefetch a page of their books into `books_by_author_id`."""
    lookup = ParentLookup("author", column, _LOOKUP_COLUMN_TYPES[column], loaders.columns.authors)
    parent_loader = author_by_id(loaders) if column == "id" else author_by_slug(loaders)
    page_loader = books_by_author_id(loaders, order, page_request)
    return _prefetching_loader(
        loaders, parent_loader, lookup, page_loader, books.BY_AUTHOR, order, page_request
    )


def category_with_books(
    loaders: Loaders, column: str, order: Order, page_request: PageRequest, *, descendants: bool
) -> Loader[Any, Category | None]:
    """Load categories by id or path and prefetch a page of their books into `books_by_category_id`."""
    lookup = ParentLookup("category", column, _LOOKUP_COLUMN_TYPES[column], loaders.columns.categories)
    page_loader = books_by_category_id(loaders, order, page_request, descendants=descendants)
    scope = books.BY_CATEGORY if descendants else books.DIRECTLY_IN_CATEGORY
    return _prefetching_loader(
        loaders, _category_loader(loaders, column), lookup, page_loader, scope, order, page_request
    )


def category_with_children(
    loaders: Loaders, column: str, page_requests: Sequence[PageRequest]
) -> Loader[Any, Category | None]:
    """Load categories by id or path and prefetch their children, one level of the tree per page request.

    The pages go into `children_by_category_id`.
    """
    lookup = ParentLookup("category", column, _LOOKUP_COLUMN_TYPES[column], loaders.columns.categories)
    parent_loader = _category_loader(loaders, column)
    page_loaders = [children_by_category_id(loaders, page_request) for page_request in page_requests]

    async def read(database: Database, keys: Sequence[Any]) -> list[Category | None]:
        trees = await fetch_category_trees(database, lookup, keys, page_requests)
        for level, loader in zip(trees.levels, page_loaders, strict=True):
            loader.prime_all(level)
        roots = await categories.fill_in_redirected_categories(
            database, column, keys, trees.roots, columns=lookup.columns
        )
        parent_loader.prime_all(dict(zip(keys, roots, strict=True)))
        return roots

    return loaders.loader(("trees", column, *page_requests), read)


_FILL_IN: Mapping[str, Callable[..., Coroutine[Any, Any, list[Any]]]] = {
    "author": authors.fill_in_redirected_authors,
    "category": categories.fill_in_redirected_categories,
}


def _category_loader(loaders: Loaders, column: str) -> Loader[Any, Category | None]:
    return category_by_id(loaders) if column == "id" else category_by_path(loaders)


def _prefetching_loader(
    loaders: Loaders,
    parent_loader: Loader[Any, Any],
    lookup: ParentLookup,
    page_loader: Loader[int, Page[Book]],
    scope: Scope,
    order: Order,
    page_request: PageRequest,
) -> Loader[Any, Any]:
    """Return a loader that reads parents and a page of the books of each in one statement.

    It primes `parent_loader` with the parents and `page_loader` with their pages.
    """

    columns = loaders.columns.books

    async def read(database: Database, keys: Sequence[Any]) -> list[Any]:
        found = await fetch_parents_with_pages(database, scope, order, page_request, lookup, keys, columns)
        page_loader.prime_all({parent.id: page for parent, page in filter(None, found)})
        parents = [parent_with_page and parent_with_page[0] for parent_with_page in found]
        parents = await _FILL_IN[lookup.table](database, lookup.column, keys, parents, columns=lookup.columns)
        parent_loader.prime_all(dict(zip(keys, parents, strict=True)))
        return parents

    return loaders.loader((lookup.table, lookup.column, scope.name, order, page_request), read)


def catalog_count(
    loaders: Loaders, read: Callable[..., Coroutine[Any, Any, int]], **options: Any
) -> Loader[int, int]:
    """Load a count of the whole catalog."""
    return catalog_value(loaders, read, **options)


def catalog_value(
    loaders: Loaders, read: Callable[..., Coroutine[Any, Any, V]], **options: Any
) -> Loader[int, V]:
    """Load a value of the whole catalog."""
    return loaders.loader((read, *options.items()), _single_key_batch(read), **options)


def _single_key_batch(
    read: Callable[..., Coroutine[Any, Any, V]],
) -> Callable[..., Coroutine[Any, Any, list[V]]]:
    """Adapt a read of the whole catalog to a batch, whose only key is WHOLE_CATALOG."""

    async def batch(database: Database, *arguments: Any, **options: Any) -> list[V]:
        return [await read(database, *arguments[:-1], **options)]

    return batch
