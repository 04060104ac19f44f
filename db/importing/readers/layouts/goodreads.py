"""The export of a library at Goodreads. Shelves, reviews and ratings are personal, and are not read."""

from db.importing.field_parsers import PeopleStyle, find_numbered_series
from db.importing.readers.goodbooks import split_title_and_series
from db.importing.readers.isbn_pairs import ISBN_10
from db.importing.readers.layouts.layout import Layout, Row, convert_each


def _convert(row: Row) -> Row:
    title, subtitle = split_title_and_series(row.get("title", ""))
    series, position = find_numbered_series(subtitle)
    others = row.get("additional_authors", "").strip()
    return {
        "source_id": row.get("book_id", ""),
        "isbn": row.get("isbn13", "").strip('=" '),
        ISBN_10: row.get("isbn", "").strip('=" '),
        "title": title,
        "subtitle": subtitle,
        "series": series,
        "series_position": position,
        "authors": f"{row.get('author', '')}, {others}" if others else row.get("author", ""),
        "author_sort": "" if others else row.get("author_l_f", ""),
        "publisher": row.get("publisher", ""),
        "format": row.get("binding", ""),
        "pages": row.get("number_of_pages", ""),
        "published": row.get("year_published", "") or row.get("original_publication_year", ""),
    }


LAYOUT = Layout(
    "Goodreads",
    frozenset(("book_id", "author_l_f", "isbn13", "bookshelves")),
    {
        "book_id": "source_id",
        "isbn13": "isbn",
        "isbn": "isbn",
        "title": "title",
        "author": "authors",
        "additional_authors": "authors",
        "author_l_f": "author_sort",
        "publisher": "publisher",
        "binding": "format",
        "number_of_pages": "pages",
        "year_published": "published",
        "original_publication_year": "published",
    },
    convert_each(_convert),
    PeopleStyle(commas="names"),
    derived=("series",),
)
