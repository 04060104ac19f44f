"""Relevance: how well a document matches the text, weighted by the book's number of ratings."""

from db.keyset import INTEGER, SortKey

MAX_ENUMERATED_HITS = 5_000
"""If a text matches at most this many books, their ids are passed to later statements."""

RANK_CANDIDATES = 1_000
"""Maximum number of enumerated hits that are ranked: those with the most ratings."""

RANK_CANDIDATES_BROAD_TEXT = 300
"""Maximum number of hits that are ranked if the text matches more than MAX_ENUMERATED_HITS books.

The rarer the text is among popular books, the more documents must be read to find them.
"""

_EXACT_TITLE_BONUS = 10_000_000
"""Added to the score of a book whose title equals the text, ignoring a leading article."""

RELEVANCE = SortKey("relevance", "score", INTEGER)

_WEIGHTS = "ARRAY[0.1, 0.3, 0.6, 1.0]::real[]"  # description, subtitle and categories, authors, title


def score_sql(document: str, rating_count: str, exact: str, expanded: str) -> str:
    """Return the SQL of the score, an integer. Matches of the words as typed rank before all others."""
    return (
        f"(round(1000000 * ts_rank({_WEIGHTS}, {document}, {expanded})"
        f" * (1 + ln(1 + {rating_count}) / 20))::integer"
        f" + CASE WHEN {document} @@ {exact} THEN 100000000 ELSE 0 END)"
    )


def exact_title_bonus_sql(book: str, text: str) -> str:
    """Return the SQL of the bonus for an exact title. Comparing lengths first skips most titles."""
    return (
        f"CASE WHEN length({book}.title_key) <= length(fold({text}))"
        f" AND {book}.title_key = title_sort_key({text}, {book}.language)"
        f" THEN {_EXACT_TITLE_BONUS} ELSE 0 END"
    )
