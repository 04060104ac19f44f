"""The spelling in which each book writes its authors and categories; the one of most books is shown.

Names that differ only in case, accents and punctuation are one author or category. It was shown in the byte-wise
smallest of them, so one row in capitals renamed the author of a thousand books.

- `author_spelling` has a row for each spelling of an author if there are several. `book_author.spelling` is its
  number; NULL is number 0. An author without rows is written as it is shown.
- `category_spelling` is the same for whole paths, because a path votes for each of its categories. A category without
  row 0 has the spelling 0 in which it is shown, below the spelling 0 of its parent.

In an existing catalog the present spelling is that of all books.
"""

from alembic import op

revision = "0013"
down_revision = "0012"

LISTING_COLUMNS = "published_key, price, rating_average, title_key, rating_count, language, currency"
OF_BOOK = ", ".join(f"b.{column}" for column in LISTING_COLUMNS.split(", "))


def relist_functions_sql(respell_authors: str, respell_categories: str) -> tuple[str, ...]:
    """Return the functions that maintain the listings of changed links, each with one more statement at its end."""
    return (
        f"""
        CREATE OR REPLACE FUNCTION author_relist() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF listings_deferred() THEN
                RETURN NULL;
            END IF;
            IF TG_OP <> 'INSERT' THEN
                DELETE FROM author_listing l USING (SELECT DISTINCT book_id FROM changed) c
                WHERE l.book_id = c.book_id AND NOT EXISTS (
                    SELECT FROM book_author ba WHERE ba.book_id = l.book_id AND ba.author_id = l.author_id
                );
            END IF;
            INSERT INTO author_listing (author_id, book_id, {LISTING_COLUMNS})
            SELECT DISTINCT ba.author_id, b.id, {OF_BOOK}
            FROM (SELECT DISTINCT book_id FROM changed) c
            JOIN book_author ba ON ba.book_id = c.book_id
            JOIN book b ON b.id = c.book_id
            ON CONFLICT (book_id, author_id) DO NOTHING;
            PERFORM search_refresh(ARRAY(SELECT DISTINCT book_id FROM changed));
            {respell_authors}
            RETURN NULL;
        END $$
        """,
        f"""
        CREATE OR REPLACE FUNCTION category_relist() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF listings_deferred() THEN
                RETURN NULL;
            END IF;
            IF TG_OP <> 'INSERT' THEN
                DELETE FROM category_listing l USING (SELECT DISTINCT book_id FROM changed) c
                WHERE l.book_id = c.book_id AND NOT EXISTS (
                    SELECT FROM book_category bc JOIN category k ON k.id = bc.category_id
                    WHERE bc.book_id = l.book_id AND l.category_id = ANY (k.lineage)
                );
            END IF;
            INSERT INTO category_listing AS l (category_id, book_id, direct, {LISTING_COLUMNS})
            SELECT up.category_id, b.id, bool_or(up.category_id = bc.category_id), {OF_BOOK}
            FROM (SELECT DISTINCT book_id FROM changed) c
            JOIN book_category bc ON bc.book_id = c.book_id
            JOIN category k ON k.id = bc.category_id
            CROSS JOIN unnest(k.lineage) AS up (category_id)
            JOIN book b ON b.id = c.book_id
            GROUP BY up.category_id, b.id
            ON CONFLICT (book_id, category_id) DO UPDATE SET direct = excluded.direct
            WHERE l.direct <> excluded.direct;
            PERFORM search_refresh(ARRAY(SELECT DISTINCT book_id FROM changed));
            {respell_categories}
            RETURN NULL;
        END $$
        """,
    )


OLD_CATEGORY_MOVED = """
    CREATE OR REPLACE FUNCTION category_moved() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        UPDATE category SET parent_id = parent_id WHERE parent_id = NEW.id;
        IF NEW.lineage <> OLD.lineage THEN
            UPDATE book_category SET category_id = category_id WHERE category_id = NEW.id;
        END IF;
        RETURN NULL;
    END $$
    """

UP = (
    "SET LOCAL lock_timeout = '5s'",
    "ALTER TABLE book_author ADD COLUMN spelling smallint",
    "ALTER TABLE book_category ADD COLUMN spelling smallint",
    """
    CREATE TABLE author_spelling (
        author_id bigint NOT NULL,
        number smallint NOT NULL,
        name text NOT NULL,
        sort_name text NOT NULL,
        CONSTRAINT author_spelling_pkey PRIMARY KEY (author_id, number),
        CONSTRAINT author_spelling_author_fkey FOREIGN KEY (author_id) REFERENCES author (id) ON DELETE CASCADE
    )
    """,
    """
    CREATE TABLE category_spelling (
        category_id bigint NOT NULL,
        number smallint NOT NULL,
        names text[] NOT NULL,
        CONSTRAINT category_spelling_pkey PRIMARY KEY (category_id, number),
        CONSTRAINT category_spelling_category_fkey
            FOREIGN KEY (category_id) REFERENCES category (id) ON DELETE CASCADE
    )
    """,
    # Among spellings of equally many books: mixed case, then capitals, then small letters; then the most accents.
    """
    CREATE FUNCTION spelling_rank(name text) RETURNS integer[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ARRAY[
        CASE WHEN (name = upper(name COLLATE "default")) = (name = lower(name COLLATE "default")) THEN 0
             WHEN name = upper(name COLLATE "default") THEN 1 ELSE 2 END,
        length(name) - octet_length(normalize(name, NFD))
    ]
    """,
    # An import chooses the spellings itself, once.
    """
    CREATE FUNCTION spellings_deferred() RETURNS boolean
    LANGUAGE sql STABLE
    RETURN coalesce(current_setting('bookstore.defer_spellings', true), '') = 'on'
    """,
    # A name that books vote for is no edit.
    """
    CREATE FUNCTION respell_authors(ids bigint[]) RETURNS void LANGUAGE plpgsql
    SET bookstore.writer = 'import' AS $$
    BEGIN
        IF spellings_deferred() THEN
            RETURN;
        END IF;
        UPDATE author a SET name = c.name, sort_name = c.sort_name
        FROM (
            SELECT DISTINCT ON (v.author_id) v.author_id, v.name, v.sort_name
            FROM (
                SELECT s.author_id, s.name, s.sort_name, count(DISTINCT ba.book_id) AS books
                FROM author_spelling s
                JOIN book_author ba ON ba.author_id = s.author_id AND coalesce(ba.spelling, 0) = s.number
                WHERE s.author_id = ANY (ids)
                GROUP BY s.author_id, s.number
            ) v
            ORDER BY v.author_id, v.books DESC, spelling_rank(v.name), v.name COLLATE "C"
        ) c
        WHERE a.id = c.author_id AND a.edited_at IS NULL AND (a.name, a.sort_name) <> (c.name, c.sort_name);
    END $$
    """,
    """
    CREATE FUNCTION category_base(id bigint) RETURNS text[]
    LANGUAGE sql STABLE AS $$
        SELECT array_agg(coalesce(s.names[u.depth], a.name) ORDER BY u.depth)
        FROM category k
        CROSS JOIN unnest(k.lineage) WITH ORDINALITY AS u (id, depth)
        JOIN category a ON a.id = u.id
        LEFT JOIN category_spelling s ON s.category_id = a.id AND s.number = 0
        WHERE k.id = category_base.id
    $$
    """,
    # A category whose name changes gets its row 0: links without a number keep the spelling that they had.
    """
    CREATE FUNCTION respell_categories(ids bigint[]) RETURNS void LANGUAGE plpgsql
    SET bookstore.writer = 'import' AS $$
    BEGIN
        IF spellings_deferred() OR NOT EXISTS (SELECT FROM category_spelling) THEN
            RETURN;
        END IF;
        WITH node AS MATERIALIZED (
            SELECT DISTINCT k.id, u.depth, category_base(k.id) AS base
            FROM category_spelling s
            JOIN category leaf ON leaf.id = s.category_id
            CROSS JOIN unnest(leaf.lineage) WITH ORDINALITY AS u (id, depth)
            JOIN category k ON k.id = u.id
            WHERE s.names[u.depth] <> k.name
              AND k.id IN (SELECT unnest(lineage) FROM category WHERE id = ANY (ids))
        ), vote AS (
            SELECT n.id, coalesce(s.names[n.depth], n.base[n.depth]) AS name, count(DISTINCT bc.book_id) AS books
            FROM node n
            JOIN (SELECT id, unnest(lineage) AS node_id FROM category) below ON below.node_id = n.id
            JOIN book_category bc ON bc.category_id = below.id
            LEFT JOIN category_spelling s
                ON s.category_id = bc.category_id AND s.number = coalesce(bc.spelling, 0)
            GROUP BY 1, 2
        ), choice AS MATERIALIZED (
            SELECT DISTINCT ON (v.id) v.id, v.name
            FROM vote v ORDER BY v.id, v.books DESC, spelling_rank(v.name), v.name COLLATE "C"
        ), pinned AS (
            INSERT INTO category_spelling (category_id, number, names)
            SELECT c.id, 0, n.base
            FROM choice c JOIN node n ON n.id = c.id JOIN category k ON k.id = c.id
            WHERE k.edited_at IS NULL AND k.name <> c.name
            ON CONFLICT (category_id, number) DO NOTHING
        )
        UPDATE category k SET name = c.name FROM choice c
        WHERE k.id = c.id AND k.edited_at IS NULL AND k.name <> c.name;
    END $$
    """,
    *relist_functions_sql(
        "PERFORM respell_authors(ARRAY(SELECT DISTINCT author_id FROM changed));",
        "PERFORM respell_categories(ARRAY(SELECT DISTINCT category_id FROM changed));",
    ),
    # At its new place a category has the spelling in which it is shown.
    """
    CREATE OR REPLACE FUNCTION category_moved() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        DELETE FROM category_spelling WHERE category_id = NEW.id;
        UPDATE book_category SET spelling = NULL WHERE category_id = NEW.id AND spelling IS NOT NULL;
        UPDATE category SET parent_id = parent_id WHERE parent_id = NEW.id;
        IF NEW.lineage <> OLD.lineage THEN
            UPDATE book_category SET category_id = category_id WHERE category_id = NEW.id;
        END IF;
        PERFORM respell_categories(OLD.lineage || NEW.lineage);
        RETURN NULL;
    END $$
    """,
    """
    CREATE FUNCTION category_removed() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM respell_categories(OLD.lineage);
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER category_removed AFTER DELETE ON category FOR EACH ROW
    WHEN (OLD.parent_id IS NOT NULL) EXECUTE FUNCTION category_removed()
    """,
)

DOWN = (
    "SET LOCAL lock_timeout = '5s'",
    "DROP TRIGGER category_removed ON category",
    "DROP FUNCTION category_removed",
    OLD_CATEGORY_MOVED,
    *relist_functions_sql("", ""),
    "DROP FUNCTION respell_categories, category_base, respell_authors, spellings_deferred, spelling_rank",
    "DROP TABLE category_spelling, author_spelling",
    "ALTER TABLE book_category DROP COLUMN spelling",
    "ALTER TABLE book_author DROP COLUMN spelling",
)


def upgrade() -> None:
    for statement in UP:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.get_bind().exec_driver_sql(statement)
