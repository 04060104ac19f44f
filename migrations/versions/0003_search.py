"""Search by text: search documents and words in separate tables; sort order by popularity.

Reasons, measured with 1,000,000 generated books:

- The document is in a separate table: a book's price or stock changes without rewriting 33 words.
- Its words come from a text search configuration with the unaccent dictionary, not from fold(). The folding is
  the same, but a quarter faster, and ts_headline() finds accented words in the original titles.
- Misspelt words are looked up among the catalog's words, not its titles. The trigram index stays as small as
  the vocabulary, and the corrected text can be suggested.
- The listings repeat the number of ratings, like every other sort key, and the columns that most filters and
  facets use. A join to each book of a large category would take four more buffers per book.
"""

from alembic import op

revision = "0003"
down_revision = "0002"

NEW_LISTING_COLUMNS = ("rating_count", "language", "currency")
LISTING_COLUMNS = "published_key, price, rating_average, title_key, rating_count, language, currency"
LISTING_INDEXES = {
    "added": "",
    "title": "title_key, ",
    "published": "published_key, ",
    "price": "price, ",
    "rating": "rating_average, ",
}
DOCUMENT_SQL = """
    SELECT b.id, book_document(
        b.title,
        (SELECT string_agg(a.name, ' ' ORDER BY ba.position)
         FROM book_author ba JOIN author a ON a.id = ba.author_id WHERE ba.book_id = b.id),
        b.subtitle,
        (SELECT string_agg(k.path, ' ' ORDER BY k.path)
         FROM book_category bc JOIN category k ON k.id = bc.category_id WHERE bc.book_id = b.id),
        b.description
    )
    FROM book b
"""


def listing_functions_sql(columns: str) -> tuple[str, ...]:
    """Return the functions that maintain listings with these sort keys."""
    of_book = ", ".join(f"b.{column}" for column in columns.split(", "))
    old, new = (", ".join(f"{row}.{column}" for column in columns.split(", ")) for row in "on")
    assigned = ", ".join(f"{column} = n.{column}" for column in columns.split(", "))
    searched = "PERFORM search_refresh(ARRAY(SELECT DISTINCT book_id FROM changed));"
    refresh = searched if columns == LISTING_COLUMNS else ""
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
            INSERT INTO author_listing (author_id, book_id, {columns})
            SELECT DISTINCT ba.author_id, b.id, {of_book}
            FROM (SELECT DISTINCT book_id FROM changed) c
            JOIN book_author ba ON ba.book_id = c.book_id
            JOIN book b ON b.id = c.book_id
            ON CONFLICT (book_id, author_id) DO NOTHING;
            {refresh}
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
            INSERT INTO category_listing AS l (category_id, book_id, direct, {columns})
            SELECT up.category_id, b.id, bool_or(up.category_id = bc.category_id), {of_book}
            FROM (SELECT DISTINCT book_id FROM changed) c
            JOIN book_category bc ON bc.book_id = c.book_id
            JOIN category k ON k.id = bc.category_id
            CROSS JOIN unnest(k.lineage) AS up (category_id)
            JOIN book b ON b.id = c.book_id
            GROUP BY up.category_id, b.id
            ON CONFLICT (book_id, category_id) DO UPDATE SET direct = excluded.direct
            WHERE l.direct <> excluded.direct;
            {refresh}
            RETURN NULL;
        END $$
        """,
        f"""
        CREATE OR REPLACE FUNCTION book_rekey() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF listings_deferred() THEN
                RETURN NULL;
            END IF;
            UPDATE author_listing l SET {assigned}
            FROM before o JOIN after n USING (id)
            WHERE l.book_id = n.id AND ({old}) IS DISTINCT FROM ({new});
            UPDATE category_listing l SET {assigned}
            FROM before o JOIN after n USING (id)
            WHERE l.book_id = n.id AND ({old}) IS DISTINCT FROM ({new});
            RETURN NULL;
        END $$
        """,
    )


UP = (
    "SET LOCAL lock_timeout = '5s'",
    "CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public",
    "CREATE TEXT SEARCH CONFIGURATION public.catalog (COPY = pg_catalog.simple)",
    """
    ALTER TEXT SEARCH CONFIGURATION public.catalog
    ALTER MAPPING FOR hword, hword_part, word WITH public.unaccent, pg_catalog.simple
    """,
    # Otherwise the parser reads catch-22, and/or and Mr.X as a number, a file and a host.
    """
    CREATE FUNCTION words(value text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN to_tsvector('public.catalog'::regconfig, translate(value, '-/.@_:', '      '))
    """,
    """
    CREATE FUNCTION book_document(title text, authors text, subtitle text, categories text, description text)
    RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN setweight(words(title), 'A')
        || setweight(words(coalesce(authors, '')), 'B')
        || setweight(words(coalesce(subtitle, '') || ' ' || coalesce(categories, '')), 'C')
        || setweight(words(coalesce(description, '')), 'D')
    """,
    # All words of the text, the last one as a prefix. plainto_tsquery() quotes the lexemes.
    """
    CREATE FUNCTION search_query(value text) RETURNS tsquery
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (
        nullif(plainto_tsquery('public.catalog'::regconfig, translate(value, '-/.@_:', '      '))::text, '')
        || ':*'
    )::tsquery
    """,
    """
    CREATE TABLE book_search (
        book_id bigint NOT NULL,
        document tsvector NOT NULL,
        CONSTRAINT book_search_pkey PRIMARY KEY (book_id),
        CONSTRAINT book_search_book_fkey FOREIGN KEY (book_id) REFERENCES book (id) ON DELETE CASCADE
    )
    """,
    """
    CREATE TABLE search_word (
        word text COLLATE "C" NOT NULL,
        CONSTRAINT search_word_pkey PRIMARY KEY (word)
    )
    """,
    f"""
    CREATE FUNCTION search_refresh(ids bigint[]) RETURNS void LANGUAGE sql AS $$
        INSERT INTO book_search AS s (book_id, document) {DOCUMENT_SQL} WHERE b.id = ANY (ids) ORDER BY b.id
        ON CONFLICT (book_id) DO UPDATE SET document = excluded.document
        WHERE s.document <> excluded.document
    $$
    """,
    f"INSERT INTO book_search (book_id, document) {DOCUMENT_SQL}",
    "INSERT INTO search_word (word) SELECT word FROM ts_stat('SELECT document FROM book_search', 'ab')",
    # fastupdate = off: every search would have to scan the pending list, and reads are far more frequent.
    "CREATE INDEX book_search_document_idx ON book_search USING gin (document) WITH (fastupdate = off)",
    "CREATE INDEX search_word_trigram_idx ON search_word USING gin (word gin_trgm_ops)",
    """
    CREATE FUNCTION search_words_added() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO search_word (word)
        SELECT DISTINCT w.lexeme FROM changed c CROSS JOIN unnest(ts_filter(c.document, '{a,b}')) w
        ORDER BY w.lexeme
        ON CONFLICT (word) DO NOTHING;
        RETURN NULL;
    END $$
    """,
    *(
        f"""
        CREATE TRIGGER book_search_words_{name} AFTER {event} ON book_search REFERENCING NEW TABLE AS changed
        FOR EACH STATEMENT EXECUTE FUNCTION search_words_added()
        """
        for name, event in (("added", "INSERT"), ("changed", "UPDATE"))
    ),
    """
    CREATE FUNCTION book_research() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        ids bigint[];
    BEGIN
        IF listings_deferred() THEN
            RETURN NULL;
        END IF;
        IF TG_OP = 'INSERT' THEN
            ids := ARRAY(SELECT id FROM after);
        ELSE
            ids := ARRAY(
                SELECT id FROM before o JOIN after n USING (id)
                WHERE (o.title, o.subtitle, o.description) IS DISTINCT FROM (n.title, n.subtitle, n.description)
            );
        END IF;
        IF ids <> '{}' THEN
            PERFORM search_refresh(ids);
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER book_research_added AFTER INSERT ON book REFERENCING NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION book_research()
    """,
    """
    CREATE TRIGGER book_research_changed AFTER UPDATE ON book
    REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION book_research()
    """,
    """
    CREATE FUNCTION author_renamed() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NOT listings_deferred() THEN
            PERFORM search_refresh(ARRAY(SELECT book_id FROM author_listing WHERE author_id = NEW.id));
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER author_renamed AFTER UPDATE OF name ON author FOR EACH ROW
    WHEN (OLD.name <> NEW.name) EXECUTE FUNCTION author_renamed()
    """,
    """
    CREATE FUNCTION category_renamed() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NOT listings_deferred() THEN
            PERFORM search_refresh(ARRAY(SELECT book_id FROM book_category WHERE category_id = NEW.id));
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER category_renamed AFTER UPDATE OF parent_id, name ON category FOR EACH ROW
    WHEN (OLD.path <> NEW.path) EXECUTE FUNCTION category_renamed()
    """,
    "CREATE INDEX book_popularity_idx ON book (rating_count, id)",
    "CREATE INDEX author_popularity_idx ON author (book_count, id)",
    # Rows with a prefix are sorted by popularity with index-only scans.
    "DROP INDEX book_title_idx, author_sort_key_idx",
    "CREATE INDEX book_title_idx ON book (title_key, id) INCLUDE (rating_count)",
    "CREATE INDEX author_sort_key_idx ON author (sort_key, id) INCLUDE (book_count)",
    "ALTER TABLE author DROP CONSTRAINT author_slug_key",
    "ALTER TABLE author ADD CONSTRAINT author_slug_key UNIQUE (slug) INCLUDE (book_count, id)",
    *(
        statement
        for owner, prefix in (("author", "author_id"), ("category", "category_id, direct"))
        for statement in (
            f"""
            ALTER TABLE {owner}_listing ADD COLUMN rating_count integer NOT NULL DEFAULT 0,
                ADD COLUMN language text COLLATE "C", ADD COLUMN currency text COLLATE "C"
            """,
            # Every row is rewritten, which takes a fraction of the time without the indexes.
            f"ALTER TABLE {owner}_listing DISABLE TRIGGER USER",
            f"DROP INDEX {', '.join(f'{owner}_listing_{name}_idx' for name in LISTING_INDEXES)}",
            f"""
            UPDATE {owner}_listing l
            SET rating_count = b.rating_count, language = b.language, currency = b.currency
            FROM book b WHERE b.id = l.book_id
            """,
            f"ALTER TABLE {owner}_listing ENABLE TRIGGER USER",
            *(
                f"CREATE INDEX {owner}_listing_{name}_idx ON {owner}_listing ({prefix}, {key}book_id)"
                for name, key in {**LISTING_INDEXES, "popularity": "rating_count, "}.items()
            ),
        )
    ),
    *listing_functions_sql(LISTING_COLUMNS),
)

DOWN = (
    "SET LOCAL lock_timeout = '5s'",
    *listing_functions_sql(LISTING_COLUMNS.removesuffix(f", {', '.join(NEW_LISTING_COLUMNS)}")),
    *(
        f"ALTER TABLE {owner}_listing {', '.join(f'DROP COLUMN {column}' for column in NEW_LISTING_COLUMNS)}"
        for owner in ("author", "category")
    ),
    "DROP INDEX author_popularity_idx, book_popularity_idx, book_title_idx, author_sort_key_idx",
    "CREATE INDEX book_title_idx ON book (title_key, id)",
    "CREATE INDEX author_sort_key_idx ON author (sort_key, id)",
    "ALTER TABLE author DROP CONSTRAINT author_slug_key",
    "ALTER TABLE author ADD CONSTRAINT author_slug_key UNIQUE (slug)",
    "DROP TRIGGER category_renamed ON category",
    "DROP TRIGGER author_renamed ON author",
    "DROP TRIGGER book_research_added ON book",
    "DROP TRIGGER book_research_changed ON book",
    "DROP TABLE book_search, search_word",
    "DROP FUNCTION category_renamed, author_renamed, book_research, search_words_added, search_refresh",
    "DROP FUNCTION search_query, book_document, words",
    "DROP TEXT SEARCH CONFIGURATION public.catalog",
)


def upgrade() -> None:
    for statement in UP:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.get_bind().exec_driver_sql(statement)
