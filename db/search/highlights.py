"""Highlights: which fields of a book match a text, and the title with the matches marked."""

from collections.abc import Sequence
from dataclasses import dataclass

from db.pool import Database
from db.records import align_to_keys
from db.search.text_query import TextQuery

MARK_START, MARK_STOP = "\ue000", "\ue001"
"""Characters around a match in a title: private use characters, which are removed from titles first."""


@dataclass(frozen=True, slots=True)
class Match:
    """The fields that contain a word of the text, and the title with MARK_START and MARK_STOP around each."""

    fields: tuple[str, ...]
    title: str


_FIELDS = ("ISBN", "TITLE", "AUTHORS", "SUBTITLE", "CATEGORIES", "DESCRIPTION")

# A field matches if it contains any word: the words of a conjunction may be in different fields.
_MATCHES_BY_BOOK_IDS = f"""
/* matches_by_book_ids */
WITH text_query AS (
    SELECT replace($2::tsquery::text, ' & ', ' | ')::tsquery AS query
)
SELECT b.id, b.isbn IS NOT DISTINCT FROM $3::text AND $3::text IS NOT NULL,
       words(b.title) @@ text_query.query,
       coalesce((SELECT bool_or(words(a.name) @@ text_query.query) FROM book_author AS ba
                 JOIN author AS a ON a.id = ba.author_id WHERE ba.book_id = b.id), false),
       coalesce(words(b.subtitle) @@ text_query.query, false),
       coalesce((SELECT bool_or(words(k.path) @@ text_query.query) FROM book_category AS bc
                 JOIN category AS k ON k.id = bc.category_id WHERE bc.book_id = b.id), false),
       coalesce(words(b.description) @@ text_query.query, false),
       ts_headline('public.catalog', translate(b.title, '{MARK_START}{MARK_STOP}', ''), text_query.query,
                   'HighlightAll=true, StartSel={MARK_START}, StopSel={MARK_STOP}')
FROM book AS b CROSS JOIN text_query
WHERE b.id = ANY ($1::bigint[])
"""


async def matches_by_book_ids(
    database: Database, text_query: TextQuery, book_ids: Sequence[int]
) -> list[Match | None]:
    """Return the match of each book, or None for an unknown id."""
    rows = await database.fetch(
        _MATCHES_BY_BOOK_IDS, book_ids, text_query.tsquery, next(iter(text_query.isbns), None)
    )
    match_by_book_id = {
        book_id: Match(tuple(name for name, hit in zip(_FIELDS, hits, strict=True) if hit), title)
        for book_id, *hits, title in rows
    }
    return align_to_keys(book_ids, match_by_book_id)
