"""Related books and breadcrumbs of books."""

import asyncpg
import pytest

from tests.catalogs import add_author, add_book, add_category
from tests.graphql_api.conftest import Client

RELATED = "query ($isbn: ISBN!, $n: Int! = 10) { book(by: {isbn: $isbn}) { related(first: $n) { title } } }"
EMMA = "9780306406157"


async def related_titles(client: Client, size: int = 10) -> list[str]:
    data = await client.data(RELATED, isbn=EMMA, n=size)
    return [book["title"] for book in data["book"]["related"]]


@pytest.fixture
async def shop(client: Client, connection: asyncpg.Connection) -> Client:
    """A catalog with the book Emma, which shares more with some books than with others."""
    austen = await add_author(connection, "Austen, Jane")
    bronte = await add_author(connection, "Brontë, Anne")
    fiction = await add_category(connection, "Fiction")
    classics = await add_category(connection, "Classics", fiction)
    history = await add_category(connection, "History")
    rated = {"rating_average": 4}
    for title, author, categories, ratings, language in (
        ("Emma", austen, [classics, fiction], 90, "en"),
        ("Persuasion", austen, [classics], 5, "en"),
        ("Sense and Sensibility", austen, [classics], 20, "en"),
        ("Überredung", austen, [history], 7, "de"),
        ("Agnes Grey", bronte, [classics], 40, "en"),
        ("The Tenant", bronte, [classics, fiction], 1, "en"),
        ("A Chronicle", bronte, [history], 99, "en"),
    ):
        await add_book(
            connection,
            title,
            authors=[author],
            categories=categories,
            rating_count=ratings,
            language=language,
            isbn=EMMA if title == "Emma" else None,
            **rated,
        )
    return client


async def test_the_books_that_share_most_come_first_and_the_most_popular_of_equals(shop: Client) -> None:
    assert await related_titles(shop) == [
        "Sense and Sensibility",  # author, category, language
        "Persuasion",
        "The Tenant",  # two categories, language
        "Agnes Grey",  # category, language
        "Überredung",  # author
    ]


async def test_fewer_related_books_are_the_first_ones(shop: Client) -> None:
    assert await related_titles(shop, 3) == ["Sense and Sensibility", "Persuasion", "The Tenant"]
    assert await related_titles(shop, 0) == []


async def test_no_edition_of_the_book_and_one_edition_per_work_is_related(
    shop: Client, connection: asyncpg.Connection
) -> None:
    [austen, bronte] = [
        row["id"] for row in await connection.fetch("SELECT id FROM author ORDER BY name LIMIT 2")
    ]
    await add_book(connection, "EMMA!", authors=[austen], rating_count=500, rating_average=4)
    await add_book(connection, "Persuasion", source_id="p2", authors=[austen], language="en")
    illustrated = [(bronte, "ILLUSTRATOR"), (austen, "AUTHOR")]
    await add_book(connection, "Emma", source_id="e3", authors=illustrated, language="en")

    assert await related_titles(shop) == [
        "Sense and Sensibility",
        "Persuasion",
        "The Tenant",
        "Agnes Grey",
        "Überredung",
    ]


async def test_a_translation_by_the_key_of_the_work_is_not_related(
    shop: Client, connection: asyncpg.Connection
) -> None:
    await connection.execute("UPDATE book SET work_key = 'e' WHERE title IN ('Emma', 'Persuasion')")
    await connection.execute("UPDATE book SET work_key = 's' WHERE title IN ('The Tenant', 'Agnes Grey')")

    assert await related_titles(shop) == ["Sense and Sensibility", "The Tenant", "Überredung"]


async def test_an_unpublished_book_is_not_related(shop: Client, connection: asyncpg.Connection) -> None:
    await connection.execute("UPDATE book SET is_published = false WHERE title = 'Persuasion'")

    assert (await related_titles(shop, 2)) == ["Sense and Sensibility", "The Tenant"]


async def test_a_book_that_shares_nothing_has_no_related_books(
    client: Client, connection: asyncpg.Connection
) -> None:
    await add_book(connection, "Alone", isbn=EMMA)
    await add_book(connection, "Alone too")

    assert await related_titles(client) == []


@pytest.mark.parametrize("size", [-1, 21])
async def test_a_wrong_number_of_related_books_names_the_limit(shop: Client, size: int) -> None:
    error = await shop.error(RELATED, isbn=EMMA, n=size)

    assert error["message"] == f"first is {size}; it must be from 0 to 20."
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "argument": "first"}


async def test_the_breadcrumb_leads_from_the_root_to_the_deepest_category(shop: Client) -> None:
    data = await shop.data(
        "{ books(orderBy: {field: POPULARITY, direction: DESC}, first: 2)"
        " { nodes { title breadcrumb { name path } } } }"
    )

    assert data["books"]["nodes"] == [
        {"title": "A Chronicle", "breadcrumb": [{"name": "History", "path": "history"}]},
        {
            "title": "Emma",
            "breadcrumb": [
                {"name": "Fiction", "path": "fiction"},
                {"name": "Classics", "path": "fiction/classics"},
            ],
        },
    ]
    assert shop.statements == ["page_of_books", "breadcrumbs_by_book_ids"]


async def test_of_equally_deep_categories_the_one_with_most_books_is_the_main_one(
    client: Client, connection: asyncpg.Connection
) -> None:
    small, large = await add_category(connection, "Art"), await add_category(connection, "Travel")
    await add_book(connection, "Rome", isbn=EMMA, categories=[small, large])
    await add_book(connection, "Paris", categories=[large])
    await add_book(connection, "Without")

    data = await client.data("{ books { nodes { breadcrumb { path } } } }")

    assert [book["breadcrumb"] for book in data["books"]["nodes"]] == [
        [{"path": "travel"}],
        [{"path": "travel"}],
        [],
    ]
