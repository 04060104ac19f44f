"""Books that are taken off sale: out of all listings, documents and counters, with their row and links kept.

The listings, search documents and counters hold published books only, so a read of them needs no condition. The indexes
of `book` that its lists read are partial for the same reason: a page stays one short range of an index, however many
books were unpublished. `book_added_idx` stands beside the primary key, which has all books.

A writer that is no import marks `is_published` as edited, so that no import changes it.
"""

from alembic import op

revision = "0014"
down_revision = "0013"

LISTING_COLUMNS = "published_key, price, rating_average, title_key, rating_count, language, currency"
_OF_BOOK = ", ".join(f"b.{column}" for column in LISTING_COLUMNS.split(", "))

INDEXES = {
    "title": "(title_key, id) INCLUDE (rating_count)",
    "published": "(published_key, id)",
    "price": "(price, id)",
    "rating": "(rating_average, id)",
    "popularity": "(rating_count, id)",
    "publisher": "(publisher, id)",
    "format": "(format, id)",
}
"""The indexes of the lists of all books, and their columns."""


def index_statements(predicate: str) -> tuple[str, ...]:
    """Return the statements that create the indexes again, with a predicate or with all books."""
    return (
        "SET LOCAL maintenance_work_mem = '256MB'",
        f"DROP INDEX {', '.join(f'book_{name}_idx' for name in INDEXES)}",
        *(f"CREATE INDEX book_{name}_idx ON book {columns}{predicate}" for name, columns in INDEXES.items()),
    )


def author_rows_sql(books: str, condition: str) -> str:
    """Return the SQL that adds the missing listings by author of `books`, which join `book` AS b."""
    return f"""
            INSERT INTO author_listing (author_id, book_id, {LISTING_COLUMNS})
            SELECT DISTINCT ba.author_id, b.id, {_OF_BOOK}
            FROM {books} JOIN book_author ba ON ba.book_id = b.id
            WHERE {condition}
            ON CONFLICT (book_id, author_id) DO NOTHING;"""


def category_rows_sql(books: str, condition: str) -> str:
    """Return the SQL that adds the missing listings by category of `books`, which join `book` AS b."""
    return f"""
            INSERT INTO category_listing AS l (category_id, book_id, direct, {LISTING_COLUMNS})
            SELECT up.category_id, b.id, bool_or(up.category_id = bc.category_id), {_OF_BOOK}
            FROM {books}
            JOIN book_category bc ON bc.book_id = b.id
            JOIN category k ON k.id = bc.category_id
            CROSS JOIN unnest(k.lineage) AS up (category_id)
            WHERE {condition}
            GROUP BY up.category_id, b.id
            ON CONFLICT (book_id, category_id) DO UPDATE SET direct = excluded.direct
            WHERE l.direct <> excluded.direct;"""


DOCUMENT_SQL = """
            SELECT b.id, book_document(
                b.title,
                (SELECT string_agg(a.name, ' ' ORDER BY ba.position)
                 FROM book_author ba JOIN author a ON a.id = ba.author_id WHERE ba.book_id = b.id),
                b.subtitle,
                (SELECT string_agg(k.path, ' ' ORDER BY k.path)
                 FROM book_category bc JOIN category k ON k.id = bc.category_id WHERE bc.book_id = b.id),
                b.description
            ) || popularity(b.rating_count)
            FROM book b"""

CHANGED_BOOKS = "(SELECT DISTINCT book_id FROM changed) c JOIN book b ON b.id = c.book_id"


def relist_function_sql(owner: str, link: str, rows: str) -> str:
    """Return the function that lists the books whose links changed; `link` is the query of the link of a listing `l`."""
    respelled = {"author": "respell_authors", "category": "respell_categories"}[owner]
    respell = f"{respelled}(ARRAY(SELECT DISTINCT {owner}_id FROM changed))"
    return f"""
        CREATE OR REPLACE FUNCTION {owner}_relist() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF listings_deferred() THEN
                RETURN NULL;
            END IF;
            IF TG_OP <> 'INSERT' THEN
                DELETE FROM {owner}_listing l USING (SELECT DISTINCT book_id FROM changed) c
                WHERE l.book_id = c.book_id AND NOT EXISTS ({link});
            END IF;
            {rows}
            PERFORM search_refresh(ARRAY(SELECT DISTINCT book_id FROM changed));
            PERFORM {respell};
            RETURN NULL;
        END $$
        """


AUTHOR_LINK = "SELECT FROM book_author ba WHERE ba.book_id = l.book_id AND ba.author_id = l.author_id"
CATEGORY_LINK = """
                    SELECT FROM book_category bc JOIN category k ON k.id = bc.category_id
                    WHERE bc.book_id = l.book_id AND l.category_id = ANY (k.lineage)
                """


def relist_functions_sql(condition: str) -> tuple[str, ...]:
    """Return the functions that maintain the listings and documents of the books `b` that meet the condition."""
    return (
        relist_function_sql("author", AUTHOR_LINK, author_rows_sql(CHANGED_BOOKS, condition)),
        relist_function_sql("category", CATEGORY_LINK, category_rows_sql(CHANGED_BOOKS, condition)),
        f"""
        CREATE OR REPLACE FUNCTION search_refresh(ids bigint[]) RETURNS void LANGUAGE sql AS $$
            INSERT INTO book_search AS s (book_id, document)
            {DOCUMENT_SQL}
            WHERE b.id = ANY (ids) AND {condition} ORDER BY b.id
            ON CONFLICT (book_id) DO UPDATE SET document = excluded.document
            WHERE s.document <> excluded.document
        $$
        """,
    )


# PostgreSQL keeps the plans of a trigger: a join that is a nested loop for one row would be one for many. EXCEPT is none.
# The row of catalog_size is written even if as many books come as go: its version is the generation of the vocabulary.
BOOK_RELIST = f"""
    CREATE FUNCTION book_relist() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        unpublished bigint[] := ARRAY(
            SELECT id FROM before WHERE is_published EXCEPT SELECT id FROM after WHERE is_published
        );
        published bigint[] := ARRAY(
            SELECT id FROM after WHERE is_published EXCEPT SELECT id FROM before WHERE is_published
        );
    BEGIN
        IF cardinality(published || unpublished) = 0 THEN
            RETURN NULL;
        END IF;
        UPDATE catalog_size SET books = books + cardinality(published) - cardinality(unpublished);
        IF listings_deferred() THEN
            RETURN NULL;
        END IF;
        IF unpublished <> '{{}}' THEN
            DELETE FROM author_listing WHERE book_id = ANY (unpublished);
            DELETE FROM category_listing WHERE book_id = ANY (unpublished);
            DELETE FROM book_search WHERE book_id = ANY (unpublished);
        END IF;
        IF published <> '{{}}' THEN
            {author_rows_sql("book b", "b.id = ANY (published)")}
            {category_rows_sql("book b", "b.id = ANY (published)")}
            PERFORM search_refresh(published);
        END IF;
        RETURN NULL;
    END $$
    """

OLD_COUNT = """
    CREATE OR REPLACE FUNCTION catalog_count() RETURNS trigger LANGUAGE plpgsql AS $$
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
    """

# The table of a trigger is known when its statements are planned: only `book` has the column.
COUNT = """
    CREATE OR REPLACE FUNCTION catalog_count() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        delta bigint;
    BEGIN
        IF TG_TABLE_NAME = 'book' THEN
            delta := (SELECT count(*) FROM changed WHERE is_published);
        ELSE
            delta := (SELECT count(*) FROM changed);
        END IF;
        IF TG_OP = 'DELETE' THEN
            delta := -delta;
        END IF;
        IF delta <> 0 THEN
            UPDATE catalog_size
            SET books = books + CASE TG_TABLE_NAME WHEN 'book' THEN delta ELSE 0 END,
                authors = authors + CASE TG_TABLE_NAME WHEN 'author' THEN delta ELSE 0 END,
                categories = categories + CASE TG_TABLE_NAME WHEN 'category' THEN delta ELSE 0 END;
        END IF;
        RETURN NULL;
    END $$
    """


def edit_function_sql(fields: dict[str, str], added: str) -> str:
    """Return the function that records edits of books by hand; `added` is the SQL for books that are added."""

    def row(alias: str, columns: str) -> str:
        return f"({', '.join(f'{alias}.{column}' for column in columns.split())})"

    changed = ", ".join(
        f"('{field}', {row('o', columns)} IS DISTINCT FROM {row('n', columns)})"
        for field, columns in fields.items()
    )
    return f"""
    CREATE OR REPLACE FUNCTION book_edited() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF is_import() THEN
            RETURN NULL;
        END IF;
        {added}
        INSERT INTO book_field (book_id, field, edited_at)
        SELECT n.id, f.field, now()
        FROM before o JOIN after n USING (id)
        CROSS JOIN LATERAL (VALUES {changed}) AS f (field, differs)
        WHERE f.differs ORDER BY n.id, f.field
        ON CONFLICT (book_id, field) DO UPDATE SET edited_at = excluded.edited_at;
        RETURN NULL;
    END $$
    """


EDITED_FIELDS = {
    "isbn": "isbn",
    "title": "title",
    "subtitle": "subtitle",
    "description": "description",
    "language": "language",
    "publisher": "publisher",
    "format": "format",
    "published": "published_year published_on",
    "pages": "page_count",
    "price": "price currency",
    "stock": "stock",
    "cover_url": "cover_url",
    "rating_average": "rating_average rating_count",
}

# No import publishes a book that an editor adds unpublished.
ADDED_UNPUBLISHED = """
        IF TG_OP = 'INSERT' THEN
            INSERT INTO book_field (book_id, field, edited_at)
            SELECT id, 'is_published', now() FROM after WHERE NOT is_published ORDER BY id;
            RETURN NULL;
        END IF;
"""

UP = (
    "SET LOCAL lock_timeout = '5s'",
    "ALTER TABLE book ADD COLUMN is_published boolean NOT NULL DEFAULT true",
    "ALTER TABLE import ADD COLUMN unpublished_books integer NOT NULL DEFAULT 0",
    *index_statements(" WHERE is_published"),
    "CREATE INDEX book_added_idx ON book (id) WHERE is_published",
    *relist_functions_sql("b.is_published"),
    BOOK_RELIST,
    """
    CREATE TRIGGER book_relist AFTER UPDATE ON book REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION book_relist()
    """,
    COUNT,
    edit_function_sql({**EDITED_FIELDS, "is_published": "is_published"}, ADDED_UNPUBLISHED),
    """
    CREATE TRIGGER book_edited_added AFTER INSERT ON book REFERENCING NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION book_edited()
    """,
)

DOWN = (
    "SET LOCAL lock_timeout = '5s'",
    "DROP TRIGGER book_edited_added ON book",
    edit_function_sql(EDITED_FIELDS, ""),
    # Books that are off sale come back: nothing else can tell them from the others.
    "UPDATE book SET is_published = true WHERE NOT is_published",
    "DELETE FROM book_field WHERE field = 'is_published'",
    "DROP TRIGGER book_relist ON book",
    "DROP FUNCTION book_relist",
    OLD_COUNT,
    *relist_functions_sql("true"),
    *index_statements(""),
    "ALTER TABLE import DROP COLUMN unpublished_books",
    "ALTER TABLE book DROP COLUMN is_published",
)


def upgrade() -> None:
    for statement in UP:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.get_bind().exec_driver_sql(statement)
