"""Authors and categories are listed by number of books and by number of ratings.

A category has the number of ratings of its books, which triggers keep as they keep that of an author: the sum only
sorts, so a writer skips a category that another one has locked.
"""

from alembic import op

revision = "0022"
down_revision = "0021"


def count_categories_sql(event: str, *, ratings: bool) -> str:
    """Return the function that counts the books of categories, and their ratings, after an event on their listing."""
    name, sign, changed = {"INSERT": ("added", 1, "after"), "DELETE": ("removed", -1, "before")}[event]
    columns, deltas, differs = "book_count direct_book_count", "d.books, d.direct_books", "(0, 0)"
    sums = f"sum({sign}) AS books, coalesce(sum({sign}) FILTER (WHERE direct), 0) AS direct_books"
    if ratings:
        columns, deltas, differs = f"{columns} rating_count", f"{deltas}, d.ratings", "(0, 0, 0)"
        sums += f", {sign} * sum(rating_count) AS ratings"
    assigned = ", ".join(
        f"{column} = k.{column} + {delta}"
        for column, delta in zip(columns.split(), deltas.split(", "), strict=True)
    )
    return f"""
    CREATE OR REPLACE FUNCTION category_count_{name}() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        UPDATE category k SET {assigned}
        FROM (
            SELECT c.id, {deltas}
            FROM (SELECT category_id, {sums} FROM {changed} GROUP BY category_id) d
            JOIN category c ON c.id = d.category_id
            WHERE ({deltas}) <> {differs}
            ORDER BY c.id FOR NO KEY UPDATE OF c
        ) d
        WHERE k.id = d.id;
        RETURN NULL;
    END $$
    """


UP = (
    "SET LOCAL lock_timeout = '5s'",
    "ALTER TABLE category ADD COLUMN rating_count bigint NOT NULL DEFAULT 0",
    count_categories_sql("INSERT", ratings=True),
    count_categories_sql("DELETE", ratings=True),
    """
    CREATE FUNCTION category_count_ratings() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        UPDATE category k SET rating_count = k.rating_count + d.ratings
        FROM (
            SELECT c.id, d.ratings
            FROM (
                SELECT n.category_id, sum(n.rating_count - o.rating_count) AS ratings
                FROM before o JOIN after n USING (category_id, book_id) GROUP BY n.category_id
            ) d
            JOIN category c ON c.id = d.category_id
            WHERE d.ratings <> 0 ORDER BY c.id FOR NO KEY UPDATE OF c SKIP LOCKED
        ) d
        WHERE k.id = d.id;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER category_count_rated AFTER UPDATE ON category_listing
    REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION category_count_ratings()
    """,
    """
    UPDATE category k SET rating_count = c.ratings
    FROM (SELECT category_id, sum(rating_count) AS ratings FROM category_listing GROUP BY category_id) c
    WHERE k.id = c.category_id AND c.ratings <> 0
    """,
    "CREATE INDEX author_rated_idx ON author (rating_count, id)",
    "CREATE INDEX category_book_count_idx ON category (book_count, id)",
    "CREATE INDEX category_rating_count_idx ON category (rating_count, id)",
    "CREATE INDEX category_root_book_count_idx ON category (book_count, id) WHERE parent_id IS NULL",
    "CREATE INDEX category_root_rating_count_idx ON category (rating_count, id) WHERE parent_id IS NULL",
)

DOWN = (
    "SET LOCAL lock_timeout = '5s'",
    "DROP INDEX category_root_rating_count_idx, category_root_book_count_idx, category_rating_count_idx,"
    " category_book_count_idx, author_rated_idx",
    "DROP TRIGGER category_count_rated ON category_listing",
    "DROP FUNCTION category_count_ratings",
    count_categories_sql("INSERT", ratings=False),
    count_categories_sql("DELETE", ratings=False),
    "ALTER TABLE category DROP COLUMN rating_count",
)


def upgrade() -> None:
    for statement in UP:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.get_bind().exec_driver_sql(statement)
