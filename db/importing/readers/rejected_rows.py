"""Rows of a rejects file: what the import wrote before the cells of the source is taken out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from db.importing.readers.reject_headings import READ_AS, ROW_HEADINGS
from db.importing.records import Reject

_NOT_IN_FILE = "the cells of this row are not in the rejects file; correct it in the file of the first import"


class RejectedCells(list[str]):
    """The cells of the source, and how they were read; None if the file does not say it."""

    __slots__ = ("read_as",)

    def __init__(self, cells: Iterable[str], read_as: str | None) -> None:
        super().__init__(cells)
        self.read_as = read_as


@dataclass(frozen=True, slots=True)
class RepeatedReject(Reject):
    """A reject that a rejects file holds without its row, and how the row was read."""

    read_as: str | None = None


class RejectColumns:
    """The places of the columns that an import wrote before those of the source."""

    __slots__ = ("_place_by_heading", "_places")

    def __init__(self, headings: Sequence[str]) -> None:
        folded = [heading.strip().lower() for heading in headings]
        self._place_by_heading = {name: folded.index(name) for name in ROW_HEADINGS if name in folded}
        self._places = frozenset(self._place_by_heading.values())

    @property
    def are_there(self) -> bool:
        return ROW_HEADINGS[0] in self._place_by_heading

    @property
    def tell_style(self) -> bool:
        return READ_AS in self._place_by_heading

    def take_out(self, line: int, cells: list[str]) -> tuple[int, list[str] | Reject]:
        """Return the cells of the source. A row without them is the same reject again."""
        found = {
            name: cells[place] if place < len(cells) else "" for name, place in self._place_by_heading.items()
        }
        source = RejectedCells(self.source_cells(cells), found.get(READ_AS))
        if any(source):
            return line, source
        field, value, reason, source_id, title = (found.get(name, "") for name in ROW_HEADINGS[1:6])
        return line, RepeatedReject(
            *(line, field or "row", value, reason or _NOT_IN_FILE),
            source_id=source_id,
            title=title,
            read_as=found.get(READ_AS),
        )

    def source_cells(self, cells: Sequence[str]) -> list[str]:
        return [cell for place, cell in enumerate(cells) if place not in self._places]
