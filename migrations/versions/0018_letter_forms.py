"""One key for the forms of a letter: Σοφοκλής and ΣΟΦΟΚΛΗΣ are one author.

Keys of authors that are known by name, slugs and paths kept the final sigma, which capitals do not have. They kept
the Arabic letters that are written by their place in a word, and half-width katakana. Now compatibility forms are
replaced (NFKC), and a sigma is final at the end of a word, as in Greek; so most Greek slugs stay.

Authors and categories whose keys become equal are joined. The edited one stays, or else that with the most books.
Books keep their own spellings, and former slugs, ids, keys and paths are redirects. The id of a joined category is
gone. A downgrade computes the former keys, and does not separate what was joined.
"""

from alembic import op

revision = "0018"
down_revision = "0017"

UNACCENTED = "public.unaccent('public.unaccent'::regdictionary, value)"


def words_sql(folded: str) -> str:
    """Return the SQL of the words of a folded value, separated by hyphens."""
    return f"""btrim(
                regexp_replace(
                    replace(replace(replace({folded}, '&', ' and '), '+', ' plus '), '#', ' sharp '),
                    '[^[:alnum:]]+', '-', 'g'
                ), '-'
            )"""


def slug_sql(words: str) -> str:
    return f"""
    CREATE OR REPLACE FUNCTION slug(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN value ~ '^[a-z0-9]+$' THEN value ELSE coalesce(
        nullif(
            {words}, ''
        ),
        'x' || left(md5(value), 12)
    ) END
    """


# ASCII has neither accents nor forms.
NEW_WORDS = f"""CASE WHEN octet_length(value) = length(value) THEN {words_sql("lower(value)")}
            ELSE regexp_replace(
                replace({words_sql(f"lower(normalize({UNACCENTED}, NFKC))")}, 'ς', 'σ'),
                '(?<=[^-])σ(?![^-])', 'ς', 'g'
            ) END"""


# `kept_id` is the author that the others with the same key are joined with.
FIND_AUTHORS = """
CREATE TEMPORARY TABLE rekeyed_author AS
WITH changed AS MATERIALIZED (
    SELECT id, new_slug FROM (
        SELECT id, slug, CASE source WHEN 'name' THEN left(slug(name), 200)
                         ELSE left(slug(name), 200) || '-' || slug(source) || '-' || slug(source_id) END AS new_slug
        FROM author WHERE name || source || source_id ~ '[^ -~]'
    ) k WHERE slug <> new_slug
)
SELECT a.id, a.source, a.source_id, a.slug, k.new_slug,
       first_value(a.id) OVER (PARTITION BY k.new_slug, a.source
                               ORDER BY a.edited_at IS NULL, a.book_count DESC, a.id) AS kept_id
FROM (
    SELECT id, new_slug FROM changed
    UNION
    SELECT a.id, a.slug FROM author a
    WHERE a.slug IN (SELECT new_slug FROM changed) AND a.id NOT IN (SELECT id FROM changed)
) k JOIN author a USING (id)
"""

# The spellings of joined authors get new numbers, and so do the links of their books.
FIND_AUTHOR_SPELLINGS = """
CREATE TEMPORARY TABLE joined_author_spelling AS
SELECT r.kept_id, r.id AS author_id, coalesce(s.number, 0) AS old_number,
       coalesce(s.name, a.name) AS name, coalesce(s.sort_name, a.sort_name) AS sort_name,
       dense_rank() OVER (PARTITION BY r.kept_id ORDER BY coalesce(s.name, a.name) COLLATE "C") - 1 AS number
FROM rekeyed_author r JOIN author a USING (id) LEFT JOIN author_spelling s ON s.author_id = a.id
WHERE r.kept_id IN (SELECT kept_id FROM rekeyed_author WHERE id <> kept_id)
"""

FIND_AUTHOR_LINKS = """
CREATE TEMPORARY TABLE joined_author_link AS
SELECT DISTINCT ON (l.book_id, l.role, u.author_id) l.book_id, l.role, l.position, u.author_id, u.spelling
FROM book_author l
LEFT JOIN joined_author_spelling s ON s.author_id = l.author_id AND s.old_number = coalesce(l.spelling, 0)
CROSS JOIN LATERAL (
    SELECT coalesce(s.kept_id, l.author_id) AS author_id,
           CASE WHEN s.kept_id IS NULL THEN l.spelling ELSE nullif(s.number, 0) END AS spelling
) u
WHERE l.book_id IN (
    SELECT book_id FROM book_author WHERE author_id IN (SELECT author_id FROM joined_author_spelling)
)
ORDER BY l.book_id, l.role, u.author_id, l.position
"""

# A key is unique, and it is that of the name unless an author has another source: so a joined one gets one.
JOIN_AUTHORS = (
    FIND_AUTHORS,
    FIND_AUTHOR_SPELLINGS,
    FIND_AUTHOR_LINKS,
    "UPDATE author a SET source = 'joined', source_id = a.id::text"
    " FROM rekeyed_author r WHERE r.id = a.id AND r.kept_id <> a.id",
    "UPDATE author a SET name = a.name, source_id = CASE a.source WHEN 'name' THEN r.new_slug ELSE a.source_id END"
    " FROM rekeyed_author r WHERE r.id = a.id AND r.kept_id = a.id AND r.slug <> r.new_slug",
    """
    UPDATE author a SET birth_year = g.birth_year, death_year = g.death_year
    FROM (
        SELECT DISTINCT ON (r.kept_id) r.kept_id, g.birth_year, g.death_year
        FROM rekeyed_author r JOIN author g USING (id)
        WHERE r.id <> r.kept_id
        ORDER BY r.kept_id, num_nulls(g.birth_year, g.death_year), g.birth_year, g.death_year
    ) g
    WHERE g.kept_id = a.id AND num_nonnulls(a.birth_year, a.death_year) = 0
      AND num_nonnulls(g.birth_year, g.death_year) > 0
    """,
    "DELETE FROM author_spelling WHERE author_id IN (SELECT author_id FROM joined_author_spelling)",
    """
    INSERT INTO author_spelling (author_id, number, name, sort_name)
    SELECT kept_id, number, name, (min(ARRAY[CASE WHEN sort_name = name THEN '1' ELSE '0' END, sort_name] COLLATE "C"))[2]
    FROM joined_author_spelling GROUP BY kept_id, number, name
    """,
    "DELETE FROM book_author WHERE book_id IN (SELECT book_id FROM joined_author_link)",
    """
    INSERT INTO book_author (book_id, position, author_id, role, spelling)
    SELECT book_id, row_number() OVER (PARTITION BY book_id ORDER BY position), author_id, role, spelling
    FROM joined_author_link
    """,
    *(
        f"UPDATE {table} t SET author_id = r.kept_id"
        " FROM rekeyed_author r WHERE r.id = t.author_id AND r.kept_id <> r.id"
        for table in ("author_redirect", "author_merge", "author_key_redirect")
    ),
    "INSERT INTO author_merge (old_id, author_id) SELECT id, kept_id FROM rekeyed_author WHERE id <> kept_id",
    "DELETE FROM author a USING rekeyed_author r WHERE r.id = a.id AND r.kept_id <> a.id",
    """
    INSERT INTO author_redirect (slug, author_id) SELECT slug, kept_id FROM rekeyed_author WHERE slug <> new_slug
    ON CONFLICT (slug) DO UPDATE SET author_id = excluded.author_id
    """,
    "DELETE FROM author_redirect r USING author a WHERE a.slug = r.slug",
    """
    INSERT INTO author_key_redirect (source, source_id, author_id)
    SELECT 'name', slug, kept_id FROM rekeyed_author WHERE source = 'name' AND slug <> new_slug
    UNION ALL
    SELECT DISTINCT ON (left(slug(source_id), 200)) 'name', left(slug(source_id), 200), author_id
    FROM author_key_redirect
    WHERE source = 'name' AND source_id ~ '[^ -~]' AND left(slug(source_id), 200) <> source_id
    ON CONFLICT (source, source_id) DO NOTHING
    """,
    "DELETE FROM author_key_redirect r USING author a WHERE (a.source, a.source_id) = (r.source, r.source_id)",
)

PLACED = """
WITH RECURSIVE placed AS (
    SELECT id, slug(name) AS new_path, ARRAY[id] AS new_lineage FROM category WHERE parent_id IS NULL
    UNION ALL
    SELECT k.id, p.new_path || '/' || slug(k.name), p.new_lineage || k.id
    FROM placed p JOIN category k ON k.parent_id = p.id
)
"""

FIND_CATEGORIES = f"""
CREATE TEMPORARY TABLE rekeyed_category AS
{PLACED}
SELECT k.id, k.path, p.new_path, category_base(k.id) AS base,
       first_value(k.id) OVER (PARTITION BY p.new_path ORDER BY k.edited_at IS NULL, k.book_count DESC, k.id) AS kept_id
FROM placed p JOIN category k USING (id)
WHERE p.new_path IN (SELECT new_path FROM placed JOIN category USING (id) WHERE path <> new_path)
"""

FIND_CATEGORY_LINKS = """
CREATE TEMPORARY TABLE joined_category_link AS
SELECT l.book_id, r.kept_id, coalesce(s.names, r.base) AS names,
       dense_rank() OVER (PARTITION BY r.kept_id ORDER BY coalesce(s.names, r.base) COLLATE "C") - 1 AS number
FROM book_category l
JOIN rekeyed_category r ON r.id = l.category_id
LEFT JOIN category_spelling s ON s.category_id = l.category_id AND s.number = coalesce(l.spelling, 0)
WHERE r.kept_id IN (SELECT kept_id FROM rekeyed_category WHERE id <> kept_id)
"""

# The trigger computes the place of one category from that of its parent, which is not known before all are joined.
JOIN_CATEGORIES = (
    FIND_CATEGORIES,
    FIND_CATEGORY_LINKS,
    "ALTER TABLE category DISABLE TRIGGER category_place",
    "UPDATE category k SET parent_id = r.kept_id"
    " FROM rekeyed_category r WHERE r.id = k.parent_id AND r.kept_id <> r.id",
    "DELETE FROM book_category WHERE category_id IN ("
    " SELECT id FROM rekeyed_category WHERE kept_id IN (SELECT kept_id FROM rekeyed_category WHERE id <> kept_id))",
    "UPDATE category_redirect t SET category_id = r.kept_id"
    " FROM rekeyed_category r WHERE r.id = t.category_id AND r.kept_id <> r.id",
    "DELETE FROM category k USING rekeyed_category r WHERE r.id = k.id AND r.kept_id <> k.id",
    f"""
    CREATE TEMPORARY TABLE moved_category AS
    {PLACED}
    SELECT p.id, p.new_path, p.new_lineage FROM placed p JOIN category k USING (id)
    WHERE (k.path, k.lineage) <> (p.new_path, p.new_lineage)
    """,
    "UPDATE category k SET path = m.new_path, lineage = m.new_lineage FROM moved_category m WHERE m.id = k.id",
    "ALTER TABLE category ENABLE TRIGGER category_place",
    "DELETE FROM category_spelling WHERE category_id IN (SELECT kept_id FROM joined_category_link)",
    """
    INSERT INTO category_spelling (category_id, number, names)
    SELECT DISTINCT kept_id, number, names FROM joined_category_link
    """,
    """
    INSERT INTO book_category (book_id, category_id, spelling)
    SELECT book_id, kept_id, nullif(min(number), 0) FROM joined_category_link GROUP BY book_id, kept_id
    """,
    "UPDATE book_category SET category_id = category_id WHERE category_id IN (SELECT id FROM moved_category)",
    """
    INSERT INTO category_redirect (path, category_id)
    SELECT path, kept_id FROM rekeyed_category WHERE path <> new_path
    ON CONFLICT (path) DO UPDATE SET category_id = excluded.category_id
    """,
    "DELETE FROM category_redirect r USING category k WHERE k.path = r.path",
)

# Equal keys are no edit. Nobody else writes meanwhile.
COMPUTE_KEYS = (
    "LOCK TABLE catalog_size IN SHARE ROW EXCLUSIVE MODE",
    "SET LOCAL bookstore.writer = 'import'",
    *JOIN_AUTHORS,
    *JOIN_CATEGORIES,
    "DROP TABLE rekeyed_author, joined_author_spelling, joined_author_link",
    "DROP TABLE rekeyed_category, joined_category_link, moved_category",
)

UP = (
    "SET LOCAL lock_timeout = '5s'",
    slug_sql(NEW_WORDS),
    *COMPUTE_KEYS,
)

DOWN = (
    "SET LOCAL lock_timeout = '5s'",
    slug_sql(words_sql(f"lower({UNACCENTED})")),
    *COMPUTE_KEYS,
)


def upgrade() -> None:
    for statement in UP:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.get_bind().exec_driver_sql(statement)
