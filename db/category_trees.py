"""Category trees: one statement reads categories with a page of children on each of several levels."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from db.categories import BY_NAME, CHILDREN, Category
from db.database import Database
from db.keyset import Page, PageRequest, ParentLookup, build_page, keyset_bounds, range_sql
from db.records import Columns, align_to_keys


@dataclass(slots=True)
class CategoryTrees:
    """The category of each key, None for an unknown key, and the pages of children on each level below.

    A level maps the id of each category on the level above to the page of its children.
    """

    roots: list[Category | None]
    levels: list[dict[int, Page[Category]]] = field(default_factory=list[dict[int, Page[Category]]])


async def fetch_category_trees(
    database: Database,
    lookup: ParentLookup,
    keys: Sequence[Any],
    page_requests: Sequence[PageRequest],
) -> CategoryTrees:
    """Look up categories by their keys, and read one page of children per category on each level below."""
    column = lookup.column
    columns: Columns[Category] = lookup.columns.with_column(column)
    single_key = len(keys) == 1
    cache_key = ("trees", column, single_key, *(page_request.backward for page_request in page_requests))
    sql = columns.statement_cache.get(cache_key)
    if sql is None:
        sql = columns.statement_cache[cache_key] = _tree_sql(
            lookup, page_requests, columns.sql, single_key=single_key
        )
    page_arguments = [
        argument
        for page_request in page_requests
        for argument in (page_request.limit + 1, *keyset_bounds(BY_NAME, page_request))
    ]
    rows = await database.fetch(
        sql, keys[0] if single_key else keys, *page_arguments, record_class=columns.record_class
    )
    by_level: list[list[Any]] = [[] for _ in range(len(page_requests) + 1)]
    for row in rows:
        by_level[row["level"]].append(row)
    above = by_level[0]
    trees = CategoryTrees(align_to_keys(keys, {row[column]: row for row in above}))
    for page_request, below in zip(page_requests, by_level[1:], strict=True):
        children: dict[int, list[Category]] = {row["id"]: [] for row in above}
        for row in below:
            children[row["child_of"]].append(row)
        trees.levels.append(
            {parent: _build_child_page(siblings, page_request) for parent, siblings in children.items()}
        )
        above = below
    return trees


def _build_child_page(children: list[Category], page_request: PageRequest) -> Page[Category]:
    if page_request.backward:
        children.reverse()
    return build_page(children, page_request)


def _tree_sql(
    lookup: ParentLookup, page_requests: Sequence[PageRequest], columns: str, *, single_key: bool
) -> str:
    key_condition = "= $1::{}" if single_key else "= ANY ($1::{}[])"
    levels = [
        f"SELECT 0 AS level, {columns}, 0::bigint AS child_of, t.sort_key AS sort_value"
        f" FROM category AS t WHERE t.{lookup.column} {key_condition.format(lookup.sql_type)}"
    ]
    first_parameter = 2
    for level, page_request in enumerate(page_requests, 1):
        direction = "DESC" if page_request.backward else "ASC"
        children_sql = range_sql(CHILDREN, BY_NAME.key, "l.sort_key", direction, False, first_parameter)
        levels.append(
            f"SELECT {level} AS level, {columns}, parent.id AS child_of, page.key AS sort_value"
            f" FROM level_{level - 1} AS parent CROSS JOIN LATERAL ({children_sql}) AS page"
            " JOIN category AS t ON t.id = page.id"
        )
        first_parameter += 1 + len(keyset_bounds(BY_NAME, page_request))
    level_queries = ",\n".join(f"level_{number} AS ({level})" for number, level in enumerate(levels))
    all_levels = " UNION ALL ".join(f"SELECT * FROM level_{number}" for number in range(len(levels)))
    return f"""
/* trees_by_{lookup.column}s */
WITH {level_queries}
{all_levels}
ORDER BY level, sort_value, id
"""
