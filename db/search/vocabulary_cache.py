"""The cache of the vocabulary: what it knows about the words that were typed of late, for all requests."""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import cast

from db.database import Database
from db.search.typed_words import TypedWord
from db.search.vocabulary import Answer, Key, Vocabulary, VocabularyAnswer, Word, WordFacts, answer_keys

MAX_CACHED_WORDS = 4_000
"""Maximum number of words in a cache. A word with its corrections takes about 3 kB."""

MAX_AGE_SECONDS = 300.0
"""Time after which a word is looked up again: a title that is changed in place makes no new generation."""


class VocabularyCache:
    """What one generation of the vocabulary knows about words; the least recently used leave."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.generation = ""
        self.books = 0
        self._clock = clock
        self._answers: OrderedDict[Key, tuple[float, Answer]] = OrderedDict()

    def find(self, keys: Iterable[Key]) -> VocabularyAnswer:
        """Return the answers that are in the cache."""
        oldest = self._clock() - MAX_AGE_SECONDS
        answers: dict[Key, Answer] = {}
        for key in keys:
            stored_at, answer = self._answers.get(key, (oldest - 1, None))
            if stored_at >= oldest:
                answers[key] = answer
                self._answers.move_to_end(key)
        return VocabularyAnswer(self.generation, self.books, answers)

    def store(self, answer: VocabularyAnswer) -> None:
        """Add answers; those of another generation leave."""
        if answer.generation != self.generation:
            self.clear()
        self.generation, self.books = answer.generation, answer.books
        now = self._clock()
        for key, value in answer.answers.items():
            self._answers[key] = now, value
            self._answers.move_to_end(key)
        while len(self._answers) > MAX_CACHED_WORDS:
            self._answers.popitem(last=False)

    def clear(self) -> None:
        """Forget everything."""
        self._answers.clear()


async def words_of_text(database: Database, typed: Sequence[TypedWord], cache: VocabularyCache) -> Vocabulary:
    """Return what the vocabulary knows about the words of a text; only what is not in the cache is read."""
    joins = _possible_joins(typed)
    keys = list(
        dict.fromkeys(
            [
                *(Key("word", word.form) for word in typed[:-1]),
                Key("last word", typed[-1].form),
                *(Key("joined", form) for _, _, form in joins),
            ]
        )
    )
    found = cache.find(keys)
    missing = [key for key in keys if key not in found.answers]
    if missing:
        read = await answer_keys(database, missing)
        if found.answers and read.generation != found.generation:
            read = await answer_keys(database, keys)
        cache.store(read)
        found = replace(read, answers={**found.answers, **read.answers})
    return _vocabulary(typed, joins, found)


def _vocabulary(
    typed: Sequence[TypedWord], joins: Sequence[tuple[int, int, str]], answer: VocabularyAnswer
) -> Vocabulary:
    """Return the vocabulary of a text from the answers to its keys, with the places of its words."""
    joined_by_place: dict[int, list[tuple[int, Word]]] = {}
    for place, size, form in joins:
        word = cast("Word | None", answer.answers[Key("joined", form)])
        if word is not None:
            joined_by_place.setdefault(place, []).append((size, word))
    words: list[WordFacts] = []
    for place, word in enumerate(typed):
        key = Key("word" if place < len(typed) - 1 else "last word", word.form)
        facts = cast("WordFacts", answer.answers[key])
        words.append(replace(facts, typed=word, joined=tuple(joined_by_place.get(place, ()))))
    return Vocabulary(tuple(words), answer.books, answer.generation)


def _possible_joins(typed: Sequence[TypedWord]) -> list[tuple[int, int, str]]:
    """Return the neighbours that could be one word: their place, their number, and the word.

    These are two words, or all initials of a run.
    """
    joins = [(place, 2, a.form + b.form) for place, (a, b) in enumerate(pairwise(typed))]
    start = 0
    for place in range(len(typed) + 1):
        if place == len(typed) or len(typed[place].form) > 1:
            if place - start > 2:
                joins.append((start, place - start, "".join(word.form for word in typed[start:place])))
            start = place + 1
    return joins
