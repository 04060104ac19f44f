"""The catalog as a whole: its size, its last change, and its languages and currencies."""

from dataclasses import dataclass
from datetime import datetime

from db.database import Database
from db.statements import ReadStatement


@dataclass(frozen=True, slots=True)
class CatalogSize:
    """The numbers of published books, of authors and of categories."""

    books: int
    authors: int
    categories: int


@dataclass(frozen=True, slots=True)
class CodeCount:
    """A code and the number of published books that have it."""

    code: str
    books: int


_CATALOG_SIZES = ReadStatement(
    "catalog_size",
    """
SELECT books, authors, categories
FROM catalog_size
""",
)


async def catalog_size(database: Database) -> CatalogSize:
    """Return the counters of the catalog."""
    return CatalogSize(*(await database.fetch(_CATALOG_SIZES))[0])


_CATALOG_UPDATED_AT = ReadStatement(
    "catalog_updated_at",
    """
SELECT max(updated_at) AS updated_at
FROM book
WHERE is_published
""",
)


async def catalog_updated_at(database: Database) -> datetime | None:
    """Return the time of the last change of a published book; None without one. An index ends in it."""
    return (await database.fetch(_CATALOG_UPDATED_AT))[0]["updated_at"]


_CODES_BY_KIND = ReadStatement(
    "catalog_codes_by_kind",
    """
SELECT code, books
FROM catalog_code
WHERE kind = $1::text AND books > 0
ORDER BY books DESC, code
""",
)


async def catalog_languages(database: Database) -> list[CodeCount]:
    """Return the languages of published books with their counters, those of most books first."""
    return await _codes_by_kind(database, "language")


async def catalog_currencies(database: Database) -> list[CodeCount]:
    """Return the currencies of the prices of published books, as catalog_languages()."""
    return await _codes_by_kind(database, "currency")


async def _codes_by_kind(database: Database, kind: str) -> list[CodeCount]:
    return [CodeCount(*row) for row in await database.fetch(_CODES_BY_KIND, kind)]
