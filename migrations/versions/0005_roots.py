"""An index of the roots of the categories' tree: a real one can have 18,000 without a parent.

The index by parent cannot give them in order: to PostgreSQL "IS NULL" is no single value. It walked all categories
by name and dropped those that have a parent.
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
