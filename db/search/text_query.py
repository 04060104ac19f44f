"""Text queries: a search text is read as ISBNs, or as words, which may be misspelt, joined or split."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from db.database import Database
from db.search.conditions import Condition, id_in, matches_tsquery
from db.search.did_you_mean import corrected_text
from db.search.hit_limits import MAX_LISTED_HITS, MAX_RANKED_HITS
from db.search.popularity_tiers import names_in_tiers
from db.search.ranking import name_ranking, ranking_values
from db.search.reading_hits import first_reading_with_hits
from db.search.readings import Reading, readings_of, typed_reading
from db.search.score import NO_RANKING, RankingValues
from db.search.spelling import spelled_words
from db.search.tsquery import NO_WORDS, Expression, tsquery
from db.search.typed_words import TypedWord, clean_text, find_isbns, find_words
from db.search.vocabulary import Vocabulary
from db.search.vocabulary_cache import VocabularyCache, words_of_text
from db.statements import ReadStatement

MAX_TEXT_LENGTH = 200
"""Maximum length of a search text in characters; a longer text is cut."""


@dataclass(frozen=True, slots=True)
class TextQuery:
    """How a text is searched: by ISBN, or by the words of a reading.

    The books of the reading have the words of `expression`. `did_you_mean` is the corrected text: what the
    best hit has.

    `book_ids` are all hits, if they are known: with ids the planner cannot misestimate the number of rows. If
    there are at most MAX_RANKED_HITS, the best come first and `scores` are their scores, otherwise the most
    popular come first. `popular_ids` are MAX_POPULAR_HITS of the most popular of further hits, if known.
    `is_frequent`: at least one book in ten matches.
    """

    text: str
    expression: Expression = NO_WORDS
    ranking: RankingValues = NO_RANKING
    isbns: tuple[str, ...] = ()
    did_you_mean: str | None = None
    book_ids: tuple[int, ...] | None = None
    scores: tuple[int, ...] | None = None
    popular_ids: tuple[int, ...] | None = None
    is_frequent: bool = False

    @property
    def tsquery(self) -> str:
        """The tsquery that matches the books of the reading."""
        return tsquery(self.expression)

    @property
    def named(self) -> str:
        """The tsquery of the books that have the words in title or authors."""
        return tsquery(self.expression, "AB")

    @property
    def named_in_tiers(self) -> tuple[str, ...]:
        """The tsqueries that find the same books by their tiers of popularity."""
        return names_in_tiers(self.expression)

    @property
    def condition(self) -> Condition:
        """The condition on the books that the query finds."""
        return matches_tsquery(self.tsquery) if self.book_ids is None else id_in(self.book_ids)


_BOOKS_BY_ISBNS = ReadStatement(
    "book_ids_by_isbns",
    """
SELECT id, rating_count FROM book WHERE isbn = ANY ($1::text[]) AND is_published ORDER BY id
""",
)


async def interpret_texts(
    database: Database, texts: Sequence[str], cache: VocabularyCache | None = None
) -> list[TextQuery]:
    """Return the text query of each text, cut at MAX_TEXT_LENGTH characters.

    If the words of a text are in the cache, one statement reads the hits, or none if the text is frequent.
    """
    cache = cache or VocabularyCache()
    return [await _interpret_text(database, text[:MAX_TEXT_LENGTH], cache) for text in texts]


async def _interpret_text(database: Database, text: str, cache: VocabularyCache) -> TextQuery:
    isbns, words = find_isbns(clean_text(text))
    editions = await database.fetch(_BOOKS_BY_ISBNS, isbns) if isbns else []
    if editions:
        ids, ratings = zip(*editions, strict=True)
        return TextQuery(text, isbns=tuple(isbns), book_ids=ids, scores=ratings)
    typed = find_words(words)
    query, vocabulary, generation = await _interpret_words(database, text, words, typed, cache)
    if generation != vocabulary.generation:
        cache.clear()
        query, _, _ = await _interpret_words(database, text, words, typed, cache)
    return query


async def _interpret_words(
    database: Database, text: str, words: str, typed: Sequence[TypedWord], cache: VocabularyCache
) -> tuple[TextQuery, Vocabulary, str]:
    """Return the text query, the vocabulary that it is made with, and the generation of the catalog's."""
    vocabulary = await words_of_text(database, typed, cache) if typed else Vocabulary()
    if not any(word.lexemes for word in vocabulary.words):
        return TextQuery(text, book_ids=(), scores=()), vocabulary, vocabulary.generation
    estimate = _estimated_hits(vocabulary)
    if estimate <= MAX_LISTED_HITS:
        query, generation = await _search_readings(database, text, words, vocabulary)
        return query, vocabulary, generation
    reading = typed_reading(vocabulary)
    ranking = ranking_values(vocabulary, reading, words)
    is_frequent = estimate * 10 >= vocabulary.books
    query = TextQuery(text, reading.expression, ranking, is_frequent=is_frequent)
    return query, vocabulary, vocabulary.generation


async def _search_readings(
    database: Database, text: str, words: str, vocabulary: Vocabulary
) -> tuple[TextQuery, str]:
    """Return the query of the first reading that has hits, or of the words as typed, and the generation."""
    readings = _until_many_hits(readings_of(vocabulary))
    exact = typed_reading(vocabulary).expression
    rankings = [ranking_values(vocabulary, reading, words) for reading in readings]
    found = await first_reading_with_hits(database, readings, rankings, tsquery(exact), vocabulary.books)
    if found.number is None and readings[-1].documents >= MAX_RANKED_HITS:
        found = replace(found, number=len(readings) - 1)
    if found.number is None:
        return TextQuery(text, exact, book_ids=(), scores=()), found.generation
    reading, ranking = readings[found.number], rankings[found.number]
    ids = None if found.ids is None else tuple(found.ids)
    query = TextQuery(
        text,
        reading.expression,
        name_ranking(ranking) if found.names_authors else ranking,
        book_ids=None if found.has_more else ids,
        scores=None if found.scores is None else tuple(found.scores),
        popular_ids=ids if found.has_more else None,
        is_frequent=reading.documents * 10 >= vocabulary.books,
    )
    if found.texts_of_best is not None:
        spellings = spelled_words(filter(None, found.texts_of_best))
        query = replace(query, did_you_mean=corrected_text(words, vocabulary, reading, spellings))
    return query, found.generation


def _until_many_hits(readings: Sequence[Reading]) -> list[Reading]:
    """Return the readings up to the first one that has too many hits to be ranked for sure."""
    few = list(takewhile(lambda reading: reading.documents < MAX_RANKED_HITS, readings))
    return [*few, *readings[len(few) : len(few) + 1]]


def _estimated_hits(vocabulary: Vocabulary) -> float:
    """Return about how many books have the words of a text, as if the words were independent."""
    last = vocabulary.words[-1]
    shares = [
        (word.word.documents + (last.completions.documents if word is last else 0)) / max(vocabulary.books, 1)
        for word in vocabulary.words
        if not word.is_light or len(vocabulary.words) == 1
    ]
    return vocabulary.books * math.prod(min(1.0, share) for share in shares)
