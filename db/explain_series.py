"""The cases of series, whose plans are checked."""

from collections.abc import Iterator

from db import books, series
from db.explain import ExplainCase, explain_case
from db.explain_sample import Sample
from db.keyset import PageRequest
from db.search.facets import FacetRequest, fetch_facets
from db.search.filters import Facet, Filter

_PAGE_BUFFERS = 150
"""For a page of 20 books: about three buffers per book, and the descent of the indexes."""

_LOOKUP_BUFFERS = 250
"""For a lookup by 20 keys."""

_PAGES_BUFFERS = 1_500
"""For pages of five books of 20 series."""

_COUNT_BUFFERS = 5_000
"""For the numbers of books of the 20 largest series."""

_FACET_BUFFERS = 70_000
"""For all facets of the largest series at once."""


def series_cases(sample: Sample) -> Iterator[ExplainCase]:
    """Yield cases of the books of series, the largest ones first."""
    for place, page_request in (("first", PageRequest(20)), ("last", PageRequest(20, backward=True))):
        yield explain_case(
            f"{place} page", _PAGE_BUFFERS, books.books_by_series_ids, page_request, sample.series[:1]
        )
    yield explain_case("20 series", _PAGES_BUFFERS, books.books_by_series_ids, PageRequest(5), sample.series)
    for read, keys in ((series.series_by_ids, sample.series), (series.series_by_slugs, sample.series_slugs)):
        yield explain_case("20 keys of any series", _LOOKUP_BUFFERS, read, keys, unpublished=True)
    yield explain_case("20 series", _COUNT_BUFFERS, series.book_counts_by_series_ids, sample.series)
    requests = [FacetRequest(facet, 10) for facet in Facet]
    yield explain_case(
        "all", _FACET_BUFFERS, fetch_facets, books.BY_SERIES, sample.series[:1], requests, Filter(), None
    )
