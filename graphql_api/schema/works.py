"""Resolvers of works, and of the editions of a work or of a book."""

from collections.abc import Awaitable, Sequence

from db.authors import Contribution
from db.books import UPDATED, Book
from db.keyset import Order, PageRequest, Scope
from db.search.filters import NO_FILTER
from db.trends import TRENDING
from db.works import EDITIONS, OTHER_EDITIONS, Work
from graphql_api.context import Context
from graphql_api.execution.cost_directives import Cost
from graphql_api.execution.fields import BatchResult
from graphql_api.loaders import catalog
from graphql_api.loaders.dataloader import Loader
from graphql_api.schema.book_connections import BookConnectionSource, build_book_connections
from graphql_api.schema.errors import UserInputError
from graphql_api.schema.relations import contributors_in_roles

WORK_COST = Cost(weight="5")
"""The titles of about five books are compared."""


def resolve_work(books: Sequence[Book], context: Context) -> Awaitable[BatchResult]:
    return catalog.work_by_book_id(context.loaders).load_all([book["id"] for book in books])


def resolve_work_authors(works: Sequence[Work], context: Context) -> Awaitable[list[list[Contribution]]]:
    def bylines(
        contributions: list[list[Contribution]],
    ) -> list[list[Contribution]]:
        return [contributors_in_roles(of_book, None) for of_book in contributions]

    loader = catalog.authors_by_book_id(context.loaders)
    return loader.load_all([work.book_id for work in works]).then(bylines)


def resolve_editions(
    works: Sequence[Work], context: Context, order: Order, page_request: PageRequest
) -> list[BookConnectionSource]:
    return _editions(
        context, EDITIONS, order, page_request, [(work.id, work.edition_count) for work in works]
    )


def resolve_other_editions(
    books: Sequence[Book], context: Context, order: Order, page_request: PageRequest
) -> list[BookConnectionSource]:
    count = catalog.count_of_other_editions_by_book_id(context.loaders)
    return _editions(context, OTHER_EDITIONS, order, page_request, [(book["id"], count) for book in books])


def _editions(
    context: Context,
    scope: Scope,
    order: Order,
    page_request: PageRequest,
    parents: Sequence[tuple[int, int | Loader[int, int]]],
) -> list[BookConnectionSource]:
    """Return a source for each (book or work id, number of editions).

    Raise UserInputError for an order that needs a list of another kind.
    """
    if order.key in (TRENDING, UPDATED):
        raise UserInputError(
            "orderBy",
            f"orderBy.field {order.key.name.upper()} is not possible for editions. Use ADDED, POPULARITY, "
            "PRICE, PUBLICATION, RATING or TITLE.",
        )
    return build_book_connections(
        context,
        scope,
        order,
        page_request,
        NO_FILTER,
        parents,
        lambda: catalog.page_of_editions(context.loaders, scope, order, page_request),
    )
