"""Trending books: those viewed most in the last TRENDING_DAYS days, in a small table of the view counter.

The list of an author or a category has those of its books that are in the table. So every page, with any
filter, reads at most as many books as the table has.
"""

from dataclasses import replace

from db.books import ALL_BOOKS, BY_CATEGORY, DIRECTLY_IN_CATEGORY, AuthorScope
from db.constraints import sql_list
from db.database import Database
from db.keyset import INTEGER, PageRequest, Position, Scope, SortKey
from db.statements import ReadStatement, WriteStatement

TRENDING_DAYS = 7
"""The days of which the views count, today included."""

MAX_TRENDING_BOOKS = 5_000
"""Maximum number of trending books."""

TRENDING = SortKey("trending", "views", INTEGER, is_hidden=True)
"""The sort key of the trending books alone."""

_LIST = "(SELECT v.views, v.book_id, b.* FROM book_trend AS v JOIN book AS b ON b.id = v.book_id)"
_IN_CATEGORY = "SELECT FROM category_listing AS k WHERE k.book_id = l.book_id AND k.category_id = parent.id"
_BY_AUTHOR = "SELECT FROM author_listing AS k WHERE k.book_id = l.book_id AND k.author_id = parent.id"
_BY_AUTHOR_IN_ROLES = "SELECT FROM book_author AS k WHERE k.book_id = l.book_id AND k.author_id = parent.id"


def _trending_scope(name: str, *conditions: str) -> Scope:
    return Scope(name, _LIST, "book_id", (" AND ".join(("l.is_published", *conditions)),), "book")


TRENDING_BOOKS = _trending_scope("trending_books")
TRENDING_BY_AUTHOR = _trending_scope("trending_books_by_author_ids", f"EXISTS ({_BY_AUTHOR})")
TRENDING_IN_CATEGORY = _trending_scope("trending_books_by_category_ids", f"EXISTS ({_IN_CATEGORY})")
TRENDING_DIRECTLY_IN_CATEGORY = _trending_scope(
    "trending_books_directly_by_category_ids", f"EXISTS ({_IN_CATEGORY} AND k.direct)"
)
SCOPES = (TRENDING_BOOKS, TRENDING_BY_AUTHOR, TRENDING_IN_CATEGORY, TRENDING_DIRECTLY_IN_CATEGORY)


def trending_scope(scope: Scope) -> Scope:
    """Return the scope of the trending books of a list of books."""
    if isinstance(scope, AuthorScope):
        if scope.roles is None:
            return TRENDING_BY_AUTHOR
        has_role = f"EXISTS ({_BY_AUTHOR_IN_ROLES} AND k.role = ANY (ARRAY[{sql_list(scope.roles)}]::text[]))"
        return replace(TRENDING_BY_AUTHOR, conditions=(f"l.is_published AND {has_role}",))
    return {
        ALL_BOOKS: TRENDING_BOOKS,
        BY_CATEGORY: TRENDING_IN_CATEGORY,
        DIRECTLY_IN_CATEGORY: TRENDING_DIRECTLY_IN_CATEGORY,
    }[scope]


_POSITIONS_BY_IDS = ReadStatement(
    "trending_positions_by_ids",
    """
SELECT book_id, views
FROM book_trend
WHERE book_id = ANY ($1::bigint[])
""",
)


async def locate_positions(database: Database, page_request: PageRequest) -> PageRequest:
    """Return the page request with the present places of its books, whose cursors have no views.

    A book that is trending no more is behind all others.
    """
    ids = [position.id for position in (page_request.after, page_request.before) if position]
    if not ids:
        return page_request
    views = dict(await database.fetch(_POSITIONS_BY_IDS, ids))

    def locate(position: Position | None) -> Position | None:
        return position and Position(views.get(position.id, 0), position.id)

    return replace(page_request, after=locate(page_request.after), before=locate(page_request.before))


COUNT_VIEWS = WriteStatement(
    "count_views",
    f"""
WITH counted AS (
    INSERT INTO book_view AS v (book_id, viewed_on, views)
    SELECT pending.book_id, $3::date, pending.views
    FROM unnest($1::bigint[], $2::integer[]) AS pending (book_id, views)
    JOIN book AS b ON b.id = pending.book_id
    ORDER BY pending.book_id
    ON CONFLICT (book_id, viewed_on) DO UPDATE SET views = v.views + excluded.views
    RETURNING v.book_id, v.views
)
INSERT INTO book_trend (book_id, views, counted_on)
SELECT c.book_id, least(c.views + e.views, 2147483647)::integer, $3::date
FROM counted AS c
CROSS JOIN LATERAL (
    SELECT coalesce(sum(views), 0) AS views FROM book_view
    WHERE book_id = c.book_id AND viewed_on > $3::date - {TRENDING_DAYS} AND viewed_on < $3::date
) AS e
WHERE c.views + e.views > coalesce(
    (SELECT views FROM book_trend ORDER BY views DESC, book_id DESC OFFSET $4::integer LIMIT 1), 0
)
   OR EXISTS (SELECT FROM book_trend AS t WHERE t.book_id = c.book_id)
ORDER BY c.book_id
ON CONFLICT (book_id) DO UPDATE SET views = excluded.views, counted_on = excluded.counted_on
""",
)
"""Adds views of books to a day, and the books to the trending ones unless more than $4 have as many views."""

RECOUNT_TREND = WriteStatement(
    "recount_trend",
    f"""
WITH recounted AS (
    SELECT s.book_id, (
        SELECT least(sum(v.views), 2147483647)::integer FROM book_view AS v
        WHERE v.book_id = s.book_id AND v.viewed_on > $1::date - {TRENDING_DAYS} AND v.viewed_on <= $1::date
        HAVING count(*) > 0
    ) AS views
    FROM (
        SELECT book_id FROM book_trend WHERE counted_on < $1::date ORDER BY book_id FOR UPDATE SKIP LOCKED
    ) AS s
),
gone AS (
    DELETE FROM book_trend AS t USING recounted AS r WHERE t.book_id = r.book_id AND r.views IS NULL
)
UPDATE book_trend AS t
SET views = r.views, counted_on = $1::date
FROM recounted AS r
WHERE t.book_id = r.book_id AND r.views IS NOT NULL
""",
)
"""Counts the views of the trending books again on a new day, and drops books without views of late."""

TRIM_TREND = WriteStatement(
    "trim_trend",
    """
DELETE FROM book_trend WHERE book_id IN (
    SELECT t.book_id
    FROM book_trend AS t
    JOIN (
        SELECT views, book_id FROM book_trend ORDER BY views DESC, book_id DESC OFFSET $1::integer LIMIT 1
    ) AS first ON (t.views, t.book_id) <= (first.views, first.book_id)
    ORDER BY t.book_id
    FOR UPDATE OF t SKIP LOCKED
)
""",
)
"""Deletes the books behind the first $1 ones."""

FILL_TREND = WriteStatement(
    "fill_trend",
    f"""
INSERT INTO book_trend (book_id, views, counted_on)
SELECT book_id, least(sum(views), 2147483647), $1::date
FROM book_view
WHERE viewed_on > $1::date - {TRENDING_DAYS} AND viewed_on <= $1::date
GROUP BY book_id
ORDER BY 2 DESC, book_id DESC
LIMIT $2::integer
ON CONFLICT (book_id) DO UPDATE SET views = excluded.views, counted_on = excluded.counted_on
""",
)
"""Fills the trending books from all views of the last days, for views that no server has counted."""
