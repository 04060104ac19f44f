"""Sources of books: the names that a write accepts, and the keys of books in them."""

from db.importing.field_parsers import FieldError
from db.importing.field_parsers.texts import MAX_SOURCE_ID_LENGTH, parse_literal_line
from db.importing.options import KEEPERS
from db.writes.faults import Fault, FaultCode, FaultPath

MAX_SOURCE_LENGTH = 100
"""Maximum length of the name of a source in characters. It and a key have to fit into a row of an index."""


def parse_source(source: str, path: FaultPath) -> tuple[str, list[Fault]]:
    """Return the name of a source on one line, and its faults: it is blank, too long, or reserved."""
    parsed, faults = _parse_line("source", source, MAX_SOURCE_LENGTH, path)
    if not faults and (not parsed or parsed in ("name", *KEEPERS)):
        faults = [Fault(path, FaultCode.INVALID, f"A source cannot be called {source!r}.")]
    return parsed, faults


def parse_source_id(source_id: str, path: FaultPath) -> tuple[str, list[Fault]]:
    """Return the key of a book in its source on one line, and its faults: it is blank or too long."""
    parsed, faults = _parse_line("source_id", source_id, MAX_SOURCE_ID_LENGTH, path)
    if not faults and not parsed:
        faults = [Fault(path, FaultCode.INVALID, "The key is blank: leave it out.")]
    return parsed, faults


def _parse_line(name: str, text: str, limit: int, path: FaultPath) -> tuple[str, list[Fault]]:
    try:
        return parse_literal_line(name, text, limit) or "", []
    except FieldError as error:
        message = f"{name} is {error.value[:60]!r}: {error.reason}."
        return "", [Fault(path, FaultCode.INVALID, message)]
