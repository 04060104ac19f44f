"""Fields of books that were edited by hand. An import keeps them unless it is told to overwrite edits."""

from collections.abc import Iterable

from db.book_columns import BOOK_FIELDS
from db.database import WriteDatabase
from db.statements import WriteStatement

EDITABLE_FIELDS = frozenset((*(field.name for field in BOOK_FIELDS), "authors", "categories"))
"""The names by which an edit is recorded. A price and its currency are one field."""

_RECORD_EDIT = WriteStatement(
    "record_edit",
    """
INSERT INTO book_field AS f (book_id, field, edited_at)
SELECT $1::bigint, u.field, now() FROM unnest($2::text[]) AS u (field) ORDER BY u.field
ON CONFLICT (book_id, field) DO UPDATE SET edited_at = excluded.edited_at
""",
)


async def record_edit(database: WriteDatabase, book_id: int, fields: Iterable[str]) -> None:
    """Record that these fields of the book were edited by hand, in the transaction that edits them.

    Raise ValueError for a name that is not in EDITABLE_FIELDS.
    """
    names = sorted(set(fields))
    for name in names:
        if name not in EDITABLE_FIELDS:
            raise ValueError(f"{name!r} is no field of a book; the fields are {sorted(EDITABLE_FIELDS)}")
    await database.execute_write(_RECORD_EDIT, book_id, names)
