"""Reads the goodbooks format: books.csv of goodbooks-10k, popular books with their ratings.

The source id is the book's number at Goodreads; `book_id` is only its rank in this list, which the
next list may give to another book. Rows have no categories, prices or descriptions. Everybody's role
is author, illustrators and translators included: the list does not tell them apart.
"""

from collections.abc import Sequence
from pathlib import Path

from db.importing import fields
from db.importing.fields import FieldError
from db.importing.readers.delivery import Delivery, Rows, in_batches
from db.importing.readers.files import Progress, existing_files, folder_files, total_bytes
from db.importing.readers.flat import FlatRecords
from db.importing.readers.tables import Cells, check_columns, table_rows
from db.importing.records import AuthorRecord, Reject

FILE = "books.csv"

COLUMNS = (
    *("goodreads_book_id", "isbn", "isbn13", "authors", "original_publication_year", "title"),
    *("language_code", "average_rating", "ratings_count", "image_url"),
)

# Parts of the author cell that belong to the name before them.
_SUFFIXES = frozenset(("jr", "sr", "ii", "iii", "iv", "md", "phd", "esq"))


def open_goodbooks(sources: Sequence[Path | str]) -> Delivery:
    """The rows of books.csv, named itself or by its folder."""
    if len(sources) == 1 and Path(sources[0]).is_file():
        paths = existing_files(sources)
    else:
        paths = folder_files(sources, (FILE,))
    check_columns(paths[0], COLUMNS)
    progress = Progress()
    return Delivery(
        source="goodbooks",
        batches=in_batches(_books(paths[0], progress)),
        total=total_bytes(paths),
        unit="bytes",
        position=progress.position,
    )


def _books(path: Path, progress: Progress) -> Rows:
    records = FlatRecords()
    for row, cells in table_rows(path, COLUMNS, progress):
        if cells is None:
            yield Reject(row, "row", "", "not as many cells as there are headings")
        else:
            yield from _book(row, cells, records)


def _book(row: int, cells: Cells, records: FlatRecords) -> Rows:
    key, isbn10, isbn13, people, year, full_title, language, average, count, image = cells
    title, series = title_and_series(full_title)
    try:
        authors = authors_cell(people)
    except FieldError as error:
        yield Reject(row, error.field, error.value, error.reason)
        return
    isbn = ""
    try:
        isbn = real_isbn(isbn10, isbn13)
    except FieldError as error:
        yield Reject(row, error.field, error.value, f"{error.reason}; imported without it", "field")
    if "/nophoto/" in image:
        image = ""
    texts = (key, isbn, title, series, "", "", "", "", year, "", language, "", image, "", average, count)
    yield records.record(row, texts, authors, ())


def real_isbn(isbn10: str, isbn13: str) -> str:
    """The ISBN-13 of a row, "" if it has none.

    The ISBN-10 has lost its leading zeros, the ISBN-13 most often its last digits (9.78043902348e+12).
    Where the latter is whole it counts if the former is missing or wrong.
    """
    given = isbn10.strip() or isbn13.strip()
    try:
        return fields.isbn13(given) if given else ""
    except FieldError:
        whole = isbn13.strip().removesuffix(".0")
        if len(whole) == 13 and whole.isdecimal():
            return fields.isbn13(whole)
        raise


def title_and_series(text: str) -> tuple[str, str]:
    """The title without the series behind it, and the series: "The Hunger Games, #1".

    Parentheses without a "#" belong to the title: "Is Everyone Hanging Out Without Me? (And Other Concerns)".
    """
    title = text.strip()
    depth = 0
    for at in range(len(title) - 1, 0, -1):
        depth += {")": 1, "(": -1}.get(title[at], 0)
        if depth == 0:
            break
    else:
        return title, ""
    series = title[at + 1 : -1]
    return (title[:at].rstrip(), series) if "#" in series else (title, "")


def authors_cell(cell: str) -> tuple[AuthorRecord, ...]:
    """The people of a cell such as "J.K. Rowling, Mary GrandPré", each once."""
    names: list[str] = []
    for part in (part.strip() for part in cell.split(",")):
        if names and part.lower().replace(".", "") in _SUFFIXES:
            names[-1] = f"{names[-1]}, {part}"
        elif part:
            names.append(part)
    return fields.distinct_authors(
        [AuthorRecord(fields.line("authors", name, fields.NAME_LENGTH)) for name in names]
    )
