"""The loaders of searches: pages, counts and facets of the books in a list that fulfil a filter.

What a text means is found out once a request, whatever is asked of it.
"""

from collections.abc import Sequence
from typing import TypeVar

from db.books import Book
from db.database import Database
from db.pages import Order, Page, Scope, Window
from db.rows import Columns, Row
from db.search.conditions import Condition
from db.search.facets import Asked, Counted, facets_of_search
from db.search.filters import Filter
from db.search.lists import Count, Search, counts_of_search, pages_of_search
from db.search.matches import Match, matches_by_book_ids
from db.search.places import shortest
from db.search.text import Meaning, meanings_of_texts
from graphql_api.loaders import Loaders
from graphql_api.loading import Loader

R = TypeVar("R", bound=Row)


def meaning_by_text(loaders: Loaders) -> Loader[str, Meaning]:
    return loaders.loader("meaning_by_text", meanings_of_texts)


def shortest_by_parents(
    loaders: Loaders, scope: Scope, wanted: Filter
) -> Loader[tuple[int, ...], tuple[Scope, Sequence[int], Search]]:
    """The list that pages and counts of these parents' books are read from, chosen once for both."""

    async def read(
        database: Database, keys: Sequence[tuple[int, ...]]
    ) -> list[tuple[Scope, Sequence[int], Search]]:
        meaning = await meaning_of(loaders, wanted)
        return [await shortest(database, scope, parents, wanted, meaning) for parents in keys]

    return loaders.loader(("shortest", scope, wanted), read)


def page_of_search(
    loaders: Loaders, scope: Scope, order: Order, window: Window, wanted: Filter
) -> Loader[int, Page[Book]]:
    """The page of each parent's books."""

    async def read(database: Database, parents: Sequence[int]) -> list[Page[Book]]:
        within, keys, search = await shortest_by_parents(loaders, scope, wanted).load(tuple(parents))
        return await pages_of_search(database, within, order, window, keys, loaders.columns.books, search)

    return loaders.loader(("search", scope, order, window, wanted), read)


def page_of_listed(
    loaders: Loaders,
    scope: Scope,
    order: Order,
    window: Window,
    columns: Columns[R],
    condition: Condition,
) -> Loader[int, Page[R]]:
    """The page of whatever the list holds."""
    search = Search(condition)

    async def read(database: Database, parents: Sequence[int]) -> list[Page[R]]:
        return await pages_of_search(database, scope, order, window, parents, columns, search)

    return loaders.loader(("listed", scope, order, window, condition), read)


def count_of_listed(loaders: Loaders, scope: Scope, condition: Condition) -> Loader[int, Count]:
    """The number of what a list holds."""

    async def read(database: Database, parents: Sequence[int]) -> list[Count]:
        return await counts_of_search(database, scope, parents, Search(condition))

    return loaders.loader(("listed count", scope, condition), read)


def count_of_search(loaders: Loaders, scope: Scope, wanted: Filter) -> Loader[int, Count]:
    """The number of each parent's books."""

    async def read(database: Database, parents: Sequence[int]) -> list[Count]:
        narrowed = await shortest_by_parents(loaders, scope, wanted).load(tuple(parents))
        return await counts_of_search(database, *narrowed)

    return loaders.loader(("search count", scope, wanted), read)


def facets_of(loaders: Loaders, scope: Scope, wanted: Filter) -> Loader[tuple[int, Asked], Counted]:
    """The loader of a parent's facets: all that are asked for together come from one statement."""

    async def read(database: Database, keys: Sequence[tuple[int, Asked]]) -> list[Counted]:
        parents, asked = (
            list(dict.fromkeys(key[0] for key in keys)),
            list(dict.fromkeys(key[1] for key in keys)),
        )
        meaning = await meaning_of(loaders, wanted)
        facets = await facets_of_search(database, scope, parents, asked, wanted, meaning)
        found = dict(zip(parents, facets, strict=True))
        return [found[parent][facet] for parent, facet in keys]

    return loaders.loader(("facets", scope, wanted), read)


def match_by_book_id(loaders: Loaders, wanted: Filter) -> Loader[int, Match | None]:
    """The loader of how a book matches a filter's text."""

    async def read(database: Database, book_ids: Sequence[int]) -> list[Match | None]:
        meaning = await meaning_of(loaders, wanted)
        return await matches_by_book_ids(database, meaning or Meaning(""), book_ids)

    return loaders.loader(("match", wanted.text), read)


async def meaning_of(loaders: Loaders, wanted: Filter) -> Meaning | None:
    return None if wanted.text is None else await meaning_by_text(loaders).load(wanted.text)
