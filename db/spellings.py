"""The names with which books write the path of a category (see migration 0013)."""

CATEGORY_NAMES_SQL = """
SELECT k.id AS category_id, array_agg(a.name ORDER BY u.depth) AS shown,
       array_agg(coalesce(s.names[u.depth], a.name) ORDER BY u.depth) AS base
FROM category k
CROSS JOIN unnest(k.lineage) WITH ORDINALITY AS u (id, depth)
JOIN category a ON a.id = u.id
LEFT JOIN category_spelling s ON s.category_id = a.id AND s.number = 0
GROUP BY k.id
"""
"""The names of each category's path: as they are shown, and as links without a number write them."""
