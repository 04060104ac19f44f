"""The source's key of the work that a book is an edition of, such as the work id of Goodreads.

Its index has only the published books that have one: a book without it has no more bytes than before. Triggers of its
own record an edit of it and move the version of its book. The second one leaves alone a version that has moved.
"""

from alembic import op

revision = "0023"
down_revision = "0022"

EDITED_FIELDS = {"work": "work_key"}
"""The fields by which an edit is recorded, and their columns: those of 0012 and these."""

UP = (
    "SET LOCAL lock_timeout = '5s'",
    """
    ALTER TABLE book
        ADD COLUMN work_key text COLLATE "C",
        ADD CONSTRAINT book_work_key_not_blank CHECK (work_key ~ '\\S'),
        ADD CONSTRAINT book_work_key_length CHECK (length(work_key) <= 100)
    """,
    """
    CREATE INDEX book_work_idx ON book (source, work_key, id) WHERE is_published AND work_key IS NOT NULL
    """,
    """
    CREATE FUNCTION book_work_edited() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NOT is_import() THEN
            INSERT INTO book_field (book_id, field, edited_at) VALUES (NEW.id, 'work', now())
            ON CONFLICT (book_id, field) DO UPDATE SET edited_at = excluded.edited_at;
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER book_work_edited AFTER UPDATE ON book FOR EACH ROW
    WHEN (OLD.work_key IS DISTINCT FROM NEW.work_key) EXECUTE FUNCTION book_work_edited()
    """,
    # By its name it fires behind book_version, and before book_version_time, which sees a moved version.
    """
    CREATE TRIGGER book_version_by_work BEFORE UPDATE ON book FOR EACH ROW
    WHEN (OLD.work_key IS DISTINCT FROM NEW.work_key AND OLD.version = NEW.version) EXECUTE FUNCTION move_version()
    """,
)

DOWN = (
    "SET LOCAL lock_timeout = '5s'",
    "DROP TRIGGER book_version_by_work ON book",
    "DROP TRIGGER book_work_edited ON book",
    "DROP FUNCTION book_work_edited",
    "ALTER TABLE book DROP COLUMN work_key",
    "DELETE FROM book_field WHERE field = 'work'",
)


def upgrade() -> None:
    for statement in UP:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.get_bind().exec_driver_sql(statement)
