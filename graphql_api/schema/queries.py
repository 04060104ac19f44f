"""The root of every query."""

from collections.abc import Awaitable, Sequence
from typing import Annotated, Any

import strawberry
from strawberry import UNSET

from db import authors as author_reads
from db import books as book_reads
from db import categories as category_reads
from db.pages import Order, Window
from db.search.conditions import ALWAYS
from graphql_api.context import Context
from graphql_api.loaders import WHOLE_CATALOG
from graphql_api.loading import Loader
from graphql_api.schema.connections import asked_ahead, connects
from graphql_api.schema.costs import ListSize
from graphql_api.schema.errors import BadInput
from graphql_api.schema.fields import Ahead, resolved_for_all
from graphql_api.schema.filter_inputs import Wanted, WantedAuthors, WantedCategories
from graphql_api.schema.filters import (
    condition_of_authors,
    condition_of_categories,
    filter_of_books,
)
from graphql_api.schema.ids import key_of, parsed_id
from graphql_api.schema.inputs import AuthorLookup, BookLookup, CategoryLookup, storable
from graphql_api.schema.pagination import LARGEST_SIZE, Connection, Listed
from graphql_api.schema.search import BookConnection, BookListed, listed_books
from graphql_api.schema.suggest import OF_EACH_KIND, Suggestions, typed
from graphql_api.schema.types import Author, Book, Category, Node, Record
from graphql_api.searches import count_of_listed, page_of_listed

Id = Annotated[strawberry.ID, strawberry.argument(description="A global id.")]
Ids = Annotated[list[strawberry.ID], strawberry.argument(description=f"Global ids, at most {LARGEST_SIZE}.")]
ByBook = Annotated[BookLookup, strawberry.argument(description="Which book.")]
ByAuthor = Annotated[AuthorLookup, strawberry.argument(description="Which author.")]
ByCategory = Annotated[CategoryLookup, strawberry.argument(description="Which category.")]
RootsOnly = Annotated[bool, strawberry.argument(description="Only the categories without a parent.")]


BY_IDS = ListSize(assumed_size=LARGEST_SIZE, slicing_arguments=["ids"])

Root = Sequence[None]
"""The root is one object without content; so are the answers of its level: one."""


async def records_of(context: Context, argument: str, ids: Sequence[str]) -> list[Record | None]:
    """What has the global ids, read with one statement for each type."""
    named = [parsed_id(argument, value) for value in ids]
    loaders: dict[str, Loader[int, Any]] = {
        "Book": context.loaders.book_by_id,
        "Author": context.loaders.author_by_id,
        "Category": context.loaders.category_by_id,
    }
    for value, (type_name, _) in zip(ids, named, strict=True):
        if type_name not in loaders:
            raise BadInput(argument, f"{value[:60]!r} is an id of type {type_name}: no such type.")
    loading = {
        type_name: loader.load_all([key for named_type, key in named if named_type == type_name])
        for type_name, loader in loaders.items()
    }
    found = {type_name: iter(await values) for type_name, values in loading.items()}
    return [next(found[type_name]) for type_name, _ in named]


async def node(root: Root, context: Context, id: Id) -> list[Record | None]:  # noqa: A002
    return await records_of(context, "id", [id])


async def nodes(root: Root, context: Context, ids: Ids) -> list[list[Record | None]]:
    if len(ids) > LARGEST_SIZE:
        raise BadInput("ids", f"ids holds {len(ids)} ids; at most {LARGEST_SIZE} can be asked for at once.")
    return [await records_of(context, "ids", ids)]


def book(root: Root, context: Context, by: ByBook) -> Awaitable[list[book_reads.Book | None]]:
    def viewed(found: list[book_reads.Book | None]) -> list[book_reads.Book | None]:
        if found[0]:
            context.view(found[0].id)
        return found

    loaders = context.loaders
    if isinstance(by.id, str):
        return loaders.book_by_id.load_all([key_of("by.id", "Book", by.id)]).then(viewed)
    return loaders.book_by_isbn.load_all([str(by.isbn)]).then(viewed)


def author(
    root: Root, context: Context, by: ByAuthor, ahead: Ahead | None = None
) -> Awaitable[list[author_reads.Author | None]]:
    loaders = context.loaders
    by_id = isinstance(by.id, str)
    key = key_of("by.id", "Author", str(by.id)) if by_id else storable("by.slug", by.slug)
    loader: Loader[Any, author_reads.Author | None]
    pages = asked_ahead(None, ahead)
    if pages:
        order, window, _ = pages[0]
        loader = loaders.author_with_books("id" if by_id else "slug", order, window)
    else:
        loader = loaders.author_by_id if by_id else loaders.author_by_slug
    return loader.load_all([key])


def category(
    root: Root, context: Context, by: ByCategory, ahead: Ahead | None = None
) -> Awaitable[list[category_reads.Category | None]]:
    loaders = context.loaders
    by_id = isinstance(by.id, str)
    key = key_of("by.id", "Category", str(by.id)) if by_id else storable("by.path", by.path)
    column = "id" if by_id else "path"
    loader: Loader[Any, category_reads.Category | None]
    of_books = ahead is not None and ahead.field == "books"
    pages = asked_ahead(None if of_books else category_reads.BY_NAME, ahead)
    if pages and of_books:
        order, window, rest = pages[0]
        descendants = rest.get("include_descendants", True)
        loader = loaders.category_with_books(column, order, window, descendants=descendants)
    elif pages:
        loader = loaders.category_with_children(column, [window for _, window, _ in pages])
    else:
        loader = loaders.category_by_id if by_id else loaders.category_by_path
    return loader.load_all([key])


def books(
    root: Root, context: Context, order: Order, window: Window, wanted: Wanted = UNSET
) -> list[BookListed]:
    loaders = context.loaders
    return listed_books(
        context,
        book_reads.IN_CATALOG,
        order,
        window,
        filter_of_books(wanted),
        [(WHOLE_CATALOG, loaders.count(book_reads.count_of_books))],
        lambda: loaders.page_of_books(order, window),
    )


def authors(
    root: Root, context: Context, order: Order, window: Window, wanted: WantedAuthors = UNSET
) -> list[Listed]:
    loaders = context.loaders
    condition = condition_of_authors(wanted)
    if condition != ALWAYS:
        scope = author_reads.IN_CATALOG
        page = page_of_listed(loaders, scope, order, window, loaders.columns.authors, condition)
        return [Listed(order, page, WHOLE_CATALOG, count_of_listed(loaders, scope, condition))]
    count = loaders.count(author_reads.count_of_authors)
    return [Listed(order, loaders.page_of_authors(window), WHOLE_CATALOG, count)]


def categories(
    root: Root,
    context: Context,
    order: Order,
    window: Window,
    roots_only: RootsOnly = False,
    wanted: WantedCategories = UNSET,
) -> list[Listed]:
    loaders = context.loaders
    condition = condition_of_categories(wanted)
    if condition != ALWAYS:
        scope = category_reads.ROOTS if roots_only else category_reads.IN_CATALOG
        page = page_of_listed(loaders, scope, order, window, loaders.columns.categories, condition)
        return [Listed(order, page, WHOLE_CATALOG, count_of_listed(loaders, scope, condition))]
    count = loaders.count(category_reads.count_of_categories, roots=roots_only)
    return [Listed(order, loaders.page_of_categories(window, roots=roots_only), WHOLE_CATALOG, count)]


@strawberry.type(description="What can be read from the catalog.")
class Query:
    node: Node | None = resolved_for_all(
        node, "Whatever has this global id; null if nothing has it any more."
    )
    nodes: list[Node | None] = resolved_for_all(
        nodes, "Whatever has these global ids, in their order; null where nothing has.", BY_IDS
    )
    book: Book | None = resolved_for_all(book, "One book; null if there is none.")
    author: Author | None = resolved_for_all(author, "One author; null if there is none.", ahead=["books"])
    category: Category | None = resolved_for_all(
        category, "One category; null if there is none.", ahead=["books", "children"]
    )
    books: BookConnection = connects(books, "All books, or those that a filter lets through.")
    authors: Connection[Author] = connects(authors, "All authors, by sort name.", order=author_reads.BY_NAME)
    categories: Connection[Category] = connects(
        categories, "All categories, or the roots of their tree, by name.", order=category_reads.BY_NAME
    )
    suggest: Suggestions = resolved_for_all(
        typed, "What begins with what somebody has typed, for search as they type.", OF_EACH_KIND
    )
