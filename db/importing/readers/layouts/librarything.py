"""The export of a library at LibraryThing. Reviews, ratings, tags and collections are personal, and are not read."""

from db.importing.field_parsers import PeopleStyle
from db.importing.readers.layouts.layout import Layout, Row, convert_each, first_part


def _convert(row: Row) -> Row:
    names = [row.get("primary_author", ""), *row.get("secondary_author", "").split("|")]
    roles = [row.get("primary_author_role", ""), *row.get("secondary_author_roles", "").split("|")]
    people = [
        f"{name.strip()} ({role.strip()})" if role.strip() else name.strip()
        for name, role in zip(names, [*roles, *[""] * len(names)], strict=False)
        if name.strip()
    ]
    return {
        "source_id": row.get("book_id", ""),
        "isbn": row.get("isbn", "").strip("[] ") or first_part(row.get("isbns", ""), ","),
        "title": row.get("title", ""),
        "authors": ";".join(people),
        "publisher": first_part(row.get("publication", ""), "("),
        "published": row.get("date", ""),
        "description": row.get("summary", ""),
        "format": row.get("media", ""),
        "pages": row.get("page_count", ""),
        "language": first_part(row.get("languages", ""), ","),
    }


LAYOUT = Layout(
    "LibraryThing",
    frozenset(("book_id", "primary_author", "secondary_author", "isbns")),
    {
        "book_id": "source_id",
        "isbn": "isbn",
        "isbns": "isbn",
        "title": "title",
        "primary_author": "authors",
        "primary_author_role": "authors",
        "secondary_author": "authors",
        "secondary_author_roles": "authors",
        "publication": "publisher",
        "date": "published",
        "summary": "description",
        "media": "format",
        "page_count": "pages",
        "languages": "language",
    },
    convert_each(_convert),
    PeopleStyle(commas="inverted"),
)
