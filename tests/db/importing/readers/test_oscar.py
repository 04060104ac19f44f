from decimal import Decimal
from pathlib import Path

import pytest

from db.importing.readers import open_feed
from db.importing.readers.oscar import strip_full_stop
from db.importing.records import BookRecord, Reject
from tests.db.importing.readers.sources import (
    csv_line,
    import_error,
    read_books,
    read_one_book,
    read_records,
    write_lines,
)

SNOW_CRASH = [
    *("Book", "Books > Fiction > Computers in Literature", "9780553380958", "Snow Crash", "A hip   novel."),
    *("Book partner", "SKU-1", "17.99", "51"),
]


def snow_crash_line(**cells: str) -> str:
    names = ("type", "category", "isbn", "title", "description", "partner", "sku", "price", "stock")
    return csv_line([cells.get(name, cell) for name, cell in zip(names, SNOW_CRASH, strict=True)])


async def test_a_row_becomes_a_book_priced_in_pounds(tmp_path: Path):
    source = write_lines(tmp_path / "list.csv", snow_crash_line())

    book = BookRecord(
        row=1,
        source_id="SKU-1",
        title="Snow Crash",
        isbn="9780553380958",
        description="A hip novel.",
        price=Decimal("17.99"),
        currency="GBP",
        stock=51,
        categories=(("Books", "Fiction", "Computers in Literature"),),
    )
    assert await read_one_book("oscar", source) == book
    assert (await read_one_book("oscar", source, currency="EUR")).currency == "EUR"


async def test_all_lists_of_a_folder_are_read_in_the_order_of_their_names(tmp_path: Path):
    write_lines(tmp_path / "b.csv", snow_crash_line(sku="2"), snow_crash_line(sku="3"))
    write_lines(tmp_path / "a.csv", snow_crash_line(sku="1"))
    write_lines(tmp_path / "LICENSE", "not a list")
    feed = await open_feed("oscar", [tmp_path])

    found = [record async for batch in feed.batches for record in batch]

    assert [(record.row, feed.row_label(record.row)) for record in found] == [
        *((1, "a.csv line 1"), (2, "b.csv line 1"), (3, "b.csv line 2")),
    ]


async def test_entities_are_resolved_and_broken_markup_stays_text(tmp_path: Path):
    description = "... <id>urn:isbn:1</id><updated>2010</  updated> #include &lt;setjmp.h&gt;"
    source = write_lines(
        tmp_path / "list.csv", snow_crash_line(title="Hackers &amp; painters", description=description)
    )

    book = await read_one_book("oscar", source)

    assert book.title == "Hackers & painters"
    assert book.description == "... <id>urn:isbn:1</id><updated>2010</ updated> #include <setjmp.h>"


@pytest.mark.parametrize(
    ("text", "title"),
    [
        *(("Neuromancer.", "Neuromancer"), ("R.U.R.", "R.U.R."), ("Wait...", "Wait..."), ("", "")),
        *(("Galatea 2.2", "Galatea 2.2"), ("Smith & Co.", "Smith & Co.")),
    ],
)
def test_the_full_stop_of_a_title_is_removed_but_not_that_of_an_abbreviation(text: str, title: str):
    assert strip_full_stop(text) == title


async def test_bad_rows_are_rejected(tmp_path: Path):
    source = write_lines(
        tmp_path / "list.csv",
        snow_crash_line(),
        snow_crash_line(type="Mug"),
        snow_crash_line(isbn="9780553380950"),
        snow_crash_line(category="Books >"),
        snow_crash_line(price="high"),
        "Book,cut",
    )

    found = await read_records("oscar", source)

    assert [record.row for record in found if isinstance(record, BookRecord)] == [1, 3, 5]
    assert [record for record in found if isinstance(record, Reject)] == [
        Reject(2, "type", "Mug", "not a book"),
        Reject(
            3,
            "isbn",
            "9780553380950",
            "the check digit is wrong; copy the ISBN of the book again; imported without it",
            "field",
        ),
        Reject(4, "categories", "Books > ", "a level has no name; write it, or leave out its >"),
        Reject(
            5,
            "price",
            "high",
            "not a price such as 12.50, 12,50 € or USD 1,234.50; imported without it",
            "field",
        ),
        Reject(6, "row", "Book,cut", "2 cells, not 9"),
    ]


async def test_a_file_that_is_not_a_price_list_is_rejected(tmp_path: Path):
    source = write_lines(tmp_path / "list.csv", "isbn,title", "1,x")
    folder = tmp_path / "empty"
    folder.mkdir()

    assert await import_error("oscar", source) == (
        f"{source}: its first row has 2 cells, not 9: "
        "type, category, ISBN, title, description, partner, SKU, price, stock."
    )
    assert await import_error("oscar", folder) == (
        f"{folder}: contains no csv file; give the folder of the price lists."
    )


async def test_a_book_on_two_lists_is_yielded_twice(tmp_path: Path):
    source = write_lines(tmp_path / "list.csv", snow_crash_line(price="17.99"), snow_crash_line(price="7.99"))

    assert [(book.row, book.source_id, book.price) for book in await read_books("oscar", source)] == [
        *((1, "SKU-1", Decimal("17.99")), (2, "SKU-1", Decimal("7.99"))),
    ]
