"""The Query type and the resolvers of its fields."""

from collections.abc import Awaitable, Container, Sequence
from typing import Annotated, Any

import strawberry
from strawberry import UNSET

from db import authors as author_reads
from db import books as book_reads
from db import categories as category_reads
from db import series as series_reads
from db.keyset import Order, PageRequest
from db.search.conditions import ALWAYS
from graphql_api.access.roles import Role
from graphql_api.context import Context
from graphql_api.execution.cost_directives import ListSize
from graphql_api.execution.fields import Prefetch, batch_field
from graphql_api.loaders import catalog
from graphql_api.loaders.catalog import WHOLE_CATALOG
from graphql_api.loaders.dataloader import Loader
from graphql_api.loaders.search import filtered_count_loader, filtered_page_loader
from graphql_api.schema.book_connections import BookConnectionSource, build_book_connections
from graphql_api.schema.book_slugs import parse_book_slug
from graphql_api.schema.catalog import Catalog, CatalogSource
from graphql_api.schema.connections import connection_field, prefetch_requests
from graphql_api.schema.errors import UserInputError
from graphql_api.schema.filter_inputs import AuthorFilterArg, BookFilterArg, CategoryFilterArg
from graphql_api.schema.filters import parse_book_filter, parse_filter
from graphql_api.schema.ids import parse_database_id, parse_global_id
from graphql_api.schema.inputs import (
    AuthorLookup,
    BookLookup,
    CategoryLookup,
    SeriesLookup,
    SourceKeyInput,
    check_isbn,
    check_storable_text,
)
from graphql_api.schema.node import Node, Record
from graphql_api.schema.pagination import MAX_PAGE_SIZE, Connection, ConnectionSource
from graphql_api.schema.record_orders import AUTHOR_ORDERS, CATEGORY_ORDERS
from graphql_api.schema.restrictions import restrict_to
from graphql_api.schema.suggest import SUGGEST_COST, Suggestions, resolve_suggest
from graphql_api.schema.types import Author, Book, BookConnection, Category, Series

_IdArg = Annotated[strawberry.ID, strawberry.argument(description="A global id.")]
_IdsArg = Annotated[
    list[strawberry.ID], strawberry.argument(description=f"Global ids; at most {MAX_PAGE_SIZE}.")
]
_IsbnsArg = Annotated[
    list[str],
    strawberry.argument(description=f"ISBN-10 or ISBN-13 in any form; at most {MAX_PAGE_SIZE}."),
]
_BookLookupArg = Annotated[BookLookup, strawberry.argument(description="The key of the book.")]
_AuthorLookupArg = Annotated[AuthorLookup, strawberry.argument(description="The key of the author.")]
_CategoryLookupArg = Annotated[CategoryLookup, strawberry.argument(description="The key of the category.")]
_SeriesLookupArg = Annotated[SeriesLookup, strawberry.argument(description="The key of the series.")]
_RootsOnlyArg = Annotated[
    bool, strawberry.argument(description="Return only root categories: those without a parent.")
]


_NODES_COST = ListSize(assumed_size=MAX_PAGE_SIZE, slicing_arguments=["ids"], max_size=MAX_PAGE_SIZE)
_ISBNS_COST = ListSize(assumed_size=MAX_PAGE_SIZE, slicing_arguments=["isbns"], max_size=MAX_PAGE_SIZE)

Root = Sequence[None]
"""The root level has one object, None; so its batch resolvers return one value."""


async def _load_nodes(
    context: Context, ids: Sequence[str], arguments: Sequence[str]
) -> list[Record | UserInputError | None]:
    """Load the records with these global ids, in order, with one statement per type.

    An invalid id has an error at its place. `arguments` are the paths of the ids.
    """
    loaders: dict[str, Loader[int, Any]] = {
        "Book": catalog.book_by_id(context.loaders, unpublished=context.sees_unpublished),
        "Author": catalog.author_by_id(context.loaders),
        "Category": catalog.category_by_id(context.loaders),
        "Series": catalog.series_by_id(context.loaders, unpublished=context.sees_unpublished),
        "Work": catalog.work_by_id(context.loaders, unpublished=context.sees_unpublished),
    }
    parsed_ids = [
        _parse_node_id(argument, value, loaders) for argument, value in zip(arguments, ids, strict=True)
    ]
    valid_ids = [each for each in parsed_ids if not isinstance(each, UserInputError)]
    pending = {
        type_name: loader.load_all([key for id_type, key in valid_ids if id_type == type_name])
        for type_name, loader in loaders.items()
    }
    records = {type_name: iter(await values) for type_name, values in pending.items()}
    return [each if isinstance(each, UserInputError) else next(records[each[0]]) for each in parsed_ids]


def _parse_node_id(argument: str, value: str, type_names: Container[str]) -> tuple[str, int] | UserInputError:
    """Return the type and the database id of one of these types, or the error of an invalid id."""
    try:
        type_name, key = parse_global_id(argument, value)
    except UserInputError as error:
        return error
    if type_name in type_names:
        return type_name, key
    return UserInputError(argument, f"{argument} is {value[:60]!r}, an id of the unknown type {type_name}.")


async def _resolve_node(root: Root, context: Context, id: _IdArg) -> list[Record | UserInputError | None]:  # noqa: A002
    return await _load_nodes(context, [id], ["id"])


async def _resolve_nodes(
    root: Root, context: Context, ids: _IdsArg
) -> list[list[Record | UserInputError | None]]:
    if len(ids) > MAX_PAGE_SIZE:
        raise UserInputError("ids", f"ids has {len(ids)} ids; at most {MAX_PAGE_SIZE} are allowed.")
    return [await _load_nodes(context, ids, [f"ids[{index}]" for index in range(len(ids))])]


def _resolve_book(
    root: Root, context: Context, by: _BookLookupArg
) -> Awaitable[list[book_reads.Book | None]]:
    def record_view(loaded: list[book_reads.Book | None]) -> list[book_reads.Book | None]:
        if loaded[0]:
            context.record_view(loaded[0].id)
        return loaded

    loaders, unpublished = context.loaders, context.sees_unpublished
    if isinstance(by.id, str) or isinstance(by.slug, str):
        key = (
            parse_database_id("by.id", "Book", by.id)
            if isinstance(by.id, str)
            else parse_book_slug("by.slug", str(by.slug))
        )
        return catalog.book_by_id(loaders, unpublished=unpublished).load_all([key]).then(record_view)
    if isinstance(by.source_key, SourceKeyInput):
        key = (
            check_storable_text("by.sourceKey.source", by.source_key.source),
            check_storable_text("by.sourceKey.sourceId", by.source_key.source_id),
        )
        source_loader = catalog.book_by_source_key(loaders, unpublished=unpublished)
        return source_loader.load_all([key]).then(record_view)
    isbn_loader = catalog.book_by_isbn(loaders, unpublished=unpublished)
    return isbn_loader.load_all([str(by.isbn)]).then(record_view)


def _resolve_books_by_isbn(
    root: Root, context: Context, isbns: _IsbnsArg
) -> Awaitable[list[list[book_reads.Book | UserInputError | None]]]:
    if len(isbns) > MAX_PAGE_SIZE:
        raise UserInputError("isbns", f"isbns has {len(isbns)} ISBNs; at most {MAX_PAGE_SIZE} are allowed.")
    parsed = [_parse_isbn(f"isbns[{index}]", isbn) for index, isbn in enumerate(isbns)]
    loader = catalog.book_by_isbn(context.loaders, unpublished=context.sees_unpublished)

    def at_their_places(
        books: list[book_reads.Book | None],
    ) -> list[list[book_reads.Book | UserInputError | None]]:
        found = iter(books)
        return [[each if isinstance(each, UserInputError) else next(found) for each in parsed]]

    return loader.load_all([each for each in parsed if isinstance(each, str)]).then(at_their_places)


def _parse_isbn(argument: str, isbn: str) -> str | UserInputError:
    try:
        return check_isbn(argument, isbn)
    except UserInputError as error:
        return error


def _resolve_author(
    root: Root, context: Context, by: _AuthorLookupArg, prefetch: Prefetch | None = None
) -> Awaitable[list[author_reads.Author | None]]:
    loaders = context.loaders
    by_id = isinstance(by.id, str)
    key = (
        parse_database_id("by.id", "Author", str(by.id)) if by_id else check_storable_text("by.slug", by.slug)
    )
    loader: Loader[Any, author_reads.Author | None]
    page_requests = prefetch_requests(None, prefetch)
    if page_requests:
        order, page_request, _ = page_requests[0]
        loader = catalog.author_with_books(loaders, "id" if by_id else "slug", order, page_request)
    else:
        loader = catalog.author_by_id(loaders) if by_id else catalog.author_by_slug(loaders)
    return loader.load_all([key])


def _resolve_category(
    root: Root, context: Context, by: _CategoryLookupArg, prefetch: Prefetch | None = None
) -> Awaitable[list[category_reads.Category | None]]:
    loaders = context.loaders
    by_id = isinstance(by.id, str)
    key = (
        parse_database_id("by.id", "Category", str(by.id))
        if by_id
        else check_storable_text("by.path", by.path)
    )
    column = "id" if by_id else "path"
    loader: Loader[Any, category_reads.Category | None]
    prefetches_books = prefetch is not None and prefetch.field == "books"
    page_requests = prefetch_requests(None if prefetches_books else category_reads.BY_NAME, prefetch)
    if page_requests and prefetches_books:
        order, page_request, other = page_requests[0]
        descendants = other.get("include_descendants", True)
        loader = catalog.category_with_books(loaders, column, order, page_request, descendants=descendants)
    elif page_requests:
        loader = catalog.category_with_children(
            loaders, column, [page_request for _, page_request, _ in page_requests]
        )
    else:
        loader = catalog.category_by_id(loaders) if by_id else catalog.category_by_path(loaders)
    return loader.load_all([key])


def _resolve_series(
    root: Root, context: Context, by: _SeriesLookupArg
) -> Awaitable[list[series_reads.Series | None]]:
    loaders, unpublished = context.loaders, context.sees_unpublished
    if isinstance(by.id, str):
        key = parse_database_id("by.id", "Series", by.id)
        return catalog.series_by_id(loaders, unpublished=unpublished).load_all([key])
    slug = check_storable_text("by.slug", by.slug)
    return catalog.series_by_slug(loaders, unpublished=unpublished).load_all([slug])


def _resolve_books(
    root: Root, context: Context, order: Order, page_request: PageRequest, filter_input: BookFilterArg = UNSET
) -> list[BookConnectionSource]:
    loaders = context.loaders
    return build_book_connections(
        context,
        book_reads.ALL_BOOKS,
        order,
        page_request,
        parse_book_filter(filter_input),
        [(WHOLE_CATALOG, catalog.catalog_count(loaders, book_reads.count_books))],
        lambda: catalog.page_of_books(loaders, order, page_request),
    )


def _resolve_unpublished_books(
    root: Root, context: Context, order: Order, page_request: PageRequest
) -> list[BookConnectionSource]:
    loaders = context.loaders
    return build_book_connections(
        context,
        book_reads.UNPUBLISHED_BOOKS,
        order,
        page_request,
        parse_book_filter(UNSET),
        [(WHOLE_CATALOG, catalog.catalog_count(loaders, book_reads.count_unpublished_books))],
        lambda: catalog.page_of_unpublished_books(loaders, order, page_request),
    )


def _resolve_catalog(root: Root, context: Context) -> list[CatalogSource]:
    return [CatalogSource()]


def _resolve_authors(
    root: Root,
    context: Context,
    order: Order,
    page_request: PageRequest,
    filter_input: AuthorFilterArg = UNSET,
) -> list[ConnectionSource]:
    loaders = context.loaders
    condition = parse_filter(filter_input)
    if condition != ALWAYS:
        scope = author_reads.ALL_AUTHORS
        page = filtered_page_loader(loaders, scope, order, page_request, loaders.columns.authors, condition)
        return [
            ConnectionSource(order, page, WHOLE_CATALOG, filtered_count_loader(loaders, scope, condition))
        ]
    count = catalog.catalog_count(loaders, author_reads.count_authors)
    return [
        ConnectionSource(order, catalog.page_of_authors(loaders, order, page_request), WHOLE_CATALOG, count)
    ]


def _resolve_categories(
    root: Root,
    context: Context,
    order: Order,
    page_request: PageRequest,
    roots_only: _RootsOnlyArg = False,
    filter_input: CategoryFilterArg = UNSET,
) -> list[ConnectionSource]:
    loaders = context.loaders
    condition = parse_filter(filter_input)
    if condition != ALWAYS:
        scope = category_reads.ROOTS if roots_only else category_reads.ALL_CATEGORIES
        page = filtered_page_loader(
            loaders, scope, order, page_request, loaders.columns.categories, condition
        )
        return [
            ConnectionSource(order, page, WHOLE_CATALOG, filtered_count_loader(loaders, scope, condition))
        ]
    count = catalog.catalog_count(loaders, category_reads.count_categories, roots=roots_only)
    return [
        ConnectionSource(
            order,
            catalog.page_of_categories(loaders, order, page_request, roots=roots_only),
            WHOLE_CATALOG,
            count,
        )
    ]


@strawberry.type(description="Queries on the catalog.")
class Query:
    node: Node | None = batch_field(
        _resolve_node,
        "The book, author, category, series or work with this global id; null if it does not exist.",
    )
    nodes: list[Node | None] = batch_field(
        _resolve_nodes,
        "The books, authors, categories, series and works with these global ids, in the same order; null for "
        "each that does not exist. An invalid id is null, too, with an error.",
        _NODES_COST,
    )
    book: Book | None = batch_field(_resolve_book, "The book with this key; null if it does not exist.")
    books_by_isbn: list[Book | None] = batch_field(
        _resolve_books_by_isbn,
        "The books with these ISBNs, for example of a cart, in the same order; null for each that does not "
        "exist. An invalid ISBN is null, too, with an error. No views are counted.",
        _ISBNS_COST,
    )
    author: Author | None = batch_field(
        _resolve_author, "The author with this key; null if they do not exist.", prefetchable=["books"]
    )
    category: Category | None = batch_field(
        _resolve_category,
        "The category with this key; null if it does not exist.",
        prefetchable=["books", "children"],
    )
    series: Series | None = batch_field(
        _resolve_series, "The series with this key; null if it does not exist."
    )
    books: BookConnection = connection_field(_resolve_books, "All books, or those that match a filter.")
    unpublished_books: BookConnection = restrict_to(
        Role.EDITOR,
        connection_field(
            _resolve_unpublished_books,
            "The books that are off sale, the first added first.",
            order=Order(book_reads.ADDED),
        ),
    )
    authors: Connection[Author] = connection_field(
        _resolve_authors,
        "All authors, or those that match a filter.",
        orders=AUTHOR_ORDERS,
    )
    categories: Connection[Category] = connection_field(
        _resolve_categories,
        "All categories, only the root categories, or those that match a filter.",
        orders=CATEGORY_ORDERS,
    )
    catalog: Catalog = batch_field(_resolve_catalog, "The catalog as a whole.")
    suggest: Suggestions = batch_field(
        resolve_suggest,
        "Suggestions for a search field: books, authors and categories that start with the text typed.",
        SUGGEST_COST,
    )
