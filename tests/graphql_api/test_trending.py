"""Trending books: the most viewed ones of a week, in any list, with cursors that hold no numbers."""

from base64 import urlsafe_b64decode
from datetime import date, timedelta
from importlib import import_module
from typing import Any

import orjson
import pytest

from db import trends, view_counts
from db.connections.connect import Connection
from db.verify import run_checks
from db.view_counts import ViewCounter
from tests.catalogs import add_author, add_book, add_category
from tests.graphql_api.conftest import Client

TODAY = date(2026, 3, 10)


class Days:
    """A clock of days that a test moves."""

    def __init__(self) -> None:
        self.today = TODAY

    def __call__(self) -> date:
        return self.today


async def view(connection: Connection, views: dict[int, int], today: date = TODAY) -> None:
    """Count views of books on a day, as a server of its own does."""
    counter = ViewCounter(connection, today=lambda: today)
    counter.pending.update(views)
    await counter.flush()


async def trending(client: Client, arguments: str = "") -> list[str]:
    data = await client.data(f"{{ books(orderBy: {{field: TRENDING}} {arguments}) {{ nodes {{ title }} }} }}")
    return [node["title"] for node in data["books"]["nodes"]]


async def assert_valid(connection: Connection) -> None:
    assert [finding for finding in await run_checks(connection) if finding.count] == []


async def test_the_most_viewed_books_come_first_and_others_not_at_all(client: Client) -> None:
    books = [await add_book(client.connection, title) for title in "ABCDE"]
    await view(client.connection, {books[0]: 1, books[1]: 3, books[3]: 2, books[4]: 3})

    listed = await client.data(
        "{ books(orderBy: {field: TRENDING}) { totalCount totalCountIsCapped nodes { title } } }"
    )

    assert listed["books"] == {
        "totalCount": 4,
        "totalCountIsCapped": False,
        "nodes": [{"title": title} for title in "EBDA"],
    }
    await assert_valid(client.connection)


async def test_views_of_earlier_days_count_for_a_week(client: Client) -> None:
    old, new = [await add_book(client.connection, title) for title in ("Old", "New")]
    days = Days()
    counter = ViewCounter(client.connection, today=days)
    counter.pending.update({old: 3})
    await counter.flush()
    days.today += timedelta(days=6)
    counter.pending.update({old: 1, new: 2})
    await counter.flush()
    on_the_last_day = await trending(client)

    days.today += timedelta(days=1)
    await counter.flush()
    without_the_first_day = await trending(client)
    days.today += timedelta(days=6)
    await counter.flush()

    assert on_the_last_day == ["Old", "New"]
    assert without_the_first_day == ["New", "Old"]
    assert await trending(client) == []
    assert await client.connection.fetchval("SELECT count(*) FROM book_trend") == 0


async def test_nothing_is_written_on_a_day_without_views(client: Client) -> None:
    book = await add_book(client.connection, "A")
    days = Days()
    counter = ViewCounter(client, today=days)

    await counter.flush()
    before = client.statements.copy()
    counter.record(book)
    await counter.flush()
    first = client.statements.copy()
    counter.record(book)
    await counter.flush()
    await counter.flush()

    assert before == []
    assert first == ["count_views", "recount_trend", "trim_trend"]
    assert client.statements == [*first, "count_views", "trim_trend"]


async def test_two_servers_add_their_views(client: Client) -> None:
    first, second = [await add_book(client.connection, title) for title in "AB"]

    await view(client.connection, {first: 2, second: 3})
    await view(client.connection, {first: 2})

    assert await client.connection.fetch("SELECT views FROM book_trend ORDER BY book_id") == [(4,), (3,)]
    assert await trending(client) == ["A", "B"]


async def test_the_list_holds_a_limited_number_of_books(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view_counts, "MAX_TRENDING_BOOKS", 3)
    books = [await add_book(client.connection, title) for title in "ABCDE"]

    await view(client.connection, {book: views for views, book in enumerate(books, 1)})
    trimmed = await trending(client)
    await view(client.connection, {books[0]: 1, books[1]: 1, books[2]: 1})
    rejoined = await trending(client)

    assert trimmed == ["E", "D", "C"]
    assert rejoined == ["E", "D", "C"]
    await view(client.connection, {books[1]: 2})
    assert await trending(client) == ["E", "B", "D"]


@pytest.fixture
async def shelf(client: Client) -> list[int]:
    """Books A to F in turn of two authors and two categories, one below the other, viewed 1 to 6 times."""
    fiction = await add_category(client.connection, "Fiction")
    novels = await add_category(client.connection, "Novels", fiction)
    jane, john = [await add_author(client.connection, name) for name in ("Jane", "John")]
    books = [
        await add_book(
            client.connection,
            title,
            authors=[(jane, "AUTHOR" if title < "D" else "EDITOR")] if title in "ACE" else [john],
            categories=[fiction if title in "AB" else novels] if title != "F" else [],
            language="en" if title in "AD" else "de",
            stock=int(title in "ABC"),
        )
        for title in "ABCDEF"
    ]
    await view(client.connection, {book: views for views, book in enumerate(books, 1)})
    return books


@pytest.mark.parametrize(
    ("field", "arguments", "expected"),
    [
        ("", "", "FEDCBA"),
        ("", "direction: ASC", "ABCDEF"),
        ("", 'filter: {language: {eq: "en"}}', "DA"),
        ("", "filter: {inStock: true}", "CBA"),
        ("", 'filter: {text: "C"}', "C"),
        ('author(by: {slug: "jane"})', "", "ECA"),
        ('author(by: {slug: "jane"})', "roles: [EDITOR]", "E"),
        ('author(by: {slug: "jane"})', "roles: []", ""),
        ('author(by: {slug: "jane"})', "filter: {inStock: false}", "E"),
        ('category(by: {path: "fiction"})', "", "EDCBA"),
        ('category(by: {path: "fiction"})', "includeDescendants: false", "BA"),
        ('category(by: {path: "fiction/novels"})', 'filter: {language: {neq: "en"}}', "EC"),
    ],
)
@pytest.mark.usefixtures("shelf")
async def test_every_list_has_its_trending_books(
    client: Client, field: str, arguments: str, expected: str
) -> None:
    direction, others = ("ASC", "") if arguments == "direction: ASC" else ("DESC", arguments)
    books = f"books(orderBy: {{field: TRENDING, direction: {direction}}} {others}) {{ totalCount nodes {{ title }} }}"

    data = await client.data(f"{{ {field} {{ {books} }} }}" if field else f"{{ {books} }}")

    [listed] = data.values()
    page = listed["books"] if field else listed
    assert page == {"totalCount": len(expected), "nodes": [{"title": title} for title in expected]}


@pytest.mark.usefixtures("shelf")
async def test_a_filter_on_one_author_or_category_keeps_the_order(client: Client) -> None:
    found = await client.data('{ author(by: {slug: "john"}) { id } category(by: {path: "fiction"}) { id } }')

    by_author = await trending(client, f'filter: {{author: {{eq: "{found["author"]["id"]}"}}}}')
    by_category = await trending(client, f'filter: {{category: {{eq: "{found["category"]["id"]}"}}}}')

    assert (by_author, by_category) == (["F", "D", "B"], ["E", "D", "C", "B", "A"])


@pytest.mark.usefixtures("shelf")
async def test_the_lists_of_many_authors_are_one_statement(client: Client) -> None:
    data = await client.data(
        "{ authors { nodes { books(first: 1, orderBy: {field: TRENDING}) { nodes { title } } } } }"
    )

    assert [each["books"]["nodes"] for each in data["authors"]["nodes"]] == [
        [{"title": "E"}],
        [{"title": "F"}],
    ]
    assert client.statements == ["page_of_authors", "trending_books_by_author_ids_matching"]


@pytest.mark.usefixtures("shelf")
async def test_facets_count_the_trending_books(client: Client) -> None:
    facets = "facets { languages { entries { language count } } categories { entries { category { path } count } } }"
    data = await client.data(
        f'{{ category(by: {{path: "fiction"}}) {{ books(orderBy: {{field: TRENDING}}) {{ {facets} }} }} }}'
    )

    assert data["category"]["books"]["facets"] == {
        "languages": {"entries": [{"language": "de", "count": 3}, {"language": "en", "count": 2}]},
        "categories": {"entries": [{"category": {"path": "fiction/novels"}, "count": 3}]},
    }


async def test_unpublished_books_are_not_trending(client: Client, shelf: list[int]) -> None:
    await client.connection.execute("UPDATE book SET is_published = false WHERE id = $1", shelf[5])

    assert await trending(client) == list("EDCBA")


PAGE = """
query ($first: Int, $after: String, $last: Int, $before: String) {
  books(first: $first, after: $after, last: $last, before: $before, orderBy: {field: TRENDING}) {
    nodes { title } pageInfo { startCursor endCursor hasNextPage hasPreviousPage }
  }
}
"""


async def page_of(client: Client, **arguments: Any) -> tuple[str, dict[str, Any]]:
    page = (await client.data(PAGE, **arguments))["books"]
    return "".join(node["title"] for node in page["nodes"]), page["pageInfo"]


@pytest.mark.usefixtures("shelf")
async def test_pages_lead_through_the_list_in_both_directions(client: Client) -> None:
    first, info = await page_of(client, first=4)
    second, end = await page_of(client, first=4, after=info["endCursor"])
    back, start = await page_of(client, last=4, before=end["startCursor"])

    assert (first, second, back) == ("FEDC", "BA", "FEDC")
    assert (info["hasNextPage"], end["hasNextPage"], start["hasPreviousPage"]) == (True, False, False)


@pytest.mark.usefixtures("shelf")
async def test_a_cursor_holds_no_number_of_views(client: Client) -> None:
    _, info = await page_of(client, first=1)

    cursor = info["endCursor"]
    scope, key, book = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))

    assert (scope, key) == ("trending desc", None)
    assert book == await client.connection.fetchval("SELECT id FROM book WHERE title = 'F'")


async def test_a_cursor_leads_on_from_the_present_place_of_its_book(client: Client, shelf: list[int]) -> None:
    _, info = await page_of(client, first=2)
    await view(client.connection, {shelf[0]: 10})

    assert (await page_of(client, first=4, after=info["endCursor"]))[0] == "DCB"
    await view(client.connection, {shelf[4]: 20})
    assert (await page_of(client, first=2, after=info["endCursor"]))[0] == "AF"


async def test_a_cursor_of_a_book_that_is_trending_no_more_is_at_the_end(
    client: Client, shelf: list[int]
) -> None:
    _, info = await page_of(client, first=2)
    await client.connection.execute("DELETE FROM book_trend WHERE book_id = $1", shelf[4])

    assert (await page_of(client, first=4, after=info["endCursor"]))[0] == ""
    assert (await page_of(client, last=2, before=info["endCursor"]))[0] == "BA"


async def test_a_cursor_with_a_number_of_views_is_refused(client: Client) -> None:
    cursor = "WyJ0cmVuZGluZyBkZXNjIiw1LDFd"  # ["trending desc",5,1]

    error = await client.error(PAGE, after=cursor)

    assert error["message"] == "after is not a valid cursor. Use a value of `cursor` or `pageInfo`."


async def test_a_view_rewrites_no_book(client: Client) -> None:
    book = await add_book(client.connection, "A")
    before = await client.connection.fetchrow(
        "SELECT ctid, version, updated_at FROM book WHERE id = $1", book
    )

    await view(client.connection, {book: 1})

    after = await client.connection.fetchrow("SELECT ctid, version, updated_at FROM book WHERE id = $1", book)
    assert after == before


def test_the_migration_has_the_values_of_the_code() -> None:
    migration = import_module("migrations.versions.0021_times")

    assert (migration.TRENDING_DAYS, migration.MAX_TRENDING_BOOKS) == (
        trends.TRENDING_DAYS,
        trends.MAX_TRENDING_BOOKS,
    )
