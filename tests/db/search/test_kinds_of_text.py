"""Each kind of text that people type finds its book: a regression names its query."""

import pytest

from db import books
from db.connections.connect import Connection
from db.keyset import Order, PageRequest
from db.search.filtered_lists import fetch_filtered_pages
from db.search.filters import Filter
from db.search.ranking import RELEVANCE
from db.search.text_query import interpret_texts
from tests.catalogs import add_author, add_book, add_category

BOOKS = [
    # title, author, language, ratings
    ("The Glass Lantern", "Ida Marlowe", "en", 50_000),
    ("The Glass Harbour", "Ida Marlowe", "en", 9_000),
    ("Glass", "Peter Stone", "en", 300),
    ("Lanterns of the North: A History of Lighthouses", "Tom Keeper", "en", 40),
    ("The Moonwater Papers", "Jonas P. Kingsolwer", "en", 20_000),
    ("A Letter to Moonwater", "Anna Quill", "en", 70),
    ("Catch-22 and Other Numbers", "Max Zahl", "en", 800),
    ("The Lighthouse Keeper's Daughter", "Rosa O'Malley", "en", 6_000),
    ("C++ for Gardeners", "Bjarne Rose", "en", 500),
    ("C# in the Kitchen", "Anders Koch", "en", 400),
    ("A Carol for Cats", "Charles Winter", "en", 90_000),
    ("Questions: The Q&A Book", "Vera Frage", "en", 60),
    ("Rivers of the U.S.A.", "J.R.R. Talbot", "en", 3_000),
    ("1,000 Gardens", "J. R. R. Talbot", "en", 10),
    ("Der Grüffelwald", "Jürgen Müller", "de", 700),
    ("Les Misérables du Port", "Hugo Delamer", "fr", 900),
    ("Mystery", "Nobody Known", "en", 0),
    ("黑暗森林", "刘慈", "zh", 1_000),
    ("ノルウェイの森", "村上", "ja", 1_200),
    ("สี่แผ่นดิน", "คึกฤทธิ์", "th", 20),
    ("ភូមិតិរច្ឆាន", "ឌឹក", "km", 20),
    ("ດວງຈັນ", "ຄຳ", "lo", 20),
    ("ألف ليلة وليلة", "مجهول", "ar", 30),
    ("Node.js at Sea", "Ryan Dahlgren", "en", 40),
    ("Slaughterhouse-Five Tales", "Kurt Vonner", "en", 7_000),
    ("Fallen 5", "Karin Slaughter", "en", 300),
]


@pytest.fixture
async def shop(connection: Connection) -> None:
    authors: dict[str, int] = {}
    category = await add_category(connection, "Lantern lore")
    for number, (title, name, language, ratings) in enumerate(BOOKS):
        author = authors.get(name) or await add_author(connection, name, source="shop", source_id=str(number))
        authors[name] = author
        rating = {"rating_average": 4, "rating_count": ratings} if ratings else {}
        await add_book(
            connection, title, source_id=str(number), authors=[author], language=language, **rating,
            categories=[category] if name == "Max Zahl" else [],
        )  # fmt: skip
    await add_book(connection, "Plain", isbn="9780306406157")
    await add_book(connection, "The number 9780306406158", source_id="number")


async def search(connection: Connection, text: str) -> tuple[list[str], str | None]:
    """Return the titles that a text finds, by relevance, and the suggested text."""
    [text_query] = await interpret_texts(connection, [text])
    [page] = await fetch_filtered_pages(
        connection,
        books.ALL_BOOKS,
        Order(RELEVANCE, descending=True),
        PageRequest(20),
        [0],
        books.COLUMNS,
        Filter(text).to_list_condition(text_query),
    )
    return [book.title for book in page.rows], text_query.did_you_mean


@pytest.mark.parametrize(
    ("text", "first", "meant"),
    [
        # exact titles, with surname, salient words
        ("the glass lantern", "The Glass Lantern", None),
        ("glass", "Glass", None),
        ("mystery", "Mystery", None),
        ("glass lantern marlowe", "The Glass Lantern", None),
        ("lanterns lighthouses", "Lanterns of the North: A History of Lighthouses", None),
        ("lanterns of the north", "Lanterns of the North: A History of Lighthouses", None),
        # a typo: a letter too few, too many, another, exchanged; in two words; in the author
        ("the glas lantern", "The Glass Lantern", "The Glass Lantern"),
        ("the glass lanttern", "The Glass Lantern", "The Glass Lantern"),
        ("the glass lamtern", "The Glass Lantern", "The Glass Lantern"),
        ("the glsas lantern", "The Glass Lantern", "The Glass Lantern"),
        ("the glsas lanern", "The Glass Lantern", "The Glass Lantern"),
        ("moonwater papers kingsolver", "The Moonwater Papers", "Moonwater Papers Kingsolwer"),
        ("talbott", "Rivers of the U.S.A.", "Talbot"),
        # words joined and split
        ("the glasslantern", "The Glass Lantern", "The Glass Lantern"),
        ("the moon water papers", "The Moonwater Papers", "The Moonwater Papers"),
        ("moonw ater papers", "The Moonwater Papers", "Moonwater Papers"),
        ("catch22", "Catch-22 and Other Numbers", "Catch 22"),
        # signs
        ("catch 22", "Catch-22 and Other Numbers", None),
        ("lighthouse keepers daughter", "The Lighthouse Keeper's Daughter", None),
        ("lighthouse keeper s daughter", "The Lighthouse Keeper's Daughter", None),
        ("omalley", "The Lighthouse Keeper's Daughter", None),
        ("c++", "C++ for Gardeners", None),
        ("c#", "C# in the Kitchen", None),
        ("q&a", "Questions: The Q&A Book", None),
        ("qa book", "Questions: The Q&A Book", None),
        ("usa", "Rivers of the U.S.A.", None),
        ("u.s.a.", "Rivers of the U.S.A.", None),
        ("1000 gardens", "1,000 Gardens", None),
        ("jrr talbot", "Rivers of the U.S.A.", None),
        ("j r r talbot gardens", "1,000 Gardens", None),
        ("node.js", "Node.js at Sea", None),
        ("slaughterhouse 5", "Slaughterhouse-Five Tales", None),
        # characters that are not seen
        ("glass lan\u00adtern", "The Glass Lantern", None),
        ("glass lan\u200btern", "The Glass Lantern", None),
        ("glass lantern\ufeff", "The Glass Lantern", None),
        # articles and other words that say little
        ("a glass lantern", "The Glass Lantern", None),
        ("the the glass lantern", "The Glass Lantern", None),
        ("lanterns from the north", "Lanterns of the North: A History of Lighthouses", None),
        ("der misérables du port", "Les Misérables du Port", None),
        # a word too many
        ("the glass lantern book", "The Glass Lantern", None),
        # inflected
        ("the glass lanterns", "The Glass Lantern", "The Glass Lantern"),
        ("lantern of the north", "Lanterns of the North: A History of Lighthouses", "Lanterns of the North"),
        # unfinished
        ("the glass har", "The Glass Harbour", None),
        # ISBNs
        ("9780306406157", "Plain", None),
        ("ISBN 9780306406157", "Plain", None),
        ("isbn: 0-306-40615-2", "Plain", None),
        ("ISBN-13: 978.0.306.40615.7.", "Plain", None),
        ("(978\u20110\u2011306\u201140615\u20117)", "Plain", None),
        ("urn:isbn:9780306406157", "Plain", None),
        ("\u200b9780306406157", "Plain", None),
        ("306406152", "Plain", None),
        ("plain book 9780306406157", "Plain", None),
        # scripts without spaces: the whole, two characters, one
        ("黑暗森林", "黑暗森林", None),
        ("森林", "黑暗森林", None),
        ("暗", "黑暗森林", None),
        ("ノルウェイ", "ノルウェイの森", None),
        ("แผ่นดิน", "สี่แผ่นดิน", None),
        ("តិរច្ឆាន", "ភូមិតិរច្ឆាន", None),
        ("ຈັນ", "ດວງຈັນ", None),
        # points and marks
        ("أَلْفُ لَيْلَة", "ألف ليلة وليلة", None),
        # accents, and umlauts written out
        ("gruffelwald", "Der Grüffelwald", None),
        ("grueffelwald", "Der Grüffelwald", "Grüffelwald"),
        ("gruffelwlad", "Der Grüffelwald", "Grüffelwald"),
    ],
)
async def test_a_text_finds_its_book_first(
    connection: Connection, shop: None, text: str, first: str, meant: str | None
) -> None:
    titles, did_you_mean = await search(connection, text)

    assert (titles[:1], did_you_mean) == ([first], meant)


async def test_a_word_of_the_catalog_is_replaced_if_no_book_has_it_beside_the_others(
    connection: Connection, shop: None
) -> None:
    titles, meant = await search(connection, "rose kepeer")

    assert (titles[:1], meant) == (["The Lighthouse Keeper's Daughter"], "Rosa Keeper")


async def test_of_two_corrections_the_one_that_makes_the_title_comes_first(
    connection: Connection, shop: None
) -> None:
    shea = await add_author(connection, "Ann Shea")
    for number in range(20):
        await add_book(connection, f"Corn {number}", authors=[shea], rating_average=4, rating_count=20_000)
    await add_book(connection, "A Sheaf of Corn")

    titles, meant = await search(connection, "a shefa of corn")

    assert (titles[:1], meant) == (["A Sheaf of Corn"], "A Sheaf of Corn")


async def test_of_equal_titles_the_earlier_volume_and_the_shorter_title_come_first(
    connection: Connection, shop: None
) -> None:
    for title in (
        "Memoirs of the Prince of Brom, Volume 1",
        "Memoirs of the Prince of Brom, Volume 12",
        "Memoirs of the Prince of Brom, Volume 2",
        "Lamps and Ropes of Brom",
        "Lamps and Ropes and Ladders of Brom",
    ):
        await add_book(connection, title)

    volumes, _ = await search(connection, "memoirs prince brom")
    lamps, _ = await search(connection, "lamps brom")

    assert volumes == [f"Memoirs of the Prince of Brom, Volume {number}" for number in (1, 2, 12)]
    assert lamps == ["Lamps and Ropes of Brom", "Lamps and Ropes and Ladders of Brom"]


async def test_volumes_may_have_roman_numerals_and_the_author_may_be_typed(
    connection: Connection, shop: None
) -> None:
    author = await add_author(connection, "Alix Dumar")
    for volume in ("II", "IV", "I", "III"):
        await add_book(connection, f"Le comte de Brom, Tome {volume}", authors=[author])

    titles, _ = await search(connection, "comte de brom dumar")

    assert titles == [f"Le comte de Brom, Tome {volume}" for volume in ("I", "II", "III", "IV")]


async def test_a_year_or_the_number_of_volumes_is_not_the_volume(connection: Connection, shop: None) -> None:
    for volume in (1, 2):
        await add_book(connection, f"The Harbours; and Manners of Brom, in 1836, Vol. {volume} (of 2)")
        await add_book(connection, f"The Writings of Alix Dumar, Vol. {volume} (of 2)")

    harbours, _ = await search(connection, "harbours brom")
    writings, _ = await search(connection, "writings dumar")

    assert harbours == [
        "The Harbours; and Manners of Brom, in 1836, Vol. 1 (of 2)",
        "The Harbours; and Manners of Brom, in 1836, Vol. 2 (of 2)",
    ]
    assert writings == [
        "The Writings of Alix Dumar, Vol. 1 (of 2)",
        "The Writings of Alix Dumar, Vol. 2 (of 2)",
    ]


async def test_of_titles_with_the_same_key_the_shorter_one_comes_first(
    connection: Connection, shop: None
) -> None:
    title = (
        "Trials of the masters before the harbour board of Brom under the law of the lamps, no. 10, volume II"
    )
    await add_book(connection, title)
    await add_book(connection, title.replace("volume II", "volume IV, with the index of II"))

    assert (await search(connection, title))[0][:1] == [title]


async def test_the_last_words_of_a_title_with_more_than_sixteen_count(
    connection: Connection, shop: None
) -> None:
    start = "Tales: A History of the Harbours in the Northern Lands from Talks with Former Keepers of Lamps"
    await add_book(connection, f"{start}. Files")
    await add_book(connection, f"{start}, Volume One, Brom Tales")

    assert (await search(connection, f"{start}, Volume One, Brom Tales"))[0] == [
        f"{start}, Volume One, Brom Tales"
    ]


async def test_a_word_in_y_and_its_plural_are_one(connection: Connection, shop: None) -> None:
    await add_book(connection, "The City of the Sultan")
    await add_book(connection, "Duties")

    assert await search(connection, "cities sultan") == (["The City of the Sultan"], "City Sultan")
    assert await search(connection, "duty") == (["Duties"], "Duties")


async def test_a_title_and_its_author_come_before_a_book_about_both(
    connection: Connection, shop: None
) -> None:
    author = await add_author(connection, "Johann Brom")
    await add_book(connection, "Brom's Faust")
    await add_book(connection, "Faust", authors=[author], rating_average=4, rating_count=200_000)

    assert (await search(connection, "faust brom"))[0] == ["Faust", "Brom's Faust"]


async def test_a_title_longer_than_its_key_is_compared_by_its_whole_words(
    connection: Connection, shop: None
) -> None:
    title = "Proceedings of the harbour board on lamps and on ladders, on anchors and on ropes with annexes"
    await add_book(connection, title)
    await add_book(connection, f"{title} and further papers", rating_average=4, rating_count=3)
    await add_book(connection, f"Index of Proceedings, {title[15:]}", rating_average=4, rating_count=50)

    assert (await search(connection, title))[0][-1] == f"Index of Proceedings, {title[15:]}"


async def test_a_correction_prefers_the_word_that_readers_know(connection: Connection, shop: None) -> None:
    for number in range(3):
        author = await add_author(connection, "J. R. R. Tolkien", source="shop", source_id=f"t{number}")
        await add_book(connection, f"Ring {number}", authors=[author], rating_average=4, rating_count=90_000)
    await add_book(connection, "Letters", authors=[await add_author(connection, "Ann Tolken")])

    titles, meant = await search(connection, "tolkein")

    assert (sorted(titles[:3]), meant) == (["Ring 0", "Ring 1", "Ring 2"], "Tolkien")


async def test_a_number_is_not_corrected_to_a_part_of_it(connection: Connection, shop: None) -> None:
    await add_book(connection, "19 Gardens")

    assert await search(connection, "1985") == ([], None)


async def test_a_title_that_is_an_article_or_a_letter_comes_first(connection: Connection, shop: None) -> None:
    for title, ratings in (("The", 3), ("The Lamps", 90_000), ("Henry VIII", 90_000), ("V.", 3)):
        await add_book(connection, title, rating_average=4, rating_count=ratings)

    assert (await search(connection, "the"))[0][:1] == ["The"]
    assert (await search(connection, "v"))[0][:1] == ["V."]


async def test_c_sharp_is_not_c_plus_plus(connection: Connection, shop: None) -> None:
    assert await search(connection, "c++") == (["C++ for Gardeners"], None)
    assert await search(connection, "csharp") == (["C# in the Kitchen"], None)


async def test_a_text_without_any_word_of_the_catalog_finds_nothing(
    connection: Connection, shop: None
) -> None:
    assert await search(connection, "qwertyuiop zxcvbnm") == ([], None)
