"""Faults that PostgreSQL finds: each constraint that a client can violate, with the value that is to be
changed.
"""

import asyncpg

from db.writes.faults import Fault, FaultCode, FaultPath

_FAULTS: dict[str, tuple[FaultPath, FaultCode, str]] = {
    "book_isbn_key": (("isbn",), FaultCode.ALREADY_EXISTS, "Another book has this ISBN."),
    "book_source_key": (("source_id",), FaultCode.ALREADY_EXISTS, "Another book of the source has this key."),
    "author_source_key": (("name",), FaultCode.ALREADY_EXISTS, "Another author has this key."),
    "author_slug_key": (("name",), FaultCode.ALREADY_EXISTS, "Another author has the slug of this name."),
    "author_born_before_death": (
        ("death_year",),
        FaultCode.INVALID,
        "The year of death is before that of birth.",
    ),
    "author_name_length": (("name",), FaultCode.INVALID, "The name is too long."),
    "category_path_key": (("name",), FaultCode.ALREADY_EXISTS, "Another category has the path of this name."),
    "category_no_cycle": (("parent",), FaultCode.INVALID, "The category would be under itself."),
    "category_not_under_itself": (("parent",), FaultCode.INVALID, "The category would be under itself."),
    "category_parent_fkey": (("parent",), FaultCode.NOT_FOUND, "The category was deleted meanwhile."),
    "category_depth": (("parent",), FaultCode.INVALID, "The category would be too deep in the tree."),
    "category_name_length": (("name",), FaultCode.INVALID, "The name is too long."),
    "category_path_length": (("name",), FaultCode.INVALID, "The path of the category would be too long."),
    "book_author_author_fkey": (("contributions",), FaultCode.NOT_FOUND, "An author was deleted meanwhile."),
    "book_category_category_fkey": (
        ("categories",),
        FaultCode.NOT_FOUND,
        "A category was deleted meanwhile.",
    ),
}


def fault_of_violation(error: asyncpg.IntegrityConstraintViolationError, path: FaultPath) -> Fault | None:
    """Return the fault of a violated constraint, below `path`; None if no client can cause it."""
    known = _FAULTS.get(getattr(error, "constraint_name", None) or "")
    if known is None:
        return None
    below, code, message = known
    return Fault((*path, *below), code, message)
