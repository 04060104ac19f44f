"""Text queries: a search text is read as ISBNs, or as words, which may be misspelt, joined or split."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from db.database import Database
from db.search.conditions import Condition, id_in, matches_tsquery
from db.search.ranking import MAX_ENUMERATED_HITS, RANK_CANDIDATES, ranking_values
from db.search.readings import Reading, readings_of, typed_reading
from db.search.score import NO_RANKING, RankingValues, scored_sql, titles_condition
from db.search.spelling import spelled_words
from db.search.tsquery import tsquery
from db.search.typed_words import clean_text, find_isbns, find_words
from db.search.vocabulary import Vocabulary, words_of_text
from db.statements import ReadStatement

MAX_TEXT_LENGTH = 200
"""Maximum length of a search text in characters; a longer text is cut."""


@dataclass(frozen=True, slots=True)
class TextQuery:
    """How a text is searched: by ISBN, or by the words of a reading.

    `tsquery` matches the books of the reading. `did_you_mean` is the corrected text: what the best hit has.

    `book_ids` are all hits, if there are at most MAX_ENUMERATED_HITS: with ids the planner cannot misestimate
    the number of rows. `is_frequent`: at least one book in ten matches.
    """

    text: str
    tsquery: str = ""
    ranking: RankingValues = NO_RANKING
    isbns: tuple[str, ...] = ()
    did_you_mean: str | None = None
    book_ids: tuple[int, ...] | None = None
    is_frequent: bool = False

    @property
    def condition(self) -> Condition:
        """The condition on the books that the query finds."""
        return matches_tsquery(self.tsquery) if self.book_ids is None else id_in(self.book_ids)


_SAMPLED_HITS = 200
"""Number of hits that show whether a text is a name: more have it in the authors than in the title."""

_BOOKS_BY_ISBNS = ReadStatement(
    "book_ids_by_isbns",
    """
SELECT id FROM book WHERE isbn = ANY ($1::text[]) ORDER BY id
""",
)

# The rows are read in the order of the readings, and no further than the first one with a hit.
_HITS_OF_READINGS = ReadStatement(
    "hits_of_readings",
    f"""
SELECT reading.n::integer, found.ids, found.has_exact, found.names_authors
FROM unnest($1::text[], $2::text[], $4::integer[], $5::text[], $6::text[]) WITH ORDINALITY
    AS reading (query, named, least, title, authors, n)
CROSS JOIN LATERAL (
    WITH hit AS MATERIALIZED (
        SELECT book_id, document FROM book_search
        WHERE document @@ reading.query::tsquery LIMIT {MAX_ENUMERATED_HITS + 1}
    )
    SELECT ARRAY(SELECT book_id FROM hit) AS ids,
           ARRAY(SELECT 1 FROM hit WHERE document @@ reading.named::tsquery LIMIT reading.least) AS named,
           EXISTS (SELECT FROM hit WHERE document @@ $3::tsquery) AS has_exact,
           (SELECT count(*) FILTER (WHERE document @@ reading.authors::tsquery)
                   > count(*) FILTER (WHERE document @@ reading.title::tsquery)
            FROM (SELECT document FROM hit LIMIT {_SAMPLED_HITS}) AS sampled) AS names_authors
) AS found
WHERE cardinality(found.named) >= reading.least
LIMIT 1
""",
    cached_plan=False,
)

_BEST_HIT = ReadStatement(
    "best_hit",
    f"""
WITH hit AS MATERIALIZED (SELECT unnest($1::bigint[]) AS id),
candidate AS (
    (SELECT b.id FROM hit JOIN book AS b USING (id)
     ORDER BY b.rating_count DESC, b.id DESC LIMIT {RANK_CANDIDATES})
    UNION
    (SELECT b.id FROM hit JOIN book AS b USING (id)
     WHERE {titles_condition(2).sql.replace("{l}", "b")})
)
SELECT ARRAY[b.title, b.subtitle] || ARRAY(
           SELECT a.name FROM book_author AS ba JOIN author AS a ON a.id = ba.author_id
           WHERE ba.book_id = b.id ORDER BY ba.position
       ) AS texts
FROM ({scored_sql("candidate", 2)}) AS scored JOIN book AS b ON b.id = scored.id
ORDER BY scored.key DESC, scored.id DESC
LIMIT 1
""",
    cached_plan=False,
)


async def interpret_texts(database: Database, texts: Sequence[str]) -> list[TextQuery]:
    """Return the text query of each text, cut at MAX_TEXT_LENGTH characters."""
    return [await _interpret_text(database, text[:MAX_TEXT_LENGTH]) for text in texts]


async def _interpret_text(database: Database, text: str) -> TextQuery:
    isbns, words = find_isbns(clean_text(text))
    editions = [row[0] for row in await database.fetch(_BOOKS_BY_ISBNS, isbns)] if isbns else []
    if editions:
        return TextQuery(text, isbns=tuple(isbns), book_ids=tuple(editions))
    typed = find_words(words)
    vocabulary = await words_of_text(database, typed) if typed else Vocabulary()
    if not any(word.lexemes for word in vocabulary.words):
        return TextQuery(text, book_ids=())
    estimate = _estimated_hits(vocabulary)
    if estimate >= 2 * MAX_ENUMERATED_HITS:
        reading = typed_reading(vocabulary)
        ranking = ranking_values(vocabulary, reading, words)
        return TextQuery(
            text, tsquery(reading.expression), ranking, is_frequent=estimate * 10 >= vocabulary.books
        )
    return await _find_reading(database, text, words, vocabulary)


async def _find_reading(database: Database, text: str, words: str, vocabulary: Vocabulary) -> TextQuery:
    """Return the query of the first reading that has hits; of the words as typed if none has."""
    readings = readings_of(vocabulary)
    exact = tsquery(typed_reading(vocabulary).expression)
    rows = await database.fetch(
        _HITS_OF_READINGS,
        [tsquery(reading.expression) for reading in readings],
        [tsquery(reading.expression, "" if reading.is_anywhere else "AB") for reading in readings],
        exact,
        [reading.least_hits for reading in readings],
        [tsquery(reading.likeliest, "A") for reading in readings],
        [tsquery(reading.likeliest, "B") for reading in readings],
    )
    if not rows:
        return TextQuery(text, exact, book_ids=())
    number: int
    ids: list[int]
    [(number, ids, has_exact, names_authors)] = rows
    reading = readings[number - 1]
    ranking = ranking_values(vocabulary, reading, words, names_authors=names_authors)
    query = TextQuery(
        text,
        tsquery(reading.expression),
        ranking,
        book_ids=tuple(ids) if len(ids) <= MAX_ENUMERATED_HITS else None,
    )
    if has_exact or not reading.is_corrected:
        return query
    [(texts,)] = await database.fetch(_BEST_HIT, ids, *ranking.parameters)
    return replace(
        query, did_you_mean=corrected_text(words, vocabulary, reading, spelled_words(filter(None, texts)))
    )


def _estimated_hits(vocabulary: Vocabulary) -> float:
    """Return about how many books have the words of a text, as if the words were independent."""
    last = vocabulary.words[-1]
    shares = [
        (word.word.documents + (last.completions.documents if word is last else 0)) / max(vocabulary.books, 1)
        for word in vocabulary.words
        if not word.is_light or len(vocabulary.words) == 1
    ]
    return vocabulary.books * math.prod(min(1.0, share) for share in shares)


def corrected_text(
    text: str, vocabulary: Vocabulary, reading: Reading, spellings: Mapping[str, str]
) -> str | None:
    """Return the text with the corrections that the best hit has, in its spelling; None without any.

    The words that need no correction are in the spelling of the best hit, too.
    """
    corrected: dict[int, tuple[int, tuple[str, ...]]] = {}
    typed = {lexeme for word in vocabulary.words for lexeme in word.lexemes}
    for group in reading.groups:
        facts = vocabulary.words[group.start : group.stop]
        if all(lexeme in spellings for word in facts for lexeme in word.lexemes):
            continue
        found = [
            choice.words for choice in group.choices if choice.words and spellings.keys() >= set(choice.words)
        ]
        if found:
            # A word that is typed elsewhere is not the one that is meant here.
            corrected[group.start] = group.stop, min(found, key=lambda words: not typed.isdisjoint(words))
    if not corrected:
        return None
    return _respell(text, vocabulary, corrected, spellings)


def _respell(
    text: str,
    vocabulary: Vocabulary,
    corrected: Mapping[int, tuple[int, tuple[str, ...]]],
    spellings: Mapping[str, str],
) -> str:
    """Return the text with other words from the place of the first typed one to that of the last."""
    parts: list[str] = []
    end = place = 0
    while place < len(vocabulary.words):
        first = vocabulary.words[place]
        stop, words = corrected.get(place, (place + 1, first.lexemes))
        last = vocabulary.words[stop - 1]
        if stop > place + 1 or place in corrected or (len(words) == 1 and words[0] in spellings):
            parts += [text[end : first.typed.start], " ".join(spellings[word] for word in words)]
            end = last.typed.stop
        place = stop
    return " ".join("".join([*parts, text[end:]]).split())
