"""Filtered lists: pages and counts of the rows of a list that match a condition.

Their statements never use a cached plan. Whether to scan an index in sort order or to start from the few
matching rows depends on the values.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from db.database import Database
from db.keyset import Order, Page, PageRequest, Scope, build_page, keyset_bounds, merge_ranges_sql, range_sql
from db.records import CatalogRecord, Columns
from db.search.conditions import Condition, all_of, bind_single_parent, restrict_scope, select_rows_sql
from db.search.popularity_tiers import TIERS, in_tier, union_until_limit
from db.search.ranking import (
    MAX_TITLE_CANDIDATES,
    RANK_CANDIDATES,
    RANK_CANDIDATES_BROAD_TEXT,
    RELEVANCE,
)
from db.search.score import ranking_parameters, scored_sql, titles_condition
from db.search.text_query import TextQuery
from db.statements import ReadStatement

R = TypeVar("R", bound=CatalogRecord)

COUNT_LIMIT = 10_000
"""Maximum number of matching rows that are counted."""


class Count(NamedTuple):
    """The number of matching rows; if `capped`, there are more."""

    number: int
    capped: bool = False


@dataclass(frozen=True, slots=True)
class ListCondition:
    """The condition that a list is restricted to, with the text query that is part of it, if any."""

    condition: Condition
    text_query: TextQuery | None = None


async def fetch_filtered_pages(
    database: Database,
    scope: Scope,
    order: Order,
    page_request: PageRequest,
    parents: Sequence[int],
    columns: Columns[R],
    list_condition: ListCondition,
) -> list[Page[R]]:
    """Return one page of records per parent, in the order of the parents."""
    bounds: tuple[object, ...] = keyset_bounds(order, page_request)
    if order.key == RELEVANCE:
        text_query = list_condition.text_query or TextQuery("")
        bounds = (*bounds, *text_query.ranking.parameters)
    statement = _filtered_page_statement(
        bind_single_parent(scope, parents),
        order,
        page_request.backward,
        columns.sql,
        list_condition,
        3 + len(bounds),
    )
    values = (*bounds, *list_condition.condition.values)
    rows = await database.fetch(
        statement, parents, page_request.limit + 1, *values, record_class=columns.record_class
    )
    rows_by_parent: list[list[Any]] = [[] for _ in parents]
    for row in rows:
        rows_by_parent[row["ordinal"] - 1].append(row)
    return [build_page(parent_rows, page_request) for parent_rows in rows_by_parent]


def _filtered_page_statement(
    scope: Scope,
    order: Order,
    backward: bool,
    columns: str,
    list_condition: ListCondition,
    first_parameter: int,
) -> ReadStatement:
    """Return the statement of a page. It contains only names from the code.

    The values of the condition start at parameter `first_parameter`.
    """
    key = order.key
    direction = "DESC" if order.descending != backward else "ASC"
    if key == RELEVANCE:
        page_sql = _ranked_page_sql(scope, list_condition, first_parameter, direction)
    else:
        key_column = f"l.{key.column}" if key.column else f"NULL::{key.domain.sql_type}"
        restricted = restrict_scope(scope, list_condition.condition, first_parameter)
        page_sql = range_sql(restricted, key, key_column, direction, backward and key.nullable)
    sql = f"""
SELECT {columns}, page.key AS sort_value, parent.ordinal
FROM unnest($1::bigint[]) WITH ORDINALITY AS parent (id, ordinal)
CROSS JOIN LATERAL (
    {page_sql}
) AS page
JOIN {scope.row_table} AS t ON t.id = page.id
ORDER BY parent.ordinal, page.range, page.key {direction}, page.id {direction}
"""
    return ReadStatement(f"{scope.name}_matching", sql, cached_plan=False)


def _ranked_page_sql(
    scope: Scope, list_condition: ListCondition, first_parameter: int, direction: str
) -> str:
    """Return the SQL for a page by relevance. Only the matching books with the most ratings are ranked."""
    candidates = _candidate_sql(scope, list_condition, first_parameter, titles="$7::text[]")
    return f"""
    WITH candidate AS MATERIALIZED ({candidates}),
    scored AS MATERIALIZED ({scored_sql("candidate", ranking_parameters(7))})
    SELECT key, id, 1 AS range FROM scored
    WHERE (key, id) > ($3::integer, $4::bigint) AND (key, id) < ($5::integer, $6::bigint)
    ORDER BY key {direction}, id {direction} LIMIT $2::integer
    """


def _candidate_sql(scope: Scope, list_condition: ListCondition, first_parameter: int, *, titles: str) -> str:
    """Return the SQL for the most popular matching books.

    If more than MAX_ENUMERATED_HITS match, but fewer than one in ten, they are found by their documents, tier
    by tier. Otherwise the index by rating count is scanned. Hits with one of `titles`, the SQL of an array,
    are added.
    """

    def most_popular(condition: Condition, limit: int) -> str:
        restricted = restrict_scope(scope, condition, first_parameter)
        return merge_ranges_sql(restricted, "l.rating_count", "true", "key DESC, id DESC", str(limit), 1)

    text_query = list_condition.text_query
    titled = most_popular(all_of([list_condition.condition, titles_condition(titles)]), MAX_TITLE_CANDIDATES)
    if text_query is not None and text_query.book_ids is not None:
        return f"({most_popular(list_condition.condition, RANK_CANDIDATES)}) UNION ({titled})"
    if text_query is None or text_query.is_frequent:
        return f"({most_popular(list_condition.condition, RANK_CANDIDATES_BROAD_TEXT)}) UNION ({titled})"
    parts = [
        most_popular(in_tier(list_condition.condition, tier), RANK_CANDIDATES_BROAD_TEXT) for tier in TIERS
    ]
    return f"({union_until_limit(parts, RANK_CANDIDATES_BROAD_TEXT)}) UNION ({titled})"


async def fetch_filtered_counts(
    database: Database,
    scope: Scope,
    parents: Sequence[int],
    list_condition: ListCondition,
    *,
    ranked: bool = False,
) -> list[Count]:
    """Return the number of matching rows per parent, counted up to COUNT_LIMIT.

    `ranked`: of a list sorted by relevance, which has only the rows that are ranked.

    If an index finds the rows, the planner must know the size of the list to choose between both. Otherwise
    it would prefer to scan all books of a small catalog.
    """
    condition = list_condition.condition
    if ranked:
        text_query = list_condition.text_query or TextQuery("")
        statement = _ranked_count_statement(bind_single_parent(scope, parents), list_condition)
        rows = await database.fetch(statement, parents, text_query.ranking.titles, *condition.values)
        return [Count(*row) for row in rows]
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


def _ranked_count_statement(scope: Scope, list_condition: ListCondition) -> ReadStatement:
    """Return the statement that counts the candidates, and whether there is a further matching row."""
    matching = select_rows_sql(scope, list_condition.condition, 3, end="LIMIT ranked.number + 1")
    candidates = _candidate_sql(scope, list_condition, 3, titles="$2::text[]")
    sql = f"""
SELECT ranked.number, (SELECT count(*) FROM ({matching}) AS matching) > ranked.number AS capped
FROM unnest($1::bigint[]) WITH ORDINALITY AS parent (id, ordinal)
CROSS JOIN LATERAL (
    SELECT count(*) AS number FROM ({candidates}) AS candidate
) AS ranked
ORDER BY parent.ordinal
"""
    return ReadStatement(f"{scope.name}_count_ranked", sql, cached_plan=False)
