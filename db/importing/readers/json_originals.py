"""The rejected objects of JSON files as they are there, for the rejects file, which is JSON Lines."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO, cast

import orjson

from db.errors import CatalogImportError
from db.importing.readers.file_versions import FileVersions
from db.importing.readers.files import RowLocator
from db.importing.readers.reject_headings import REJECT_KEY
from db.importing.readers.rejected_rows import RepeatedReject
from db.importing.records import RejectedRow

ReadObjects = Callable[[Path], Iterator[tuple[int, object]]]
"""Reads the values of a file, each with its number in the file."""

_TEXTS = ("row", "field", "value", "reason", "source_id", "title", "read_as")

_NOT_IN_FILE = "the object is not in the rejects file; correct it in the file of the first import"


class RejectedObject(dict[str, object]):
    """An object of the source, and how it was read; None if the file does not say it."""

    read_as: str | None = None


def take_out_reject(row: int, value: object) -> object:
    """Return the object without its reject. An object without more is the same reject again."""
    if not isinstance(value, dict):
        return value
    record = cast("dict[str, object]", value)
    reject = record.get(REJECT_KEY)
    if not isinstance(reject, dict) or not {"row", "reason"} <= reject.keys():
        return record
    texts = {key: str(text) for key, text in cast("dict[str, object]", reject).items() if key in _TEXTS}
    source = RejectedObject((key, each) for key, each in record.items() if key != REJECT_KEY)
    if source:
        source.read_as = texts.get("read_as")
        return source
    field, value_text, source_id, title = (
        texts.get(key, "") for key in ("field", "value", "source_id", "title")
    )
    return RepeatedReject(
        *(row, field or "row", value_text, texts["reason"] or _NOT_IN_FILE),
        source_id=source_id,
        title=title,
        read_as=texts.get("read_as"),
    )


@dataclass(frozen=True, slots=True)
class JsonOriginals:
    """The objects of the files of a feed. They are read a second time, for the rejected ones only.

    `read_as` says how the objects are read that do not say it themselves.
    """

    versions: FileVersions
    locator: RowLocator
    read_objects: ReadObjects
    read_as: str
    suffix: str = ".jsonl"
    format: str = "jsonl"

    @property
    def paths(self) -> Sequence[Path]:
        return self.versions.paths

    def find_parents(self, rows: Iterable[int]) -> Iterator[int]:
        return iter(())

    def write_rows(self, file: TextIO, read_rejects: Callable[[], Iterator[RejectedRow]]) -> None:
        usable = self.versions.unchanged()
        while True:
            failed: set[int] = set()
            values = self._read_all(usable, failed)
            for row, value in _pair_rows(read_rejects(), values):
                if (line := self._format_line(row, value)) is not None:
                    file.write(line)
            still_usable = (usable & self.versions.unchanged()) - failed
            if still_usable == usable:
                return
            usable = still_usable
            file.seek(0)
            file.truncate()

    def _read_all(self, usable: set[int], failed: set[int]) -> Iterator[tuple[int, object]]:
        for place, (start, path) in enumerate(self.locator.file_starts):
            if place not in usable:
                continue
            try:
                for number, value in self.read_objects(path):
                    yield start + number, value
            except (CatalogImportError, OSError):
                failed.add(place)

    def _format_line(self, row: RejectedRow, value: object) -> str | None:
        source = take_out_reject(row.row, value)
        record = cast("dict[str, object]", source) if isinstance(source, dict) else {}
        if row.is_needed and not record:
            return None
        read_as = source.read_as if isinstance(source, RejectedObject | RepeatedReject) else None
        read_as = self.read_as if read_as is None else read_as
        texts = (row.label, row.field, row.value, row.reason, row.source_id, row.title, read_as)
        reject = dict(zip(_TEXTS, (_without_surrogates(text) for text in texts), strict=True))
        others = {key: each for key, each in record.items() if key != REJECT_KEY}
        return orjson.dumps({REJECT_KEY: reject, **others}).decode() + "\n"


def _pair_rows(
    rows: Iterator[RejectedRow], values: Iterator[tuple[int, object]]
) -> Iterator[tuple[RejectedRow, object]]:
    """Yield each row with the value of its number, or None. Both are in order."""
    number, value = next(values, (0, None))
    for row in rows:
        while number and number < row.row:
            number, value = next(values, (0, None))
        yield row, value if number == row.row else None


def _without_surrogates(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
