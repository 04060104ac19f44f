"""A file with two ISBNs of a book: the ISBN-13 counts, and the ISBN-10 where it is missing or invalid."""

from pathlib import Path

import orjson
import pytest

from db.importing.readers import ReadingOptions, open_feed
from db.importing.records import BookRecord, Reject
from tests.db.importing.readers.sources import csv_line, import_error, read_records, write_lines

ISBN_13, ISBN_10 = "9780306406157", "0306406152"
OTHER_13 = "9780141439518"
BAD_13, BAD_10 = "9780306406158", "0306406153"
ROUNDED = "9.78031E+12"
WRONG = "the check digit is wrong; copy the ISBN of the book again"

PAIRS = pytest.mark.parametrize(
    ("isbn_13", "isbn_10", "isbn", "rejects"),
    [
        (ISBN_13, ISBN_10, ISBN_13, []),
        (ISBN_13, "", ISBN_13, []),
        (ISBN_13, "n/a", ISBN_13, []),
        ("", ISBN_10, ISBN_13, []),
        ("n/a", ISBN_10, ISBN_13, []),
        ("", "", None, []),
        (ROUNDED, "306406152", ISBN_13, []),
        (BAD_13, ISBN_10, ISBN_13, [(BAD_13, f"{WRONG}; imported with {ISBN_13}")]),
        (ISBN_13, BAD_10, ISBN_13, [(BAD_10, f"{WRONG}; imported with {ISBN_13}")]),
        (
            OTHER_13,
            ISBN_10,
            OTHER_13,
            [(ISBN_10, f"another book's than the ISBN-13 of this row; imported with {OTHER_13}")],
        ),
        (
            BAD_13,
            BAD_10,
            None,
            [(BAD_13, f"{WRONG}; imported without it"), (BAD_10, f"{WRONG}; imported without it")],
        ),
        (ROUNDED, BAD_10, None, [(BAD_10, f"{WRONG}; imported without it")]),
        ("", BAD_10, None, [(BAD_10, f"{WRONG}; imported without it")]),
    ],
)


def isbns_and_rejects(found: list[BookRecord | Reject]) -> tuple[str | None, list[tuple[str, str]]]:
    book, *rejects = found
    assert isinstance(book, BookRecord)
    told: list[tuple[str, str]] = []
    for reject in rejects:
        assert isinstance(reject, Reject)
        assert (reject.row, reject.field, reject.dropped) == (book.row, "isbn", "field")
        told.append((reject.value, reject.reason))
    return book.isbn, told


@PAIRS
@pytest.mark.parametrize("headings", ["isbn13,isbn", "ISBN,ISBN 10", "ISBN-13,ISBN-10"])
async def test_two_columns(
    tmp_path: Path,
    headings: str,
    isbn_13: str,
    isbn_10: str,
    isbn: str | None,
    rejects: list[tuple[str, str]],
):
    path = write_lines(
        tmp_path / "b.csv", f"{headings},title,source_id", csv_line([isbn_13, isbn_10, "A", "1"])
    )

    assert isbns_and_rejects(await read_records("csv", path)) == (isbn, rejects)


@PAIRS
async def test_two_keys_of_an_object(
    tmp_path: Path, isbn_13: str, isbn_10: str, isbn: str | None, rejects: list[tuple[str, str]]
):
    record = {"source_id": "1", "title": "A", "isbn": isbn_10, "isbn13": isbn_13}
    path = write_lines(tmp_path / "b.jsonl", orjson.dumps(record).decode())

    assert isbns_and_rejects(await read_records("jsonl", path)) == (isbn, rejects)


async def test_an_object_may_have_one_of_the_keys(tmp_path: Path):
    path = write_lines(
        tmp_path / "b.jsonl",
        *(orjson.dumps({"title": "A", key: value}).decode() for key, value in
          (("isbn13", ISBN_13), ("isbn", ISBN_10), ("source_id", "3"))),
    )  # fmt: skip

    found = await read_records("jsonl", path)

    assert [(book.isbn, book.absent) for book in found if isinstance(book, BookRecord)] == [
        (ISBN_13, ()),
        (ISBN_13, ()),
        (None, ("isbn",)),
    ]


async def test_without_a_key_a_row_needs_one_valid_isbn(tmp_path: Path):
    path = write_lines(
        tmp_path / "b.csv", "isbn,isbn13,title", f"{ISBN_10},{BAD_13},A", f"{BAD_10},{BAD_13},B"
    )

    book, dropped, rejected = await read_records("csv", path)

    assert isinstance(book, BookRecord)
    assert (book.source_id, book.isbn) == (ISBN_13, ISBN_13)
    assert dropped == Reject(2, "isbn", BAD_13, f"{WRONG}; imported with {ISBN_13}", "field")
    assert rejected == Reject(3, "isbn", BAD_13, WRONG, title="B")


async def test_both_columns_are_named_as_read_unless_an_option_chooses_one(tmp_path: Path):
    path = write_lines(tmp_path / "b.csv", "ISBN,ISBN13,title", f"{ISBN_10},{OTHER_13},A")

    feed = await open_feed("csv", [path])
    await feed.batches.aclose()
    mapped, *no_rejects = await read_records("csv", path, mapping={"ISBN": "isbn"})
    (ignored,) = await read_records("csv", path, reading=ReadingOptions(ignore=("ISBN13",)))

    assert feed.columns == (("ISBN", "isbn"), ("ISBN13", "isbn"), ("title", "title"))
    assert feed.ignored_headings == ()
    assert no_rejects == []
    assert isinstance(mapped, BookRecord)
    assert isinstance(ignored, BookRecord)
    assert mapped.isbn == ignored.isbn == ISBN_13


async def test_two_columns_of_the_same_name_are_ambiguous(tmp_path: Path):
    path = write_lines(tmp_path / "b.csv", "isbn13,isbn,isbn,title", f"{ISBN_13},{ISBN_10},,A")

    assert await import_error("csv", path) == (
        f"{path}: two columns are headed isbn; name one by its number, for example --map 2=isbn."
    )
