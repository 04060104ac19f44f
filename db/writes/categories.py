"""Categories: add, rename, move and delete. Old paths go on being found."""

from db.constraints import MAX_NAME_LENGTH
from db.importing.field_parsers import FieldError
from db.importing.field_parsers.texts import parse_literal_line
from db.statements import WriteStatement
from db.writes.book_keys import conflict
from db.writes.faults import FaultCode, FaultPath, WriteRejectedError, reject
from db.writes.references import Reference, find_references
from db.writes.session import LOCK_COUNTERS, WriteTransaction

MAX_REWRITTEN_BOOKS = 2_000
"""Maximum number of books below a category that a request renames or moves: half a millisecond for each."""

_INSERT_CATEGORY = WriteStatement(
    "insert_category",
    """
WITH added AS (INSERT INTO category (name, parent_id) VALUES ($1::text, $2::bigint) RETURNING id, path),
     forgotten AS (DELETE FROM category_redirect WHERE path IN (SELECT path FROM added))
SELECT id FROM added
""",
)

_LOCK_CATEGORY = WriteStatement(
    "lock_category",
    """
SELECT version FROM category WHERE id = $1::bigint FOR UPDATE
""",
)

# The books of a subtree are locked by id before its listings change.
_LOCK_BOOKS_OF_CATEGORY = WriteStatement(
    "lock_books_of_category",
    """
SELECT FROM book WHERE id IN (
    SELECT l.book_id FROM category AS c JOIN book_category AS l ON l.category_id = c.id
    WHERE $1::bigint = ANY (c.lineage)
) ORDER BY id FOR NO KEY UPDATE
""",
)

_COUNT_BOOKS = WriteStatement(
    "count_books_of_category",
    """
SELECT coalesce(sum(book_count), 0) AS books FROM category WHERE id = $1::bigint
""",
)

_PATHS_OF_SUBTREE = WriteStatement(
    "paths_of_subtree",
    """
SELECT id, path FROM category WHERE $1::bigint = ANY (lineage) ORDER BY id
""",
)

_RENAME_CATEGORY = WriteStatement(
    "rename_category",
    """
UPDATE category SET name = $2::text WHERE id = $1::bigint
""",
)

_MOVE_CATEGORY = WriteStatement(
    "move_category",
    """
UPDATE category SET parent_id = $2::bigint WHERE id = $1::bigint
""",
)

# A path that a category has now is no redirect any more.
_REDIRECT_PATHS = WriteStatement(
    "redirect_paths",
    """
WITH forgotten AS (
    DELETE FROM category_redirect AS r USING category AS c
    WHERE r.path = c.path AND c.id = ANY ($1::bigint[])
)
INSERT INTO category_redirect (path, category_id)
SELECT u.path, u.id FROM unnest($1::bigint[], $2::text[]) AS u (id, path)
JOIN category AS c ON c.id = u.id WHERE c.path <> u.path
ORDER BY u.path
ON CONFLICT (path) DO UPDATE SET category_id = excluded.category_id
""",
)

_COUNT_USES = WriteStatement(
    "count_uses",
    """
SELECT (SELECT count(*) FROM category WHERE parent_id = $1::bigint) AS children,
       (SELECT count(*) FROM book_category WHERE category_id = $1::bigint) AS books
""",
)

_DELETE_CATEGORY = WriteStatement(
    "delete_category",
    """
DELETE FROM category WHERE id = $1::bigint
""",
)


async def create_category(transaction: WriteTransaction, name: str, parent: Reference | None) -> int:
    """Add a category, and return its id. Without a parent it is a root."""
    parsed = _parse_name(name, ("input", "name"))
    await transaction.fetch(LOCK_COUNTERS)
    parent_id = (await find_references(transaction, "category", [parent]))[0] if parent else None
    return (await transaction.fetch(_INSERT_CATEGORY, parsed, parent_id))[0]["id"]


async def rename_category(
    transaction: WriteTransaction, reference: Reference, name: str, expected_version: int | None
) -> int:
    """Set the name of a category, and so the paths of its subtree. Return its id."""
    parsed = _parse_name(name, ("input", "name"))
    category_id = await _lock_subtree(transaction, reference, expected_version)
    await _change_paths(transaction, _RENAME_CATEGORY, category_id, parsed)
    return category_id


async def move_category(
    transaction: WriteTransaction,
    reference: Reference,
    parent: Reference | None,
    expected_version: int | None,
) -> int:
    """Put a category under another one, or at the root. Return its id."""
    parent_id = (await find_references(transaction, "category", [parent]))[0] if parent else None
    category_id = await _lock_subtree(transaction, reference, expected_version)
    await _change_paths(transaction, _MOVE_CATEGORY, category_id, parent_id)
    return category_id


async def delete_category(
    transaction: WriteTransaction, reference: Reference, expected_version: int | None
) -> int:
    """Delete a category without books and subcategories. Return its id."""
    category_id = await _find_category(transaction, reference)
    await _lock_category(transaction, category_id, reference, expected_version)
    children, books = (await transaction.fetch(_COUNT_USES, category_id))[0]
    if children or books:
        message = f"Books in this category: {books:,}; categories below it: {children:,}. Move them first."
        raise reject(reference.path, FaultCode.IN_USE, message)
    await transaction.fetch(_DELETE_CATEGORY, category_id)
    return category_id


async def _change_paths(
    transaction: WriteTransaction, statement: WriteStatement, category_id: int, value: object
) -> None:
    before = await transaction.fetch(_PATHS_OF_SUBTREE, category_id)
    await transaction.fetch(statement, category_id, value)
    await transaction.fetch(_REDIRECT_PATHS, [row["id"] for row in before], [row["path"] for row in before])


async def _find_category(transaction: WriteTransaction, reference: Reference) -> int:
    await transaction.fetch(LOCK_COUNTERS)
    return (await find_references(transaction, "category", [reference]))[0]


async def _lock_subtree(
    transaction: WriteTransaction, reference: Reference, expected_version: int | None
) -> int:
    category_id = await _find_category(transaction, reference)
    books = (await transaction.fetch(_COUNT_BOOKS, category_id))[0]["books"]
    if books > MAX_REWRITTEN_BOOKS:
        message = (
            f"{books:,} books are in this category and below, and a request rewrites at most"
            f" {MAX_REWRITTEN_BOOKS:,}: each is searched by the names of its categories. Rename or move it by"
            " SQL, in the table category, which takes as long as it needs."
        )
        raise reject(reference.path, FaultCode.TOO_LARGE, message)
    await transaction.fetch(_LOCK_BOOKS_OF_CATEGORY, category_id)
    return await _lock_category(transaction, category_id, reference, expected_version)


async def _lock_category(
    transaction: WriteTransaction, category_id: int, reference: Reference, expected_version: int | None
) -> int:
    rows = await transaction.fetch(_LOCK_CATEGORY, category_id)
    if not rows:
        raise reject(reference.path, FaultCode.NOT_FOUND, "The category was deleted meanwhile.")
    if expected_version not in (None, rows[0]["version"]):
        fault = conflict(("expected_version",), expected_version, rows[0]["version"])
        raise WriteRejectedError([fault], current_id=category_id)
    return category_id


def _parse_name(name: str, path: FaultPath) -> str:
    try:
        parsed = parse_literal_line("name", name, MAX_NAME_LENGTH)
    except FieldError as error:
        raise reject(path, FaultCode.INVALID, f"name is {error.value[:60]!r}: {error.reason}.") from error
    if not parsed:
        raise reject(path, FaultCode.INVALID, "The name is blank: give a name.")
    return parsed
