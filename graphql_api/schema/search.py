"""Connections of books: pages as everywhere, and what a search adds to them."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from html import escape
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TypeVar

import strawberry

from db.pages import Order, Page, Scope, Window
from db.search.filters import EVERYTHING, Filter
from db.search.lists import MOST_COUNTED
from db.search.matches import START, STOP, Match
from db.search.ranking import NAMED, RANKED, RANKED_OF_MANY
from db.search.text import LONGEST_TEXT, Meaning
from graphql_api.context import Context
from graphql_api.loading import Known, Loader
from graphql_api.schema.costs import A_ROW, NO_ROW
from graphql_api.schema.facets import Facets
from graphql_api.schema.fields import resolved_for_all
from graphql_api.schema.pagination import (
    Listed,
    PageInfo,
    cursor,
    fingerprint,
    nodes_of,
    page_infos_of,
    pages_of,
    total_counts_capped_of,
    total_counts_of,
)
from graphql_api.searches import count_of_search, match_by_book_id, meaning_by_text, page_of_search

if TYPE_CHECKING:
    from graphql_api.schema.types import Book

T = TypeVar("T")

BookType = Annotated["Book", strawberry.lazy("graphql_api.schema.types")]


@dataclass(slots=True)
class BookListed(Listed):
    """What stands behind a connection of books: also the list it is taken from, and the filter on it."""

    scope: Scope
    wanted: Filter

    @property
    def order_name(self) -> str:
        """What its cursors name: by relevance, the text as well."""
        return fingerprint(self.order, self.wanted.text)


def listed_books(
    context: Context,
    scope: Scope,
    order: Order,
    window: Window,
    wanted: Filter,
    parents: Sequence[tuple[int, int | Loader[int, int]]],
    page: Callable[[], Loader[int, Any]],
) -> list[BookListed]:
    """A connection for each parent, given with the size of its list; `page` has pages without filter."""
    if wanted == EVERYTHING:
        loader = page()
        return [BookListed(order, loader, parent, count, scope, wanted) for parent, count in parents]
    loader = page_of_search(context.loaders, scope, order, window, wanted)
    counts: Any = count_of_search(context.loaders, scope, wanted)
    return [BookListed(order, loader, parent, counts, scope, wanted) for parent, _ in parents]


class BookEntry(NamedTuple):
    """What stands behind an edge."""

    node: Any
    cursor: str
    wanted: Filter


Connections = Sequence[BookListed]


def edges_of(connections: Connections, context: Context) -> Awaitable[list[list[BookEntry]]]:
    name, wanted = connections[0].order_name, connections[0].wanted

    def edges(pages: list[Page[Any]]) -> list[list[BookEntry]]:
        return [
            [
                BookEntry(row, cursor(name, page.position(index)), wanted)
                for index, row in enumerate(page.rows)
            ]
            for page in pages
        ]

    return pages_of(connections, edges)


def did_you_mean_of(connections: Connections, context: Context) -> Awaitable[list[str | None]]:
    text = connections[0].wanted.text
    if text is None:
        return Known([None] * len(connections))

    def meant(meanings: list[Meaning]) -> list[str | None]:
        return [meanings[0].did_you_mean] * len(connections)

    return meaning_by_text(context.loaders).load_all([text]).then(meant)


def searched_texts_of(connections: Connections, context: Context) -> list[str | None]:
    return [connection.wanted.text for connection in connections]


def facets_of(connections: Connections, context: Context) -> Connections:
    return connections


@strawberry.enum(description="A part of a book that a text can be found in.")
class MatchedField(Enum):
    ISBN = strawberry.enum_value("ISBN", description="The ISBN.")
    TITLE = strawberry.enum_value("TITLE", description="The title.")
    AUTHORS = strawberry.enum_value("AUTHORS", description="The names of those who contributed.")
    SUBTITLE = strawberry.enum_value("SUBTITLE", description="The subtitle.")
    CATEGORIES = strawberry.enum_value("CATEGORIES", description="Its categories, or those above them.")
    DESCRIPTION = strawberry.enum_value("DESCRIPTION", description="The description.")


def matches_of(
    entries: Sequence[BookEntry], context: Context, step: Callable[[Sequence[Match | None]], T]
) -> Awaitable[T]:
    """What the step makes of how a level's books match the text."""
    wanted = entries[0].wanted
    if wanted.text is None:
        return Known(step([None] * len(entries)))
    return (
        match_by_book_id(context.loaders, wanted).load_all([entry.node["id"] for entry in entries]).then(step)
    )


def matched_on_of(entries: Sequence[BookEntry], context: Context) -> Awaitable[list[list[MatchedField]]]:
    def fields(matches: Sequence[Match | None]) -> list[list[MatchedField]]:
        return [[MatchedField(name) for name in match.fields] if match else [] for match in matches]

    return matches_of(entries, context, fields)


def highlighted_titles_of(entries: Sequence[BookEntry], context: Context) -> Awaitable[list[str]]:
    def titles(matches: Sequence[Match | None]) -> list[str]:
        return [
            marked(match.title if match else entry.node["title"])
            for entry, match in zip(entries, matches, strict=True)
        ]

    return matches_of(entries, context, titles)


def marked(title: str) -> str:
    return escape(title).replace(START, "<mark>").replace(STOP, "</mark>")


@strawberry.type(description="One book of a list, with its place in it.", directives=[NO_ROW])
class BookEdge:
    node: BookType = strawberry.field(description="The book itself.")
    cursor: str = strawberry.field(description="Its place in the list, for `after` and `before`.")
    matched_on: list[MatchedField] = resolved_for_all(
        matched_on_of, "What a word of the filter's text was found in; empty without a text."
    )
    highlighted_title: str = resolved_for_all(
        highlighted_titles_of,
        "The title as HTML, with <mark> around the words of the filter's text; all else is escaped.",
        reads=["title"],
    )


@strawberry.type(description="One page of a list of books.", directives=[NO_ROW])
class BookConnection:
    edges: list[BookEdge] = resolved_for_all(edges_of, "The books of the page with their cursors.")
    nodes: list[BookType] = resolved_for_all(nodes_of, "The books of the page alone.")
    page_info: PageInfo = resolved_for_all(page_infos_of, "Where the page lies in the list.")
    total_count: int = resolved_for_all(
        total_counts_of,
        f"How many books the whole list has; under a filter counted up to {MOST_COUNTED:,}. By relevance "
        f"{RANKED:,} are listed, those with most ratings; {RANKED_OF_MANY} of a text that finds more than "
        f"{NAMED:,}.",
        A_ROW,
    )
    total_count_is_capped: bool = resolved_for_all(
        total_counts_capped_of, "Whether there are more books than `totalCount`."
    )
    searched_text: str | None = resolved_for_all(
        searched_texts_of,
        f"The text as it was searched: its first {LONGEST_TEXT} characters; null without one.",
    )
    did_you_mean: str | None = resolved_for_all(
        did_you_mean_of, "The text as it was probably meant, where nothing has its words as they were typed."
    )
    facets: Facets = resolved_for_all(
        facets_of, "How many of the books there are by what could be chosen next."
    )
