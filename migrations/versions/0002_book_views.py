"""Count the views of each book per day."""

from alembic import op

revision = "0002"
down_revision = "0001"

UP = (
    "SET LOCAL lock_timeout = '5s'",
    """
    CREATE TABLE book_view (
        book_id bigint NOT NULL,
        viewed_on date NOT NULL,
        views integer NOT NULL,
        CONSTRAINT book_view_pkey PRIMARY KEY (book_id, viewed_on),
        CONSTRAINT book_view_book_fkey FOREIGN KEY (book_id) REFERENCES book (id) ON DELETE CASCADE,
        CONSTRAINT book_view_positive CHECK (views > 0)
    )
    """,
)

DOWN = ("SET LOCAL lock_timeout = '5s'", "DROP TABLE book_view")


def upgrade() -> None:
    for statement in UP:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.get_bind().exec_driver_sql(statement)
