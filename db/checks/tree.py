"""Cycles in the category tree, and wrong lineages and paths."""

from db.statements import ReadStatement

# A category whose parent is missing counts as a root here: it is already reported as an orphan.
CATEGORY_CYCLES = ReadStatement(
    "category_cycles",
    """
WITH RECURSIVE reached AS (
    SELECT k.id FROM category k LEFT JOIN category parent ON parent.id = k.parent_id WHERE parent.id IS NULL
    UNION
    SELECT k.id FROM reached JOIN category k ON k.parent_id = reached.id
)
SELECT format('category %s (%s)', k.id, k.name) AS example, count(*) OVER () AS wrong
FROM category k LEFT JOIN reached ON reached.id = k.id
WHERE reached.id IS NULL
ORDER BY k.id LIMIT 5
""",
)

_DERIVED_COLUMN_SQL = """
SELECT format('category %s (%s): %s', k.id, k.name, k.{column}) AS example, count(*) OVER () AS wrong
FROM category k LEFT JOIN category parent ON parent.id = k.parent_id
WHERE (k.parent_id IS NULL OR parent.id IS NOT NULL) AND k.{column} IS DISTINCT FROM {expected}
ORDER BY k.id LIMIT 5
"""

CATEGORY_LINEAGES = ReadStatement(
    "category_lineages",
    _DERIVED_COLUMN_SQL.format(
        column="lineage", expected="coalesce(parent.lineage, ARRAY[]::bigint[]) || k.id"
    ),
)
CATEGORY_PATHS = ReadStatement(
    "category_paths",
    _DERIVED_COLUMN_SQL.format(column="path", expected="coalesce(parent.path || '/', '') || slug(k.name)"),
)
