"""The cases of reads by time: pages by last change, filters by times, trending books, the whole catalog."""

from collections.abc import Iterator
from itertools import product

from db import books, catalog, trends
from db.database import Database
from db.explain import ExplainCase, explain_case
from db.explain_sample import Sample
from db.keyset import Order, PageRequest, Position, Scope
from db.search import conditions
from db.search.conditions import ALWAYS, Condition
from db.search.facets import FacetRequest, fetch_facets
from db.search.filtered_lists import ListCondition, fetch_filtered_counts, fetch_filtered_pages
from db.search.filters import Facet, Filter

_PAGE_BUFFERS = 200
"""For a page of 20 books: about five buffers per book, and the descent of the indexes."""

_SINCE_BUFFERS = 40_000
"""For a page or a count of the last 1,000 changed books, or of all if one import has changed them all."""

_TREND_BUFFERS = 60_000
"""For a list of trending books: each is looked up in `book`, and in the list of the author or category."""

_FACET_BUFFERS = 100_000
"""For all facets of the trending books of a list."""

_COUNTER_BUFFERS = 10


def time_cases(sample: Sample) -> Iterator[ExplainCase]:
    """Yield cases of pages in the order of changes, and of books that were added or changed since a time."""
    middle = sample.middle_positions[books.ALL_BOOKS.name, books.UPDATED.name]
    for (descending, backward), place in product(
        ((False, False), (True, False), (False, True)), ("first", "deep")
    ):
        order, position = Order(books.UPDATED, descending), middle if place == "deep" else None
        page_request = (
            PageRequest(20, backward, before=position) if backward else PageRequest(20, after=position)
        )
        title = f"updated {'desc' if descending else 'asc'}{' backward' if backward else ''}, {place}"
        yield explain_case(title, _PAGE_BUFFERS, books.page_of_books, order, page_request)
    since = {
        "updated since": conditions.compare(conditions.UPDATED_COLUMN, "gte", sample.updated_at),
        "added since": conditions.added("gte", sample.added_at),
        "added before": conditions.added("lt", sample.added_at),
    }
    lists = (
        (books.ALL_BOOKS, 0, books.UPDATED),
        (books.ALL_BOOKS, 0, books.ADDED),
        (books.ALL_BOOKS, 0, books.TITLE),
        (books.BY_CATEGORY, sample.category, books.ADDED),
        (books.BY_AUTHOR, sample.authors[0], books.ADDED),
    )
    for (title, condition), (scope, parent, key) in product(since.items(), lists):
        yield _page_case(f"{title}, {key.name}", _SINCE_BUFFERS, scope, parent, Order(key), condition)
        yield _count_case(title, _SINCE_BUFFERS, scope, parent, condition)


def trend_cases(sample: Sample) -> Iterator[ExplainCase]:
    """Yield cases of trending books: of the catalog, an author and a category, with filters and facets."""
    yield explain_case("cursors", _COUNTER_BUFFERS, _locate_positions, sample.books[:2])
    parents = dict(zip(trends.SCOPES, (0, sample.authors[0], sample.category, sample.category), strict=True))
    filters = {
        "all": ALWAYS,
        "in stock": conditions.IN_STOCK,
        "one publisher": conditions.in_values(conditions.PUBLISHER_COLUMN, sample.publishers[:1]),
    }
    for (scope, parent), (title, condition) in product(parents.items(), filters.items()):
        for descending in (True, False):
            order = Order(trends.TRENDING, descending)
            case = f"trending {title}, {'desc' if descending else 'asc'}"
            yield _page_case(case, _TREND_BUFFERS, scope, parent, order, condition)
        yield _count_case(f"trending {title}", _TREND_BUFFERS, scope, parent, condition)
    requests = [FacetRequest(facet, 10) for facet in Facet]
    for scope, parent in parents.items():
        yield explain_case(
            "facets of trending", _FACET_BUFFERS, fetch_facets, scope, [parent], requests, Filter(), None
        )


def catalog_cases() -> Iterator[ExplainCase]:
    """Yield cases of the catalog as a whole."""
    for read in (
        catalog.catalog_size,
        catalog.catalog_updated_at,
        catalog.catalog_languages,
        catalog.catalog_currencies,
    ):
        yield explain_case("counter", _COUNTER_BUFFERS, read)


def _page_case(
    title: str, buffer_limit: int, scope: Scope, parent: int, order: Order, condition: Condition
) -> ExplainCase:
    return explain_case(
        title,
        buffer_limit,
        fetch_filtered_pages,
        scope,
        order,
        PageRequest(20),
        [parent],
        books.COLUMNS,
        ListCondition(condition),
    )


def _count_case(
    title: str, buffer_limit: int, scope: Scope, parent: int, condition: Condition
) -> ExplainCase:
    return explain_case(title, buffer_limit, fetch_filtered_counts, scope, [parent], ListCondition(condition))


async def _locate_positions(database: Database, ids: list[int]) -> object:
    after, before = (Position(None, key) for key in ids)
    return await trends.locate_positions(database, PageRequest(20, after=after, before=before))
