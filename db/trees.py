"""Trees: categories read along with a page of their children, a page of the children of each of those, and
so on, in one statement."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from db.categories import BY_NAME, CHILDREN, Category
from db.database import Database
from db.pages import Lookup, Page, Window, bounds, page, ranges
from db.rows import Columns, aligned


@dataclass(slots=True)
class Trees:
    """The category that each key found, None where it found none; and for each level below, the page of
    children of each category above it, by its id."""

    roots: list[Category | None]
    levels: list[dict[int, Page[Category]]] = field(default_factory=list[dict[int, Page[Category]]])


async def trees(
    database: Database,
    lookup: Lookup,
    keys: Sequence[Any],
    windows: Sequence[Window],
) -> Trees:
    """The categories that a look-up finds by each key, and a window of the children at each level below."""
    column = lookup.column
    columns: Columns[Category] = lookup.columns.including(column)
    alone = len(keys) == 1
    name = ("trees", column, alone, *(window.backward for window in windows))
    text = columns.texts.get(name)
    if text is None:
        text = columns.texts[name] = written(lookup, windows, columns.sql, alone=alone)
    parts = [part for window in windows for part in (window.count + 1, *bounds(BY_NAME, window))]
    rows = await database.fetch(text, keys[0] if alone else keys, *parts, record_class=columns.kind)
    by_level: list[list[Any]] = [[] for _ in range(len(windows) + 1)]
    for row in rows:
        by_level[row["level"]].append(row)
    above = by_level[0]
    found = Trees(aligned(keys, {row[column]: row for row in above}))
    for window, below in zip(windows, by_level[1:], strict=True):
        children: dict[int, list[Category]] = {row["id"]: [] for row in above}
        for row in below:
            children[row["child_of"]].append(row)
        found.levels.append({parent: in_window(those, window) for parent, those in children.items()})
        above = below
    return found


def in_window(children: list[Category], window: Window) -> Page[Category]:
    if window.backward:
        children.reverse()
    return page(children, window)


def written(lookup: Lookup, windows: Sequence[Window], columns: str, *, alone: bool) -> str:
    wanted = "= $1::{}" if alone else "= ANY ($1::{}[])"
    levels = [
        f"SELECT 0 AS level, {columns}, 0::bigint AS child_of, t.sort_key AS sort_value"
        f" FROM category AS t WHERE t.{lookup.column} {wanted.format(lookup.sql_type)}"
    ]
    parameters = 2
    for level, window in enumerate(windows, 1):
        direction = "DESC" if window.backward else "ASC"
        walk = ranges(CHILDREN, BY_NAME.key, "l.sort_key", direction, False, parameters)
        levels.append(
            f"SELECT {level} AS level, {columns}, parent.id AS child_of, page.key AS sort_value"
            f" FROM level_{level - 1} AS parent CROSS JOIN LATERAL ({walk}) AS page"
            " JOIN category AS t ON t.id = page.id"
        )
        parameters += 1 + len(bounds(BY_NAME, window))
    named = ",\n".join(f"level_{number} AS ({level})" for number, level in enumerate(levels))
    united = " UNION ALL ".join(f"SELECT * FROM level_{number}" for number in range(len(levels)))
    return f"""
/* trees_by_{lookup.column}s */
WITH {named}
{united}
ORDER BY level, sort_value, id
"""
