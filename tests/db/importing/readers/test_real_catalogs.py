"""Read the real catalogs completely and assert exact counts."""

from collections import Counter
from itertools import islice
from typing import Any

import pytest

from db.importing.readers import open_feed
from db.importing.records import BookRecord, Reject
from tests.db.importing.readers.sources import CATALOGS, needs_catalogs, read_records

pytestmark = needs_catalogs

Found = list[BookRecord | Reject]


def totals(found: Found) -> dict[str, Any]:
    books = [record for record in found if isinstance(record, BookRecord)]
    paths = {path for book in books for path in book.categories}
    return {
        "books": len(books),
        "book_authors": sum(len(book.authors) for book in books),
        "authors": len({author.source_id or author.name for book in books for author in book.authors}),
        "book_categories": sum(len(book.categories) for book in books),
        "categories": len({path[:depth] for path in paths for depth in range(1, len(path) + 1)}),
        "deepest": max(map(len, paths), default=0),
        "subtitles": sum(book.subtitle is not None for book in books),
        "languages": len({book.language for book in books} - {None}),
        "isbns": len({book.isbn for book in books} - {None}),
        "rejects": dict(
            Counter((reject.field, reject.dropped) for reject in found if isinstance(reject, Reject))
        ),
    }


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        (
            "gutenberg-2024-09",
            {
                "books": 74_240, "book_authors": 74_915, "authors": 25_514, "book_categories": 422_048,
                "categories": 53_339, "deepest": 7, "subtitles": 13_501, "languages": 57, "isbns": 0,
                "rejects": {("title", "row"): 5},
            },
        ),
        (
            "gutenberg-2025-12",
            {
                "books": 77_275, "book_authors": 77_956, "authors": 26_480, "book_categories": 464_712,
                "categories": 55_067, "deepest": 7, "subtitles": 14_884, "languages": 58, "isbns": 0,
                "rejects": {("title", "row"): 1},
            },
        ),
    ],
)  # fmt: skip
async def test_gutenberg_is_read_completely(folder: str, expected: dict[str, Any]):
    assert totals(await read_records("gutenberg", CATALOGS / folder)) == expected


async def test_goodbooks_is_read_completely():
    found = await read_records("goodbooks", CATALOGS / "goodbooks")

    assert totals(found) == {
        "books": 10_000,
        "book_authors": 13_209,
        "authors": 5_833,
        "book_categories": 0,
        "categories": 0,
        "deepest": 0,
        "subtitles": 4_439,
        "languages": 24,
        "isbns": 9_277,
        "rejects": {("isbn", "field"): 162},
    }
    reasons = Counter(record.reason.split(";")[0] for record in found if isinstance(record, Reject))
    assert reasons == {
        "a spreadsheet has rounded it: the last digits are lost": 135,
        "the check digit is wrong": 23,
        "not an ISBN-10 or ISBN-13": 4,
    }


async def test_oscar_is_read_completely():
    found = await read_records("oscar", CATALOGS / "oscar")

    assert totals(found) == {
        "books": 201,
        "book_authors": 0,
        "authors": 0,
        "book_categories": 201,
        "categories": 6,
        "deepest": 3,
        "subtitles": 0,
        "languages": 0,
        "isbns": 198,
        "rejects": {},
    }


async def test_the_shelf_names_with_a_slash_are_known():
    found = await read_records("gutenberg", CATALOGS / "gutenberg-2025-12")

    shelves = {
        path[1]
        for record in found
        if isinstance(record, BookRecord)
        for path in record.categories
        if path[0] == "Bookshelves"
    }
    assert sorted(name for name in shelves if "/" in name) == [
        "Business/Management",
        "Drugs/Alcohol/Pharmacology",
        "Encyclopedias/Dictionaries/Reference",
        "History - Medieval/Middle Ages",
        "Journalism/Media/Writing",
        "Nature/Gardening/Animals",
        "Plays/Films/Dramas",
        "Psychiatry/Psychology",
        "Religion/Spirituality",
        "Research Methods/Statistics/Information Sys",
        "Science - Chemistry/Biochemistry",
        "Science - Earth/Agricultural/Farming",
        "Sports/Hobbies",
    ]
    assert "Nobel Prizes in Literature" in shelves


async def test_a_catalog_is_read_in_batches_and_its_progress_ends_at_its_size():
    feed = await open_feed("goodbooks", [CATALOGS / "goodbooks"])

    sizes = [len(batch) async for batch in feed.batches]

    assert list(islice(sizes, 5)) == [2_000] * 5
    assert feed.completed() == feed.total
