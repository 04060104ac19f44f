"""The cases of lists of authors and of categories: pages in each order, and filters by name."""

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any

from db import authors, categories
from db.explain import ExplainCase, explain_case
from db.explain_sample import Sample
from db.keyset import Order, PageRequest, Position, Scope, SortKey
from db.records import Columns
from db.search import conditions
from db.search.filtered_lists import ListCondition, fetch_filtered_counts, fetch_filtered_pages

_DIRECTIONS = ((False, False), (True, False), (False, True))
"""Pairs of (descending, backward)."""

_PAGE_BUFFERS = 150
"""For a page of 20 records, and the descent of the indexes."""

_FILTER_BUFFERS = 40_000
"""For a page of a filter that many records match. With a more selective filter the statement may time out."""

_COUNT_BUFFERS = 60_000
"""For a count of up to 10,000 records."""


def record_page_cases(sample: Sample) -> Iterator[ExplainCase]:
    """Yield cases of pages of authors and of categories, at the start and in the middle, both ways."""
    for (descending, backward), place in product(_DIRECTIONS, ("first", "deep")):
        for key in authors.SORT_KEYS:
            position = (
                sample.middle_positions[authors.ALL_AUTHORS.name, key.name] if place == "deep" else None
            )
            page_request, order = page_request_at(position, backward), Order(key, descending)
            yield explain_case(
                f"{key.name}, {place}", _PAGE_BUFFERS, authors.page_of_authors, page_request, order
            )
        for key, scope in product(categories.SORT_KEYS, (categories.ALL_CATEGORIES, categories.ROOTS)):
            position = sample.middle_positions[scope.name, key.name] if place == "deep" else None
            page_request, order = page_request_at(position, backward), Order(key, descending)
            yield explain_case(
                f"{key.name}, {place}",
                _PAGE_BUFFERS,
                categories.page_of_categories,
                page_request,
                order,
                roots=scope is categories.ROOTS,
            )


def page_request_at(position: Position | None, backward: bool) -> PageRequest:
    return PageRequest(20, backward, before=position) if backward else PageRequest(20, after=position)


def name_cases() -> Iterator[ExplainCase]:
    """Yield cases of authors and categories filtered by name."""
    compare_by_title: dict[str, Callable[[conditions.FilterColumn], conditions.Condition]] = {
        "equals 'an'": lambda column: conditions.name_equals(column, "an"),
        "starts with 'an'": lambda column: conditions.name_starts_with(column, "an"),
        "contains 'an'": lambda column: conditions.name_contains(column, "an"),
    }
    lists: Sequence[tuple[Scope, Sequence[SortKey], Columns[Any], conditions.FilterColumn]] = (
        (authors.ALL_AUTHORS, authors.SORT_KEYS, authors.COLUMNS, conditions.AUTHOR_NAME_COLUMN),
        (
            categories.ALL_CATEGORIES,
            categories.SORT_KEYS,
            categories.COLUMNS,
            conditions.CATEGORY_NAME_COLUMN,
        ),
        (categories.ROOTS, categories.SORT_KEYS, categories.COLUMNS, conditions.CATEGORY_NAME_COLUMN),
    )
    for (title, compare), (scope, keys, columns, name_column) in product(compare_by_title.items(), lists):
        list_condition = ListCondition(compare(name_column))
        for key in keys:
            yield explain_case(
                f"{title}, {key.name}",
                _FILTER_BUFFERS,
                fetch_filtered_pages,
                scope,
                Order(key, key not in (authors.NAME, categories.NAME)),
                PageRequest(20),
                [0],
                columns,
                list_condition,
            )
        yield explain_case(title, _COUNT_BUFFERS, fetch_filtered_counts, scope, [0], list_condition)
