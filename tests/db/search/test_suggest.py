"""Suggestions start with the typed prefix, most popular first."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db.connections.connect import Connection
from db.search.prefixes import correct_prefix
from db.search.suggest import suggested_authors, suggested_books, suggested_categories
from db.search.vocabulary_cache import VocabularyCache
from tests.catalogs import add_author, add_book, add_category


@pytest.fixture
async def shelf(connection: Connection) -> None:
    jane = await add_author(connection, "Jane Austen", sort_name="Austen, Jane")
    janet = await add_author(connection, "Janet Frame", sort_name="Frame, Janet")
    await add_author(connection, "Émile Zola", sort_name="Zola, Émile")
    fiction = await add_category(connection, "Fiction")
    await add_category(connection, "Filmmaking")
    for number, (title, author, ratings) in enumerate(
        [
            ("Emma", jane, 5),
            ("Emma", jane, 50),
            ("The Embers", janet, 9),
            ("Été", janet, 0),
            ("Émile", jane, 8),
        ]
    ):
        rating = {"rating_average": 4, "rating_count": ratings} if ratings else {}
        await add_book(
            connection, title, source_id=str(number), authors=[author], categories=[fiction], **rating
        )


@pytest.mark.parametrize(
    ("prefix", "titles"),
    [
        ("em", ["Emma", "The Embers", "Émile"]),
        ("EMM", ["Emma"]),
        ("the em", ["Emma", "The Embers", "Émile"]),
        ("été", ["Été"]),
        ("e", ["Emma", "The Embers", "Émile", "Été"]),
        ("x", []),
        ("%", []),
        ("e_", ["Emma", "The Embers", "Émile", "Été"]),
        ("embr", ["The Embers"]),
        ("meb", ["The Embers"]),
    ],
)
async def test_titles_that_start_with_the_prefix(
    connection: Connection, shelf: None, prefix: str, titles: list[str]
) -> None:
    assert [book.title for book in await suggested_books(connection, prefix, 4, VocabularyCache())] == titles


@pytest.mark.parametrize(
    ("prefix", "names"),
    [
        ("jan", ["Jane Austen", "Janet Frame"]),
        ("jane f", ["Janet Frame"]),
        ("jane a", ["Jane Austen"]),
        ("aust", ["Jane Austen"]),
        ("emile", ["Émile Zola"]),
        ("ZOLA, é", ["Émile Zola"]),
        ("'", []),
    ],
)
async def test_authors_whose_name_or_sort_name_starts_with_the_prefix(
    connection: Connection, shelf: None, prefix: str, names: list[str]
) -> None:
    assert [
        author.name for author in await suggested_authors(connection, prefix, 5, VocabularyCache())
    ] == names


async def test_categories_that_start_with_the_prefix(connection: Connection, shelf: None) -> None:
    found = await suggested_categories(connection, "FI", 5, VocabularyCache())

    assert [category.name for category in found] == ["Fiction", "Filmmaking"]


async def test_suggestions_are_limited(connection: Connection, shelf: None) -> None:
    assert [book.title for book in await suggested_books(connection, "e", 2, VocabularyCache())] == [
        "Emma",
        "The Embers",
    ]
    assert [author.name for author in await suggested_authors(connection, "j", 1, VocabularyCache())] == [
        "Jane Austen"
    ]


async def test_a_prefix_of_no_popular_title_finds_less_popular_ones(
    connection: Connection, shelf: None
) -> None:
    """Half of the 4,000 most popular books start with the prefix `od`."""
    await connection.execute(
        "INSERT INTO book (source, source_id, title, rating_average, rating_count)"
        " SELECT 'popular', n, (ARRAY['Odd ', 'Past '])[1 + n % 2] || n, 4, 100 + n FROM generate_series(1, 4000) n"
    )

    assert [book.title for book in await suggested_books(connection, "od", 2, VocabularyCache())] == [
        "Odd 4000",
        "Odd 3998",
    ]
    assert [book.title for book in await suggested_books(connection, "odd 39", 2, VocabularyCache())] == [
        "Odd 3998",
        "Odd 3996",
    ]
    assert [book.title for book in await suggested_books(connection, "em", 2, VocabularyCache())] == [
        "Emma",
        "The Embers",
    ]
    assert [book.title for book in await suggested_books(connection, "odd 399", 2, VocabularyCache())] == [
        "Odd 3998",
        "Odd 3996",
    ]


async def test_of_many_books_in_a_popularity_tier_some_are_compared(
    connection: Connection, shelf: None
) -> None:
    """All 2,500 books with the word have the same popularity; 500 are read, and 300 of them compared.

    Which of the 1,111 books that "odd 1" begins are read depends on their places in the table.
    """
    await connection.execute(
        "INSERT INTO book (source, source_id, title) SELECT 'many', n, 'Odd ' || n FROM generate_series(1, 2500) n"
    )

    found = [book.title for book in await suggested_books(connection, "odd 1", 1, VocabularyCache())]
    assert [title.startswith("Odd 1") for title in found] == [True]
    assert [book.title for book in await suggested_books(connection, "odd 2500", 1, VocabularyCache())] == [
        "Odd 2500"
    ]
    assert [book.title for book in await suggested_books(connection, "odd xy", 1, VocabularyCache())] == []


@settings(max_examples=100)
@given(
    prefix=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=80)
)
async def test_any_prefix_is_legal(connection: Connection, shelf: None, prefix: str) -> None:
    for read in (suggested_books, suggested_authors, suggested_categories):
        assert len(await read(connection, prefix, 3, VocabularyCache())) <= 3


SHOP = [
    # title, author, language, ratings
    ("The Golden Compass", "Philip Pulman", "en", 900_000),
    ("A Compass for Fools", "Ann Iversen", "en", 20),
    ("Les Misérables", "Victor Hugot", "fr", 80_000),
    ("Der Prozess", "Franz Kafker", "de", 5_000),
    ("I, Robot", "Isaac Asimow", "en", 60_000),
    ("Catch-22", "Joseph Hellner", "en", 70_000),
    ("Dr. No", "Ian Flemming", "en", 4_000),
    ("The Stranger", "Albert Camux", "en", 50_000),
    ("The Stranger", "Harlan Cobin", "en", 40_000),
    ("Stranger", "Albert Camux", "en", 30),
    ("黑暗森林", "刘慈", "zh", 10),
    ("ألف ليلة وليلة", "مجهول", "ar", 30),
    ("Анна Каренкина", "Лев Толстов", "ru", 50),
    ("한강의 밤", "김소월", "ko", 40),
    ("ガラスの城", "村上", "ja", 40),
    ("The Hobbits", "J.R.R. Tolkin", "en", 2_000_000),
]


@pytest.fixture
async def shop(connection: Connection) -> None:
    authors: dict[str, int] = {}
    for number, (title, name, language, ratings) in enumerate(SHOP):
        if name not in authors:
            *first, last = name.split()
            sort_name = f"{last}, {' '.join(first)}" if first else name
            authors[name] = await add_author(connection, name, sort_name=sort_name)
        await add_book(
            connection, title, source_id=str(number), authors=[authors[name]], language=language,
            rating_average=4, rating_count=ratings,
        )  # fmt: skip
    await add_book(connection, "Plain", isbn="9780306406157")


@pytest.mark.parametrize(
    ("prefix", "titles"),
    [
        ("compas", ["The Golden Compass", "A Compass for Fools"]),
        ("golden com", ["The Golden Compass"]),
        ("glden", ["The Golden Compass"]),
        ("goldne com", ["The Golden Compass"]),
        ("les mis", ["Les Misérables"]),
        ("the mis", ["Les Misérables"]),
        ("der pro", ["Der Prozess"]),
        ("i robo", ["I, Robot"]),
        ("catch 22", ["Catch-22"]),
        ("dr no", ["Dr. No"]),
        ("978-0-306-40615-7", ["Plain"]),
        ("森林", ["黑暗森林"]),
        ("أَلْفُ لَيْ", ["ألف ليلة وليلة"]),
        ("ألف لي", ["ألف ليلة وليلة"]),
        ("한강", ["한강의 밤"]),
        ("каренк", ["Анна Каренкина"]),
        ("анна ка", ["Анна Каренкина"]),
        ("ガラ", ["ガラスの城"]),
        ("stranger", ["The Stranger", "The Stranger"]),
    ],
)
async def test_a_title_is_suggested_by_any_of_its_words(
    connection: Connection, shop: None, prefix: str, titles: list[str]
) -> None:
    assert [book.title for book in await suggested_books(connection, prefix, 5, VocabularyCache())] == titles


@pytest.mark.parametrize(
    ("prefix", "names"),
    [
        ("pulm", ["Philip Pulman"]),
        ("plm", ["Philip Pulman"]),
        ("jrr tol", ["J.R.R. Tolkin"]),
        ("j. r. r. tolk", ["J.R.R. Tolkin"]),
        ("tolk", ["J.R.R. Tolkin"]),
        ("kafka", ["Franz Kafker"]),
        ("толст", ["Лев Толстов"]),
        ("лев то", ["Лев Толстов"]),
        ("金", []),
        ("김소", ["김소월"]),
    ],
)
async def test_an_author_is_suggested_by_any_name(
    connection: Connection, shop: None, prefix: str, names: list[str]
) -> None:
    assert [
        author.name for author in await suggested_authors(connection, prefix, 5, VocabularyCache())
    ] == names


async def test_what_begins_as_typed_comes_before_what_a_correction_finds(connection: Connection) -> None:
    for name, ratings in (("Piper Kermann", 5), ("Hermann Mellwill", 90_000)):
        author = await add_author(connection, name)
        await add_book(
            connection, f"Book of {name}", authors=[author], rating_average=4, rating_count=ratings
        )
    await add_book(connection, "Shadow Forts")
    await add_book(connection, "The Shadow of Winds", rating_average=4, rating_count=90_000)

    found_authors = await suggested_authors(connection, "kerma", 5, VocabularyCache())
    found_books = await suggested_books(connection, "shadow fo", 5, VocabularyCache())

    assert [author.name for author in found_authors] == ["Piper Kermann", "Hermann Mellwill"]
    assert [book.title for book in found_books] == ["Shadow Forts", "The Shadow of Winds"]


async def test_a_surname_counts_as_much_as_a_first_name(connection: Connection) -> None:
    for name, ratings in (("Moor Raymund", 8_000), ("Raymund Moor", 9_000)):
        author = await add_author(connection, name)
        await add_book(
            connection, f"Book of {name}", authors=[author], rating_average=4, rating_count=ratings
        )

    found = await suggested_authors(connection, "moor", 5, VocabularyCache())

    assert [author.name for author in found] == ["Raymund Moor", "Moor Raymund"]


async def test_the_beginning_as_typed_is_the_first_of_its_corrections(connection: Connection) -> None:
    await add_book(connection, "Conrad")
    for letter in "abdefghijk":
        title = f"{letter}onrad"
        await add_book(connection, title, rating_average=4, rating_count=90_000)

    prefix = await correct_prefix(connection, "con", VocabularyCache())

    assert prefix is not None
    assert len(prefix.words[-1]) == 8
    assert prefix.words[-1][0] == "con"
