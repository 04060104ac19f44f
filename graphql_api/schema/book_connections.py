"""Sources of book connections, and the resolvers of their fields: pages, and what a search adds."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from html import escape
from typing import Any, NamedTuple, TypeVar

import strawberry

from db.books import ALL_BOOKS, UPDATED
from db.keyset import Order, Page, PageRequest, Scope
from db.search.filters import NO_FILTER, Filter
from db.search.highlights import MARK_START, MARK_STOP, Match
from db.search.ranking import RELEVANCE
from db.search.text_query import TextQuery
from db.trends import TRENDING, trending_scope
from graphql_api.context import Context
from graphql_api.loaders.dataloader import Loader, ResolvedValue
from graphql_api.loaders.search import (
    filtered_book_count_loader,
    filtered_book_page_loader,
    match_loader,
    text_query_loader,
)
from graphql_api.schema.errors import UserInputError
from graphql_api.schema.pagination import ConnectionSource, cursor_scope, encode_cursor, map_pages

T = TypeVar("T")


@dataclass(slots=True)
class BookConnectionSource(ConnectionSource):
    """The source of a connection of books, with the scope of its list and its filter."""

    scope: Scope
    book_filter: Filter

    @property
    def cursor_scope(self) -> str:
        """The scope that its cursors name: the order, and the search text if the order is by relevance."""
        return cursor_scope(self.order, self.book_filter.text)


def build_book_connections(
    context: Context,
    scope: Scope,
    order: Order,
    page_request: PageRequest,
    book_filter: Filter,
    parents: Sequence[tuple[int, int | Loader[int, int]]],
    unfiltered_page_loader: Callable[[], Loader[int, Any]] | None,
) -> list[BookConnectionSource]:
    """Return a source for each (parent id, book count).

    `unfiltered_page_loader` is called if there is no filter. It is None if only the loader of filtered books
    can read the scope; the book counts of the parents are then not those of the scope. Raise UserInputError
    if the list cannot be in this order.
    """
    page_filter = book_filter
    if order.key is TRENDING:
        scope, unfiltered_page_loader = trending_scope(scope), None
        page_filter = book_filter = replace(book_filter, restriction=None)
    if order.key is UPDATED:
        if scope != ALL_BOOKS:
            raise UserInputError(
                "orderBy",
                "orderBy.field UPDATED is for the root field books only. Filter that one by author or "
                "category, and by updatedAt.",
            )
        page_filter = replace(book_filter, restriction=None)
    if book_filter == NO_FILTER and unfiltered_page_loader:
        loader = unfiltered_page_loader()
        return [
            BookConnectionSource(order, loader, parent, count, scope, book_filter)
            for parent, count in parents
        ]
    loader = filtered_book_page_loader(context.loaders, scope, order, page_request, page_filter)
    counts: Any = filtered_book_count_loader(
        context.loaders, scope, book_filter, ranked=order.key == RELEVANCE
    )
    return [BookConnectionSource(order, loader, parent, counts, scope, book_filter) for parent, _ in parents]


class _BookEdgeSource(NamedTuple):
    """The source of an edge, with the filter of its connection."""

    node: Any
    cursor: str
    book_filter: Filter


Connections = Sequence[BookConnectionSource]


def resolve_book_edges(connections: Connections, context: Context) -> Awaitable[list[list[_BookEdgeSource]]]:
    scope, book_filter = connections[0].cursor_scope, connections[0].book_filter

    def edges(pages: list[Page[Any]]) -> list[list[_BookEdgeSource]]:
        return [
            [
                _BookEdgeSource(row, encode_cursor(scope, page.position(index)), book_filter)
                for index, row in enumerate(page.rows)
            ]
            for page in pages
        ]

    return map_pages(connections, edges)


def resolve_did_you_mean(connections: Connections, context: Context) -> Awaitable[list[str | None]]:
    text = connections[0].book_filter.text
    if text is None:
        return ResolvedValue([None] * len(connections))

    def suggestions(text_queries: list[TextQuery]) -> list[str | None]:
        return [text_queries[0].did_you_mean] * len(connections)

    return text_query_loader(context.loaders).load_all([text]).then(suggestions)


def resolve_searched_texts(connections: Connections, context: Context) -> list[str | None]:
    return [connection.book_filter.text for connection in connections]


def resolve_facets(connections: Connections, context: Context) -> Connections:
    return connections


@strawberry.enum(description="A part of a book in which a search text can match.")
class MatchedField(Enum):
    ISBN = strawberry.enum_value("ISBN", description="The ISBN.")
    TITLE = strawberry.enum_value("TITLE", description="The title.")
    AUTHORS = strawberry.enum_value("AUTHORS", description="The names of the contributors.")
    SUBTITLE = strawberry.enum_value("SUBTITLE", description="The subtitle or the series.")
    CATEGORIES = strawberry.enum_value("CATEGORIES", description="The book's categories, or their ancestors.")
    DESCRIPTION = strawberry.enum_value("DESCRIPTION", description="The description.")


def _map_matches(
    entries: Sequence[_BookEdgeSource], context: Context, step: Callable[[Sequence[Match | None]], T]
) -> Awaitable[T]:
    """Load how a level's books match the search text and apply `step` to the matches."""
    book_filter = entries[0].book_filter
    if book_filter.text is None:
        return ResolvedValue(step([None] * len(entries)))
    return (
        match_loader(context.loaders, book_filter)
        .load_all([entry.node["id"] for entry in entries])
        .then(step)
    )


def resolve_matched_on(
    entries: Sequence[_BookEdgeSource], context: Context
) -> Awaitable[list[list[MatchedField]]]:
    def fields(matches: Sequence[Match | None]) -> list[list[MatchedField]]:
        return [[MatchedField(name) for name in match.fields] if match else [] for match in matches]

    return _map_matches(entries, context, fields)


def resolve_highlighted_titles(entries: Sequence[_BookEdgeSource], context: Context) -> Awaitable[list[str]]:
    def titles(matches: Sequence[Match | None]) -> list[str]:
        return [
            _highlight_html(match.title if match else entry.node["title"])
            for entry, match in zip(entries, matches, strict=True)
        ]

    return _map_matches(entries, context, titles)


def _highlight_html(title: str) -> str:
    return escape(title).replace(MARK_START, "<mark>").replace(MARK_STOP, "</mark>")
