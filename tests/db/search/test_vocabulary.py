"""The vocabulary: deletion keys meet at two edits, words are those of the documents, counts follow the books."""

import unicodedata
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from db.connections.connect import Connection, connect
from db.search.edit_distance import edit_distance
from db.search.folding import fold
from db.search.prefixes import edits
from db.search.spelling import folded
from db.search.typed_words import clean_text, find_isbns, find_words, parse_isbn
from tests.catalogs import add_author, add_book

letters = st.text("abcdeé", min_size=1, max_size=12)


def edited(word: str, places: list[tuple[str, int]]) -> str:
    """Return the word after some edits: a deletion, an insertion, a replacement or an exchange at each place."""
    for kind, place in places:
        at = place % (len(word) + 1)
        start, rest = word[:at], word[at:]
        word = {
            "delete": start + rest[1:],
            "insert": start + "x" + rest,
            "replace": start + "y" + rest[1:],
            "exchange": start + rest[1:2] + rest[:1] + rest[2:],
        }[kind]
    return word


slips = st.tuples(st.sampled_from(["delete", "insert", "replace", "exchange"]), st.integers(0, 12))


@settings(max_examples=300, deadline=None)
@given(word=letters, places=st.lists(slips, max_size=2))
async def test_a_word_and_its_misspelling_share_a_deletion_key(
    connection: Connection, word: str, places: list[tuple[str, int]]
) -> None:
    typed = edited(word, places)
    distance = edit_distance(word, typed)

    shared = await connection.fetchval("SELECT deletion_keys($1) && deletion_keys($2)", word, typed)

    assert shared or distance > (1 if min(len(word), len(typed)) <= 5 else 2)


@settings(max_examples=300, deadline=None)
@given(word=letters, places=st.lists(slips, max_size=1))
def test_the_distance_is_at_most_the_number_of_edits(word: str, places: list[tuple[str, int]]) -> None:
    typed = edited(word, places)

    assert edit_distance(word, typed) <= len(places)
    assert edit_distance(word, typed) == edit_distance(typed, word)
    assert (edit_distance(word, typed) == 0) == (word == typed)


@pytest.mark.parametrize(
    ("typed", "word", "distance"),
    [
        ("lihgt", "light", 1),
        ("tolkein", "tolkien", 1),
        ("kitten", "sitting", 3),
        ("ca", "abc", 3),
        ("", "ab", 2),
    ],
)
def test_exchanged_neighbours_are_one_edit(typed: str, word: str, distance: int) -> None:
    assert edit_distance(typed, word) == distance


@settings(max_examples=300, deadline=None)
@given(word=st.text("abc", min_size=3, max_size=6), place=slips)
def test_the_edits_of_a_word_are_the_words_one_edit_away(word: str, place: tuple[str, int]) -> None:
    assert edited(word, [place]) in edits(word)
    assert all(edit_distance(word, each) <= 1 for each in edits(word))


async def test_folding_is_that_of_the_database(connection: Connection) -> None:
    codes = (
        *range(0x41, 0x180),
        *range(0x386, 0x3CF),
        *range(0x410, 0x530),
        *range(
            0x531, 0x1D00
        ),  # Armenian, Hebrew, Arabic, the scripts of India and Southeast Asia, Georgian …
        *range(0x1E00, 0x1E95),
        *range(0x1EA0, 0x1EFA),
        *range(0x3041, 0x3100),
        *range(0xAC00, 0xAD00),
    )
    letters = [chr(code) for code in codes if unicodedata.category(chr(code)).startswith("L")]
    characters = [letter for letter in letters if unicodedata.normalize("NFKC", letter) == letter]

    rows = await connection.fetch("SELECT c, fold(c) FROM unnest($1::text[]) AS c", characters)

    assert {c: fold(c) for c, _ in rows} == dict(rows)


TITLES = st.text(
    st.sampled_from("aBé'’.-&+#,: 12()黑暗森林ノ\u00ad\u200bØß")
    | st.characters(max_codepoint=0x24F, exclude_categories=["Cs", "Cc", "No"]),
    min_size=1,
    max_size=30,
)


@settings(max_examples=500, deadline=None)
@example(title="&A;")
@example(title="0_0#")
@given(title=TITLES)
async def test_the_words_of_a_title_are_in_its_document(connection: Connection, title: str) -> None:
    words = find_words(clean_text(title))
    forms = [gram for word in words for gram in word.grams or (word.form,)]

    missing = await connection.fetch(
        "SELECT f FROM unnest($2::text[]) AS f"
        " WHERE NOT tsvector_to_array(name_words($1)) @> tsvector_to_array(words(f))"
        " AND NOT f = ANY (tsvector_to_array(name_words($1)))",
        title,
        forms,
    )

    assert missing == []


@pytest.mark.parametrize(
    ("title", "joined"),
    [
        ("O'Brien’s", "obriens"),
        ("J.R.R. Tolkien", "jrr"),
        ("J. R. R. Tolkien", "jrr"),
        ("The U.S.A.", "usa"),
        ("Q&A", "qa"),
        ("1,000,000 Nights", "1000000"),
        ("C++", "cplusplus"),
        ("F#", "fsharp"),
        ("On .NET", "dotnet"),
    ],
)
async def test_a_name_is_indexed_as_people_type_it(connection: Connection, title: str, joined: str) -> None:
    assert await connection.fetchval("SELECT $2 = ANY (tsvector_to_array(name_words($1)))", title, joined)
    assert folded(joined) == joined


async def counts(connection: Connection, word: str) -> tuple[int, int, int] | None:
    row = await connection.fetchrow(
        "SELECT books, popular_books, documents FROM search_word WHERE word = $1", word
    )
    return tuple(row) if row else None


async def test_the_counts_of_words_follow_the_books(connection: Connection) -> None:
    author = await add_author(connection, "Ann Sea", source="s", source_id="1")
    popular: dict[str, Any] = {"rating_average": 4, "rating_count": 300}
    first = await add_book(connection, "Sea", authors=[author], description="the wide ocean")
    second = await add_book(connection, "Ocean", source_id="2", **popular)

    assert await counts(connection, "sea") == (1, 0, 1)
    assert await counts(connection, "ocean") == (1, 1, 1)
    assert await counts(connection, "wide") is None

    await connection.execute("UPDATE book SET title = 'Lake' WHERE id = $1", second)
    await connection.execute("UPDATE author SET name = 'Ann Lake' WHERE id = $1", author)

    assert await counts(connection, "ocean") == (0, 0, 0)
    assert await counts(connection, "lake") == (2, 1, 2)

    await connection.execute("DELETE FROM book WHERE id = $1", first)

    assert await counts(connection, "lake") == (1, 1, 1)
    assert await counts(connection, "sea") == (0, 0, 0)


async def test_the_ratings_of_an_author_follow_the_books(connection: Connection) -> None:
    author = await add_author(connection, "Ann Sea")
    book = await add_book(connection, "Sea", authors=[author], rating_average=4, rating_count=7)
    ratings = "SELECT rating_count FROM author WHERE id = $1"

    assert await connection.fetchval(ratings, author) == 7

    await connection.execute("UPDATE book SET rating_count = 9 WHERE id = $1", book)

    assert await connection.fetchval(ratings, author) == 9

    await connection.execute("DELETE FROM book WHERE id = $1", book)

    assert await connection.fetchval(ratings, author) == 0


async def test_a_writer_does_not_wait_for_the_counts_of_another(dsn: str) -> None:
    """The counts are estimates: those of a word that another transaction has locked stay behind."""
    first = await connect(dsn, application_name="bookstore test")
    second = await connect(dsn, application_name="bookstore test")
    books = [await add_book(first, title, source_id=title) for title in ("Red Sea", "Blue Sea", "Red Lake")]
    transaction = first.transaction()
    await transaction.start()
    await first.execute("UPDATE book SET title = 'Blue Sea' WHERE id = $1", books[0])

    await second.execute("UPDATE book SET title = 'Blue Lake' WHERE id = $1", books[2])
    await transaction.commit()

    assert await counts(first, "red") == (1, 0, 1)
    assert await counts(first, "blue") == (2, 0, 2)
    await first.close()
    await second.close()


def test_an_isbn_is_parsed_in_any_spelling() -> None:
    assert parse_isbn(" 0-306-40615-2 ") == parse_isbn("978 0306406157") == "9780306406157"
    assert parse_isbn("0-306-40615-3") is parse_isbn("") is parse_isbn("x" * 200) is None


def test_isbns_are_taken_out_of_a_text() -> None:
    assert find_isbns("plain, ISBN 0-306-40615-2 (paper)") == (["9780306406157"], "plain,    (paper)")
    assert find_isbns("catch 9780306406158") == ([], "catch 9780306406158")
    assert find_isbns("306406152") == (["9780306406157"], "306406152")
