"""A text is one statement once its words are known, and no answer outlives the vocabulary it is from."""

import pytest

from db.connections.connect import Connection
from db.explain import Recorder
from db.search.hit_limits import MAX_LISTED_HITS
from db.search.suggest import suggested_authors, suggested_books
from db.search.text_query import TextQuery, interpret_texts
from db.search.vocabulary import Key, VocabularyAnswer, Word
from db.search.vocabulary_cache import MAX_AGE_SECONDS, MAX_CACHED_WORDS, VocabularyCache
from tests.catalogs import add_author, add_book


@pytest.fixture
async def lantern(connection: Connection) -> int:
    author = await add_author(connection, "Ida Marlowe")
    await add_book(connection, "The Moonwater Papers", isbn="9780306406157")
    return await add_book(connection, "The Glass Lantern", authors=[author])


async def interpret(connection: Connection, text: str, cache: VocabularyCache) -> tuple[list[str], TextQuery]:
    """Return the names of the statements that a text needs, and its query."""
    recorder = Recorder(connection)
    [text_query] = await interpret_texts(recorder, [text], cache)
    return [statement.name for statement, _ in recorder.sent], text_query


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("the glass lantern", None),
        ("marlowe lantern", None),
        ("glsas lanern", "Glass Lantern"),
        ("glasslantern", "Glass Lantern"),
        ("moon water papers", "Moonwater Papers"),
        ("lanterns", "Lantern"),
        ("a lantern", None),
        ("lantern qwertyuiop", None),
        ("qwertyuiop", None),
    ],
)
async def test_a_text_is_one_statement_once_its_words_are_known(
    connection: Connection, lantern: int, text: str, meant: str | None
) -> None:
    cache = VocabularyCache()

    first_statements, first = await interpret(connection, text, cache)
    statements, second = await interpret(connection, text, cache)

    assert first_statements == ["words_of_text", "hits_of_readings"]
    assert statements == ["hits_of_readings"]
    assert second == first
    assert first.did_you_mean == meant


async def test_an_isbn_is_one_statement(connection: Connection, lantern: int) -> None:
    cache = VocabularyCache()

    assert (await interpret(connection, "ISBN 9780306406157", cache))[0] == ["book_ids_by_isbns"]
    assert (await interpret(connection, "0-439-02348-3", cache))[0] == ["book_ids_by_isbns"]


async def test_a_beginning_is_corrected_by_one_statement_for_books_authors_and_later_requests(
    connection: Connection, lantern: int
) -> None:
    cache = VocabularyCache()

    async def suggest(text: str) -> tuple[list[str], list[str]]:
        recorder = Recorder(connection)
        books = await suggested_books(recorder, text, 5, cache)
        authors = await suggested_authors(recorder, text, 5, cache)
        names = [*(book.title for book in books), *(author.name for author in authors)]
        return [statement.name for statement, _ in recorder.sent], names

    first = await suggest("lanetr")
    second = await suggest("lanetr")

    corrected = ["suggested_books", "suggested_books", "suggested_authors", "suggested_authors"]
    assert first == (["suggested_books", "existing_prefixes", *corrected[1:]], ["The Glass Lantern"])
    assert second == (corrected, ["The Glass Lantern"])
    await interpret(connection, "glass", cache)
    await add_book(connection, "Lanetra")
    await interpret(connection, "glass", cache)
    assert await suggest("lanetr") == (first[0], ["Lanetra", "The Glass Lantern"])


async def test_another_text_of_known_words_is_one_statement(connection: Connection, lantern: int) -> None:
    cache = VocabularyCache()
    await interpret(connection, "glsas lanern papers lantern", cache)

    known, _ = await interpret(connection, "glsas lantern", cache)
    unknown, _ = await interpret(connection, "glsas marlow", cache)

    assert known == [
        "words_of_text",
        "hits_of_readings",
    ]  # the last word may be unfinished, and is asked for so
    assert unknown == ["words_of_text", "hits_of_readings"]
    assert (await interpret(connection, "glsas marlow", cache))[0] == ["hits_of_readings"]
    assert (await interpret(connection, "lanern lantern", cache))[0] == ["words_of_text", "hits_of_readings"]


async def test_a_text_with_very_many_hits_needs_no_statement_once_its_words_are_known(
    connection: Connection, lantern: int
) -> None:
    await connection.execute(
        "INSERT INTO book (source, source_id, title) SELECT 's', n, 'Copy' FROM generate_series(1, $1::int) n",
        2 * MAX_LISTED_HITS,
    )
    cache = VocabularyCache()

    assert (await interpret(connection, "copy", cache))[0] == ["words_of_text"]
    assert (await interpret(connection, "copy", cache))[0] == []


async def test_a_new_book_renews_the_cache(connection: Connection, lantern: int) -> None:
    cache = VocabularyCache()
    _, before = await interpret(connection, "lanern", cache)
    book = await add_book(connection, "Lanern")

    statements, after = await interpret(connection, "lanern", cache)

    assert (before.did_you_mean, before.book_ids) == ("Lantern", (lantern,))
    assert statements == ["hits_of_readings", "words_of_text", "hits_of_readings"]
    assert (after.did_you_mean, after.book_ids) == (None, (book,))
    assert (await interpret(connection, "lanern", cache))[0] == ["hits_of_readings"]


async def test_words_of_two_generations_are_not_mixed(connection: Connection, lantern: int) -> None:
    cache = VocabularyCache()
    await interpret(connection, "lanern glass", cache)
    book = await add_book(connection, "Lanern Papers")

    statements, text_query = await interpret(connection, "lanern papers", cache)

    assert statements == ["words_of_text", "words_of_text", "hits_of_readings"]
    assert (text_query.did_you_mean, text_query.book_ids) == (None, (book,))


async def test_a_title_that_is_changed_in_place_is_known_after_the_maximum_age(
    connection: Connection, lantern: int
) -> None:
    now = 0.0
    cache = VocabularyCache(clock=lambda: now)
    await interpret(connection, "lantren", cache)
    await connection.execute("UPDATE book SET title = 'Lamp' WHERE id = $1", lantern)
    await connection.execute("UPDATE book SET title = 'Lanttern' WHERE title LIKE 'The Moon%'")

    now = MAX_AGE_SECONDS
    young, _ = await interpret(connection, "lantren", cache)
    now = MAX_AGE_SECONDS + 1
    old, text_query = await interpret(connection, "lantren", cache)

    assert young == ["hits_of_readings"]
    assert old == ["words_of_text", "hits_of_readings"]
    assert text_query.did_you_mean == "Lanttern"


def test_the_least_recently_used_words_leave_a_full_cache() -> None:
    cache = VocabularyCache()
    keys = [Key("joined", str(number)) for number in range(MAX_CACHED_WORDS + 1)]
    words: list[tuple[Key, Word | None]] = [(key, Word(key.form)) for key in keys]

    cache.store(VocabularyAnswer("1", 10, dict(words[:-1])))
    cache.find(keys[:1])
    cache.store(VocabularyAnswer("1", 10, dict(words[-1:])))

    assert cache.find(keys).answers == dict([words[0], *words[2:]])
