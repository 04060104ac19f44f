"""Lists restricted to one author or category have the same books, whichever of the two lists is read."""

from hypothesis import given
from hypothesis import strategies as st

from db import books
from db.books import SORT_KEYS, Book
from db.connections.connect import Connection
from db.keyset import Order, Page, PageRequest, Scope
from db.search import conditions as c
from db.search.conditions import Condition
from db.search.facets import FacetRequest, fetch_facets
from db.search.filtered_lists import Count, ListCondition, fetch_filtered_counts, fetch_filtered_pages
from db.search.filters import Facet, Filter, ListRestriction
from db.search.list_choice import choose_shorter_list
from tests.db.search.test_filtered_lists import (
    DrawnBook,
    StockedCatalog,
    add_drawn_catalog,
    drawn_books,
    expected_counts,
    lists,
    rolled_back,
)
from tests.db.test_keyset import read_all_pages, sorted_ids

BOOK: DrawnBook = {
    "title": "Sea",
    "language": "en",
    "published_year": 1900,
    "isbn": False,
    "price": None,
    "rating_average": None,
    "stock": 1,
}


def condition_of(scope: Scope, stock: StockedCatalog) -> tuple[Facet, Condition]:
    if scope == books.BY_AUTHOR:
        return Facet.AUTHORS, c.by_authors(stock.authors[:1])
    descendants = scope == books.BY_CATEGORY
    return Facet.CATEGORIES, c.in_categories(stock.categories[:1], descendants=descendants)


@rolled_back(60)
@given(
    drawn=drawn_books,
    order=st.builds(Order, st.sampled_from(SORT_KEYS), st.booleans()),
    size=st.integers(1, 4),
    backward=st.booleans(),
)
async def test_both_lists_have_the_same_books(
    connection: Connection, drawn: list[DrawnBook], order: Order, size: int, backward: bool
) -> None:
    transaction = connection.transaction()
    await transaction.start()
    try:
        stock = await add_drawn_catalog(connection, drawn)
        every = lists(stock)
        for scope, parent, belongs in every:
            for restriction_scope, key, belongs_to_restriction in every[1:]:
                facet, condition = condition_of(restriction_scope, stock)
                restriction = ListRestriction(facet, restriction_scope, key)
                book_filter = Filter(None, c.IN_STOCK, ((facet, condition),), restriction)
                list_scope, parents, list_condition = await choose_shorter_list(
                    connection, scope, [parent], book_filter, None
                )

                async def read(
                    order: Order,
                    window: PageRequest,
                    list_scope: Scope = list_scope,
                    parents: tuple[int, ...] = tuple(parents),
                    list_condition: ListCondition = list_condition,
                ) -> Page[Book]:
                    pages = await fetch_filtered_pages(
                        connection, list_scope, order, window, parents, books.COLUMNS, list_condition
                    )
                    return pages[0]

                expected_rows = [
                    row for row in stock.rows if belongs(row) and belongs_to_restriction(row) and row["stock"]
                ]
                assert await read_all_pages(read, order, size, backward=backward) == sorted_ids(
                    expected_rows, order
                )
                assert await fetch_filtered_counts(connection, list_scope, parents, list_condition) == [
                    Count(len(expected_rows))
                ]
    finally:
        await transaction.rollback()


@rolled_back(30)
@given(drawn=drawn_books)
async def test_facets_count_only_the_books_of_the_restriction(
    connection: Connection, drawn: list[DrawnBook]
) -> None:
    """Without another condition, too: then the counters of the categories do not apply."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        stock = await add_drawn_catalog(connection, drawn)
        requests = [FacetRequest(facet, 20) for facet in Facet]
        for restriction_scope, key, belongs in lists(stock)[1:]:
            facet, condition = condition_of(restriction_scope, stock)
            book_filter = Filter(
                facet_conditions=((facet, condition),),
                restriction=ListRestriction(facet, restriction_scope, key),
            )
            [results] = await fetch_facets(connection, books.ALL_BOOKS, [0], requests, book_filter, None)
            for request in requests:
                rows = [row for row in stock.rows if request.facet is facet or belongs(row)]

                assert {entry.value: entry.number for entry in results[request].entries} == expected_counts(
                    rows, request.facet, stock
                )
    finally:
        await transaction.rollback()


async def test_the_shorter_list_is_read(connection: Connection) -> None:
    drawn = [{**BOOK, "authors": {0}, "categories": {0}}, {**BOOK, "authors": set(), "categories": {0}}]
    stock = await add_drawn_catalog(connection, drawn)
    author, category = stock.authors[0], stock.categories[0]
    by_author = Filter(
        facet_conditions=((Facet.AUTHORS, c.by_authors([author])),),
        restriction=ListRestriction(Facet.AUTHORS, books.BY_AUTHOR, author),
    )
    in_category = Filter(
        facet_conditions=((Facet.CATEGORIES, c.in_categories([category])),),
        restriction=ListRestriction(Facet.CATEGORIES, books.BY_CATEGORY, category),
    )
    unknown_author = Filter(
        facet_conditions=((Facet.AUTHORS, c.by_authors([-1])),),
        restriction=ListRestriction(Facet.AUTHORS, books.BY_AUTHOR, -1),
    )

    async def choose(scope: Scope, parents: list[int], book_filter: Filter) -> tuple[Scope, list[int]]:
        list_scope, keys, _ = await choose_shorter_list(connection, scope, parents, book_filter, None)
        return list_scope, list(keys)

    assert await choose(books.BY_CATEGORY, [category], by_author) == (books.BY_AUTHOR, [author])
    assert await choose(books.BY_AUTHOR, [author], in_category) == (books.BY_AUTHOR, [author])
    assert await choose(books.BY_CATEGORY, [category], in_category) == (books.BY_CATEGORY, [category])
    assert await choose(books.ALL_BOOKS, [0], in_category) == (books.BY_CATEGORY, [category])
    assert await choose(books.BY_CATEGORY, [category], unknown_author) == (books.BY_AUTHOR, [-1])
    assert await choose(books.BY_CATEGORY, [category, 5], by_author) == (books.BY_CATEGORY, [category, 5])
