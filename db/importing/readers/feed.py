"""A feed: the parsed rows of one import in batches, read from one or more files or a table."""

from collections import Counter
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Literal, Protocol, TextIO

from db.importing.records import ALL_FIELDS, BookRecord, Reject, RejectedRow

RecordBatch = list[BookRecord | Reject]

RecordStream = Generator[BookRecord | Reject]

BATCH_ROWS = 2_000


def default_row_label(row: int) -> str:
    return f"row {row}"


@dataclass(slots=True)
class ReadingNotes:
    """What a reader guessed, and what it repaired or left out without a reject.

    - `guesses` are sentences, complete when the feed is opened: 'separator ";"'.
    - `counts` are the cells by field and kind, such as ("isbn", "repaired"); complete when the feed is read.
    """

    guesses: list[str] = field(default_factory=list[str])
    counts: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])

    def add_guess(self, sentence: str) -> None:
        if sentence not in self.guesses:
            self.guesses.append(sentence)


class Originals(Protocol):
    """The rows of a feed as they are in its files, which are read again for the rejects file.

    `suffix` is that of the rejects file, and `format` the name of the format that imports it.
    """

    @property
    def suffix(self) -> str: ...

    @property
    def format(self) -> str: ...

    @property
    def paths(self) -> Sequence[Path]: ...

    def find_parents(self, rows: Iterable[int]) -> Iterator[int]:
        """Yield the rows without which these rows cannot be read alone. `rows` are in order."""
        ...

    def write_rows(self, file: TextIO, read_rejects: Callable[[], Iterator[RejectedRow]]) -> None:
        """Write the rejected rows with their originals. That of a file that has changed since is left empty.

        `read_rejects` yields them in order; it is called again if a file changes in the meantime.
        """
        ...


@dataclass(frozen=True, slots=True)
class Feed:
    """The books and rejects of one import, in batches of at most 2,000.

    - `source` is the value of book.source, and of author.source for authors with ids.
    - `completed` returns the amount read so far; `total` is the full amount, both in `unit`.
    - `row_label` formats a row number for display: "prices.csv line 12" if there are several files.
    - `ignored_headings` are the headings without a field.
    - `fields` are the fields of BookRecord that the feed has. None in one of them is an empty cell, unless the
      record counts it as absent; the others say nothing about a book.
    - `partial_fields` are those of `fields` that some of the files have, and others do not.
    - `columns` are the headings that are read, each with its field.
    - `inputs` names what is read, for the list of imports.
    - `notes` tell what was guessed, and count what was repaired.
    - `originals` are the rows of its files, if its rejects file can be imported.
    - `is_partial` is true if a rejects file is read, which lacks most books of its source.

    The caller must read `batches` to the end or close it; both close the open file or connection. While
    reading, CatalogImportError is raised for errors deep in a file, such as a wrong encoding.
    """

    source: str
    batches: AsyncGenerator[RecordBatch]
    total: int
    unit: Literal["bytes", "rows"]
    completed: Callable[[], int]
    row_label: Callable[[int], str] = default_row_label
    ignored_headings: tuple[str, ...] = ()
    fields: frozenset[str] = ALL_FIELDS
    partial_fields: frozenset[str] = frozenset()
    columns: tuple[tuple[str, str], ...] = ()
    notes: ReadingNotes = field(default_factory=ReadingNotes)
    originals: Originals | None = None
    is_partial: bool = False
    inputs: str = ""


async def batch_records(rows: RecordStream) -> AsyncGenerator[RecordBatch]:
    """Yield the records in batches. Closing the generator closes `rows`, which closes the file."""
    try:
        while batch := list(islice(rows, BATCH_ROWS)):
            yield batch
    finally:
        rows.close()
