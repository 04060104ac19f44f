"""The spellings in which books write the path of a category, and the one in which each category is shown.

A path votes for each of its categories, so a spelling holds all names from the root. The spelling of most books is
shown. `target_category_spelling` holds the spellings of the categories that have several; most have one, and no row.
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

_HAS_SPELLINGS = """
/* has_category_spellings */
SELECT EXISTS (SELECT FROM target_category_spelling UNION ALL SELECT FROM category_spelling)
"""

_ADD_OTHER_SPELLINGS = """
/* other_category_spellings */
INSERT INTO target_category_spelling (category_id, number, names)
SELECT s.category_id, s.number, s.names FROM category_spelling s
WHERE NOT EXISTS (
    SELECT FROM target_category_spelling t WHERE t.category_id = s.category_id AND t.number = s.number
)
"""

# `level` has a row for each category and each of its levels, with the category of that level.
_FIND_LEVELS = """
/* category_levels */
CREATE TEMPORARY TABLE level ON COMMIT DROP AS
WITH place AS MATERIALIZED (
    SELECT id, parent_id, path, name FROM category
    UNION ALL
    SELECT id, parent_id, path, name FROM target_category WHERE is_new
)
SELECT k.id AS category_id, u.depth::integer AS depth, p.id, p.name, coalesce(s.names[u.depth], p.name) AS base
FROM place k
CROSS JOIN generate_series(1, array_length(string_to_array(k.path, '/'), 1)) AS u (depth)
JOIN place p ON p.path = array_to_string((string_to_array(k.path, '/'))[:u.depth], '/')
LEFT JOIN target_category_spelling s ON s.category_id = p.id AND s.number = 0;
ANALYZE level
"""

_FIND_VOTED = """
/* voted_categories */
CREATE TEMPORARY TABLE voted_category ON COMMIT DROP AS
SELECT DISTINCT n.id, n.depth, n.base
FROM target_category_spelling s JOIN level n ON n.category_id = s.category_id
WHERE s.names[n.depth] <> n.name AND n.id IN (
    SELECT up.id
    FROM (SELECT category_id FROM target_book_category UNION SELECT category_id FROM gone_book_category) c
    JOIN level up ON up.category_id = c.category_id
    UNION ALL
    SELECT t.id FROM target_category t JOIN category k USING (id) WHERE k.edited_at IS NOT NULL
);
ANALYZE voted_category
"""

_ADD_LEFT_CATEGORIES = """
/* left_categories_that_are_shown */
INSERT INTO target_category (id, parent_id, depth, name, path, is_new)
SELECT c.id, c.parent_id, cardinality(c.lineage), c.name, c.path, false
FROM category c
WHERE c.id IN (SELECT id FROM voted_category) AND NOT EXISTS (SELECT FROM target_category t WHERE t.id = c.id)
"""

# A book counts once for a spelling, with however many paths below the category.
_CHOOSE_SPELLINGS = """
/* choose_category_spellings */
UPDATE target_category t SET name = c.name
FROM (
    SELECT DISTINCT ON (v.id) v.id, v.name
    FROM (
        SELECT n.id, coalesce(s.names[n.depth], n.base) AS name, count(DISTINCT l.book_id) AS books
        FROM voted_category n
        JOIN level below ON below.id = n.id
        JOIN (
            SELECT bc.category_id, bc.book_id, bc.spelling
            FROM book_category bc
            WHERE NOT EXISTS (
                SELECT FROM gone_book_category g
                WHERE g.book_id = bc.book_id AND g.category_id = bc.category_id
            )
            UNION ALL
            SELECT category_id, book_id, spelling FROM target_book_category
        ) l ON l.category_id = below.category_id
        LEFT JOIN target_category_spelling s
            ON s.category_id = l.category_id AND s.number = coalesce(l.spelling, 0)
        GROUP BY 1, 2
    ) v
    ORDER BY v.id, v.books DESC, spelling_rank(v.name), v.name COLLATE "C"
) c
WHERE t.id = c.id AND t.name <> c.name
"""

# Links without a number keep the spelling that they had.
_PIN_SPELLINGS = """
/* pin_category_spellings */
INSERT INTO target_category_spelling (category_id, number, names)
SELECT t.id, 0, array_agg(up.base ORDER BY up.depth)
FROM target_category t
JOIN voted_category n ON n.id = t.id
JOIN level up ON up.category_id = t.id
WHERE t.name <> n.base
  AND NOT EXISTS (SELECT FROM target_category_spelling s WHERE s.category_id = t.id AND s.number = 0)
GROUP BY t.id
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


async def choose_category_spellings(connection: asyncpg.Connection) -> None:
    """Count the books of each spelling after the import, and set the names of `target_category`."""
    if not await connection.fetchval(_HAS_SPELLINGS):
        return
    await connection.execute(_ADD_OTHER_SPELLINGS)
    await connection.execute("ANALYZE target_category_spelling")
    await connection.execute(_FIND_LEVELS)
    await connection.execute(_FIND_VOTED)
    await connection.execute(_ADD_LEFT_CATEGORIES)
    await connection.execute(_CHOOSE_SPELLINGS)
    await connection.execute(_PIN_SPELLINGS)


async def write_category_spellings(connection: asyncpg.Connection) -> None:
    """Write the spellings that books have. The categories and links must have been written."""
    await connection.execute(_WRITE_SPELLINGS)
    await connection.execute(_DELETE_SPELLINGS)
