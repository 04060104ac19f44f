"""The score of a book for a text, as SQL: the fields that have the words, the title, and the ratings.

A score is a sum of points; 1,000 of them are one nat of likelihood. Its values are RankingValues.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import reduce

from db.constraints import MAX_SORT_KEY_LENGTH
from db.search.conditions import Condition
from db.search.light_words import ARTICLES

_AUTHORS_POINTS = 95
_BOTH_POINTS = -105
_ANYWHERE_POINTS = -916
"""Points for all words in the authors, in title and authors, and anywhere else. In the title: 0."""

_LIGHT_WORDS_POINTS = 200
"""Points for a title with the light words of the text."""

_MAIN_TITLE_SHARE = 0.6
"""The share of the points for a whole title that a title up to its first colon, dash or bracket has."""

_TITLE_START_POINTS = 150
"""Points for a title that starts with the text."""

_SHORT_TITLE_POINTS = 900
"""Points for a title without further words than the text, where the others are in the authors.

A text that is a title and its author means this book nearly as clearly as one that is a title.
"""

_MAX_COMPARED_LENGTH = 240
"""Number of characters above which the length of a title does not count."""

_ARTICLES_SQL = f"'{{{','.join(sorted(ARTICLES))}}}'::text[]"
_SIGNS = "-/.,!?&''"


@dataclass(frozen=True, slots=True)
class RankingValues:
    """The values of a score.

    `titles` are the text and its corrections, as titles. `title`, `authors` and `both` are tsqueries: all
    words of the reading in these fields. `said` and `light` are the words as typed, and those that say
    little, in the title. A title of at most `size` words, none but `words` or one that starts with
    `unfinished`, is the text. It has the points `exact`, or `corrected` if it lacks a word as typed.
    `choices` are tsqueries, of which the best in each of `groups` gives its `points`.
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
        """The values in the order of ranking_parameters()."""
        return tuple(getattr(self, field.name) for field in fields(self))

    @property
    def json(self) -> str:
        """The values as JSON, for ranking_record_sql()."""
        return json.dumps(asdict(self))


NO_RANKING = RankingValues()

_SQL_TYPES = dict(
    zip(
        (field.name for field in fields(RankingValues)),
        (
            "text[]", "tsquery", "tsquery", "tsquery", "tsquery", "tsquery", "text[]", "integer", "text",
            "integer", "integer", "tsquery[]", "integer[]", "integer[]",
        ),
        strict=True,
    )
)  # fmt: skip


def ranking_parameters(first: int) -> dict[str, str]:
    """Return the SQL of each value of RankingValues, as a parameter; they start at number `first`.

    A subquery parses the tsqueries of an array once. asyncpg has no codec of such an array.
    """
    return {
        name: f"(SELECT ${number}::text[]::tsquery[])"
        if sql_type == "tsquery[]"
        else f"${number}::{sql_type}"
        for number, (name, sql_type) in enumerate(_SQL_TYPES.items(), first)
    }


def ranking_columns(table: str) -> dict[str, str]:
    """Return the SQL of each value of RankingValues, as a column of a table with one row."""
    return {name: f'(SELECT "{name}" FROM {table})::{sql_type}' for name, sql_type in _SQL_TYPES.items()}


def ranking_record_sql(json_sql: str, alias: str) -> str:
    """Return the SQL of a row that has the values of RankingValues.json as its columns."""
    columns = ", ".join(f'"{name}" {sql_type}' for name, sql_type in _SQL_TYPES.items())
    return f"jsonb_to_record(({json_sql})::jsonb) AS {alias} ({columns})"


def titles_condition(titles: str) -> Condition:
    """Return the condition that a title, or a main title, is one of those in the array `titles`, SQL."""
    ranges = (
        "title_key = k.key LIMIT 1",
        "title_key >= k.key || ':' AND title_key < k.key || ';' LIMIT 20",
        "title_key >= k.key || ' (' AND title_key < k.key || ' )' LIMIT 20",
    )
    found = " UNION ALL ".join(
        f"(SELECT title_key FROM book WHERE is_published AND {each})" for each in ranges
    )
    return Condition(
        f"{{l}}.title_key = ANY (ARRAY(SELECT b.title_key FROM unnest({titles}) AS t (title)"
        " CROSS JOIN LATERAL (SELECT left(t.title, 80) AS key) AS k"
        f" CROSS JOIN LATERAL ({found}) AS b))"
    )


def scored_sql(candidates: str, ranking: Mapping[str, str]) -> str:
    """Return the SQL of the ids and scores of candidates; `ranking` is the SQL of each value.

    `candidates` is a table of ids and documents, of which only the words of titles and authors are needed.
    """
    return f"""
    SELECT d.id, ({_field_points_sql(ranking)}
                  + 1000 * ln(1 + ln(1 + d.rating_count::double precision) / 10)
                  + {_choice_points_sql(ranking)})::integer AS key
    FROM (
        SELECT m.*, string_to_array(translate(m.main_title, '{_SIGNS}', '       '), ' ') AS words
        FROM (
            SELECT k.*, CASE WHEN k.is_named THEN {_MAIN_TITLE} END AS main_title
            FROM (
                SELECT b.id, b.rating_count, {_WHOLE_WORDS} AS title_key, length(b.title) AS title_length,
                       c.document, c.document @@ {ranking["both"]} AS is_named
                FROM {candidates} AS c JOIN book AS b ON b.id = c.id
                OFFSET 0
            ) AS k
            OFFSET 0
        ) AS m
        OFFSET 0
    ) AS d"""


# The key of a long title is cut, often in a word.
_WHOLE_WORDS = f"""
    CASE WHEN length(b.title_key) < {MAX_SORT_KEY_LENGTH} THEN b.title_key
         ELSE regexp_replace(b.title_key, '\\S*$', '') END"""

# A hyphen belongs to the main title, a dash does not: folding makes hyphens of both.
_MAIN_TITLE = (
    f"nullif({reduce('split_part({}, {!r}, 1)'.format, (':', ';', '(', '- ', '--'), 'k.title_key')}, '')"
)

_ROMAN_NUMERALS = "'{i,ii,iii,iv,v,vi,vii,viii,ix,x,xi,xii,xiii,xiv,xv,xvi,xvii,xviii,xix,xx}'::text[]"
_VOLUME = rf"""
    CASE WHEN d.title_key ~ '\d|[ivx]\W*$' THEN coalesce(
        substring(d.title_key FROM '(?:^|\D)(\d{{1,2}})\W+of \d')::integer,
        substring(substr(d.title_key, length(d.main_title) + 1) FROM '(?:^|\D)(\d{{1,2}})(?!\d)')::integer,
        substring(d.title_key FROM '\m(\d{{1,2}})\W*$')::integer,
        array_position({_ROMAN_NUMERALS}, substring(d.title_key FROM '\m([ivx]+)\W*$'))
    ) END"""
_ORDER_POINTS = f"coalesce({_VOLUME}, 0) + least(d.title_length, {_MAX_COMPARED_LENGTH}) / 4"
"""Of equally good titles the earlier volume comes first, then the shorter title."""


def _field_points_sql(ranking: Mapping[str, str]) -> str:
    """Return the SQL of the points for the fields that have the words, and for the title."""
    has_other_words = _other_words_sql(ranking)
    return f"""
    CASE
        WHEN NOT d.is_named THEN {_ANYWHERE_POINTS}
        WHEN d.document @@ {ranking["title"]} THEN
            CASE WHEN {has_other_words} THEN
                CASE WHEN starts_with(d.title_key, ({ranking["titles"]})[1]) THEN {_TITLE_START_POINTS}
                     ELSE 0 END
            ELSE {_whole_title_points_sql(ranking)} END
            + CASE WHEN d.document @@ {ranking["light"]} THEN {_LIGHT_WORDS_POINTS} ELSE 0 END
            + CASE WHEN d.document @@ {ranking["authors"]} THEN {_AUTHORS_POINTS} ELSE 0 END
            - ({_ORDER_POINTS})
        WHEN d.document @@ {ranking["authors"]} THEN {_AUTHORS_POINTS}
        ELSE {_BOTH_POINTS} + CASE WHEN {has_other_words} THEN 0 ELSE {_SHORT_TITLE_POINTS} END
             - ({_ORDER_POINTS})
    END"""


def _other_words_sql(ranking: Mapping[str, str]) -> str:
    """Return the SQL of whether a title has other words than the text. Most have, which is seen first."""
    unfinished = ranking["unfinished"]
    return f"""
    CASE WHEN NOT d.words <@ ({ranking["words"]} || {_ARTICLES_SQL} || ''::text)
              AND ({unfinished} IS NULL OR strpos(d.main_title, {unfinished}) = 0) THEN true
    ELSE (
        SELECT count(*) > {ranking["size"]} OR bool_or(
            w.word <> ALL ({ranking["words"]}) AND starts_with(w.word, {unfinished}) IS NOT TRUE
        )
        FROM unnest(d.words) AS w (word)
        WHERE w.word <> '' AND w.word <> ALL ({_ARTICLES_SQL})
    ) END"""


def _whole_title_points_sql(ranking: Mapping[str, str]) -> str:
    """Return the SQL of the points for a title that is the text."""
    return f"""
    CASE WHEN d.document @@ {ranking["said"]} THEN {ranking["exact"]} ELSE {ranking["corrected"]} END
    * CASE WHEN length(d.main_title) >= length(d.title_key) THEN 1
           WHEN setweight(words(d.main_title), 'A') @@ {ranking["title"]} THEN {_MAIN_TITLE_SHARE}
           ELSE 0 END"""


def _choice_points_sql(ranking: Mapping[str, str]) -> str:
    """Return the SQL of the points for the words that the book has instead of the typed ones."""
    choices = f"{ranking['choices']}, {ranking['points']}, {ranking['groups']}"
    return f"""
    CASE WHEN cardinality({ranking["choices"]}) = 0 THEN 0 ELSE (
        SELECT coalesce(sum(g.points), 0) FROM (
            SELECT max(c.points) AS points FROM unnest({choices}) AS c (query, points, number)
            WHERE d.document @@ c.query GROUP BY c.number
        ) AS g
    ) END"""
