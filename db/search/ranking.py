"""Ranking: what a text's reading is worth in the score."""

import math
from dataclasses import replace
from itertools import chain, islice, product

from db.keyset import INTEGER, SortKey
from db.search.corrections import Choice
from db.search.light_words import ARTICLES
from db.search.readings import Group, Reading, complete_words, light_words
from db.search.score import RankingValues
from db.search.tsquery import Term, all_of, tsquery, words_of
from db.search.vocabulary import Vocabulary

RELEVANCE = SortKey("relevance", "score", INTEGER)

_EXACT_TITLE_POINTS = (1_500, 1_000)
NAME_TITLE_POINTS = (900, 0)
"""Points for a title that is the text as typed, and as corrected; then the same if the text is a name."""

_UNFINISHED_POINTS = 300
"""Points that a word loses where it is longer than the typed one."""

_INFLECTION_POINTS = 1_000
"""Points that another form of a word loses."""

_CHOICE_POINTS = 200
"""Points that a correction loses per nat of its slip above the least slip.

How frequent its words are does not count: the ratings of the book do.
"""

_RARITY_POINTS = 100
"""Points of a word per nat of its rarity, where a book need not have all words."""

_TITLES_PER_GROUP = 4
_MAX_TITLES = 24
"""Maximum numbers of words for one of a text, and of texts, that are looked up as whole titles."""


def ranking_values(vocabulary: Vocabulary, reading: Reading, text: str) -> RankingValues:
    """Return the parameters of the score of a text's reading."""
    full = all_of(group.expression for group in reading.groups)
    title, authors, both = (
        "" if reading.is_partial else tsquery(full, weights) for weights in ("A", "B", "AB")
    )
    light = light_words(vocabulary)
    exact, corrected = _EXACT_TITLE_POINTS
    choices = _choice_points(vocabulary, reading)
    return RankingValues(
        titles=possible_titles(vocabulary, reading, text),
        title=title,
        authors=authors,
        both=both,
        said=tsquery(complete_words(vocabulary), "A"),
        light=tsquery(light, "A"),
        words=tuple(dict.fromkeys([*words_of(full), *words_of(light)])),
        size=_title_size(vocabulary, reading),
        unfinished=_unfinished_word(reading.groups[-1]),
        exact=exact,
        corrected=corrected,
        choices=tuple(query for query, _, _ in choices),
        points=tuple(points for _, points, _ in choices),
        groups=tuple(number for _, _, number in choices),
    )


def name_ranking(ranking: RankingValues) -> RankingValues:
    """Return the ranking of a text whose words are those of authors: a title of these words is about them."""
    exact, corrected = NAME_TITLE_POINTS
    return replace(ranking, exact=exact, corrected=corrected)


def _title_size(vocabulary: Vocabulary, reading: Reading) -> int:
    """Return the number of words, without articles, that a title of the text has at most."""
    said = sum(
        max([group.stop - group.start, *(len(choice.words) for choice in group.choices[:1])])
        for group in reading.groups
        if not group.is_light
    )
    return said + sum(word.is_light and word.word.word not in ARTICLES for word in vocabulary.words)


def _unfinished_word(last: Group) -> str | None:
    """Return the last word of a text if longer words count as it."""
    is_completed = any(not choice.words for choice in last.choices)
    return last.typed.word if is_completed and isinstance(last.typed, Term) else None


def _choice_points(vocabulary: Vocabulary, reading: Reading) -> list[tuple[str, int, int]]:
    """Return the tsquery of each word that a group may be, its points, and the number of the group."""
    choices: list[tuple[str, int, int]] = []
    for number, group in enumerate(reading.groups):
        rarity = _rarity_points(vocabulary, group) if reading.is_partial else 0
        if rarity or group.choices:
            choices.append((tsquery(group.typed), rarity, number))
        choices += [
            (tsquery(choice.expression), rarity - _penalty(choice, group), number) for choice in group.choices
        ]
    return choices


def _penalty(choice: Choice, group: Group) -> int:
    if choice.is_inflection:
        return _INFLECTION_POINTS
    penalty = round(_CHOICE_POINTS * (choice.slip - min(each.slip for each in group.choices)))
    return penalty if choice.words else penalty + _UNFINISHED_POINTS


def _rarity_points(vocabulary: Vocabulary, group: Group) -> int:
    rarest = min(word.word.documents for word in vocabulary.words[group.start : group.stop])
    return round(_RARITY_POINTS * math.log((1 + vocabulary.books) / (1 + rarest)))


def possible_titles(vocabulary: Vocabulary, reading: Reading, text: str) -> tuple[str, ...]:
    """Return the text and its likeliest corrections as titles: folded, without leading articles."""
    parts: list[list[tuple[str, ...]]] = []
    by_start = {group.start: group for group in reading.groups}
    place = 0
    while place < len(vocabulary.words):
        group = by_start.get(place, Group(place, place + 1, all_of(())))
        typed = tuple(
            lexeme for word in vocabulary.words[group.start : group.stop] for lexeme in word.lexemes
        )
        corrected = [choice.words for choice in group.choices if choice.words]
        parts.append([typed, *corrected][:_TITLES_PER_GROUP])
        place = group.stop
    texts = [list(chain.from_iterable(words)) for words in islice(product(*parts), _MAX_TITLES)]
    titles = [_without_articles(words) for words in [*texts, text.lower().split()]]
    return tuple(dict.fromkeys(title for title in titles if title))


def _without_articles(words: list[str]) -> str:
    start = next((n for n, word in enumerate(words[:-1]) if word not in ARTICLES), len(words) - 1)
    return " ".join(words[start:])
