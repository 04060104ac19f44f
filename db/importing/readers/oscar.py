"""Reads the oscar format: the price lists of django-oscar's sandbox, csv without headings.

Their columns: type, category path, ISBN, title, description, partner, SKU, price, stock. There is no
currency column; django-oscar's default is pounds. The SKU is the source id. Where two lists name the
same SKU, the first in the order of the files counts and the later is reported as a duplicate by the
merge. Descriptions are text cut out of pages, some with remains of XML and some with program text in
angle brackets, so that nothing in them can be told to be markup: they stay as they are.
"""

from collections.abc import Sequence
from html import unescape
from pathlib import Path

from db.errors import CatalogImportError
from db.importing import fields
from db.importing.fields import FieldError
from db.importing.readers.delimited import csv_rows, headings
from db.importing.readers.delivery import Delivery, Rows, in_batches
from db.importing.readers.files import Places, Progress, existing_files, total_bytes
from db.importing.readers.flat import FlatRecords
from db.importing.records import BookRecord, Reject

WIDTH = 9
COLUMNS = "type, category, ISBN, title, description, partner, SKU, price, stock"
CURRENCY = "GBP"


def open_oscar(sources: Sequence[Path | str], currency: str | None) -> Delivery:
    """The rows of the files, and of all csv files in the folders, one after the other."""
    paths = existing_files([path for source in sources for path in _lists(Path(source))])
    for path in paths:
        first = headings(path)
        if len(first) != WIDTH:
            raise CatalogImportError(f"{path}: its first row has {len(first)} cells, not {WIDTH}: {COLUMNS}.")
    progress, places = Progress(), Places(single=len(paths) == 1)
    return Delivery(
        source="oscar",
        batches=in_batches(_books(paths, FlatRecords(currency or CURRENCY), progress, places)),
        total=total_bytes(paths),
        unit="bytes",
        position=progress.position,
        place=places.place,
    )


def _lists(source: Path) -> list[Path]:
    if not source.is_dir():
        return [source]
    paths = sorted(source.glob("*.csv"))
    if not paths:
        raise CatalogImportError(f"{source}: holds no csv file; give the folder of the price lists.")
    return paths


def _books(paths: Sequence[Path], records: FlatRecords, progress: Progress, places: Places) -> Rows:
    before = row = 0
    for path in paths:
        places.begin(path, before)
        for row, cells in enumerate(csv_rows(path, progress), before + 1):
            yield _book(row, cells, records)
        before = row


def _book(row: int, cells: list[str], records: FlatRecords) -> BookRecord | Reject:
    if len(cells) != WIDTH:
        return Reject(row, "row", ",".join(cells)[:200], f"{len(cells)} cells, not {WIDTH}")
    kind, category, isbn, title, description, _, sku, price, stock = cells
    if kind.strip().lower() != "book":
        return Reject(row, "type", kind, "not a book")
    try:
        path = fields.category_path(category.split(">"))
    except FieldError as error:
        return Reject(row, error.field, error.value, error.reason)
    text = " ".join(unescape(description).split())
    title = without_full_stop(unescape(title).strip())
    texts = (sku, isbn, title, "", "", "", price, "", "", "", "", text, "", stock, "", "")
    return records.record(row, texts, (), (path,))


def without_full_stop(title: str) -> str:
    """The title without the full stop that some end in; abbreviations keep theirs ("R.U.R.")."""
    return title[:-1] if title.endswith(".") and title.count(".") == 1 and title[-4:-1].isalpha() else title
