"""Times, trending books and counters by code that disagree with the books and their views."""

from db.statements import ReadStatement
from db.trends import TRENDING_DAYS

ADDITIONS = ReadStatement(
    "book_additions",
    """
SELECT format('books from id %s: %s', first_id, fault) AS example, count(*) OVER () AS wrong
FROM (
    SELECT first_id,
           CASE WHEN added_at < lag(added_at) OVER (ORDER BY first_id)
                THEN 'added before the books in front' END AS fault
    FROM book_addition
    UNION ALL
    SELECT min(b.id), 'without a time' FROM book b
    WHERE b.id < (SELECT coalesce(min(first_id), 9223372036854775807) FROM book_addition)
    HAVING count(*) > 0
) AS faults
WHERE fault IS NOT NULL
ORDER BY first_id LIMIT 5
""",
)

TREND_BOOKS = ReadStatement(
    "orphan_trends",
    """
SELECT format('book %s', t.book_id) AS example, count(*) OVER () AS wrong
FROM book_trend t LEFT JOIN book b ON b.id = t.book_id
WHERE b.id IS NULL
ORDER BY t.book_id LIMIT 5
""",
)

TREND_VIEWS = ReadStatement(
    "trend_views",
    f"""
SELECT format('book %s: %s instead of %s', t.book_id, t.views, coalesce(c.views, 0)) AS example,
       count(*) OVER () AS wrong
FROM book_trend t
LEFT JOIN (
    SELECT k.book_id, sum(v.views) AS views
    FROM book_trend k
    JOIN book_view v ON v.book_id = k.book_id
                    AND v.viewed_on > k.counted_on - {TRENDING_DAYS} AND v.viewed_on <= k.counted_on
    GROUP BY k.book_id
) c ON c.book_id = t.book_id
WHERE t.views <> least(coalesce(c.views, 0), 2147483647)
ORDER BY t.book_id LIMIT 5
""",
)

CODE_COUNTS = ReadStatement(
    "code_counts",
    """
SELECT format('%s %s: %s instead of %s', kind, code, coalesce(c.books, 0), coalesce(held.books, 0))
           AS example,
       count(*) OVER () AS wrong
FROM catalog_code c
FULL JOIN (
    SELECT k.kind, k.code, count(*) AS books
    FROM book b
    CROSS JOIN LATERAL (VALUES ('currency', b.currency), ('language', b.language)) AS k (kind, code)
    WHERE b.is_published AND k.code IS NOT NULL
    GROUP BY k.kind, k.code
) held USING (kind, code)
WHERE coalesce(c.books, 0) <> coalesce(held.books, 0)
ORDER BY kind, code LIMIT 5
""",
)
