"""Filtered lists: pages and counts of the rows of a list that match a condition.

Their statements use no cached plan, except for hits with known ids. Whether to scan an index in sort order
or to start from the few matching rows depends on the values.
"""

from collections.abc import Sequence
from dataclasses import dataclass
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
    merge_ranges_sql,
    range_sql,
)
from db.records import CatalogRecord, Columns
from db.search.conditions import (
    ALWAYS,
    Condition,
    all_of,
    bind_single_parent,
    contains_row_sql,
    restrict_scope,
    select_rows_sql,
)
from db.search.popularity_tiers import (
    TIERS,
    in_tier,
    popular_hits_sql,
    sorted_hits_sql,
    union_until_limit,
)
from db.search.ranking import (
    MAX_TITLE_CANDIDATES,
    RANK_CANDIDATES,
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
    """The text query and the other conditions that a list is restricted to."""

    others: Condition
    text_query: TextQuery | None = None

    @property
    def condition(self) -> Condition:
        """The condition of the text and the others."""
        text = [self.text_query.condition] if self.text_query else []
        return all_of([*text, self.others])

    @property
    def hits(self) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
        """The ids and scores of the hits of the text, if they are known."""
        query = self.text_query
        return None if query is None or query.book_ids is None else (query.book_ids, query.scores)


async def fetch_filtered_pages(
    database: Database,
    scope: Scope,
    order: Order,
    page_request: PageRequest,
    parents: Sequence[int],
    columns: Columns[R],
    list_condition: ListCondition,
) -> list[Page[R]]:
    """Return one page of records per parent, in the order of the parents.

    Statements contain only names from the code; all values are parameters.
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
        ranking = (list_condition.text_query or TextQuery("")).ranking
        page_sql = _ranked_page_sql(bound_scope, direction, list_condition)
        values = (*values, *ranking.parameters, *_popular_values(scope, list_condition))
    statement = ReadStatement(
        f"{scope.name}_matching",
        _page_sql(scope, order.key, page_sql, direction, columns.sql),
        cached_plan=order.key == RELEVANCE
        and (list_condition.hits is not None or _is_whole_catalog(scope, list_condition)),
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


def _ranked_page_sql(scope: Scope, direction: str, list_condition: ListCondition) -> str:
    """Return the SQL for a page by relevance. Only the matching books with the most ratings are ranked."""
    ranking = ranking_parameters(7)
    first_parameter = 7 + len(ranking)
    popular = _popular_sql(scope, list_condition, first_parameter, RANK_CANDIDATES)
    titled = _titled_sql(scope, list_condition, first_parameter, ranking["titles"])
    return f"""
    WITH candidate AS MATERIALIZED (
        SELECT c.id, ts_filter(s.document, '{{a,b}}') AS document
        FROM (SELECT id FROM ({popular}) AS popular UNION SELECT id FROM ({titled}) AS titled) AS c
        JOIN book_search AS s ON s.book_id = c.id
    ),
    scored AS MATERIALIZED ({scored_sql("candidate", ranking)})
    SELECT key, id, 1 AS range FROM scored WHERE {_IS_IN_BOUNDS}
    ORDER BY key {direction}, id {direction} LIMIT $2::integer
    """


def _popular_sql(scope: Scope, list_condition: ListCondition, first_parameter: int, limit: int) -> str:
    """Return the SQL for the most popular matching books. A higher limit adds books after the same ones.

    Those of the whole catalog have the words in title or authors, if enough do. Those of another list are
    found by their documents, tier by tier, or if one in ten matches, by scanning the index by rating count.
    The parameters are _popular_values().
    """
    condition, text_query = list_condition.condition, list_condition.text_query
    if text_query is None:
        return _most_popular_sql(scope, condition, first_parameter, limit)
    if _is_whole_catalog(scope, list_condition):
        query, named, named_in_tiers = (
            f"${number}" for number in range(first_parameter, first_parameter + 3)
        )
        if text_query.is_sortable:
            return sorted_hits_sql(query, named, limit)
        return popular_hits_sql(query, named, named_in_tiers, limit)
    if text_query.is_frequent:
        return _most_popular_sql(scope, condition, first_parameter, limit)
    parts = [_most_popular_sql(scope, in_tier(condition, tier), first_parameter, limit) for tier in TIERS]
    return union_until_limit(parts, limit)


def _popular_values(scope: Scope, list_condition: ListCondition) -> tuple[object, ...]:
    """Return the values of the parameters of _popular_sql(): first those of the condition."""
    values, text_query = list_condition.condition.values, list_condition.text_query
    if text_query is None or not _is_whole_catalog(scope, list_condition):
        return values
    return (*values, text_query.named, *([] if text_query.is_sortable else [text_query.named_in_tiers]))


def _is_whole_catalog(scope: Scope, list_condition: ListCondition) -> bool:
    return scope == ALL_BOOKS and list_condition.others == ALWAYS


def _titled_sql(scope: Scope, list_condition: ListCondition, first_parameter: int, titles: str) -> str:
    """Return the SQL for the matching books among the most popular ones with one of the titles.

    `titles` is the SQL of an array. The tsquery of the text is the first parameter.
    """
    condition = all_of([titles_condition(titles), list_condition.others])
    titled = _most_popular_sql(scope, condition, first_parameter + 1, MAX_TITLE_CANDIDATES)
    return (
        f"SELECT titled.id FROM ({titled}) AS titled JOIN book_search AS s ON s.book_id = titled.id"
        f" WHERE s.document @@ ${first_parameter}::tsquery"
    )


def _most_popular_sql(scope: Scope, condition: Condition, first_parameter: int, limit: int) -> str:
    restricted = restrict_scope(scope, condition, first_parameter)
    return merge_ranges_sql(restricted, "l.rating_count", "true", "key DESC, id DESC", str(limit), 1)


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
    condition, hits = list_condition.condition, list_condition.hits
    if hits is not None and scope == ALL_BOOKS and list_condition.others == ALWAYS:
        return [Count(len(hits[0]))] * len(parents)
    if ranked and hits is None:
        text_query = list_condition.text_query or TextQuery("")
        statement = _ranked_count_statement(bind_single_parent(scope, parents), list_condition)
        values = _popular_values(scope, list_condition)
        rows = await database.fetch(statement, parents, text_query.ranking.titles, *values)
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
    """Return the statement that counts the ranked books, and tells whether there is a further matching row.

    There is one if more books than can be ranked are found. Otherwise all matching rows are.
    """
    limit = RANK_CANDIDATES + MAX_TITLE_CANDIDATES + 1
    sql = f"""
SELECT ranked.number, ranked.popular > ranked.number AS capped
FROM unnest($1::bigint[]) WITH ORDINALITY AS parent (id, ordinal)
CROSS JOIN LATERAL (
    WITH popular AS MATERIALIZED ({_popular_sql(scope, list_condition, 3, limit)})
    SELECT (SELECT count(*) FROM popular) AS popular, (
        SELECT count(*) FROM (
            (SELECT id FROM popular LIMIT {RANK_CANDIDATES})
            UNION SELECT id FROM ({_titled_sql(scope, list_condition, 3, "$2::text[]")}) AS titled
        ) AS candidate
    ) AS number
) AS ranked
ORDER BY parent.ordinal
"""
    return ReadStatement(f"{scope.name}_count_ranked", sql, cached_plan=False)
