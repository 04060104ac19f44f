"""Relevance: which fields of a book have the words of a text, how well, and how many ratings the book has.

A score is a sum of points; 1,000 of them are one nat of likelihood.
"""

import math
from dataclasses import dataclass, fields
from itertools import chain, islice, product

from db.keyset import INTEGER, SortKey
from db.search.conditions import Condition
from db.search.corrections import Choice
from db.search.light_words import ARTICLES
from db.search.readings import Group, Reading, complete_words, light_words
from db.search.tsquery import Term, all_of, tsquery, words_of
from db.search.vocabulary import Vocabulary

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

_LIGHT_WORDS_POINTS = 200
"""Points for a title with the light words of the text."""

_EXACT_TITLE_POINTS = (1_500, 1_000)
_NAME_TITLE_POINTS = (900, 0)
"""Points for a title without further words than the text as typed, and as corrected; then if it is a name."""

_MAIN_TITLE_SHARE = 0.6
"""The share of these points that a title up to its first colon or bracket has."""

_TITLE_START_POINTS = 150
"""Points for a title that starts with the text."""

_SHORT_TITLE_POINTS = 300
"""Points for a title without further words than the text, where the others are in the authors."""

_UNFINISHED_POINTS = 300
"""Points that a word loses where it is longer than the typed one."""

_INFLECTION_POINTS = 1_000
"""Points that another form of a word loses."""

_CHOICE_POINTS = 200
"""Points that a correction loses per nat of its cost above the likeliest correction's."""

_RARITY_POINTS = 100
"""Points of a word per nat of its rarity, where a book need not have all words."""

_TITLES_PER_GROUP = 4
_MAX_TITLES = 24
"""Maximum numbers of words for one of a text, and of texts, that are looked up as whole titles."""


@dataclass(frozen=True, slots=True)
class RankingValues:
    """The parameters of a score.

    `title`, `authors` and `both` are tsqueries: all words of the reading in these fields. `said` and `light` are the
    words as typed, and those that say little, in the title. A title of at most `size` words, none but `words` or one
    that starts with `unfinished`, is the text, and so are `titles`. `choices` are tsqueries, of which the best in each of
    `groups` gives its `points`. `exact` and `corrected` are the points for a title that is the text.
    """

    titles: tuple[str, ...] = ()
    title: str = ""
    authors: str = ""
    both: str = ""
    said: str = ""
    light: str = ""
    words: tuple[str, ...] = ()
    size: int = 0
    unfinished: str | None = None
    exact: int = 0
    corrected: int = 0
    choices: tuple[str, ...] = ()
    points: tuple[int, ...] = ()
    groups: tuple[int, ...] = ()

    @property
    def parameters(self) -> tuple[object, ...]:
        """The values in the order of the parameters of score_sql()."""
        return tuple(getattr(self, field.name) for field in fields(self))


def ranking_values(
    vocabulary: Vocabulary, reading: Reading, text: str, *, names_authors: bool = False
) -> RankingValues:
    """Return the parameters of the score of a text's reading.

    `names_authors`: the words of the text are those of authors, so that a title of these words is about them.
    """
    full = all_of(group.expression for group in reading.groups)
    in_fields = (
        ["", "", ""] if reading.is_partial else [tsquery(full, weights) for weights in ("A", "B", "AB")]
    )
    light = light_words(vocabulary)
    return RankingValues(
        possible_titles(vocabulary, reading, text),
        *in_fields,
        tsquery(complete_words(vocabulary), "A"),
        tsquery(light, "A"),
        tuple(dict.fromkeys([*words_of(full), *words_of(light)])),
        _size(vocabulary, reading),
        _unfinished_word(reading.groups[-1]),
        *(_NAME_TITLE_POINTS if names_authors else _EXACT_TITLE_POINTS),
        *_choice_points(vocabulary, reading),
    )


def _size(vocabulary: Vocabulary, reading: Reading) -> int:
    """Return the number of words, without articles, that a title of the text has at most."""
    said = sum(
        max([group.stop - group.start, *(len(choice.words) for choice in group.choices[:1])])
        for group in reading.groups
        if not group.is_light
    )
    return said + sum(word.is_light and word.word.word not in ARTICLES for word in vocabulary.words)


def _unfinished_word(last: Group) -> str | None:
    """Return the last word of a text if longer words count as it."""
    for choice in last.choices:
        if isinstance(choice.expression, Term) and choice.expression.is_prefix:
            return choice.expression.word
    return None


def _choice_points(
    vocabulary: Vocabulary, reading: Reading
) -> tuple[tuple[str, ...], tuple[int, ...], tuple[int, ...]]:
    """Return the tsqueries of what each group may be, their points, and the numbers of their groups."""
    choices: list[tuple[str, int, int]] = []
    for number, group in enumerate(reading.groups):
        rarity = _rarity_points(vocabulary, group) if reading.is_partial else 0
        if rarity or group.choices:
            choices.append((tsquery(group.typed), rarity, number))
        choices += [
            (tsquery(choice.expression), rarity - _penalty(choice, group), number) for choice in group.choices
        ]
    queries, points, numbers = zip(*choices, strict=True) if choices else ((), (), ())
    return tuple(queries), tuple(points), tuple(numbers)


def _penalty(choice: Choice, group: Group) -> int:
    if choice.is_inflection:
        return _INFLECTION_POINTS
    penalty = round(_CHOICE_POINTS * max(0, choice.cost - group.choices[0].cost))
    return penalty if choice.words else penalty + _UNFINISHED_POINTS


def possible_titles(vocabulary: Vocabulary, reading: Reading, text: str) -> tuple[str, ...]:
    """Return the text and its likeliest corrections as titles are compared: folded, without leading articles."""
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


def _rarity_points(vocabulary: Vocabulary, group: Group) -> int:
    rarest = min(word.word.documents for word in vocabulary.words[group.start : group.stop])
    return round(_RARITY_POINTS * math.log((1 + vocabulary.books) / (1 + rarest)))


_ARTICLES_SQL = f"'{{{','.join(sorted(ARTICLES))}}}'::text[]"
_RANKING_TYPES = (
    "text[]", "tsquery", "tsquery", "tsquery", "tsquery", "tsquery", "text[]", "integer", "text", "integer",
    "integer", "text[]", "integer[]", "integer[]",
)  # fmt: skip


def titles_condition(titles: int) -> Condition:
    """Return the condition that a title, or a main title, is one of the titles in parameter number `titles`."""
    return Condition(
        f"""{{l}}.title_key = ANY (ARRAY(
            SELECT b.title_key FROM unnest(${titles}::text[]) AS t (title)
            CROSS JOIN LATERAL (SELECT left(t.title, 80) AS key) AS k
            CROSS JOIN LATERAL (
                (SELECT title_key FROM book WHERE title_key = k.key LIMIT 1)
                UNION ALL
                (SELECT title_key FROM book WHERE title_key >= k.key || ':' AND title_key < k.key || ';' LIMIT 20)
                UNION ALL
                (SELECT title_key FROM book WHERE title_key >= k.key || ' (' AND title_key < k.key || ' )' LIMIT 20)
            ) AS b
        ))"""
    )


def scored_sql(candidates: str, first_parameter: int) -> str:
    """Return the SQL of the ids and scores of candidates, a table; the parameters start at number `first_parameter`.

    Only the words of titles and authors are tested, and each score is computed once.
    """
    score = _score_sql("d.document", "d", first_parameter)
    return f"""
    SELECT d.id, {score} AS key FROM (
        SELECT b.id, b.title_key, b.rating_count, ts_filter(s.document, '{{a,b}}') AS document
        FROM {candidates} AS c JOIN book_search AS s ON s.book_id = c.id JOIN book AS b ON b.id = c.id OFFSET 0
    ) AS d"""


def _score_sql(document: str, book: str, first_parameter: int) -> str:
    (
        titles,
        title,
        authors,
        both,
        said,
        light,
        words,
        size,
        unfinished,
        exact,
        corrected,
        choices,
        points,
        groups,
    ) = (f"${number}::{sql_type}" for number, sql_type in enumerate(_RANKING_TYPES, first_parameter))
    main_title = f"substring({book}.title_key FROM '^(?:[^:;(-]|-(?! |-))+')"
    signs = "-/.,!?&''"
    words_of_main = f"unnest(string_to_array(translate({main_title}, '{signs}', '       '), ' ')) AS w (word)"
    has_other_words = f"""(
        SELECT count(*) > {size}
            OR bool_or(w.word <> ALL ({words}) AND starts_with(w.word, {unfinished}) IS NOT TRUE)
        FROM {words_of_main} WHERE w.word <> '' AND w.word <> ALL ({_ARTICLES_SQL})
    )"""
    volume = rf"substring(substr({book}.title_key, length({main_title}) + 1) FROM '\d{{1,2}}(?!\d)')::integer"
    return f"""(
        CASE
            WHEN {document} @@ {title} THEN
                CASE WHEN {has_other_words} THEN
                    CASE WHEN starts_with({book}.title_key, ({titles})[1]) THEN {_TITLE_START_POINTS} ELSE 0 END
                ELSE CASE WHEN {document} @@ {said} THEN {exact} ELSE {corrected} END
                    * CASE WHEN length({main_title}) >= length({book}.title_key) THEN 1
                           WHEN setweight(words({main_title}), 'A') @@ {title} THEN {_MAIN_TITLE_SHARE}
                           ELSE 0 END
                    - coalesce({volume}, 0)
                END
                + CASE WHEN {document} @@ {light} THEN {_LIGHT_WORDS_POINTS} ELSE 0 END
                + CASE WHEN {document} @@ {authors} THEN {_AUTHORS_POINTS} ELSE 0 END
            WHEN {document} @@ {authors} THEN {_AUTHORS_POINTS}
            WHEN {document} @@ {both} THEN
                {_BOTH_POINTS} + CASE WHEN {has_other_words} THEN 0 ELSE {_SHORT_TITLE_POINTS} END
            ELSE {_ANYWHERE_POINTS}
        END
        + 1000 * ln(1 + ln(1 + {book}.rating_count::double precision) / 10)
        + CASE WHEN cardinality({choices}) = 0 THEN 0 ELSE (
            SELECT coalesce(sum(g.points), 0) FROM (
                SELECT max(c.points) AS points
                FROM unnest({choices}, {points}, {groups}) AS c (query, points, number)
                WHERE {document} @@ c.query::tsquery GROUP BY c.number
            ) AS g
        ) END
    )::integer"""
