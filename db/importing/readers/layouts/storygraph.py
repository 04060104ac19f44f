"""The export of a library at The StoryGraph. Moods, reviews and ratings are personal, and are not read."""

from db.importing.field_parsers import FieldError, PeopleStyle, parse_isbn
from db.importing.readers.layouts.layout import Layout, Row, convert_each


def _convert(row: Row) -> Row:
    key = row.get("isbn/uid", "").strip()
    people = [row.get(name, "").strip() for name in ("authors", "contributors")]
    return {
        "source_id": key,
        "isbn": key if _is_isbn(key) else "",
        "title": row.get("title", ""),
        "authors": ", ".join(filter(None, people)),
        "format": row.get("format", ""),
    }


def _is_isbn(key: str) -> bool:
    """Return whether the key is an ISBN. Books without one have a key of The StoryGraph."""
    try:
        return parse_isbn(key) is not None
    except FieldError:
        return False


LAYOUT = Layout(
    "The StoryGraph",
    frozenset(("title", "authors", "isbn/uid", "read_status")),
    {
        "isbn/uid": "isbn",
        "title": "title",
        "authors": "authors",
        "contributors": "authors",
        "format": "format",
    },
    convert_each(_convert),
    PeopleStyle(commas="names"),
)
