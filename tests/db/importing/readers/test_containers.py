"""Files are read as they come: packed, from standard input, as workbooks, in any dialect of CSV."""

import gzip
import io
import sys
import zipfile
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from xml.sax.saxutils import escape

import pytest

from db.importing.readers import ReadingOptions, open_feed
from db.importing.records import AuthorRecord, BookRecord, Reject
from tests.db.importing.readers.sources import import_error, read_records, write_lines

ROWS = b"source_id,title\n1,Emma\n"
EMMA = BookRecord(2, "1", "Emma")


def write_bytes(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def zipped(**files: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/").replace("_csv", ".csv"), content)
    return target.getvalue()


async def test_gzip_and_zip_are_unpacked(tmp_path: Path):
    packed = write_bytes(tmp_path / "books.csv.gz", gzip.compress(ROWS))
    archive = write_bytes(tmp_path / "books.zip", zipped(books_csv=ROWS))

    assert await read_records("csv", packed) == [EMMA]
    assert await read_records("csv", archive) == [EMMA]
    feed = await open_feed("csv", [packed])
    assert [record async for batch in feed.batches for record in batch] == [EMMA]
    assert feed.completed() == feed.total == packed.stat().st_size


async def test_an_archive_with_several_files_or_a_damaged_one_is_one_clear_error(tmp_path: Path):
    several = write_bytes(tmp_path / "several.zip", zipped(a_csv=ROWS, b_csv=ROWS))
    cut = write_bytes(tmp_path / "cut.gz", gzip.compress(ROWS * 1_000)[:-20])
    broken = write_bytes(tmp_path / "broken.zip", zipped(a_csv=ROWS)[:40])

    assert await import_error("csv", several) == (
        f"{several}: the archive holds 2 files (a.csv, b.csv), not 1; unpack it, and name the files to read."
    )
    assert (await import_error("csv", cut)).startswith(f"{cut}: the archive is damaged (")
    assert (await import_error("csv", broken)).startswith(f"{broken}: the archive is damaged (")


async def test_standard_input_is_a_file(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(ROWS)))

    assert await read_records("csv", "-") == [EMMA]


def workbook(rows: list[list[object]], sheets: int = 1) -> bytes:
    """Return the bytes of a small workbook."""
    lines: list[str] = []
    for number, cells in enumerate(rows, 1):
        written = "".join(
            _cell(f"{'ABCDEFGHIJKLMNOP'[place]}{number}", value) for place, value in enumerate(cells)
        )
        lines.append(f'<row r="{number}">{written}</row>')
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    numbers = range(1, sheets + 1)
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="rels" ContentType='
        '"application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType='
        '"application/xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" Type="{relations}/'
        'officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{relations}"><sheets>'
        + "".join(f'<sheet name="Books {n}" sheetId="{n}" r:id="rId{n}"/>' for n in numbers)
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        + "".join(
            f'<Relationship Id="rId{n}" Type="{relations}/worksheet" Target="worksheets/sheet{n}.xml"/>'
            for n in numbers
        )
        + "</Relationships>",
        **{
            f"xl/worksheets/sheet{n}.xml": f'<worksheet xmlns="{main}"><sheetData>'
            f"{''.join(lines) if n == sheets else ''}</sheetData></worksheet>"
            for n in numbers
        },
    }
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return target.getvalue()


def _cell(place: str, value: object) -> str:
    if isinstance(value, str):
        return f'<c r="{place}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    return f'<c r="{place}"><v>{value}</v></c>' if value is not None else ""


async def test_a_workbook_is_a_table(tmp_path: Path):
    content = workbook(
        [
            ["isbn", "title", "price", "published", "pages"],
            [9780306406157, "The Sea", 12.125, 1999, 320],
            [None, None, None, None, None],
            ["9780306406164", "Two", "7,90 €", "31.12.1999", None],
        ],
        sheets=2,
    )
    path = write_bytes(tmp_path / "books.xlsx", content)
    feed = await open_feed("csv", [path], currency="KWD")

    found = [record async for batch in feed.batches for record in batch]

    assert [
        (book.row, book.source_id, book.price, book.currency)
        for book in found
        if isinstance(book, BookRecord)
    ] == [
        (2, "9780306406157", Decimal("12.1250"), "KWD"),
        (4, "9780306406164", Decimal("7.90"), "EUR"),
    ]
    assert 'books.xlsx: the sheet "Books 2" of 2 sheets' in feed.notes.guesses
    assert feed.row_label(4) == "row 4"
    assert feed.completed() == feed.total


async def test_a_workbook_that_is_empty_or_damaged_or_given_to_another_format(tmp_path: Path):
    empty = write_bytes(tmp_path / "empty.xlsx", workbook([]))
    damaged = write_bytes(tmp_path / "old.xls", b"\xd0\xcf\x11\xe0" + b"x" * 100)

    assert await import_error("csv", empty) == (
        f"{empty}: the workbook has no rows; the first row must contain the headings."
    )
    assert (await import_error("csv", damaged)).startswith(f"{damaged}: the workbook cannot be read (")
    assert await import_error("jsonl", empty) == (
        f"{empty}: is a workbook of a spreadsheet; import it as csv, or save it as CSV."
    )


@pytest.mark.parametrize(
    "lines",
    [
        ("sep=;", "source_id;title", "1;Emma"),
        ('"sep=;"', "source_id;title", "1;Emma"),
        ("", "source_id;title", "1;Emma"),
        ("source_id;title;a, b, c, d", "1;Emma;"),
        ("source_id; title", '1; "Emma"'),
        ("\ufeff\ufeffsource_id,\u200btitle", "1,Emma"),
        ("source_id,title", "1,Emma", ",", ","),
    ],
)
async def test_how_a_file_is_written_is_found_out(tmp_path: Path, lines: tuple[str, ...]):
    (book,) = await read_records("csv", write_lines(tmp_path / "b.csv", *lines))

    assert isinstance(book, BookRecord)
    assert (book.source_id, book.title) == ("1", "Emma")


async def test_single_quotes_may_quote_cells(tmp_path: Path):
    path = write_lines(tmp_path / "b.csv", "'source_id','title'", "'1','Hello, \"you\"'", "'2','It''s'")
    feed = await open_feed("csv", [path])

    assert [record async for batch in feed.batches for record in batch] == [
        BookRecord(2, "1", 'Hello, "you"'),
        BookRecord(3, "2", "It's"),
    ]
    assert feed.notes.guesses == ["b.csv: ' quotes the cells"]


async def test_a_backslash_may_stand_before_quotes(tmp_path: Path):
    mysql = write_lines(
        tmp_path / "b.csv",
        "source_id,title,subtitle,description",
        r'"1","The \"Sea\", deep",\N,"C:\\new"',
        r'"2","Two",\N,\N',
    )
    doubled = write_lines(tmp_path / "c.csv", "source_id,title,subtitle", '1,"x\\",y', '2,"a ""\\"" b",')
    feed = await open_feed("csv", [mysql])

    assert [record async for batch in feed.batches for record in batch] == [
        BookRecord(2, "1", 'The "Sea", deep', description=r"C:\new"),
        BookRecord(3, "2", "Two"),
    ]
    assert feed.notes.guesses == ["b.csv: \\ stands before a quote within a cell"]
    assert await read_records("csv", doubled) == [
        BookRecord(2, "1", "x\\", "y"),
        BookRecord(3, "2", 'a "\\" b'),
    ]


async def test_a_line_that_is_too_long_is_rejected_and_not_held(tmp_path: Path):
    cells, objects = tmp_path / "b.csv", tmp_path / "b.jsonl"
    text = "x" * 16_100_000
    cells.write_text(f"source_id,title\n1,A\n2,{text}\n3,C\n")
    objects.write_text(
        f'{{"source_id": 1, "title": "A"}}\n{{"title": "{text}"}}\n{{"source_id": 3, "title": "C"}}\n'
    )

    for format_, path, first in (("csv", cells, 2), ("jsonl", objects, 1)):
        one, reject, three = await read_records(format_, path)
        assert (one, three) == (BookRecord(first, "1", "A"), BookRecord(first + 2, "3", "C"))
        assert isinstance(reject, Reject)
        assert (reject.row, reject.field, len(reject.value)) == (first + 1, "row", 200)
        assert reject.reason == "a line of more than 16,000,000 characters"


async def test_how_a_file_is_written_can_be_said(tmp_path: Path):
    banner = write_lines(tmp_path / "a.csv", "Our books, all of them, 2026", "source_id^title", "1^Emma")
    bare = write_lines(tmp_path / "b.csv", "1,Emma,Jane Doe/John Roe")
    keyless = write_lines(tmp_path / "c.csv", "title,author,published", " The  Sea,Jane Doe,1")

    assert await read_records("csv", banner, reading=ReadingOptions(delimiter="^", skip_lines=1)) == [
        BookRecord(3, "1", "Emma")
    ]
    assert await read_records(
        "csv",
        bare,
        mapping={"1": "source_id", "2": "title", "3": "authors"},
        reading=ReadingOptions(header=False, author_separator="/"),
    ) == [
        BookRecord(
            1,
            "1",
            "Emma",
            authors=(
                AuthorRecord("Jane Doe", sort_name="Doe, Jane"),
                AuthorRecord("John Roe", sort_name="Roe, John"),
            ),
        )
    ]
    assert await read_records(
        "csv", keyless, reading=ReadingOptions(key=("title", "author"), ignore=("published",))
    ) == [
        BookRecord(
            2,
            "the sea | jane doe",
            "The  Sea".replace("  ", " "),
            authors=(AuthorRecord("Jane Doe", sort_name="Doe, Jane"),),
        )
    ]
    assert await import_error("csv", keyless, reading=ReadingOptions(key=("name",))) == (
        f"{keyless}: --key name: there is no column name; its headings are: title, author, published."
    )


async def test_the_decimal_mark_is_taken_from_the_column_or_an_option(tmp_path: Path):
    by_column = write_lines(
        tmp_path / "a.csv", "isbn;title;price", "9780306406157;A;12,50", "9780306406164;B;1.250"
    )
    unknown = write_lines(tmp_path / "b.csv", "isbn;title;price", "9780306406164;B;1.250")

    feed = await open_feed("csv", [by_column], currency="EUR")
    found = [record async for batch in feed.batches for record in batch]
    refused, reject = await read_records("csv", unknown, currency="EUR")
    (said,) = await read_records("csv", unknown, currency="EUR", reading=ReadingOptions(decimal_mark="."))

    assert [book.price for book in found if isinstance(book, BookRecord)] == [Decimal("12.50"), Decimal(1250)]
    assert feed.notes.guesses == [
        'a.csv: ";" separates the cells; --delimiter says otherwise',
        "prices have a decimal comma; --decimal-point says otherwise",
    ]
    assert isinstance(refused, BookRecord)
    assert refused.price is None
    assert isinstance(said, BookRecord)
    assert said.price == Decimal("1.250")
    assert getattr(reject, "reason", "") == (
        "1250 or 1.250? say --decimal-comma or --decimal-point, or write 1250.00; imported without it"
    )


async def test_short_numbers_are_isbns_only_among_isbns(tmp_path: Path):
    shop = write_lines(
        tmp_path / "a.csv", "source_id,isbn,title", "1,8143676,A", "2,8143677,B", "3,1234567,C"
    )
    books = write_lines(tmp_path / "b.csv", "source_id,isbn,title", "1,8143676,A", "2,9780306406157,B")

    numbers = await read_records("csv", shop)
    restored = await read_records("csv", books)

    assert [book.isbn for book in numbers if isinstance(book, BookRecord)] == [None, None, None]
    assert [book.isbn for book in restored if isinstance(book, BookRecord)] == [
        "9780008143671",
        "9780306406157",
    ]
