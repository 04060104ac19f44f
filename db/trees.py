"""Trees: categories read along with a page of their children, a page of the children of each of those, and
so on, in one statement."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from db.categories import BY_NAME, CHILDREN, Category
from db.pages import Page, Window, bounds, page, ranges
from db.pool import Database
from db.rows import Columns, aligned

KEY_TYPES = {"id": "bigint", "path": "text"}


@dataclass(slots=True)
class Trees:
    """The category that each key found, None where it found none; and for each level below, the page of
    children of each category above it, by its id."""

    roots: list[Category | None]
    levels: list[dict[int, Page[Category]]] = field(default_factory=list[dict[int, Page[Category]]])


async def trees(
    database: Database,
    column: str,
    keys: Sequence[Any],
    windows: Sequence[Window],
    columns: Columns[Category],
) -> Trees:
    """The categories with these ids or paths, and a window of the children at each level below."""
    columns = columns.including(column)
    alone = len(keys) == 1
    name = ("trees", column, alone, *(window.backward for window in windows))
    text = columns.texts.get(name)
    if text is None:
        text = columns.texts[name] = written(column, windows, columns.sql, alone=alone)
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


def written(column: str, windows: Sequence[Window], columns: str, *, alone: bool) -> str:
    wanted = "= $1::{}" if alone else "= ANY ($1::{}[])"
    levels = [
        f"SELECT 0 AS level, {columns}, 0::bigint AS child_of, t.sort_key AS sort_value"
        f" FROM category AS t WHERE t.{column} {wanted.format(KEY_TYPES[column])}"
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
/* trees_by_{column}s */
WITH {named}
{united}
ORDER BY level, sort_value, id
"""
