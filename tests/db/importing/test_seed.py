from collections import Counter
from datetime import date
from decimal import Decimal
from hashlib import sha256
from math import gcd

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum import isbn

from db.importing import seed, seed_tables, seed_words
from db.importing.records import AuthorRecord, BookRecord
from db.importing.seed import generate_books
from db.importing.seed_tables import category_leaves

COUNT = 20_000
ROLES = {"AUTHOR", "EDITOR", "TRANSLATOR", "ILLUSTRATOR", "CONTRIBUTOR", "INTRODUCTION"}

FIRST = BookRecord(
    row=1,
    source_id="1",
    title="A White Wedding Without a Name",
    isbn="9786821999914",
    description="A patient study of a town that is losing its river and ice, snow and silence.",
    language="en",
    format="HARDCOVER",
    published_year=1964,
    published_on=date(1964, 11, 13),
    page_count=262,
    price=Decimal("60.00"),
    currency="USD",
    stock=22,
    rating_average=Decimal("4.13"),
    rating_count=24,
    authors=(
        AuthorRecord("Bianca Moretti", "AUTHOR", "a5", "Moretti, Bianca", 1937, None),
        AuthorRecord("Dario Pellegrini", "AUTHOR", "a29", "Pellegrini, Dario", 1986, None),
    ),
    categories=(("Society", "Politics", "Ideas", "Introductions"),),
)
SECOND = BookRecord(
    row=2,
    source_id="2",
    title="Las ventanas para principiantes",
    isbn="9799572657705",
    description="An argument about ice, snow and silence and a town that is losing its river. Its real "
    "subject is numbers and their uses. With exercises at the end of each chapter.",
    language="es",
    publisher="Ferrara & Sons",
    format="MASS_MARKET_PAPERBACK",
    published_year=1993,
    page_count=357,
    stock=0,
    rating_average=Decimal("4.26"),
    rating_count=59,
    authors=(AuthorRecord("Bruno Neumann", "AUTHOR", "a2", "Neumann, Bruno", 1933, None),),
    categories=(("Society", "Media", "Institutions", "Debates"),),
)
FIRST_OF_SEED_2 = BookRecord(
    row=1,
    source_id="1",
    title="The Quiet Machine",
    series="The Philip Yardley Mysteries",
    series_position="8",
    description="An unsentimental portrait of the art of repair and how cities feed themselves.",
    language="en",
    publisher="Nikitin House",
    format="HARDCOVER",
    published_year=2005,
    published_on=date(2005, 6, 3),
    page_count=307,
    price=Decimal("30.99"),
    currency="GBP",
    stock=9,
    rating_average=Decimal("4.19"),
    rating_count=393,
    authors=(AuthorRecord("Takeshi Yamada", "AUTHOR", "a7", "Yamada, Takeshi", None, None),),
    categories=(("Religion", "Buddhism", "Scripture", "Scholarly"),),
)


@pytest.fixture(scope="module")
def books() -> list[BookRecord]:
    return list(generate_books(COUNT))


def test_the_first_books_are_always_the_same():
    assert list(generate_books(2)) == [FIRST, SECOND]
    assert list(generate_books(1, seed=2)) == [FIRST_OF_SEED_2]
    assert list(generate_books(0)) == []


def test_twenty_thousand_books_are_the_same_on_every_python_and_machine(books: list[BookRecord]):
    digest = sha256()
    for book in books:
        digest.update(repr(book).encode())

    assert digest.hexdigest() == "38e94c3f03f4369b3dc78a66e8fdf3e8709fcf60c57e51540b9436578e62a187"


def test_a_smaller_catalog_is_the_beginning_of_a_larger_one(books: list[BookRecord]):
    assert list(generate_books(500)) == books[:500]


def test_another_seed_is_another_catalog(books: list[BookRecord]):
    others = list(generate_books(1_000, seed=2))

    assert [other for other, book in zip(others, books, strict=False) if other.title == book.title] == []
    assert {other.isbn for other in others} & {book.isbn for book in books[:1_000]} == {None}


def test_isbns_are_valid_distinct_and_unassigned(books: list[BookRecord]):
    isbns = [book.isbn for book in books if book.isbn]

    assert len(isbns) == len(set(isbns)) == 18_406
    assert [isbn.validate(number) for number in isbns] == isbns
    assert Counter(number[:5] if number < "979" else number[:4] for number in isbns) == {
        "97866": 3_070,
        "97867": 3_051,
        "97868": 3_064,
        "9799": 9_221,
    }
    assert {isbn.split(number)[1:3] for number in isbns} == {("", "")}


def test_source_ids_and_rows_count_from_one(books: list[BookRecord]):
    assert [book.row for book in books] == list(range(1, COUNT + 1))
    assert [book.source_id for book in books] == [str(number) for number in range(1, COUNT + 1)]


def test_few_authors_wrote_much_and_many_wrote_little(books: list[BookRecord]):
    works = Counter(author.source_id for book in books for author in book.authors)

    assert len(works) == 5_545
    assert works.most_common(3) == [("a1", 561), ("a2", 319), ("a3", 242)]
    assert sum(times == 1 for times in works.values()) == 1_806
    assert Counter(len(book.authors) for book in books) == {0: 178, 1: 13_784, 2: 3_954, 3: 1_550, 4: 534}
    assert Counter(author.role for book in books for author in book.authors) == {
        "AUTHOR": 24_787,
        "EDITOR": 1_305,
        "INTRODUCTION": 798,
        "TRANSLATOR": 729,
        "CONTRIBUTOR": 436,
        "ILLUSTRATOR": 423,
    }


def test_every_author_has_one_name_and_every_name_one_author(books: list[BookRecord]):
    people = {(author.source_id, author.name) for book in books for author in book.authors}

    assert len(people) == len({key for key, _ in people}) == len({name for _, name in people})


def test_half_a_million_authors_have_half_a_million_names():
    names = seed_tables.build_names(7)
    people = {seed._author_name(number, names) for number in range(500_000)}

    assert len(people) == len({name for name, _ in people}) == 500_000
    assert seed._author_name(0, names) == ("Edward Ashworth", "Ashworth, Edward")
    assert seed._author_name(499_999, names) == ("Priya D. I. Chowdhury", "Chowdhury, Priya D. I.")
    assert seed._author_name(77 + 128 * 899, names) == ("Agathon of Abdera (2)",) * 2


def test_the_lists_of_names_have_coprime_lengths():
    givens = {len(names.split()) for names in seed_words.GIVEN_NAMES}
    families = {len(names.split()) for names in seed_words.FAMILY_NAMES}
    ancients = len(set(seed_words.ANCIENT_NAMES.split())), len(set(seed_words.ANCIENT_CITIES.split()))

    assert (givens, families) == ({23}, {24})
    assert gcd(23, 24) == gcd(*ancients) == 1


def test_names_are_unique_within_and_across_cultures():
    for lists in (seed_words.GIVEN_NAMES, seed_words.FAMILY_NAMES):
        names = Counter(name for names in lists for name in names.split())
        assert [name for name, times in names.items() if times > 1] == []


def test_the_categories_are_a_skewed_tree_four_levels_deep(books: list[BookRecord]):
    held: Counter[tuple[str, ...]] = Counter()
    for book in books:
        held.update({path[:depth] for path in book.categories for depth in range(1, len(path) + 1)})

    assert Counter(len(path) for path in held) == {1: 12, 2: 72, 3: 360, 4: 1_067}
    assert held[("Fiction",)] == 5_810
    assert held[("Fiction", "Crime")] == 2_306
    levels = Counter(len(path) for book in books for path in book.categories)
    assert levels == {1: 783, 2: 833, 3: 814, 4: 27_746}
    assert Counter(len(book.categories) for book in books) == {1: 12_066, 2: 5_692, 3: 2_242}


def test_the_whole_tree_has_1524_categories():
    nodes = {path[:depth] for path, _ in category_leaves() for depth in range(1, len(path) + 1)}

    assert Counter(len(node) for node in nodes) == {1: 12, 2: 72, 3: 360, 4: 1080}


def test_languages_formats_and_currencies_have_their_shares(books: list[BookRecord]):
    assert Counter(book.language for book in books) == {
        "en": 11_741,
        "de": 1_898,
        "fr": 1_850,
        "es": 1_489,
        "it": 781,
        "pt": 662,
        "ru": 463,
        "nl": 466,
        None: 650,
    }
    assert Counter(book.format for book in books) == {
        "PAPERBACK": 9_371,
        "HARDCOVER": 5_310,
        "EBOOK": 2_526,
        "AUDIOBOOK": 1_094,
        "MASS_MARKET_PAPERBACK": 603,
        "BOX_SET": 168,
        "BOARD_BOOK": 156,
        "SPIRAL_BOUND": 146,
        None: 626,
    }
    assert Counter(book.currency for book in books) == {"USD": 7_696, "EUR": 7_010, "GBP": 3_703, None: 1_591}


def test_a_few_publishers_have_many_books(books: list[BookRecord]):
    publishers = Counter(book.publisher for book in books if book.publisher)

    assert len(publishers) == 960
    assert publishers.most_common(2) == [("Ashworth Press", 597), ("Bellamy Press", 245)]


def test_values_are_missing_as_often_as_in_real_catalogs(books: list[BookRecord]):
    gaps = {
        "subtitle": 13_361,
        "isbn": 1_594,
        "description": 2_368,
        "publisher": 1_426,
        "published_year": 827,
        "published_on": 9_663,
        "page_count": 995,
        "rating_average": 2_901,
    }

    assert {field: sum(getattr(book, field) is None for book in books) for field in gaps} == gaps
    assert sum(book.stock == 0 for book in books) == 5_271


def test_most_books_are_recent_and_a_few_older_than_christ(books: list[BookRecord]):
    years = sorted(book.published_year for book in books if book.published_year is not None)

    assert (years[0], years[len(years) // 2], years[-1]) == (-459, 1992, 2025)
    assert sum(year < 0 for year in years) == 128
    assert sum(0 < year < 1900 for year in years) == 1_802


def test_titles_repeat_and_rating_counts_are_skewed(books: list[BookRecord]):
    titles = Counter(book.title for book in books)
    counts = sorted(book.rating_count or 0 for book in books)

    assert (len(titles), titles.most_common(1)) == (15_681, [("Das Schweigen", 20)])
    assert [counts[COUNT * share // 100] for share in (50, 90, 99)] == [18, 122, 493]


def test_a_few_books_are_editions_of_earlier_ones_and_some_are_translations(books: list[BookRecord]):
    keys = [book.work_key for book in books if book.work_key]
    languages: dict[str, set[str | None]] = {}
    for book in books:
        if book.work_key:
            languages.setdefault(book.work_key, set()).add(book.language)

    assert (len(keys), len(set(keys))) == (5_031, 4_887)
    assert sum(len(each) > 1 for each in languages.values()) == 39
    assert sum(book.title == books[book.row // 2 - 1].title for book in books[1:]) >= 400


def test_english_articles_fit_their_nouns():
    assert [word for word in seed_words.ENGLISH_ADJECTIVES.split() if word[0] in "AEIOU"] == []


@settings(max_examples=30)
@given(number=st.integers(), count=st.integers(1, 60))
def test_every_record_satisfies_its_docstring(number: int, count: int):
    for book in generate_books(count, number):
        assert book.title is not None
        assert book.title == " ".join(book.title.split()) != ""
        assert book.isbn is None or isbn.is_valid(book.isbn)
        assert (book.price is None) == (book.currency is None)
        assert book.price is None or (0 < book.price < 100 and book.price == round(book.price, 2))
        assert book.price is not None or book.stock == 0
        assert book.stock is not None
        assert book.stock >= 0
        assert book.published_year is None or -500 < book.published_year <= 2025
        assert book.published_year != 0
        assert book.published_on is None or book.published_on.year == book.published_year
        assert book.page_count is None or book.page_count >= 40
        assert (book.rating_average is None) == (book.rating_count == 0)
        assert book.rating_average is None or 1 <= book.rating_average <= 5
        assert 1 <= len(set(book.categories)) == len(book.categories) <= 3
        assert all(1 <= len(path) <= 4 for path in book.categories)
        check_authors(book)


def check_authors(book: BookRecord) -> None:
    assert len(book.authors) <= 4
    assert len({author.source_id for author in book.authors}) == len(book.authors)
    for author in book.authors:
        assert author.role in ROLES
        assert author.name
        assert author.sort_name
        born, died = author.birth_year, author.death_year
        assert died is None or (born is not None and 55 <= died - born < 92 and died <= 2025)
    if book.authors and book.authors[0].birth_year and book.published_year:
        assert 22 <= book.published_year - book.authors[0].birth_year <= 66
