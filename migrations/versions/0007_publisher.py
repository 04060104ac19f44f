"""The publisher of a book. Its index alone finds the ids of the books of a publisher."""

from alembic import op

revision = "0007"
down_revision = "0006"

UP = (
    "SET LOCAL lock_timeout = '5s'",
    """
    ALTER TABLE book
        ADD COLUMN publisher text,
        ADD CONSTRAINT book_publisher_not_blank CHECK (publisher ~ '\\S'),
        ADD CONSTRAINT book_publisher_length CHECK (length(publisher) <= 500)
    """,
    "CREATE INDEX book_publisher_idx ON book (publisher, id)",
)

DOWN = ("SET LOCAL lock_timeout = '5s'", "ALTER TABLE book DROP COLUMN publisher")


def upgrade() -> None:
    for statement in UP:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.get_bind().exec_driver_sql(statement)
