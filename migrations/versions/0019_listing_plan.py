"""Listings that an import changes are found by a plan for as many rows as there are.

The rows of `before` and `after` were joined by id. PostgreSQL has no statistics of them, and took 100,000 changed books
for 50 million; so it sorted the places of all rows of a listing. EXCEPT is no join.
"""

from alembic import op

revision = "0019"
down_revision = "0018"

COLUMNS = ["published_key", "price", "rating_average", "title_key", "rating_count", "language", "currency"]
ASSIGNED = ", ".join(f"{column} = n.{column}" for column in COLUMNS)
DIFFERS = f"({', '.join(f'o.{each}' for each in COLUMNS)}) IS DISTINCT FROM ({', '.join(f'n.{each}' for each in COLUMNS)})"

JOINED = f"before o JOIN after n USING (id) JOIN {{table}} k ON k.book_id = n.id WHERE {DIFFERS}"
CHANGED = f"""(
                    SELECT id, {", ".join(COLUMNS)} FROM after EXCEPT SELECT id, {", ".join(COLUMNS)} FROM before
                ) n JOIN {{table}} k ON k.book_id = n.id"""


def update_sql(table: str) -> str:
    return f"""
            UPDATE {table} l SET {ASSIGNED}
            FROM before o JOIN after n USING (id)
            WHERE l.book_id = n.id AND {DIFFERS};"""


def ordered_update_sql(table: str, changed: str) -> str:
    return f"""
            UPDATE {table} l SET {ASSIGNED}
            FROM (
                SELECT k.ctid AS place, {", ".join(f"n.{each}" for each in COLUMNS)}
                FROM {changed.format(table=table)}
                ORDER BY k.ctid
            ) n
            WHERE l.ctid = n.place;"""


def rekey_sql(changed: str) -> str:
    listings = ("author_listing", "category_listing")
    return f"""
    CREATE OR REPLACE FUNCTION book_rekey() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF listings_deferred() THEN
            RETURN NULL;
        END IF;
        IF listings_locked() THEN
            {"".join(ordered_update_sql(table, changed) for table in listings)}
        ELSE
            {"".join(map(update_sql, listings))}
        END IF;
        RETURN NULL;
    END $$
    """


UP = ("SET LOCAL lock_timeout = '5s'", rekey_sql(CHANGED))
DOWN = ("SET LOCAL lock_timeout = '5s'", rekey_sql(JOINED))


def upgrade() -> None:
    for statement in UP:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.get_bind().exec_driver_sql(statement)
