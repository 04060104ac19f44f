"""Prefixes: what was typed so far as beginnings of words, and what it may have been meant to be."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

from db.database import Database
from db.search.corrections import near_choices
from db.search.folding import fold
from db.search.light_words import ARTICLES, LIGHT_WORDS
from db.search.tsquery import Expression, Term, all_of, any_of
from db.search.typed_words import TypedWord, clean_text, find_words, grams_of
from db.search.vocabulary import Key, Vocabulary
from db.search.vocabulary_cache import VocabularyCache, words_of_text
from db.statements import ReadStatement

_ALPHABETS = (
    "abcdefghijklmnopqrstuvwxyz0123456789",
    "абвгдеежзийклмнопрстуфхцчшщъыьэюя",
    "αβγδεζηθικλμνξοπρστυφχψω",
)
_MIN_CORRECTED_LENGTH = 3
_MIN_INDEXED_LENGTH = 3
_MIN_POPULAR_LENGTH = 2
"""After other words, a beginning of fewer letters is not looked up: very many words begin so.

The second number is that for the popular tiers, whose lists of books are short.
"""

_FIRST_POPULAR_TIER = 3
_FIRST_LIGHT_TIER = 4
"""The first popular tier, and the first one in which a last word that says little is looked up."""

_MAX_EDITED_LENGTH = 12
_MAX_EDITS = 8
"""Maximum number of corrections of the last word."""

_KNOWN_BOOKS = 10
"""A single beginning of words that this many books have is not misspelt."""

_EXISTING_PREFIXES = ReadStatement(
    "existing_prefixes",
    f"""
WITH typed AS MATERIALIZED (
    SELECT $4::boolean AND coalesce(sum(w.books), 0) >= {_KNOWN_BOOKS} AS is_known FROM (
        SELECT s.books FROM search_word AS s
        WHERE s.word >= $3::text AND s.word < $3::text || chr(1114111) LIMIT 100
    ) AS w
)
SELECT edited.prefix
FROM (
    SELECT $3::text AS prefix UNION SELECT unnest($1::text[]) WHERE NOT (SELECT is_known FROM typed)
) AS edited
CROSS JOIN LATERAL (
    SELECT sum(w.books + 30 * w.popular_books) AS weight FROM (
        SELECT s.books, s.popular_books FROM search_word AS s
        WHERE s.word >= edited.prefix AND s.word < edited.prefix || chr(1114111) AND s.books > 0 LIMIT 100
    ) AS w
) AS found
WHERE found.weight > 0
ORDER BY edited.prefix = $3::text DESC, found.weight DESC, edited.prefix
LIMIT $2::integer
""",
)


@dataclass(frozen=True, slots=True)
class Prefix:
    """The words typed so far, folded, each with its alternatives. Those of the last one are beginnings."""

    words: tuple[tuple[str, ...], ...]

    @property
    def expression(self) -> Expression:
        """Every word, the last one as a beginning."""
        return self._expression("", with_last=True)

    def indexed_expression(self, tier: int) -> Expression:
        """Return the words to look up in an index of suggestions, each behind the digit of a tier."""
        return self._expression(str(tier), with_last=self.is_looked_up(tier))

    def is_looked_up(self, tier: int) -> bool:
        """Return whether the last word is looked up: after others, not if it is short or says little."""
        last = self.words[-1]
        if len(self.words) == 1 or grams_of(last[0]):
            return True
        if last[0] in LIGHT_WORDS and tier < _FIRST_LIGHT_TIER:
            return False
        is_popular = tier >= _FIRST_POPULAR_TIER
        return min(map(len, last)) >= (_MIN_POPULAR_LENGTH if is_popular else _MIN_INDEXED_LENGTH)

    def _expression(self, digit: str, *, with_last: bool) -> Expression:
        *whole, last = self.words
        parts = [any_of(_term(digit, word) for word in words) for words in whole]
        if with_last:
            parts.append(any_of(_term(digit, word, is_prefix=True) for word in last))
        return all_of(parts)

    @property
    def length(self) -> int:
        """The number of letters of the words as typed."""
        return sum(len(alternatives[0]) for alternatives in self.words)

    @property
    def word_patterns(self) -> list[str]:
        """A regular expression per word, which matches at the beginning of a word."""
        return [
            _any_pattern(words) if grams_of(words[0]) else rf"\m{_any_pattern(words)}" for words in self.words
        ]

    @property
    def text_pattern(self) -> str:
        """A regular expression of the words in their order, with any signs between them."""
        start = "" if grams_of(self.words[0][0]) else r"\m"
        return start + r"[^[:alnum:]]+".join(map(_any_pattern, self.words))


def _term(digit: str, word: str, *, is_prefix: bool = False) -> Expression:
    grams = grams_of(word)
    return all_of(Term(digit + gram) for gram in grams) if grams else Term(digit + word, is_prefix)


def _any_pattern(alternatives: Sequence[str]) -> str:
    return f"(?:{'|'.join(map(_pattern, alternatives))})"


def _pattern(word: str) -> str:
    """Return a word's regular expression: it may have an apostrophe, and dots between initials."""
    between = r"[.\s]*" if len(word) <= 3 else "'?"
    return between.join(re.escape(letter) for letter in word)


def read_prefix(text: str) -> Prefix | None:
    """Return the words of a typed text, without leading articles; None if it has none."""
    words = _typed_words(text)
    return Prefix(tuple((fold(word.form),) for word in words)) if words else None


async def correct_prefix(database: Database, text: str, cache: VocabularyCache) -> Prefix | None:
    """Return what a text with a misspelt word may have been meant to be; None for no idea."""
    words = _typed_words(text)
    vocabulary = await words_of_text(database, words[:-1], cache) if words[:-1] else Vocabulary()
    corrected = [
        (fold(facts.typed.form), *(word for choice in near_choices(facts) for word in choice.words))
        for facts in vocabulary.words
    ]
    last = fold(words[-1].form)
    if _MIN_CORRECTED_LENGTH - bool(corrected) <= len(last) <= _MAX_EDITED_LENGTH:
        endings = await _existing_endings(database, last, cache, is_only=not corrected)
    else:
        endings = (last,)
    return Prefix((*corrected, endings)) if endings and all(corrected) else None


async def _existing_endings(
    database: Database, last: str, cache: VocabularyCache, *, is_only: bool
) -> tuple[str, ...]:
    """Return the beginnings that a last word may be meant to be, the likeliest first."""
    key = Key("only beginning" if is_only else "beginning", last)
    known = cache.find([key]).answers
    if key in known:
        return cast("tuple[str, ...]", known[key])
    rows = await database.fetch(_EXISTING_PREFIXES, sorted(edits(last)), _MAX_EDITS, last, is_only)
    endings = tuple(row[0] for row in rows)
    cache.store(replace(cache.find([]), answers={key: endings}))
    return endings


def _typed_words(text: str) -> list[TypedWord]:
    words = find_words(clean_text(text))
    start = next((n for n, word in enumerate(words[:-1]) if fold(word.form) not in ARTICLES), len(words) - 1)
    return words[max(start, 0) :]


def edits(word: str) -> set[str]:
    """Return the word and all words that are one edit away."""
    letters = next((alphabet for alphabet in _ALPHABETS if word[0] in alphabet), "")
    parts = [(word[:place], word[place:]) for place in range(len(word) + 1)]
    return {
        word,
        *(start + rest[1:] for start, rest in parts if rest),
        *(start + rest[1] + rest[0] + rest[2:] for start, rest in parts if len(rest) > 1),
        *(start + letter + rest[1:] for start, rest in parts if rest for letter in letters),
        *(start + letter + rest for start, rest in parts for letter in letters),
    }
