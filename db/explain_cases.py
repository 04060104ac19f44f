"""The cases whose plans are checked: every read of the catalog, with typical and worst-case parameters."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from decimal import Decimal
from itertools import product

from db import authors, books, categories, related, series, view_counts, works
from db.connections.connect import connect
from db.connections.error_mapping import database_errors
from db.database import Database
from db.errors import DatabaseError
from db.explain import ExplainCase, ExplainResult, run_cases
from db.explain import explain_case as _case
from db.explain_record_cases import name_cases, page_request_at, record_page_cases
from db.explain_sample import Sample, load_sample
from db.explain_series import series_cases
from db.explain_time_cases import catalog_cases, time_cases, trend_cases
from db.keyset import Order, PageRequest, Scope
from db.revision import require_head
from db.search import conditions, suggest
from db.search.facets import FacetRequest, fetch_facets
from db.search.filtered_lists import fetch_filtered_counts, fetch_filtered_pages
from db.search.filters import Facet, Filter, ListRestriction
from db.search.highlights import matches_by_book_ids
from db.search.list_choice import choose_shorter_list
from db.search.ranking import RELEVANCE
from db.search.text_query import interpret_texts
from db.search.vocabulary_cache import VocabularyCache
from db.timeouts import lift_timeouts

_DIRECTIONS = ((False, False), (True, False), (False, True))
"""Pairs of (descending, backward)."""

_PAGE_BUFFERS = 200
"""For a page of 20 books: about five buffers per book, and the descent of the indexes."""

_PARENT_PAGES_BUFFERS = 1_500
"""For pages of five books of 20 parents."""

_LOOKUP_BUFFERS = 250
"""For a lookup by 20 keys."""

_BREADCRUMB_BUFFERS = 40
"""For the breadcrumb of a book: its categories, and the ancestors of one of them."""

_EDITION_BUFFERS = 250
"""For the editions of the work of a book: its author's titles that begin as its title, and up to 20 books."""

_RELATED_BUFFERS = 2_500
"""For the related books of a book: the lists of its authors and categories, and 40 books compared."""

_TEXT_BUFFERS = 15_000
"""For a text: the posting lists of its words, and the documents of the ranked books."""

_SUGGESTION_BUFFERS = 5_000
"""For suggestions: 500 popular rows, or the rows of a tier of popularity, of which 300 are compared."""

_MEDIUM_TERM_BUFFERS = 60_000
"""For a text that one book in 20 matches: a category's books are looked up until enough of them match."""

_COUNT_BUFFERS = 60_000
"""For a count of up to 10,000 books."""

_FACET_BUFFERS = 70_000
"""For all facets at once: two sets of 5,000 books, each looked up in both listings."""

_TEXT_FACET_BUFFERS = 100_000
"""For all facets of the 1,000 books of a list that match a text: each is looked up individually."""

_FILTER_BUFFERS = 40_000
"""For a page of a filter that many books match. With a more selective filter the statement may time out."""

_INTERSECTION_BUFFERS = 150_000
"""For the books in both of two lists: those of the shorter list are looked up in the other one.

That ends with 10,000 counted books or a full page, which takes long for two large categories.
"""


def _build_cases(sample: Sample) -> list[ExplainCase]:
    """Return all cases, with the parameters of the sample."""
    return [
        *_page_cases(sample),
        *_parent_page_cases(sample),
        *_lookup_cases(sample),
        *series_cases(sample),
        *_count_cases(),
        *_text_cases(sample),
        *_filter_cases(sample),
        *record_page_cases(sample),
        *name_cases(),
        *_facet_cases(sample),
        *_suggestion_cases(sample),
        *time_cases(sample),
        *trend_cases(sample),
        *catalog_cases(),
    ]


async def explain_catalog(dsn: str, name: str | None = None) -> list[ExplainResult]:
    """Explain the cases, or only the statements with the given name, on the database at `dsn`.

    Raise DatabaseError if the database is unreachable or not migrated, or the catalog is empty.
    """
    connection = await connect(dsn, application_name="bookstore explain")
    try:
        with database_errors("The database failed while it explained statements"):
            async with connection.transaction(readonly=True):
                await lift_timeouts(connection)
                await require_head(connection)
                sample = await load_sample(connection)
                if sample is None:
                    raise DatabaseError("The catalog is empty: import or seed one first.")
                return await run_cases(connection, _build_cases(sample), name)
    finally:
        connection.terminate()


def _page_cases(sample: Sample) -> Iterator[ExplainCase]:
    """Yield cases of pages of unfiltered lists, at the start and in the middle, in both directions."""
    for key, (descending, backward), place in product(books.SORT_KEYS, _DIRECTIONS, ("first", "deep")):
        order = Order(key, descending)
        title = f"{key.name} {'desc' if descending else 'asc'}{' backward' if backward else ''}, {place}"
        catalog, author, category = (
            page_request_at(
                sample.middle_positions[scope.name, key.name] if place == "deep" else None, backward
            )
            for scope in (books.ALL_BOOKS, books.BY_AUTHOR, books.BY_CATEGORY)
        )
        yield _case(title, _PAGE_BUFFERS, books.page_of_books, order, catalog)
        if key is books.ADDED:
            yield _case(title, _PAGE_BUFFERS, books.page_of_unpublished_books, order, catalog)
        yield _case(title, _PAGE_BUFFERS, books.books_by_author_ids, order, author, sample.authors[:1])
        for descendants in (True, False):
            yield _case(
                title,
                _PAGE_BUFFERS,
                books.books_by_category_ids,
                order,
                category,
                [sample.category],
                descendants=descendants,
            )


def _parent_page_cases(sample: Sample) -> Iterator[ExplainCase]:
    """Yield cases of a page per parent, and of pages of authors and categories."""
    by_title, five = Order(books.TITLE), PageRequest(5)
    yield _case(
        "20 authors", _PARENT_PAGES_BUFFERS, books.books_by_author_ids, by_title, five, sample.authors
    )
    yield _case(
        "20 categories",
        _PARENT_PAGES_BUFFERS,
        books.books_by_category_ids,
        by_title,
        five,
        sample.categories,
        descendants=True,
    )
    yield _case(
        "20 categories", _PARENT_PAGES_BUFFERS, categories.children_by_category_ids, five, sample.categories
    )


def _lookup_cases(sample: Sample) -> Iterator[ExplainCase]:
    """Yield cases of lookups by one key and by 20 keys."""
    reads: Sequence[tuple[Callable[..., Awaitable[object]], Sequence[object]]] = (
        (books.books_by_ids, sample.books),
        (books.books_by_isbns, sample.isbns),
        (books.books_by_source_keys, sample.source_keys),
        (view_counts.recent_views_by_book_ids, sample.books),
        (authors.authors_by_ids, sample.authors),
        (authors.authors_by_slugs, sample.slugs),
        (authors.authors_by_book_ids, sample.books),
        (series.series_by_ids, sample.series),
        (series.series_by_slugs, sample.series_slugs),
        (series.series_by_book_ids, sample.books),
        (categories.categories_by_ids, sample.categories),
        (categories.categories_by_paths, sample.paths),
        (categories.categories_by_book_ids, sample.books),
        (categories.child_counts_by_category_ids, sample.categories),
    )
    for read, keys in reads:
        yield _case("one key", _LOOKUP_BUFFERS, read, keys[:1])
        yield _case("20 keys", _LOOKUP_BUFFERS, read, keys)
    any_books: Sequence[tuple[Callable[..., Awaitable[object]], Sequence[object]]] = (
        (books.books_by_ids, sample.books),
        (books.books_by_isbns, sample.isbns),
        (books.books_by_source_keys, sample.source_keys),
    )
    for read, keys in any_books:
        yield _case("20 keys of any books", _LOOKUP_BUFFERS, read, keys, unpublished=True)
    former: Sequence[tuple[Callable[..., Awaitable[object]], Sequence[object]]] = (
        (authors.authors_by_ids, range(-20, 0)),
        (authors.authors_by_slugs, [f"no slug {number}" for number in range(20)]),
        (categories.categories_by_paths, [f"no path {number}" for number in range(20)]),
    )
    for read, keys in former:
        yield _case("20 former keys", _LOOKUP_BUFFERS, read, keys)
    for title, keys in (("one book", sample.books[:1]), ("20 books", sample.books)):
        yield _case(title, _BREADCRUMB_BUFFERS * len(keys), categories.breadcrumbs_by_book_ids, keys)
        limit = _EDITION_BUFFERS * len(keys)
        yield _case(title, limit, works.works_by_ids, keys)
        yield _case(title, limit, works.counts_of_other_editions_by_book_ids, keys)
        for scope, key in product((works.EDITIONS, works.OTHER_EDITIONS), books.SORT_KEYS):
            yield _case(
                f"{title} by {key.name}",
                2 * limit if key.nullable else limit,
                works.pages_of_editions,
                scope,
                Order(key),
                PageRequest(20),
                keys,
            )
        limit = _RELATED_BUFFERS * len(keys)
        yield _case(title, limit, related.related_books_by_book_ids, related.MAX_RELATED, keys)


def _count_cases() -> Iterator[ExplainCase]:
    yield _case("counter", 10, books.count_books)
    yield _case("all", _COUNT_BUFFERS, books.count_unpublished_books)
    yield _case("counter", 10, authors.count_authors)
    yield _case("counter", 10, categories.count_categories, roots=False)
    yield _case("roots", 300, categories.count_categories, roots=True)


def _sample_lists(sample: Sample) -> Iterator[tuple[Scope, int]]:
    yield books.ALL_BOOKS, 0
    yield books.BY_AUTHOR, sample.authors[0]
    yield books.BY_CATEGORY, sample.category
    yield books.DIRECTLY_IN_CATEGORY, sample.category


def _text_cases(sample: Sample) -> Iterator[ExplainCase]:
    """Yield cases of texts that most books, few books and no books match."""
    for text in (
        sample.frequent_word,
        sample.medium_word,
        sample.rare_word,
        f"{sample.frequent_word} {sample.rare_word}",
        *sample.mistyped_texts(),
        f"ISBN {sample.isbns[0]}",
        "!",
    ):
        yield _case(f"text {text!r}", _TEXT_BUFFERS, interpret_texts, [text])
        yield _case(f"text {text!r}", _TEXT_BUFFERS, _match_text, text, sample.books)
        for scope, parent in _sample_lists(sample):
            yield _case(
                f"text {text!r} by relevance",
                _MEDIUM_TERM_BUFFERS if text == sample.medium_word else _TEXT_BUFFERS,
                _read_text_page,
                scope,
                parent,
                text,
                Order(RELEVANCE, True),
            )
            yield _case(f"text {text!r}, count", _COUNT_BUFFERS, _read_text_count, scope, parent, text)
            yield _case(
                f"text {text!r} by title",
                _COUNT_BUFFERS,
                _read_text_page,
                scope,
                parent,
                text,
                Order(books.TITLE),
            )


def _filter_cases(sample: Sample) -> Iterator[ExplainCase]:
    """Yield cases of filters that many books and few books match."""
    for title, book_filter in _sample_filters(sample):
        count_limit = _INTERSECTION_BUFFERS if book_filter.restriction else _COUNT_BUFFERS
        page_limit = _INTERSECTION_BUFFERS if book_filter.restriction else _FILTER_BUFFERS
        for scope, parent in _sample_lists(sample):
            yield _case(f"{title}, count", count_limit, _read_filtered_count, scope, parent, book_filter)
            for key in books.SORT_KEYS:
                order = Order(key)
                yield _case(
                    f"{title}, {key.name}", page_limit, _read_filtered_page, scope, parent, book_filter, order
                )


def _sample_filters(sample: Sample) -> Iterator[tuple[str, Filter]]:
    author, category = sample.authors[0], sample.categories[-1]
    by_author = (Facet.AUTHORS, conditions.by_authors([author]))
    in_category = (Facet.CATEGORIES, conditions.in_categories([category]))
    yield "in stock", Filter(None, conditions.IN_STOCK)
    yield "en", Filter(None, conditions.compare(conditions.LANGUAGE_COLUMN, "eq", "en"))
    for publishers in (sample.publishers[:1], sample.publishers[-1:]):
        if publishers:
            condition = conditions.in_values(conditions.PUBLISHER_COLUMN, publishers)
            yield f"publisher {publishers[0]!r}", Filter(None, condition)
    yield "one series", Filter(None, conditions.in_values(conditions.SERIES_COLUMN, sample.series[:1]))
    for book_format in ("PAPERBACK", "BOX_SET"):
        yield book_format, Filter(None, conditions.in_values(conditions.FORMAT_COLUMN, [book_format]))
    yield "20 ISBNs", Filter(None, conditions.in_values(conditions.ISBN_COLUMN, sample.isbns))
    yield "20 ids", Filter(None, conditions.in_values(conditions.BOOK_ID_COLUMN, sample.books))
    yield "below 10", Filter(None, conditions.compare(conditions.PRICE_COLUMN, "lt", Decimal(10)))
    yield (
        "one category",
        Filter(
            facet_conditions=(in_category,),
            restriction=ListRestriction(Facet.CATEGORIES, books.BY_CATEGORY, category),
        ),
    )
    yield (
        "one author",
        Filter(
            facet_conditions=(by_author,), restriction=ListRestriction(Facet.AUTHORS, books.BY_AUTHOR, author)
        ),
    )
    yield (
        "one author in one role",
        Filter(
            facet_conditions=((Facet.AUTHORS, conditions.by_authors([author], ["AUTHOR"])),),
            restriction=ListRestriction(Facet.AUTHORS, books.by_author_in_roles(["AUTHOR"]), author),
        ),
    )


async def _read_filtered_page(
    database: Database, scope: Scope, parent: int, book_filter: Filter, order: Order
) -> object:
    list_scope, parents, list_condition = await choose_shorter_list(
        database, scope, [parent], book_filter, None
    )
    return await fetch_filtered_pages(
        database, list_scope, order, PageRequest(20), parents, books.COLUMNS, list_condition
    )


async def _read_filtered_count(database: Database, scope: Scope, parent: int, book_filter: Filter) -> object:
    return await fetch_filtered_counts(
        database, *await choose_shorter_list(database, scope, [parent], book_filter, None)
    )


async def _read_text_page(database: Database, scope: Scope, parent: int, text: str, order: Order) -> object:
    [text_query] = await interpret_texts(database, [text])
    list_condition = Filter(text).to_list_condition(text_query)
    return await fetch_filtered_pages(
        database, scope, order, PageRequest(20), [parent], books.COLUMNS, list_condition
    )


async def _read_text_count(database: Database, scope: Scope, parent: int, text: str) -> object:
    [text_query] = await interpret_texts(database, [text])
    list_condition = Filter(text).to_list_condition(text_query)
    return await fetch_filtered_counts(database, scope, [parent], list_condition)


async def _match_text(database: Database, text: str, book_ids: Sequence[int]) -> object:
    [text_query] = await interpret_texts(database, [text])
    return await matches_by_book_ids(database, text_query, book_ids)


def _facet_cases(sample: Sample) -> Iterator[ExplainCase]:
    """Yield cases of all facets of a list: unfiltered, with a condition on one facet, and with texts."""
    requests = [FacetRequest(facet, 10) for facet in Facet]
    english = (Facet.LANGUAGES, conditions.compare(conditions.LANGUAGE_COLUMN, "eq", "en"))
    for scope, parent in _sample_lists(sample):
        for title, book_filter in (("everything", Filter()), ("en", Filter(facet_conditions=(english,)))):
            yield _case(
                f"facets of {title}",
                _FACET_BUFFERS,
                fetch_facets,
                scope,
                [parent],
                requests,
                book_filter,
                None,
            )
        for text in (sample.frequent_word, sample.medium_word, sample.rare_word):
            yield _case(
                f"facets of text {text!r}",
                _TEXT_FACET_BUFFERS,
                _read_text_facets,
                scope,
                parent,
                requests,
                text,
            )


async def _read_text_facets(
    database: Database, scope: Scope, parent: int, requests: Sequence[FacetRequest], text: str
) -> object:
    [text_query] = await interpret_texts(database, [text])
    return await fetch_facets(database, scope, [parent], requests, Filter(text), text_query)


def _suggestion_cases(sample: Sample) -> Iterator[ExplainCase]:
    for prefix in ("s", "st", "the sto", "story o", "xyz", "stroy", "sotry of", sample.isbns[0]):
        for read in (suggest.suggested_books, suggest.suggested_authors, suggest.suggested_categories):
            yield _case(f"prefix {prefix!r}", _SUGGESTION_BUFFERS, read, prefix, 5, VocabularyCache())
