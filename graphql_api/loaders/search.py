"""Loaders of filtered lists: pages, counts, facets and matches.

A request interprets each search text once and shares the result between these loaders.
"""

from collections.abc import Sequence
from typing import TypeVar

from db.books import Book
from db.database import Database
from db.keyset import Order, Page, PageRequest, Scope
from db.records import CatalogRecord, Columns
from db.search.conditions import Condition
from db.search.facets import FacetRequest, FacetResult, fetch_facets
from db.search.filtered_lists import Count, ListCondition, fetch_filtered_counts, fetch_filtered_pages
from db.search.filters import Filter
from db.search.highlights import Match, matches_by_book_ids
from db.search.list_choice import choose_shorter_list
from db.search.text_query import TextQuery, interpret_texts
from graphql_api.loaders.dataloader import Loader
from graphql_api.loaders.registry import Loaders

R = TypeVar("R", bound=CatalogRecord)


def text_query_loader(loaders: Loaders) -> Loader[str, TextQuery]:
    """Return the loader of interpreted search texts, by text."""
    return loaders.loader("text_query", interpret_texts)


def _list_choice_loader(
    loaders: Loaders, scope: Scope, book_filter: Filter
) -> Loader[tuple[int, ...], tuple[Scope, Sequence[int], ListCondition]]:
    """Return the loader of the list to scan for these parents' books, chosen once for pages and counts."""

    async def read(
        database: Database, keys: Sequence[tuple[int, ...]]
    ) -> list[tuple[Scope, Sequence[int], ListCondition]]:
        text_query = await _load_text_query(loaders, book_filter)
        return [
            await choose_shorter_list(database, scope, parents, book_filter, text_query) for parents in keys
        ]

    return loaders.loader(("list_choice", scope, book_filter), read)


def filtered_book_page_loader(
    loaders: Loaders, scope: Scope, order: Order, page_request: PageRequest, book_filter: Filter
) -> Loader[int, Page[Book]]:
    """Return the loader of a page of filtered books, by parent id."""

    async def read(database: Database, parents: Sequence[int]) -> list[Page[Book]]:
        chosen_scope, keys, condition = await _list_choice_loader(loaders, scope, book_filter).load(
            tuple(parents)
        )
        return await fetch_filtered_pages(
            database, chosen_scope, order, page_request, keys, loaders.columns.books, condition
        )

    return loaders.loader(("filtered_book_page", scope, order, page_request, book_filter), read)


def filtered_page_loader(
    loaders: Loaders,
    scope: Scope,
    order: Order,
    page_request: PageRequest,
    columns: Columns[R],
    condition: Condition,
) -> Loader[int, Page[R]]:
    """Return the loader of a page of filtered records of any type, by parent id."""
    list_condition = ListCondition(condition)

    async def read(database: Database, parents: Sequence[int]) -> list[Page[R]]:
        return await fetch_filtered_pages(
            database, scope, order, page_request, parents, columns, list_condition
        )

    return loaders.loader(("filtered_page", scope, order, page_request, condition), read)


def filtered_count_loader(loaders: Loaders, scope: Scope, condition: Condition) -> Loader[int, Count]:
    """Return the loader of the number of filtered records of any type, by parent id."""

    async def read(database: Database, parents: Sequence[int]) -> list[Count]:
        return await fetch_filtered_counts(database, scope, parents, ListCondition(condition))

    return loaders.loader(("filtered_count", scope, condition), read)


def filtered_book_count_loader(
    loaders: Loaders, scope: Scope, book_filter: Filter, *, ranked: bool
) -> Loader[int, Count]:
    """Return the loader of the number of filtered books, by parent id.

    `ranked` is described at fetch_filtered_counts().
    """

    async def read(database: Database, parents: Sequence[int]) -> list[Count]:
        chosen_scope, keys, condition = await _list_choice_loader(loaders, scope, book_filter).load(
            tuple(parents)
        )
        return await fetch_filtered_counts(database, chosen_scope, keys, condition, ranked=ranked)

    return loaders.loader(("filtered_book_count", scope, book_filter, ranked), read)


def facet_loader(
    loaders: Loaders, scope: Scope, book_filter: Filter
) -> Loader[tuple[int, FacetRequest], FacetResult]:
    """Return the loader of facets, by parent id and request; one statement reads all that are requested."""

    async def read(database: Database, keys: Sequence[tuple[int, FacetRequest]]) -> list[FacetResult]:
        parents = list(dict.fromkeys(parent for parent, _ in keys))
        requests = list(dict.fromkeys(request for _, request in keys))
        text_query = await _load_text_query(loaders, book_filter)
        facets = await fetch_facets(database, scope, parents, requests, book_filter, text_query)
        facets_by_parent = dict(zip(parents, facets, strict=True))
        return [facets_by_parent[parent][request] for parent, request in keys]

    return loaders.loader(("facets", scope, book_filter), read)


def match_loader(loaders: Loaders, book_filter: Filter) -> Loader[int, Match | None]:
    """Return the loader of where and how books match the filter's text, by book id."""

    async def read(database: Database, book_ids: Sequence[int]) -> list[Match | None]:
        text_query = await _load_text_query(loaders, book_filter)
        return await matches_by_book_ids(database, text_query or TextQuery(""), book_ids)

    return loaders.loader(("match", book_filter.text), read)


async def _load_text_query(loaders: Loaders, book_filter: Filter) -> TextQuery | None:
    return None if book_filter.text is None else await text_query_loader(loaders).load(book_filter.text)
