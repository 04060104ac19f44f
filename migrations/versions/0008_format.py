"""The format of a book. Its index alone finds the ids of the books in a format."""

from alembic import op

revision = "0008"
down_revision = "0007"

UP = (
    "SET LOCAL lock_timeout = '5s'",
    """
    ALTER TABLE book
        ADD COLUMN format text COLLATE "C",
        ADD CONSTRAINT book_format_known CHECK (
            format IN ('HARDCOVER', 'PAPERBACK', 'MASS_MARKET_PAPERBACK', 'BOARD_BOOK', 'SPIRAL_BOUND',
                       'LOOSE_LEAF', 'PAMPHLET', 'EBOOK', 'AUDIOBOOK', 'MAP', 'BOX_SET', 'OTHER')
        )
    """,
    "CREATE INDEX book_format_idx ON book (format, id)",
)

DOWN = ("SET LOCAL lock_timeout = '5s'", "ALTER TABLE book DROP COLUMN format")


def upgrade() -> None:
    for statement in UP:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.get_bind().exec_driver_sql(statement)
