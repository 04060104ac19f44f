from decimal import Decimal
from pathlib import Path

import pytest

from db.importing.readers.goodbooks import COLUMNS, parse_authors_cell, split_title_and_series
from db.importing.records import AuthorRecord, BookRecord, Reject
from tests.db.importing.readers.sources import (
    import_error,
    read_one_book,
    read_records,
    write_lines,
    write_table,
)

HUNGER_GAMES = {
    "book_id": "1",
    "goodreads_book_id": "2767052",
    "work_id": "2792775",
    "isbn": "439023483",
    "isbn13": "9.78043902348e+12",
    "authors": "Suzanne Collins",
    "original_publication_year": "2008.0",
    "title": "The Hunger Games (The Hunger Games, #1)",
    "language_code": "eng",
    "average_rating": "4.34",
    "ratings_count": "4780653",
    "image_url": "https://images.example/2767052.jpg",
}


async def test_a_row_becomes_a_book_keyed_by_its_number_at_goodreads(tmp_path: Path):
    write_table(tmp_path / "books.csv", HUNGER_GAMES)

    book = BookRecord(
        row=2,
        source_id="2767052",
        title="The Hunger Games",
        subtitle="The Hunger Games, #1",
        series="The Hunger Games",
        series_position="1",
        isbn="9780439023481",
        language="en",
        published_year=2008,
        cover_url="https://images.example/2767052.jpg",
        rating_average=Decimal("4.34"),
        rating_count=4780653,
        work_key="2792775",
        authors=(AuthorRecord("Suzanne Collins", sort_name="Collins, Suzanne"),),
    )
    assert await read_one_book("goodbooks", tmp_path) == book
    assert await read_one_book("goodbooks", tmp_path / "books.csv") == book


@pytest.mark.parametrize(
    ("isbn10", "isbn13", "isbn"),
    [
        ("439023483", "9.78043902348e+12", "9780439023481"),
        ("8143676", "9.78006241409e+12", "9780008143671"),
        ("189221301X", "", "9781892213013"),
        ("", "", None),
        ("", "9780439023481.0", "9780439023481"),
    ],
)
async def test_the_isbn_10_is_read_where_the_isbn_13_is_rounded(
    tmp_path: Path, isbn10: str, isbn13: str, isbn: str | None
):
    write_table(tmp_path / "books.csv", {**HUNGER_GAMES, "isbn": isbn10, "isbn13": isbn13})

    assert (await read_one_book("goodbooks", tmp_path)).isbn == isbn


@pytest.mark.parametrize(
    ("isbn10", "isbn13", "isbn", "value", "reason"),
    [
        (
            "",
            "9.78067172365e+12",
            None,
            None,
            "a spreadsheet has rounded it: the last digits are lost; write it again, in a column of text",
        ),
        (
            "812971060",
            "9.78081297106e+12",
            None,
            "812971060",
            "the check digit is wrong; copy the ISBN of the book again",
        ),
        (
            "812971060",
            "9780812971064.0",
            "9780812971064",
            "812971060",
            "the check digit is wrong; copy the ISBN of the book again",
        ),
    ],
)
async def test_a_book_with_a_bad_isbn_is_imported_without_it(
    tmp_path: Path, isbn10: str, isbn13: str, isbn: str | None, value: str | None, reason: str
):
    write_table(tmp_path / "books.csv", {**HUNGER_GAMES, "isbn": isbn10, "isbn13": isbn13})

    book, reject = await read_records("goodbooks", tmp_path)

    reason = f"{reason}; imported {f'with {isbn}' if isbn else 'without it'}"
    assert reject == Reject(2, "isbn", value or isbn13, reason, "field")
    assert isinstance(book, BookRecord)
    assert (book.source_id, book.isbn) == ("2767052", isbn)


@pytest.mark.parametrize(
    ("text", "title", "series"),
    [
        ("Angels & Demons  (Robert Langdon, #1)", "Angels & Demons", "Robert Langdon, #1"),
        ("Ranma ½, Vol. 1 (Ranma ½ (US 2nd), #1)", "Ranma ½, Vol. 1", "Ranma ½ (US 2nd), #1"),
        ("The Princess Bride ", "The Princess Bride", ""),
        ("Is Everyone Hanging Out Without Me? (And Other Concerns)", None, ""),
        ("Saga #1", None, ""),
        ("#GIRLBOSS", None, ""),
        ("Unbalanced #1)", None, ""),
        ("(All of it, #1)", None, ""),
        ("", None, ""),
    ],
)
def test_the_series_is_split_off_the_title(text: str, title: str | None, series: str):
    assert split_title_and_series(text) == (text if title is None else title, series)


@pytest.mark.parametrize(
    ("cell", "people"),
    [
        (
            "J.K. Rowling, Mary GrandPré",
            [("J.K. Rowling", "Rowling, J.K."), ("Mary GrandPré", "GrandPré, Mary")],
        ),
        ("Louis Sachar, Louis Sachar", [("Louis Sachar", "Sachar, Louis")]),
        ("Betty  Smith", [("Betty Smith", "Smith, Betty")]),
        (
            "Martin Luther King, Jr., Coretta King",
            [("Martin Luther King, Jr.", "King, Martin Luther, Jr."), ("Coretta King", "King, Coretta")],
        ),
        ("Homer", [("Homer", None)]),
        ("", []),
    ],
)
def test_the_author_cell_is_split_at_its_commas_and_people_sort_by_surname(
    cell: str, people: list[tuple[str, str | None]]
):
    assert [(author.name, author.sort_name) for author in parse_authors_cell(cell)] == people


@pytest.mark.parametrize(
    ("column", "value", "field", "result"),
    [
        ("original_publication_year", "-750.0", "published_year", -750),
        ("original_publication_year", "", "published_year", None),
        ("language_code", "en-US", "language", "en-US"),
        ("language_code", "mul", "language", "mul"),
        ("language_code", "", "language", None),
        ("image_url", "https://s.example/assets/nophoto/book/111x148.png", "cover_url", None),
    ],
)
async def test_unusual_cells_are_parsed(
    tmp_path: Path, column: str, value: str, field: str, result: str | int | None
):
    write_table(tmp_path / "books.csv", {**HUNGER_GAMES, column: value})

    assert getattr(await read_one_book("goodbooks", tmp_path), field) == result


async def test_bad_rows_are_rejected(tmp_path: Path):
    path = write_table(
        tmp_path / "books.csv",
        {**HUNGER_GAMES, "authors": "x" * 501},
        {**HUNGER_GAMES, "average_rating": "7"},
        {**HUNGER_GAMES, "title": "x" * 2_001},
    )
    path.write_text(path.read_text() + "4,cut\n")

    found = await read_records("goodbooks", path)

    assert [record.title for record in found if isinstance(record, BookRecord)] == ["The Hunger Games", None]
    assert [record for record in found if isinstance(record, Reject)] == [
        Reject(2, "authors", "x" * 199 + "…", "501 characters; 500 are allowed"),
        Reject(3, "rating_average", "7", "not between 0 and 5; imported without it", "field"),
        Reject(
            4, "title", "x" * 199 + "…", "2,001 characters; 2,000 are allowed; imported without it", "field"
        ),
        Reject(5, "row", "", "the number of cells differs from the number of headings"),
    ]


async def test_a_file_or_folder_that_is_something_else_is_rejected(tmp_path: Path):
    folder, other = tmp_path / "empty", write_lines(tmp_path / "x.csv", "isbn,title", "1,x")
    folder.mkdir()

    assert await import_error("goodbooks", folder) == (
        f"{folder}: books.csv is missing; the folder must contain books.csv."
    )
    assert await import_error("goodbooks", other) == (
        f"{other}: the column {COLUMNS[0]} is missing; its headings are: isbn, title. Is this the right file?"
    )
