"""Lists narrowed to one author or category: the same books, whichever of the two lists is read."""

import asyncpg
from hypothesis import given
from hypothesis import strategies as st

from db import books
from db.books import KEYS, Book
from db.pages import Order, Page, Scope, Window
from db.search import conditions as c
from db.search.conditions import Condition
from db.search.facets import Asked, facets_of_search
from db.search.filters import Facet, Filter, Place
from db.search.lists import Count, Search, counts_of_search, pages_of_search
from db.search.places import shortest
from tests.db.search.test_lists import Row, Stock, counted_by_hand, drawn_books, lists, rolled_back, stocked
from tests.db.test_pages import sorted_ids, walk

BOOK: Row = {
    "title": "Sea",
    "language": "en",
    "published_year": 1900,
    "price": None,
    "rating_average": None,
    "stock": 1,
}


def condition_of(scope: Scope, stock: Stock) -> tuple[Facet, Condition]:
    if scope == books.BY_AUTHOR:
        return Facet.AUTHORS, c.by_authors(stock.authors[:1])
    descendants = scope == books.BY_CATEGORY
    return Facet.CATEGORIES, c.in_categories(stock.categories[:1], descendants=descendants)


@rolled_back(60)
@given(
    drawn=drawn_books,
    order=st.builds(Order, st.sampled_from(KEYS), st.booleans()),
    size=st.integers(1, 4),
    backward=st.booleans(),
)
async def test_the_books_are_the_same_in_either_list(
    connection: asyncpg.Connection, drawn: list[Row], order: Order, size: int, backward: bool
) -> None:
    transaction = connection.transaction()
    await transaction.start()
    try:
        stock = await stocked(connection, drawn)
        every = lists(stock)
        for scope, parent, belongs in every:
            for place_scope, key, belongs_to_place in every[1:]:
                facet, condition = condition_of(place_scope, stock)
                place = Place(facet, place_scope, key)
                wanted = Filter(None, c.IN_STOCK, ((facet, condition),), place)
                within, parents, search = await shortest(connection, scope, [parent], wanted, None)

                async def read(
                    order: Order,
                    window: Window,
                    within: Scope = within,
                    parents: tuple[int, ...] = tuple(parents),
                    search: Search = search,
                ) -> Page[Book]:
                    pages = await pages_of_search(
                        connection, within, order, window, parents, books.COLUMNS, search
                    )
                    return pages[0]

                met = [row for row in stock.rows if belongs(row) and belongs_to_place(row) and row["stock"]]
                assert await walk(read, order, size, backward=backward) == sorted_ids(met, order)
                assert await counts_of_search(connection, within, parents, search) == [Count(len(met))]
    finally:
        await transaction.rollback()


@rolled_back(30)
@given(drawn=drawn_books)
async def test_facets_count_the_books_of_the_place_and_nothing_else(
    connection: asyncpg.Connection, drawn: list[Row]
) -> None:
    """Also where no other condition stands beside it: then categories are not what their counters say."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        stock = await stocked(connection, drawn)
        asked = [Asked(facet, 20) for facet in Facet]
        for place_scope, key, belongs in lists(stock)[1:]:
            facet, condition = condition_of(place_scope, stock)
            wanted = Filter(own=((facet, condition),), place=Place(facet, place_scope, key))
            [found] = await facets_of_search(connection, books.IN_CATALOG, [0], asked, wanted, None)
            for each in asked:
                rows = [row for row in stock.rows if each.facet is facet or belongs(row)]

                assert {entry.value: entry.number for entry in found[each].entries} == counted_by_hand(
                    rows, each.facet, stock
                )
    finally:
        await transaction.rollback()


async def test_the_shorter_list_is_read(connection: asyncpg.Connection) -> None:
    drawn = [{**BOOK, "authors": {0}, "categories": {0}}, {**BOOK, "authors": set(), "categories": {0}}]
    stock = await stocked(connection, drawn)
    author, category = stock.authors[0], stock.categories[0]
    by_author = Filter(
        own=((Facet.AUTHORS, c.by_authors([author])),), place=Place(Facet.AUTHORS, books.BY_AUTHOR, author)
    )
    in_category = Filter(
        own=((Facet.CATEGORIES, c.in_categories([category])),),
        place=Place(Facet.CATEGORIES, books.BY_CATEGORY, category),
    )
    nobody = Filter(
        own=((Facet.AUTHORS, c.by_authors([-1])),), place=Place(Facet.AUTHORS, books.BY_AUTHOR, -1)
    )

    async def chosen(scope: Scope, parents: list[int], wanted: Filter) -> tuple[Scope, list[int]]:
        within, keys, _ = await shortest(connection, scope, parents, wanted, None)
        return within, list(keys)

    assert await chosen(books.BY_CATEGORY, [category], by_author) == (books.BY_AUTHOR, [author])
    assert await chosen(books.BY_AUTHOR, [author], in_category) == (books.BY_AUTHOR, [author])
    assert await chosen(books.BY_CATEGORY, [category], in_category) == (books.BY_CATEGORY, [category])
    assert await chosen(books.IN_CATALOG, [0], in_category) == (books.BY_CATEGORY, [category])
    assert await chosen(books.BY_CATEGORY, [category], nobody) == (books.BY_AUTHOR, [-1])
    assert await chosen(books.BY_CATEGORY, [category, 5], by_author) == (books.BY_CATEGORY, [category, 5])
