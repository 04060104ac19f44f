"""Read the oscar format: the price lists of django-oscar's sandbox, CSV without headings.

The columns are type, category path, ISBN, title, description, partner, SKU, price and stock. There is no
currency column; django-oscar's default is pounds. The SKU is the source id. If two lists contain the same
SKU, the first file wins and the later row is rejected as a duplicate.

Descriptions are extracted from web pages. Some contain XML fragments, others program text in angle
brackets. Markup cannot be detected reliably, so descriptions are kept unchanged.
"""

from collections.abc import Sequence
from html import unescape
from pathlib import Path

from db.errors import CatalogImportError
from db.importing import field_parsers
from db.importing.field_parsers import FieldError
from db.importing.readers.csv_rows import find_dialect, read_csv_rows, read_headings
from db.importing.readers.feed import Feed, RecordStream, batch_records
from db.importing.readers.files import BytesRead, RowLocator, require_files, total_bytes
from db.importing.readers.flat import CellStyle, FlatRecordParser
from db.importing.readers.flat_fields import fields_of_columns
from db.importing.readers.formats import FeedOptions, Format
from db.importing.records import BookRecord, Reject

_COLUMN_COUNT = 9
_COLUMN_NAMES = "type, category, ISBN, title, description, partner, SKU, price, stock"
_FLAT_FIELDS = ("source_id", "isbn", "title", "description", "price", "stock")
_DEFAULT_CURRENCY = "GBP"


def open_oscar(sources: Sequence[Path | str], options: FeedOptions) -> Feed:
    """Open a feed of the files, and of all csv files in the folders, in order."""
    paths = require_files([path for source in sources for path in _csv_files(Path(source))])
    for path in paths:
        first = read_headings(path)
        if len(first) != _COLUMN_COUNT:
            raise CatalogImportError(
                f"{path}: its first row has {len(first)} cells, not {_COLUMN_COUNT}: {_COLUMN_NAMES}."
            )
    bytes_read, locator = BytesRead(), RowLocator(single_file=len(paths) == 1, unit="line")
    return Feed(
        source="oscar",
        batches=batch_records(
            _read_books(
                paths,
                FlatRecordParser(
                    _FLAT_FIELDS, CellStyle(currency=options.currency or _DEFAULT_CURRENCY, literal=True)
                ),
                bytes_read,
                locator,
            )
        ),
        total=total_bytes(paths),
        unit="bytes",
        completed=bytes_read.count,
        row_label=locator.label,
        fields=fields_of_columns((*_FLAT_FIELDS, "categories")),
    )


FORMAT = Format(
    "oscar", open_oscar, "django-oscar's price lists, as files or folders", frozenset(("--currency",))
)


def _csv_files(source: Path) -> list[Path]:
    if not source.is_dir():
        return [source]
    paths = sorted(source.glob("*.csv"))
    if not paths:
        raise CatalogImportError(f"{source}: contains no csv file; give the folder of the price lists.")
    return paths


def _read_books(
    paths: Sequence[Path], parser: FlatRecordParser, bytes_read: BytesRead, locator: RowLocator
) -> RecordStream:
    rows_before = row = 0
    for path in paths:
        locator.start_file(path, rows_before)
        for line, cells in read_csv_rows(path, find_dialect(path), bytes_read):
            row = rows_before + line
            if isinstance(cells, Reject):
                yield Reject(row, cells.field, cells.value, cells.reason)
            else:
                yield from _parse_book(row, cells, parser)
        rows_before = row


def _parse_book(row: int, cells: list[str], parser: FlatRecordParser) -> tuple[BookRecord | Reject, ...]:
    if len(cells) != _COLUMN_COUNT:
        return (Reject(row, "row", ",".join(cells)[:200], f"{len(cells)} cells, not {_COLUMN_COUNT}"),)
    product_type, category, isbn, title, description, _, sku, price, stock = cells
    if product_type.strip().lower() != "book":
        return (Reject(row, "type", product_type, "not a book"),)
    try:
        path = field_parsers.parse_category_path(category.split(">"))
    except FieldError as error:
        return (Reject(row, error.field, error.value, error.reason),)
    text = " ".join(unescape(description).split())
    title = strip_full_stop(unescape(title).strip())
    return parser.parse(row, (sku, isbn, title, text, price, stock), (), (path,))


def strip_full_stop(title: str) -> str:
    """Remove the final full stop of a title. Abbreviations keep it ("R.U.R.")."""
    return title[:-1] if title.endswith(".") and title.count(".") == 1 and title[-4:-1].isalpha() else title
