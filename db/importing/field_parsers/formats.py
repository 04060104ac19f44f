"""Parse the format of a book."""

from db.importing.field_parsers.errors import FieldError
from db.importing.field_parsers.placeholders import is_placeholder
from db.importing.format_names import UNSPECIFIED_NAMES, find_format, fold_format_name


def parse_format(text: str) -> str | None:
    """Return the format that a name or a product form of ONIX means, or None if it is unspecified."""
    if fold_format_name(text) in UNSPECIFIED_NAMES:
        return None
    found = find_format(text)
    if found is None:
        if is_placeholder(text):
            return None
        raise FieldError(
            "format", text, "not a known format such as hardcover, paperback, ebook or audiobook"
        )
    return found
