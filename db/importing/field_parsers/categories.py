"""Parse paths of categories."""

import re
import unicodedata
from ast import literal_eval
from collections.abc import Sequence

from db.constraints import MAX_CATEGORY_DEPTH, MAX_CATEGORY_PATH_BYTES, MAX_NAME_LENGTH
from db.importing.field_parsers.errors import FieldError
from db.importing.field_parsers.placeholders import is_placeholder
from db.importing.field_parsers.texts import decode_entities, parse_single_line

CategoryPath = tuple[str, ...]

MAX_CATEGORIES = 100

_LEVELS = re.compile(r">|»|›| / | -- ")
_PATHS = re.compile(r"[;|\n]")


def split_paths(cell: str, separator: str = "") -> list[str]:
    """Return the texts of the paths in a cell: separated by ";", "|" or a line break, or a list of Python.

    Some may be blank. If a separator is given, it alone separates paths.
    """
    if separator:
        return cell.split(separator)
    if "&" not in cell and "[" not in cell and "|" not in cell and "\n" not in cell:
        return cell.split(";")
    cell = decode_entities(cell)
    return read_list(cell) or _PATHS.split(cell)


def read_list(cell: str) -> list[str] | None:
    """Return the texts of a list as JSON or Python writes it ("['A', 'B']"), or None if it is no list."""
    text = cell.strip()
    if not (text.startswith("[") and text.endswith("]")) or len(text) > 100_000:
        return None
    try:
        values = literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    if isinstance(values, list) and all(isinstance(value, str) for value in values):  # type: ignore[unknown]
        return [str(value) for value in values]  # type: ignore[unknown]
    return None


def parse_category(text: str) -> CategoryPath | None:
    """Parse a path such as "Fiction > Crime" or "FICTION / Crime". Return None for a placeholder."""
    if is_placeholder(text):
        return None
    return parse_category_path(_LEVELS.split(text))


def parse_category_path(names: Sequence[str]) -> CategoryPath:
    """Return a category's names from its root, within the limits of the category table."""
    path = tuple([parse_single_line("categories", name, MAX_NAME_LENGTH) for name in names])
    display = " > ".join(path)
    if not all(path):
        raise FieldError("categories", display, "a level has no name; write it, or leave out its >")
    if len(path) > MAX_CATEGORY_DEPTH:
        raise FieldError("categories", display, f"{len(path)} levels; {MAX_CATEGORY_DEPTH} are allowed")
    # Only a long path can exceed the limit when its letters are folded to ASCII.
    if len(display) * 8 > MAX_CATEGORY_PATH_BYTES and _slug_path_bytes(display) > MAX_CATEGORY_PATH_BYTES:
        raise FieldError("categories", display, f"longer than {MAX_CATEGORY_PATH_BYTES:,} bytes")
    return path


def _slug_path_bytes(text: str) -> int:
    spelled_out = sum(map(text.count, "&+#"))
    folded = unicodedata.normalize("NFKD", text)
    return max(len(text.encode()), len(folded.encode())) + 4 * spelled_out


def deduplicate_paths(paths: list[CategoryPath]) -> tuple[CategoryPath, ...]:
    unique = dict.fromkeys(paths)
    if len(unique) > MAX_CATEGORIES:
        reason = f"{len(unique)} categories; {MAX_CATEGORIES} are allowed"
        raise FieldError("categories", " > ".join(paths[0]), reason)
    return tuple(unique)
