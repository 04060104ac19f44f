"""Corrections: what a typed word may have meant, the likeliest first."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from db.search.edit_distance import edit_distance
from db.search.tsquery import Expression, Phrase, Term
from db.search.vocabulary import Word, WordFacts

MAX_CHOICES = 10
"""Maximum number of corrections of one word that are searched."""

DISTANCE_COST = 3.0
"""The cost of one edit: a word is chosen over one that is an edit nearer if its books weigh 20 times as much."""

FIRST_LETTER_COST = 1.0
"""The additional cost of another first letter, which few people mistype."""

KNOWN_WORD_RATIO = 20
"""A word of the catalog is corrected only to words whose books weigh at least this many times as much."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A correction: the expression to search, the words that replace the typed one, and its cost in nats."""

    expression: Expression
    words: tuple[str, ...]
    cost: float


def near_choices(facts: WordFacts, *, known: bool = False) -> list[Choice]:
    """Return the words a few letters away, the likeliest first; with `known` those of a word of the catalog."""
    typed = facts.word.word
    limit = 1 if len(typed) <= 5 else 2
    least = KNOWN_WORD_RATIO * max(facts.word.weight, 1) if known else 0
    choices = [
        Choice(Term(near.word), (near.word,), _cost(typed, near, distance))
        for near in facts.near
        if near.weight >= least and (distance := edit_distance(typed, near.word, limit)) <= limit
    ]
    return cheapest(choices)


def cut_choices(facts: WordFacts) -> list[Choice]:
    """Return the pairs of words that the typed word is made of; one-letter halves are vowels or digits."""
    return cheapest(
        Choice(
            Phrase(first.word, second.word),
            (first.word, second.word),
            DISTANCE_COST - math.log(1 + min(first.weight, second.weight)),
        )
        for first, second in facts.cuts
        if all(len(half.word) > 1 or half.word in "aeiouy0123456789" for half in (first, second))
    )


def inflection_choices(facts: WordFacts) -> list[Choice]:
    """Return the inflections of the typed word."""
    return cheapest(
        Choice(Term(word.word), (word.word,), DISTANCE_COST - math.log(1 + word.weight)) for word in facts.inflections
    )


def cheapest(choices: Iterable[Choice]) -> list[Choice]:
    """Return the MAX_CHOICES choices of the lowest cost, in its order."""
    return sorted(choices, key=lambda choice: (choice.cost, choice.words))[:MAX_CHOICES]


def _cost(typed: str, word: Word, distance: int) -> float:
    other_start = FIRST_LETTER_COST if typed[0] != word.word[0] else 0.0
    return DISTANCE_COST * distance + other_start - math.log(1 + word.weight)
