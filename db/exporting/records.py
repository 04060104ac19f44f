"""Read the books of a source as the records that an import of them makes."""

from collections.abc import AsyncGenerator, Mapping

import asyncpg

from db.book_columns import BOOK_COLUMNS
from db.importing.records import AuthorRecord, BookRecord

_BATCH_ROWS = 2_000
"""Number of books that are fetched at once."""

_SOURCES = """
/* exported_sources */
SELECT source, count(*) FILTER (WHERE is_published) AS books FROM book GROUP BY source ORDER BY source
"""

# Names are exported as the books write them, so that an import of the file changes nothing.
_CATEGORIES = """
/* exported_categories */
SELECT k.id, k.parent_id, coalesce(s.names[cardinality(k.lineage)], k.name)
FROM category k LEFT JOIN category_spelling s ON s.category_id = k.id AND s.number = 0
ORDER BY cardinality(k.lineage), k.id
"""

_CATEGORY_SPELLINGS = """
/* exported_category_spellings */
SELECT category_id, number, names FROM category_spelling ORDER BY category_id, number
"""

# An author without a key of its own has the source "name".
_BOOKS = f"""
/* exported_books */
SELECT b.source_id, {", ".join(f"b.{column.name}" for column in BOOK_COLUMNS)},
       ARRAY(
           SELECT ROW(coalesce(s.name, a.name), ba.role, CASE WHEN a.source <> 'name' THEN a.source_id END,
                      coalesce(s.sort_name, a.sort_name), a.birth_year, a.death_year)
           FROM book_author ba
           JOIN author a ON a.id = ba.author_id
           LEFT JOIN author_spelling s ON s.author_id = a.id AND s.number = coalesce(ba.spelling, 0)
           WHERE ba.book_id = b.id ORDER BY ba.position
       ) AS authors,
       ARRAY(
           SELECT ROW(bc.category_id, coalesce(bc.spelling, 0))
           FROM book_category bc JOIN category k ON k.id = bc.category_id
           WHERE bc.book_id = b.id ORDER BY k.path
       ) AS categories
FROM book b WHERE b.source = $1::text AND b.is_published ORDER BY b.id
"""

_UNPUBLISHED = """
/* unpublished_books_of_source */
SELECT count(*) FROM book WHERE source = $1::text AND NOT is_published
"""


async def read_sources(connection: asyncpg.Connection) -> dict[str, int]:
    """Return the number of published books of each source."""
    return dict([tuple(row) for row in await connection.fetch(_SOURCES)])


async def read_records(connection: asyncpg.Connection, source: str) -> AsyncGenerator[BookRecord]:
    """Yield the published books of a source in the order in which they were added. It needs a transaction."""
    paths: dict[tuple[int, int], tuple[str, ...]] = {}
    for category, parent, name in await connection.fetch(_CATEGORIES):
        paths[category, 0] = (*paths.get((parent, 0), ()), name)
    for category, spelling, names in await connection.fetch(_CATEGORY_SPELLINGS):
        paths[category, spelling] = tuple(names)
    number = 0
    async for row in connection.cursor(_BOOKS, source, prefetch=_BATCH_ROWS):
        number += 1
        yield _record(number, row, paths)


async def count_unpublished(connection: asyncpg.Connection, source: str) -> int:
    """Return the number of books of a source that are not exported: an import of them would publish them."""
    return await connection.fetchval(_UNPUBLISHED, source)


def _record(number: int, row: asyncpg.Record, paths: Mapping[tuple[int, int], tuple[str, ...]]) -> BookRecord:
    columns = {column.name: row[column.name] for column in BOOK_COLUMNS}
    columns["rating_count"] = columns["rating_count"] or None
    return BookRecord(
        row=number,
        source_id=row["source_id"],
        **columns,
        authors=tuple(AuthorRecord(*author) for author in row["authors"]),
        categories=tuple(paths[category, spelling] for category, spelling in row["categories"]),
    )
