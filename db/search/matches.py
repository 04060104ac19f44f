"""Where a text stands in the books it found, for the few of a page."""

from collections.abc import Sequence
from dataclasses import dataclass

from db.database import Database
from db.rows import aligned
from db.search.text import Meaning

START, STOP = "\ue000", "\ue001"
"""What begins and ends a match in a title: of the private use area, and taken out of titles before."""


@dataclass(frozen=True, slots=True)
class Match:
    """The fields that hold a word of the text, and the title with START and STOP around such words."""

    fields: tuple[str, ...]
    title: str


FIELDS = ("ISBN", "TITLE", "AUTHORS", "SUBTITLE", "CATEGORIES", "DESCRIPTION")

# Any word counts: a conjunction's words stand in different fields.
MATCHES_BY_BOOK_IDS = f"""
/* matches_by_book_ids */
WITH asked AS (
    SELECT replace($2::tsquery::text, ' & ', ' | ')::tsquery AS query
)
SELECT b.id, b.isbn IS NOT DISTINCT FROM $3::text AND $3::text IS NOT NULL,
       words(b.title) @@ asked.query,
       coalesce((SELECT bool_or(words(a.name) @@ asked.query) FROM book_author AS ba
                 JOIN author AS a ON a.id = ba.author_id WHERE ba.book_id = b.id), false),
       coalesce(words(b.subtitle) @@ asked.query, false),
       coalesce((SELECT bool_or(words(k.path) @@ asked.query) FROM book_category AS bc
                 JOIN category AS k ON k.id = bc.category_id WHERE bc.book_id = b.id), false),
       coalesce(words(b.description) @@ asked.query, false),
       ts_headline('public.catalog', translate(b.title, '{START}{STOP}', ''), asked.query,
                   'HighlightAll=true, StartSel={START}, StopSel={STOP}')
FROM book AS b CROSS JOIN asked
WHERE b.id = ANY ($1::bigint[])
"""


async def matches_by_book_ids(
    database: Database, meaning: Meaning, book_ids: Sequence[int]
) -> list[Match | None]:
    """How each book matches, None where there is no such book."""
    rows = await database.fetch(MATCHES_BY_BOOK_IDS, book_ids, meaning.wide, meaning.isbn)
    found = {
        identity: Match(tuple(name for name, hit in zip(FIELDS, hits, strict=True) if hit), title)
        for identity, *hits, title in rows
    }
    return aligned(book_ids, found)
