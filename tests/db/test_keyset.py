"""Keyset pages: reading them in any order, direction and size returns the whole list exactly once."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db import authors, books, categories
from db.books import ADDED, POPULARITY, PRICE, PUBLICATION, RATING, SORT_KEYS, TITLE, Book
from db.connections.connect import Connection
from db.keyset import MAX_BIGINT, Order, Page, PageRequest, Position, SortKey
from tests.catalogs import add_author, add_book, add_category

Read = Callable[[Order, PageRequest], Awaitable[Page[Book]]]

rolled_back = settings(
    max_examples=25,
)

# Few values, so that many books have the same value or none.
drawn_books = st.lists(
    st.fixed_dictionaries(
        {
            "title": st.sampled_from(["The Sea", "Sea", "a sea", "Été", "Zola", "!"]),
            "published_year": st.sampled_from([None, -50, 1900, 1901]),
            "price": st.sampled_from([None, Decimal("0"), Decimal("9.99"), Decimal("10")]),
            "rating_average": st.sampled_from([None, Decimal("0.00"), Decimal("4.50")]),
            "where": st.sampled_from(["root", "child", "both", "elsewhere"]),
        }
    ),
    max_size=14,
)
orders = st.builds(Order, st.sampled_from(SORT_KEYS), st.booleans())


COLUMN_BY_SORT_KEY = {
    TITLE: "title_key",
    PUBLICATION: "published_key",
    PRICE: "price",
    RATING: "rating_average",
    POPULARITY: "rating_count",
}


def sort_value(key: SortKey, row: dict[str, Any]) -> Any:
    if key is ADDED:
        return row["id"]
    return row[COLUMN_BY_SORT_KEY[key]]


def sorted_ids(rows: list[dict[str, Any]], order: Order) -> list[int]:
    """Return the expected ids, sorted in Python."""
    with_key = [row for row in rows if sort_value(order.key, row) is not None]
    without = [row for row in rows if sort_value(order.key, row) is None]
    with_key.sort(
        key=lambda row: (comparable(sort_value(order.key, row)), row["id"]), reverse=order.descending
    )
    without.sort(key=lambda row: row["id"], reverse=order.descending)
    return [row["id"] for row in with_key + without]


def comparable(value: Any) -> Any:
    return value.encode() if isinstance(value, str) else value


async def read_all_pages(read: Read, order: Order, size: int, *, backward: bool) -> list[int]:
    """Return the ids of the whole list, read page by page."""
    ids: list[int] = []
    position: Position | None = None
    while True:
        after, before = (None, position) if backward else (position, None)
        page = await read(order, PageRequest(size, backward, after=after, before=before))
        found = [book.id for book in page.rows]
        ids = found + ids if backward else ids + found
        more = page.has_previous if backward else page.has_next
        assert (page.has_next if backward else page.has_previous) is (position is not None)
        if not more:
            return ids
        assert len(found) == size
        assert len(ids) < 50, "the pages do not end"
        position = page.position(0 if backward else -1)


async def add_drawn_books(connection: Connection, drawn: list[dict[str, Any]]) -> dict[str, Any]:
    """Insert the drawn books, each with an unpublished twin that no page may have.

    Return the ids of the author, the root and the child, and the rows of the published books.
    """
    author = await add_author(connection, "A")
    root = await add_category(connection, "Root")
    child = await add_category(connection, "Child", root)
    elsewhere = await add_category(connection, "Elsewhere")
    places = {"root": [root], "child": [child], "both": [root, child], "elsewhere": [elsewhere]}
    for number, book in enumerate(drawn):
        columns = {name: value for name, value in book.items() if name not in ("title", "where")}
        columns["currency"] = "EUR" if book["price"] is not None else None
        columns["rating_count"] = 1 if book["rating_average"] is not None else 0
        for is_published in (True, False):
            await add_book(
                connection,
                book["title"],
                source_id=f"{number} {is_published}",
                authors=[author] if book["where"] != "child" else [],
                categories=places[book["where"]],
                is_published=is_published,
                **columns,
            )
    rows = [
        dict(row)
        for row in await connection.fetch(
            "SELECT id, title_key, published_key, price, rating_average, rating_count FROM book"
            " WHERE is_published ORDER BY id"
        )
    ]
    for row, book in zip(rows, drawn, strict=True):
        row["where"] = book["where"]
    return {"author": author, "root": root, "child": child, "rows": rows}


def lists(connection: Connection, stock: dict[str, Any]) -> dict[str, tuple[Read, set[str]]]:
    """Return a reader of every kind of book list, with the categories of the books it must contain."""

    async def of_author(order: Order, window: PageRequest) -> Page[Book]:
        return (await books.books_by_author_ids(connection, order, window, [stock["author"]]))[0]

    def of_category(category: int, *, descendants: bool) -> Read:
        async def read(order: Order, window: PageRequest) -> Page[Book]:
            found = await books.books_by_category_ids(
                connection, order, window, [category], descendants=descendants
            )
            return found[0]

        return read

    async def of_catalog(order: Order, window: PageRequest) -> Page[Book]:
        return await books.page_of_books(connection, order, window)

    return {
        "catalog": (of_catalog, {"root", "child", "both", "elsewhere"}),
        "author": (of_author, {"root", "both", "elsewhere"}),
        "subtree": (of_category(stock["root"], descendants=True), {"root", "child", "both"}),
        "category alone": (of_category(stock["root"], descendants=False), {"root", "both"}),
        "leaf": (of_category(stock["child"], descendants=True), {"child", "both"}),
    }


@rolled_back
@given(drawn=drawn_books, order=orders, size=st.integers(1, 5), backward=st.booleans())
async def test_reading_all_pages_returns_the_whole_list_in_order(
    connection: Connection, drawn: list[dict[str, Any]], order: Order, size: int, backward: bool
) -> None:
    transaction = connection.transaction()
    await transaction.start()
    try:
        stock = await add_drawn_books(connection, drawn)
        for name, (read, places) in lists(connection, stock).items():
            rows = [row for row in stock["rows"] if row["where"] in places]

            assert await read_all_pages(read, order, size, backward=backward) == sorted_ids(rows, order), name
    finally:
        await transaction.rollback()


@rolled_back
@given(drawn=drawn_books, order=orders, data=st.data())
async def test_a_page_between_two_cursors_is_that_part_of_the_list(
    connection: Connection, drawn: list[dict[str, Any]], order: Order, data: st.DataObject
) -> None:
    transaction = connection.transaction()
    await transaction.start()
    try:
        stock = await add_drawn_books(connection, drawn)
        whole = await books.page_of_books(connection, order, PageRequest(100))
        places = st.none() | st.sampled_from(range(len(whole.rows))) if whole.rows else st.none()
        start, stop, count = data.draw(places), data.draw(places), data.draw(st.integers(0, 6))
        tail, backward = data.draw(st.none() | st.integers(0, 3)), data.draw(st.booleans())
        window = PageRequest(
            count,
            backward,
            None if backward else tail,
            None if start is None else whole.position(start),
            None if stop is None else whole.position(stop),
        )

        page = await books.page_of_books(connection, order, window)

        between = sorted_ids(stock["rows"], order)[
            0 if start is None else start + 1 : None if stop is None else stop
        ]
        taken = between[max(0, len(between) - count) :] if backward else between[:count]
        kept = taken[max(0, len(taken) - tail) :] if tail is not None and not backward else taken
        assert [book.id for book in page.rows] == kept
        cut = len(between) > len(taken)
        assert page.has_next is ((stop is not None) if backward else cut)
        assert page.has_previous is (cut if backward else start is not None or len(kept) < len(taken))
    finally:
        await transaction.rollback()


async def test_a_cursor_is_valid_after_its_row_is_deleted(connection: Connection) -> None:
    ids = [await add_book(connection, title) for title in ("A", "B", "C", "D")]
    first = await books.page_of_books(connection, Order(TITLE), PageRequest(2))

    await connection.execute("DELETE FROM book WHERE id = $1", ids[1])
    await add_book(connection, "Bb")
    second = await books.page_of_books(connection, Order(TITLE), PageRequest(9, after=first.position(-1)))

    assert [book.title for book in second.rows] == ["Bb", "C", "D"]


async def test_each_parent_has_its_own_page_in_the_order_of_the_parents(
    connection: Connection,
) -> None:
    ids = [await add_author(connection, name) for name in ("A", "B", "C")]
    for title, author in (("1", 0), ("2", 1), ("3", 0), ("4", 0)):
        await add_book(connection, title, authors=[ids[author]])

    found = await books.books_by_author_ids(
        connection, Order(TITLE), PageRequest(2), [ids[2], ids[1], ids[0], ids[1]]
    )

    assert [[book.title for book in page.rows] for page in found] == [[], ["2"], ["1", "3"], ["2"]]
    assert [page.has_next for page in found] == [False, False, True, False]


async def test_authors_and_categories_page_by_name(connection: Connection) -> None:
    for name in ("Zola", "émile", "Austen"):
        await add_author(connection, name)
    root = await add_category(connection, "Été")
    for name in ("b", "A", "c"):
        await add_category(connection, name, root)

    people = await authors.page_of_authors(connection, PageRequest(2))
    rest = await authors.page_of_authors(connection, PageRequest(2, after=people.position(-1)))
    everything = await categories.page_of_categories(connection, PageRequest(9), roots=False)
    roots = await categories.page_of_categories(connection, PageRequest(9), roots=True)
    [children] = await categories.children_by_category_ids(connection, PageRequest(2, backward=True), [root])

    assert [author.name for author in (*people.rows, *rest.rows)] == ["Austen", "émile", "Zola"]
    assert [category.name for category in everything.rows] == ["A", "b", "c", "Été"]
    assert [category.path for category in roots.rows] == ["ete"]
    assert [category.name for category in children.rows] == ["b", "c"]
    assert (children.has_previous, children.has_next) == (True, False)


@pytest.mark.parametrize("key", SORT_KEYS, ids=lambda key: key.name)
@pytest.mark.parametrize("descending", [False, True])
async def test_open_bounds_are_beyond_the_extreme_values_of_a_book(
    connection: Connection, key: SortKey, descending: bool
) -> None:
    for title, year, price, rating in (
        ("\U0010ffff" * 100, 9999, Decimal("9999999999.9999"), Decimal("5.00")),
        ("!", -9999, Decimal("0"), Decimal("0.00")),
    ):
        await add_book(
            connection,
            title,
            published_year=year,
            price=price,
            currency="EUR",
            rating_average=rating,
            rating_count=1,
        )

    page = await books.page_of_books(connection, Order(key, descending), PageRequest(5))

    assert len(page.rows) == 2
    assert MAX_BIGINT == 9223372036854775807
