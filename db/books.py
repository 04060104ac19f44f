"""Books: their record, their sort keys, and every read of them.

Only look-ups by a key read unpublished books.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from db.book_columns import BOOK_COLUMNS, BookColumn
from db.database import Database
from db.keyset import INTEGER, NUMERIC, TEXT, TIMESTAMP, Order, Page, PageRequest, Scope, SortKey, fetch_pages
from db.records import CatalogRecord, Columns, align_to_keys, all_columns
from db.statements import ReadStatement, StatementTemplate

_PYTHON_TYPES = {"text": str, "integer": int, "date": date}


def _python_type(column: BookColumn) -> Any:
    """Return the Python type of the value that asyncpg reads from the column."""
    python_type = column.read_type or _PYTHON_TYPES[column.sql_type.partition(" ")[0]]
    return python_type | None if column.is_nullable else python_type


class Book(CatalogRecord, columns={column.name: _python_type(column) for column in BOOK_COLUMNS}):
    """An edition of a book: its identity, and the columns that an import fills.

    `isbn` is an ISBN-13 without hyphens. `price` is exact, as text, with at least the decimals of its
    `currency` (ISO 4217); both are None if the book is not on sale. `published_year` is negative for years
    BC. `rating_average` is 0 to 5. `version` and `updated_at` move with every change. `added_at` rises with
    the id.
    """

    __slots__ = ()

    type_name = "Book"

    id: int
    source: str
    source_id: str
    is_published: bool
    version: int
    added_at: datetime
    updated_at: datetime

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Return one of BOOK_COLUMNS, whose types are known at run time."""


class PricedBook(Book):
    """A book that is on sale. A price always has a currency."""

    __slots__ = ()

    price: str  # pyright: ignore[reportIncompatibleVariableOverride] - the row is never changed
    currency: str  # pyright: ignore[reportIncompatibleVariableOverride]


class CoveredBook(Book):
    """A book with an image of its cover."""

    __slots__ = ()

    cover_url: str  # pyright: ignore[reportIncompatibleVariableOverride]


_ADDED_AT_SQL = (
    "(SELECT a.added_at FROM book_addition AS a WHERE a.first_id <= t.id ORDER BY a.first_id DESC LIMIT 1)"
)

COLUMNS = all_columns(
    Book,
    added_at=_ADDED_AT_SQL,
    **{column.name: column.read_sql for column in BOOK_COLUMNS if column.read_sql},
)

TITLE = SortKey("title", "title_key", TEXT)
PUBLICATION = SortKey("publication", "published_key", INTEGER, nullable=True)
PRICE = SortKey("price", "price", NUMERIC, nullable=True)
RATING = SortKey("rating", "rating_average", NUMERIC, nullable=True)
POPULARITY = SortKey("popularity", "rating_count", INTEGER)
ADDED = SortKey("added")
SERIES_POSITION = SortKey("series_position", "series_key", TEXT, nullable=True)
"""The position in the series, as numbers are ordered. Only the books of one series are sorted by it."""

SORT_KEYS = (TITLE, PUBLICATION, PRICE, RATING, POPULARITY, ADDED)
"""The sort keys of all lists of books. Each list has an index for each of them."""

UPDATED = SortKey("updated", "updated_at", TIMESTAMP)
"""The sort key of the list of all books alone: listings would be rewritten with every change of a stock."""

ALL_BOOKS = Scope("page_of_books", "book", "id", ("l.is_published",), "book")
"""The published books. The indexes of `book` that lists are read from hold no others."""


UNPUBLISHED_BOOKS = Scope("page_of_unpublished_books", "book", "id", ("NOT l.is_published",), "book")
"""The books that are off sale, which only editors see."""


@dataclass(frozen=True, slots=True)
class AuthorScope(Scope):
    """The books of an author in some roles; None: in any role."""

    roles: tuple[str, ...] | None = None


BY_AUTHOR = AuthorScope(
    "books_by_author_ids", "author_listing", "book_id", ("l.author_id = parent.id",), "book"
)
DIRECTLY_IN_CATEGORY = Scope(
    "books_directly_by_category_ids",
    "category_listing",
    "book_id",
    ("l.category_id = parent.id AND l.direct",),
    "book",
)
BY_CATEGORY = Scope(
    "books_by_category_ids",
    "category_listing",
    "book_id",
    ("l.category_id = parent.id AND l.direct", "l.category_id = parent.id AND NOT l.direct"),
    "book",
)


BY_SERIES = Scope(
    "books_by_series_ids", "book", "id", ("l.series_id = parent.id AND l.is_published",), "book"
)
IN_SERIES_ORDER = Order(SERIES_POSITION)


def by_author_in_roles(roles: Iterable[str]) -> AuthorScope:
    """Return the scope of the books to which an author contributed in one of the roles."""
    chosen = tuple(sorted(set(roles)))
    listed = ", ".join("'" + role.replace("'", "''") + "'" for role in chosen)
    has_role = (
        "EXISTS (SELECT FROM book_author AS r WHERE r.author_id = l.author_id AND r.book_id = l.book_id"
        f" AND r.role = ANY (ARRAY[{listed}]::text[]))"
    )
    return replace(BY_AUTHOR, conditions=(f"l.author_id = parent.id AND {has_role}",), roles=chosen)


async def page_of_books(
    database: Database, order: Order, page_request: PageRequest, *, columns: Columns[Book] = COLUMNS
) -> Page[Book]:
    """Return a page of all published books."""
    return (await fetch_pages(database, ALL_BOOKS, order, page_request, [0], columns))[0]


async def page_of_unpublished_books(
    database: Database, order: Order, page_request: PageRequest, *, columns: Columns[Book] = COLUMNS
) -> Page[Book]:
    """Return a page of the books that are off sale. `order` is by ADDED: they have no other index."""
    return (await fetch_pages(database, UNPUBLISHED_BOOKS, order, page_request, [0], columns))[0]


async def books_by_author_ids(
    database: Database,
    order: Order,
    page_request: PageRequest,
    author_ids: Sequence[int],
    *,
    columns: Columns[Book] = COLUMNS,
) -> list[Page[Book]]:
    """Return the same page of each author's books, in any role."""
    return await fetch_pages(database, BY_AUTHOR, order, page_request, author_ids, columns)


async def books_by_category_ids(
    database: Database,
    order: Order,
    page_request: PageRequest,
    category_ids: Sequence[int],
    *,
    descendants: bool,
    columns: Columns[Book] = COLUMNS,
) -> list[Page[Book]]:
    """Return the same page of each category's books, with or without the books of its descendants."""
    scope = BY_CATEGORY if descendants else DIRECTLY_IN_CATEGORY
    return await fetch_pages(database, scope, order, page_request, category_ids, columns)


async def books_by_series_ids(
    database: Database,
    page_request: PageRequest,
    series_ids: Sequence[int],
    *,
    columns: Columns[Book] = COLUMNS,
) -> list[Page[Book]]:
    """Return the same page of each series' books, in the order of their positions."""
    return await fetch_pages(database, BY_SERIES, IN_SERIES_ORDER, page_request, series_ids, columns)


_BOOKS_BY_IDS = StatementTemplate(
    "books_by_ids",
    """
SELECT {columns}
FROM book AS t
WHERE t.id = ANY ($1::bigint[]) AND t.is_published
""",
)

_ANY_BOOKS_BY_IDS = StatementTemplate(
    "any_books_by_ids",
    """
SELECT {columns}
FROM book AS t
WHERE t.id = ANY ($1::bigint[])
""",
)


async def books_by_ids(
    database: Database, ids: Sequence[int], *, unpublished: bool = False, columns: Columns[Book] = COLUMNS
) -> list[Book | None]:
    """Return the published book of each id, or None; with `unpublished`, any book."""
    template = _ANY_BOOKS_BY_IDS if unpublished else _BOOKS_BY_IDS
    books = await database.fetch(*columns.render_for_keys(template, ids), record_class=columns.record_class)
    return align_to_keys(ids, {book["id"]: book for book in books})


_BOOKS_BY_ISBNS = StatementTemplate(
    "books_by_isbns",
    """
SELECT {columns}
FROM book AS t
WHERE t.isbn = ANY ($1::text[]) AND t.is_published
""",
)

_ANY_BOOKS_BY_ISBNS = StatementTemplate(
    "any_books_by_isbns",
    """
SELECT {columns}
FROM book AS t
WHERE t.isbn = ANY ($1::text[])
""",
)


async def books_by_isbns(
    database: Database, isbns: Sequence[str], *, unpublished: bool = False, columns: Columns[Book] = COLUMNS
) -> list[Book | None]:
    """Return the published book of each ISBN-13, or None; with `unpublished`, any book."""
    selection = columns.with_column("isbn")
    template = _ANY_BOOKS_BY_ISBNS if unpublished else _BOOKS_BY_ISBNS
    books = await database.fetch(
        *selection.render_for_keys(template, isbns), record_class=selection.record_class
    )
    return align_to_keys(isbns, {book["isbn"]: book for book in books})


_BOOKS_BY_SOURCE_KEYS = StatementTemplate(
    "books_by_source_keys",
    """
SELECT {columns}
FROM unnest($1::text[], $2::text[]) AS given (source, source_id)
JOIN book AS t ON t.source = given.source AND t.source_id = given.source_id
WHERE t.is_published
""",
)

_ANY_BOOKS_BY_SOURCE_KEYS = StatementTemplate(
    "any_books_by_source_keys",
    """
SELECT {columns}
FROM unnest($1::text[], $2::text[]) AS given (source, source_id)
JOIN book AS t ON t.source = given.source AND t.source_id = given.source_id
""",
)


async def books_by_source_keys(
    database: Database,
    keys: Sequence[tuple[str, str]],
    *,
    unpublished: bool = False,
    columns: Columns[Book] = COLUMNS,
) -> list[Book | None]:
    """Return the published book of each (source, key in it), or None; with `unpublished`, any book."""
    selection = columns.with_column("source").with_column("source_id")
    template = _ANY_BOOKS_BY_SOURCE_KEYS if unpublished else _BOOKS_BY_SOURCE_KEYS
    books = await database.fetch(
        selection.render(template),
        [source for source, _ in keys],
        [source_id for _, source_id in keys],
        record_class=selection.record_class,
    )
    return align_to_keys(keys, {(book["source"], book["source_id"]): book for book in books})


_COUNT_OF_BOOKS = ReadStatement(
    "count_of_books",
    """
SELECT books AS count
FROM catalog_size
""",
)


async def count_books(database: Database) -> int:
    """Return the number of published books, from the catalog's counter."""
    return (await database.fetch(_COUNT_OF_BOOKS))[0]["count"]


_COUNT_OF_UNPUBLISHED_BOOKS = ReadStatement(
    "count_of_unpublished_books",
    """
SELECT count(*) AS count
FROM book
WHERE NOT is_published
""",
)


async def count_unpublished_books(database: Database) -> int:
    """Return the number of books that are off sale."""
    return (await database.fetch(_COUNT_OF_UNPUBLISHED_BOOKS))[0]["count"]
