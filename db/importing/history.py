"""The imports of a catalog and their changes, as the journal has them."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import asyncpg

from db.errors import CatalogImportError
from db.importing.journal import find_undone

_IMPORTS = """
/* list_imports */
SELECT id AS number, source, inputs, imported_at, new_books, changed_books, deleted_books, unpublished_books,
       rejected_rows, undoes, has_changes
FROM import ORDER BY id
"""

_FIELD_COUNTS = """
/* count_fields_of_import */
SELECT kind, key AS field, count(*) AS items
FROM import_change CROSS JOIN jsonb_object_keys(after) AS key
WHERE import_id = $1::integer AND before IS NOT NULL AND key NOT IN ('currency', 'rating_count', 'published_on', 'edited_at')
GROUP BY kind, key ORDER BY kind, key
"""

_CHANGES = """
/* changes_of_import */
SELECT c.kind, c.item_id, c.before, c.after, b.source, b.source_id, b.title,
       coalesce(a.name, k.path) AS name
FROM import_change c
LEFT JOIN book b ON c.kind IN ('book', 'book_field') AND b.id = c.item_id
LEFT JOIN author a ON c.kind = 'author' AND a.id = c.item_id
LEFT JOIN category k ON c.kind = 'category' AND k.id = c.item_id
WHERE c.import_id = $1::integer
ORDER BY c.kind, c.item_id LIMIT $2::bigint
"""

_NEW_BOOKS = """
/* books_of_import */
SELECT b.source, b.source_id, b.title
FROM import i JOIN book b ON b.id BETWEEN i.first_book_id AND i.last_book_id
WHERE i.id = $1::integer ORDER BY b.id LIMIT $2::bigint
"""


@dataclass(frozen=True, slots=True)
class PastImport:
    """One import. `inputs` names what was read.

    `undoes` is the number of the import that it undoes, `undone_by` of the import that undid it.
    """

    number: int
    source: str
    inputs: str
    imported_at: datetime
    new_books: int
    changed_books: int
    deleted_books: int
    unpublished_books: int
    rejected_rows: int
    has_changes: bool
    undoes: int | None
    undone_by: int | None

    @property
    def touched_books(self) -> int:
        """The number of books that existed and were changed, deleted or unpublished."""
        return self.changed_books + self.deleted_books + self.unpublished_books


@dataclass(frozen=True, slots=True)
class Change:
    """One changed field, or a new or deleted item: what it is of, and its values as text.

    `before` is None for what is new, and `after` for what was deleted.
    """

    item: str
    field: str
    before: str | None
    after: str | None


async def list_imports(connection: asyncpg.Connection) -> list[PastImport]:
    """Return all imports, the first one first."""
    rows = await connection.fetch(_IMPORTS)
    undone = find_undone({row["number"]: row["undoes"] for row in rows})
    return [PastImport(**dict(row), undone_by=undone.get(row["number"])) for row in rows]


def find_import(imports: Iterable[PastImport], number: int) -> PastImport:
    """Return the import with this number. Raise CatalogImportError if there is none."""
    for each in imports:
        if each.number == number:
            return each
    raise CatalogImportError(f"There is no import {number}; `bookstore imports` lists them.")


async def count_changed_fields(connection: asyncpg.Connection, number: int) -> list[tuple[str, str, int]]:
    """Return the kind of items, the field and the number of items of each field that an import changed."""
    return [tuple(row) for row in await connection.fetch(_FIELD_COUNTS, number)]


async def list_changes(connection: asyncpg.Connection, number: int, limit: int | None) -> list[Change]:
    """Return the changes of at most `limit` items and of as many new books. None is no limit."""
    changes: list[Change] = []
    for row in await connection.fetch(_CHANGES, number, limit):
        changes += _changes_of_item(row)
    for source, source_id, title in await connection.fetch(_NEW_BOOKS, number, limit):
        changes.append(Change(f"book {source}/{source_id}", "", None, title))
    return changes


def _changes_of_item(row: asyncpg.Record) -> list[Change]:
    before, after = _parse(row["before"]), _parse(row["after"])
    item = _name_item(row, before or {})
    if before is None:
        return [Change(item, "", None, row["title"] or "")]
    if after is None:
        return [Change(item, "", str(before.get("title") or before.get("name")), None)]
    prefix = "owner or edit of " if row["kind"] == "book_field" else ""
    return [
        Change(item, f"{prefix}{name}", _text(name, before), _text(name, after))
        for name in after
        if name not in _SHOWN_WITH.values() and (_text(name, before) != _text(name, after))
    ]


def _parse(text: str | None) -> Mapping[str, Any] | None:
    """Parse an object of the journal. Decimals keep their digits."""
    return None if text is None else json.loads(text, parse_float=Decimal)


def _name_item(row: asyncpg.Record, before: Mapping[str, Any]) -> str:
    kind: str = row["kind"]
    if kind not in ("book", "book_field"):
        return f"{kind} {row['name'] or before.get('path') or before.get('name')}"
    source, source_id = row["source"] or before.get("source"), row["source_id"] or before.get("source_id")
    return f"book {source}/{source_id}" if source else f"book {row['item_id']}, which was deleted since"


_SHOWN_WITH = {"price": "currency", "rating_average": "rating_count", "published_year": "published_on"}
"""Columns whose text has that of a second column as well."""


def _text(name: str, values: Mapping[str, Any]) -> str:
    """Return a value of the journal as text: authors with their roles, categories as paths."""
    value: Any = values.get(name)
    if name in _SHOWN_WITH:
        return " ".join(str(each) for each in (value, values.get(_SHOWN_WITH[name])) if each is not None)
    if name == "authors":
        return "; ".join(f"{source}/{key} ({role})" for source, key, role in value)
    if name == "categories":
        return "; ".join(value)
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
