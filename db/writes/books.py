"""Books: add, change and delete one. Its authors and categories are given whole."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from db.book_columns import BOOK_COLUMNS
from db.statements import WriteStatement
from db.writes.book_keys import BookKey, lock_books
from db.writes.book_values import parse_book_values
from db.writes.faults import Fault, FaultCode, FaultPath, WriteRejectedError
from db.writes.references import Reference, find_references
from db.writes.session import LOCK_COUNTERS, WriteTransaction
from db.writes.sources import check_source, parse_new_key

API_SOURCE = "api"
"""The source of the books that are added without one."""

_COLUMNS = (*(column.name for column in BOOK_COLUMNS), "is_published")
_TYPES = {
    "is_published": "boolean",
    **{column.name: column.sql_type.removesuffix(" NOT NULL") for column in BOOK_COLUMNS},
}


@dataclass(frozen=True, slots=True)
class ContributionInput:
    """An author of a book, in a role (one of CONTRIBUTOR_ROLES)."""

    author: Reference
    role: str


@dataclass(frozen=True, slots=True)
class BookInput:
    """What is set of a book; `values` are described at parse_book_values. None of the links: they stay."""

    values: Mapping[str, Any]
    authors: Sequence[ContributionInput] | None = None
    categories: Sequence[Reference] | None = None


_INSERT_BOOK = WriteStatement(
    "insert_book",
    f"""
INSERT INTO book (source, source_id, {", ".join(_COLUMNS)})
VALUES ($1::text, $2::text, {", ".join(f"${n}::{_TYPES[name]}" for n, name in enumerate(_COLUMNS, 3))})
RETURNING id
""",
)

_UPDATE_BOOK = WriteStatement(
    "update_book",
    f"""
UPDATE book SET {
        ", ".join(
            f"{name} = CASE WHEN '{name}' = ANY ($2::text[]) THEN ${n}::{_TYPES[name]} ELSE {name} END"
            for n, name in enumerate(_COLUMNS, 3)
        )
    }
WHERE id = $1::bigint
""",
)

_DELETE_BOOK_LINKS = WriteStatement(
    "delete_book_links",
    """
WITH author_link AS (DELETE FROM book_author WHERE book_id = $1::bigint)
DELETE FROM book_category WHERE book_id = $1::bigint
""",
)

_DELETE_BOOK = WriteStatement(
    "delete_book",
    """
DELETE FROM book WHERE id = $1::bigint
""",
)

_REMOVE_AUTHORS = WriteStatement(
    "remove_book_authors",
    """
DELETE FROM book_author AS l WHERE l.book_id = $1::bigint AND NOT EXISTS (
    SELECT FROM unnest($2::bigint[], $3::text[]) WITH ORDINALITY AS u (author_id, role, position)
    WHERE (u.position, u.author_id, u.role) = (l.position, l.author_id, l.role)
)
""",
)

_ADD_AUTHORS = WriteStatement(
    "add_book_authors",
    """
INSERT INTO book_author (book_id, position, author_id, role)
SELECT $1::bigint, u.position, u.author_id, u.role
FROM unnest($2::bigint[], $3::text[]) WITH ORDINALITY AS u (author_id, role, position)
ORDER BY u.position
ON CONFLICT (book_id, position) DO NOTHING
""",
)

_REMOVE_CATEGORIES = WriteStatement(
    "remove_book_categories",
    """
DELETE FROM book_category WHERE book_id = $1::bigint AND category_id <> ALL ($2::bigint[])
""",
)

_ADD_CATEGORIES = WriteStatement(
    "add_book_categories",
    """
INSERT INTO book_category (book_id, category_id)
SELECT $1::bigint, category_id FROM unnest($2::bigint[]) AS u (category_id) ORDER BY category_id
ON CONFLICT (book_id, category_id) DO NOTHING
""",
)


async def create_book(
    transaction: WriteTransaction, book: BookInput, source: str | None = None, source_id: str | None = None
) -> int:
    """Add a book, and return its id. Without a source it is one of API_SOURCE, with a key of its own.

    Raises WriteRejectedError with all invalid values.
    """
    given = {"title": None, "stock": 0, "is_published": True, **book.values}
    columns, faults = parse_book_values(given, ("input",))
    source = API_SOURCE if source is None else source
    faults += check_source(source, ("input", "source"))
    key = columns.get("isbn") or secrets.token_hex(12)
    if source_id is not None:
        key, wrong = parse_new_key(source_id, ("input", "source_id"))
        faults += wrong
    authors, categories = await _find_links(transaction, book, faults)
    await transaction.fetch(LOCK_COUNTERS)
    columns.setdefault("rating_count", 0)
    values = [columns.get(name) for name in _COLUMNS]
    book_id: int = (await transaction.fetch(_INSERT_BOOK, source, key, *values))[0]["id"]
    if authors:
        await _set_authors(transaction, book_id, authors, adds_only=True)
    if categories:
        await transaction.fetch(_ADD_CATEGORIES, book_id, categories)
    return book_id


async def update_book(transaction: WriteTransaction, key: BookKey, book: BookInput) -> int:
    """Set some values of a book, its authors or its categories. Return its id.

    Raises WriteRejectedError with all invalid values, or if the book is unknown or has another version.
    """
    columns, faults = parse_book_values(book.values, ("input",))
    authors, categories = await _find_links(transaction, book, faults)
    if authors is not None or categories is not None or {"is_published", "series"} & columns.keys():
        await transaction.fetch(LOCK_COUNTERS)
    row = (await lock_books(transaction, [key]))[0]
    if columns:
        values = [columns.get(name) for name in _COLUMNS]
        await transaction.fetch(_UPDATE_BOOK, row["id"], list(columns), *values)
    if authors is not None:
        await _set_authors(transaction, row["id"], authors)
    if categories is not None:
        await transaction.fetch(_REMOVE_CATEGORIES, row["id"], categories)
        await transaction.fetch(_ADD_CATEGORIES, row["id"], categories)
    return row["id"]


async def delete_book(transaction: WriteTransaction, key: BookKey) -> int:
    """Delete a book with its links and views. Return its id."""
    await transaction.fetch(LOCK_COUNTERS)
    row = (await lock_books(transaction, [key]))[0]
    await transaction.fetch(_DELETE_BOOK_LINKS, row["id"])
    await transaction.fetch(_DELETE_BOOK, row["id"])
    return row["id"]


async def _find_links(
    transaction: WriteTransaction, book: BookInput, faults: list[Fault]
) -> tuple[list[tuple[int, str]] | None, list[int] | None]:
    """Return the ids of the authors with their roles, and of the categories. Raises WriteRejectedError."""
    authors: list[tuple[int, str]] | None = None
    categories: list[int] | None = None
    try:
        if book.authors is not None:
            ids = await find_references(transaction, "author", [each.author for each in book.authors])
            authors = [(id_, each.role) for id_, each in zip(ids, book.authors, strict=True)]
            faults += _find_repeated(authors, [each.author.path for each in book.authors])
    except WriteRejectedError as error:
        faults += error.faults
    try:
        if book.categories is not None:
            categories = await find_references(transaction, "category", book.categories)
    except WriteRejectedError as error:
        faults += error.faults
    if faults:
        raise WriteRejectedError(faults)
    return authors, categories


def _find_repeated(authors: Sequence[tuple[int, str]], paths: Sequence[FaultPath]) -> list[Fault]:
    return [
        Fault(path, FaultCode.DUPLICATE, "The author is given twice in this role.")
        for place, (author, path) in enumerate(zip(authors, paths, strict=True))
        if author in authors[:place]
    ]


async def _set_authors(
    transaction: WriteTransaction,
    book_id: int,
    authors: Sequence[tuple[int, str]],
    *,
    adds_only: bool = False,
) -> None:
    ids, roles = [id_ for id_, _ in authors], [role for _, role in authors]
    if not adds_only:
        await transaction.fetch(_REMOVE_AUTHORS, book_id, ids, roles)
    await transaction.fetch(_ADD_AUTHORS, book_id, ids, roles)
