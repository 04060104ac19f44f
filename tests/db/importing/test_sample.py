"""The sample that the first start imports: well-known older works, written by hand.

Its editions are fictitious, so their ISBNs are 978-69, seven digits counted up in the order of the
file, and the check digit: no country was ever given 978-69 (International ISBN Agency, range message
of January 2026), so no real book has one.
"""

import json
import re
import unicodedata
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from stdnum import isbn

import db.importing

SAMPLE = Path(db.importing.__file__).parent / "sample.jsonl"
REQUIRED = {"source_id", "title", "authors", "categories", "language", "pages", "stock", "description"}
OPTIONAL = {
    *("subtitle", "series", "series_position", "isbn", "published", "price", "currency"),
    *("rating_average", "rating_count"),
}
ROLES = {"AUTHOR", "TRANSLATOR", "ILLUSTRATOR", "EDITOR", "CONTRIBUTOR", "INTRODUCTION"}

Book = dict[str, Any]


@pytest.fixture(scope="module")
def books() -> list[Book]:
    return [json.loads(line) for line in SAMPLE.read_text(encoding="utf-8").splitlines()]


def year_of(book: Book) -> int | None:
    published = book.get("published")
    return None if published is None else int(re.sub(r"(?<=\d)-.*", "", published))


def test_the_sample_has_as_many_books_authors_and_categories_as_the_readme_says(books: list[Book]):
    people = {author["name"] for book in books for author in book["authors"]}
    paths = [path.split(" > ") for book in books for path in book["categories"]]
    nodes = {tuple(path[:depth]) for path in paths for depth in range(1, len(path) + 1)}

    assert (len(books), len(people), len(nodes)) == (169, 162, 88)
    assert Counter(len(node) for node in nodes) == {1: 11, 2: 46, 3: 29, 4: 2}


def test_every_book_has_the_required_fields_and_no_unknown_ones(books: list[Book]):
    for book in books:
        assert book.keys() >= REQUIRED, book["source_id"]
        assert book.keys() <= REQUIRED | OPTIONAL, book["source_id"]


def test_source_ids_are_unique_slugs_in_order(books: list[Book]):
    ids = [book["source_id"] for book in books]

    assert ids == sorted(set(ids))
    assert [slug for slug in ids if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug)] == []


def test_works_are_unique(books: list[Book]):
    works = Counter((book["title"], book["authors"][0]["name"]) for book in books)

    assert [work for work, times in works.items() if times > 1] == []


def test_isbns_are_valid_and_follow_the_rule(books: list[Book]):
    isbns = [book["isbn"] for book in books if "isbn" in book]

    assert [isbn.validate(number) for number in isbns] == isbns
    assert [number[:-1] for number in isbns] == [f"97869{place:07}" for place in range(1, 164)]


def test_price_and_currency_come_together_and_books_without_are_not_in_stock(books: list[Book]):
    assert Counter(book.get("currency") for book in books) == {"GBP": 70, "EUR": 68, "USD": 25, None: 6}
    for book in books:
        assert ("price" in book) == ("currency" in book), book["source_id"]
        assert "price" in book or book["stock"] == 0, book["source_id"]
        assert 0 < Decimal(book.get("price", "1")) < 100, book["source_id"]


def test_ratings_come_with_their_count(books: list[Book]):
    for book in books:
        assert ("rating_average" in book) == ("rating_count" in book), book["source_id"]
        assert 1 <= book.get("rating_average", 1) <= 5, book["source_id"]
        assert book.get("rating_count", 1) >= 1, book["source_id"]


def test_the_books_are_in_many_languages(books: list[Book]):
    languages = Counter(book["language"] for book in books)

    assert len(languages) == 20
    assert languages.most_common(3) == [("en", 116), ("fr", 15), ("de", 8)]


def test_the_books_are_old_and_some_are_older_than_christ(books: list[Book]):
    years = [year for book in books if (year := year_of(book)) is not None]

    assert (min(years), max(years), len(years)) == (-1200, 1927, 168)
    assert sum(year < 0 for year in years) == 19
    assert 0 not in years


def test_authors_have_known_roles_and_one_spelling_and_life_each(books: list[Book]):
    lives: dict[str, set[tuple[str, int | None, int | None]]] = {}
    for author in (author for book in books for author in book["authors"]):
        assert author["role"] in ROLES
        years = author.get("birth_year"), author.get("death_year")
        lives.setdefault(author["name"], set()).add((author["sort_name"], *years))

    assert {name: found for name, found in lives.items() if len(found) > 1} == {}


def test_authors_wrote_between_youth_and_the_century_after_their_death(books: list[Book]):
    for book in books:
        year = year_of(book)
        for author in book["authors"]:
            born, died = author.get("birth_year"), author.get("death_year")
            if born is not None and died is not None:
                assert 18 <= died - born <= 101, author["name"]
            if year is not None and born is not None and author["role"] == "AUTHOR":
                assert born + 17 <= year, book["source_id"]
            if year is not None and died is not None and author["role"] == "AUTHOR":
                assert year <= died + 120 or book["source_id"] == "rubaiyat-of-omar-khayyam"


def test_authors_are_unique_within_a_book(books: list[Book]):
    for book in books:
        names = [author["name"] for author in book["authors"]]
        assert len(names) == len(set(names)) >= 1, book["source_id"]


def test_several_authors_have_several_books(books: list[Book]):
    works = Counter(author["name"] for book in books for author in book["authors"])

    assert works.most_common(3) == [("Charles Dickens", 6), ("William Shakespeare", 6), ("Anonymous", 6)]
    assert sum(times > 1 for times in works.values()) == 34


def test_category_paths_have_two_to_four_levels_and_none_repeats_in_a_book(books: list[Book]):
    for book in books:
        paths = book["categories"]
        assert 1 <= len(paths) == len(set(paths)) <= 3, book["source_id"]
        assert all(2 <= len(path.split(" > ")) <= 4 for path in paths), book["source_id"]


def test_text_is_trimmed_and_normalised(books: list[Book]):
    def strings(value: object) -> list[str]:
        if isinstance(value, dict):
            return [text for item in value.values() for text in strings(item)]
        if isinstance(value, list):
            return [text for item in value for text in strings(item)]
        return [value] if isinstance(value, str) else []

    for book in books:
        for text in strings(book):
            assert text == unicodedata.normalize("NFC", " ".join(text.split())) != ""
