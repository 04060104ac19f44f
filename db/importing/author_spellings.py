"""The spellings in which books write an author without a key of its own, and the one that is shown.

The spelling of most books is shown. `target_author_spelling` holds the spellings of the authors that have several;
most authors have one, and no row.
"""

import asyncpg

# Of several names in one book, the first one counts: the others, and their sort names, leave no trace.
# Of the known spellings, the numbers stay. A sort name follows the feed, but if books outside of it have the spelling,
# the better one stays: a given sort name before the name itself, then the smallest.
_FIND_SPELLINGS = """
/* find_author_spellings */
INSERT INTO target_author_spelling (author_id, number, name, sort_name)
WITH varied AS MATERIALIZED (
    SELECT t.id, t.source_id
    FROM stage_key k JOIN target_author t ON t.source = k.source AND t.source_id = k.source_id
    WHERE k.source = 'name' AND k.name <> t.name
    UNION
    SELECT t.id, t.source_id FROM target_author t JOIN author a ON a.id = t.id
    WHERE t.source = 'name' AND a.name <> t.name
    UNION
    SELECT t.id, t.source_id FROM target_author t
    WHERE t.source = 'name' AND t.id IN (SELECT author_id FROM author_spelling)
), known AS (
    SELECT s.author_id, s.number, s.name, s.sort_name
    FROM author_spelling s WHERE s.author_id IN (SELECT id FROM varied)
    UNION ALL
    SELECT a.id, 0, a.name, a.sort_name
    FROM varied v JOIN author a ON a.id = v.id
    WHERE NOT EXISTS (SELECT FROM author_spelling s WHERE s.author_id = a.id)
), used AS MATERIALIZED (
    SELECT l.people::integer AS person FROM stage_link l JOIN stage_book b USING (ordinal)
    WHERE strpos(l.people, ',') = 0 AND l.people <> '' AND EXISTS (SELECT FROM varied)
    UNION
    SELECT n.person
    FROM (
        SELECT k.person, k.name,
               first_value(k.name) OVER (PARTITION BY l.ordinal, k.source_id, k.role ORDER BY u.n) AS link_name
        FROM stage_link l JOIN stage_book b USING (ordinal)
        CROSS JOIN string_to_table(l.people, ',') WITH ORDINALITY AS u (person, n)
        JOIN stage_key k ON k.person = u.person::integer
        WHERE strpos(l.people, ',') > 0 AND k.source = 'name' AND k.source_id IN (SELECT source_id FROM varied)
    ) n
    WHERE n.name = n.link_name
), written AS (
    SELECT v.id AS author_id, k.name,
           (min(ARRAY[CASE WHEN k.sort_name = k.name THEN '1' ELSE '0' END, k.sort_name] COLLATE "C"))[2] AS sort_name
    FROM varied v JOIN stage_key k ON k.source = 'name' AND k.source_id = v.source_id
    WHERE k.person IN (SELECT person FROM used)
    GROUP BY v.id, k.name
)
SELECT author_id,
       coalesce(k.number, coalesce(max(k.number) OVER author, -1) + row_number() OVER unknown),
       name,
       CASE WHEN k.sort_name <> w.sort_name AND EXISTS (
           SELECT FROM book_author ba
           WHERE ba.author_id = k.author_id AND coalesce(ba.spelling, 0) = k.number
             AND NOT EXISTS (SELECT FROM target_book b WHERE b.id = ba.book_id)
       ) THEN (
           SELECT v.sort_name FROM (VALUES (k.sort_name), (w.sort_name)) AS v (sort_name)
           ORDER BY v.sort_name = name, v.sort_name COLLATE "C" LIMIT 1
       ) ELSE coalesce(w.sort_name, k.sort_name) END
FROM known k FULL JOIN written w USING (author_id, name)
WINDOW author AS (PARTITION BY author_id),
       unknown AS (PARTITION BY author_id, k.number IS NULL ORDER BY spelling_rank(name), name COLLATE "C")
"""

_KEEP_SHOWN = """
/* keep_shown_authors */
UPDATE target_author t SET name = a.name, sort_name = a.sort_name
FROM author a
WHERE a.id = t.id AND t.id IN (SELECT author_id FROM target_author_spelling)
"""

_ADD_LEFT_AUTHORS = (
    """
    /* spellings_of_left_authors */
    INSERT INTO target_author_spelling (author_id, number, name, sort_name)
    SELECT s.author_id, s.number, s.name, s.sort_name
    FROM author_spelling s
    WHERE s.author_id IN (SELECT author_id FROM gone_book_author)
      AND NOT EXISTS (SELECT FROM target_author_spelling t WHERE t.author_id = s.author_id)
    """,
    """
    /* left_authors */
    INSERT INTO target_author (id, is_new, source, source_id, name, sort_name, birth_year, death_year)
    SELECT a.id, false, a.source, a.source_id, a.name, a.sort_name, a.birth_year, a.death_year
    FROM author a
    WHERE a.id IN (SELECT author_id FROM target_author_spelling)
      AND NOT EXISTS (SELECT FROM target_author t WHERE t.id = a.id)
    """,
)

_HAS_SPELLINGS = """
/* has_author_spellings */
SELECT EXISTS (SELECT FROM target_author_spelling)
"""

# A book counts once for a spelling, in however many roles.
_COUNT_BOOKS = """
/* count_author_spellings */
UPDATE target_author_spelling t SET books = v.books
FROM (
    SELECT l.author_id, coalesce(l.spelling, 0) AS number, count(DISTINCT l.book_id) AS books
    FROM (
        SELECT ba.author_id, ba.book_id, ba.spelling
        FROM book_author ba
        WHERE ba.author_id IN (SELECT author_id FROM target_author_spelling) AND NOT EXISTS (
            SELECT FROM gone_book_author g WHERE g.book_id = ba.book_id AND g.position = ba.position
        )
        UNION ALL
        SELECT author_id, book_id, spelling FROM target_book_author
        WHERE author_id IN (SELECT author_id FROM target_author_spelling)
    ) l
    GROUP BY 1, 2
) v
WHERE t.author_id = v.author_id AND t.number = v.number
"""

_CHOOSE_SPELLINGS = """
/* choose_author_spellings */
UPDATE target_author t SET name = c.name, sort_name = c.sort_name
FROM (
    SELECT DISTINCT ON (author_id) author_id, name, sort_name
    FROM target_author_spelling
    WHERE books > 0
    ORDER BY author_id, books DESC, spelling_rank(name), name COLLATE "C"
) c
WHERE t.id = c.author_id
"""

# An author whose books all have the number 0 needs no row.
_NEEDED = """(t.books > 0 AND (t.number > 0 OR EXISTS (
    SELECT FROM target_author_spelling o WHERE o.author_id = t.author_id AND o.number > 0 AND o.books > 0
)))"""

_DELETE_SPELLINGS = f"""
/* delete_author_spellings */
DELETE FROM author_spelling s USING target_author_spelling t
WHERE t.author_id = s.author_id AND t.number = s.number AND NOT {_NEEDED}
"""

_WRITE_SPELLINGS = f"""
/* write_author_spellings */
INSERT INTO author_spelling AS s (author_id, number, name, sort_name)
SELECT t.author_id, t.number, t.name, t.sort_name FROM target_author_spelling t
WHERE {_NEEDED} ORDER BY t.author_id, t.number
ON CONFLICT (author_id, number) DO UPDATE SET sort_name = excluded.sort_name
WHERE s.sort_name <> excluded.sort_name
"""


async def find_author_spellings(connection: asyncpg.Connection) -> None:
    """Fill `target_author_spelling` for the authors of the feed that are not all written as they are shown.

    `target_author` holds any of the feed's names, and afterwards the shown ones.
    """
    await connection.execute(_FIND_SPELLINGS)
    await connection.execute("ANALYZE target_author_spelling")
    await connection.execute(_KEEP_SHOWN)


async def choose_author_spellings(connection: asyncpg.Connection) -> None:
    """Count the books of each spelling after the import, and set the names of `target_author`."""
    for statement in _ADD_LEFT_AUTHORS:
        await connection.execute(statement)
    if await connection.fetchval(_HAS_SPELLINGS):
        await connection.execute("ANALYZE target_author_spelling")
        await connection.execute(_COUNT_BOOKS)
        await connection.execute(_CHOOSE_SPELLINGS)


async def write_author_spellings(connection: asyncpg.Connection) -> None:
    """Write the spellings that books have. The authors must have been written."""
    await connection.execute(_DELETE_SPELLINGS)
    await connection.execute(_WRITE_SPELLINGS)
