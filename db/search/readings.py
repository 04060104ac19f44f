"""Readings: how a text may be meant, from its words as typed to any one of them.

The first reading with a book whose title or authors have its words is the one that is searched.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from db.search.corrections import Choice, cheapest, cut_choices, inflection_choices, near_choices
from db.search.light_words import LIGHT_WORDS
from db.search.tsquery import Expression, Term, all_of, any_of, tsquery
from db.search.vocabulary import Vocabulary, WordFacts


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

    @property
    def expression(self) -> Expression:
        return any_of([self.typed, *(choice.expression for choice in self.choices)])


@dataclass(frozen=True, slots=True)
class Reading:
    """A way to read a text: every group, or with `is_partial` all but one or any one of them.

    `is_anywhere`: a hit in any field counts, not only in title or authors.
    """

    groups: tuple[Group, ...]
    expression: Expression
    is_anywhere: bool = False
    is_partial: bool = False

    @property
    def is_corrected(self) -> bool:
        return any(group.choices for group in self.groups)


def readings_of(vocabulary: Vocabulary) -> list[Reading]:
    """Return the readings of a text in the order to try them, without repetitions; none for no words."""
    facts = vocabulary.words
    if not any(word.lexemes for word in facts):
        return []
    groups = [_typed_group(facts, place) for place in range(len(facts)) if facts[place].lexemes]
    found: dict[str, Reading] = {}
    for reading in _candidate_readings(facts, groups):
        found.setdefault(tsquery(reading.expression) + ("*" if reading.is_anywhere else ""), reading)
    return list(found.values())


def _candidate_readings(facts: Sequence[WordFacts], groups: Sequence[Group]) -> Iterator[Reading]:
    everything = _all_groups(groups)
    said = _drop_light(groups)
    yield everything
    yield _all_groups(said)
    joined = _drop_light(_joined_groups(facts, groups))
    unknown = [_with_choices(facts, group, _unknown_choices) for group in joined]
    yield _or_anywhere(unknown, everything)
    inflected = [_with_choices(facts, group, inflection_choices) for group in unknown]
    yield _or_anywhere(inflected, everything)
    yield replace(everything, is_anywhere=True)
    yield replace(_all_groups(said), is_anywhere=True)
    known = [_with_choices(facts, group, _known_choices) for group in unknown]
    yield _all_groups(known)
    for choices in (unknown, known):
        if len(choices) > 2:
            yield Reading(
                tuple(choices),
                any_of(all_of(g.expression for g in choices if g is not left_out) for left_out in choices),
                is_partial=True,
            )
    rarest_first = sorted(unknown, key=lambda group: min(_weight(facts, group), default=0))
    for group in rarest_first:
        yield Reading(tuple(unknown), group.expression, is_partial=True)
    yield Reading(tuple(unknown), any_of(group.expression for group in unknown), is_anywhere=True, is_partial=True)


def _drop_light(groups: Sequence[Group]) -> Sequence[Group]:
    """Return the groups without light words, or all of them if there are no others."""
    return [group for group in groups if not group.is_light] or groups


def _weight(facts: Sequence[WordFacts], group: Group) -> list[int]:
    return [facts[place].word.documents or 10**9 for place in range(group.start, group.stop)]


def _all_groups(groups: Sequence[Group]) -> Reading:
    return Reading(tuple(groups), all_of(group.expression for group in groups))


def _or_anywhere(groups: Sequence[Group], everything: Reading) -> Reading:
    reading = _all_groups(groups)
    return replace(reading, expression=any_of([reading.expression, everything.expression]))


def _typed_group(facts: Sequence[WordFacts], place: int) -> Group:
    """Return the group of a word as typed; the last word of a text may be unfinished."""
    word = facts[place]
    *parts, last = word.lexemes
    is_prefix = place == len(facts) - 1 and not word.typed.grams
    typed = all_of([*map(Term, parts), Term(last, is_prefix)])
    return Group(place, place + 1, typed, is_light=word.word.word in LIGHT_WORDS)


def _with_choices(
    facts: Sequence[WordFacts], group: Group, choices_of: Callable[[WordFacts], list[Choice]]
) -> Group:
    if group.stop - group.start > 1:
        return group
    choices = {choice.words: choice for choice in (*choices_of(facts[group.start]), *group.choices)}
    return replace(group, choices=tuple(sorted(choices.values(), key=lambda choice: choice.cost)))


def _unknown_choices(word: WordFacts) -> list[Choice]:
    if len(word.lexemes) > 1 or word.word.books:
        return []
    return cheapest([*near_choices(word), *cut_choices(word)])


def _known_choices(word: WordFacts) -> list[Choice]:
    if len(word.lexemes) > 1 or not word.word.books:
        return []
    return cheapest([*near_choices(word, known=True), *cut_choices(word)])


def _joined_groups(facts: Sequence[WordFacts], groups: Sequence[Group]) -> list[Group]:
    """Replace the groups of words that make one word together by a group that has the word as a choice.

    The longest runs come first, then those with the most popular word.
    """
    joins = sorted(
        ((place, size, word) for place, each in enumerate(facts) for size, word in each.joined),
        key=lambda join: (-join[1], -join[2].weight),
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
        choice = Choice(Term(word.word), (word.word,), 0.0)
        by_start[start] = Group(start, start + size, all_of(m.expression for m in members), (choice,))
    return [by_start[start] for start in sorted(by_start)]
