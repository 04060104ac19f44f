"""What writes by the API need: versions, redirects, answers that can be repeated, and an audit trail.

A version moves with every change of a book, an author or a category, by whatever writer. A transaction that changes the
links of a book moves its version once. Counters are no change of their own.

Writers lock rows in one order, so that they never wait for each other in a circle: `catalog_size` first if they add
or remove anything or change a name, then books by id, then authors and categories by id. The triggers that count books
lock their authors and categories in that order, and leave alone those whose counters stay the same.
"""

from alembic import op

revision = "0016"
down_revision = "0015"

VERSIONED = {
    "book": "source source_id isbn title subtitle description language publisher format published_year published_on"
    " page_count price currency stock cover_url rating_average rating_count is_published",
    "author": "source source_id name sort_name birth_year death_year",
    "category": "parent_id name path",
}
"""The columns of each table whose change moves the version."""


def version_sql(table: str) -> tuple[str, ...]:
    """Return the statements that add the version of a table, and the trigger that moves it."""
    differs = " OR ".join(
        f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in VERSIONED[table].split()
    )
    return (
        f"ALTER TABLE {table} ADD COLUMN version integer NOT NULL DEFAULT 1",
        f"""
        CREATE TRIGGER {table}_version BEFORE UPDATE ON {table} FOR EACH ROW
        WHEN ({differs}) EXECUTE FUNCTION move_version()
        """,
    )


# A visible row whose transaction is in progress is one of this transaction, or of one of its savepoints. Ids of
# transactions are circular: of two, the later one is less than half of the circle ahead.
OWN_ROW = """
    CREATE FUNCTION is_own_row(row_xmin xid) RETURNS boolean LANGUAGE sql VOLATILE AS $$
        SELECT CASE WHEN ahead < 2147483648 THEN pg_xact_status((own + ahead)::text::xid8) = 'in progress'
                    ELSE false END
        FROM (SELECT pg_current_xact_id()::text::bigint AS own) AS t
        CROSS JOIN LATERAL (
            SELECT (row_xmin::text::bigint - own % 4294967296 + 4294967296) % 4294967296 AS ahead
        ) AS u
    $$
"""

# A book that this transaction has written already has its new version. An update of no row would run the triggers of
# `book` and let PostgreSQL keep their plans for no row.
LINKS_VERSION = """
    CREATE FUNCTION {table}_version_{name}() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        ids bigint[];
    BEGIN
        IF listings_deferred() THEN
            RETURN NULL;
        END IF;
        ids := ARRAY(
            SELECT b.id FROM book b
            WHERE b.id IN ({changed})
              AND NOT is_own_row(b.xmin)
            ORDER BY b.id
        );
        IF ids <> '{{}}' THEN
            UPDATE book SET version = version + 1 WHERE id = ANY (ids);
        END IF;
        RETURN NULL;
    END $$
"""

LINKS = {"book_author": "book_id, position, author_id, role", "book_category": "book_id, category_id"}
"""The tables of links, and the columns whose change moves the version of a book."""


def links_version_sql(table: str) -> tuple[str, ...]:
    """Return the functions and triggers that move the version of a book whose links changed.

    The move of a category writes the links below it as they are, which is no change of them.
    """
    columns = LINKS[table]
    events = {
        "added": ("INSERT", "NEW TABLE AS changed", "SELECT book_id FROM changed"),
        "removed": ("DELETE", "OLD TABLE AS changed", "SELECT book_id FROM changed"),
        "changed": (
            "UPDATE",
            "OLD TABLE AS before NEW TABLE AS after",
            f"SELECT book_id FROM (SELECT {columns} FROM after EXCEPT SELECT {columns} FROM before) AS c"
            f" UNION SELECT book_id FROM (SELECT {columns} FROM before EXCEPT SELECT {columns} FROM after) AS c",
        ),
    }
    return tuple(
        statement
        for name, (event, tables, changed) in events.items()
        for statement in (
            LINKS_VERSION.format(table=table, name=name, changed=changed),
            f"""
            CREATE TRIGGER {table}_version_{name} AFTER {event} ON {table} REFERENCING {tables}
            FOR EACH STATEMENT EXECUTE FUNCTION {table}_version_{name}()
            """,
        )
    )


LINK_EVENTS = ("added", "removed", "changed")

COUNT_AUTHORS = """
    CREATE OR REPLACE FUNCTION author_count_books() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        sign integer := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
    BEGIN
        PERFORM FROM author WHERE id IN (SELECT author_id FROM changed) ORDER BY id FOR NO KEY UPDATE;
        UPDATE author a
        SET book_count = a.book_count + sign * c.books, rating_count = a.rating_count + sign * c.ratings
        FROM (
            SELECT author_id, count(*) AS books, sum(rating_count) AS ratings FROM changed GROUP BY author_id
        ) c
        WHERE a.id = c.author_id;
        RETURN NULL;
    END $$
"""

OLD_COUNT_AUTHORS = """
    CREATE OR REPLACE FUNCTION author_count_books() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        sign integer := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
    BEGIN
        UPDATE author a
        SET book_count = a.book_count + sign * c.books, rating_count = a.rating_count + sign * c.ratings
        FROM (
            SELECT author_id, count(*) AS books, sum(rating_count) AS ratings FROM changed GROUP BY author_id
        ) c
        WHERE a.id = c.author_id;
        RETURN NULL;
    END $$
"""


def count_categories_sql(event: str, tables: str, deltas: str) -> tuple[str, ...]:
    """Return the function and the trigger that count the books of categories after an event on their listing."""
    name = {"INSERT": "added", "DELETE": "removed", "UPDATE": "changed"}[event]
    return (
        f"""
        CREATE FUNCTION category_count_{name}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE category k
            SET book_count = k.book_count + d.books, direct_book_count = k.direct_book_count + d.direct_books
            FROM (
                SELECT c.id, d.books, d.direct_books
                FROM (
                    SELECT category_id, sum(sign) AS books, coalesce(sum(sign) FILTER (WHERE direct), 0) AS direct_books
                    FROM ({deltas}) AS change GROUP BY category_id
                ) d
                JOIN category c ON c.id = d.category_id
                WHERE (d.books, d.direct_books) <> (0, 0)
                ORDER BY c.id FOR NO KEY UPDATE OF c
            ) d
            WHERE k.id = d.id;
            RETURN NULL;
        END $$
        """,
        f"""
        CREATE TRIGGER category_count_{name} AFTER {event} ON category_listing REFERENCING {tables}
        FOR EACH STATEMENT EXECUTE FUNCTION category_count_{name}()
        """,
    )


COUNT_CATEGORIES = (
    "DROP TRIGGER category_count_added ON category_listing",
    "DROP TRIGGER category_count_removed ON category_listing",
    "DROP TRIGGER category_count_changed ON category_listing",
    "DROP FUNCTION category_count_books",
    *count_categories_sql("INSERT", "NEW TABLE AS after", "SELECT category_id, direct, 1 AS sign FROM after"),
    *count_categories_sql(
        "DELETE", "OLD TABLE AS before", "SELECT category_id, direct, -1 AS sign FROM before"
    ),
    *count_categories_sql(
        "UPDATE",
        "OLD TABLE AS before NEW TABLE AS after",
        "SELECT category_id, direct, 1 AS sign FROM after UNION ALL SELECT category_id, direct, -1 FROM before",
    ),
)

OLD_COUNT_CATEGORIES = (
    *(f"DROP TRIGGER category_count_{name} ON category_listing" for name in ("added", "removed", "changed")),
    *(f"DROP FUNCTION category_count_{name}" for name in ("added", "removed", "changed")),
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
    *(
        f"""
        CREATE TRIGGER category_count_{name} AFTER {event} ON category_listing REFERENCING {tables}
        FOR EACH STATEMENT EXECUTE FUNCTION category_count_books()
        """
        for name, event, tables in (
            ("added", "INSERT", "NEW TABLE AS after"),
            ("removed", "DELETE", "OLD TABLE AS before"),
            ("changed", "UPDATE", "OLD TABLE AS before NEW TABLE AS after"),
        )
    ),
)

REFRESH = """
    CREATE OR REPLACE FUNCTION search_refresh(ids bigint[]) RETURNS void LANGUAGE sql AS $$
        INSERT INTO book_search AS s (book_id, document)
        SELECT b.id, book_document(
            b.title,
            (SELECT string_agg(a.name, ' ' ORDER BY ba.position)
             FROM book_author ba JOIN author a ON a.id = ba.author_id WHERE ba.book_id = b.id),
            b.subtitle,
            (SELECT string_agg(k.path, ' ' ORDER BY k.path)
             FROM book_category bc JOIN category k ON k.id = bc.category_id WHERE bc.book_id = b.id),
            b.description
        ) || popularity(b.rating_count)
        FROM book b
        WHERE b.id = ANY (ids) AND b.is_published{condition} ORDER BY b.id
        ON CONFLICT (book_id) DO UPDATE SET document = excluded.document
        WHERE s.document <> excluded.document
    $$
"""

UP = (
    "SET LOCAL lock_timeout = '5s'",
    # A writer that adds books, then their authors, then their categories, makes their documents once at the end.
    """
    CREATE FUNCTION search_deferred() RETURNS boolean
    LANGUAGE sql STABLE
    RETURN coalesce(current_setting('bookstore.defer_search', true), '') = 'on'
    """,
    REFRESH.format(condition=" AND NOT search_deferred()"),
    """
    CREATE FUNCTION move_version() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.version := OLD.version + 1;
        RETURN NEW;
    END $$
    """,
    *(statement for table in VERSIONED for statement in version_sql(table)),
    OWN_ROW,
    *(statement for table in LINKS for statement in links_version_sql(table)),
    COUNT_AUTHORS,
    *COUNT_CATEGORIES,
    "CREATE INDEX book_unpublished_idx ON book (id) WHERE NOT is_published",
    # Former keys of authors and categories, which go on being found: slugs and paths, ids of merged authors, and the
    # keys by which an import knows an author.
    *(
        statement
        for table, columns, key in (
            ("author_redirect", 'slug text COLLATE "C" NOT NULL', "slug"),
            ("author_merge", "old_id bigint NOT NULL", "old_id"),
            (
                "author_key_redirect",
                'source text COLLATE "C" NOT NULL, source_id text COLLATE "C" NOT NULL',
                "source, source_id",
            ),
        )
        for statement in (
            f"""
            CREATE TABLE {table} (
                {columns},
                author_id bigint NOT NULL,
                CONSTRAINT {table}_pkey PRIMARY KEY ({key}),
                CONSTRAINT {table}_author_fkey FOREIGN KEY (author_id) REFERENCES author (id) ON DELETE CASCADE
            )
            """,
            f"CREATE INDEX {table}_author_idx ON {table} (author_id)",
        )
    ),
    """
    CREATE TABLE category_redirect (
        path text COLLATE "C" NOT NULL,
        category_id bigint NOT NULL,
        CONSTRAINT category_redirect_pkey PRIMARY KEY (path),
        CONSTRAINT category_redirect_category_fkey
            FOREIGN KEY (category_id) REFERENCES category (id) ON DELETE CASCADE
    )
    """,
    "CREATE INDEX category_redirect_category_idx ON category_redirect (category_id)",
    # The answer to a request with an idempotency key. It is written in the transaction of the request.
    """
    CREATE TABLE repeatable_answer (
        client text COLLATE "C" NOT NULL,
        key text COLLATE "C" NOT NULL,
        fingerprint bytea NOT NULL,
        body bytea,
        answered_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT repeatable_answer_pkey PRIMARY KEY (client, key)
    )
    """,
    "CREATE INDEX repeatable_answer_answered_idx ON repeatable_answer (answered_at)",
    # No foreign key to the catalog: an entry outlives what it names.
    """
    CREATE TABLE audit_entry (
        id bigint GENERATED BY DEFAULT AS IDENTITY,
        written_at timestamptz NOT NULL DEFAULT now(),
        client text NOT NULL,
        mutation text COLLATE "C" NOT NULL,
        items text[] NOT NULL,
        CONSTRAINT audit_entry_pkey PRIMARY KEY (id)
    )
    """,
    "CREATE INDEX audit_entry_written_idx ON audit_entry (written_at, id)",
)

DOWN = (
    "SET LOCAL lock_timeout = '5s'",
    REFRESH.format(condition=""),
    "DROP FUNCTION search_deferred",
    "DROP TABLE audit_entry, repeatable_answer, category_redirect, author_key_redirect, author_merge, author_redirect",
    "DROP INDEX book_unpublished_idx",
    *OLD_COUNT_CATEGORIES,
    OLD_COUNT_AUTHORS,
    *(f"DROP TRIGGER {table}_version_{name} ON {table}" for table in LINKS for name in LINK_EVENTS),
    *(f"DROP FUNCTION {table}_version_{name}" for table in LINKS for name in LINK_EVENTS),
    "DROP FUNCTION is_own_row",
    *(f"DROP TRIGGER {table}_version ON {table}" for table in VERSIONED),
    "DROP FUNCTION move_version",
    *(f"ALTER TABLE {table} DROP COLUMN version" for table in VERSIONED),
)


def upgrade() -> None:
    for statement in UP:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.get_bind().exec_driver_sql(statement)
