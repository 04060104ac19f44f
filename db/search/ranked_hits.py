"""Ranked hits: the best books of a list for a text that too many books match to rank all of them.

Only the matching books with the most ratings are ranked, and those whose title is the text. The page and the
number of books of a list sorted by relevance are both taken from its ranked hits.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from db.books import ALL_BOOKS
from db.database import Database
from db.keyset import Scope, merge_ranges_sql
from db.search.conditions import ALWAYS, Condition, all_of, bind_single_parent, restrict_scope
from db.search.hit_limits import MAX_POPULAR_HITS, MAX_TITLE_CANDIDATES, RANK_CANDIDATES
from db.search.list_condition import ListCondition
from db.search.popularity_tiers import TIERS, in_tier, popular_hits_sql, union_until_limit
from db.search.score import ranking_parameters, scored_sql, titles_condition
from db.search.text_query import TextQuery
from db.statements import ReadStatement

_RANKING = ranking_parameters(2)
_FIRST_PARAMETER = 2 + len(_RANKING)


@dataclass(frozen=True, slots=True)
class RankedHits:
    """The ids of the ranked books of a list, the best first, and their scores. If `capped`, more match."""

    ids: Sequence[int]
    scores: Sequence[int]
    capped: bool


async def fetch_ranked_hits(
    database: Database, scope: Scope, parents: Sequence[int], list_condition: ListCondition
) -> list[RankedHits]:
    """Return the ranked hits of each parent's list, for a text whose hits are not all ranked."""
    statement = _ranked_hits_statement(bind_single_parent(scope, parents), list_condition)
    ranking = _text_of(list_condition).ranking.parameters
    rows = await database.fetch(statement, parents, *ranking, *_popular_values(scope, list_condition))
    return [RankedHits(*row) for row in rows]


def _ranked_hits_statement(scope: Scope, list_condition: ListCondition) -> ReadStatement:
    """Return the statement that ranks hits, and tells whether there is a further one.

    There is one if more popular hits than can be ranked are found. Otherwise all hits are ranked.
    """
    sql = f"""
SELECT ranked.ids, ranked.scores, ranked.capped
FROM unnest($1::bigint[]) WITH ORDINALITY AS parent (id, ordinal)
CROSS JOIN LATERAL (
    WITH popular AS MATERIALIZED ({_popular_sql(scope, list_condition)}),
    candidate AS MATERIALIZED (
        SELECT c.id, ts_filter(s.document, '{{a,b}}') AS document
        FROM (
            (SELECT id FROM popular LIMIT {RANK_CANDIDATES})
            UNION SELECT id FROM ({_titled_sql(scope, list_condition)}) AS titled
        ) AS c
        JOIN book_search AS s ON s.book_id = c.id
    ),
    scored AS MATERIALIZED (
        SELECT id, key FROM ({scored_sql("candidate", _RANKING)}) AS s ORDER BY key DESC, id DESC
    )
    SELECT ARRAY(SELECT id FROM scored) AS ids, ARRAY(SELECT key FROM scored) AS scores,
           (SELECT count(*) FROM popular) > (SELECT count(*) FROM scored) AS capped
) AS ranked
ORDER BY parent.ordinal
"""
    return ReadStatement(
        f"{scope.name}_ranked_hits", sql, cached_plan=_is_whole_catalog(scope, list_condition)
    )


def _popular_sql(scope: Scope, list_condition: ListCondition) -> str:
    """Return the SQL for the most popular matching books.

    Those of the whole catalog have the words in title or authors, if enough do, and may be known. Those of
    another list are found by the ids of the hits, or by their documents, tier by tier, or if one in ten
    matches, by scanning the index by rating count. The parameters are _popular_values().
    """
    condition, text_query = list_condition.condition, _text_of(list_condition)
    query, named, named_in_tiers = (f"${_FIRST_PARAMETER + number}" for number in range(3))
    if _is_whole_catalog(scope, list_condition):
        if text_query.book_ids is not None:
            return f"SELECT id FROM unnest({query}::bigint[]) AS h (id) LIMIT {MAX_POPULAR_HITS}"
        if text_query.popular_ids is not None:
            return f"SELECT id FROM unnest({named}::bigint[]) AS h (id)"
        return popular_hits_sql(query, named, named_in_tiers, MAX_POPULAR_HITS)
    if text_query.is_frequent or text_query.book_ids is not None:
        return _most_popular_sql(scope, condition, _FIRST_PARAMETER, MAX_POPULAR_HITS)
    conditions = (in_tier(condition, tier) for tier in TIERS)
    parts = [_most_popular_sql(scope, each, _FIRST_PARAMETER, MAX_POPULAR_HITS) for each in conditions]
    return union_until_limit(parts, MAX_POPULAR_HITS)


def _popular_values(scope: Scope, list_condition: ListCondition) -> tuple[object, ...]:
    """Return the values of the parameters of _popular_sql(): first those of the condition."""
    values, text_query = list_condition.condition.values, _text_of(list_condition)
    if not _is_whole_catalog(scope, list_condition) or text_query.book_ids is not None:
        return values
    if text_query.popular_ids is not None:
        return (*values, text_query.popular_ids)
    return (*values, text_query.named, text_query.named_in_tiers)


def _text_of(list_condition: ListCondition) -> TextQuery:
    assert list_condition.text_query is not None  # noqa: S101 - nothing else is sorted by relevance
    return list_condition.text_query


def _is_whole_catalog(scope: Scope, list_condition: ListCondition) -> bool:
    return scope == ALL_BOOKS and list_condition.others == ALWAYS


def _titled_sql(scope: Scope, list_condition: ListCondition) -> str:
    """Return the SQL for the matching books among the most popular ones with one of the possible titles.

    The first parameter of the condition is the tsquery of the text, or the ids of its hits.
    """
    condition = all_of([titles_condition(_RANKING["titles"]), list_condition.others])
    titled = _most_popular_sql(scope, condition, _FIRST_PARAMETER + 1, MAX_TITLE_CANDIDATES)
    if _text_of(list_condition).book_ids is not None:
        return f"SELECT id FROM ({titled}) AS titled WHERE id = ANY (${_FIRST_PARAMETER}::bigint[])"
    return (
        f"SELECT titled.id FROM ({titled}) AS titled JOIN book_search AS s ON s.book_id = titled.id"
        f" WHERE s.document @@ ${_FIRST_PARAMETER}::tsquery"
    )


def _most_popular_sql(scope: Scope, condition: Condition, first_parameter: int, limit: int) -> str:
    restricted = restrict_scope(scope, condition, first_parameter)
    return merge_ranges_sql(restricted, "l.rating_count", "true", "key DESC, id DESC", str(limit), 1)
