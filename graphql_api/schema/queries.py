"""The root of every query."""

from asyncio import gather
from functools import partial
from typing import Annotated

import strawberry
from strawberry import UNSET

from db import authors as author_reads
from db import books as book_reads
from db import categories as category_reads
from db.pages import Order
from graphql_api.context import Info
from graphql_api.loaders import WHOLE_CATALOG
from graphql_api.schema.errors import BadInput
from graphql_api.schema.fields import resolved_by
from graphql_api.schema.ids import key_of, parsed_id
from graphql_api.schema.inputs import AuthorLookup, BookLookup, CategoryLookup, order_of_books, storable
from graphql_api.schema.pagination import (
    LARGEST_SIZE,
    After,
    Before,
    Connection,
    First,
    Last,
    window,
)
from graphql_api.schema.types import Author, Book, Category, Node, OrderBy, Record

Id = Annotated[strawberry.ID, strawberry.argument(description="A global id.")]
Ids = Annotated[list[strawberry.ID], strawberry.argument(description=f"Global ids, at most {LARGEST_SIZE}.")]
ByBook = Annotated[BookLookup, strawberry.argument(description="Which book.")]
ByAuthor = Annotated[AuthorLookup, strawberry.argument(description="Which author.")]
ByCategory = Annotated[CategoryLookup, strawberry.argument(description="Which category.")]
RootsOnly = Annotated[bool, strawberry.argument(description="Only the categories without a parent.")]


async def node_of(info: Info, argument: str, value: str) -> Record | None:
    loaders = info.context.loaders
    type_name, key = parsed_id(argument, value)
    match type_name:
        case "Book":
            return await loaders.book_by_id.load(key)
        case "Author":
            return await loaders.author_by_id.load(key)
        case "Category":
            return await loaders.category_by_id.load(key)
        case _:
            raise BadInput(argument, f"{value[:60]!r} is an id of type {type_name}: no such type.")


async def node(info: Info, id: Id) -> Record | None:  # noqa: A002
    return await node_of(info, "id", id)


async def nodes(info: Info, ids: Ids) -> list[Record | None]:
    if len(ids) > LARGEST_SIZE:
        raise BadInput("ids", f"ids holds {len(ids)} ids; at most {LARGEST_SIZE} can be asked for at once.")
    return await gather(*(node_of(info, "ids", value) for value in ids))


async def book(info: Info, by: ByBook) -> book_reads.Book | None:
    if by.id is not UNSET and by.id is not None:
        found = await info.context.loaders.book_by_id.load(key_of("by.id", "Book", by.id))
    else:
        found = await info.context.loaders.book_by_isbn.load(str(by.isbn))
    if found:
        info.context.views.note(found.id)
    return found


async def author(info: Info, by: ByAuthor) -> author_reads.Author | None:
    if by.id is not UNSET and by.id is not None:
        return await info.context.loaders.author_by_id.load(key_of("by.id", "Author", by.id))
    return await info.context.loaders.author_by_slug.load(storable("by.slug", by.slug))


async def category(info: Info, by: ByCategory) -> category_reads.Category | None:
    if by.id is not UNSET and by.id is not None:
        return await info.context.loaders.category_by_id.load(key_of("by.id", "Category", by.id))
    return await info.context.loaders.category_by_path.load(storable("by.path", by.path))


def books(
    info: Info,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
    order_by: OrderBy = UNSET,
) -> Connection[Book]:
    order, database = order_of_books(order_by), info.context.database
    asked = window(order, first, after, last, before)
    return Connection(
        order=order,
        page=partial(info.context.loaders.page_of_books(order, asked).load, WHOLE_CATALOG),
        count=partial(book_reads.count_of_books, database),
    )


def authors(
    info: Info, first: First = UNSET, after: After = UNSET, last: Last = UNSET, before: Before = UNSET
) -> Connection[Author]:
    order, database = Order(author_reads.NAME), info.context.database
    asked = window(order, first, after, last, before)
    return Connection(
        order=order,
        page=partial(info.context.loaders.page_of_authors(asked).load, WHOLE_CATALOG),
        count=partial(author_reads.count_of_authors, database),
    )


def categories(
    info: Info,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
    roots_only: RootsOnly = False,
) -> Connection[Category]:
    order, database = Order(category_reads.NAME), info.context.database
    asked = window(order, first, after, last, before)
    return Connection(
        order=order,
        page=partial(info.context.loaders.page_of_categories(asked, roots=roots_only).load, WHOLE_CATALOG),
        count=partial(category_reads.count_of_categories, database, roots=roots_only),
    )


@strawberry.type(description="What can be read from the catalog.")
class Query:
    node: Node | None = resolved_by(node, "Whatever has this global id; null if nothing has it any more.")
    nodes: list[Node | None] = resolved_by(
        nodes, "Whatever has these global ids, in their order; null where nothing has."
    )
    book: Book | None = resolved_by(book, "One book; null if there is none.")
    author: Author | None = resolved_by(author, "One author; null if there is none.")
    category: Category | None = resolved_by(category, "One category; null if there is none.")
    books: Connection[Book] = resolved_by(books, "All books.")
    authors: Connection[Author] = resolved_by(authors, "All authors, by sort name.")
    categories: Connection[Category] = resolved_by(
        categories, "All categories, or the roots of their tree, by name."
    )
