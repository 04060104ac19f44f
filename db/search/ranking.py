"""Relevance: which fields of a book have the words of a text, how well, and how many ratings the book has.

A score is a sum of points; 1,000 of them are one nat of likelihood.
"""

import math
from dataclasses import dataclass
from itertools import chain, islice, product

from db.keyset import INTEGER, SortKey
from db.search.conditions import Condition
from db.search.light_words import ARTICLES, LIGHT_WORDS
from db.search.readings import Group, Reading
from db.search.tsquery import AllOf, AnyOf, Expression, Phrase, Term, all_of, tsquery

MAX_ENUMERATED_HITS = 5_000
"""If a text matches at most this many books, their ids are passed to later statements."""

RANK_CANDIDATES = 1_000
"""Maximum number of enumerated hits that are ranked: those with the most ratings."""

RANK_CANDIDATES_BROAD_TEXT = 300
"""Maximum number of hits that are ranked if the text matches more than MAX_ENUMERATED_HITS books.

The rarer the text is among popular books, the more documents must be read to find them.
"""

MAX_TITLE_CANDIDATES = 100
"""Maximum number of hits that are ranked because their title is the text, whatever their ratings."""

RELEVANCE = SortKey("relevance", "score", INTEGER)

_AUTHORS_POINTS = 95
_BOTH_POINTS = -105
_ANYWHERE_POINTS = -916
"""Points for all words in the authors, in title and authors, and anywhere else. In the title: 0."""

_AS_TYPED_POINTS = 250
"""Points for a title with all words as typed, light words included."""

_EXACT_TITLE_POINTS = (1_500, 700)
_MAIN_TITLE_POINTS = (900, 400)
"""Points for a title, or a title up to a colon or bracket, without further words: of a text as typed, corrected."""

_TITLE_START_POINTS = 150
"""Points for a title that starts with the text."""

_UNFINISHED_POINTS = 300
"""Points that a word loses where it is longer than the typed one."""

_INFLECTION_POINTS = 500
"""Points that another form of a word loses."""

_SHORT_TITLE_POINTS = 300
"""Points for a book whose title has fewer words than a text with words of title and authors."""

_CHOICE_POINTS = 120
"""Points that a correction loses per nat of its cost above the likeliest correction's."""

_RARITY_POINTS = 100
"""Points of a word per nat of its rarity, where a book need not have all words."""


_TITLES_PER_GROUP = 4
_MAX_TITLES = 24
"""Maximum numbers of words for one of a text, and of texts, that are looked up as whole titles."""


@dataclass(frozen=True, slots=True)
class RankingValues:
    """The parameters of a score.

    `title`, `authors`, `both`, `said` and `typed` are tsqueries: all words of the reading in these fields, and in the
    title the words as typed without and with light ones. A text has `size` words and `length` letters. `choices` are tsqueries, of which the best in each of `groups` gives its `points`.
    """

    title: str = ""
    authors: str = ""
    both: str = ""
    said: str = ""
    typed: str = ""
    size: int = 0
    length: int = 0
    start: str = ""
    titles: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    points: tuple[int, ...] = ()
    groups: tuple[int, ...] = ()

    @property
    def parameters(self) -> tuple[object, ...]:
        return (
            self.titles, self.title, self.authors, self.both, self.said, self.typed, self.size, self.length, self.start,
            self.choices, self.points, self.groups,
        )  # fmt: skip


def ranking_values(reading: Reading, said: Expression, typed: Expression, text: str, catalog_books: int, documents: dict[int, int]) -> RankingValues:
    """Return the parameters of the score of a reading. `documents` are the numbers of books by place of a word."""
    full = all_of(group.expression for group in reading.groups)
    in_fields = ["", "", ""] if reading.is_partial else [tsquery(full, weights) for weights in ("A", "B", "AB")]
    choices: list[tuple[str, int, int]] = []
    for number, group in enumerate(reading.groups):
        rarity = _rarity_points(group, catalog_books, documents) if reading.is_partial else 0
        if rarity or group.choices:
            choices.append((tsquery(group.typed), rarity, number))
        cheapest = min((choice.cost for choice in group.choices), default=0.0)
        for choice in group.choices:
            penalty = round(_CHOICE_POINTS * (choice.cost - cheapest))
            if not choice.words:
                penalty += _UNFINISHED_POINTS
            if choice.is_inflection:
                penalty = _INFLECTION_POINTS
            choices.append((tsquery(choice.expression), rarity - penalty, number))
    columns = zip(*choices, strict=True) if choices else ((), (), ())
    return RankingValues(
        *in_fields,
        tsquery(said, "A"),
        tsquery(typed, "A"),
        sum(_size(group) for group in reading.groups if not group.is_light),
        len(text),
        text,
        possible_titles(reading, text),
        *map(tuple, columns),
    )


def possible_titles(reading: Reading, text: str) -> tuple[str, ...]:
    """Return the text and its likeliest corrections as sort keys of titles: folded, without a leading article."""
    words = [word for word in text.split()]
    while len(words) > 1 and words[0].lower() in ARTICLES:
        words.pop(0)
    alternatives = [
        [_typed_words(group.typed), *(choice.words for choice in group.choices if choice.words)][:_TITLES_PER_GROUP]
        for group in reading.groups
    ]
    combinations = islice(product(*alternatives), _MAX_TITLES)
    return (" ".join(words), *(" ".join(chain.from_iterable(words)) for words in combinations))


def _typed_words(expression: Expression) -> tuple[str, ...]:
    match expression:
        case Term(word):
            return (word,)
        case AllOf(parts) | AnyOf(parts):
            return tuple(word for part in parts for word in _typed_words(part))
        case Phrase(first, second):
            return (first, second)


def _size(group: Group) -> int:
    """Return the number of words of a title that the group may be."""
    return max([group.stop - group.start, *(len(choice.words) for choice in group.choices[:1])])


def _rarity_points(group: Group, catalog_books: int, documents: dict[int, int]) -> int:
    rarest = min(documents[place] for place in range(group.start, group.stop))
    return round(_RARITY_POINTS * math.log((1 + catalog_books) / (1 + rarest)))


_LIGHT = "ARRAY[" + ", ".join(f"'{word}'" for word in sorted(LIGHT_WORDS)) + "]"
_RANKING_TYPES = (
    "text[]", "tsquery", "tsquery", "tsquery", "tsquery", "tsquery", "integer", "integer", "text", "text[]", "integer[]", "integer[]",
)  # fmt: skip


def titles_condition(titles: int) -> Condition:
    """Return the condition that a title is one of the titles in parameter number `titles`."""
    return Condition(f"{{l}}.title_key = ANY (ARRAY(SELECT left(fold(t), 80) FROM unnest(${titles}::text[]) AS t))")


def score_sql(document: str, book: str, first_parameter: int) -> str:
    """Return the SQL of the score, an integer; the parameters start at number `first_parameter`."""
    _, title, authors, both, said, typed, size, length, start, choices, points, groups = (
        f"${number}::{sql_type}" for number, sql_type in enumerate(_RANKING_TYPES, first_parameter)
    )
    main_title = f"substring({book}.title_key FROM '^[^:;(]+')"
    words_of_main = (
        f"(SELECT count(*) FROM unnest(string_to_array(translate({main_title}, '-/.,!?&''', '       '), ' ')) AS w (word)"
        f" WHERE w.word <> '' AND w.word <> ALL ({_LIGHT}))"
    )
    return f"""(
        CASE
            WHEN {document} @@ {title} THEN
                CASE WHEN length({main_title}) > {length} + 16 OR {words_of_main} > {size} THEN
                    CASE WHEN starts_with({book}.title_key, fold({start})) THEN {_TITLE_START_POINTS} ELSE 0 END
                WHEN length({main_title}) >= length({book}.title_key) THEN
                    CASE WHEN {document} @@ {said} THEN {_EXACT_TITLE_POINTS[0]} ELSE {_EXACT_TITLE_POINTS[1]} END
                WHEN NOT setweight(words({main_title}), 'A') @@ {title} THEN 0
                ELSE CASE WHEN {document} @@ {said} THEN {_MAIN_TITLE_POINTS[0]} ELSE {_MAIN_TITLE_POINTS[1]} END END
                + CASE WHEN {document} @@ {typed} THEN {_AS_TYPED_POINTS} ELSE 0 END
            WHEN {document} @@ {authors} THEN {_AUTHORS_POINTS}
            WHEN {document} @@ {both} THEN
                {_BOTH_POINTS} + CASE WHEN length({main_title}) > {length} THEN 0
                                      WHEN {words_of_main} < {size} THEN {_SHORT_TITLE_POINTS} ELSE 0 END
            ELSE {_ANYWHERE_POINTS}
        END
        + round(1000 * ln(1 + ln(1 + {book}.rating_count) / 10))::integer
        + CASE WHEN cardinality({choices}) = 0 THEN 0 ELSE (
            SELECT coalesce(sum(g.points), 0) FROM (
                SELECT max(c.points) AS points
                FROM unnest({choices}, {points}, {groups}) AS c (query, points, number)
                WHERE {document} @@ c.query::tsquery GROUP BY c.number
            ) AS g
        ) END
    )::integer"""
