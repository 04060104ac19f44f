"""Books that come back: a row of its own source publishes a book, unless an editor unpublished it by hand.

The rows of other sources, such as price lists, publish nothing. `target_book` has the state that a book gets.
"""

import asyncpg

from db.importing.options import EDITOR, ImportOptions
from db.importing.ownership import KeptField

IS_PUBLISHED = "is_published"
"""The column of `book`, and the field under which an edit of it is recorded."""

IS_EDITED = f"""EXISTS (
        SELECT FROM book_field f
        WHERE f.book_id = b.id AND f.field = '{IS_PUBLISHED}' AND f.edited_at IS NOT NULL
    )"""
"""The condition that an editor published or unpublished a book `b`."""

_KEEP_UNPUBLISHED = f"""
/* keep_unpublished_books */
UPDATE target_book b SET is_published = NULL WHERE b.is_published AND {IS_EDITED}
"""

_FORGET_EDITS = f"""
/* forget_edits_of_publishing */
DELETE FROM book_field f
WHERE f.field = '{IS_PUBLISHED}' AND f.book_id IN (
    SELECT id FROM target_book WHERE is_own AND NOT is_new UNION ALL SELECT id FROM unpublished_book
)
"""


async def keep_unpublished_books(connection: asyncpg.Connection, options: ImportOptions) -> int:
    """Keep books off sale that an editor unpublished. Return how many the feed would have published."""
    if options.overwrite_edits:
        return 0
    return int((await connection.execute(_KEEP_UNPUBLISHED)).rpartition(" ")[2])


def kept_states(books: int) -> tuple[KeptField, ...]:
    """Return how many books an editor published or unpublished, which the import would change."""
    return (KeptField(IS_PUBLISHED, EDITOR, books),) if books else ()


async def forget_publishing_edits(connection: asyncpg.Connection, options: ImportOptions) -> None:
    """Forget the edits that the import overwrites: it says of each book whether it is published."""
    if options.overwrite_edits:
        await connection.execute(_FORGET_EDITS)
