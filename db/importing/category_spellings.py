"""Find the spellings of category paths in a feed, and write the spellings that books use.

A path votes for each of its categories, so a spelling holds all names from the root. `target_category_spelling` holds
the spellings of the categories that have several; most have one, and no row.
"""

import asyncpg

# Number 0 of a new category is the best of its names: most of its books will have it.
_NAME_NEW_CATEGORIES = """
/* name_new_categories */
UPDATE target_category t SET name = b.name
FROM (
    SELECT DISTINCT ON (n.slugs) n.slugs, n.name
    FROM stage_node n
    WHERE n.slugs IN (
        SELECT v.path FROM stage_node o JOIN target_category v ON v.path = o.slugs WHERE v.is_new AND o.name <> v.name
    )
    ORDER BY n.slugs, spelling_rank(n.name), n.name COLLATE "C"
) b
WHERE t.path = b.slugs AND t.is_new
"""

_FIND_PATHS = """
/* find_category_paths */
INSERT INTO stage_category (path, category_id, names, base)
SELECT n.path, max(t.id) FILTER (WHERE n.is_leaf), array_agg(n.name ORDER BY n.depth),
       array_agg(coalesce(s.names[n.depth], t.name) ORDER BY n.depth)
FROM stage_node n
JOIN target_category t ON t.path = n.slugs
LEFT JOIN category_spelling s ON s.category_id = t.id AND s.number = 0
GROUP BY n.path HAVING bool_or(n.is_leaf)
"""

_FIND_SPELLINGS = """
/* find_category_spellings */
INSERT INTO target_category_spelling (category_id, number, names)
WITH varied AS MATERIALIZED (
    SELECT category_id, min(base) AS base FROM stage_category
    WHERE names <> base OR category_id IN (SELECT category_id FROM category_spelling)
    GROUP BY category_id
), known AS (
    SELECT s.category_id, s.number, s.names
    FROM category_spelling s WHERE s.category_id IN (SELECT category_id FROM varied)
    UNION ALL
    SELECT v.category_id, 0, v.base FROM varied v
    WHERE NOT EXISTS (SELECT FROM category_spelling s WHERE s.category_id = v.category_id)
), written AS (
    SELECT DISTINCT category_id, names FROM stage_category
    WHERE category_id IN (SELECT category_id FROM varied)
)
SELECT category_id,
       coalesce(k.number, max(k.number) OVER (PARTITION BY category_id)
                          + row_number() OVER (PARTITION BY category_id, k.number IS NULL ORDER BY names)),
       names
FROM known k FULL JOIN written USING (category_id, names)
"""

_NUMBER_PATHS = """
/* number_category_paths */
UPDATE stage_category c SET spelling = s.number
FROM target_category_spelling s
WHERE s.category_id = c.category_id AND s.names = c.names AND s.number > 0
"""

_WRITE_SPELLINGS = """
/* write_category_spellings */
INSERT INTO category_spelling (category_id, number, names)
SELECT t.category_id, t.number, t.names
FROM target_category_spelling t JOIN category c ON c.id = t.category_id
WHERE t.number = 0
   OR (t.category_id, t.number) IN (SELECT category_id, spelling FROM target_book_category WHERE spelling > 0)
ORDER BY t.category_id, t.number
ON CONFLICT (category_id, number) DO NOTHING
"""

_DELETE_SPELLINGS = """
/* delete_category_spellings */
DELETE FROM category_spelling s
WHERE s.number > 0 AND s.category_id IN (SELECT category_id FROM gone_book_category) AND NOT EXISTS (
    SELECT FROM book_category bc WHERE bc.category_id = s.category_id AND bc.spelling = s.number
)
"""


async def find_category_spellings(connection: asyncpg.Connection) -> None:
    """Fill `stage_category`, and `target_category_spelling` for the categories that the feed writes differently."""
    await connection.execute(_NAME_NEW_CATEGORIES)
    await connection.execute(_FIND_PATHS)
    await connection.execute("ANALYZE stage_category")
    await connection.execute(_FIND_SPELLINGS)
    await connection.execute("ANALYZE target_category_spelling")
    await connection.execute(_NUMBER_PATHS)


async def write_category_spellings(connection: asyncpg.Connection) -> None:
    """Write the spellings that books have. The categories and links must have been written."""
    await connection.execute(_WRITE_SPELLINGS)
    await connection.execute(_DELETE_SPELLINGS)
