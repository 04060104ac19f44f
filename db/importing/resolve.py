"""Compare the staged rows with the catalog: find new, changed and removed books, authors, categories and links.

This step writes only temporary tables. `target_*` holds the rows of the feed with their existing or new
ids. `gone_*` holds links that are no longer in the feed. A link that is in both the feed and the catalog is
in neither table.
"""

import asyncpg

from db.importing.identity_sequences import identity_sequence
from db.importing.update_rules import UpdateRules

_STAGED_AUTHORS = """
/* authors_of_people */
INSERT INTO stage_author (person, author_id, role)
SELECT k.person, a.id, k.role
FROM stage_key k JOIN target_author a ON a.source = k.source AND a.source_id = k.source_id
"""

_NEW_BOOKS = """
/* new_target_books */
INSERT INTO target_book (ordinal, id, is_new, is_own, differs)
SELECT m.ordinal, nextval($1::text::regclass), true, true, false
FROM (
    SELECT s.ordinal FROM stage_book s
    WHERE NOT EXISTS (SELECT FROM target_book t WHERE t.ordinal = s.ordinal)
    ORDER BY s.ordinal
) m
"""

# Sources share categories, and authors that are known by name only. If books outside of this feed use them, the
# smaller name wins, so the result does not depend on the order of imports.
_RESOLVE_SHARED_AUTHORS = """
/* settle_shared_authors */
UPDATE target_author t
SET (name, sort_name) = (
        SELECT v.name, v.sort_name
        FROM (VALUES (t.name, t.sort_name), (a.name, a.sort_name)) AS v (name, sort_name)
        ORDER BY v.sort_name = v.name, v.name COLLATE "C", v.sort_name COLLATE "C" LIMIT 1
    ),
    (birth_year, death_year) = (
        SELECT v.birth, v.death
        FROM (VALUES (t.birth_year, t.death_year), (a.birth_year, a.death_year)) AS v (birth, death)
        ORDER BY num_nulls(v.birth, v.death), v.birth, v.death LIMIT 1
    )
FROM author a
WHERE a.id = t.id AND t.source = 'name'
  AND (a.name, a.sort_name, a.birth_year, a.death_year)
      IS DISTINCT FROM (t.name, t.sort_name, t.birth_year, t.death_year)
  AND EXISTS (
      SELECT FROM book_author ba
      WHERE ba.author_id = a.id AND NOT EXISTS (SELECT FROM target_book b WHERE b.id = ba.book_id)
  )
"""

_TARGET_CATEGORIES = """
/* target_categories */
INSERT INTO target_category (id, parent_id, depth, name, path, is_new)
WITH node AS MATERIALIZED (
    SELECT coalesce(n.id, nextval($1::text::regclass)) AS id, n.id IS NULL AS is_new,
           n.depth, n.name, n.slugs, n.parent_slugs
    FROM (
        SELECT c.id, d.depth, d.name, d.slugs, d.parent_slugs
        FROM (
            SELECT slugs, parent_slugs, depth, min(name COLLATE "C") AS name
            FROM stage_node
            WHERE NOT EXISTS (SELECT FROM stage_reject UNION ALL SELECT FROM kept_field) OR path IN (
                SELECT string_to_table(l.paths, ',')::integer FROM stage_link l JOIN stage_book USING (ordinal)
            )
            GROUP BY slugs, parent_slugs, depth
        ) d
        LEFT JOIN category c ON c.path = d.slugs
        ORDER BY d.depth, d.slugs
    ) n
)
SELECT n.id, p.id, n.depth, n.name, n.slugs, n.is_new
FROM node n LEFT JOIN node p ON p.slugs = n.parent_slugs
"""

# Listings have published books only.
_LINKS_OF_SUBTREE = """
          SELECT FROM category k JOIN book_category l ON l.category_id = k.id
          WHERE (k.id = c.id OR k.path > c.path || '/' AND k.path < c.path || '0')"""

_RESOLVE_SHARED_CATEGORIES = f"""
/* settle_shared_categories */
UPDATE target_category t
SET name = c.name
FROM category c
WHERE c.id = t.id AND c.name COLLATE "C" < t.name
  AND (
      NOT EXISTS ({_LINKS_OF_SUBTREE}
      )
      OR EXISTS ({_LINKS_OF_SUBTREE}
            AND NOT EXISTS (SELECT FROM target_book b WHERE b.id = l.book_id)
      )
  )
"""

# Most books have one author. Only books with several authors need sorting and deduplication of links.
_TARGET_BOOK_AUTHORS = """
/* target_book_authors */
INSERT INTO target_book_author (book_id, position, author_id, role)
SELECT b.id, 1, a.author_id, a.role
FROM stage_link l
JOIN target_book b ON b.ordinal = l.ordinal
JOIN stage_author a ON a.person = l.people::integer
WHERE strpos(l.people, ',') = 0 AND l.people <> ''
UNION ALL
SELECT c.book_id, row_number() OVER (PARTITION BY c.book_id ORDER BY c.n), c.author_id, c.role
FROM (
    SELECT b.id AS book_id, a.author_id, a.role, min(u.n) AS n
    FROM stage_link l
    JOIN target_book b ON b.ordinal = l.ordinal
    CROSS JOIN string_to_table(l.people, ',') WITH ORDINALITY AS u (person, n)
    JOIN stage_author a ON a.person = u.person::integer
    WHERE strpos(l.people, ',') > 0
    GROUP BY b.id, a.author_id, a.role
) c
"""

_TARGET_BOOK_CATEGORIES = """
/* target_book_categories */
INSERT INTO target_book_category (book_id, category_id)
WITH leaf AS MATERIALIZED (
    SELECT n.path, c.id FROM stage_node n JOIN target_category c ON c.path = n.slugs WHERE n.is_leaf
)
SELECT b.id, f.id
FROM stage_link l JOIN target_book b ON b.ordinal = l.ordinal JOIN leaf f ON f.path = l.paths::integer
WHERE strpos(l.paths, ',') = 0 AND l.paths <> ''
UNION ALL
SELECT DISTINCT b.id, f.id
FROM stage_link l
JOIN target_book b ON b.ordinal = l.ordinal
CROSS JOIN string_to_table(l.paths, ',') AS u (path)
JOIN leaf f ON f.path = u.path::integer
WHERE strpos(l.paths, ',') > 0
"""

_REMOVED_BOOK_AUTHORS = """
/* gone_book_authors */
INSERT INTO gone_book_author (book_id, position, author_id)
SELECT ba.book_id, ba.position, ba.author_id
FROM target_book b JOIN book_author ba ON ba.book_id = b.id JOIN stage_link l USING (ordinal)
WHERE NOT b.is_new AND {sets_people} AND NOT EXISTS (
    SELECT FROM target_book_author t
    WHERE t.book_id = ba.book_id AND t.position = ba.position AND t.author_id = ba.author_id AND t.role = ba.role
)
"""

_REMOVED_BOOK_CATEGORIES = """
/* gone_book_categories */
INSERT INTO gone_book_category (book_id, category_id)
SELECT bc.book_id, bc.category_id
FROM target_book b JOIN book_category bc ON bc.book_id = b.id JOIN stage_link l USING (ordinal)
WHERE NOT b.is_new AND {sets_paths} AND NOT EXISTS (
    SELECT FROM target_book_category t WHERE t.book_id = bc.book_id AND t.category_id = bc.category_id
)
"""

_DROP_KEPT_BOOK_AUTHORS = """
/* drop_kept_book_authors */
DELETE FROM target_book_author t USING book_author ba
WHERE t.book_id = ba.book_id AND t.position = ba.position AND t.author_id = ba.author_id AND t.role = ba.role
"""

_DROP_KEPT_BOOK_CATEGORIES = """
/* drop_kept_book_categories */
DELETE FROM target_book_category t USING book_category bc
WHERE t.book_id = bc.book_id AND t.category_id = bc.category_id
"""


async def resolve(connection: asyncpg.Connection, rules: UpdateRules) -> None:
    """Fill the `target_*` and `gone_*` tables, which the staged checks began to fill."""
    await connection.execute(_NEW_BOOKS, await identity_sequence(connection, "book"))
    await connection.execute("ANALYZE target_book")
    await connection.execute(_RESOLVE_SHARED_AUTHORS)
    await connection.execute(_TARGET_CATEGORIES, await identity_sequence(connection, "category"))
    await connection.execute(_RESOLVE_SHARED_CATEGORIES)
    await connection.execute("ANALYZE target_category")
    await connection.execute(_STAGED_AUTHORS)
    await connection.execute("ANALYZE stage_author")
    await connection.execute(_TARGET_BOOK_AUTHORS)
    await connection.execute(_TARGET_BOOK_CATEGORIES)
    await connection.execute("ANALYZE target_book_author, target_book_category")
    await compare_links(connection, rules)


async def compare_links(connection: asyncpg.Connection, rules: UpdateRules) -> None:
    """Find the links that go, and leave in the target tables only those that come."""
    if "authors" in rules.links:
        await connection.execute(_REMOVED_BOOK_AUTHORS.format(sets_people=rules.sets_links("l.people")))
    if "categories" in rules.links:
        await connection.execute(_REMOVED_BOOK_CATEGORIES.format(sets_paths=rules.sets_links("l.paths")))
    await connection.execute(_DROP_KEPT_BOOK_AUTHORS)
    await connection.execute(_DROP_KEPT_BOOK_CATEGORIES)
    await connection.execute(
        "ANALYZE target_book_author, target_book_category, gone_book_author, gone_book_category"
    )
