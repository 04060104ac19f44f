"""Books of a source that its feed no longer has: list them in a file, and delete or unpublish them if told.

An unpublished book stays as it is. So does a published one whose publishing was edited by hand.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from db.errors import CatalogImportError
from db.importing.options import ImportOptions
from db.importing.plan import MAX_EXAMPLES, BookCounts, Example, fetch_examples
from db.importing.publishing import IS_EDITED, IS_PUBLISHED
from db.importing.replaced_file import ReplacedFile, begins_with

_HEADINGS = ("source_id", "isbn", "title")

_MISSING_BOOKS = """
FROM book b
WHERE b.source = $1::text AND NOT EXISTS (SELECT FROM target_book t WHERE t.id = b.id)"""

_COUNT_PUBLISHED = f"""
/* count_published_missing_books */
SELECT count(*) FILTER (WHERE t.id IS NULL AND f.book_id IS NULL) AS missing,
       count(*) FILTER (WHERE t.id IS NULL AND f.book_id IS NOT NULL) AS edited, count(*) AS of_source
FROM book b
LEFT JOIN target_book t ON t.id = b.id
LEFT JOIN book_field f ON f.book_id = b.id AND f.field = '{IS_PUBLISHED}' AND f.edited_at IS NOT NULL
WHERE b.source = $1::text AND b.is_published
"""

_FIND_MISSING = f"""
/* find_missing_books */
INSERT INTO {{table}} (id)
SELECT b.id {_MISSING_BOOKS} AND {{condition}}
"""

_EXAMPLES = f"""
/* missing_book_examples */
SELECT 0 AS row, b.source || '/' || b.source_id AS key, b.title, '' AS old, '' AS new
{_MISSING_BOOKS} AND {{condition}}
ORDER BY b.id LIMIT $2::integer
"""

_LIST_MISSING = """
/* list_missing_books */
SELECT b.source_id, b.isbn, b.title FROM {table} m JOIN book b USING (id) ORDER BY b.id
"""

_UNLINK_MISSING = (
    """
    /* unlink_authors_of_missing_books */
    INSERT INTO gone_book_author (book_id, position, author_id)
    SELECT ba.book_id, ba.position, ba.author_id FROM missing_book m JOIN book_author ba ON ba.book_id = m.id
    """,
    """
    /* unlink_categories_of_missing_books */
    INSERT INTO gone_book_category (book_id, category_id)
    SELECT bc.book_id, bc.category_id FROM missing_book m JOIN book_category bc ON bc.book_id = m.id
    """,
)


@dataclass(frozen=True, slots=True)
class MissingBooks:
    """How many of the books that the feed lacks are deleted or unpublished, and the first of all that are listed.

    `edited` books would be unpublished if they were not published by hand. `of_source` is the number of books
    of the source, for unpublishing only its published books. The limit is a share of it.
    """

    of_source: int
    deleted: int = 0
    unpublished: int = 0
    edited: int = 0
    examples: tuple[Example, ...] = ()


async def count_missing_books(
    connection: asyncpg.Connection, source: str, counts: BookCounts, options: ImportOptions
) -> MissingBooks:
    """Return what the import does with the books of the source that the feed lacks."""
    if not counts.missing_from_feed:
        return MissingBooks(counts.of_source)
    statement = _EXAMPLES.format(condition=_listed_condition(options))
    examples = await fetch_examples(connection, statement, source, MAX_EXAMPLES)
    if options.missing == "delete":
        return MissingBooks(counts.of_source, deleted=counts.missing_from_feed, examples=examples)
    if options.missing == "keep":
        return MissingBooks(counts.of_source, examples=examples)
    missing, edited, of_source = await connection.fetchrow(_COUNT_PUBLISHED, source) or (0, 0, 0)
    if options.overwrite_edits:
        return MissingBooks(of_source, unpublished=missing + edited, examples=examples)
    return MissingBooks(of_source, unpublished=missing, edited=edited, examples=examples)


def _listed_condition(options: ImportOptions) -> str:
    """Return the condition that the import lists a missing book `b`: as kept, deleted or unpublished."""
    if options.missing != "unpublish":
        return "true"
    return "b.is_published" if options.overwrite_edits else f"b.is_published AND NOT {IS_EDITED}"


def check_missing_limit(source: str, missing: MissingBooks, options: ImportOptions) -> None:
    """Raise CatalogImportError if more of the source's books go than the limit allows."""
    books, of_source = missing.deleted + missing.unpublished, missing.of_source
    if books * 100 > of_source * options.missing_limit:
        kind, done = ("books", "deleted") if missing.deleted else ("published books", "unpublished")
        raise CatalogImportError(
            f"{books:,} of the {of_source:,} {kind} of {source} are not in this import "
            f"({100 * books / of_source:.1f}%), and at most {options.missing_limit:g}% may be {done}. "
            "Nothing was written; see that the file is complete, or raise --missing-limit."
        )


async def find_missing_books(connection: asyncpg.Connection, source: str, options: ImportOptions) -> None:
    """Find the books that are deleted or unpublished, and mark them for the merge."""
    table = _table_of_missing(options)
    await connection.execute(_FIND_MISSING.format(table=table, condition=_listed_condition(options)), source)
    await connection.execute(f"ANALYZE {table}")
    await unlink_missing_books(connection)


def _table_of_missing(options: ImportOptions) -> str:
    return "missing_book" if options.missing == "delete" else "unpublished_book"


async def list_missing_books(connection: asyncpg.Connection, path: Path, options: ImportOptions) -> None:
    """Write the books that are deleted or unpublished to `path`. The file is complete on disk when this returns.

    Raise CatalogImportError if it cannot be written.
    """
    _require_list_or_nothing(path)
    try:
        await _write_list(connection, _table_of_missing(options), path)
    except OSError as error:
        raise CatalogImportError(
            f"The list of missing books {path} cannot be written: {error.strerror}. Nothing was imported; "
            "choose another path with --missing-file."
        ) from error


async def unlink_missing_books(connection: asyncpg.Connection) -> None:
    """Mark the links of the books to delete for deletion by the merge."""
    await connection.execute("ANALYZE missing_book")
    for statement in _UNLINK_MISSING:
        await connection.execute(statement)


def _require_list_or_nothing(path: Path) -> None:
    """Raise CatalogImportError if the file exists and no import wrote it."""
    if path.exists() and not begins_with(path, _HEADINGS):
        raise CatalogImportError(
            f"{path} exists and is not a list of missing books: choose another path with --missing-file."
        )


async def _write_list(connection: asyncpg.Connection, table: str, path: Path) -> None:
    listed = ReplacedFile(path)
    try:
        writer = csv.writer(listed.file)
        writer.writerow(_HEADINGS)
        async for row in connection.cursor(_LIST_MISSING.format(table=table)):
            writer.writerow(tuple(row))
        listed.finish()
    finally:
        listed.close()
