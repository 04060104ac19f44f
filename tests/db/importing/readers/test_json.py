"""JSON documents: arrays of flat records, volumes of Google Books, books of schema.org."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import orjson
import pytest

from db.importing.readers import open_feed
from db.importing.records import AuthorRecord, BookRecord, Reject
from tests.db.importing.readers.sources import import_error, read_books, read_records, write_lines

JANE = AuthorRecord("Jane Doe", sort_name="Doe, Jane")

VOLUME = {
    "kind": "books#volume",
    "id": "zyTCAlFPjgYC",
    "volumeInfo": {
        "title": "The Sea",
        "subtitle": "A novel",
        "authors": ["Jane Doe"],
        "publisher": "Shore",
        "publishedDate": "1999-12",
        "description": "Deep.",
        "industryIdentifiers": [
            {"type": "ISBN_10", "identifier": "0306406152"},
            {"type": "ISBN_13", "identifier": "9780306406157"},
        ],
        "pageCount": 320,
        "categories": ["Fiction / Crime"],
        "averageRating": 4.5,
        "ratingsCount": 2,
        "language": "en",
        "imageLinks": {"thumbnail": "https://x.example/1.jpg"},
    },
    "saleInfo": {"isEbook": True, "listPrice": {"amount": 9.99, "currencyCode": "EUR"}},
}
BOOK = {
    "@context": "https://schema.org",
    "@type": "Book",
    "@id": "https://shop.example/sea",
    "name": "The Sea",
    "author": [{"@type": "Person", "name": "Jane Doe"}],
    "translator": {"@type": "Person", "givenName": "John", "familyName": "Roe"},
    "isbn": "9780306406157",
    "bookFormat": "https://schema.org/Hardcover",
    "numberOfPages": 320,
    "inLanguage": "en",
    "publisher": {"@type": "Organization", "name": "Shore"},
    "datePublished": "1999-12-31",
    "genre": ["Crime"],
    "image": {"@type": "ImageObject", "url": "https://x.example/1.jpg"},
    "offers": {"@type": "Offer", "price": "12.50", "priceCurrency": "EUR"},
    "aggregateRating": {"ratingValue": 4.5, "reviewCount": 2},
}
SEA = BookRecord(
    1,
    "zyTCAlFPjgYC",
    "The Sea",
    "A novel",
    isbn="9780306406157",
    description="Deep.",
    language="en",
    publisher="Shore",
    format="EBOOK",
    published_year=1999,
    page_count=320,
    price=Decimal("9.99"),
    currency="EUR",
    cover_url="https://x.example/1.jpg",
    rating_average=Decimal("4.50"),
    rating_count=2,
    authors=(JANE,),
    categories=(("Fiction", "Crime"),),
)


def write_json(path: Path, document: object) -> Path:
    return write_lines(path, orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())


@pytest.mark.parametrize("document", [{"kind": "books#volumes", "items": [VOLUME]}, [VOLUME], VOLUME])
async def test_volumes_of_google_books(tmp_path: Path, document: object):
    assert await read_books("json", write_json(tmp_path / "b.json", document)) == [SEA]


async def test_a_volume_may_have_an_isbn_10_alone(tmp_path: Path):
    info = {**VOLUME["volumeInfo"], "industryIdentifiers": [{"type": "ISBN_10", "identifier": "0306406152"}]}
    path = write_json(tmp_path / "b.json", [VOLUME, {**VOLUME, "volumeInfo": info}])

    assert [book.isbn for book in await read_books("json", path)] == ["9780306406157", "9780306406157"]


async def test_volumes_by_lines(tmp_path: Path):
    path = write_lines(tmp_path / "b.jsonl", orjson.dumps(VOLUME).decode())

    assert await read_books("jsonl", path) == [SEA]


@pytest.mark.parametrize("document", [{"@context": "x", "@graph": [BOOK]}, [BOOK], BOOK])
async def test_books_of_schema_org(tmp_path: Path, document: object):
    assert await read_books("json", write_json(tmp_path / "b.json", document)) == [
        BookRecord(
            1,
            "https://shop.example/sea",
            "The Sea",
            isbn="9780306406157",
            language="en",
            publisher="Shore",
            format="HARDCOVER",
            published_year=1999,
            published_on=date(1999, 12, 31),
            page_count=320,
            price=Decimal("12.50"),
            currency="EUR",
            cover_url="https://x.example/1.jpg",
            rating_average=Decimal("4.50"),
            rating_count=2,
            authors=(JANE, AuthorRecord("John Roe", "TRANSLATOR", sort_name="Roe, John")),
            categories=(("Crime",),),
        )
    ]


async def test_arrays_of_flat_records_with_keys_in_any_case(tmp_path: Path):
    path = write_json(
        tmp_path / "b.json",
        [{"ISBN": "9780306406157", "Title": "A", "Authors": ["Jane Doe"], "descripton": "y"}, "no book"],
    )
    feed = await open_feed("json", [path])

    found = [record async for batch in feed.batches for record in batch]

    assert found == [
        BookRecord(1, "9780306406157", "A", isbn="9780306406157", authors=(JANE,)),
        Reject(2, "row", "no book", "not a JSON object"),
    ]
    assert feed.ignored_headings == ("descripton",)
    assert feed.columns == (("ISBN", "isbn"), ("Title", "title"), ("Authors", "authors"))
    assert feed.row_label(2) == "item 2"


async def test_what_is_no_document_is_one_clear_error(tmp_path: Path):
    lines = write_lines(tmp_path / "b.jsonl", '{"source_id": 1}', '{"source_id": 2}')
    number = write_lines(tmp_path / "n.json", "7")

    assert (await import_error("json", lines)).endswith("; is it JSON Lines (jsonl)?")
    assert await import_error("json", number) == f"{number}: the document is neither an array nor an object."


async def test_a_document_that_is_too_long_names_the_other_format(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("db.importing.readers.json_reader._MAX_DOCUMENT_CHARACTERS", 10)
    path = write_json(tmp_path / "b.json", [VOLUME])

    assert await import_error("json", path) == (
        f"{path}: the document has more than 10 characters; write one object per line, and import it as jsonl."
    )


async def test_a_record_of_a_document_without_a_key_is_rejected(tmp_path: Path):
    path = write_json(tmp_path / "b.json", [{"title": "A"}])

    assert await read_records("json", path) == [
        Reject(
            1,
            "source_id",
            "",
            "nothing identifies this book: neither source_id nor isbn; write one of them",
            title="A",
        )
    ]


async def test_a_key_that_an_object_lacks_says_nothing_unlike_null(tmp_path: Path):
    objects = [
        {"isbn": "9780306406157", "title": "A", "stock": None, "authors": [], "price": 5, "currency": "EUR"},
        {"source_id": "2", "title": "B", "description": "", "rating_average": 4},
    ]
    path = write_lines(tmp_path / "b.jsonl", *(orjson.dumps(each).decode() for each in objects))
    document = write_json(tmp_path / "b.json", objects)

    for found in (await read_books("jsonl", path), await read_books("json", document)):
        assert [book.absent for book in found] == [
            ("description", "rating_average"),
            ("isbn", "price", "stock", "authors"),
        ]


async def test_an_empty_value_of_another_shape_is_an_empty_cell(tmp_path: Path):
    volumes = [VOLUME, {"id": "2", "volumeInfo": {"title": "B"}, "saleInfo": {"saleability": "NOT_FOR_SALE"}}]
    books = [
        BOOK,
        {
            "@type": "Book",
            "@id": "2",
            "name": "B",
            "description": "",
            "author": None,
            "genre": None,
            "offers": [],
        },
    ]

    _, volume = await read_books("json", write_json(tmp_path / "v.json", volumes))
    _, book = await read_books("json", write_json(tmp_path / "b.json", books))

    assert "price" not in volume.absent
    assert {"isbn", "description", "authors", "format"} <= set(volume.absent)
    assert book.absent == (
        *("isbn", "language", "publisher", "format", "published", "pages", "cover_url", "rating_average"),
    )
