"""Sources of books and records: their names."""

from db.importing.field_parsers.texts import MAX_SOURCE_ID_LENGTH
from db.importing.options import KEEPERS
from db.writes.faults import Fault, FaultCode, FaultPath


def check_source(source: str, path: FaultPath) -> list[Fault]:
    """Return the fault of a name that no source can have."""
    is_name = source.strip() == source and source.isprintable() and 0 < len(source) <= MAX_SOURCE_ID_LENGTH
    if is_name and source not in ("name", *KEEPERS):
        return []
    message = f"A source cannot be called {source[:60]!r}: choose a short name."
    return [Fault(path, FaultCode.INVALID, message)]
