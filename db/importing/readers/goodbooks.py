"""Read the goodbooks format: books.csv of goodbooks-10k, popular books with their ratings.

The source id is the Goodreads id of the book. The column `book_id` is only the rank in this list, which may
change with the next list. Rows have no categories, prices or descriptions. Every person has the role author:
the list does not distinguish illustrators and translators.
"""

from collections.abc import Sequence
from pathlib import Path

from db.constraints import MAX_NAME_LENGTH
from db.importing import field_parsers
from db.importing.field_parsers import FieldError
from db.importing.field_parsers.sort_names import is_suffix
from db.importing.readers.csv_tables import Cells, read_table_rows, require_columns
from db.importing.readers.feed import Feed, RecordStream, batch_records
from db.importing.readers.files import BytesRead, RowLocator, require_files, require_folder_files, total_bytes
from db.importing.readers.flat import CellStyle, FlatRecordParser
from db.importing.readers.flat_fields import fields_of_columns
from db.importing.readers.formats import FeedOptions, Format
from db.importing.readers.isbn_pairs import ISBN_10
from db.importing.records import AuthorRecord, Reject

_BOOKS_FILE = "books.csv"

COLUMNS = (
    *("goodreads_book_id", "work_id", "isbn", "isbn13", "authors", "original_publication_year", "title"),
    *("language_code", "average_rating", "ratings_count", "image_url"),
)

_FLAT_FIELDS = (
    *("source_id", "isbn", "title", "subtitle", "series", "series_position", "published", "language"),
    *("cover_url", "rating_average", "rating_count", "work"),
    ISBN_10,
)


def open_goodbooks(sources: Sequence[Path | str], _options: FeedOptions) -> Feed:
    """Open a feed of books.csv, given as a file or by its folder."""
    if len(sources) == 1 and Path(sources[0]).is_file():
        paths = require_files(sources)
    else:
        paths = require_folder_files(sources, (_BOOKS_FILE,))
    require_columns(paths[0], COLUMNS)
    bytes_read = BytesRead()
    return Feed(
        source="goodbooks",
        batches=batch_records(_read_books(paths[0], bytes_read)),
        total=total_bytes(paths),
        unit="bytes",
        completed=bytes_read.count,
        row_label=RowLocator(unit="line").label,
        fields=fields_of_columns((*_FLAT_FIELDS, "authors")),
    )


FORMAT = Format("goodbooks", open_goodbooks, "books.csv of goodbooks-10k, or its folder")


def _read_books(path: Path, bytes_read: BytesRead) -> RecordStream:
    parser = FlatRecordParser(_FLAT_FIELDS, CellStyle(literal=True))
    for row, cells in read_table_rows(path, COLUMNS, bytes_read):
        if cells is None:
            yield Reject(row, "row", "", "the number of cells differs from the number of headings")
        else:
            yield from _parse_book(row, cells, parser)


def _parse_book(row: int, cells: Cells, parser: FlatRecordParser) -> RecordStream:
    key, work, isbn10, isbn13, people, year, full_title, language, average, count, image = cells
    title, subtitle = split_title_and_series(full_title)
    try:
        authors = parse_authors_cell(people)
    except FieldError as error:
        yield Reject(row, error.field, error.value, error.reason)
        return
    if "/nophoto/" in image:
        image = ""
    series = field_parsers.find_numbered_series(subtitle)
    flat_cells = (key, isbn13, title, subtitle, *series, year, language, image, average, count, work, isbn10)
    yield from parser.parse(row, flat_cells, authors, ())


def split_title_and_series(text: str) -> tuple[str, str]:
    """Split off the series, which is in parentheses after the title: "The Hunger Games, #1".

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


def parse_authors_cell(cell: str) -> tuple[AuthorRecord, ...]:
    """Parse a cell such as "J.K. Rowling, Mary GrandPré". Return each person once, with the sort name."""
    names: list[str] = []
    for part in (part.strip() for part in cell.split(",")):
        if names and is_suffix(part):
            names[-1] = f"{names[-1]}, {part}"
        elif part:
            names.append(part)
    return field_parsers.deduplicate_authors([_build_author(name) for name in names])


def _build_author(text: str) -> AuthorRecord:
    name = field_parsers.parse_single_line("authors", text, MAX_NAME_LENGTH)
    # A comma separates a suffix, as in "Martin Luther King, Jr.".
    return AuthorRecord(name, sort_name=field_parsers.derive_sort_name(name.replace(",", "")))
