"""Keys by which a write names a book: its id, its ISBN, or its key in a source."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from db.importing.field_parsers import FieldError, parse_isbn
from db.statements import WriteStatement
from db.writes.faults import Fault, FaultCode, FaultPath, WriteRejectedError, describe_path
from db.writes.session import WriteTransaction


@dataclass(frozen=True, slots=True)
class BookKey:
    """One of the keys of a book. `path` leads to it in the input, `invalid` says why it is no key.

    `depth` is the length of the path of what the key belongs to.
    """

    path: FaultPath
    id: int | None = None
    isbn: str | None = None
    source_key: tuple[str, str] | None = None
    expected_version: int | None = None
    invalid: str = ""
    depth: int = 0

    @property
    def text(self) -> str:
        """The key as a message names it."""
        if self.source_key:
            return f"the key {self.source_key[1]!r} of the source {self.source_key[0]!r}"
        return f"the ISBN {self.isbn}" if self.isbn is not None else "this id"


# Books are locked by id: two writers that lock the same books never wait for each other in a circle.
_LOCK_BOOKS = WriteStatement(
    "lock_books",
    """
SELECT b.id, b.isbn, b.source, b.source_id, b.version, b.stock
FROM book AS b
WHERE b.id IN (
    SELECT unnest($1::bigint[])
    UNION SELECT k.id FROM book AS k WHERE k.isbn = ANY ($2::text[])
    UNION SELECT k.id FROM unnest($3::text[], $4::text[]) AS u (source, source_id) JOIN book AS k USING
    (source, source_id)
)
ORDER BY b.id
FOR NO KEY UPDATE OF b
""",
)


# Most writes name all books by their ISBNs.
_LOCK_BOOKS_BY_ISBNS = WriteStatement(
    "lock_books_by_isbns",
    """
SELECT b.id, b.isbn, b.source, b.source_id, b.version, b.stock
FROM book AS b
WHERE b.isbn = ANY ($1::text[])
ORDER BY b.id
FOR NO KEY UPDATE OF b
""",
)


async def lock_books(transaction: WriteTransaction, keys: Sequence[BookKey]) -> list[Mapping[str, Any]]:
    """Lock the book of each key, and return their rows in the order of the keys.

    Raises WriteRejectedError for each key without a book, each that names the book of an earlier one, and
    each whose book has another version than expected.
    """
    keys, faults = _normalize_isbns(keys)
    rows = await _lock_rows(transaction, keys)
    by_id = {row["id"]: row for row in rows}
    by_isbn = {row["isbn"]: row for row in rows}
    by_source = {(row["source"], row["source_id"]): row for row in rows}
    found: list[Mapping[str, Any]] = []
    first_paths: dict[int, FaultPath] = {}
    conflicting: int | None = None
    rejected = {fault.path for fault in faults}
    for key in keys:
        row = by_id.get(key.id) if key.id is not None else by_isbn.get(key.isbn)
        row = by_source.get(key.source_key) if key.source_key else row
        if row is None:
            if key.path not in rejected:
                faults.append(Fault(key.path, FaultCode.NOT_FOUND, f"No book has {key.text}."))
        elif (first := first_paths.setdefault(row["id"], key.path)) != key.path:
            faults.append(
                Fault(key.path, FaultCode.DUPLICATE, f"This is the book of {describe_path(first)}, too.")
            )
        elif key.expected_version not in (None, row["version"]):
            conflicting = row["id"]
            path = (*key.path[: key.depth], "expected_version")
            faults.append(conflict(path, key.expected_version, row["version"]))
        else:
            found.append(row)
    if faults:
        raise WriteRejectedError(faults, current_id=conflicting)
    return found


async def _lock_rows(transaction: WriteTransaction, keys: Sequence[BookKey]) -> list[Mapping[str, Any]]:
    isbns = [key.isbn for key in keys if key.isbn is not None]
    if len(isbns) == len(keys):
        return await transaction.fetch(_LOCK_BOOKS_BY_ISBNS, isbns)
    source_keys = [key.source_key for key in keys if key.source_key]
    return await transaction.fetch(
        _LOCK_BOOKS,
        [key.id for key in keys if key.id is not None],
        isbns,
        [source for source, _ in source_keys],
        [source_id for _, source_id in source_keys],
    )


def conflict(path: FaultPath, expected: int | None, version: int) -> Fault:
    """Return the fault of an item that another writer has changed."""
    return Fault(
        path,
        FaultCode.CONFLICT,
        f"The version is {version}, not {expected}. Read it again, then decide.",
    )


def _normalize_isbns(keys: Sequence[BookKey]) -> tuple[list[BookKey], list[Fault]]:
    """Return the keys with their ISBNs as ISBN-13, and the faults of invalid ones."""
    normalized: list[BookKey] = []
    faults: list[Fault] = []
    for key in keys:
        isbn = key.isbn
        if key.invalid:
            faults.append(Fault(key.path, FaultCode.INVALID, key.invalid))
        if key.isbn is not None:
            try:
                isbn = parse_isbn(key.isbn)
                if isbn is None:
                    faults.append(Fault(key.path, FaultCode.INVALID, f"{key.isbn[:40]!r} is no ISBN."))
            except FieldError as error:
                isbn = None
                message = f"{error.value[:40]!r} is no ISBN: {error.reason}."
                faults.append(Fault(key.path, FaultCode.INVALID, message))
        normalized.append(key if isbn == key.isbn else replace(key, isbn=isbn))
    return normalized, faults
