"""Split CSV files into rows: find out how a file is written, and go on after a malformed row."""

import csv
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

from db.errors import CatalogImportError
from db.importing.readers.files import (
    MAX_LINE_LENGTH,
    BytesRead,
    binary_file_error,
    bound_lines,
    open_text,
    read_lines,
)
from db.importing.readers.reject_headings import ROW_HEADINGS
from db.importing.records import Reject

if TYPE_CHECKING:
    from _csv import Reader

_DELIMITERS = ",;\t|"
_SAMPLE_LINES = 50
# A cell that is longer is a quote left open.
_MAX_CELL_LENGTH = 8_000_000
_DELIMITER_LINE = re.compile(r"\ufeff?\"?sep=(.)\"?\s*", re.IGNORECASE)
_MAX_SHOWN = 200
_LINE_TOO_LONG = f"a line of more than {MAX_LINE_LENGTH:,} characters"
# MySQL writes it for NULL, where it escapes quotes by a backslash.
_NULL = "\\N"
_NULL_CELL = re.compile(r"(^|[,;\t|])\\N(?=[,;\t|\r\n]|$)")
_REJECTS_HEAD = f"{','.join(ROW_HEADINGS)},"


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a CSV file is written: the lines before its headings, and how its cells are separated and quoted.

    `escape` is what stands before a quote within a quoted cell, if quotes are not doubled there.
    """

    delimiter: str = ","
    skip_lines: int = 0
    skip_spaces: bool = False
    encoding: str = ""
    quote: str = '"'
    escape: str = ""

    def split(self, lines: Iterable[str]) -> "Reader":
        """Return the rows of the lines. A malformed one raises csv.Error."""
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            skipinitialspace=self.skip_spaces,
            quotechar=self.quote,
            escapechar=self.escape or None,
            strict=True,
        )


def find_dialect(path: Path, delimiter: str = "", skip_lines: int = 0, encoding: str = "") -> Dialect:
    """Return how the file is written, by its first lines. What is given is not guessed.

    A rejects file is known exactly, unless another program has written it since.
    """
    with open_text(path, encoding=encoding) as text:
        lines = list(islice(read_lines(path, text), skip_lines, skip_lines + _SAMPLE_LINES))
    if lines and lines[0].startswith(_REJECTS_HEAD):
        return Dialect(encoding=encoding)
    if lines and (named := _DELIMITER_LINE.fullmatch(lines[0])):
        delimiter, skip_lines, lines = delimiter or named[1], skip_lines + 1, lines[1:]
    sample = [line for line in lines if line.strip()]
    mark = delimiter or max(_DELIMITERS, key=lambda each: _rate_delimiter(sample, each))
    spaced = re.compile(rf'(?:^|{re.escape(mark)}) +"')
    dialect = Dialect(mark, skip_lines, any(map(spaced.search, sample)), encoding)
    return _find_quotes(dialect, sample)


def _find_quotes(dialect: Dialect, sample: list[str]) -> Dialect:
    """Return the dialect with single quotes or a backslash before quotes, if the sample cannot be read otherwise."""
    cell = f"'[^']*'(?:{re.escape(dialect.delimiter)}'[^']*')+"
    if sample and re.fullmatch(cell, sample[0].strip()):
        return replace(dialect, quote="'")
    escaped = replace(dialect, escape="\\")
    if (
        any('\\"' in line for line in sample)
        and not _can_split(dialect, sample)
        and _can_split(escaped, sample)
    ):
        return escaped
    return dialect


def _can_split(dialect: Dialect, sample: list[str]) -> bool:
    """Return whether no row is malformed. The last one may go on behind the sample."""
    try:
        for _ in dialect.split(sample):
            pass
    except csv.Error as error:
        return "unexpected end of data" in str(error)
    return True


def _rate_delimiter(sample: list[str], mark: str) -> tuple[int, int]:
    """Return the number of rows that are as wide as the first, and that width; 0 if it is 1."""
    csv.field_size_limit(_MAX_CELL_LENGTH)
    widths: list[int] = []
    with suppress(csv.Error):  # a cell is too long
        widths.extend(len(row) for row in csv.reader(sample, delimiter=mark) if row)
    if not widths or widths[0] < 2:
        return 0, 0
    return sum(width == widths[0] for width in widths), widths[0]


def read_csv_rows(
    path: Path, dialect: Dialect, bytes_read: BytesRead | None = None
) -> Iterator[tuple[int, list[str] | Reject]]:
    """Yield the rows that are not blank, each with the number of its first line.

    A malformed row is a reject, and reading goes on in the next line.
    """
    csv.field_size_limit(_MAX_CELL_LENGTH)
    with open_text(path, bytes_read, dialect.encoding) as text:
        for _ in islice(text, dialect.skip_lines):
            pass
        yield from _split_rows(path, bound_lines(text), dialect)


def _split_rows(
    path: Path, lines: Iterator[str], dialect: Dialect
) -> Iterator[tuple[int, list[str] | Reject]]:
    number = dialect.skip_lines + 1
    taken: list[str] = []  # the lines of the row that is being read

    def take_lines(source: Iterator[str]) -> Iterator[str]:
        for line in source:
            if "\0" in line:
                raise binary_file_error(path, number + len(taken))
            taken.append(line)
            if len(line) >= MAX_LINE_LENGTH:
                raise csv.Error(_LINE_TOO_LONG)
            yield _NULL_CELL.sub(r"\1", line) if dialect.escape and _NULL in line else line

    while True:
        reader = dialect.split(take_lines(lines))
        try:
            for row in reader:
                if any(row):
                    yield number, row
                number += len(taken)
                taken.clear()
        except csv.Error as error:
            first, *rest = taken
            yield number, _reject_row(number, first, error)
            number += 1
            taken.clear()
            lines = chain(rest, lines)
        else:
            return


def _reject_row(number: int, line: str, error: csv.Error) -> Reject:
    if str(error) == _LINE_TOO_LONG:
        return Reject(number, "row", line.strip()[:_MAX_SHOWN], _LINE_TOO_LONG)
    reason = (
        f"a cell of more than {_MAX_CELL_LENGTH:,} characters; is a quote left open?"
        if "field larger" in str(error)
        else f'malformed CSV ({error}); close every quote, and double ("") quotes inside of a quoted cell'
    )
    return Reject(number, "row", line.strip()[:_MAX_SHOWN], reason)


def read_headings(path: Path, dialect: Dialect | None = None) -> list[str]:
    """Return the first row of the file. Raise CatalogImportError if there is none, or if it is malformed."""
    for _, row in read_csv_rows(path, dialect or find_dialect(path)):
        if isinstance(row, Reject):
            raise CatalogImportError(f"{path}: the headings in line {row.row:,} are {row.reason}.")
        return row
    raise CatalogImportError(f"{path}: the file has no rows; the first row must contain the headings.")
