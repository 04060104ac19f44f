"""When books were added and changed: fields, filters, orders and pages that lose and repeat nothing."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from db.connections.connect import Connection
from tests.catalogs import add_author, add_book, add_category
from tests.graphql_api.conftest import Client

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def text_of(minutes: int) -> str:
    return f"{(START + timedelta(minutes=minutes)).isoformat()[:19]}.000000Z"


async def add_dated_books(connection: Connection, minutes: list[int], **columns: Any) -> list[int]:
    """Add a book per number, updated that many minutes after START. Return their ids."""
    return [
        await add_book(connection, f"Book {number}", updated_at=START + timedelta(minutes=minute), **columns)
        for number, minute in enumerate(minutes)
    ]


async def titles(client: Client, arguments: str, field: str = "books") -> list[str]:
    data = await client.data(f"{{ {field}({arguments}) {{ nodes {{ title }} }} }}")
    return [node["title"] for node in data[field]["nodes"]]


async def test_a_new_book_has_the_time_of_its_insert_in_both_fields(client: Client) -> None:
    before = datetime.now(UTC)
    await add_book(client.connection, "A")
    after = datetime.now(UTC)

    [book] = (await client.data("{ books { nodes { addedAt updatedAt } } }"))["books"]["nodes"]

    for value in (book["addedAt"], book["updatedAt"]):
        assert value.endswith("Z")
        assert before <= datetime.fromisoformat(value) <= after


async def test_a_sitemap_in_the_order_of_additions_has_rising_times(client: Client) -> None:
    for number in range(5):
        await add_book(client.connection, f"Book {number}")

    data = await client.data("{ books(orderBy: {field: ADDED}) { nodes { title addedAt } } }")

    nodes = data["books"]["nodes"]
    assert [node["title"] for node in nodes] == [f"Book {number}" for number in range(5)]
    assert [node["addedAt"] for node in nodes] == sorted({node["addedAt"] for node in nodes})


@pytest.mark.parametrize(
    ("operator", "expected"), [("lt", [0, 1]), ("lte", [0, 1, 2]), ("gt", [3, 4]), ("gte", [2, 3, 4])]
)
async def test_books_are_filtered_by_the_time_when_they_were_added(
    client: Client, operator: str, expected: list[int]
) -> None:
    category = await add_category(client.connection, "Fiction")
    author = await add_author(client.connection, "Jane")
    for number in range(5):
        await add_book(client.connection, f"Book {number}", authors=[author], categories=[category])
    added = (await client.data("{ books(orderBy: {field: ADDED}) { nodes { addedAt } } }"))["books"]["nodes"]

    listed = await client.data(
        """
        query ($filter: BookFilter) {
          books(filter: $filter) { totalCount nodes { title } }
          author(by: {slug: "jane"}) { books(filter: $filter) { totalCount nodes { title } } }
          category(by: {path: "fiction"}) { books(filter: $filter) { totalCount nodes { title } } }
        }
        """,
        filter={"addedAt": {operator: added[2]["addedAt"]}},
    )

    page = {"totalCount": len(expected), "nodes": [{"title": f"Book {number}"} for number in expected]}
    assert listed == {"books": page, "author": {"books": page}, "category": {"books": page}}


async def test_books_of_one_statement_were_added_at_one_time(client: Client) -> None:
    await add_book(client.connection, "Before")
    await client.connection.execute(
        "INSERT INTO book (source, source_id, title) SELECT 's', n, n FROM generate_series(1, 3) AS g (n)"
    )

    data = await client.data("{ books(orderBy: {field: ADDED}) { nodes { addedAt } } }")

    first, *others = [node["addedAt"] for node in data["books"]["nodes"]]
    assert first < others[0]
    assert len(set(others)) == 1


@pytest.mark.parametrize(
    ("operator", "expected"), [("lt", [2]), ("lte", [2, 0, 3]), ("gt", [1]), ("gte", [0, 3, 1])]
)
async def test_books_are_filtered_and_sorted_by_their_last_change(
    client: Client, operator: str, expected: list[int]
) -> None:
    await add_dated_books(client.connection, [10, 20, 0, 10])

    found = await titles(
        client, f'orderBy: {{field: UPDATED}}, filter: {{updatedAt: {{{operator}: "{text_of(10)}"}}}}'
    )
    backwards = await titles(
        client,
        f'orderBy: {{field: UPDATED, direction: DESC}}, filter: {{updatedAt: {{{operator}: "{text_of(10)}"}}}}',
    )

    assert found == [f"Book {number}" for number in expected]
    assert backwards == found[::-1]


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
@pytest.mark.parametrize(("size", "cursor"), [("first", "after"), ("last", "before")])
async def test_pages_by_last_change_are_exact_under_ties(
    client: Client, direction: str, size: str, cursor: str
) -> None:
    await add_dated_books(client.connection, [10, 10, 10, 0, 10, 20, 10])
    query = f"""
        query ($cursor: String) {{
          books({size}: 2, {cursor}: $cursor, orderBy: {{field: UPDATED, direction: {direction}}}) {{
            nodes {{ title }} pageInfo {{ startCursor endCursor hasNextPage hasPreviousPage }}
          }}
        }}
    """

    seen: list[str] = []
    position, has_more = None, True
    while has_more:
        page = (await client.data(query, cursor=position))["books"]
        found = [node["title"] for node in page["nodes"]]
        seen += found if size == "first" else found[::-1]
        info = page["pageInfo"]
        position, has_more = (
            (info["endCursor"], info["hasNextPage"])
            if size == "first"
            else (info["startCursor"], info["hasPreviousPage"])
        )

    ascending = [f"Book {number}" for number in (3, 0, 1, 2, 4, 6, 5)]
    assert seen == (ascending if (direction == "ASC") is (size == "first") else ascending[::-1])


async def test_all_changes_since_a_time_are_read_page_by_page_in_one_category(client: Client) -> None:
    fiction, other = [await add_category(client.connection, name) for name in ("Fiction", "Other")]
    books = await add_dated_books(client.connection, [0, 10, 10, 20])
    for book, category in zip(books, (fiction, fiction, other, fiction), strict=True):
        await client.connection.execute("INSERT INTO book_category VALUES ($1, $2)", book, category)
    for minute, book in zip([0, 10, 10, 20], books, strict=True):
        await client.connection.execute(
            "UPDATE book SET updated_at = $2 WHERE id = $1", book, START + timedelta(minutes=minute)
        )
    category = (await client.data('{ category(by: {path: "fiction"}) { id } }'))["category"]["id"]

    found = await client.data(
        "query ($filter: BookFilter) { books(orderBy: {field: UPDATED}, filter: $filter) { totalCount nodes { title } } }",
        filter={"category": {"eq": category}, "updatedAt": {"gt": text_of(0)}},
    )

    assert found["books"] == {"totalCount": 2, "nodes": [{"title": "Book 1"}, {"title": "Book 3"}]}


@pytest.mark.parametrize("field", ['author(by: {slug: "jane"})', 'category(by: {path: "fiction"})'])
async def test_a_list_of_an_author_or_category_has_no_order_by_last_change(
    client: Client, field: str
) -> None:
    await add_category(client.connection, "Fiction")
    await add_author(client.connection, "Jane")

    error = await client.error(
        f"{{ {field} {{ books(orderBy: {{field: UPDATED}}) {{ nodes {{ title }} }} }} }}"
    )

    assert error["message"] == (
        "orderBy.field UPDATED is for the root field books only. Filter that one by author or category, and by "
        "updatedAt."
    )
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "argument": "orderBy"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01T12:00:00Z", ["Book 0"]),
        ("2026-03-01t14:00:00.000000+02:00", ["Book 0"]),
        ("2026-03-01T11:59:59.999999999z", ["Book 0"]),
        ("2026-03-01T12:00:00.000001Z", []),
    ],
)
async def test_a_time_has_any_offset(client: Client, text: str, expected: list[str]) -> None:
    await add_dated_books(client.connection, [0])

    assert await titles(client, f'filter: {{updatedAt: {{gte: "{text}"}}}}') == expected


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01", "2026-03-01T12:00:00", "2026-13-01T12:00:00Z", "2026-03-01T24:00:00Z", "20260301T120000Z",
        "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "", "now",
    ],
)  # fmt: skip
async def test_what_is_no_time_with_an_offset_is_refused(client: Client, text: str) -> None:
    error = await client.error(
        "query ($time: DateTime) { books(filter: {updatedAt: {gt: $time}}) { totalCount } }", time=text
    )

    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert (
        f"{text!r} is not a time with an offset. Give a time such as 2026-01-31T12:00:00Z."
        in error["message"]
    )


async def test_a_cursor_with_a_time_without_an_offset_is_refused(client: Client) -> None:
    cursor = "WyJ1cGRhdGVkIGFzYyIsIjIwMjYtMDMtMDFUMTI6MDA6MDAiLDFd"  # ["updated asc","2026-03-01T12:00:00",1]

    error = await client.error(
        f'{{ books(after: "{cursor}", orderBy: {{field: UPDATED}}) {{ totalCount }} }}'
    )

    assert error["message"] == "after is not a valid cursor. Use a value of `cursor` or `pageInfo`."
