"""Relevance: which fields of a book have the words of a text, how well, and how many ratings the book has.

A score is a sum of points; 1,000 of them are one nat of likelihood.
"""

import math
from dataclasses import dataclass

from db.keyset import INTEGER, SortKey
from db.search.light_words import LIGHT_WORDS
from db.search.readings import Group, Reading
from db.search.tsquery import all_of, tsquery

MAX_ENUMERATED_HITS = 5_000
"""If a text matches at most this many books, their ids are passed to later statements."""

RANK_CANDIDATES = 1_000
"""Maximum number of enumerated hits that are ranked: those with the most ratings."""

RANK_CANDIDATES_BROAD_TEXT = 300
"""Maximum number of hits that are ranked if the text matches more than MAX_ENUMERATED_HITS books.

The rarer the text is among popular books, the more documents must be read to find them.
"""

RELEVANCE = SortKey("relevance", "score", INTEGER)

_AUTHORS_POINTS = 95
_BOTH_POINTS = -105
_ANYWHERE_POINTS = -916
"""Points for all words in the authors, in title and authors, and anywhere else. In the title: 0."""

_AS_TYPED_POINTS = 60
"""Points for a title with all words as typed, light words included."""

_EXACT_TITLE_POINTS = (1_500, 700)
_MAIN_TITLE_POINTS = (900, 400)
"""Points for a title, or a title up to a colon or bracket, without further words: of a text as typed, corrected."""

_TITLE_START_POINTS = 150
"""Points for a title that starts with the text."""

_CHOICE_POINTS = 120
"""Points that a correction loses per nat of its cost above the likeliest correction's."""

_RARITY_POINTS = 100
"""Points of a word per nat of its rarity, where a book need not have all words."""


@dataclass(frozen=True, slots=True)
class RankingValues:
    """The parameters of a score.

    `title`, `authors`, `both` and `typed` are tsqueries. The books of a text with `length` letters and `size` words
    have the title points. `choices` are tsqueries, of which the best in each of `groups` gives its `points`.
    """

    title: str = ""
    authors: str = ""
    both: str = ""
    typed: str = ""
    size: int = 0
    length: int = 0
    start: str = ""
    is_corrected: bool = False
    choices: tuple[str, ...] = ()
    points: tuple[int, ...] = ()
    groups: tuple[int, ...] = ()

    @property
    def parameters(self) -> tuple[object, ...]:
        exact, main = (points[self.is_corrected] for points in (_EXACT_TITLE_POINTS, _MAIN_TITLE_POINTS))
        return (
            self.title, self.authors, self.both, self.typed, self.size, self.length, self.start, exact, main,
            self.choices, self.points, self.groups,
        )  # fmt: skip


def ranking_values(reading: Reading, typed: Reading, text: str, catalog_books: int, documents: dict[int, int]) -> RankingValues:
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
            choices.append((tsquery(choice.expression), rarity - penalty, number))
    return RankingValues(
        *in_fields,
        tsquery(typed.expression, "A"),
        sum(max(group.stop - group.start, *(len(choice.words) for choice in group.choices), 1) for group in reading.groups),
        len(text),
        text,
        reading.is_corrected,
        *(tuple(column) for column in zip(*choices, strict=True)),
    ) if choices else RankingValues(
        *in_fields, tsquery(typed.expression, "A"),
        sum(group.stop - group.start for group in reading.groups), len(text), text, reading.is_corrected,
    )


def _rarity_points(group: Group, catalog_books: int, documents: dict[int, int]) -> int:
    rarest = min(documents[place] for place in range(group.start, group.stop))
    return round(_RARITY_POINTS * math.log((1 + catalog_books) / (1 + rarest)))


_LIGHT = "ARRAY[" + ", ".join(f"'{word}'" for word in sorted(LIGHT_WORDS)) + "]"
_RANKING_TYPES = (
    "tsquery", "tsquery", "tsquery", "tsquery", "integer", "integer", "text", "integer", "integer",
    "text[]", "integer[]", "integer[]",
)  # fmt: skip


def score_sql(document: str, book: str, first_parameter: int) -> str:
    """Return the SQL of the score, an integer; the parameters start at number `first_parameter`."""
    title, authors, both, typed, size, length, start, exact, main, choices, points, groups = (
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
                WHEN length({main_title}) >= length({book}.title_key) THEN {exact} ELSE {main} END
                + CASE WHEN {document} @@ {typed} THEN {_AS_TYPED_POINTS} ELSE 0 END
            WHEN {document} @@ {authors} THEN {_AUTHORS_POINTS}
            WHEN {document} @@ {both} THEN {_BOTH_POINTS}
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
