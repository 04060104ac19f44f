"""Filtered lists: pages and counts of the rows of a list that match a condition.

Their statements use no cached plan, except for hits with known ids. Whether to scan an index in sort order
or to start from the few matching rows depends on the values.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

from db.books import ALL_BOOKS
from db.database import Database
from db.keyset import (
    Order,
    Page,
    PageRequest,
    Scope,
    SortKey,
    build_page,
    keyset_bounds,
    range_sql,
)
from db.records import CatalogRecord, Columns
from db.search.conditions import (
    ALWAYS,
    Condition,
    bind_single_parent,
    contains_row_sql,
    restrict_scope,
    select_rows_sql,
)
from db.search.list_condition import ListCondition
from db.search.ranked_hits import RankedHits, fetch_ranked_hits
from db.search.ranking import RELEVANCE
from db.statements import ReadStatement

R = TypeVar("R", bound=CatalogRecord)

COUNT_LIMIT = 10_000
"""Maximum number of matching rows that are counted."""


class Count(NamedTuple):
    """The number of matching rows; if `capped`, there are more."""

    number: int
    capped: bool = False


async def fetch_filtered_pages(
    database: Database,
    scope: Scope,
    order: Order,
    page_request: PageRequest,
    parents: Sequence[int],
    columns: Columns[R],
    list_condition: ListCondition,
    ranked_hits: Sequence[RankedHits] | None = None,
) -> list[Page[R]]:
    """Return one page of records per parent, in the order of the parents.

    The ranked hits of each parent are read if they are needed and not given. Statements contain only names
    from the code; all values are parameters.
    """
    direction = "DESC" if order.descending != page_request.backward else "ASC"
    bound_scope = bind_single_parent(scope, parents)
    values: tuple[object, ...] = keyset_bounds(order, page_request)
    if order.key != RELEVANCE:
        page_sql = _sorted_page_sql(bound_scope, order.key, direction, page_request, list_condition.condition)
        values = (*values, *list_condition.condition.values)
    elif list_condition.hits is not None:
        page_sql = _scored_page_sql(bound_scope, direction, list_condition.others)
        values = (*values, *list_condition.hits, *list_condition.others.values)
    else:
        ranked_hits = ranked_hits or await fetch_ranked_hits(database, scope, parents, list_condition)
        page_sql = _ranked_page_sql(direction)
        values = (*values, *_flatten_hits(ranked_hits))
    statement = ReadStatement(
        f"{scope.name}_matching",
        _page_sql(scope, order.key, page_sql, direction, columns.sql),
        cached_plan=order.key == RELEVANCE,
    )
    rows = await database.fetch(
        statement, parents, page_request.limit + 1, *values, record_class=columns.record_class
    )
    rows_by_parent: list[list[Any]] = [[] for _ in parents]
    for row in rows:
        rows_by_parent[row["ordinal"] - 1].append(row)
    return [build_page(parent_rows, page_request) for parent_rows in rows_by_parent]


def _page_sql(scope: Scope, key: SortKey, page_sql: str, direction: str, columns: str) -> str:
    sort_value = f"NULL::{key.domain.sql_type}" if key.is_hidden else "page.key"
    return f"""
SELECT {columns}, {sort_value} AS sort_value, parent.ordinal
FROM unnest($1::bigint[]) WITH ORDINALITY AS parent (id, ordinal)
CROSS JOIN LATERAL (
    {page_sql}
) AS page
JOIN {scope.row_table} AS t ON t.id = page.id
ORDER BY parent.ordinal, page.range, page.key {direction}, page.id {direction}
"""


def _sorted_page_sql(
    scope: Scope, key: SortKey, direction: str, page_request: PageRequest, condition: Condition
) -> str:
    """Return the SQL for a page in the order of a key. The bounds are parameters from 3."""
    bounds = 2 if key.column is None else 6 if key.nullable else 4
    key_column = f"l.{key.column}" if key.column else f"NULL::{key.domain.sql_type}"
    restricted = restrict_scope(scope, condition, 3 + bounds)
    return range_sql(restricted, key, key_column, direction, page_request.backward and key.nullable)


_IS_IN_BOUNDS = "(key, id) > ($3::integer, $4::bigint) AND (key, id) < ($5::integer, $6::bigint)"


def _scored_page_sql(scope: Scope, direction: str, others: Condition) -> str:
    """Return the SQL for a page by relevance of hits with scores, parameters 7 and 8.

    The hits are looked up in the list one after the other, the best first, until the page is full.
    """
    order = f"ORDER BY key {direction}, id {direction}"
    hits = f"SELECT id, key FROM unnest($7::bigint[], $8::integer[]) AS h (id, key) WHERE {_IS_IN_BOUNDS}"
    return f"""
    SELECT key, id, 1 AS range FROM ({hits} {order}) AS s
    WHERE {contains_row_sql(scope, others, 9, "s.id")} {order} LIMIT $2::integer
    """


def _ranked_page_sql(direction: str) -> str:
    """Return the SQL for a page of ranked hits; parameters 7 to 9 are those of _flatten_hits()."""
    return f"""
    SELECT key, id, 1 AS range FROM unnest($7::integer[], $8::bigint[], $9::integer[]) AS h (place, id, key)
    WHERE place = parent.ordinal AND {_IS_IN_BOUNDS}
    ORDER BY key {direction}, id {direction} LIMIT $2::integer
    """


def _flatten_hits(ranked_hits: Sequence[RankedHits]) -> tuple[list[int], list[int], list[int]]:
    """Return the place of the parent, the id and the score of each hit."""
    places = [place for place, hits in enumerate(ranked_hits, 1) for _ in hits.ids]
    ids = [key for hits in ranked_hits for key in hits.ids]
    return places, ids, [score for hits in ranked_hits for score in hits.scores]


async def fetch_filtered_counts(
    database: Database,
    scope: Scope,
    parents: Sequence[int],
    list_condition: ListCondition,
) -> list[Count]:
    """Return the number of matching rows per parent, counted up to COUNT_LIMIT.

    If an index finds the rows, the planner must know the size of the list to choose between both. Otherwise
    it would prefer to scan all books of a small catalog.
    """
    condition, hits = list_condition.condition, list_condition.hits
    if hits is not None and scope == ALL_BOOKS and list_condition.others == ALWAYS:
        return [Count(len(hits[0]))] * len(parents)
    statement = _filtered_count_statement(
        bind_single_parent(scope, parents) if condition.is_indexed else scope, condition
    )
    rows = await database.fetch(statement, parents, COUNT_LIMIT + 1, *condition.values)
    return [Count(min(number, COUNT_LIMIT), number > COUNT_LIMIT) for (number,) in rows]


def _filtered_count_statement(scope: Scope, condition: Condition) -> ReadStatement:
    sql = f"""
SELECT (
    SELECT count(*) FROM ({select_rows_sql(scope, condition, 3, end="LIMIT $2::integer")}) AS matching
) AS count
FROM unnest($1::bigint[]) WITH ORDINALITY AS parent (id, ordinal)
ORDER BY parent.ordinal
"""
    return ReadStatement(f"{scope.name}_count_matching", sql, cached_plan=False)
