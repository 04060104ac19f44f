"""An index of the root categories: a real catalog can have 18,000 categories without a parent.

The index by parent cannot return them in order, because PostgreSQL does not treat "IS NULL" as a single value. It
scanned all categories by name and filtered out those with a parent.
"""

from alembic import op

revision = "0005"
down_revision = "0004"

UP = (
    "SET LOCAL lock_timeout = '5s'",
    "CREATE INDEX category_root_idx ON category (sort_key, id) WHERE parent_id IS NULL",
)

DOWN = ("SET LOCAL lock_timeout = '5s'", "DROP INDEX category_root_idx")


def upgrade() -> None:
    for statement in UP:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.get_bind().exec_driver_sql(statement)
