"""Books of a source that its feed no longer has: list them in a file, and delete them if told."""

import csv
from pathlib import Path

import asyncpg

from db.errors import CatalogImportError
from db.importing.options import ImportOptions
from db.importing.plan import BookCounts
from db.importing.replaced_file import ReplacedFile, begins_with

_HEADINGS = ("source_id", "isbn", "title")

_FIND_MISSING = """
/* find_missing_books */
INSERT INTO missing_book (id)
SELECT b.id FROM book b
WHERE b.source = $1::text AND NOT EXISTS (SELECT FROM target_book t WHERE t.id = b.id)
"""

_LIST_MISSING = """
/* list_missing_books */
SELECT b.source_id, b.isbn, b.title FROM missing_book m JOIN book b USING (id) ORDER BY b.id
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


def check_missing_limit(source: str, counts: BookCounts, options: ImportOptions) -> None:
    """Raise CatalogImportError if the import would delete more of the source's books than the limit allows."""
    missing, of_source = counts.missing_from_feed, counts.of_source
    if options.missing == "delete" and missing * 100 > of_source * options.missing_limit:
        raise CatalogImportError(
            f"{missing:,} of the {of_source:,} books of {source} are not in this import "
            f"({100 * missing / of_source:.1f}%), and at most {options.missing_limit:g}% may be deleted. "
            "Nothing was written; see that the file is complete, or raise --missing-limit."
        )


async def find_missing_books(connection: asyncpg.Connection, source: str) -> None:
    """Find the missing books of the source, and mark their links for deletion by the merge."""
    await connection.execute(_FIND_MISSING, source)
    await unlink_missing_books(connection)


async def list_missing_books(connection: asyncpg.Connection, path: Path) -> None:
    """Write the missing books to `path`. The file is complete on disk when this returns.

    Raise CatalogImportError if it cannot be written.
    """
    _require_list_or_nothing(path)
    try:
        await _write_list(connection, path)
    except OSError as error:
        raise CatalogImportError(
            f"The list of missing books {path} cannot be written: {error.strerror}. Nothing was imported; "
            "choose another path with --missing-file."
        ) from error


async def unlink_missing_books(connection: asyncpg.Connection) -> None:
    """Mark the links of the missing books for deletion by the merge."""
    await connection.execute("ANALYZE missing_book")
    for statement in _UNLINK_MISSING:
        await connection.execute(statement)


def _require_list_or_nothing(path: Path) -> None:
    """Raise CatalogImportError if the file exists and no import wrote it."""
    if path.exists() and not begins_with(path, _HEADINGS):
        raise CatalogImportError(
            f"{path} exists and is not a list of missing books: choose another path with --missing-file."
        )


async def _write_list(connection: asyncpg.Connection, path: Path) -> None:
    listed = ReplacedFile(path)
    try:
        writer = csv.writer(listed.file)
        writer.writerow(_HEADINGS)
        async for row in connection.cursor(_LIST_MISSING):
            writer.writerow(tuple(row))
        listed.finish()
    finally:
        listed.close()
