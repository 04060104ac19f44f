"""Reads the csv format: flat records with headings, separated by commas, semicolons, tabs or bars."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from db.errors import CatalogImportError
from db.importing.readers.delivery import Delivery, Rows, in_batches
from db.importing.readers.files import Places, Progress, existing_files, opened_text, text_lines, total_bytes
from db.importing.readers.flat import Columns, FlatRecords, columns
from db.importing.records import Reject

DELIMITERS = ",;\t|"


def open_csv(
    sources: Sequence[Path | str], mapping: Mapping[str, str], source: str, currency: str | None
) -> Delivery:
    """The rows of the files one after the other; each file has its own headings."""
    paths = existing_files(sources)
    heads = [columns(path, headings(path), mapping, currency) for path in paths]
    progress, places = Progress(), Places(single=len(paths) == 1)
    return Delivery(
        source=source,
        batches=in_batches(_books(paths, heads, FlatRecords(currency), progress, places)),
        total=total_bytes(paths),
        unit="bytes",
        position=progress.position,
        place=places.place,
        ignored=tuple(dict.fromkeys(name for head in heads for name in head.ignored)),
    )


def _books(
    paths: Sequence[Path], heads: Sequence[Columns], records: FlatRecords, progress: Progress, places: Places
) -> Rows:
    before = row = 0
    for path, head in zip(paths, heads, strict=True):
        places.begin(path, before)
        width, pick, record = len(head.headings), head.picker(), records.record
        for row, cells in enumerate(csv_rows(path, progress), before):
            if row == before:
                continue  # the headings
            if len(cells) != width and (reject := _wrong_width(row, cells, width)):
                yield reject
                continue
            cells.append("")
            yield record(row, pick(cells))
        before = row


def _wrong_width(row: int, cells: list[str], width: int) -> Reject | None:
    """A reject, unless the row only has empty cells too many, which are taken off."""
    if len(cells) > width and not any(cells[width:]):
        del cells[width:]
        return None
    reason = f"{len(cells)} cells where there are {width} headings; quote cells that hold the separator"
    return Reject(row, "row", ",".join(cells)[:200], reason)


def headings(path: Path) -> list[str]:
    """The first row of the file."""
    for row in csv_rows(path):
        return row
    raise CatalogImportError(f"{path}: the file has no row; its first one must hold the headings.")


def csv_rows(path: Path, progress: Progress | None = None) -> Iterator[list[str]]:
    """The rows of the file that hold anything. Malformed CSV raises CatalogImportError with its line.

    The separator is the one that cuts the first line into most cells.
    """
    with opened_text(path, progress) as text:
        lines = text_lines(path, text)
        first = next(lines, "")
        delimiter = max(DELIMITERS, key=lambda mark: sum(map(len, csv.reader([first], delimiter=mark))))
        reader = csv.reader(_again(first, lines), delimiter=delimiter, strict=True)
        begun = 1
        try:
            for row in reader:
                if row:
                    yield row
                begun = reader.line_num + 1
        except csv.Error as error:
            raise CatalogImportError(
                f"{path}: malformed CSV in the row that begins in line {begun:,} ({error});"
                ' is a quote left open, or not doubled inside of a quoted cell ("")?'
            ) from error


def _again(first: str, others: Iterator[str]) -> Iterator[str]:
    yield first
    yield from others
