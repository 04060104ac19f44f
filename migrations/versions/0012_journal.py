"""The journal of imports, from which an import is undone, and triggers that record edits by hand.

A writer that is no import marks the fields that it changes as edited, so no import overwrites them. This holds
for SQL by hand as well: writers need not know of it.
"""

from alembic import op

revision = "0012"
down_revision = "0011"

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
"""The fields by which an edit of a book is recorded, and their columns."""


def _row(alias: str, columns: str) -> str:
    return f"({', '.join(f'{alias}.{column}' for column in columns.split())})"


_CHANGED_FIELDS = ", ".join(
    f"('{field}', {_row('o', columns)} IS DISTINCT FROM {_row('n', columns)})"
    for field, columns in EDITED_FIELDS.items()
)

_MARK_EDITED = "ON CONFLICT (book_id, field) DO UPDATE SET edited_at = excluded.edited_at"

UP = (
    "SET LOCAL lock_timeout = '5s'",
    # The new books of an import have the ids from first_book_id to last_book_id.
    """
    CREATE TABLE import (
        id integer NOT NULL,
        source text NOT NULL,
        inputs text NOT NULL,
        imported_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        new_books integer NOT NULL,
        changed_books integer NOT NULL,
        deleted_books integer NOT NULL,
        rejected_rows integer NOT NULL,
        first_book_id bigint,
        last_book_id bigint,
        undoes integer,
        has_changes boolean NOT NULL DEFAULT true,
        CONSTRAINT import_pkey PRIMARY KEY (id),
        CONSTRAINT import_undoes_fkey FOREIGN KEY (undoes) REFERENCES import (id) ON DELETE CASCADE
    )
    """,
    "CREATE INDEX import_undoes_idx ON import (undoes)",
    # No foreign key to the catalog: a change outlives its book.
    """
    CREATE TABLE import_change (
        import_id integer NOT NULL,
        kind text COLLATE "C" NOT NULL,
        item_id bigint NOT NULL,
        before jsonb,
        after jsonb,
        CONSTRAINT import_change_pkey PRIMARY KEY (import_id, kind, item_id),
        CONSTRAINT import_change_import_fkey FOREIGN KEY (import_id) REFERENCES import (id) ON DELETE CASCADE,
        CONSTRAINT import_change_kind CHECK (kind IN ('book', 'book_field', 'author', 'category')),
        CONSTRAINT import_change_says_something CHECK (before IS NOT NULL OR after IS NOT NULL)
    )
    """,
    "CREATE INDEX import_change_item_idx ON import_change (kind, item_id, import_id)",
    "ALTER TABLE author ADD COLUMN edited_at timestamptz",
    "ALTER TABLE category ADD COLUMN edited_at timestamptz",
    """
    CREATE FUNCTION is_import() RETURNS boolean
    LANGUAGE sql STABLE
    RETURN coalesce(current_setting('bookstore.writer', true), '') = 'import'
    """,
    f"""
    CREATE FUNCTION book_edited() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NOT is_import() THEN
            INSERT INTO book_field (book_id, field, edited_at)
            SELECT n.id, f.field, now()
            FROM before o JOIN after n USING (id)
            CROSS JOIN LATERAL (VALUES {_CHANGED_FIELDS}) AS f (field, differs)
            WHERE f.differs ORDER BY n.id, f.field
            {_MARK_EDITED};
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER book_edited AFTER UPDATE ON book REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION book_edited()
    """,
    # A deleted book has no fields any more: its links are deleted after it.
    f"""
    CREATE FUNCTION book_links_edited() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NOT is_import() THEN
            INSERT INTO book_field (book_id, field, edited_at)
            SELECT b.id, TG_ARGV[0], now()
            FROM book b WHERE b.id IN (SELECT book_id FROM changed) ORDER BY b.id
            {_MARK_EDITED};
        END IF;
        RETURN NULL;
    END $$
    """,
    *(
        f"""
        CREATE TRIGGER {table}_edited_{name} AFTER {event} ON {table} REFERENCING {which} TABLE AS changed
        FOR EACH STATEMENT EXECUTE FUNCTION book_links_edited('{field}')
        """
        for table, field in (("book_author", "authors"), ("book_category", "categories"))
        for name, event, which in (
            ("added", "INSERT", "NEW"),
            ("removed", "DELETE", "OLD"),
            ("left", "UPDATE", "OLD"),
            ("joined", "UPDATE", "NEW"),
        )
    ),
    # An import finds an author by its key: with another key, the authors of the books are no longer what a feed says.
    f"""
    CREATE FUNCTION author_edited() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NOT is_import() THEN
            NEW.edited_at := now();
            IF (OLD.source, OLD.source_id) <> (NEW.source, NEW.source_id) THEN
                INSERT INTO book_field (book_id, field, edited_at)
                SELECT DISTINCT book_id, 'authors', now() FROM book_author WHERE author_id = NEW.id ORDER BY book_id
                {_MARK_EDITED};
            END IF;
        END IF;
        RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER author_edited
    BEFORE UPDATE OF source, source_id, name, sort_name, birth_year, death_year ON author FOR EACH ROW
    WHEN (OLD.source <> NEW.source OR OLD.source_id <> NEW.source_id
          OR OLD.name <> NEW.name OR OLD.sort_name <> NEW.sort_name
          OR OLD.birth_year IS DISTINCT FROM NEW.birth_year OR OLD.death_year IS DISTINCT FROM NEW.death_year)
    EXECUTE FUNCTION author_edited()
    """,
    """
    CREATE FUNCTION category_edited() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NOT is_import() THEN
            NEW.edited_at := now();
        END IF;
        RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER category_edited BEFORE UPDATE OF name ON category FOR EACH ROW
    WHEN (OLD.name <> NEW.name) EXECUTE FUNCTION category_edited()
    """,
    # An import finds a category by its path.
    f"""
    CREATE FUNCTION category_path_edited() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NOT is_import() THEN
            INSERT INTO book_field (book_id, field, edited_at)
            SELECT book_id, 'categories', now() FROM book_category WHERE category_id = NEW.id ORDER BY book_id
            {_MARK_EDITED};
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER category_path_edited AFTER UPDATE ON category FOR EACH ROW
    WHEN (OLD.path <> NEW.path) EXECUTE FUNCTION category_path_edited()
    """,
)

DOWN = (
    "SET LOCAL lock_timeout = '5s'",
    "DROP TRIGGER category_path_edited ON category",
    "DROP TRIGGER category_edited ON category",
    "DROP TRIGGER author_edited ON author",
    *(
        f"DROP TRIGGER {table}_edited_{name} ON {table}"
        for table in ("book_author", "book_category")
        for name in ("added", "removed", "left", "joined")
    ),
    "DROP TRIGGER book_edited ON book",
    "DROP FUNCTION category_path_edited, category_edited, author_edited, book_links_edited, book_edited, is_import",
    "ALTER TABLE category DROP COLUMN edited_at",
    "ALTER TABLE author DROP COLUMN edited_at",
    "DROP TABLE import_change, import",
)


def upgrade() -> None:
    for statement in UP:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.get_bind().exec_driver_sql(statement)
