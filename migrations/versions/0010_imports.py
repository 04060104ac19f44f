"""Fields of a book that do not follow its source: owned by another source, or edited by hand."""

from alembic import op

revision = "0010"
down_revision = "0009"

UP = (
    "SET LOCAL lock_timeout = '5s'",
    """
    CREATE TABLE book_field (
        book_id bigint NOT NULL,
        field text COLLATE "C" NOT NULL,
        owner text,
        edited_at timestamptz,
        CONSTRAINT book_field_pkey PRIMARY KEY (book_id, field),
        CONSTRAINT book_field_book_fkey FOREIGN KEY (book_id) REFERENCES book (id) ON DELETE CASCADE,
        CONSTRAINT book_field_says_something CHECK (owner IS NOT NULL OR edited_at IS NOT NULL)
    )
    """,
)

DOWN = ("SET LOCAL lock_timeout = '5s'", "DROP TABLE book_field")


def upgrade() -> None:
    for statement in UP:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.get_bind().exec_driver_sql(statement)
