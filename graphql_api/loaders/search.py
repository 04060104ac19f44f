"""Loaders of filtered lists: pages, counts, facets and matches.

A request interprets each search text once and shares the result between these loaders. Their reads refer to
other loaders, not to Loaders: a reference cycle per request would keep the garbage collector busy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from db.books import Book
from db.database import Database
from db.keyset import Order, Page, PageRequest, Scope
from db.records import CatalogRecord, Columns
from db.search.conditions import Condition
from db.search.facets import FacetRequest, FacetResult, fetch_facets
from db.search.filtered_lists import Count, fetch_filtered_counts, fetch_filtered_pages
from db.search.filters import Filter
from db.search.highlights import Match, matches_by_book_ids
from db.search.list_choice import choose_shorter_list
from db.search.list_condition import ListCondition
from db.search.ranked_hits import RankedHits, fetch_ranked_hits
from db.search.ranking import RELEVANCE
from db.search.record_keys import resolve_record_keys
from db.search.text_query import TextQuery, interpret_texts
from db.trends import TRENDING, locate_positions
from graphql_api.loaders.dataloader import Loader
from graphql_api.loaders.registry import Loaders

R = TypeVar("R", bound=CatalogRecord)


def text_query_loader(loaders: Loaders) -> Loader[str, TextQuery]:
    """Return the loader of interpreted search texts, by text."""
    return loaders.loader("text_query", interpret_texts, cache=loaders.vocabulary_cache)


def _resolved_filter_loader(loaders: Loaders, book_filter: Filter) -> Loader[Filter, Filter] | None:
    """Return the loader that replaces slugs and paths in filters by ids; None if the filter has neither."""
    return loaders.loader("resolved_filter", resolve_record_keys) if book_filter.record_keys else None


_ListChoice = tuple[Scope, Sequence[int], ListCondition]


def _list_choice_loader(
    loaders: Loaders, scope: Scope, book_filter: Filter
) -> Loader[tuple[int, ...], _ListChoice]:
    """Return the loader of the list to scan for these parents' books, chosen once for pages and counts."""
    text_queries = text_query_loader(loaders)
    resolved_filters = _resolved_filter_loader(loaders, book_filter)

    async def read(database: Database, keys: Sequence[tuple[int, ...]]) -> list[_ListChoice]:
        text_query = await _load_one(text_queries, book_filter.text)
        resolved = await _load_one(resolved_filters, book_filter) if resolved_filters else book_filter
        return [await choose_shorter_list(database, scope, parents, resolved, text_query) for parents in keys]

    return loaders.loader(("list_choice", scope, book_filter), read)


def _ranked_hits_loader(
    loaders: Loaders, scope: Scope, book_filter: Filter
) -> Loader[tuple[int, ...], list[RankedHits] | None]:
    """Return the loader of the ranked hits of these parents, read once for pages and counts.

    They are None if all hits of the text are ranked already.
    """
    choices = _list_choice_loader(loaders, scope, book_filter)

    async def read(database: Database, keys: Sequence[tuple[int, ...]]) -> list[list[RankedHits] | None]:
        found: list[list[RankedHits] | None] = []
        for parents in keys:
            choice = await _load_one(choices, parents)
            is_ranked = choice[-1].hits is not None
            found.append(None if is_ranked else await fetch_ranked_hits(database, *choice))
        return found

    return loaders.loader(("ranked_hits", scope, book_filter), read)


def filtered_book_page_loader(
    loaders: Loaders, scope: Scope, order: Order, page_request: PageRequest, book_filter: Filter
) -> Loader[int, Page[Book]]:
    """Return the loader of a page of filtered books, by parent id."""
    choices, columns = _list_choice_loader(loaders, scope, book_filter), loaders.columns.books
    ranked_hits = _ranked_hits_loader(loaders, scope, book_filter) if order.key is RELEVANCE else None

    async def read(database: Database, parents: Sequence[int]) -> list[Page[Book]]:
        chosen_scope, keys, condition = await _load_one(choices, tuple(parents))
        located = page_request
        if order.key is TRENDING:
            located = await locate_positions(database, page_request)
        ranked = await _load_one(ranked_hits, tuple(parents)) if ranked_hits else None
        return await fetch_filtered_pages(
            database, chosen_scope, order, located, keys, columns, condition, ranked
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

    `ranked`: the list is sorted by relevance, so that only its ranked hits count.
    """
    choices = _list_choice_loader(loaders, scope, book_filter)
    ranked_hits = _ranked_hits_loader(loaders, scope, book_filter) if ranked else None

    async def read(database: Database, parents: Sequence[int]) -> list[Count]:
        hits = await _load_one(ranked_hits, tuple(parents)) if ranked_hits else None
        if hits is not None:
            return [Count(len(each.ids), each.capped) for each in hits]
        chosen_scope, keys, condition = await _load_one(choices, tuple(parents))
        return await fetch_filtered_counts(database, chosen_scope, keys, condition)

    return loaders.loader(("filtered_book_count", scope, book_filter, ranked), read)


def facet_loader(
    loaders: Loaders, scope: Scope, book_filter: Filter
) -> Loader[tuple[int, FacetRequest], FacetResult]:
    """Return the loader of facets, by parent id and request; one statement reads all that are requested."""
    text_queries = text_query_loader(loaders)
    resolved_filters = _resolved_filter_loader(loaders, book_filter)

    async def read(database: Database, keys: Sequence[tuple[int, FacetRequest]]) -> list[FacetResult]:
        parents = list(dict.fromkeys(parent for parent, _ in keys))
        requests = list(dict.fromkeys(request for _, request in keys))
        text_query = await _load_one(text_queries, book_filter.text)
        resolved = await _load_one(resolved_filters, book_filter) if resolved_filters else book_filter
        facets = await fetch_facets(database, scope, parents, requests, resolved, text_query)
        facets_by_parent = dict(zip(parents, facets, strict=True))
        return [facets_by_parent[parent][request] for parent, request in keys]

    return loaders.loader(("facets", scope, book_filter), read)


def match_loader(loaders: Loaders, book_filter: Filter) -> Loader[int, Match | None]:
    """Return the loader of where and how books match the filter's text, by book id."""
    text_queries = text_query_loader(loaders)

    async def read(database: Database, book_ids: Sequence[int]) -> list[Match | None]:
        text_query = await _load_one(text_queries, book_filter.text)
        return await matches_by_book_ids(database, text_query or TextQuery(""), book_ids)

    return loaders.loader(("match", book_filter.text), read)


async def _load_one(loader: Loader[Any, Any], key: object) -> Any:
    """Return the value of one key; None for the key None."""
    [value] = await loader.load_all([key])
    return value
