"""Corrections: what a typed word may have meant, the likeliest first."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from db.search.light_words import LIGHT_WORDS
from db.search.tsquery import AllOf, Expression, Phrase, Term, any_of
from db.search.vocabulary import NearWord, Word, WordFacts

MAX_CHOICES = 16
"""Maximum number of corrections of one word that are searched."""

MAX_EXTRA_COST = 8.0
"""Corrections that cost more than the likeliest one and this are not searched."""

DISTANCE_COST = 5.0
"""The cost of one edit: a word is chosen over one an edit nearer if its books weigh 150 times as much."""

INFLECTION_COST = 3.0
"""The cost of another form of the word."""

UMLAUT_COST = 1.0
"""The cost of an umlaut that is written out."""

CUT_COST = 4.0
SHORT_HALF_COST = 3.0
"""The costs of a space that is missing, and of a half of one or two letters."""

JOINED_COST = 0.0
"""The cost of neighbours that are one word."""

COMPLETION_COST = 2.0
"""The cost of a word that is longer than the typed one, which may be unfinished."""

_MAX_COMPLETED_BOOKS = 5_000
"""Maximum number of books with a typed word, or one that starts so, for which all these words are searched.

The index collects the books of all words that start so before it looks at the other words of the text.
"""

FIRST_LETTER_COST = 1.0
"""The additional cost of another first letter, which few people mistype."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A correction: the expression to search, and the words that replace the typed one.

    `slip` is the cost of the slip in nats, and `cost` that of the correction, less if its words are frequent.
    At least `documents` books match; 0 if that is unknown.
    """

    expression: Expression
    words: tuple[str, ...]
    cost: float
    slip: float = 0.0
    is_inflection: bool = False
    documents: int = 0


def near_choices(facts: WordFacts) -> list[Choice]:
    """Return the words a few letters away, the likeliest first."""
    return cheapest(
        Choice(
            Term(near.word.word),
            (near.word.word,),
            slip - math.log(1 + near.word.weight),
            slip,
            documents=near.word.documents,
        )
        for near in facts.near
        for slip in [_slip_cost(facts.word.word, near)]
    )


def cut_choices(facts: WordFacts) -> list[Choice]:
    """Return the pairs of words that the typed word is made of; one-letter halves are vowels or digits."""
    return cheapest(
        Choice(
            Phrase(first.word, second.word)
            if min(len(first.word), len(second.word)) < 3
            else AllOf((Term(first.word), Term(second.word))),
            (first.word, second.word),
            slip - math.log(1 + min(first.weight, second.weight)),
            slip,
        )
        for first, second in facts.cuts
        for slip in [CUT_COST + _shortness(first) + _shortness(second)]
        if all(len(half.word) > 1 or half.word in "aeiouy0123456789" for half in (first, second))
    )


def _shortness(half: Word) -> float:
    """Return the cost of a half of one or two letters, unless it is a frequent word or a number."""
    return (
        SHORT_HALF_COST
        if len(half.word) < 3 and half.word not in LIGHT_WORDS and not half.word.isdigit()
        else 0.0
    )


def completion_choice(facts: WordFacts) -> Choice:
    """Return the choice of a word that starts with the typed one: any, or the likeliest if there are many."""
    many = facts.word.documents + facts.completions.documents > _MAX_COMPLETED_BOOKS
    return Choice(
        any_of(map(Term, facts.completed)) if many else Term(facts.word.word, is_prefix=True),
        (),
        COMPLETION_COST - math.log(1 + facts.completions.weight),
        COMPLETION_COST,
    )


def inflection_choices(facts: WordFacts) -> list[Choice]:
    """Return the inflections of the typed word."""
    return cheapest(
        Choice(
            Term(word.word),
            (word.word,),
            INFLECTION_COST - math.log(1 + word.weight),
            INFLECTION_COST,
            is_inflection=True,
            documents=word.documents,
        )
        for word in facts.inflections
        if word.word not in LIGHT_WORDS and facts.word.word not in LIGHT_WORDS
    )


def cheapest(choices: Iterable[Choice]) -> list[Choice]:
    """Return at most MAX_CHOICES choices by ascending cost, each at most MAX_EXTRA_COST above the first."""
    found = sorted(choices, key=lambda choice: (choice.cost, choice.words))[:MAX_CHOICES]
    return [choice for choice in found if choice.cost <= found[0].cost + MAX_EXTRA_COST]


def _slip_cost(typed: str, near: NearWord) -> float:
    word = near.word.word
    if word == typed.replace("ae", "a").replace("oe", "o").replace("ue", "u"):
        return UMLAUT_COST
    return DISTANCE_COST * near.distance + (FIRST_LETTER_COST if typed[0] != word[0] else 0.0)
