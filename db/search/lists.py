"""Pages and counts of the books in a list that fulfil a condition.

Their statements are planned for the values they are given: whether to walk an order or to start from the
few books that match depends on them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from db.database import PLANNED_ANEW, Database
from db.pages import Order, Page, Scope, Window, bounds, merged, page, ranges
from db.rows import Columns, Row
from db.search.bands import BANDS, from_the_top, in_band
from db.search.conditions import Condition, alone, members, narrowed
from db.search.ranking import RANKED, RANKED_OF_MANY, RELEVANCE, score, titled
from db.search.text import Meaning

R = TypeVar("R", bound=Row)

MOST_COUNTED = 10_000
"""Counts of books that fulfil a condition stop here."""


class Count(NamedTuple):
    """How many there are; with `capped`, there are more."""

    number: int
    capped: bool = False


@dataclass(frozen=True, slots=True)
class Search:
    """What a list is narrowed to; `meaning` is that of the text in the condition, if there is one."""

    condition: Condition
    meaning: Meaning | None = None


async def pages_of_search(
    database: Database,
    scope: Scope,
    order: Order,
    window: Window,
    parents: Sequence[int],
    columns: Columns[R],
    search: Search,
) -> list[Page[R]]:
    """One page of records for each of the parents, in their order."""
    edges: tuple[object, ...] = bounds(order, window)
    if order.key == RELEVANCE:
        meaning = search.meaning or Meaning("")
        edges = (*edges, meaning.exact, meaning.wide, meaning.text)
    text = page_statement(alone(scope, parents), order, window.backward, columns.sql, search, 3 + len(edges))
    values = (*edges, *search.condition.values)
    rows = await database.fetch(text, parents, window.count + 1, *values, record_class=columns.kind)
    found: list[list[Any]] = [[] for _ in parents]
    for row in rows:
        found[row["ordinal"] - 1].append(row)
    return [page(entries, window) for entries in found]


def page_statement(
    scope: Scope, order: Order, backward: bool, columns: str, search: Search, first: int
) -> str:
    """The text of a page; parameter `first` is the condition's first. Made of names in the code alone."""
    key = order.key
    direction = "DESC" if order.descending != backward else "ASC"
    if key == RELEVANCE:
        listed = ranked(scope, search, first, direction)
    else:
        key_column = f"l.{key.column}" if key.column else f"NULL::{key.domain.sql_type}"
        narrow = narrowed(scope, search.condition, first)
        listed = ranges(narrow, key, key_column, direction, backward and key.nullable)
    return f"""
/* {scope.name}_matching {PLANNED_ANEW} {key.name} {direction.lower()} */
SELECT {columns}, page.key AS sort_value, parent.ordinal
FROM unnest($1::bigint[]) WITH ORDINALITY AS parent (id, ordinal)
CROSS JOIN LATERAL (
    {listed}
) AS page
JOIN {scope.target} AS t ON t.id = page.id
ORDER BY parent.ordinal, page.range, page.key {direction}, page.id {direction}
"""


def ranked(scope: Scope, search: Search, first: int, direction: str) -> str:
    """The part of a page by relevance: of the books that match, those with most ratings are ranked."""
    relevance = f"{score('s.document', 'c.key', '$7::tsquery', '$8::tsquery')} + {titled('b', '$9::text')}"
    return f"""
    WITH candidate AS MATERIALIZED ({candidates(scope, search, first)}),
    scored AS (
        SELECT {relevance} AS key, c.id
        FROM candidate AS c JOIN book_search AS s ON s.book_id = c.id JOIN book AS b ON b.id = c.id
    )
    SELECT key, id, 1 AS range FROM scored
    WHERE (key, id) > ($3::integer, $4::bigint) AND (key, id) < ($5::integer, $6::bigint)
    ORDER BY key {direction}, id {direction} LIMIT $2::integer
    """


def candidates(scope: Scope, search: Search, first: int) -> str:
    """The most popular books that match.

    Where many match but not every tenth they are found by their documents, else by walking the popular ones.
    """

    def most_popular(condition: Condition, most: int) -> str:
        narrow = narrowed(scope, condition, first)
        return merged(narrow, "l.rating_count", "true", "key DESC, id DESC", str(most), 1)

    meaning = search.meaning
    if meaning is not None and meaning.book_ids is not None:
        return most_popular(search.condition, RANKED)
    if meaning is None or meaning.common:
        return most_popular(search.condition, RANKED_OF_MANY)
    parts = [most_popular(in_band(search.condition, band), RANKED_OF_MANY) for band in BANDS]
    return from_the_top(parts, RANKED_OF_MANY)


async def counts_of_search(
    database: Database, scope: Scope, parents: Sequence[int], search: Search
) -> list[Count]:
    """How many of each parent's books there are, counted up to MOST_COUNTED."""
    text = count_statement(scope, search.condition)
    rows = await database.fetch(text, parents, MOST_COUNTED + 1, *search.condition.values)
    counts: dict[int, int] = dict(rows)
    cut = search.meaning is not None and search.meaning.cut
    return [
        Count(min(counts[ordinal], MOST_COUNTED), cut or counts[ordinal] > MOST_COUNTED)
        for ordinal in range(1, len(parents) + 1)
    ]


def count_statement(scope: Scope, condition: Condition) -> str:
    return f"""
/* {scope.name}_count_matching {PLANNED_ANEW} */
SELECT parent.ordinal, (
    SELECT count(*) FROM ({members(scope, condition, 3, end="LIMIT $2::integer")}) AS matching
) AS count
FROM unnest($1::bigint[]) WITH ORDINALITY AS parent (id, ordinal)
"""
