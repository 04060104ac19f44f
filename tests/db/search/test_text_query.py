"""Texts find the intended books, with spelling correction, and no text causes an error."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db import books
from db.connections.connect import Connection
from db.constraints import TIER_THRESHOLDS
from db.keyset import Order, PageRequest
from db.search import conditions as c
from db.search.facets import FacetRequest, fetch_facets
from db.search.filtered_lists import fetch_filtered_counts, fetch_filtered_pages
from db.search.filters import Facet, Filter
from db.search.highlights import MARK_START, MARK_STOP, Match, matches_by_book_ids
from db.search.hit_limits import MAX_POPULAR_HITS, MAX_RANKED_HITS, RANK_CANDIDATES
from db.search.popularity_tiers import names_in_tiers, popular_hits_sql, popularity_sql
from db.search.ranked_hits import fetch_ranked_hits
from db.search.ranking import RELEVANCE
from db.search.text_query import MAX_TEXT_LENGTH, TextQuery, interpret_texts
from db.search.tsquery import AllOf, AnyOf, Expression, Phrase, Term, tsquery
from db.statements import ReadStatement
from tests.catalogs import add_author, add_book, add_category

BEST_FIRST = Order(RELEVANCE, descending=True)


@pytest.fixture
async def shelf(connection: Connection) -> dict[str, int]:
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


async def find_titles(connection: Connection, text: str) -> list[str]:
    """Return the titles that a text finds, by relevance."""
    [text_query] = await interpret_texts(connection, [text])
    list_condition = Filter(text).to_list_condition(text_query)
    [page] = await fetch_filtered_pages(
        connection, books.ALL_BOOKS, BEST_FIRST, PageRequest(20), [0], books.COLUMNS, list_condition
    )
    [count] = await fetch_filtered_counts(connection, books.ALL_BOOKS, [0], list_condition)
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
    connection: Connection, shelf: dict[str, int], text: str, titles: list[str]
) -> None:
    assert await find_titles(connection, text) == titles


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("shakespear hamlt", "Shakespeare Hamlet"),
        ("hamlet", None),
        ("germ", None),
        ("Gremlinal", "Germinal"),
        ("ZOLLA nana", "Zola Nana"),
        ("qwertyuiop", None),
        ("hamlet qwertyuiop", None),
    ],
)
async def test_a_correction_is_suggested_if_no_book_has_the_words_as_typed(
    connection: Connection, shelf: dict[str, int], text: str, meant: str | None
) -> None:
    [text_query] = await interpret_texts(connection, [text])

    assert text_query.did_you_mean == meant


async def test_a_text_is_cut_at_the_maximum_length(connection: Connection, shelf: dict[str, int]) -> None:
    [text_query] = await interpret_texts(connection, ["hamlet " + " " * MAX_TEXT_LENGTH + "zola"])

    assert text_query.text == "hamlet " + " " * (MAX_TEXT_LENGTH - 7)
    assert text_query.tsquery == "'hamlet'"


async def test_a_list_by_relevance_counts_what_it_reaches(
    connection: Connection, shelf: dict[str, int]
) -> None:
    await connection.execute(
        "INSERT INTO book (source, source_id, title) SELECT 's', n, 'Copy ' || n FROM generate_series(1, $1::int) n",
        MAX_RANKED_HITS + 1,
    )
    few, many = (
        Filter(text).to_list_condition(text_query)
        for text, text_query in zip(
            ("zola", "copy"), await interpret_texts(connection, ["zola", "copy"]), strict=True
        )
    )

    counted = [
        await fetch_filtered_counts(connection, books.ALL_BOOKS, [0], condition) for condition in (few, many)
    ]
    [hits] = await fetch_ranked_hits(connection, books.ALL_BOOKS, [0], many)
    [page] = await fetch_filtered_pages(
        connection,
        books.ALL_BOOKS,
        BEST_FIRST,
        PageRequest(2 * MAX_RANKED_HITS),
        [0],
        books.COLUMNS,
        many,
    )

    assert counted == [[(3, False)], [(MAX_RANKED_HITS + 1, False)]]
    assert (len(hits.ids), hits.capped) == (RANK_CANDIDATES, True)
    assert [book.id for book in page.rows] == hits.ids


async def test_a_match_has_the_matching_fields_and_the_marked_title(
    connection: Connection, shelf: dict[str, int]
) -> None:
    [text_query] = await interpret_texts(connection, ["hamlet drama"])
    [isbn] = await interpret_texts(connection, ["0306406152"])

    matches = await matches_by_book_ids(connection, text_query, [shelf["Nana"], 0, shelf["Hamlet"]])
    edition = await matches_by_book_ids(connection, isbn, [shelf["Hamlet"]])

    assert matches == [
        Match(("DESCRIPTION",), "Nana"),
        None,
        Match(("TITLE", "CATEGORIES"), f"{MARK_START}Hamlet{MARK_STOP}"),
    ]
    assert edition == [Match(("ISBN",), "Hamlet")]


@pytest.mark.parametrize(
    ("title", "text", "marked"),
    [
        ("Node.js in Action", "node.js", "[Node].[js] in Action"),
        ("Catch-22", "catch 22", "[Catch]-[22]"),
        ("Catch-22", "catch22", "[Catch]-[22]"),
        ("Sophie's World", "sophies wrld", "[Sophie's] [World]"),
        ("The Works of J.R.R. Talbot", "jrr talbot", "The Works of [J.R.R.] [Talbot]"),
        ("C++ Primer", "c++", "[C++] Primer"),
        ("Émile: an Étude", "etude", "Émile: an [Étude]"),
        ("Hamlets and Hamlet", "haml", "[Hamlets] and [Hamlet]"),
        ("黑暗森林", "森林", "[黑暗森林]"),
    ],
)
async def test_the_title_is_marked_beside_signs_and_where_words_are_corrected(
    connection: Connection, title: str, text: str, marked: str
) -> None:
    book = await add_book(connection, title)
    [text_query] = await interpret_texts(connection, [text])

    [match] = await matches_by_book_ids(connection, text_query, [book])

    assert match is not None
    assert match.title.replace(MARK_START, "[").replace(MARK_STOP, "]") == marked


async def test_editing_renaming_and_moving_update_the_search_document(
    connection: Connection, shelf: dict[str, int]
) -> None:
    await connection.execute("UPDATE book SET title = 'Hamlet, Prince' WHERE title = 'Hamlet'")
    await connection.execute("UPDATE author SET name = 'Will Shaxper' WHERE name = 'William Shakespeare'")
    await connection.execute("UPDATE category SET name = 'Belletristik' WHERE name = 'Fiction'")

    assert await find_titles(connection, "prince shaxper belletristik drama") == ["Hamlet, Prince"]
    assert await find_titles(connection, "fiction") == []

    await connection.execute("DELETE FROM book_author WHERE book_id = $1", shelf["Hamlet"])
    await connection.execute("UPDATE category SET parent_id = NULL WHERE parent_id IS NOT NULL")

    assert await find_titles(connection, "shaxper") == []
    assert await find_titles(connection, "belletristik") == []

    await connection.execute("DELETE FROM book WHERE id = $1", shelf["Hamlet"])

    assert await find_titles(connection, "prince") == []


async def test_a_change_of_stock_does_not_rewrite_the_document(
    connection: Connection, shelf: dict[str, int]
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
async def test_any_text_is_legal(connection: Connection, shelf: dict[str, int], text: str) -> None:
    titles = await find_titles(connection, text)

    assert set(titles) <= set(shelf)


async def test_a_change_of_popularity_rewrites_the_document_only_from_tier_to_tier(
    connection: Connection, shelf: dict[str, int]
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

    versions = [
        await version(count)
        for count in (
            TIER_THRESHOLDS[0] - 1,
            TIER_THRESHOLDS[0],
            TIER_THRESHOLDS[1] - 1,
            TIER_THRESHOLDS[1],
            TIER_THRESHOLDS[2],
        )
    ]

    assert [bands for _, bands in versions] == [["#0"], ["#1"], ["#1"], ["#2"], ["#3", "#3a"]]
    assert versions[1] == versions[2]
    assert len({place for place, _ in versions}) == 4


async def test_a_book_with_exactly_that_title_comes_first(connection: Connection) -> None:
    """Articles and accents are ignored; books with more ratings come first."""
    nights = "The Book of the Thousand Nights and a Night, Night after Night"
    for title, language, ratings in [
        (nights, "en", 0),
        ("Night", "en", 5),
        ("The Night", "en", 900),
        ("Der Prozess", "de", 3),
        ("Prozess, Prozess und Prozess", "de", 0),
        ("Night Watch", "en", 90_000),
    ]:
        average = 4 if ratings else None
        await add_book(connection, title, language=language, rating_average=average, rating_count=ratings)

    assert (await find_titles(connection, "night"))[:2] == ["The Night", "Night"]
    assert (await find_titles(connection, "The NIGHT"))[:2] == ["The Night", "Night"]
    assert (await find_titles(connection, "der prozess"))[0] == "Der Prozess"
    assert (await find_titles(connection, "night wat"))[0] == "Night Watch"


async def test_the_most_popular_of_many_hits_are_ranked(connection: Connection) -> None:
    """Of 3,000 hits, 200 are in the fourth tier of popularity, and more than 100 in the third."""
    await connection.execute(
        "INSERT INTO book (source, source_id, title, rating_average, rating_count, price, currency)"
        " SELECT 's', n, 'Copy', 4, CASE WHEN n <= 200 THEN 300 + n ELSE 1 + n * 7919 % 250 END, 5, 'EUR'"
        " FROM generate_series(1, 3000) n"
    )
    [text_query] = await interpret_texts(connection, ["copy"])
    rated = await connection.fetch("SELECT id, rating_count FROM book ORDER BY rating_count DESC, id DESC")
    most_popular = {row["id"] for row in rated[:RANK_CANDIDATES]}
    upper_tiers = {row["id"] for row in rated if row["rating_count"] >= 64}
    priced = c.compare(c.PRICE_COLUMN, "lt", Decimal(6))

    async def ranked(book_filter: Filter, text_query: TextQuery) -> set[int]:
        [page] = await fetch_filtered_pages(
            connection, books.ALL_BOOKS, BEST_FIRST, PageRequest(1_000), [0], books.COLUMNS,
            book_filter.to_list_condition(text_query),
        )  # fmt: skip
        return {book.id for book in page.rows}

    frequent = replace(text_query, is_frequent=True)
    assert await ranked(Filter("copy", priced), frequent) == most_popular
    assert await ranked(Filter("copy", priced), text_query) == most_popular
    found = await ranked(Filter("copy"), text_query)
    assert len(found) == RANK_CANDIDATES
    assert {row["id"] for row in rated[:200]} < found < upper_tiers


async def test_hits_that_are_not_all_ranked_are_listed_the_most_popular_first(connection: Connection) -> None:
    """Of 2,303 hits, three have the words in titles, and the others in descriptions."""
    await connection.execute(
        "INSERT INTO book (source, source_id, title, description, rating_average, rating_count, price, currency)"
        " SELECT 's', n, 'Volume ' || n, 'A copy', 4, 1 + n * 7919 % 2300, n, 'EUR' FROM generate_series(1, 2300) n"
    )
    named = [await add_book(connection, f"Copy {number}", source_id=f"copy {number}") for number in range(3)]
    rated = await connection.fetch(
        "SELECT id FROM book WHERE description IS NOT NULL AND rating_count >= 1024 ORDER BY id"
    )
    cheap = Filter("copy", c.compare(c.PRICE_COLUMN, "lte", Decimal(12)))

    [text_query] = await interpret_texts(connection, ["copy"])
    list_condition = cheap.to_list_condition(text_query)
    counted = await fetch_filtered_counts(connection, books.ALL_BOOKS, [0], list_condition)
    [hits] = await fetch_ranked_hits(connection, books.ALL_BOOKS, [0], list_condition)
    [facets] = await fetch_facets(
        connection, books.ALL_BOOKS, [0], [FacetRequest(Facet.PRICES, 5)], Filter("copy"), text_query
    )

    ids = text_query.book_ids or ()
    assert (len(ids), text_query.scores, text_query.popular_ids) == (2_303, None, None)
    assert sorted(ids[:3]) == named
    assert sorted(ids[3 : 3 + len(rated)]) == [row["id"] for row in rated]
    assert counted == [(12, False)]
    assert (len(hits.ids), hits.capped) == (12, False)
    assert [result.capped for result in facets.values()] == [False]


async def test_the_most_popular_of_further_hits_are_known_if_enough_are_in_titles(
    connection: Connection,
) -> None:
    await connection.execute(
        "INSERT INTO book (source, source_id, title, rating_average, rating_count)"
        " SELECT 's', n, 'Copy', 4, n FROM generate_series(1, $1::int) n",
        MAX_RANKED_HITS + 1,
    )

    [text_query] = await interpret_texts(connection, ["copy"])

    rated = await connection.fetch("SELECT id FROM book WHERE rating_count >= 1024")
    assert (text_query.book_ids, text_query.scores) == (None, None)
    assert len(set(text_query.popular_ids or ())) == MAX_POPULAR_HITS
    assert {row["id"] for row in rated} >= set(text_query.popular_ids or ())


@pytest.mark.parametrize(("frequent", "hits"), [(MAX_RANKED_HITS - 1, 2_000), (MAX_RANKED_HITS, 1)])
async def test_of_two_words_without_a_common_book_a_frequent_one_is_left_out(
    connection: Connection, frequent: int, hits: int
) -> None:
    await connection.execute(
        "INSERT INTO book (source, source_id, title) SELECT 's', n, 'Copy' FROM generate_series(1, $1::int) n",
        frequent,
    )
    lantern = await add_book(connection, "Lantern")

    [text_query] = await interpret_texts(connection, ["copy lantern"])

    ids = list(text_query.book_ids or ())
    assert (len(ids), ids[:1]) == (hits, [lantern])


async def test_of_many_hits_those_with_the_words_in_title_or_authors_are_ranked_first(
    connection: Connection,
) -> None:
    """Of 2,330 hits, 30 have the words in titles and authors, and the others in more popular descriptions."""
    await connection.execute(
        "INSERT INTO book (source, source_id, title, description, rating_average, rating_count)"
        " SELECT 's', n, 'Volume ' || n, 'A rare copy', 4, 300 FROM generate_series(1, 2300) n"
    )
    author = await add_author(connection, "Rosa Rare")
    for number in range(30):
        await add_book(connection, f"Copy {number}", source_id=f"named {number}", authors=[author])
    [text_query] = await interpret_texts(connection, ["rare copy"])
    list_condition = Filter("rare copy").to_list_condition(text_query)

    [page] = await fetch_filtered_pages(
        connection, books.ALL_BOOKS, BEST_FIRST, PageRequest(1_000), [0], books.COLUMNS, list_condition
    )
    [hits] = await fetch_ranked_hits(connection, books.ALL_BOOKS, [0], list_condition)

    assert sorted(book.title for book in page.rows[:30]) == sorted(f"Copy {number}" for number in range(30))
    assert len({book.id for book in page.rows}) == RANK_CANDIDATES
    assert (len(set(hits.ids)), hits.capped) == (RANK_CANDIDATES, True)


@pytest.mark.parametrize(
    ("expression", "second"),
    [
        (Term("river"), "('5river' | '5@river')"),
        (Term("riv", is_prefix=True), "('5riv':* | '5@riv':*)"),
        (Phrase("to", "day"), "(('5to' | '5@to') & ('5day' | '5@day'))"),
        (AnyOf((Term("a"), AllOf((Term("b"), Term("o'c"))))),
         "(('5a' | '5@a') | (('5b' | '5@b') & ('5o''c' | '5@o''c')))"),
    ],
)  # fmt: skip
def test_words_in_titles_and_authors_are_looked_up_behind_the_digit_of_each_tier(
    expression: Expression, second: str
) -> None:
    queries = names_in_tiers(expression)

    assert queries == tuple(second.replace("5", str(tier)) for tier in (6, 5, 4, 3, 2, 1, 0))


async def test_few_hits_are_enumerated_and_many_are_not(
    connection: Connection, shelf: dict[str, int]
) -> None:
    await connection.execute(
        "INSERT INTO book (source, source_id, title) SELECT 's', n, 'Copy ' || n FROM generate_series(1, $1::int) n",
        MAX_RANKED_HITS + 1,
    )

    few, many = await interpret_texts(connection, ["zola", "copy"])

    assert sorted(few.book_ids or ()) == sorted([shelf["Germinal"], shelf["L'Œuvre"], shelf["Nana"]])
    assert many.book_ids is None
    assert many.condition.values == ("'copy'",)
    [page] = await fetch_filtered_pages(
        connection,
        books.ALL_BOOKS,
        BEST_FIRST,
        PageRequest(RANK_CANDIDATES),
        [0],
        books.COLUMNS,
        Filter("copy").to_list_condition(many),
    )
    assert len(page.rows) == RANK_CANDIDATES


@pytest.mark.parametrize(
    ("text", "query", "meant"),
    [
        ("ri ver", "(('ri' & 'ver') | 'river')", "River"),  # certainly too many to be listed
        ("rivre", "('rivre' | 'river')", "River"),
        ("rivre bnak", "(('rivre' | 'river') & ('bnak' | 'bank'))", "River Bank"),  # probably too many
    ],
)
async def test_a_corrected_text_with_many_hits_is_spelled_like_the_most_popular_of_them(
    connection: Connection, text: str, query: str, meant: str
) -> None:
    await connection.execute(
        "INSERT INTO book (source, source_id, title) SELECT 's', n, 'river bank ' || n FROM generate_series(1, $1::int) n",
        2 * MAX_RANKED_HITS,
    )
    await add_book(connection, title="River Bank", rating_average=4, rating_count=5_000_000)

    [text_query] = await interpret_texts(connection, [text])

    assert text_query.tsquery == query
    assert (text_query.book_ids, text_query.did_you_mean) == (None, meant)
    [page] = await fetch_filtered_pages(
        connection,
        books.ALL_BOOKS,
        BEST_FIRST,
        PageRequest(RANK_CANDIDATES),
        [0],
        books.COLUMNS,
        Filter(text).to_list_condition(text_query),
    )
    assert [page.rows[0].title, len(page.rows)] == ["River Bank", RANK_CANDIDATES]


async def test_a_text_that_a_book_has_as_typed_is_not_corrected_though_many_have_another(
    connection: Connection,
) -> None:
    await connection.execute(
        "INSERT INTO book (source, source_id, title) SELECT 's', n, 'River ' || n FROM generate_series(1, $1::int) n",
        2 * MAX_RANKED_HITS,
    )
    await add_book(connection, title="Ri ver")

    [text_query] = await interpret_texts(connection, ["ri ver"])

    assert (text_query.book_ids, text_query.did_you_mean) == (None, None)


async def test_a_reading_with_fewer_hits_than_expected_is_listed(connection: Connection) -> None:
    await connection.execute(
        "INSERT INTO book (source, source_id, title)"
        " SELECT 's', n, CASE WHEN n % 2 = 0 THEN 'river ' ELSE 'bank ' END || n FROM generate_series(1, $1::int) n",
        4 * MAX_RANKED_HITS,
    )
    book = await add_book(connection, title="River Bank")

    [text_query] = await interpret_texts(connection, ["rivre bnak"])

    assert (text_query.book_ids, text_query.did_you_mean) == ((book,), "River Bank")


@pytest.mark.parametrize("limit", [1, 3, 7, 100])
async def test_the_most_popular_hits_are_the_same_sorted_and_tier_by_tier(
    connection: Connection, limit: int
) -> None:
    river = Term("river")
    for place in range(20):
        count = 10 ** (place % 7) // 2
        named = place % 3 > 0
        await add_book(
            connection,
            title=f"River {place}" if named else f"Book {place}",
            description=None if named else "A river.",
            rating_average=4 if count else None,
            rating_count=count,
        )
    popularity = popularity_sql("document", "$2::tsquery")

    async def read(hits: str, *values: object) -> list[int]:
        statement = ReadStatement(
            "popularity",
            f"SELECT {popularity} FROM ({hits}) AS h JOIN book_search AS s ON s.book_id = h.id",
        )
        return [place for (place,) in await connection.fetch(statement, *values)]

    values = (tsquery(river), tsquery(river, "AB"), list(names_in_tiers(river)))
    tier_by_tier = await read(popular_hits_sql("$1", "$2", "$3", limit), *values)
    all_hits = await read("SELECT book_id AS id FROM book_search WHERE document @@ $1::tsquery", *values[:2])

    assert len(all_hits) == 20
    assert sorted(tier_by_tier, reverse=True) == sorted(all_hits, reverse=True)[:limit]
