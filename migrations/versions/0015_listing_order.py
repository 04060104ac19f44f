"""Listings that an import changes are updated in the order of their table, by category, not by book.

A new price of a book changes a row for each of its authors and categories, in every index of the listings. In the order
of the books each of these rows and index entries is on another page. The rows are found by their place, which is
safe only while nobody else writes to the listings: an import locks them.
"""

from alembic import op

revision = "0015"
down_revision = "0014"

COLUMNS = ["published_key", "price", "rating_average", "title_key", "rating_count", "language", "currency"]
ASSIGNED = ", ".join(f"{column} = n.{column}" for column in COLUMNS)
DIFFERS = f"({', '.join(f'o.{each}' for each in COLUMNS)}) IS DISTINCT FROM ({', '.join(f'n.{each}' for each in COLUMNS)})"


def update_sql(table: str) -> str:
    return f"""
            UPDATE {table} l SET {ASSIGNED}
            FROM before o JOIN after n USING (id)
            WHERE l.book_id = n.id AND {DIFFERS};"""


def ordered_update_sql(table: str) -> str:
    return f"""
            UPDATE {table} l SET {ASSIGNED}
            FROM (
                SELECT k.ctid AS place, {", ".join(f"n.{each}" for each in COLUMNS)}
                FROM before o JOIN after n USING (id) JOIN {table} k ON k.book_id = n.id
                WHERE {DIFFERS}
                ORDER BY k.ctid
            ) n
            WHERE l.ctid = n.place;"""


def rekey_sql(body: str) -> str:
    return f"""
    CREATE OR REPLACE FUNCTION book_rekey() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF listings_deferred() THEN
            RETURN NULL;
        END IF;
        {body}
        RETURN NULL;
    END $$
    """


LISTINGS = ("author_listing", "category_listing")
PLAIN = "".join(map(update_sql, LISTINGS))

UP = (
    "SET LOCAL lock_timeout = '5s'",
    """
    CREATE FUNCTION listings_locked() RETURNS boolean
    LANGUAGE sql STABLE
    RETURN coalesce(current_setting('bookstore.listings_locked', true), '') = 'on'
    """,
    rekey_sql(f"""
        IF listings_locked() THEN
            {"".join(map(ordered_update_sql, LISTINGS))}
        ELSE
            {PLAIN}
        END IF;
    """),
)

DOWN = ("SET LOCAL lock_timeout = '5s'", rekey_sql(PLAIN), "DROP FUNCTION listings_locked")


def upgrade() -> None:
    for statement in UP:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.get_bind().exec_driver_sql(statement)
