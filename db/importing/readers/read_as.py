"""What the columns of a file showed of its cells, as a text in each row of its rejects file.

A rejects file has too few rows to show it again.
"""

from collections.abc import Sequence
from dataclasses import replace

from db.importing.readers.feed import ReadingNotes
from db.importing.readers.flat import CellStyle, FlatRecordParser
from db.importing.readers.rejected_rows import RejectedCells, RepeatedReject
from db.importing.records import Reject

_LITERAL = "texts as they are"
_DECIMAL_MARKS = {",": "decimal comma", ".": "decimal point"}
_COMMAS = {"names": "authors A, B", "inverted": "authors Last, First"}
_OTHER_NUMBERS = "short numbers are no ISBNs"
_CURRENCIES = "prices name currencies"
_SEPARATOR = "; "


def describe_style(style: CellStyle, *, prices_name_currencies: bool) -> str:
    """Return what is known of the cells besides the options."""
    if style.literal:
        return _LITERAL
    phrases = [
        _DECIMAL_MARKS.get(style.decimal_mark, ""),
        _COMMAS.get(style.people.commas, ""),
        "" if style.restore_zeros else _OTHER_NUMBERS,
        _CURRENCIES if prices_name_currencies else "",
    ]
    return _SEPARATOR.join(filter(None, phrases))


def restore_style(style: CellStyle, read_as: str) -> CellStyle:
    """Return the style of the options with what a rejects file says of its source. Options come first."""
    phrases = read_as.split(_SEPARATOR)
    if _LITERAL in phrases:
        return CellStyle(currency=style.currency, literal=True)
    for mark, phrase in _DECIMAL_MARKS.items():
        if phrase in phrases and not style.decimal_mark:
            style = replace(style, decimal_mark=mark)
    for commas, phrase in _COMMAS.items():
        if phrase in phrases and not (style.people.separator or style.people.commas):
            style = replace(style, people=replace(style.people, commas=commas))
    return replace(style, restore_zeros=_OTHER_NUMBERS not in phrases)


def tell_currencies(row: tuple[int, list[str] | Reject]) -> bool:
    """Return whether a row of a rejects file says that the prices of its source name their currency."""
    cells = row[1]
    read_as = cells.read_as if isinstance(cells, RejectedCells | RepeatedReject) else None
    return _CURRENCIES in (read_as or "").split(_SEPARATOR)


class ParsersByStyle:
    """The parsers of the rows of a rejects file, each of which says how it is read."""

    __slots__ = ("_fields", "_notes", "_parsers", "_style")

    def __init__(self, flat_fields: Sequence[str], style: CellStyle, notes: ReadingNotes) -> None:
        self._fields = flat_fields
        self._style = style
        self._notes = notes
        self._parsers: dict[str, FlatRecordParser] = {}

    def choose(self, read_as: str) -> FlatRecordParser:
        if read_as not in self._parsers:
            style = restore_style(self._style, read_as)
            self._parsers[read_as] = FlatRecordParser(self._fields, style, self._notes)
        return self._parsers[read_as]
