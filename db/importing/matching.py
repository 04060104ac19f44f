"""Find the book that each staged row is about, and reject rows that cannot be matched to one.

A row with a key of its own is found by (source, source id). A row without one, whose source id is its ISBN, is
found by its ISBN in any source. So is a row whose key is new, if the book with its ISBN belongs to another
source or has no key but its ISBN. The other rows are new books.

Matched rows are in `target_book`; they publish the books of their own source. An ISBN never leaves a book unless
the feed gives that book another one.
"""

import asyncpg

from db.importing.update_rules import UpdateRules

_MATCH_BY_KEY = """
/* match_by_key */
INSERT INTO target_book (ordinal, id, is_new, is_own, differs, is_published)
SELECT s.ordinal, b.id, false, true, {differs}, CASE WHEN NOT b.is_published THEN true END
FROM stage_book s JOIN book b ON b.source = $1::text AND b.source_id = s.source_id
WHERE s.source_id IS DISTINCT FROM s.isbn
"""

# A book without a key but its ISBN takes the key of the row.
_MATCH_BY_ISBN = """
/* match_by_isbn */
INSERT INTO target_book (ordinal, id, is_new, is_own, differs, new_key, is_published)
SELECT s.ordinal, b.id, false, b.source = $1::text,
       {differs} OR (b.source = $1::text AND s.source_id <> s.isbn),
       CASE WHEN b.source = $1::text AND s.source_id <> s.isbn THEN s.source_id END,
       CASE WHEN b.source = $1::text AND NOT b.is_published THEN true END
FROM stage_book s JOIN book b ON b.isbn = s.isbn
WHERE (s.source_id = s.isbn OR b.source <> $1::text OR b.source_id = b.isbn)
  AND NOT EXISTS (SELECT FROM target_book t WHERE t.ordinal = s.ordinal)
"""

_MATCH_BY_FORMER_ISBN = """
/* match_by_former_isbn */
INSERT INTO target_book (ordinal, id, is_new, is_own, differs, is_published)
SELECT s.ordinal, b.id, false, true, {differs}, CASE WHEN NOT b.is_published THEN true END
FROM stage_book s JOIN book b ON b.source = $1::text AND b.source_id = s.source_id
WHERE s.source_id = s.isbn AND NOT EXISTS (SELECT FROM target_book t WHERE t.ordinal = s.ordinal)
"""

_REJECT_REPEATED_BOOKS = """
/* reject_repeated_books */
WITH first AS (
    SELECT id, min(ordinal) AS ordinal FROM target_book GROUP BY id HAVING count(*) > 1
), gone AS (
    DELETE FROM stage_book s USING target_book t JOIN first f USING (id)
    WHERE s.ordinal = t.ordinal AND t.ordinal > f.ordinal
    RETURNING s.row, s.source_id, s.isbn, f.ordinal AS first_ordinal
)
INSERT INTO stage_reject (row, field, value, reason, first_row)
SELECT g.row, CASE WHEN g.source_id = g.isbn THEN 'isbn' ELSE 'source_id' END, g.source_id,
       'is the book that is already in', s.row
FROM gone g JOIN stage_book s ON s.ordinal = g.first_ordinal ORDER BY g.row
"""

_REJECT_TAKEN_ISBNS = """
/* reject_taken_isbns */
WITH gone AS (
    DELETE FROM stage_book s USING book y
    WHERE y.isbn = s.isbn
      AND NOT EXISTS (SELECT FROM target_book t WHERE t.ordinal = s.ordinal AND (t.id = y.id OR NOT t.differs))
      AND NOT EXISTS (
          SELECT FROM target_book t JOIN stage_book r USING (ordinal)
          WHERE t.id = y.id AND t.is_own AND ({moves_isbn})
      )
    RETURNING s.row, s.isbn, s.source_id, y.source, y.source_id AS by_id
)
INSERT INTO stage_reject (row, field, value, reason)
SELECT row, 'isbn', isbn, format(
    CASE WHEN source = $1::text
         THEN 'ISBN %s is already book %s/%s; give this row the source_id %3$s, or give that book another ISBN in this file'
         ELSE 'ISBN %s is already book %s/%s; leave the ISBN of book %4$s empty, or correct it' END,
    isbn, source, by_id, source_id)
FROM gone ORDER BY row
"""

_REJECT_MISSING_TITLES = """
/* reject_missing_titles */
WITH gone AS (
    DELETE FROM stage_book s
    WHERE s.title IS NULL AND NOT EXISTS (SELECT FROM target_book t WHERE t.ordinal = s.ordinal)
    RETURNING s.row, s.source_id, s.isbn
)
INSERT INTO stage_reject (row, field, value, reason)
SELECT row, 'title', '', format('no book has the %s %s, and a new one needs a title',
                                CASE WHEN source_id = isbn THEN 'ISBN' ELSE 'source_id' END, source_id)
FROM gone ORDER BY row
"""

_SKIP_NEW_BOOKS = """
/* skip_new_books */
WITH gone AS (
    DELETE FROM stage_book s WHERE NOT EXISTS (SELECT FROM target_book t WHERE t.ordinal = s.ordinal)
    RETURNING s.row, s.source_id
)
INSERT INTO stage_reject (row, field, value, reason, dropped)
SELECT row, 'source_id', source_id, 'no such book; --update-only adds none', 'new book' FROM gone ORDER BY row
"""

_DELETE_REJECTED_TARGETS = """
/* delete_rejected_targets */
DELETE FROM target_book t WHERE NOT EXISTS (SELECT FROM stage_book s WHERE s.ordinal = t.ordinal)
"""


async def match_books(
    connection: asyncpg.Connection, source: str, rules: UpdateRules, *, update_only: bool
) -> None:
    """Fill `target_book` with the books that exist. Reject rows that are no book, or a book of another row."""
    matched = [
        await _insert(connection, statement.format(differs=rules.differs), source)
        for statement in (_MATCH_BY_KEY, _MATCH_BY_ISBN, _MATCH_BY_FORMER_ISBN)
    ]
    await connection.execute("ANALYZE target_book")
    if sum(map(bool, matched)) > 1:
        await connection.execute(_REJECT_REPEATED_BOOKS)
    await connection.execute(_SKIP_NEW_BOOKS if update_only else _REJECT_MISSING_TITLES)
    await delete_rejected_targets(connection)


async def reject_taken_isbns(connection: asyncpg.Connection, source: str, rules: UpdateRules) -> bool:
    """Reject rows whose ISBN another book keeps. Return whether there were any.

    A rejected row moves no ISBN, so the check is repeated until it finds nothing.
    """
    moves_isbn = "r.isbn IS DISTINCT FROM y.isbn" if rules.empty_clears else "r.isbn <> y.isbn"
    found = False
    while await _insert(connection, _REJECT_TAKEN_ISBNS.format(moves_isbn=moves_isbn), source):
        await delete_rejected_targets(connection)
        found = True
    return found


async def delete_rejected_targets(connection: asyncpg.Connection) -> None:
    """Delete the matches of rows that were rejected since."""
    await connection.execute(_DELETE_REJECTED_TARGETS)


async def _insert(connection: asyncpg.Connection, statement: str, *arguments: object) -> int:
    """Execute an INSERT. Return the number of rows."""
    return int((await connection.execute(statement, *arguments)).rpartition(" ")[2])
