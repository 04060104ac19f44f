"""Resolvers of the relations between books, authors, categories and series."""

from collections.abc import Awaitable, Sequence
from itertools import islice
from typing import Annotated

import strawberry
from strawberry import UNSET

from db import authors as author_reads
from db import books as book_reads
from db import categories as category_reads
from db.keyset import Order, PageRequest
from db.related import MAX_RELATED
from db.search.filters import NO_FILTER
from db.series import Series
from graphql_api.context import Context
from graphql_api.execution.cost_directives import Cost, ListSize
from graphql_api.execution.fields import BatchResult
from graphql_api.loaders import catalog
from graphql_api.schema.book_connections import BookConnectionSource, build_book_connections
from graphql_api.schema.contributor_role import BookRolesArg, BylineRolesArg, author_scope, role_names
from graphql_api.schema.errors import UserInputError
from graphql_api.schema.filter_inputs import BookFilterArg
from graphql_api.schema.filters import parse_book_filter
from graphql_api.schema.pagination import ConnectionSource

_AUTHORS, _EDITORS = frozenset(["AUTHOR"]), frozenset(["EDITOR"])
_BYLINE = _AUTHORS | _EDITORS
_MAX_ALT_NAMES = 3


def resolve_authors(
    books: Sequence[book_reads.Book], context: Context, roles: BylineRolesArg = UNSET
) -> Awaitable[list[list[author_reads.Contribution]]]:
    names = role_names(roles)

    def contributors(
        contributions: list[list[author_reads.Contribution]],
    ) -> list[list[author_reads.Contribution]]:
        return [contributors_in_roles(of_book, names) for of_book in contributions]

    loader = catalog.authors_by_book_id(context.loaders)
    return loader.load_all([book["id"] for book in books]).then(contributors)


def contributors_in_roles(
    contributions: list[author_reads.Contribution], roles: frozenset[str] | None
) -> list[author_reads.Contribution]:
    """Return a book's contributors in the roles, each once; by default those of its byline.

    An edited volume has no author: its byline names the editors.
    """
    if len(contributions) == 1:
        return contributions if contributions[0]["role"] in (_BYLINE if roles is None else roles) else []
    if roles is None:
        return contributors_in_roles(contributions, _AUTHORS) or contributors_in_roles(
            contributions, _EDITORS
        )
    return list({each["id"]: each for each in contributions if each["role"] in roles}.values())


_DEFAULT_RELATED = 10
RELATED_COST = (
    ListSize(assumed_size=_DEFAULT_RELATED, slicing_arguments=["first"], max_size=MAX_RELATED),
    Cost(weight="10"),
)
"""For each related book about ten are compared."""

_RelatedSizeArg = Annotated[
    int, strawberry.argument(description=f"Maximum number of books: 0 to {MAX_RELATED}.")
]


def resolve_related_books(
    books: Sequence[book_reads.Book], context: Context, first: _RelatedSizeArg = _DEFAULT_RELATED
) -> Awaitable[BatchResult]:
    if not 0 <= first <= MAX_RELATED:
        raise UserInputError("first", f"first is {first}; it must be from 0 to {MAX_RELATED}.")
    loader = catalog.related_books_by_book_id(context.loaders, first)
    return loader.load_all([book["id"] for book in books])


def resolve_cover_alts(books: Sequence[book_reads.Book], context: Context) -> Awaitable[list[str]]:
    """Return a text for each cover. A list that shows bylines reads the names with them, not once more."""

    def alts(contributions: list[list[author_reads.Contribution]]) -> list[str]:
        return [
            _cover_alt(book["title"], contributors_in_roles(of_book, None))
            for book, of_book in zip(books, contributions, strict=True)
        ]

    loader = catalog.authors_by_book_id(context.loaders)
    return loader.load_all([book["id"] for book in books]).then(alts)


def _cover_alt(title: str, byline: Sequence[author_reads.Contribution]) -> str:
    if not byline:
        return title
    names = ", ".join(author["name"] for author in byline[:_MAX_ALT_NAMES])
    return f"{title} – {names}{', …' if len(byline) > _MAX_ALT_NAMES else ''}"


def resolve_author_books(
    authors: Sequence[author_reads.Author],
    context: Context,
    order: Order,
    page_request: PageRequest,
    roles: BookRolesArg = UNSET,
    filter_input: BookFilterArg = UNSET,
) -> list[BookConnectionSource]:
    scope = author_scope(roles)
    return build_book_connections(
        context,
        scope,
        order,
        page_request,
        parse_book_filter(filter_input),
        [(author.id, author.book_count) for author in authors],
        None
        if scope.roles is not None
        else lambda: catalog.books_by_author_id(context.loaders, order, page_request),
    )


def resolve_series_books(
    all_series: Sequence[Series], context: Context, order: Order, page_request: PageRequest
) -> list[BookConnectionSource]:
    count = catalog.count_of_books_by_series_id(context.loaders)
    return build_book_connections(
        context,
        book_reads.BY_SERIES,
        order,
        page_request,
        NO_FILTER,
        [(series.id, count) for series in all_series],
        lambda: catalog.books_by_series_id(context.loaders, page_request),
    )


def resolve_ancestors(
    categories: Sequence[category_reads.Category], context: Context
) -> Awaitable[list[list[category_reads.Category]]]:
    def ancestors_by_category(
        loaded: list[category_reads.Category | None],
    ) -> list[list[category_reads.Category]]:
        ancestors = iter(loaded)
        return [
            [ancestor for ancestor in islice(ancestors, len(category.lineage) - 1) if ancestor]
            for category in categories
        ]

    ancestor_ids = [ancestor_id for category in categories for ancestor_id in category.lineage[:-1]]
    return catalog.category_by_id(context.loaders).load_all(ancestor_ids).then(ancestors_by_category)


def resolve_children(
    categories: Sequence[category_reads.Category], context: Context, order: Order, page_request: PageRequest
) -> list[ConnectionSource]:
    loader = catalog.children_by_category_id(context.loaders, page_request)
    count = catalog.count_of_children_by_category_id(context.loaders)
    return [ConnectionSource(order, loader, category.id, count) for category in categories]


def resolve_category_books(
    categories: Sequence[category_reads.Category],
    context: Context,
    order: Order,
    page_request: PageRequest,
    include_descendants: Annotated[
        bool, strawberry.argument(description="Whether to include the books of descendant categories.")
    ] = True,
    filter_input: BookFilterArg = UNSET,
) -> list[BookConnectionSource]:
    return build_book_connections(
        context,
        book_reads.BY_CATEGORY if include_descendants else book_reads.DIRECTLY_IN_CATEGORY,
        order,
        page_request,
        parse_book_filter(filter_input),
        [
            (category.id, category.book_count if include_descendants else category.direct_book_count)
            for category in categories
        ],
        lambda: catalog.books_by_category_id(
            context.loaders, order, page_request, descendants=include_descendants
        ),
    )
