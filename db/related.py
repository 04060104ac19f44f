"""Related books: for each book, popular others of its authors and categories."""

from collections.abc import Sequence

from db.books import COLUMNS, Book
from db.database import Database
from db.records import Columns, group_by_key
from db.statements import StatementTemplate
from db.work_titles import first_word_sql, full_title_sql, work_title_sql
from db.works import first_author_sql

MAX_RELATED = 20
"""Maximum number of related books of a book."""

_MAX_AUTHORS = 3
_MAX_CATEGORIES = 5
"""Maximum number of a book's authors and categories whose books are compared."""

_LIST_SIZE = 24
"""Number of the most popular books that are read per author and per category."""

_MAX_COMPARED = 2 * MAX_RELATED
"""Number of the best candidates of which one edition per work is kept."""

_AUTHOR_POINTS = 3
_CATEGORY_POINTS = 2
_LANGUAGE_POINTS = 1
"""Points for an author, a category and the language that a candidate shares with the book."""


def _popular_sql(listing: str, condition: str) -> str:
    """Return the SQL of the most popular books of a list."""
    return (
        f"SELECT l.book_id AS id, l.rating_count, l.language FROM {listing} AS l WHERE {condition}"
        f" ORDER BY l.rating_count DESC, l.book_id DESC LIMIT {_LIST_SIZE}"
    )


_BEST_FIRST = "ORDER BY c.points DESC NULLS FIRST, c.rating_count DESC, c.id DESC"

_RELATED_BOOKS = StatementTemplate(
    "related_books_by_book_ids",
    f"""
SELECT {{columns}}, parent.id AS related_to
FROM unnest($1::bigint[]) AS parent (id)
JOIN book AS b ON b.id = parent.id
CROSS JOIN LATERAL (
    WITH shared_author AS MATERIALIZED (
        SELECT ba.author_id FROM book_author AS ba WHERE ba.book_id = b.id AND ba.role IN ('AUTHOR', 'EDITOR')
        ORDER BY ba.position LIMIT {_MAX_AUTHORS}
    ),
    shared_category AS MATERIALIZED (
        SELECT bc.category_id FROM book_category AS bc WHERE bc.book_id = b.id
        ORDER BY bc.category_id LIMIT {_MAX_CATEGORIES}
    ),
    candidate AS (
        SELECT l.* FROM shared_author AS a CROSS JOIN LATERAL (
            {_popular_sql("author_listing", "l.author_id = a.author_id")}
        ) AS l
        UNION
        SELECT l.* FROM shared_category AS c CROSS JOIN LATERAL (
            {_popular_sql("category_listing", "l.category_id = c.category_id AND l.direct")}
        ) AS l
    ),
    compared AS MATERIALIZED (
        SELECT c.id, c.rating_count,
            {_AUTHOR_POINTS} * (
                SELECT count(DISTINCT ba.author_id) FROM book_author AS ba
                WHERE ba.book_id = c.id AND ba.author_id IN (SELECT author_id FROM shared_author)
            ) + {_CATEGORY_POINTS} * (
                SELECT count(*) FROM book_category AS bc
                WHERE bc.book_id = c.id AND bc.category_id IN (SELECT category_id FROM shared_category)
            ) + CASE WHEN c.language = b.language THEN {_LANGUAGE_POINTS} ELSE 0 END AS points
        FROM candidate AS c WHERE c.id <> b.id
        ORDER BY points DESC, c.rating_count DESC, c.id DESC LIMIT {_MAX_COMPARED}
    ),
    begun AS MATERIALIZED (
        SELECT c.*, coalesce(e.source || ' ' || e.work_key, e.id::text) AS work,
               {full_title_sql("e")} AS full_title,
               concat({first_word_sql("e.title_key")}, ' ', coalesce((
                   SELECT n.sort_key FROM author AS n WHERE n.id = ({first_author_sql("e.id")})
               ), e.id::text)) AS start
        FROM (SELECT * FROM compared UNION ALL SELECT b.id, NULL, NULL) AS c JOIN book AS e ON e.id = c.id
    ),
    edition AS (
        SELECT c.*, CASE WHEN count(*) OVER (PARTITION BY c.start) = 1 THEN ''
                         ELSE {work_title_sql("c.full_title")} END AS title
        FROM begun AS c
    ),
    best AS (
        SELECT c.*, row_number() OVER (PARTITION BY c.start, c.title {_BEST_FIRST}) AS by_title,
               row_number() OVER (PARTITION BY c.work {_BEST_FIRST}) AS by_key
        FROM edition AS c
    )
    SELECT id, points, rating_count FROM best WHERE by_title = 1 AND by_key = 1 AND points IS NOT NULL
    ORDER BY points DESC, rating_count DESC, id DESC LIMIT $2::integer
) AS related
JOIN book AS t ON t.id = related.id
ORDER BY parent.id, related.points DESC, related.rating_count DESC, related.id DESC
""",
)


async def related_books_by_book_ids(
    database: Database, size: int, book_ids: Sequence[int], *, columns: Columns[Book] = COLUMNS
) -> list[list[Book]]:
    """Return at most `size` related books of each book: never an edition of it, and one edition per work.

    Candidates are the most popular books of its first authors or editors and of its categories. They are
    sorted by points for a shared author, category and language, then by their number of ratings.
    """
    rows = await database.fetch(
        columns.render(_RELATED_BOOKS), book_ids, size, record_class=columns.record_class
    )
    return group_by_key(book_ids, rows, "related_to")
