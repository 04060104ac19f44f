"""Sources of books and records: their names, and the keys of books in them."""

from db.importing.field_parsers import FieldError
from db.importing.field_parsers.texts import MAX_SOURCE_ID_LENGTH, parse_single_line
from db.importing.options import KEEPERS
from db.writes.faults import Fault, FaultCode, FaultPath


def check_source(source: str, path: FaultPath) -> list[Fault]:
    """Return the fault of a name that no source can have."""
    is_name = source.strip() == source and source.isprintable() and 0 < len(source) <= MAX_SOURCE_ID_LENGTH
    if is_name and source not in ("name", *KEEPERS):
        return []
    message = f"A source cannot be called {source[:60]!r}: choose a short name."
    return [Fault(path, FaultCode.INVALID, message)]


def parse_new_key(source_id: str, path: FaultPath) -> tuple[str, list[Fault]]:
    """Return the key of a book on one line, and its fault: it is blank, too long, or has a NUL character."""
    try:
        key = parse_single_line("source_id", source_id, MAX_SOURCE_ID_LENGTH)
    except FieldError as error:
        message = f"The key is {error.value[:60]!r}: {error.reason}."
        return "", [Fault(path, FaultCode.INVALID, message)]
    return key, [] if key else [Fault(path, FaultCode.INVALID, "The key is blank: leave it out.")]
