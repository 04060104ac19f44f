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
from db.importing.records import AuthorRecord, BookRecord, Reject
from tests.db.importing.readers.sources import (
    csv_line,
    import_error,
    read_books,
    read_one_book,
    read_records,
    write_lines,
)


async def test_a_row_with_many_fields_becomes_a_book(tmp_path: Path):
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
    source = write_lines(tmp_path / "books.csv", ",".join(cells), csv_line(list(cells.values())))

    assert await read_one_book("csv", source) == BookRecord(
        row=2,
        source_id="b-1",
        isbn="9780131103627",
        title="The C Programming Language",
        subtitle="Second edition",
        authors=(
            AuthorRecord("Brian Kernighan", sort_name="Kernighan, Brian"),
            AuthorRecord("Dennis Ritchie", sort_name="Ritchie, Dennis"),
            AuthorRecord("Jane Doe", "TRANSLATOR", sort_name="Doe, Jane"),
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

    assert await read_one_book("csv", source) == BookRecord(2, "9780131103627", "C", isbn="9780131103627")


async def test_a_bad_value_costs_the_value_and_a_bad_row_the_row(tmp_path: Path):
    source = write_lines(
        tmp_path / "books.csv",
        "source_id,title,pages,isbn",
        "1,Good,10,",
        "2,,10,",
        "3,Bad pages,none at all,",
        "",
        ",No identity,1,",
        "5,Too many,1,,x",
        "6,Too few",
        "7,Trailing comma,1,,",
        ",,,",
        "8,Bad ISBN,1,9780131103620",
        ",Bad key,1,9780131103620",
    )

    found = await read_records("csv", source)

    assert found == [
        BookRecord(2, "1", "Good", page_count=10),
        BookRecord(3, "2", None, page_count=10),
        BookRecord(4, "3", "Bad pages"),
        Reject(4, "pages", "none at all", "not a whole number such as 320; imported without it", "field"),
        Reject(
            6,
            "source_id",
            "",
            "nothing identifies this book: neither source_id nor isbn; write one of them",
            title="No identity",
        ),
        Reject(
            7, "row", "5,Too many,1,,x", "5 cells, but 4 headings; quote cells that contain the separator"
        ),
        Reject(8, "row", "6,Too few", "2 cells, but 4 headings; the end of the row is missing"),
        BookRecord(9, "7", "Trailing comma", page_count=1),
        BookRecord(11, "8", "Bad ISBN", page_count=1),
        Reject(
            11,
            "isbn",
            "9780131103620",
            "the check digit is wrong; copy the ISBN of the book again; imported without it",
            "field",
        ),
        Reject(
            12,
            "isbn",
            "9780131103620",
            "the check digit is wrong; copy the ISBN of the book again",
            title="Bad key",
        ),
    ]


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
            2, "1", "Emma", cover_url="https://x.example/1",
            authors=(AuthorRecord("Jane Austen", sort_name="Austen, Jane"),), categories=(("Fiction", "Novels"),),
        )
    ]  # fmt: skip
    assert feed.ignored_headings == ("shelf mark",)


async def test_mapped_headings_take_precedence_over_headings_of_fields(tmp_path: Path):
    source = write_lines(tmp_path / "books.csv", "Nr,Titel,title,price_usd", "1,Emma,ignored,3.50")
    mapping = {"Nr": "source_id", "Titel": "title", "price_usd": "price"}

    book = await read_one_book("csv", source, mapping=mapping, currency="USD", source="shop")

    assert book == BookRecord(2, "1", "Emma", price=Decimal("3.50"), currency="USD")


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
    second = write_lines(tmp_path / "b.csv", "title,source_id", "Three,3", "Four,")
    feed = await open_feed("csv", [first, second], source="shop")

    found = [record async for batch in feed.batches for record in batch]

    assert [record.row for record in found] == [2, 3, 5, 6]
    assert [feed.row_label(row) for row in (2, 3, 5, 6)] == [
        *("a.csv line 2", "a.csv line 3", "b.csv line 2", "b.csv line 3"),
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
    assert feed.row_label(7) == "line 7"


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

    assert [book.source_id for book in found] == [str(number) for number in range(len(rows))]
    assert [book.row for book in found] == _first_lines(text.getvalue())
    assert ["".join((book.title or "").split()) for book in found] == [
        "".join(_composed(f"x{title}").split()) for title, _ in rows
    ]


def _first_lines(text: str) -> list[int]:
    """Return the numbers of the lines in which the rows begin, those of the headings left out."""
    reader = csv.reader(io.StringIO(text, newline=""))
    ends = [reader.line_num for _ in reader]
    return [end + 1 for end in ends[:-1]]


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", " ".join(text.split()))


async def test_a_malformed_row_is_rejected_and_reading_goes_on_in_the_next_line(tmp_path: Path):
    source = write_lines(
        tmp_path / "b.csv",
        "source_id,title",
        "1,Good",
        '2,"The "Best" of"',
        '3,"Open',
        "4,Next",
        '5,"Two',
        'lines"',
        '6,"Open at the end',
        "7,Last",
    )

    found = await read_records("csv", source)

    advice = 'close every quote, and double ("") quotes inside of a quoted cell'
    unexpected = f"malformed CSV (',' expected after '\"'); {advice}"
    assert found == [
        BookRecord(2, "1", "Good"),
        Reject(3, "row", '2,"The "Best" of"', unexpected),
        Reject(4, "row", '3,"Open', unexpected),
        BookRecord(5, "4", "Next"),
        BookRecord(6, "5", "Two lines"),
        Reject(8, "row", '6,"Open at the end', f"malformed CSV (unexpected end of data); {advice}"),
        BookRecord(9, "7", "Last"),
    ]


async def test_a_nul_byte_is_one_clear_error(tmp_path: Path):
    source = write_lines(tmp_path / "b.csv", "source_id,title", "1,Good", "2,B\0d")

    assert await import_error("csv", source) == (
        f"{source}: line 3 contains a NUL byte, so the file is not text; export it again."
    )


async def test_the_fields_of_a_feed_are_those_that_its_columns_fill(tmp_path: Path):
    first = write_lines(tmp_path / "a.csv", "isbn,price,published,shelf", "9780131103627,3,1978,A")
    second = write_lines(tmp_path / "b.csv", "isbn,author,currency", "9780131103627,Ann,EUR")

    one = await open_feed("csv", [first], currency="EUR")
    both = await open_feed("csv", [first, second], currency="EUR")

    assert one.fields == {"isbn", "price", "currency", "published_year", "published_on"}
    assert both.fields == one.fields | {"authors"}
    assert one.partial_fields == frozenset()
    assert both.partial_fields == {"price", "published_year", "published_on", "currency", "authors"}
    assert one.ignored_headings == ("shelf",)


async def test_the_error_for_a_missing_key_lists_the_headings(tmp_path: Path):
    source = write_lines(tmp_path / "b.csv", "shelf,titel,", "1,Emma,")

    assert await import_error("csv", source) == (
        f"{source}: there is no column for source_id or isbn; its headings are: shelf, titel, (blank)."
        " Name one with --map COLUMN=source_id or --map COLUMN=isbn, or make a key of columns with --key COLUMN."
    )


async def test_a_missing_identity_is_an_error(tmp_path: Path):
    source = write_lines(tmp_path / "b.csv", "shelf,title", "1,Emma")

    assert await import_error("csv", source) == (
        f"{source}: there is no column for source_id or isbn; its headings are: shelf, title."
        " Name one with --map COLUMN=source_id or --map COLUMN=isbn, or make a key of columns with --key COLUMN."
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
        f"{source}: two columns are headed title; name one by its number, for example --map 2=title."
    )


async def test_rows_with_damaged_letters_are_counted(tmp_path: Path):
    titles = ("Caf\ufffd", "CafÃ© au lait", "Itâ€™s", "SÃO PAULO", "Café – ‘Âme’", "Plain")
    lines = (f"{number},{title}" for number, title in enumerate(titles))
    feed = await open_feed("csv", [write_lines(tmp_path / "b.csv", "source_id,title", *lines)])

    found = [record async for batch in feed.batches for record in batch]

    assert [book.title for book in found if isinstance(book, BookRecord)] == list(titles)
    assert feed.notes.counts == {("row", "damaged"): 3}
