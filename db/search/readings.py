"""Readings: how a text may be meant, from its words as typed to any one of them.

The first reading with a book whose title or authors have its words is the one that is searched.
"""

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from db.search.corrections import (
    JOINED_COST,
    Choice,
    cheapest,
    completion_choice,
    cut_choices,
    inflection_choices,
    near_choices,
)
from db.search.hit_limits import MAX_RANKED_HITS
from db.search.tsquery import Expression, Term, all_of, any_of, tsquery
from db.search.vocabulary import Vocabulary, WordFacts

MANY_HITS = 10
"""With fewer hits than this, inflections of the words are searched too."""

_FREQUENT_FACTOR = 10
"""A word that is in this many times as many books as the other one of two says little beside it."""


@dataclass(frozen=True, slots=True)
class Group:
    """What may be there for one or several typed words: `typed`, or one of the choices.

    `start` and `stop` are the places of the words in the text's vocabulary.
    """

    start: int
    stop: int
    typed: Expression
    choices: tuple[Choice, ...] = ()
    is_light: bool = False
    typed_documents: int = 0

    @property
    def expression(self) -> Expression:
        return any_of([self.typed, *(choice.expression for choice in self.choices)])

    @property
    def uncut(self) -> Expression:
        """The typed words and choices of one word. A phrase is checked in each document with both words."""
        return any_of([self.typed, *(choice.expression for choice in self.choices if len(choice.words) < 2)])

    @property
    def documents(self) -> int:
        """The number of books that at least have one of the words; 0 if that is unknown."""
        return max([self.typed_documents, *(choice.documents for choice in self.choices)])

    @property
    def expected_documents(self) -> int:
        """The number of books that have one of the words, if no book has two."""
        return self.typed_documents + sum(choice.documents for choice in self.choices)


@dataclass(frozen=True, slots=True)
class Reading:
    """A way to read a text: every group, or with `is_partial` all but one or any one of them.

    It is searched if at least `least_hits` books have it in title or authors. With `is_anywhere`, any field
    counts. At least `documents` books match; 0 if that is unknown.
    """

    groups: tuple[Group, ...]
    expression: Expression
    is_anywhere: bool = False
    is_partial: bool = False
    least_hits: int = 1
    documents: int = 0

    def expected_hits(self, books: int) -> float:
        """Return about how many of a catalog's books have all groups, as if these were independent."""
        return books * math.prod(min(1.0, group.expected_documents / max(books, 1)) for group in self.groups)

    @property
    def likeliest(self) -> Expression:
        """All groups, as typed or as the likeliest correction."""
        return all_of(
            any_of([group.typed, *(choice.expression for choice in group.choices[:1])])
            for group in self.groups
        )

    @property
    def is_corrected(self) -> bool:
        """Whether a word may have been replaced."""
        return any(choice.words for group in self.groups for choice in group.choices)


def readings_of(vocabulary: Vocabulary) -> list[Reading]:
    """Return the readings of a text with words in the order to try them, without repetitions.

    Of readings with the same words that follow each other, the last one asks for the least.
    """
    found: list[Reading] = []
    seen: set[tuple[str, bool, int]] = set()
    previous = ""
    for reading in _candidate_readings(vocabulary.words, _typed_groups(vocabulary.words)):
        query = tsquery(reading.expression)
        key = query, reading.is_anywhere, reading.least_hits
        if key in seen or (query == previous and reading.is_partial):
            continue
        if query == previous:
            found.pop()
        seen.add(key)
        found.append(reading)
        previous = query
    return found


def light_words(vocabulary: Vocabulary) -> Expression:
    """Return the conjunction of the light words as typed."""
    return all_of(Term(word.word.word) for word in vocabulary.words if word.is_light)


def typed_reading(vocabulary: Vocabulary) -> Reading:
    """Return the reading of the words as typed, of which the last may be unfinished."""
    return _all_groups(_drop_light(_typed_groups(vocabulary.words)))


def complete_words(vocabulary: Vocabulary) -> Expression:
    """Return the conjunction of the words as typed, none of them unfinished, without light words."""
    return all_of(group.typed for group in _drop_light(_typed_groups(vocabulary.words)))


def _typed_groups(facts: Sequence[WordFacts]) -> list[Group]:
    return [_typed_group(facts, place) for place in range(len(facts)) if facts[place].lexemes]


def _candidate_readings(facts: Sequence[WordFacts], groups: Sequence[Group]) -> Iterator[Reading]:
    typed = _all_groups(_drop_light(groups))
    joined = _drop_light(_joined_groups(facts, groups))
    if not _prefers_correction(facts[-1]):
        yield replace(typed, least_hits=MANY_HITS)
        yield _all_groups(_with_choices(facts, joined, _known_inflections))
    unknown = _with_choices(facts, joined, _unknown_choices)
    yield _or_typed(_all_groups(unknown), typed)
    yield _or_typed(_all_groups(_with_choices(facts, unknown, inflection_choices)), typed)
    yield replace(typed, is_anywhere=True)
    known = _with_choices(facts, unknown, _known_choices)
    yield Reading(
        tuple(known), any_of(_others_and(unknown, place, group) for place, group in enumerate(known))
    )
    yield from _partial_readings(facts, unknown)


def _partial_readings(facts: Sequence[WordFacts], groups: Sequence[Group]) -> Iterator[Reading]:
    """Yield the readings without some groups: all but one, then each alone, the rarest first, then any.

    Of two groups one may be so frequent that it says little: then the other one comes first.
    """
    places = range(len(groups))
    named = [place for place in places if _is_in_names(facts, groups[place])]
    left_out = [place for place in places if all(other in named for other in places if other != place)]
    fewest, most = (bound(group.documents for group in groups) for bound in (min, max))
    is_one_frequent = len(groups) == 2 and most >= max(MAX_RANKED_HITS, _FREQUENT_FACTOR * fewest)
    if len(groups) > 1 and left_out and not is_one_frequent:
        all_but_one = any_of(_others_and(groups, place) for place in left_out)
        documents = most if len(groups) == 2 else 0
        yield Reading(tuple(groups), all_but_one, is_partial=True, documents=documents)
    for group in sorted((groups[place] for place in named), key=lambda group: _documents(facts, group)):
        yield Reading(tuple(groups), group.expression, is_partial=True, documents=group.documents)
    yield Reading(
        tuple(groups),
        any_of(group.uncut if len(groups) > 1 else group.expression for group in groups),
        is_anywhere=True,
        is_partial=True,
        documents=most,
    )


def _is_in_names(facts: Sequence[WordFacts], group: Group) -> bool:
    """Return whether some title or author may have the words of a group, or one of its choices."""
    return bool(group.choices) or all(
        facts[place].word.books for place in range(group.start, group.stop) if facts[place].lexemes
    )


def _others_and(groups: Sequence[Group], place: int, *instead: Group) -> Expression:
    """Return the conjunction of the groups, without the one at a place, or with another instead of it."""
    return all_of(group.expression for group in (*groups[:place], *instead, *groups[place + 1 :]))


def _documents(facts: Sequence[WordFacts], group: Group) -> int:
    """Return the number of books with the rarest word of a group; unknown words come last."""
    return min(facts[place].word.documents or sys.maxsize for place in range(group.start, group.stop))


def _prefers_correction(last: WordFacts) -> bool:
    """Return whether the last word is likelier to be misspelt than unfinished."""
    completed = completion_choice(last).cost if last.completions.books else math.inf
    return min((choice.cost for choice in _unknown_choices(last)), default=math.inf) < completed


def _drop_light(groups: Sequence[Group]) -> Sequence[Group]:
    """Return the groups without light words, or all of them if there are no others."""
    return [group for group in groups if not group.is_light] or groups


def _all_groups(groups: Sequence[Group]) -> Reading:
    documents = groups[0].documents if len(groups) == 1 else 0
    return Reading(tuple(groups), all_of(group.expression for group in groups), documents=documents)


def _or_typed(reading: Reading, typed: Reading) -> Reading:
    """Return the reading with the books that have the words as typed in any field.

    A reading of the same groups, which may have more choices, has them already.
    """
    if [(group.start, group.stop) for group in reading.groups] == [
        (group.start, group.stop) for group in typed.groups
    ]:
        return reading
    documents = max(reading.documents, typed.documents)
    return replace(reading, expression=any_of([reading.expression, typed.expression]), documents=documents)


def _typed_group(facts: Sequence[WordFacts], place: int) -> Group:
    """Return the group of a word as typed. The last word of a text may be unfinished."""
    word = facts[place]
    typed = all_of(map(Term, word.lexemes))
    is_last = place == len(facts) - 1 and len(word.lexemes) == 1 and not word.typed.grams
    choices = (completion_choice(word),) if is_last and word.completions.books else ()
    documents = word.word.documents if len(word.lexemes) == 1 else 0
    return Group(place, place + 1, typed, choices, word.is_light, documents)


def _with_choices(
    facts: Sequence[WordFacts], groups: Sequence[Group], choices_of: Callable[[WordFacts], list[Choice]]
) -> list[Group]:
    """Return the groups with further choices, the cheapest first; groups of several words have none."""
    return [
        replace(group, choices=_merge_choices(group.choices, choices_of(facts[group.start])))
        if group.stop - group.start == 1
        else group
        for group in groups
    ]


def _merge_choices(first: Sequence[Choice], second: Sequence[Choice]) -> tuple[Choice, ...]:
    by_words = {choice.words: choice for choice in (*second, *first)}
    return tuple(sorted(by_words.values(), key=lambda choice: choice.cost))


def _unknown_choices(word: WordFacts) -> list[Choice]:
    if len(word.lexemes) > 1 or word.word.books:
        return []
    return cheapest([*near_choices(word), *cut_choices(word)])


def _known_inflections(word: WordFacts) -> list[Choice]:
    return inflection_choices(word) if word.word.books else []


def _known_choices(word: WordFacts) -> list[Choice]:
    if len(word.lexemes) > 1 or not word.word.books:
        return []
    return cheapest([*near_choices(word), *cut_choices(word)])


def _joined_groups(facts: Sequence[WordFacts], groups: Sequence[Group]) -> list[Group]:
    """Replace the groups of words that make one word together by a group that has the word as a choice.

    The longest runs come first, then those with an unknown word, then the most popular.
    """
    joins = sorted(
        ((place, size, word) for place, each in enumerate(facts) for size, word in each.joined),
        key=lambda join: (
            -join[1],
            all(facts[n].word.books for n in range(join[0], join[0] + join[1])),
            -join[2].weight,
        ),
    )
    by_start = {group.start: group for group in groups}
    taken: set[int] = set()
    for start, size, word in joins:
        places = range(start, start + size)
        members = [by_start[place] for place in places if place in by_start]
        if len(members) < size or taken & set(places):
            continue
        taken |= set(places)
        for member in members:
            del by_start[member.start]
        choice = Choice(Term(word.word), (word.word,), JOINED_COST, documents=word.documents)
        by_start[start] = Group(start, start + size, all_of(m.expression for m in members), (choice,))
    return [by_start[start] for start in sorted(by_start)]
