"""Filtered lists: for any catalog and any filter, pages, counts and facets equal those computed in Python."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db import books
from db.books import SORT_KEYS, Book
from db.connections.connect import Connection
from db.keyset import Order, Page, PageRequest, Position, Scope
from db.search import conditions as c
from db.search import facets as facets_module
from db.search.conditions import Condition
from db.search.facets import FacetRequest, fetch_facets
from db.search.filtered_lists import Count, fetch_filtered_counts, fetch_filtered_pages
from db.search.filters import Facet, Filter
from db.search.ranking import RELEVANCE
from db.search.readings import typed_reading
from db.search.text_query import TextQuery, interpret_texts
from db.search.tsquery import tsquery
from db.search.typed_words import find_words
from db.search.vocabulary_cache import VocabularyCache, words_of_text
from tests.catalogs import add_author, add_book, add_category
from tests.db.test_keyset import read_all_pages, sorted_ids

DrawnBook = dict[str, Any]

LANGUAGES = [None, "en", "fr"]
TITLES = ["The Sea", "Sea", "a sea", "Été", "Zola", "Sea and Zola"]
YEARS = [None, -50, 1899, 1900, 1905]
PRICES = [None, Decimal("0"), Decimal("4.99"), Decimal("5"), Decimal("120")]
RATINGS = [None, Decimal("0.00"), Decimal("3.99"), Decimal("4.50")]

ISBNS = ["9780306406157", "9780199535811", "9780747532699"]

drawn_book = st.fixed_dictionaries(
    {
        "title": st.sampled_from(TITLES),
        "language": st.sampled_from(LANGUAGES),
        "published_year": st.sampled_from(YEARS),
        "price": st.sampled_from(PRICES),
        "rating_average": st.sampled_from(RATINGS),
        "stock": st.integers(0, 1),
        "isbn": st.booleans(),
        "authors": st.sets(st.integers(0, 1)),
        "categories": st.sets(st.integers(0, 2)),
    }
)
drawn_books = st.lists(drawn_book, max_size=10)


@dataclass(frozen=True)
class FilterCase:
    """A condition, and the same in Python. Authors and categories are numbered from 0 in insertion order."""

    __test__ = False
    facet: Facet | None
    condition: Callable[[list[int], list[int]], Condition]
    holds: Callable[[DrawnBook], bool]


def comparison_cases(
    facet: Facet | None, column: c.FilterColumn, name: str, values: list[Any]
) -> st.SearchStrategy[FilterCase]:
    operators: dict[str, Callable[[Any, Any], bool]] = {
        "eq": lambda a, b: a == b,
        "neq": lambda a, b: a != b,
        "lt": lambda a, b: a < b,
        "gte": lambda a, b: a >= b,
    }

    def made(operator: str, value: Any) -> FilterCase:
        return FilterCase(
            facet,
            lambda _authors, _categories: c.compare(column, operator, value),
            lambda row: row[name] is not None and operators[operator](row[name], value),
        )

    known = [value for value in values if value is not None]
    among = st.sets(st.sampled_from(known)).map(
        lambda chosen: FilterCase(
            facet, lambda _a, _c: c.in_values(column, sorted(chosen)), lambda row: row[name] in chosen
        )
    )
    none_of = st.sets(st.sampled_from(known)).map(
        lambda chosen: FilterCase(
            facet,
            lambda _a, _c: c.not_in_values(column, sorted(chosen)),
            lambda row: row[name] is not None and row[name] not in chosen,
        )
    )
    absent = st.just(FilterCase(facet, lambda _a, _c: c.is_null(column), lambda row: row[name] is None))
    return (
        st.builds(made, st.sampled_from(sorted(operators)), st.sampled_from(known)) | among | none_of | absent
    )


def subtree_of(category: int) -> set[int]:
    """Return the subtree of a category: 0 is the parent of 1, and 2 is another root."""
    return {0: {0, 1}, 1: {1}, 2: {2}}[category]


simple = st.one_of(
    comparison_cases(Facet.LANGUAGES, c.LANGUAGE_COLUMN, "language", LANGUAGES),
    comparison_cases(Facet.PRICES, c.PRICE_COLUMN, "price", PRICES),
    comparison_cases(Facet.RATINGS, c.RATING_COLUMN, "rating_average", RATINGS),
    comparison_cases(Facet.DECADES, c.PUBLISHED_COLUMN, "published_key", [None, -500000, 19000000]),
    comparison_cases(None, c.ISBN_COLUMN, "isbn", [None, *ISBNS]),
    st.just(FilterCase(None, lambda _a, _c: c.IN_STOCK, lambda row: row["stock"] > 0)),
    st.integers(0, 1).map(
        lambda n: FilterCase(
            Facet.AUTHORS, lambda a, _c: c.by_authors([a[n]]), lambda row: n in row["authors"]
        )
    ),
    st.tuples(st.integers(0, 2), st.booleans()).map(
        lambda drawn: FilterCase(
            Facet.CATEGORIES,
            lambda _a, k: c.in_categories([k[drawn[0]]], descendants=drawn[1]),
            lambda row: bool(row["categories"] & (subtree_of(drawn[0]) if drawn[1] else {drawn[0]})),
        )
    ),
)


def negated_case(test: FilterCase) -> FilterCase:
    return FilterCase(None, lambda a, k: c.negate(test.condition(a, k)), lambda row: not test.holds(row))


def joined_case(tests: list[FilterCase], every: bool) -> FilterCase:
    join, whole = (c.all_of, all) if every else (c.any_of, any)
    return FilterCase(
        None,
        lambda a, k: join([test.condition(a, k) for test in tests]),
        lambda row: whole(test.holds(row) for test in tests),
    )


tests = st.recursive(
    simple,
    lambda inner: (
        inner.map(negated_case) | st.builds(joined_case, st.lists(inner, max_size=3), st.booleans())
    ),
    max_leaves=4,
)
TEXTS = {
    None: lambda row: True,
    "sea": lambda row: "sea" in row["title"].lower(),
    "zola sea": lambda row: row["title"] == "Sea and Zola",
    "ETE": lambda row: row["title"] == "Été",
}


@dataclass
class StockedCatalog:
    authors: list[int]
    categories: list[int]
    rows: list[DrawnBook]


async def add_drawn(
    connection: Connection,
    authors: list[int],
    categories: list[int],
    book: DrawnBook,
    number: int,
    **columns: Any,
) -> int:
    values = {**book, "source_id": str(number), **columns}
    values["authors"] = [authors[n] for n in sorted(book["authors"])]
    values["categories"] = [categories[n] for n in sorted(book["categories"])]
    values["currency"] = None if book["price"] is None else "EUR"
    # An ISBN belongs to one book: the first ones that are drawn with one.
    has_isbn = book["isbn"] and number < len(ISBNS) and "source" not in columns
    values["isbn"] = ISBNS[number] if has_isbn else None
    values["rating_count"] = 0 if book["rating_average"] is None else (1, 2, 16, 63, 300)[number % 5]
    return await add_book(connection, **values)


async def add_drawn_catalog(connection: Connection, drawn: list[DrawnBook]) -> StockedCatalog:
    """Add the drawn books, each with a twin that is unpublished at the end. The rows are those of the others."""
    authors = [await add_author(connection, name) for name in ("First", "Second")]
    root = await add_category(connection, "Root")
    categories = [
        root,
        await add_category(connection, "Child", root),
        await add_category(connection, "Other"),
    ]
    rows: list[DrawnBook] = []
    for number, book in enumerate(drawn):
        identity = await add_drawn(connection, authors, categories, book, number)
        row = await connection.fetchrow(
            "SELECT id, isbn, title_key, published_key, price, rating_average, rating_count FROM book WHERE id = $1",
            identity,
        )
        assert row
        rows.append({**book, **dict(row)})
        await add_drawn(connection, authors, categories, book, number, source="twin")
    await connection.execute("UPDATE book SET is_published = false WHERE source = 'twin'")
    return StockedCatalog(authors, categories, rows)


def lists(stock: StockedCatalog) -> list[tuple[Scope, int, Callable[[DrawnBook], bool]]]:
    """Return every kind of list, with the condition for a book to be in it."""
    return [
        (books.ALL_BOOKS, 0, lambda row: True),
        (books.BY_AUTHOR, stock.authors[0], lambda row: 0 in row["authors"]),
        (books.BY_CATEGORY, stock.categories[0], lambda row: bool(row["categories"] & {0, 1})),
        (books.DIRECTLY_IN_CATEGORY, stock.categories[0], lambda row: 0 in row["categories"]),
    ]


def rolled_back(examples: int) -> settings:
    return settings(max_examples=examples)


drawn_filters = st.tuples(
    st.lists(simple, max_size=2) | st.lists(tests, max_size=2),
    st.none() | st.sampled_from(sorted(TEXTS, key=str)),
)


def filter_of(stock: StockedCatalog, drawn: list[FilterCase], text: str | None) -> Filter:
    made = [(test.facet, test.condition(stock.authors, stock.categories)) for test in drawn]
    return Filter(
        text,
        c.all_of([condition for facet, condition in made if facet is None]),
        tuple((facet, condition) for facet, condition in made if facet is not None),
    )


async def text_query_of(connection: Connection, text: str | None) -> TextQuery | None:
    """Return the text query without similar words, which other tests cover."""
    if text is None:
        return None
    [text_query] = await interpret_texts(connection, [text])
    typed = typed_reading(await words_of_text(connection, find_words(text), VocabularyCache())).expression
    found = await connection.fetch(
        "SELECT book_id FROM book_search WHERE document @@ $1::text::tsquery", tsquery(typed)
    )
    named = tuple(row["book_id"] for row in found) if len(found) % 3 else None  # every way of matching
    return replace(text_query, expression=typed, book_ids=named, is_frequent=len(found) % 2 == 0)


@rolled_back(60)
@given(
    drawn=drawn_books,
    drawn_filter=drawn_filters,
    order=st.builds(Order, st.sampled_from(SORT_KEYS), st.booleans()),
    size=st.integers(1, 4),
    backward=st.booleans(),
)
async def test_pages_and_counts_are_those_of_the_books_that_match_the_filter(
    connection: Connection,
    drawn: list[DrawnBook],
    drawn_filter: tuple[list[FilterCase], str | None],
    order: Order,
    size: int,
    backward: bool,
) -> None:
    transaction = connection.transaction()
    await transaction.start()
    try:
        stock = await add_drawn_catalog(connection, drawn)
        list_condition = filter_of(stock, *drawn_filter).to_list_condition(
            await text_query_of(connection, drawn_filter[1])
        )
        for scope, parent, belongs in lists(stock):

            async def read(
                order: Order, window: PageRequest, scope: Scope = scope, parent: int = parent
            ) -> Page[Book]:
                return (
                    await fetch_filtered_pages(
                        connection, scope, order, window, [parent], books.COLUMNS, list_condition
                    )
                )[0]

            expected_rows = [
                row
                for row in stock.rows
                if belongs(row)
                and all(test.holds(row) for test in drawn_filter[0])
                and TEXTS[drawn_filter[1]](row)
            ]

            assert await read_all_pages(read, order, size, backward=backward) == sorted_ids(
                expected_rows, order
            )
            assert (
                await fetch_filtered_counts(connection, scope, [parent, parent], list_condition)
                == [Count(len(expected_rows))] * 2
            )
    finally:
        await transaction.rollback()


@rolled_back(40)
@given(
    drawn=drawn_books,
    order=st.builds(Order, st.sampled_from(SORT_KEYS), st.booleans()),
    size=st.integers(1, 3),
    backward=st.booleans(),
    changes=st.lists(st.tuples(st.booleans(), st.integers(0, 9), drawn_book), max_size=4),
)
async def test_paging_returns_every_unchanged_book_once_despite_inserts_and_deletes(
    connection: Connection,
    drawn: list[DrawnBook],
    order: Order,
    size: int,
    backward: bool,
    changes: list[tuple[bool, int, DrawnBook]],
) -> None:
    transaction = connection.transaction()
    await transaction.start()
    try:
        stock = await add_drawn_catalog(connection, drawn)
        list_condition = Filter(None, c.negate(c.compare(c.LANGUAGE_COLUMN, "eq", "fr"))).to_list_condition(
            None
        )
        gone: set[int] = set()
        met: list[int] = []
        position: Position | None = None
        for number in range(40):
            after, before = (None, position) if backward else (position, None)
            window = PageRequest(size, backward, after=after, before=before)
            [page] = await fetch_filtered_pages(
                connection, books.ALL_BOOKS, order, window, [0], books.COLUMNS, list_condition
            )
            met += [book.id for book in page.rows]
            if not (page.has_previous if backward else page.has_next):
                break
            position = page.position(0 if backward else -1)
            if changes:
                deletes, place, book = changes.pop()
                if deletes and stock.rows:
                    gone.add(stock.rows[place % len(stock.rows)]["id"])
                    await connection.execute("DELETE FROM book WHERE id = ANY ($1)", list(gone))
                else:
                    await add_drawn(connection, stock.authors, stock.categories, book, 100 + number)

        untouched = [row["id"] for row in stock.rows if row["language"] != "fr" and row["id"] not in gone]
        assert len(met) == len(set(met))
        assert [identity for identity in untouched if identity not in met] == []
    finally:
        await transaction.rollback()


@rolled_back(25)
@given(drawn=drawn_books, descending=st.booleans(), size=st.integers(1, 3), backward=st.booleans())
async def test_pages_by_relevance_are_parts_of_one_list(
    connection: Connection, drawn: list[DrawnBook], descending: bool, size: int, backward: bool
) -> None:
    transaction = connection.transaction()
    await transaction.start()
    try:
        stock = await add_drawn_catalog(connection, drawn)
        order = Order(RELEVANCE, descending)
        list_condition = Filter("sea").to_list_condition(await text_query_of(connection, "sea"))
        for scope, parent, belongs in lists(stock):

            async def read(
                order: Order, window: PageRequest, scope: Scope = scope, parent: int = parent
            ) -> Page[Book]:
                return (
                    await fetch_filtered_pages(
                        connection, scope, order, window, [parent], books.COLUMNS, list_condition
                    )
                )[0]

            whole = await read(order, PageRequest(50))
            keys = [(row["sort_value"], row["id"]) for row in whole.rows]

            assert {book.id for book in whole.rows} == {
                row["id"] for row in stock.rows if belongs(row) and "sea" in row["title"].lower()
            }
            assert keys == sorted(keys, reverse=descending)
            assert await read_all_pages(read, order, size, backward=backward) == [
                book.id for book in whole.rows
            ]
    finally:
        await transaction.rollback()


def decade(row: DrawnBook) -> str | None:
    return None if row["published_key"] is None else str(row["published_key"] // 100000 * 10)


def price_band(row: DrawnBook) -> str | None:
    if row["price"] is None:
        return None
    return str(max(step for step in (0, 5, 10, 20, 50, 100) if step <= row["price"]))


def expected_counts(rows: list[DrawnBook], facet: Facet, stock: StockedCatalog) -> dict[str, int]:
    values: Callable[[DrawnBook], list[str | None]] = {
        Facet.LANGUAGES: lambda row: [row["language"]],
        Facet.PRICES: lambda row: [price_band(row)],
        Facet.DECADES: lambda row: [decade(row)],
        Facet.RATINGS: lambda row: [
            None if row["rating_average"] is None else str(int(row["rating_average"]))
        ],
        Facet.AUTHORS: lambda row: [str(stock.authors[n]) for n in row["authors"]],
        Facet.CATEGORIES: lambda row: [
            str(stock.categories[n]) for n in (0, 2) if row["categories"] & subtree_of(n)
        ],
    }[facet]
    return Counter(value for row in rows for value in values(row) if value is not None)


@rolled_back(120)
@given(
    drawn=drawn_books, drawn_filter=drawn_filters, facets=st.sets(st.sampled_from(list(Facet)), min_size=1)
)
async def test_each_facet_counts_the_books_without_its_own_conditions(
    connection: Connection,
    drawn: list[DrawnBook],
    drawn_filter: tuple[list[FilterCase], str | None],
    facets: set[Facet],
) -> None:
    transaction = connection.transaction()
    await transaction.start()
    try:
        stock = await add_drawn_catalog(connection, drawn)
        book_filter = filter_of(stock, *drawn_filter)
        text_query = await text_query_of(connection, drawn_filter[1])
        requests = [FacetRequest(facet, 20) for facet in sorted(facets, key=str)]
        for scope, parent, belongs in lists(stock)[:2]:
            [found] = await fetch_facets(connection, scope, [parent], requests, book_filter, text_query)
            for facet in requests:
                rows = [
                    row
                    for row in stock.rows
                    if belongs(row)
                    and TEXTS[drawn_filter[1]](row)
                    and all(test.holds(row) for test in drawn_filter[0] if test.facet is not facet.facet)
                ]
                by_hand = expected_counts(rows, facet.facet, stock)

                assert {entry.value: entry.number for entry in found[facet].entries} == by_hand
                numbers = [entry.number for entry in found[facet].entries]
                assert numbers == sorted(numbers, reverse=True)
                assert found[facet].capped is False
    finally:
        await transaction.rollback()


async def test_categories_are_counted_even_if_the_most_popular_books_have_none(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facets_module, "FACET_BOOK_LIMIT", 3)
    category = await add_category(connection, "Fiction")
    for number in range(8):
        rating = {"rating_average": Decimal(4), "rating_count": 10 - number}
        categories = [category] if number in (5, 6) else []
        await add_book(
            connection, "Sea", source_id=str(number), language="en", categories=categories, **rating
        )
    by_category = FacetRequest(Facet.CATEGORIES, 10)
    english = Filter(None, c.compare(c.LANGUAGE_COLUMN, "eq", "en"))

    [found] = await fetch_facets(connection, books.ALL_BOOKS, [0], [by_category], english, None)

    assert [(entry.value, entry.number) for entry in found[by_category].entries] == [(str(category), 2)]
    assert found[by_category].capped is True


async def test_child_categories_are_counted_even_if_the_most_popular_books_are_in_none(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facets_module, "FACET_BOOK_LIMIT", 3)
    fiction = await add_category(connection, "Fiction")
    novels = await add_category(connection, "Novels", fiction)
    for number in range(8):
        rating = {"rating_average": Decimal(4), "rating_count": 10 - number}
        categories = [novels] if number in (5, 6) else [fiction]
        await add_book(
            connection, "Sea", source_id=str(number), language="en", categories=categories, **rating
        )
    english = Filter(None, c.compare(c.LANGUAGE_COLUMN, "eq", "en"))
    children = FacetRequest(Facet.CATEGORIES, 10)
    below_fiction = FacetRequest(Facet.CATEGORIES, 10, fiction)

    [in_fiction] = await fetch_facets(connection, books.BY_CATEGORY, [fiction], [children], english, None)
    [anywhere] = await fetch_facets(
        connection, books.ALL_BOOKS, [0], [children, below_fiction], english, None
    )

    assert [(entry.name, entry.number) for entry in in_fiction[children].entries] == [("Novels", 2)]
    assert [(entry.name, entry.number) for entry in anywhere[children].entries] == [("Fiction", 3)]
    assert [(entry.name, entry.number) for entry in anywhere[below_fiction].entries] == [("Novels", 2)]


async def test_facets_of_many_books_count_the_most_popular_and_are_capped(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facets_module, "FACET_BOOK_LIMIT", 3)
    monkeypatch.setattr(facets_module, "FACET_BOOK_LIMIT_BROAD_TEXT", 2)
    for number, language in enumerate(["de", "en", "en", "fr", "fr"]):
        rating = {"rating_average": Decimal(4), "rating_count": number + 1}
        await add_book(connection, "Sea", source_id=str(number), language=language, **rating)
    [text_query] = await interpret_texts(connection, ["sea"])
    languages = FacetRequest(Facet.LANGUAGES, 10)

    async def counted(text_query: TextQuery | None, *conditions: Condition) -> tuple[dict[str, int], bool]:
        book_filter = Filter("sea" if text_query else None, c.all_of(conditions))
        [found] = await fetch_facets(connection, books.ALL_BOOKS, [0], [languages], book_filter, text_query)
        return {entry.value: entry.number for entry in found[languages].entries}, found[languages].capped

    assert await counted(None) == ({"en": 1, "fr": 2}, True)
    assert await counted(text_query) == ({"en": 1, "fr": 2}, True)
    assert await counted(replace(text_query, book_ids=None)) == ({"fr": 2}, True)
    assert await counted(None, c.in_values(c.LANGUAGE_COLUMN, ["de", "en"])) == ({"de": 1, "en": 2}, False)
    assert await counted(replace(text_query, book_ids=None), c.in_values(c.LANGUAGE_COLUMN, ["fr"])) == (
        {"fr": 2},
        False,
    )
