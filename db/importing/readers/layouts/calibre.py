"""The catalog that Calibre writes as CSV. Covers and files on the computer of its user are not read."""

from db.importing.field_parsers import PeopleStyle
from db.importing.readers.layouts.layout import Layout, Row, convert_each, first_part

# Calibre writes it for "no date".
_NO_DATE = "0101-01-01"

_COLUMNS = {
    "uuid": "source_id",
    "isbn": "isbn",
    "title": "title",
    "authors": "authors",
    "author_sort": "author_sort",
    "series": "series",
    "series_index": "series_position",
    "publisher": "publisher",
    "pubdate": "published",
    "languages": "language",
    "tags": "categories",
    "comments": "description",
}


def _convert(row: Row) -> Row:
    record = {field: row.get(heading, "") for heading, field in _COLUMNS.items()}
    record["language"] = first_part(record["language"], ",")
    # A book without a series has the index 1.0.
    if not record["series"].strip():
        record["series_position"] = ""
    if record["published"].startswith(_NO_DATE):
        record["published"] = ""
    return record


LAYOUT = Layout(
    "Calibre",
    frozenset(("uuid", "authors", "author_sort", "title_sort")),
    _COLUMNS,
    convert_each(_convert),
    PeopleStyle(separator="&"),
    category_separator=",",
)
