"""What a person typed finds what they meant, and no text makes an error."""

from dataclasses import replace
from typing import Any

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db import books
from db.pages import Order, Window
from db.search.bands import STEPS
from db.search.filters import Filter
from db.search.lists import counts_of_search, pages_of_search
from db.search.matches import START, STOP, Match, matches_by_book_ids
from db.search.ranking import NAMED, RANKED, RANKED_OF_MANY, RELEVANCE
from db.search.text import LONGEST_TEXT, isbn_in, meanings_of_texts
from tests.catalogs import add_author, add_book, add_category

BEST_FIRST = Order(RELEVANCE, descending=True)


@pytest.fixture
async def shelf(connection: asyncpg.Connection) -> dict[str, int]:
    """A few works of world literature, by title."""
    shakespeare = await add_author(connection, "William Shakespeare", source="ol", source_id="OL9A")
    zola = await add_author(connection, "Émile Zola")
    brien = await add_author(connection, "Edna O'Brien")
    fiction = await add_category(connection, "Fiction")
    drama = await add_category(connection, "Drama & Verse", fiction)
    rows: list[dict[str, Any]] = [
        {"title": "Hamlet", "authors": [shakespeare], "categories": [drama], "isbn": "9780306406157"},
        {"title": "Germinal", "authors": [zola], "language": "fr", "subtitle": "Roman de la mine"},
        {"title": "L'Œuvre", "authors": [zola], "language": "fr", "rating_average": 4, "rating_count": 7},
        {"title": "Nana", "authors": [zola], "description": "The theatre of Hamlet it is not."},
        {"title": "Girls & Sons", "authors": [brien]},
        {"title": "Catch-22"},
    ]
    return {row["title"]: await add_book(connection, **row) for row in rows}


async def found(connection: asyncpg.Connection, text: str) -> list[str]:
    """The titles that a text finds, by relevance."""
    [meaning] = await meanings_of_texts(connection, [text])
    search = Filter(text).search(meaning)
    [page] = await pages_of_search(
        connection, books.IN_CATALOG, BEST_FIRST, Window(20), [0], books.COLUMNS, search
    )
    [count] = await counts_of_search(connection, books.IN_CATALOG, [0], search)
    assert count == (len(page.rows), False)
    return [book.title for book in page.rows]


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("hamlet", ["Hamlet", "Nana"]),
        ("shakespear hamlt", ["Hamlet"]),
        ("Zola", ["L'Œuvre", "Nana", "Germinal"]),
        ("ZOLA Émile", ["L'Œuvre", "Nana", "Germinal"]),
        ("zola emile germ", ["Germinal"]),
        ("oeuvre", ["L'Œuvre"]),
        ("0-306-40615-2", ["Hamlet"]),
        ("978 0 306 40615 7", ["Hamlet"]),
        ("9780306406157", ["Hamlet"]),
        ("978-0-306-40615-8", []),
        ("o'brien & sons", ["Girls & Sons"]),
        ("catch 22", ["Catch-22"]),
        ("catch-22", ["Catch-22"]),
        ("drama and verse", ["Hamlet"]),
        ("fiction", ["Hamlet"]),
        ("mine roman", ["Germinal"]),
        ("zolla", ["L'Œuvre", "Nana", "Germinal"]),
        ("qwertyuiop", []),
        ("hamlet qwertyuiop", ["Hamlet", "Nana"]),
        ("sons of hamlet", ["Girls & Sons", "Hamlet", "Nana"]),
        ("", []),
        ("&|!():*<->", []),
        ("🙂", []),
        ("'", []),
        ("\\", []),
    ],
)
async def test_a_text_finds(
    connection: asyncpg.Connection, shelf: dict[str, int], text: str, titles: list[str]
) -> None:
    assert await found(connection, text) == titles


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("shakespear hamlt", "shakespeare hamlet"),
        ("hamlet", None),
        ("germ", None),
        ("Gremlinal", None),
        ("ZOLLA nana", "zola nana"),
        ("qwertyuiop", None),
        ("hamlet qwertyuiop", None),
    ],
)
async def test_what_was_meant_is_said_where_nothing_has_the_words_as_typed(
    connection: asyncpg.Connection, shelf: dict[str, int], text: str, meant: str | None
) -> None:
    [meaning] = await meanings_of_texts(connection, [text])

    assert meaning.did_you_mean == meant


async def test_a_text_is_searched_up_to_its_limit(
    connection: asyncpg.Connection, shelf: dict[str, int]
) -> None:
    [meaning] = await meanings_of_texts(connection, ["hamlet " + " " * LONGEST_TEXT + "zola"])

    assert meaning.text == "hamlet " + " " * (LONGEST_TEXT - 7)
    assert meaning.exact == "'hamlet':*"


async def test_the_fields_that_match_and_the_title_with_marks(
    connection: asyncpg.Connection, shelf: dict[str, int]
) -> None:
    [meaning] = await meanings_of_texts(connection, ["hamlet drama"])
    [isbn] = await meanings_of_texts(connection, ["0306406152"])

    matches = await matches_by_book_ids(connection, meaning, [shelf["Nana"], 0, shelf["Hamlet"]])
    edition = await matches_by_book_ids(connection, isbn, [shelf["Hamlet"]])

    assert matches == [
        Match(("DESCRIPTION",), "Nana"),
        None,
        Match(("TITLE", "CATEGORIES"), f"{START}Hamlet{STOP}"),
    ]
    assert edition == [Match(("ISBN",), "Hamlet")]


async def test_editing_renaming_and_moving_change_what_finds_a_book(
    connection: asyncpg.Connection, shelf: dict[str, int]
) -> None:
    await connection.execute("UPDATE book SET title = 'Hamlet, Prince' WHERE title = 'Hamlet'")
    await connection.execute("UPDATE author SET name = 'Will Shaxper' WHERE name = 'William Shakespeare'")
    await connection.execute("UPDATE category SET name = 'Belletristik' WHERE name = 'Fiction'")

    assert await found(connection, "prince shaxper belletristik drama") == ["Hamlet, Prince"]
    assert await found(connection, "fiction") == []

    await connection.execute("DELETE FROM book_author WHERE book_id = $1", shelf["Hamlet"])
    await connection.execute("UPDATE category SET parent_id = NULL WHERE parent_id IS NOT NULL")

    assert await found(connection, "shaxper") == []
    assert await found(connection, "belletristik") == []

    await connection.execute("DELETE FROM book WHERE id = $1", shelf["Hamlet"])

    assert await found(connection, "prince") == []


async def test_a_change_of_stock_leaves_the_document_alone(
    connection: asyncpg.Connection, shelf: dict[str, int]
) -> None:
    before = await connection.fetchval("SELECT ctid FROM book_search WHERE book_id = $1", shelf["Nana"])

    await connection.execute("UPDATE book SET stock = 3, price = 5, currency = 'EUR' WHERE title = 'Nana'")

    assert (
        await connection.fetchval("SELECT ctid FROM book_search WHERE book_id = $1", shelf["Nana"]) == before
    )


@settings(max_examples=300)
@given(
    text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=300)
    | st.text("&|!():*<->'\"\\ zaé-_/.@0", max_size=40)
)
async def test_any_text_is_legal(connection: asyncpg.Connection, shelf: dict[str, int], text: str) -> None:
    titles = await found(connection, text)

    assert set(titles) <= set(shelf)


async def test_of_what_is_only_guessed_no_more_are_looked_at_than_are_ranked(
    connection: asyncpg.Connection, shelf: dict[str, int]
) -> None:
    await connection.execute(
        "INSERT INTO book (source, source_id, title) SELECT 's', n, 'Encyclopaedia ' || n FROM generate_series(1, $1::int) n",
        RANKED + 1,
    )

    [meaning] = await meanings_of_texts(connection, ["encyclpaedia"])
    counts = await counts_of_search(connection, books.IN_CATALOG, [0], Filter("x").search(meaning))

    assert meaning.did_you_mean == "encyclopaedia"
    assert (len(meaning.book_ids or ()), meaning.cut) == (RANKED, True)
    assert counts == [(RANKED, True)]


def test_an_isbn_is_known_in_any_spelling() -> None:
    assert isbn_in(" 0-306-40615-2 ") == isbn_in("978 0306406157") == "9780306406157"
    assert isbn_in("0-306-40615-3") is isbn_in("") is isbn_in("x" * 200) is None


async def test_a_change_of_popularity_changes_the_document_only_from_band_to_band(
    connection: asyncpg.Connection, shelf: dict[str, int]
) -> None:
    async def version(rating_count: int) -> tuple[str, list[str]]:
        await connection.execute(
            "UPDATE book SET rating_count = $1, rating_average = 4 WHERE title = 'Nana'", rating_count
        )
        row = await connection.fetchrow(
            "SELECT ctid::text, tsvector_to_array(document) FROM book_search WHERE book_id = $1",
            shelf["Nana"],
        )
        assert row
        return row[0], [word for word in row[1] if word.startswith("#")]

    versions = [await version(count) for count in (STEPS[0] - 1, STEPS[0], STEPS[1] - 1, STEPS[1], STEPS[2])]

    assert [bands for _, bands in versions] == [["#0"], ["#1"], ["#1"], ["#2"], ["#3"]]
    assert versions[1] == versions[2]
    assert len({place for place, _ in versions}) == 4


async def test_a_book_of_that_very_title_comes_first(connection: asyncpg.Connection) -> None:
    """Its article and accents aside, those that most readers rated before others."""
    nights = "The Book of the Thousand Nights and a Night, Night after Night"
    for title, language, ratings in [
        (nights, "en", 0),
        ("Night", "en", 5),
        ("The Night", "en", 900),
        ("Der Prozess", "de", 3),
        ("Prozess, Prozess und Prozess", "de", 0),
        ("Night Watch", "en", 90_000),
    ]:
        rating = {"rating_average": 4, "rating_count": ratings} if ratings else {}
        await add_book(connection, title, source_id=title, language=language, **rating)

    assert (await found(connection, "night"))[:2] == ["The Night", "Night"]
    assert (await found(connection, "The NIGHT"))[:2] == ["The Night", nights]
    assert (await found(connection, "der prozess"))[0] == "Der Prozess"
    assert (await found(connection, "night wat"))[0] == "Night Watch"


async def test_of_many_the_most_popular_are_ranked(connection: asyncpg.Connection) -> None:
    """Of 6,001 books in all bands of popularity, whether they are looked for by their documents or not."""
    await connection.execute(
        "INSERT INTO book (source, source_id, title, rating_average, rating_count)"
        " SELECT 's', n, 'Copy', 4, 1 + n * 7919 % 500 FROM generate_series(1, 6001) n"
    )
    [meaning] = await meanings_of_texts(connection, ["copy"])
    popular = await connection.fetch(
        "SELECT id FROM book ORDER BY rating_count DESC, id DESC LIMIT $1", RANKED_OF_MANY
    )

    for common in (False, True):
        search = Filter("copy").search(replace(meaning, common=common))
        [page] = await pages_of_search(
            connection, books.IN_CATALOG, BEST_FIRST, Window(RANKED), [0], books.COLUMNS, search
        )

        assert {book.id for book in page.rows} == {row["id"] for row in popular}


async def test_few_books_are_named_and_many_are_not(
    connection: asyncpg.Connection, shelf: dict[str, int]
) -> None:
    await connection.execute(
        "INSERT INTO book (source, source_id, title) SELECT 's', n, 'Copy ' || n FROM generate_series(1, $1::int) n",
        NAMED + 1,
    )

    few, many = await meanings_of_texts(connection, ["zola", "copy"])

    assert sorted(few.book_ids or ()) == sorted([shelf["Germinal"], shelf["L'Œuvre"], shelf["Nana"]])
    assert many.book_ids is None
    assert many.condition.values == ("'copy':*",)
    [page] = await pages_of_search(
        connection,
        books.IN_CATALOG,
        BEST_FIRST,
        Window(RANKED),
        [0],
        books.COLUMNS,
        Filter("copy").search(many),
    )
    assert len(page.rows) == RANKED_OF_MANY
