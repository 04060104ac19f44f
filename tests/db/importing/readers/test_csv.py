import csv
import io
import unicodedata
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db.importing.readers import open_feed
from db.importing.readers.flat import FLAT_FIELDS
from db.importing.records import AuthorRecord, BookRecord, Reject
from tests.db.importing.readers.sources import (
    csv_line,
    import_error,
    read_books,
    read_one_book,
    read_records,
    write_lines,
)


async def test_a_row_with_every_field_becomes_a_book(tmp_path: Path):
    cells = {
        "source_id": " b-1 ",
        "isbn": "0-13-110362-8",
        "title": "The  C Programming Language",
        "subtitle": "Second edition",
        "authors": "Brian Kernighan; Dennis Ritchie ; Jane Doe (translator);",
        "categories": "Computing > Languages > C; Textbooks;Computing>Languages>C",
        "price": "49.90",
        "currency": "eur",
        "published": "1988-04-01",
        "pages": "272",
        "language": "eng",
        "description": " Line one.\nLine two. ",
        "cover_url": "https://covers.example/c.jpg",
        "stock": "12",
        "rating_average": "4.425",
        "rating_count": "1000",
    }
    source = write_lines(
        tmp_path / "books.csv", ",".join(FLAT_FIELDS), csv_line([cells[field] for field in FLAT_FIELDS])
    )

    assert await read_one_book("csv", source) == BookRecord(
        row=1,
        source_id="b-1",
        isbn="9780131103627",
        title="The C Programming Language",
        subtitle="Second edition",
        authors=(
            AuthorRecord("Brian Kernighan"),
            AuthorRecord("Dennis Ritchie"),
            AuthorRecord("Jane Doe", "TRANSLATOR"),
        ),
        categories=(("Computing", "Languages", "C"), ("Textbooks",)),
        price=Decimal("49.90"),
        currency="EUR",
        published_year=1988,
        published_on=date(1988, 4, 1),
        page_count=272,
        language="en",
        description="Line one.\nLine two.",
        cover_url="https://covers.example/c.jpg",
        stock=12,
        rating_average=Decimal("4.43"),
        rating_count=1000,
    )


async def test_a_title_and_an_isbn_are_enough(tmp_path: Path):
    source = write_lines(tmp_path / "books.csv", "isbn,title", "9780131103627,C")

    assert await read_one_book("csv", source) == BookRecord(1, "9780131103627", "C", isbn="9780131103627")


async def test_each_bad_row_is_rejected_with_its_number_field_and_reason(tmp_path: Path):
    source = write_lines(
        tmp_path / "books.csv",
        "source_id,title,pages,isbn",
        "1,Good,10,",
        "2,,10,",
        "3,Bad pages,none,",
        "",
        ",No identity,1,",
        "5,Too many,1,,x",
        "6,Too few",
        "7,Trailing comma,1,,",
        "8,Bad ISBN,1,9780131103620",
    )

    found = await read_records("csv", source)

    assert found == [
        BookRecord(1, "1", "Good", page_count=10),
        Reject(2, "title", "", "a book needs a title"),
        Reject(3, "pages", "none", "not a whole number"),
        Reject(4, "source_id", "", "nothing identifies this book: neither source_id nor isbn"),
        Reject(5, "row", "5,Too many,1,,x", _width(5)),
        Reject(6, "row", "6,Too few", _width(2)),
        BookRecord(7, "7", "Trailing comma", page_count=1),
        Reject(8, "isbn", "9780131103620", "the check digit is wrong"),
    ]


def _width(cells: int) -> str:
    return f"{cells} cells, but 4 headings; quote cells that contain the separator"


async def test_headings_are_matched_without_case_and_in_the_singular(tmp_path: Path):
    source = write_lines(
        tmp_path / "books.csv",
        " Source ID ,TITLE,Author,category,Cover-URL,shelf mark",
        "1,Emma,Jane Austen,Fiction > Novels,https://x.example/1,X 12",
    )
    feed = await open_feed("csv", [source])

    (batch,) = [batch async for batch in feed.batches]

    assert batch == [
        BookRecord(
            1, "1", "Emma", cover_url="https://x.example/1",
            authors=(AuthorRecord("Jane Austen"),), categories=(("Fiction", "Novels"),),
        )
    ]  # fmt: skip
    assert feed.ignored_headings == ("shelf mark",)


async def test_mapped_headings_take_precedence_over_headings_of_fields(tmp_path: Path):
    source = write_lines(tmp_path / "books.csv", "Nr,Titel,title,price_usd", "1,Emma,ignored,3.50")
    mapping = {"Nr": "source_id", "Titel": "title", "price_usd": "price"}

    book = await read_one_book("csv", source, mapping=mapping, currency="USD", source="shop")

    assert book == BookRecord(1, "1", "Emma", price=Decimal("3.50"), currency="USD")


@pytest.mark.parametrize("mark", [";", "\t", "|"])
async def test_the_separator_is_detected_from_the_headings(tmp_path: Path, mark: str):
    lines = (f"source_id{mark}title{mark}price{mark}currency", f'1{mark}"Emma{mark} or"{mark}3,50{mark}EUR')

    book = await read_one_book("csv", write_lines(tmp_path / "books.csv", *lines))

    assert (book.title, book.price) == (f"Emma{mark} or".replace("\t", ""), Decimal("3.50"))


async def test_a_byte_order_mark_and_any_line_ending_are_accepted(tmp_path: Path):
    for ending in ("\r\n", "\r", "\n"):
        path = tmp_path / "books.csv"
        path.write_bytes(f"\ufeffsource_id,title{ending}1,Émile{ending}2,Zadig".encode())

        assert [book.title for book in await read_books("csv", path)] == ["Émile", "Zadig"]


async def test_rows_are_numbered_through_several_files_and_labelled_by_file(tmp_path: Path):
    first = write_lines(tmp_path / "a.csv", "source_id,title", "1,One", "2,Two")
    second = write_lines(tmp_path / "b.csv", "title,source_id", "Three,3", ",4")
    feed = await open_feed("csv", [first, second], source="shop")

    found = [record async for batch in feed.batches for record in batch]

    assert [record.row for record in found] == [1, 2, 3, 4]
    assert [feed.row_label(row) for row in (1, 2, 3, 4)] == [
        *("a.csv row 1", "a.csv row 2", "b.csv row 1", "b.csv row 2"),
    ]
    assert isinstance(found[3], Reject)
    assert feed.source == "shop"


async def test_the_progress_is_counted_in_bytes(tmp_path: Path):
    source = write_lines(
        tmp_path / "books.csv", "source_id,title", *(f"{n},Book {n}" for n in range(100_000))
    )
    feed = await open_feed("csv", [source])
    places = [feed.completed()]

    sizes: list[int] = []
    async for batch in feed.batches:
        sizes.append(len(batch))
        places.append(feed.completed())

    assert sizes == [2_000] * 50
    assert (feed.unit, feed.total) == ("bytes", source.stat().st_size)
    assert places[0] == 0
    assert places == sorted(places)
    assert feed.completed() == feed.total
    assert feed.row_label(7) == "row 7"


async def test_a_feed_that_is_closed_early_closes_its_file(tmp_path: Path):
    source = write_lines(tmp_path / "books.csv", "source_id,title", *(f"{n},Book {n}" for n in range(5_000)))
    feed = await open_feed("csv", [source])

    assert len(await anext(feed.batches)) == 2_000
    await feed.batches.aclose()

    assert [batch async for batch in feed.batches] == []


CELL = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\r\t"), max_size=30)


@settings(max_examples=50)
@given(rows=st.lists(st.tuples(CELL, CELL), min_size=1, max_size=20))
async def test_what_the_csv_module_writes_is_read_back(tmp_path: Path, rows: list[tuple[str, str]]):
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(("source_id", "title", "description"))
    writer.writerows((number, f"x{title}", description) for number, (title, description) in enumerate(rows))
    path = tmp_path / "books.csv"
    path.write_bytes(text.getvalue().encode())

    found = await read_books("csv", path)

    assert [(book.row, book.source_id) for book in found] == [(n + 1, str(n)) for n in range(len(rows))]
    assert ["".join(book.title.split()) for book in found] == [
        "".join(_composed(f"x{title}").split()) for title, _ in rows
    ]


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", " ".join(text.split()))


async def test_a_quote_left_open_is_one_clear_error(tmp_path: Path):
    source = write_lines(tmp_path / "b.csv", "source_id,title", "1,Good", '2,"Open', "3,Next", "4,Next")

    assert await import_error("csv", source) == (
        f"{source}: malformed CSV in the row that begins in line 3 (unexpected end of data);"
        ' close every quote, and double ("") quotes inside of a quoted cell.'
    )


async def test_a_quote_that_is_not_doubled_is_one_clear_error(tmp_path: Path):
    source = write_lines(tmp_path / "b.csv", "source_id,title", "1,Good", '2,"The "Best" of"')

    assert (await import_error("csv", source)).startswith(
        f"{source}: malformed CSV in the row that begins in line 3 (',' expected after '\"');"
    )


async def test_a_nul_byte_is_one_clear_error(tmp_path: Path):
    source = write_lines(tmp_path / "b.csv", "source_id,title", "1,Good", "2,B\0d")

    assert await import_error("csv", source) == (
        f"{source}: line 3 contains a NUL byte, so the file is not text; export it again."
    )


async def test_the_error_for_a_missing_title_lists_the_headings(tmp_path: Path):
    source = write_lines(tmp_path / "b.csv", "nr,titel,", "1,Emma,")

    assert await import_error("csv", source) == (
        f"{source}: there is no column for the title; its headings are: nr, titel, (blank)."
        " Name it with --map COLUMN=title."
    )


async def test_a_missing_identity_is_an_error(tmp_path: Path):
    source = write_lines(tmp_path / "b.csv", "nr,title", "1,Emma")

    assert await import_error("csv", source) == (
        f"{source}: there is no column for source_id or isbn; its headings are: nr, title."
        " Name one with --map COLUMN=source_id or --map COLUMN=isbn."
    )


async def test_prices_without_a_currency_are_rejected_before_a_row_is_read(tmp_path: Path):
    source = write_lines(tmp_path / "b.csv", "isbn,title,price", "9780131103627,C,5")

    assert await import_error("csv", source) == (
        f"{source}: prices without a currency; name its column with --map COLUMN=currency,"
        " or give one for all with --currency EUR."
    )
    assert (await read_one_book("csv", source, currency="USD")).currency == "USD"


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"titel": "titel"}, "--map titel=titel: there is no field titel; the fields are: source_id, isbn, "),
        (
            {"name": "title"},
            "{}: --map name=title: there is no column name; its headings are: nr, titel, title.",
        ),
        ({"nr": "title", "titel": "title"}, "{}: --map gives two columns for title; give one."),
    ],
)
async def test_a_mapping_of_an_unknown_column_or_field_is_rejected(
    tmp_path: Path, mapping: dict[str, str], message: str
):
    source = write_lines(tmp_path / "b.csv", "nr,titel,title", "1,Emma,Emma")

    assert (await import_error("csv", source, mapping=mapping)).startswith(message.format(source))


async def test_two_columns_for_one_field_are_rejected(tmp_path: Path):
    source = write_lines(tmp_path / "b.csv", "source_id,title,Title", "1,Emma,Emma")

    assert await import_error("csv", source) == (
        f"{source}: two columns are headed title; rename one with --map COLUMN=title."
    )
