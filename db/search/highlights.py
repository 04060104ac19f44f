"""Highlights: which fields of a book match a text, and the title with the matches marked."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from db.database import Database
from db.records import align_to_keys
from db.search.light_words import LIGHT_WORDS
from db.search.spelling import folded, units_of
from db.search.text_query import TextQuery
from db.search.tsquery import Term, any_of, tsquery
from db.search.typed_words import TypedWord
from db.statements import ReadStatement

MARK_START, MARK_STOP = "\ue000", "\ue001"
"""Characters around a match in a title: private use characters, which are removed from titles first."""


@dataclass(frozen=True, slots=True)
class Match:
    """The fields that contain a word of the text, and the title with MARK_START and MARK_STOP around each."""

    fields: tuple[str, ...]
    title: str


_FIELDS = ("ISBN", "TITLE", "AUTHORS", "SUBTITLE", "CATEGORIES", "DESCRIPTION")

# A field matches if it contains any word: the words of a conjunction may be in different fields.
_MATCHES_BY_BOOK_IDS = ReadStatement(
    "matches_by_book_ids",
    """
SELECT b.id, b.title, coalesce(b.isbn = ANY ($3::text[]), false),
       name_words(b.title) @@ $2::tsquery,
       coalesce((SELECT bool_or(name_words(a.name) @@ $2::tsquery) FROM book_author AS ba
                 JOIN author AS a ON a.id = ba.author_id WHERE ba.book_id = b.id), false),
       coalesce(name_words(subtitle_and_series(b.subtitle, b.series)) @@ $2::tsquery, false),
       coalesce((SELECT bool_or(name_words(k.path) @@ $2::tsquery) FROM book_category AS bc
                 JOIN category AS k ON k.id = bc.category_id WHERE bc.book_id = b.id), false),
       coalesce(words(b.description) @@ $2::tsquery, false)
FROM book AS b
WHERE b.id = ANY ($1::bigint[])
""",
)


async def matches_by_book_ids(
    database: Database, text_query: TextQuery, book_ids: Sequence[int]
) -> list[Match | None]:
    """Return the match of each book, or None for an unknown id."""
    words = frozenset(text_query.ranking.words)
    unfinished = text_query.ranking.unfinished
    telling = sorted(words - LIGHT_WORDS or words)
    terms = [*map(Term, telling), *([Term(unfinished, is_prefix=True)] if unfinished else [])]
    rows = await database.fetch(_MATCHES_BY_BOOK_IDS, book_ids, tsquery(any_of(terms)), text_query.isbns)
    match_by_book_id = {
        book_id: Match(
            tuple(name for name, hit in zip(_FIELDS, hits, strict=True) if hit),
            mark_words(title, words, unfinished),
        )
        for book_id, title, *hits in rows
    }
    return align_to_keys(book_ids, match_by_book_id)


def mark_words(title: str, words: Collection[str], unfinished: str | None = None) -> str:
    """Return the title with marks around the words, and around those that start with `unfinished`."""
    title = title.translate({ord(MARK_START): None, ord(MARK_STOP): None})
    parts: list[str] = []
    end = 0
    for start, stop in _matching_spans(title, words, unfinished):
        parts += [title[end:start], MARK_START, title[start:stop], MARK_STOP]
        end = stop
    return "".join([*parts, title[end:]])


def _matching_spans(title: str, words: Collection[str], unfinished: str | None) -> Iterator[tuple[int, int]]:
    """Yield the places of the matching words; one that matches only without its signs is a single place."""
    for start, stop, joined, parts in units_of(title):
        matching = [(part.start, part.stop) for part in parts if _matches(part, words, unfinished)]
        if not matching and joined in words:
            matching = [(start, stop)]
        yield from matching


def _matches(word: TypedWord, words: Collection[str], unfinished: str | None) -> bool:
    if word.grams:
        return any(gram in words for gram in word.grams)
    form = folded(word.form)
    return form in words or (unfinished is not None and form.startswith(unfinished))
