"""Text queries: a search text is read as an ISBN, as its words, or as its words with spelling correction."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from stdnum import isbn as stdnum_isbn
from stdnum.exceptions import ValidationError

from db.database import Database
from db.search.conditions import Condition, id_in, matches_tsquery
from db.search.ranking import MAX_ENUMERATED_HITS, RANK_CANDIDATES, RANK_CANDIDATES_BROAD_TEXT, score_sql
from db.statements import ReadStatement

MAX_TEXT_LENGTH = 200
"""Maximum length of a search text in characters; a longer text is cut."""

_FUZZY_BELOW_HITS = 3
"""With fewer hits than this, the query is expanded with similar words."""

_MAX_CORRECTED_WORDS = 8
"""Maximum number of words of a text for which similar words are looked up."""

_SIMILARITY_MARGIN = 0.15
"""Maximum difference in similarity to the most similar word, in the first attempt (pg_trgm, 0 to 1)."""


@dataclass(frozen=True, slots=True)
class TextQuery:
    """How a text is searched: by `isbn`, or by words.

    `exact_tsquery` matches the words as typed; the last one is a prefix. `expanded_tsquery` also matches
    similar words, or any one of the words; without expansion it equals `exact_tsquery`. `did_you_mean` is the
    corrected text: the similar words that the best hit contains.

    `book_ids` are all hits, if there are at most MAX_ENUMERATED_HITS: with ids the planner cannot misestimate
    the number of rows. `is_frequent`: at least one book in ten matches. `is_truncated`: an expanded query has
    more than RANK_CANDIDATES hits, and the rest are ignored.
    """

    text: str
    exact_tsquery: str = ""
    expanded_tsquery: str = ""
    isbn: str | None = None
    did_you_mean: str | None = None
    book_ids: tuple[int, ...] | None = None
    is_frequent: bool = False
    is_truncated: bool = False

    @property
    def condition(self) -> Condition:
        """The condition on the books that the query finds."""
        return matches_tsquery(self.expanded_tsquery) if self.book_ids is None else id_in(self.book_ids)


_SAMPLE_SIZE = 2_000
_FREQUENT_IN_SAMPLE = 200
"""A text is frequent if at least this many books of a sample of _SAMPLE_SIZE match."""

_ESTIMATE_FROM = 20
"""Minimum number of matches in the sample to estimate the hits from it.

If the estimate is at least twice MAX_ENUMERATED_HITS, the hits are not enumerated.
"""

# MATERIALIZED, because otherwise the planner expects to find the first few hits of a rare word soon.
_HITS_OF_TEXT = ReadStatement(
    "hits_of_text",
    f"""
WITH sample AS MATERIALIZED (SELECT document FROM book_search ORDER BY book_id LIMIT {_SAMPLE_SIZE}),
     sampled AS MATERIALIZED (
         SELECT count(*) AS number FROM sample WHERE document @@ search_query($1::text)
     ),
     estimate AS MATERIALIZED (
         SELECT number >= {_FREQUENT_IN_SAMPLE} AS is_frequent,
                number >= {_ESTIMATE_FROM}
                AND number * (SELECT books FROM catalog_size) >= {2 * MAX_ENUMERATED_HITS * _SAMPLE_SIZE}
                    AS is_broad
         FROM sampled
     ),
     hit AS MATERIALIZED (
         SELECT book_id FROM book_search
         WHERE document @@ search_query($1::text) AND NOT (SELECT is_broad FROM estimate)
     )
SELECT coalesce(search_query($1::text)::text, '') AS query,
       (SELECT is_frequent FROM estimate) AS is_frequent,
       (SELECT is_broad FROM estimate) AS is_broad,
       ARRAY(SELECT w.lexeme FROM unnest(words($1::text)) AS w ORDER BY w.positions[1], w.lexeme) AS words,
       ARRAY(SELECT book_id FROM hit LIMIT {MAX_ENUMERATED_HITS + 1}) AS book_ids,
       (SELECT id FROM book WHERE isbn = $2::text) AS edition
""",
    cached_plan=False,
)

_SIMILAR_WORDS = ReadStatement(
    "near_words",
    """
SELECT typed.ordinal, similar_word.word, similar_word.similarity
FROM unnest($1::text[]) WITH ORDINALITY AS typed (word, ordinal)
CROSS JOIN LATERAL (
    SELECT s.word, similarity(s.word, typed.word) AS similarity
    FROM search_word AS s
    WHERE s.word % typed.word
    ORDER BY similarity DESC, s.word
    LIMIT 9
) AS similar_word
ORDER BY typed.ordinal, similar_word.similarity DESC, similar_word.word
""",
)

_HITS_OF_QUERY = ReadStatement(
    "hits_of_query",
    f"""
WITH hit AS MATERIALIZED (SELECT book_id, document FROM book_search WHERE document @@ $1::tsquery),
     few AS MATERIALIZED (SELECT book_id, document FROM hit LIMIT {RANK_CANDIDATES + 1})
SELECT ARRAY(SELECT book_id FROM few) AS book_ids, (
    SELECT tsvector_to_array(f.document)
    FROM (SELECT book_id, document FROM few LIMIT {RANK_CANDIDATES_BROAD_TEXT}) AS f
    JOIN book AS b ON b.id = f.book_id
    ORDER BY {score_sql("f.document", "b.rating_count", "$1::tsquery", "$1::tsquery")} DESC, b.id DESC
    LIMIT 1
) AS words
""",
    cached_plan=False,
)


async def interpret_texts(database: Database, texts: Sequence[str]) -> list[TextQuery]:
    """Return the text query of each text, cut at MAX_TEXT_LENGTH characters."""
    return [await _interpret_text(database, text[:MAX_TEXT_LENGTH]) for text in texts]


async def _interpret_text(database: Database, text: str) -> TextQuery:
    isbn = parse_isbn(text)
    [hits] = await database.fetch(_HITS_OF_TEXT, text, isbn)
    if hits["edition"] is not None:
        return TextQuery(text, isbn=isbn, book_ids=(hits["edition"],))
    broad = TextQuery(text, hits["query"], hits["query"], is_frequent=hits["is_frequent"])
    if hits["is_broad"]:
        return broad
    exact = replace(broad, book_ids=_enumerate_hits(hits["book_ids"]))
    if len(hits["book_ids"]) >= _FUZZY_BELOW_HITS or not hits["words"]:
        return exact
    return await _expand_with_similar_words(database, exact, hits["words"][:_MAX_CORRECTED_WORDS])


def _enumerate_hits(book_ids: Sequence[int]) -> tuple[int, ...] | None:
    return tuple(book_ids) if len(book_ids) <= MAX_ENUMERATED_HITS else None


def parse_isbn(text: str) -> str | None:
    """Return the ISBN-13 if the whole text is an ISBN in any spelling, else None."""
    try:
        return str(stdnum_isbn.validate(text, convert=True))
    except ValidationError:
        return None


async def _expand_with_similar_words(database: Database, exact: TextQuery, words: Sequence[str]) -> TextQuery:
    """Return the query expanded with similar words, if that finds more books.

    Three attempts, until one finds more: all words or very similar ones; all words or similar ones; any word.
    A text that has hits gets the first attempt only.
    """
    similar: list[list[tuple[str, float]]] = [[] for _ in words]
    known_words: set[str] = set()
    for ordinal, word, similarity in await database.fetch(_SIMILAR_WORDS, words):
        if word == words[ordinal - 1]:
            known_words.add(word)
        else:
            similar[int(ordinal) - 1].append((word, similarity))
    closest = [
        [word, *_close_words(others, _SIMILARITY_MARGIN)] for word, others in zip(words, similar, strict=True)
    ]
    all_similar = [[word, *_close_words(others, 1.0)] for word, others in zip(words, similar, strict=True)]
    any_word = [choice[:1] if choice[0] in known_words else choice for choice in closest]
    for operator, choices in (("&", closest), ("&", all_similar), ("|", any_word)):
        expanded = f"({exact.exact_tsquery}) | ({f' {operator} '.join(_tsquery_groups(choices))})"
        [hits] = await database.fetch(_HITS_OF_QUERY, expanded)
        if len(hits["book_ids"]) > len(exact.book_ids or ()):
            corrected = [_corrected_word(choice, frozenset(hits["words"])) for choice in choices]
            should_suggest = not exact.book_ids and corrected != list(words)
            return replace(
                exact,
                expanded_tsquery=expanded,
                did_you_mean=" ".join(corrected) if should_suggest else None,
                book_ids=tuple(hits["book_ids"][:RANK_CANDIDATES]),
                is_truncated=len(hits["book_ids"]) > RANK_CANDIDATES,
            )
        if exact.book_ids:
            break
    return exact


def _close_words(similar: Sequence[tuple[str, float]], margin: float) -> list[str]:
    """Return the words whose similarity is within the margin of the most similar one's."""
    return [word for word, similarity in similar if similarity >= similar[0][1] - margin]


def _tsquery_groups(choices: Sequence[Sequence[str]]) -> list[str]:
    """Return a group of alternatives per word; the last word as typed is a prefix."""
    groups = [" | ".join(map(_quote_lexeme, choice)) for choice in choices]
    groups[-1] += f" | {_quote_lexeme(choices[-1][0])}:*"
    return [f"({group})" for group in groups]


def _corrected_word(choice: Sequence[str], words: frozenset[str]) -> str:
    """Return the first choice that is among the words, or the word as typed if none is."""
    return next((word for word in choice if word in words), choice[0])


def _quote_lexeme(word: str) -> str:
    """Return the word quoted as a lexeme of a tsquery."""
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"
