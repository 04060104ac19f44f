"""Views for a generated catalog and for the sample, so that they have trending books."""

from datetime import UTC, date, datetime

from db.connections.connect import connect
from db.statements import WriteStatement
from db.trends import FILL_TREND, MAX_TRENDING_BOOKS, TRENDING_DAYS, TRIM_TREND

MAX_VIEWED_BOOKS = 2 * MAX_TRENDING_BOOKS
"""Maximum number of books that get views: the ones with the most ratings."""

# Two books in three are viewed on a day, those in front most often. Books that have views keep them.
_ADD_VIEWS = WriteStatement(
    "add_views",
    f"""
INSERT INTO book_view (book_id, viewed_on, views)
SELECT b.id, $1::date - d.day, 1 + $2::integer / (10 + b.place) + (b.id * 7919 + d.day * 104729) % 17
FROM (
    SELECT id, row_number() OVER (ORDER BY rating_count DESC, id DESC) AS place
    FROM book WHERE is_published ORDER BY rating_count DESC, id DESC LIMIT $2::integer
) AS b
CROSS JOIN generate_series(0, {TRENDING_DAYS - 1}) AS d (day)
WHERE (b.id * 31 + d.day * 17) % 3 > 0
ORDER BY b.id, d.day
ON CONFLICT (book_id, viewed_on) DO NOTHING
""",
)


async def seed_views(dsn: str, today: date | None = None) -> None:
    """Add views of the last TRENDING_DAYS days to the most popular books, and fill the trending books."""
    day = today or datetime.now(UTC).date()
    connection = await connect(dsn, application_name="bookstore seed")
    try:
        async with connection.transaction():
            await connection.execute_write(_ADD_VIEWS, day, MAX_VIEWED_BOOKS)
            await connection.execute_write(FILL_TREND, day, MAX_TRENDING_BOOKS)
            await connection.execute_write(TRIM_TREND, MAX_TRENDING_BOOKS)
        await connection.execute("ANALYZE book_view, book_trend")
    finally:
        await connection.close()
