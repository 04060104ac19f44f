"""Create the catalog: books, authors, categories, their links and the listings derived from them.

The listings repeat a book's sort keys for each of its authors and categories, ancestors included. So a page of
an author's or a category's books reads one index range in order, at any size and depth. Triggers maintain the
listings; writers need not know of them.
"""

from alembic import op

revision = "0001"
down_revision = None

UP = (
    "SET LOCAL lock_timeout = '5s'",
    "CREATE EXTENSION IF NOT EXISTS unaccent WITH SCHEMA public",
    # unaccent() is STABLE only because its dictionary could be edited; this one is the default dictionary.
    """
    CREATE FUNCTION fold(value text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN lower(public.unaccent('public.unaccent'::regdictionary, value))
    """,
    # Neither slug() nor is_isbn13() is STRICT: a strict function with a CASE or coalesce is not inlined.
    """
    CREATE FUNCTION slug(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN value ~ '^[a-z0-9]+$' THEN value ELSE coalesce(
        nullif(
            btrim(
                regexp_replace(
                    replace(replace(replace(fold(value), '&', ' and '), '+', ' plus '), '#', ' sharp '),
                    '[^[:alnum:]]+', '-', 'g'
                ), '-'
            ), ''
        ),
        'x' || left(md5(value), 12)
    ) END
    """,
    """
    CREATE FUNCTION title_sort_key(title text, language text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN left(
        regexp_replace(
            fold(title),
            '^[^[:alnum:]]*(?:' || CASE left(coalesce(language, 'en'), 2)
                WHEN 'en' THEN '(?:the|an?)\\s+'
                WHEN 'fr' THEN '(?:(?:les?|la|une?)\\s+|l[''’])'
                WHEN 'de' THEN '(?:der|die|das|eine?)\\s+'
                WHEN 'es' THEN '(?:el|la|los|las|una?)\\s+'
                WHEN 'it' THEN '(?:(?:il|lo|la|i|gli|le|una?|uno)\\s+|l[''’]|un[''’])'
                WHEN 'pt' THEN '(?:os?|as?|uma?)\\s+'
                WHEN 'nl' THEN '(?:de|het|een)\\s+'
                WHEN 'hu' THEN '(?:az?|egy)\\s+'
                WHEN 'sv' THEN '(?:den|det|de|en|ett)\\s+'
                WHEN 'da' THEN '(?:den|det|de|en|et)\\s+'
                WHEN 'no' THEN '(?:den|det|de|en|et)\\s+'
                ELSE '(?!)'
            END || ')?(?=.)[^[:alnum:]]*', ''
        ), 80
    )
    """,
    """
    CREATE FUNCTION is_isbn13(value text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN value ~ '^97[89][0-9]{10}$' THEN (
        ascii(substr(value, 1, 1)) + 3 * ascii(substr(value, 2, 1)) + ascii(substr(value, 3, 1))
        + 3 * ascii(substr(value, 4, 1)) + ascii(substr(value, 5, 1)) + 3 * ascii(substr(value, 6, 1))
        + ascii(substr(value, 7, 1)) + 3 * ascii(substr(value, 8, 1)) + ascii(substr(value, 9, 1))
        + 3 * ascii(substr(value, 10, 1)) + ascii(substr(value, 11, 1)) + 3 * ascii(substr(value, 12, 1))
        + ascii(substr(value, 13, 1)) - 25 * ascii('0')
    ) % 10 = 0 WHEN value IS NOT NULL THEN false END
    """,
    """
    CREATE TABLE author (
        id bigint GENERATED ALWAYS AS IDENTITY,
        source text NOT NULL,
        source_id text NOT NULL,
        name text NOT NULL,
        sort_name text NOT NULL,
        birth_year integer,
        death_year integer,
        book_count integer NOT NULL DEFAULT 0,
        sort_key text COLLATE "C" NOT NULL GENERATED ALWAYS AS (left(fold(sort_name), 80)) STORED,
        slug text COLLATE "C" NOT NULL GENERATED ALWAYS AS (
            CASE source WHEN 'name' THEN source_id
            ELSE left(slug(name), 200) || '-' || slug(source) || '-' || slug(source_id) END
        ) STORED,
        CONSTRAINT author_pkey PRIMARY KEY (id),
        CONSTRAINT author_source_key UNIQUE (source, source_id),
        CONSTRAINT author_slug_key UNIQUE (slug),
        CONSTRAINT author_name_not_blank CHECK (name ~ '\\S' AND sort_name ~ '\\S'),
        CONSTRAINT author_name_length CHECK (length(name) <= 500 AND length(sort_name) <= 500),
        CONSTRAINT author_source_not_blank CHECK (source ~ '\\S' AND source_id ~ '\\S'),
        CONSTRAINT author_name_is_key CHECK (source <> 'name' OR source_id = left(slug(name), 200)),
        CONSTRAINT author_born_before_death CHECK (birth_year <= death_year)
    )
    """,
    "CREATE INDEX author_sort_key_idx ON author (sort_key, id)",
    """
    CREATE TABLE category (
        id bigint GENERATED ALWAYS AS IDENTITY,
        parent_id bigint,
        name text NOT NULL,
        book_count integer NOT NULL DEFAULT 0,
        direct_book_count integer NOT NULL DEFAULT 0,
        lineage bigint[] NOT NULL,
        path text COLLATE "C" NOT NULL,
        sort_key text COLLATE "C" NOT NULL GENERATED ALWAYS AS (left(fold(name), 80)) STORED,
        CONSTRAINT category_pkey PRIMARY KEY (id),
        CONSTRAINT category_parent_fkey FOREIGN KEY (parent_id) REFERENCES category (id) ON DELETE RESTRICT,
        CONSTRAINT category_path_key UNIQUE (path),
        CONSTRAINT category_name_not_blank CHECK (name ~ '\\S'),
        CONSTRAINT category_name_length CHECK (length(name) <= 500),
        CONSTRAINT category_path_length CHECK (octet_length(path) <= 2000),
        CONSTRAINT category_depth CHECK (cardinality(lineage) <= 32),
        CONSTRAINT category_not_under_itself CHECK (parent_id <> id)
    )
    """,
    "CREATE INDEX category_parent_idx ON category (parent_id, sort_key, id)",
    "CREATE INDEX category_sort_key_idx ON category (sort_key, id)",
    """
    CREATE TABLE book (
        id bigint GENERATED ALWAYS AS IDENTITY,
        source text NOT NULL,
        source_id text NOT NULL,
        isbn text COLLATE "C",
        title text NOT NULL,
        subtitle text,
        description text,
        language text COLLATE "C",
        published_year integer,
        published_on date,
        page_count integer,
        price numeric,
        currency text COLLATE "C",
        stock integer NOT NULL DEFAULT 0,
        cover_url text,
        rating_average numeric(3, 2),
        rating_count integer NOT NULL DEFAULT 0,
        title_key text COLLATE "C" NOT NULL
            GENERATED ALWAYS AS (title_sort_key(title, language)) STORED,
        published_key integer GENERATED ALWAYS AS (
            published_year * 10000
            + coalesce(extract(month FROM published_on)::integer * 100
                       + extract(day FROM published_on)::integer, 0)
        ) STORED,
        CONSTRAINT book_pkey PRIMARY KEY (id),
        CONSTRAINT book_source_key UNIQUE (source, source_id),
        CONSTRAINT book_isbn_key UNIQUE (isbn),
        CONSTRAINT book_source_not_blank CHECK (source ~ '\\S' AND source_id ~ '\\S'),
        CONSTRAINT book_isbn_valid CHECK (is_isbn13(isbn)),
        CONSTRAINT book_title_not_blank CHECK (title ~ '\\S'),
        CONSTRAINT book_title_length CHECK (length(title) <= 2000),
        CONSTRAINT book_language_tag CHECK (language ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$'),
        CONSTRAINT book_published_year_range CHECK (published_year BETWEEN -9999 AND 9999),
        CONSTRAINT book_published_agrees CHECK (
            published_on IS NULL
            OR (published_year IS NOT NULL AND extract(year FROM published_on) = published_year
                AND published_on >= DATE '0001-01-01')
        ),
        CONSTRAINT book_page_count_positive CHECK (page_count > 0),
        CONSTRAINT book_price_not_negative CHECK (price >= 0),
        CONSTRAINT book_price_range CHECK (price < 10000000000 AND scale(price) <= 4),
        CONSTRAINT book_price_with_currency CHECK ((price IS NULL) = (currency IS NULL)),
        CONSTRAINT book_currency_code CHECK (currency ~ '^[A-Z]{3}$'),
        CONSTRAINT book_stock_not_negative CHECK (stock >= 0),
        CONSTRAINT book_rating_range CHECK (rating_average BETWEEN 0 AND 5),
        CONSTRAINT book_rating_counted CHECK (
            rating_count >= 0 AND (rating_average IS NULL) = (rating_count = 0)
        )
    )
    """,
    "CREATE INDEX book_title_idx ON book (title_key, id)",
    "CREATE INDEX book_published_idx ON book (published_key, id)",
    "CREATE INDEX book_price_idx ON book (price, id)",
    "CREATE INDEX book_rating_idx ON book (rating_average, id)",
    """
    CREATE TABLE book_author (
        book_id bigint NOT NULL,
        position smallint NOT NULL,
        author_id bigint NOT NULL,
        role text COLLATE "C" NOT NULL DEFAULT 'AUTHOR',
        CONSTRAINT book_author_pkey PRIMARY KEY (book_id, position),
        CONSTRAINT book_author_once UNIQUE (author_id, book_id, role),
        CONSTRAINT book_author_book_fkey FOREIGN KEY (book_id) REFERENCES book (id) ON DELETE CASCADE,
        CONSTRAINT book_author_author_fkey FOREIGN KEY (author_id) REFERENCES author (id) ON DELETE RESTRICT,
        CONSTRAINT book_author_position CHECK (position >= 1),
        CONSTRAINT book_author_role CHECK (
            role IN ('AUTHOR', 'EDITOR', 'TRANSLATOR', 'ILLUSTRATOR', 'INTRODUCTION', 'NARRATOR', 'CONTRIBUTOR')
        )
    )
    """,
    """
    CREATE TABLE book_category (
        book_id bigint NOT NULL,
        category_id bigint NOT NULL,
        CONSTRAINT book_category_pkey PRIMARY KEY (book_id, category_id),
        CONSTRAINT book_category_book_fkey FOREIGN KEY (book_id) REFERENCES book (id) ON DELETE CASCADE,
        CONSTRAINT book_category_category_fkey
            FOREIGN KEY (category_id) REFERENCES category (id) ON DELETE CASCADE
    )
    """,
    "CREATE INDEX book_category_category_idx ON book_category (category_id, book_id)",
    """
    CREATE TABLE author_listing (
        author_id bigint NOT NULL,
        book_id bigint NOT NULL,
        published_key integer,
        price numeric,
        rating_average numeric(3, 2),
        title_key text COLLATE "C" NOT NULL,
        CONSTRAINT author_listing_pkey PRIMARY KEY (book_id, author_id),
        CONSTRAINT author_listing_author_fkey FOREIGN KEY (author_id) REFERENCES author (id) ON DELETE CASCADE,
        CONSTRAINT author_listing_book_fkey FOREIGN KEY (book_id) REFERENCES book (id) ON DELETE CASCADE
    )
    """,
    "CREATE INDEX author_listing_added_idx ON author_listing (author_id, book_id)",
    "CREATE INDEX author_listing_title_idx ON author_listing (author_id, title_key, book_id)",
    "CREATE INDEX author_listing_published_idx ON author_listing (author_id, published_key, book_id)",
    "CREATE INDEX author_listing_price_idx ON author_listing (author_id, price, book_id)",
    "CREATE INDEX author_listing_rating_idx ON author_listing (author_id, rating_average, book_id)",
    """
    CREATE TABLE category_listing (
        category_id bigint NOT NULL,
        book_id bigint NOT NULL,
        direct boolean NOT NULL,
        published_key integer,
        price numeric,
        rating_average numeric(3, 2),
        title_key text COLLATE "C" NOT NULL,
        CONSTRAINT category_listing_pkey PRIMARY KEY (book_id, category_id),
        CONSTRAINT category_listing_category_fkey
            FOREIGN KEY (category_id) REFERENCES category (id) ON DELETE CASCADE,
        CONSTRAINT category_listing_book_fkey FOREIGN KEY (book_id) REFERENCES book (id) ON DELETE CASCADE
    )
    """,
    "CREATE INDEX category_listing_added_idx ON category_listing (category_id, direct, book_id)",
    "CREATE INDEX category_listing_title_idx ON category_listing (category_id, direct, title_key, book_id)",
    "CREATE INDEX category_listing_published_idx"
    " ON category_listing (category_id, direct, published_key, book_id)",
    "CREATE INDEX category_listing_price_idx ON category_listing (category_id, direct, price, book_id)",
    "CREATE INDEX category_listing_rating_idx"
    " ON category_listing (category_id, direct, rating_average, book_id)",
    """
    CREATE TABLE catalog_size (
        single boolean NOT NULL DEFAULT true,
        books bigint NOT NULL DEFAULT 0,
        authors bigint NOT NULL DEFAULT 0,
        categories bigint NOT NULL DEFAULT 0,
        CONSTRAINT catalog_size_pkey PRIMARY KEY (single),
        CONSTRAINT catalog_size_single CHECK (single)
    )
    """,
    "INSERT INTO catalog_size DEFAULT VALUES",
    # A bulk import rebuilds the listings and counters once at its end, not row by row.
    """
    CREATE FUNCTION listings_deferred() RETURNS boolean
    LANGUAGE sql STABLE
    RETURN coalesce(current_setting('bookstore.defer_listings', true), '') = 'on'
    """,
    """
    CREATE FUNCTION category_place() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        parent record;
    BEGIN
        IF NEW.parent_id IS NULL THEN
            NEW.lineage := ARRAY[NEW.id];
            NEW.path := slug(NEW.name);
        ELSE
            IF TG_OP = 'UPDATE' THEN
                -- Two moves at once could close a cycle that neither of them sees.
                PERFORM pg_advisory_xact_lock(hashtext('category_place'));
            END IF;
            SELECT lineage, path INTO parent FROM category WHERE id = NEW.parent_id FOR SHARE;
            IF NEW.id = ANY (parent.lineage) AND NEW.id <> NEW.parent_id THEN
                RAISE EXCEPTION 'category % would be under itself', NEW.id
                    USING ERRCODE = 'check_violation', CONSTRAINT = 'category_no_cycle', TABLE = 'category';
            END IF;
            NEW.lineage := coalesce(parent.lineage, '{}') || NEW.id;
            NEW.path := coalesce(parent.path || '/', '') || slug(NEW.name);
        END IF;
        RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER category_place BEFORE INSERT OR UPDATE OF parent_id, name, lineage, path ON category
    FOR EACH ROW EXECUTE FUNCTION category_place()
    """,
    """
    CREATE FUNCTION category_moved() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        UPDATE category SET parent_id = parent_id WHERE parent_id = NEW.id;
        IF NEW.lineage <> OLD.lineage THEN
            UPDATE book_category SET category_id = category_id WHERE category_id = NEW.id;
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER category_moved AFTER UPDATE OF parent_id, name ON category FOR EACH ROW
    WHEN (OLD.path <> NEW.path OR OLD.lineage <> NEW.lineage) EXECUTE FUNCTION category_moved()
    """,
    """
    CREATE FUNCTION author_relist() RETURNS trigger LANGUAGE plpgsql AS $$
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
        INSERT INTO author_listing (author_id, book_id, published_key, price, rating_average, title_key)
        SELECT DISTINCT ba.author_id, b.id, b.published_key, b.price, b.rating_average, b.title_key
        FROM (SELECT DISTINCT book_id FROM changed) c
        JOIN book_author ba ON ba.book_id = c.book_id
        JOIN book b ON b.id = c.book_id
        ON CONFLICT (book_id, author_id) DO NOTHING;
        RETURN NULL;
    END $$
    """,
    """
    CREATE FUNCTION category_relist() RETURNS trigger LANGUAGE plpgsql AS $$
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
        INSERT INTO category_listing AS l
            (category_id, book_id, direct, published_key, price, rating_average, title_key)
        SELECT up.category_id, b.id, bool_or(up.category_id = bc.category_id),
               b.published_key, b.price, b.rating_average, b.title_key
        FROM (SELECT DISTINCT book_id FROM changed) c
        JOIN book_category bc ON bc.book_id = c.book_id
        JOIN category k ON k.id = bc.category_id
        CROSS JOIN unnest(k.lineage) AS up (category_id)
        JOIN book b ON b.id = c.book_id
        GROUP BY up.category_id, b.id
        ON CONFLICT (book_id, category_id) DO UPDATE SET direct = excluded.direct
        WHERE l.direct <> excluded.direct;
        RETURN NULL;
    END $$
    """,
    """
    CREATE FUNCTION book_rekey() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF listings_deferred() THEN
            RETURN NULL;
        END IF;
        UPDATE author_listing l
        SET published_key = n.published_key, price = n.price,
            rating_average = n.rating_average, title_key = n.title_key
        FROM before o JOIN after n USING (id)
        WHERE l.book_id = n.id
          AND (o.published_key, o.price, o.rating_average, o.title_key)
              IS DISTINCT FROM (n.published_key, n.price, n.rating_average, n.title_key);
        UPDATE category_listing l
        SET published_key = n.published_key, price = n.price,
            rating_average = n.rating_average, title_key = n.title_key
        FROM before o JOIN after n USING (id)
        WHERE l.book_id = n.id
          AND (o.published_key, o.price, o.rating_average, o.title_key)
              IS DISTINCT FROM (n.published_key, n.price, n.rating_average, n.title_key);
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER book_rekey AFTER UPDATE ON book REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION book_rekey()
    """,
    *(
        f"""
        CREATE TRIGGER {owner}_relist_{name} AFTER {event} ON book_{owner} REFERENCING {table} TABLE AS changed
        FOR EACH STATEMENT EXECUTE FUNCTION {owner}_relist()
        """
        for owner in ("author", "category")
        for name, event, table in (
            ("added", "INSERT", "NEW"),
            ("removed", "DELETE", "OLD"),
            ("left", "UPDATE", "OLD"),
            ("joined", "UPDATE", "NEW"),
        )
    ),
    """
    CREATE FUNCTION author_count_books() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        UPDATE author a SET book_count = a.book_count + CASE TG_OP WHEN 'INSERT' THEN c.books ELSE -c.books END
        FROM (SELECT author_id, count(*) AS books FROM changed GROUP BY author_id) c
        WHERE a.id = c.author_id;
        RETURN NULL;
    END $$
    """,
    """
    CREATE FUNCTION category_count_books() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP IN ('UPDATE', 'DELETE') THEN
            UPDATE category k
            SET book_count = k.book_count - c.books, direct_book_count = k.direct_book_count - c.direct_books
            FROM (SELECT category_id, count(*) AS books, count(*) FILTER (WHERE direct) AS direct_books
                  FROM before GROUP BY category_id) c
            WHERE k.id = c.category_id;
        END IF;
        IF TG_OP IN ('UPDATE', 'INSERT') THEN
            UPDATE category k
            SET book_count = k.book_count + c.books, direct_book_count = k.direct_book_count + c.direct_books
            FROM (SELECT category_id, count(*) AS books, count(*) FILTER (WHERE direct) AS direct_books
                  FROM after GROUP BY category_id) c
            WHERE k.id = c.category_id;
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER author_count_added AFTER INSERT ON author_listing REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION author_count_books()
    """,
    """
    CREATE TRIGGER author_count_removed AFTER DELETE ON author_listing REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION author_count_books()
    """,
    """
    CREATE TRIGGER category_count_added AFTER INSERT ON category_listing REFERENCING NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION category_count_books()
    """,
    """
    CREATE TRIGGER category_count_removed AFTER DELETE ON category_listing REFERENCING OLD TABLE AS before
    FOR EACH STATEMENT EXECUTE FUNCTION category_count_books()
    """,
    """
    CREATE TRIGGER category_count_changed AFTER UPDATE ON category_listing
    REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION category_count_books()
    """,
    """
    CREATE FUNCTION catalog_count() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        delta bigint := (SELECT count(*) FROM changed) * CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
    BEGIN
        IF delta <> 0 THEN
            UPDATE catalog_size
            SET books = books + CASE TG_TABLE_NAME WHEN 'book' THEN delta ELSE 0 END,
                authors = authors + CASE TG_TABLE_NAME WHEN 'author' THEN delta ELSE 0 END,
                categories = categories + CASE TG_TABLE_NAME WHEN 'category' THEN delta ELSE 0 END;
        END IF;
        RETURN NULL;
    END $$
    """,
    *(
        f"""
        CREATE TRIGGER {table}_count_{name} AFTER {event} ON {table} REFERENCING {which} TABLE AS changed
        FOR EACH STATEMENT EXECUTE FUNCTION catalog_count()
        """
        for table in ("book", "author", "category")
        for name, event, which in (("added", "INSERT", "NEW"), ("removed", "DELETE", "OLD"))
    ),
)

DOWN = (
    "SET LOCAL lock_timeout = '5s'",
    "DROP TABLE catalog_size, category_listing, author_listing, book_category, book_author",
    "DROP TABLE book, category, author",
    "DROP FUNCTION catalog_count, category_count_books, author_count_books, book_rekey, category_relist,"
    " author_relist, category_moved, category_place, listings_deferred",
    "DROP FUNCTION is_isbn13, title_sort_key, slug, fold",
    # The extension stays: it may have existed before, and other schemas may use it.
)


def upgrade() -> None:
    for statement in UP:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.get_bind().exec_driver_sql(statement)
