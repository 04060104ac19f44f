"""Slugs of books: readable in every script, short, and valid for ever."""

import pytest

from graphql_api.schema.book_slugs import MAX_SLUG_LENGTH, book_slug
from graphql_api.schema.ids import global_id
from tests.catalogs import add_book
from tests.graphql_api.conftest import Client

BOOK = "query ($slug: String!) { book(by: {slug: $slug}) { title slug } }"


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Pride and Prejudice", "pride-and-prejudice-42"),
        ("  Émile, ou De l’éducation ", "emile-ou-de-leducation-42"),
        ("Alice's Adventures in Wonderland", "alices-adventures-in-wonderland-42"),
        ("C++ & C#", "c-plus-plus-and-c-sharp-42"),
        ("1984", "1984-42"),
        ("Straße_der Nacht", "strasse-der-nacht-42"),
        ("Ὀδύσσεια", "οδυσσεια-42"),
        ("Война и мир", "война-и-мир-42"),
        ("紅樓夢", "紅樓夢-42"),
        ("गोदान", "गोदान-42"),
        ("ألف ليلة وليلة", "ألف-ليلة-وليلة-42"),
        ("!?…", "42"),
        ("🙂", "42"),
    ],
)
def test_a_slug_has_the_words_of_the_title_and_the_number(title: str, slug: str) -> None:
    assert book_slug(title, 42) == slug


@pytest.mark.parametrize("key", [1, 2**63 - 1])
def test_a_long_title_is_cut_behind_a_word(key: int) -> None:
    words = "abcd " * 400

    slug = book_slug(words, key)

    assert MAX_SLUG_LENGTH - 5 < len(slug) <= MAX_SLUG_LENGTH
    assert set(slug.removesuffix(f"-{key}").split("-")) == {"abcd"}


def test_a_title_of_one_long_word_is_cut_in_it() -> None:
    assert book_slug("長" * 100, 7) == "長" * 78 + "-7"


def test_a_title_that_just_fits_is_not_cut() -> None:
    assert book_slug("abc " + "d" * 74, 7) == "abc-" + "d" * 74 + "-7"
    assert book_slug("abc " + "d" * 75, 7) == "abc-7"


async def test_a_book_is_found_by_its_present_and_by_any_former_slug(client: Client) -> None:
    book = await add_book(client.connection, "Sens and Sensibility")
    await client.connection.execute("UPDATE book SET title = 'Sense and Sensibility'")

    found = {"book": {"title": "Sense and Sensibility", "slug": f"sense-and-sensibility-{book}"}}
    for slug in (
        f"sense-and-sensibility-{book}",
        f"sens-and-sensibility-{book}",
        f"{book}",
        f"-{book}",
        f"0{book}",
    ):
        assert await client.data(BOOK, slug=slug) == found


@pytest.mark.parametrize("slug", ["nothing-0", "nothing-999999999", f"nothing-{2**63}", "9" * 5_000])
async def test_a_slug_of_no_book_is_null(client: Client, slug: str) -> None:
    assert await client.data(BOOK, slug=slug) == {"book": None}


@pytest.mark.parametrize(
    "slug", ["", "emma", "emma-", "emma-4x", "emma-٤", "emma4", "emma 4", "\ud800", "\0"]
)
async def test_a_slug_without_a_number_is_refused(client: Client, slug: str) -> None:
    error = await client.error(BOOK, slug=slug)

    assert error["message"] == (
        f"by.slug is {slug!r}, which does not end in the number of a book. Use a value of `Book.slug`."
    )
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "argument": "by.slug"}


async def test_a_look_up_by_slug_counts_a_view(client: Client) -> None:
    book = await add_book(client.connection, "Emma")

    await client.data(BOOK, slug=f"emma-{book}")

    assert client.views.pending == {book: 1}
    assert client.statements == ["books_by_ids"]


async def test_an_unpublished_book_is_found_by_slug_by_editors_alone(client: Client, editor: Client) -> None:
    book = await add_book(client.connection, "Emma", is_published=False)

    assert await client.data(BOOK, slug=f"emma-{book}") == {"book": None}
    by_id = await client.data("query ($id: ID!) { book(by: {id: $id}) { slug } }", id=global_id("Book", book))
    assert by_id == {"book": None}
