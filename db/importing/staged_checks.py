"""Reject staged rows that conflict with another row of the feed or with the catalog.

Rejected rows move from `stage_book` to `stage_reject`. The checks fold authors and category paths to the
catalog's keys. The results in `stage_key`, `stage_node` and `target_author` are used by later steps.
"""

import asyncpg

from db.constraints import (
    MAX_CATEGORY_DEPTH,
    MAX_CATEGORY_PATH_BYTES,
    MAX_NAME_KEY_LENGTH,
    MAX_NAME_LENGTH,
)
from db.importing.identity_sequences import identity_sequence
from db.importing.matching import delete_rejected_targets, match_books, reject_taken_isbns
from db.importing.options import ImportOptions
from db.importing.ownership import KeptField, keep_fields
from db.importing.update_rules import UpdateRules

_FOLD_PATHS = """
/* fold_paths */
INSERT INTO stage_node (path, depth, is_leaf, name, slugs, parent_slugs)
SELECT n.path, n.depth, n.is_leaf, n.name, n.slugs,
       CASE WHEN n.depth > 1 THEN left(n.slugs, -length(n.slug) - 1) END
FROM (
    SELECT p.path, u.depth, u.depth = cardinality(p.names) AS is_leaf, u.name, f.slug,
           string_agg(f.slug, '/') OVER (PARTITION BY p.path ORDER BY u.depth) AS slugs
    FROM stage_path p
    CROSS JOIN unnest(p.names) WITH ORDINALITY AS u (name, depth)
    JOIN (
        SELECT d.name, slug(d.name) AS slug
        FROM (SELECT DISTINCT unnest(names) AS name FROM stage_path) d
    ) f ON f.name = u.name
) n
"""

_FOLD_AUTHORS = f"""
/* fold_people */
INSERT INTO stage_key (person, role, source, source_id, name, sort_name, birth_year, death_year)
SELECT p.person, p.role, CASE WHEN p.source_id IS NULL THEN 'name' ELSE $1::text END,
       coalesce(p.source_id, left(f.slug, {MAX_NAME_KEY_LENGTH})), p.name, coalesce(p.sort_name, p.name), p.birth_year, p.death_year
FROM stage_person p
LEFT JOIN (
    SELECT d.name, slug(d.name) AS slug
    FROM (SELECT DISTINCT name FROM stage_person WHERE source_id IS NULL) d
) f ON p.source_id IS NULL AND f.name = p.name
"""

# A feed goes on naming an author as before a merge or a correction. What was merged or renamed is not added again.
_FOLLOW_REDIRECTS = """
/* follow_redirects */
UPDATE stage_key k
SET source = a.source, source_id = a.source_id, name = a.name, sort_name = a.sort_name,
    birth_year = a.birth_year, death_year = a.death_year
FROM author_key_redirect r JOIN author a ON a.id = r.author_id
WHERE (r.source, r.source_id) = (k.source, k.source_id)
  AND NOT EXISTS (SELECT FROM author x WHERE (x.source, x.source_id) = (k.source, k.source_id))
"""

# The limits are those of the category table's constraints.
_REJECT_BAD_PATHS = f"""
/* reject_bad_paths */
WITH bad AS (
    SELECT DISTINCT ON (path) path, left(slugs, 100) AS value,
           CASE WHEN depth > {MAX_CATEGORY_DEPTH} THEN 'has more than {MAX_CATEGORY_DEPTH} levels'
                WHEN octet_length(slugs) > {MAX_CATEGORY_PATH_BYTES}
                THEN 'is longer than {MAX_CATEGORY_PATH_BYTES} bytes'
                WHEN length(name) > {MAX_NAME_LENGTH} THEN 'has a name of more than {MAX_NAME_LENGTH} characters'
                ELSE 'has a blank name' END AS reason
    FROM stage_node
    WHERE depth > {MAX_CATEGORY_DEPTH} OR octet_length(slugs) > {MAX_CATEGORY_PATH_BYTES}
       OR length(name) > {MAX_NAME_LENGTH} OR name !~ '\\S'
    ORDER BY path, depth
), gone AS (
    DELETE FROM stage_book s
    USING (
        SELECT DISTINCT ON (l.ordinal) l.ordinal, bad.value, bad.reason
        FROM stage_link l
        CROSS JOIN string_to_table(l.paths, ',') WITH ORDINALITY AS u (path, n)
        JOIN bad ON bad.path = u.path::integer
        WHERE EXISTS (SELECT FROM bad)
        ORDER BY l.ordinal, u.n
    ) w
    WHERE s.ordinal = w.ordinal
    RETURNING s.row, w.value, w.reason
)
INSERT INTO stage_reject (row, field, value, reason)
SELECT row, 'categories', value, reason FROM gone ORDER BY row
"""

_REJECT_REPEATED_IDS = """
/* reject_repeated_ids */
WITH first AS (
    SELECT source_id, min(ordinal) AS ordinal FROM stage_book GROUP BY source_id HAVING count(*) > 1
), gone AS (
    DELETE FROM stage_book s USING first f
    WHERE s.source_id = f.source_id AND s.ordinal > f.ordinal
    RETURNING s.row, s.source_id, s.isbn, f.ordinal AS first_ordinal
)
INSERT INTO stage_reject (row, field, value, reason, first_row)
SELECT g.row, CASE WHEN g.source_id = g.isbn THEN 'isbn' ELSE 'source_id' END, g.source_id, 'is already in', s.row
FROM gone g JOIN stage_book s ON s.ordinal = g.first_ordinal ORDER BY g.row
"""

_REJECT_REPEATED_ISBNS = """
/* reject_repeated_isbns */
WITH first AS (
    SELECT isbn, min(ordinal) AS ordinal FROM stage_book WHERE isbn IS NOT NULL
    GROUP BY isbn HAVING count(*) > 1
), gone AS (
    DELETE FROM stage_book s USING first f
    WHERE s.isbn = f.isbn AND s.ordinal > f.ordinal
    RETURNING s.row, s.isbn, f.ordinal AS first_ordinal
)
INSERT INTO stage_reject (row, field, value, reason, first_row)
SELECT g.row, 'isbn', g.isbn, 'is already in', s.row
FROM gone g JOIN stage_book s ON s.ordinal = g.first_ordinal ORDER BY g.row
"""

# If the rows of a feed contradict each other about an author, the result does not depend on the row order. A
# sort name wins over none, two life years win over one, then the smallest value wins. 10000 means "no year". The name
# of an author without a key is any of the feed's; author_spellings.py chooses one.
_TARGET_AUTHORS = """
/* target_authors */
INSERT INTO target_author (id, is_new, source, source_id, name, sort_name, birth_year, death_year)
SELECT coalesce(k.id, nextval($1::text::regclass)), k.id IS NULL, k.source, k.source_id,
       k.names[2], k.names[3], nullif(k.life[2], 10000), nullif(k.life[3], 10000)
FROM (
    SELECT a.id, d.source, d.source_id, d.names, d.life
    FROM (
        SELECT k.source, k.source_id, min(k.person) AS first_person,
               min(ARRAY[CASE WHEN k.sort_name = k.name THEN '1' ELSE '0' END, k.name, k.sort_name] COLLATE "C")
                   AS names,
               min(ARRAY[num_nulls(k.birth_year, k.death_year), coalesce(k.birth_year, 10000),
                         coalesce(k.death_year, 10000)]) AS life
        FROM stage_key k
        WHERE NOT EXISTS (SELECT FROM stage_reject UNION ALL SELECT FROM kept_field) OR k.person IN (
            SELECT string_to_table(l.people, ',')::integer FROM stage_link l JOIN stage_book USING (ordinal)
        )
        GROUP BY k.source, k.source_id
    ) d
    LEFT JOIN author a USING (source, source_id)
    ORDER BY d.first_person
) k
"""

_REJECT_TAKEN_SLUGS = """
/* reject_taken_slugs */
WITH taken AS (
    SELECT t.source, t.source_id, t.slug, a.source AS by_source, a.source_id AS by_id
    FROM target_author t JOIN author a ON a.slug = t.slug
    WHERE (a.source, a.source_id) <> (t.source, t.source_id)
    UNION ALL
    SELECT t.source, t.source_id, t.slug, t.by_source, t.by_id
    FROM (
        SELECT source, source_id, slug, is_new, row_number() OVER same AS n,
               first_value(source) OVER same AS by_source, first_value(source_id) OVER same AS by_id
        FROM target_author
        WINDOW same AS (PARTITION BY slug ORDER BY is_new, source COLLATE "C", source_id COLLATE "C")
    ) t
    WHERE t.n > 1
), gone AS (
    DELETE FROM stage_book s
    USING (
        SELECT DISTINCT ON (l.ordinal) l.ordinal, k.name, t.slug, t.by_source, t.by_id
        FROM stage_link l
        CROSS JOIN string_to_table(l.people, ',') AS u (person)
        JOIN stage_key k ON k.person = u.person::integer
        JOIN taken t ON t.source = k.source AND t.source_id = k.source_id
        WHERE EXISTS (SELECT FROM taken)
        ORDER BY l.ordinal, t.slug, t.by_source, t.by_id
    ) w
    WHERE s.ordinal = w.ordinal
    RETURNING s.row, w.name, w.slug, w.by_source, w.by_id
)
INSERT INTO stage_reject (row, field, value, reason)
SELECT row, 'authors', name, 'its slug ' || slug || ' is already that of author ' || by_source || '/' || by_id
FROM gone ORDER BY row
"""

_CLEAR_TARGET_AUTHORS = """
/* forget_target_authors */
TRUNCATE target_author
"""


async def reject_invalid_rows(
    connection: asyncpg.Connection, source: str, rules: UpdateRules, options: ImportOptions
) -> list[KeptField]:
    """Move invalid rows from `stage_book` to `stage_reject`. Fill `target_book` with existing books and
    `target_author`. Return the fields that are kept.
    """
    await connection.execute(_FOLD_PATHS)
    await connection.execute(_FOLD_AUTHORS, source)
    await connection.execute(_FOLLOW_REDIRECTS)
    await connection.execute("ANALYZE stage_node, stage_key")
    await connection.execute(_REJECT_BAD_PATHS)
    await connection.execute(_REJECT_REPEATED_IDS)
    await connection.execute(_REJECT_REPEATED_ISBNS)
    await match_books(connection, source, rules, update_only=options.update_only)
    kept = await keep_fields(connection, source, rules, options)
    await reject_taken_isbns(connection, source, rules)
    await _resolve_authors(connection, source, rules)
    return kept


async def _resolve_authors(connection: asyncpg.Connection, source: str, rules: UpdateRules) -> None:
    """Fill `target_author`. Reject rows with an author whose slug belongs to another author."""
    sequence = await identity_sequence(connection, "author")
    while True:
        await connection.execute(_TARGET_AUTHORS, sequence)
        await connection.execute("ANALYZE target_author")
        if await connection.execute(_REJECT_TAKEN_SLUGS) == "INSERT 0 0":
            return
        await connection.execute(_CLEAR_TARGET_AUTHORS)
        await delete_rejected_targets(connection)
        await reject_taken_isbns(connection, source, rules)
