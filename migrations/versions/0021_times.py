"""When books were added and changed, which are viewed most, and how many there are by language and currency.

`book.updated_at` moves with the version of a book, and with nothing else. Existing books have the time of this
migration.

`book_addition` dates the ids of books: a book was added at the time of the last row whose `first_id` is not above its
id. So the time costs no bytes in a book, and agrees with the order of the ids by which lists are sorted. A condition on
the time is one on the id, which every listing has in its index. The row of an insert is written under the lock on
`catalog_size`, so that the times rise with the ids and with the commits. `last_id` of the last row is the last id that
has a time: a deleted book that comes back keeps its own. Existing books have the time of their import.

`book_trend` holds the most viewed books of a week with their views, `catalog_code` the number of published books of
each language and currency.
"""

from alembic import op

revision = "0021"
down_revision = "0020"

TRENDING_DAYS = 7
MAX_TRENDING_BOOKS = 5_000

UPDATED_AT = (
    # statement_timestamp() is computed once: the rows are not rewritten.
    "ALTER TABLE book ADD COLUMN updated_at timestamptz NOT NULL DEFAULT statement_timestamp()",
    """
    CREATE FUNCTION book_updated() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.updated_at := statement_timestamp();
        RETURN NEW;
    END $$
    """,
    # Triggers fire in the order of their names: this one sees the version that book_version has moved.
    """
    CREATE TRIGGER book_version_time BEFORE UPDATE ON book FOR EACH ROW
    WHEN (OLD.version <> NEW.version) EXECUTE FUNCTION book_updated()
    """,
    "SET LOCAL maintenance_work_mem = '256MB'",
    "CREATE INDEX book_updated_idx ON book (updated_at, id) WHERE is_published",
)

ADDITIONS = (
    """
    CREATE TABLE book_addition (
        first_id bigint NOT NULL,
        last_id bigint NOT NULL,
        added_at timestamptz NOT NULL,
        CONSTRAINT book_addition_pkey PRIMARY KEY (first_id) INCLUDE (added_at)
    )
    """,
    "CREATE INDEX book_addition_added_idx ON book_addition (added_at, first_id)",
    """
    INSERT INTO book_addition (first_id, last_id, added_at)
    SELECT 0, coalesce((SELECT max(id) FROM book), 0), coalesce((SELECT min(imported_at) FROM import), now())
    UNION ALL
    SELECT first_book_id, greatest(max(last_book_id), (SELECT max(id) FROM book)),
           max(max(imported_at)) OVER (ORDER BY first_book_id)
    FROM import WHERE first_book_id > 0 GROUP BY first_book_id
    """,
    """
    CREATE FUNCTION book_dated() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM FROM catalog_size FOR NO KEY UPDATE;
        INSERT INTO book_addition (first_id, last_id, added_at)
        SELECT min(c.id), max(c.id), greatest(clock_timestamp(), max(a.added_at))
        FROM changed c
        JOIN (SELECT last_id, added_at FROM book_addition ORDER BY first_id DESC LIMIT 1) a ON c.id > a.last_id
        HAVING count(*) > 0;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER book_dated AFTER INSERT ON book REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION book_dated()
    """,
    # The planner computes a stable function to estimate how many books are meant.
    """
    CREATE FUNCTION first_book_since(since timestamptz) RETURNS bigint
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN coalesce(
        (SELECT first_id FROM book_addition WHERE added_at >= since ORDER BY added_at, first_id LIMIT 1),
        9223372036854775807
    )
    """,
)

TREND = (
    """
    CREATE TABLE book_trend (
        book_id bigint NOT NULL,
        views integer NOT NULL,
        counted_on date NOT NULL,
        CONSTRAINT book_trend_pkey PRIMARY KEY (book_id),
        CONSTRAINT book_trend_book_fkey FOREIGN KEY (book_id) REFERENCES book (id) ON DELETE CASCADE,
        CONSTRAINT book_trend_positive CHECK (views > 0)
    )
    """,
    "CREATE INDEX book_trend_views_idx ON book_trend (views, book_id)",
    f"""
    INSERT INTO book_trend (book_id, views, counted_on)
    SELECT book_id, least(sum(views), 2147483647), current_date
    FROM book_view WHERE viewed_on > current_date - {TRENDING_DAYS} AND viewed_on <= current_date
    GROUP BY book_id ORDER BY 2 DESC, book_id DESC LIMIT {MAX_TRENDING_BOOKS}
    """,
)


def code_trigger_sql(name: str, event: str, tables: str, changed: str) -> tuple[str, str]:
    """Return a function and its trigger that count the published books of `changed` by language and currency.

    By its name it fires after the triggers that lock `catalog_size`.
    """
    return (
        f"""
        CREATE FUNCTION catalog_code_{name}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO catalog_code AS c (kind, code, books)
            SELECT k.kind, k.code, sum(d.books)
            FROM (
                SELECT language, currency, sum(sign) AS books FROM ({changed}) AS s
                GROUP BY language, currency HAVING sum(sign) <> 0
            ) AS d
            CROSS JOIN LATERAL (VALUES ('currency', d.currency), ('language', d.language)) AS k (kind, code)
            WHERE k.code IS NOT NULL
            GROUP BY k.kind, k.code HAVING sum(d.books) <> 0
            ORDER BY k.kind, k.code
            ON CONFLICT (kind, code) DO UPDATE SET books = c.books + excluded.books;
            RETURN NULL;
        END $$
        """,
        f"""
        CREATE TRIGGER catalog_code_{name} AFTER {event} ON book REFERENCING {tables}
        FOR EACH STATEMENT EXECUTE FUNCTION catalog_code_{name}()
        """,
    )


def rows_sql(table: str, sign: int) -> str:
    return f"SELECT language, currency, {sign} AS sign FROM {table} WHERE is_published"


CODES = (
    """
    CREATE TABLE catalog_code (
        kind text COLLATE "C" NOT NULL,
        code text COLLATE "C" NOT NULL,
        books bigint NOT NULL,
        CONSTRAINT catalog_code_pkey PRIMARY KEY (kind, code),
        CONSTRAINT catalog_code_kind CHECK (kind IN ('currency', 'language'))
    )
    """,
    """
    INSERT INTO catalog_code (kind, code, books)
    SELECT 'language', language, count(*) FROM book WHERE is_published AND language IS NOT NULL GROUP BY language
    UNION ALL
    SELECT 'currency', currency, count(*) FROM book WHERE is_published AND currency IS NOT NULL GROUP BY currency
    """,
    *code_trigger_sql("added", "INSERT", "NEW TABLE AS after", rows_sql("after", 1)),
    *code_trigger_sql("removed", "DELETE", "OLD TABLE AS before", rows_sql("before", -1)),
    *code_trigger_sql(
        "changed",
        "UPDATE",
        "OLD TABLE AS before NEW TABLE AS after",
        f"{rows_sql('after', 1)} UNION ALL {rows_sql('before', -1)}",
    ),
)

UP = ("SET LOCAL lock_timeout = '5s'", *UPDATED_AT, *ADDITIONS, *TREND, *CODES)

DOWN = (
    "SET LOCAL lock_timeout = '5s'",
    *(f"DROP TRIGGER catalog_code_{name} ON book" for name in ("added", "removed", "changed")),
    *(f"DROP FUNCTION catalog_code_{name}" for name in ("added", "removed", "changed")),
    "DROP TABLE catalog_code, book_trend",
    "DROP FUNCTION first_book_since",
    "DROP TRIGGER book_dated ON book",
    "DROP FUNCTION book_dated",
    "DROP TABLE book_addition",
    "DROP TRIGGER book_version_time ON book",
    "DROP FUNCTION book_updated",
    "ALTER TABLE book DROP COLUMN updated_at",
)


def upgrade() -> None:
    for statement in UP:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.get_bind().exec_driver_sql(statement)
