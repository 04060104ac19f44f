"""Works and their editions: their records, and every read of them.

No row is a work. Published books are editions of one work if their source gives them the same key of a
work, or if their titles agree as db.work_titles says and the names of their first authors are equal. Of books
with a key, the first one is compared. So each writer changes the work of a book, by its title or its authors.
A book alone is the only edition of its work.
"""

from collections.abc import Sequence

from db.books import COLUMNS, Book
from db.database import Database
from db.keyset import Order, Page, PageRequest, Scope, fetch_pages
from db.records import CatalogRecord, Columns, align_to_keys
from db.statements import ReadStatement
from db.work_titles import first_word_sql, full_title_sql, main_title_sql, title_words_sql, work_title_sql

MAX_EDITIONS = 500
"""Maximum number of editions of a work, in addition to the book from which they are searched."""

_COLLECTIVE_AUTHORS = "ARRAY['various', 'various authors', 'unknown', 'unknown author']"
"""Sort keys of names that are nobody's. Books of these with one title are often issues of a periodical."""


class Work(CatalogRecord):
    """A work: `id` is that of its first edition, `book_id` that of the most popular one, which has the title.

    `edition_count` is the number of published editions. It is 0 for the work of an unpublished book alone.
    """

    __slots__ = ()

    type_name = "Work"

    id: int
    book_id: int
    title: str
    edition_count: int


def first_author_sql(book_id: str) -> str:
    """Return the SQL of a book's first author, or else its first editor, or else its first contributor."""
    return (
        f"SELECT ba.author_id FROM book_author AS ba WHERE ba.book_id = {book_id}"
        " ORDER BY ba.role <> 'AUTHOR', ba.role <> 'EDITOR', ba.position LIMIT 1"
    )


_SAME_KEY = "o.source = {0}.source AND o.work_key = {0}.work_key AND o.is_published"

_EDITIONS = f"""
    WITH a AS MATERIALIZED (
        SELECT b.id, b.source, b.work_key, {full_title_sql("b")} AS full_title,
               {first_word_sql("b.title_key")} AS first_word, {main_title_sql("b.title_key")} AS main_title,
               (SELECT n.sort_key FROM author AS n WHERE n.id = ({first_author_sql("b.id")})) AS author
        FROM book AS b
        WHERE b.id = coalesce((
            SELECT min(o.id) FROM book AS p JOIN book AS o ON {_SAME_KEY.format("p")} WHERE p.id = parent.id
        ), parent.id)
    ),
    agreed AS MATERIALIZED (SELECT {work_title_sql("a.full_title")} AS title FROM a),
    named AS MATERIALIZED (
        SELECT a.*, n.id AS author_id FROM a JOIN author AS n ON n.sort_key = a.author
        WHERE a.author <> ALL ({_COLLECTIVE_AUTHORS})
    ),
    found AS MATERIALIZED (
        SELECT l.book_id, l.author_id
        FROM named AS a JOIN author_listing AS l ON l.author_id = a.author_id
            AND l.title_key >= a.first_word AND l.title_key < a.first_word || chr(1114111)
        WHERE l.book_id <> a.id AND starts_with({title_words_sql("l.title_key")}, a.main_title)
    ),
    titled AS MATERIALIZED (
        SELECT a.id, a.source, a.work_key FROM a
        UNION ALL (
            SELECT b.id, b.source, b.work_key FROM found AS f JOIN book AS b ON b.id = f.book_id CROSS JOIN a
            WHERE f.author_id = ({first_author_sql("b.id")})
              AND CASE WHEN {full_title_sql("b")} = a.full_title THEN true
                       ELSE {work_title_sql(full_title_sql("b"))} = (SELECT title FROM agreed) END
            ORDER BY b.id LIMIT {MAX_EDITIONS}
        )
    ),
    keyed AS MATERIALIZED (
        SELECT DISTINCT ON (t.source) t.id, t.source, t.work_key FROM titled AS t
        WHERE t.work_key IS NOT NULL
          AND NOT EXISTS (SELECT FROM book AS o WHERE {_SAME_KEY.format("t")} AND o.id < t.id)
        ORDER BY t.source, t.id
    ),
    joined AS (SELECT FROM a WHERE a.work_key IS NULL OR a.id IN (SELECT id FROM keyed))
    SELECT e.id FROM (
        SELECT t.id FROM titled AS t CROSS JOIN joined WHERE t.work_key IS NULL
        UNION SELECT o.id FROM keyed AS t CROSS JOIN joined JOIN book AS o ON {_SAME_KEY.format("t")}
        UNION SELECT o.id FROM a JOIN book AS o ON {_SAME_KEY.format("a")}
    ) AS e
    WHERE e.id <> parent.id ORDER BY e.id LIMIT {MAX_EDITIONS}"""
"""The other editions of the work of the book `parent.id`: all are published.

`a` is the first book with the key of the work, or else the book itself; `titled` are the books whose titles
and authors agree with it. Of each source the first one with a key joins its books, `keyed`; a later one is
another work, as the source says.
"""

_WITH_BOOK = f"SELECT b.id FROM book AS b WHERE b.id = parent.id AND b.is_published UNION ALL ({_EDITIONS})"
"""All editions of the work of the book `parent.id`."""


def _listing_sql(ids: str) -> str:
    """Return the SQL of a listing of the books with the ids.

    OFFSET 0 makes the planner look up each book, and not scan all books in the order of the page.
    """
    return (
        "(SELECT b.id AS book_id, b.title_key, b.published_key, b.price, b.rating_average, b.rating_count,"
        f" b.language, b.currency FROM ({ids}) AS e"
        " CROSS JOIN LATERAL (SELECT * FROM book WHERE book.id = e.id OFFSET 0) AS b)"
    )


OTHER_EDITIONS = Scope("other_editions_by_book_ids", _listing_sql(_EDITIONS), "book_id", ("true",), "book")
EDITIONS = Scope("editions_by_work_ids", _listing_sql(_WITH_BOOK), "book_id", ("true",), "book")
"""The editions of a work, whose id is that of any of its books."""

_WORKS_BY_BOOK_IDS = ReadStatement(
    "works_by_book_ids",
    f"""
SELECT parent.id AS key, w.id, t.id AS book_id, t.title, w.edition_count,
       (SELECT b.is_published FROM book AS b WHERE b.id = parent.id) AS is_public
FROM unnest($1::bigint[]) AS parent (id)
CROSS JOIN LATERAL (
    SELECT coalesce(min(b.id), parent.id) AS id, count(*)::integer AS edition_count,
           coalesce((array_agg(b.id ORDER BY b.rating_count DESC, b.id))[1], parent.id) AS book_id
    FROM ({_WITH_BOOK}) AS e JOIN book AS b ON b.id = e.id
) AS w
JOIN book AS t ON t.id = w.book_id
""",
)


async def works_by_book_ids(database: Database, book_ids: Sequence[int]) -> list[Work | None]:
    """Return the work of each book, also of an unpublished one; None for an unknown book."""
    works = await database.fetch(_WORKS_BY_BOOK_IDS, book_ids, record_class=Work)
    return align_to_keys(book_ids, {work["key"]: work for work in works})


async def works_by_ids(
    database: Database, ids: Sequence[int], *, unpublished: bool = False
) -> list[Work | None]:
    """Return the work of each id, also of the id of a later edition, or None.

    The id of an unpublished book is found with `unpublished` only: it would show that the book exists.
    """
    works = await works_by_book_ids(database, ids)
    return [work if work and (work["is_public"] or unpublished) else None for work in works]


_COUNTS_OF_OTHER_EDITIONS = ReadStatement(
    "counts_of_other_editions_by_book_ids",
    f"""
SELECT parent.id AS key, (SELECT count(*) FROM ({_EDITIONS}) AS e) AS count
FROM unnest($1::bigint[]) AS parent (id)
""",
)


async def counts_of_other_editions_by_book_ids(database: Database, book_ids: Sequence[int]) -> list[int]:
    """Return the number of the other editions of each book's work."""
    rows = await database.fetch(_COUNTS_OF_OTHER_EDITIONS, book_ids)
    counts = {row["key"]: row["count"] for row in rows}
    return [counts[book_id] for book_id in book_ids]


async def pages_of_editions(
    database: Database,
    scope: Scope,
    order: Order,
    page_request: PageRequest,
    ids: Sequence[int],
    *,
    columns: Columns[Book] = COLUMNS,
) -> list[Page[Book]]:
    """Return the same page of the editions of each book or work; `scope` is OTHER_EDITIONS or EDITIONS."""
    return await fetch_pages(database, scope, order, page_request, ids, columns)
