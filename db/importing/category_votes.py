"""Choose the spelling in which each category is shown: that of most books."""

import asyncpg

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

# Each spelling of each category below a voted one, with the name that it gives to that one. Names are counted by their
# number, because sorting a million texts would take seconds.
_FIND_VOTES = """
/* category_votes */
CREATE TEMPORARY TABLE category_vote ON COMMIT DROP AS
WITH spelled AS (
    SELECT category_id, number, names FROM target_category_spelling
    UNION ALL
    SELECT DISTINCT l.category_id, 0, NULL::text[] FROM level l
    WHERE NOT EXISTS (
        SELECT FROM target_category_spelling s WHERE s.category_id = l.category_id AND s.number = 0
    )
)
SELECT v.category_id, v.number, v.id, v.name, dense_rank() OVER (ORDER BY v.id, v.name COLLATE "C") AS name_number
FROM (
    SELECT s.category_id, s.number, n.id, coalesce(s.names[n.depth], n.base) AS name
    FROM voted_category n
    JOIN level below ON below.id = n.id
    JOIN spelled s ON s.category_id = below.category_id
) v;
ANALYZE category_vote
"""

# A book counts once for a spelling, with however many paths below the category.
_CHOOSE_SPELLINGS = """
/* choose_category_spellings */
UPDATE target_category t SET name = c.name
FROM (
    SELECT DISTINCT ON (v.id) v.id, v.name
    FROM (SELECT DISTINCT id, name, name_number FROM category_vote) v
    JOIN (
        SELECT p.name_number, count(DISTINCT l.book_id) AS books
        FROM category_vote p
        JOIN (
            SELECT bc.category_id, bc.book_id, coalesce(bc.spelling, 0) AS number
            FROM book_category bc
            WHERE NOT EXISTS (
                SELECT FROM gone_book_category g
                WHERE g.book_id = bc.book_id AND g.category_id = bc.category_id
            )
            UNION ALL
            SELECT category_id, book_id, coalesce(spelling, 0) FROM target_book_category
        ) l ON l.category_id = p.category_id AND l.number = p.number
        GROUP BY p.name_number
    ) b ON b.name_number = v.name_number
    ORDER BY v.id, b.books DESC, spelling_rank(v.name), v.name COLLATE "C"
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


async def choose_category_spellings(connection: asyncpg.Connection) -> None:
    """Count the books of each spelling after the import, and set the names of `target_category`."""
    if not await connection.fetchval(_HAS_SPELLINGS):
        return
    await connection.execute(_ADD_OTHER_SPELLINGS)
    await connection.execute("ANALYZE target_category_spelling")
    await connection.execute(_FIND_LEVELS)
    await connection.execute(_FIND_VOTED)
    await connection.execute(_ADD_LEFT_CATEGORIES)
    await connection.execute(_FIND_VOTES)
    await connection.execute(_CHOOSE_SPELLINGS)
    await connection.execute(_PIN_SPELLINGS)
