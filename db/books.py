"""Books: their record, their sort keys, and every read of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from db.currencies import amount_sql
from db.database import Database
from db.keyset import INTEGER, NUMERIC, TEXT, Order, Page, PageRequest, Scope, SortKey, fetch_pages
from db.records import CatalogRecord, Columns, align_to_keys, all_columns


class Book(CatalogRecord):
    """An edition of a book.

    `isbn` is an ISBN-13 without hyphens. `price` is exact, as text, with at least the decimals of its
    `currency` (ISO 4217); both are None if the book is not on sale. `published_year` is negative for years
    BC. `rating_average` is 0 to 5.
    """

    __slots__ = ()

    type_name = "Book"

    id: int
    source: str
    source_id: str
    isbn: str | None
    title: str
    subtitle: str | None
    description: str | None
    language: str | None
    published_year: int | None
    published_on: date | None
    page_count: int | None
    price: str | None
    currency: str | None
    stock: int
    cover_url: str | None
    rating_average: float | None
    rating_count: int


class Price(CatalogRecord):
    """The price in a book's row, if it has one. A price always has a currency."""

    __slots__ = ()

    price: str
    currency: str


COLUMNS = all_columns(
    Book, price=amount_sql("t.price", "t.currency"), rating_average="t.rating_average::float8"
)

TITLE = SortKey("title", "title_key", TEXT)
PUBLICATION = SortKey("publication", "published_key", INTEGER, nullable=True)
PRICE = SortKey("price", "price", NUMERIC, nullable=True)
RATING = SortKey("rating", "rating_average", NUMERIC, nullable=True)
POPULARITY = SortKey("popularity", "rating_count", INTEGER)
ADDED = SortKey("added")
SORT_KEYS = (TITLE, PUBLICATION, PRICE, RATING, POPULARITY, ADDED)

ALL_BOOKS = Scope("page_of_books", "book", "id", ("true",), "book")


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
    """Return a page of all books."""
    return (await fetch_pages(database, ALL_BOOKS, order, page_request, [0], columns))[0]


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


_BOOKS_BY_IDS = """
/* books_by_ids */
SELECT {columns}
FROM book AS t
WHERE t.id = ANY ($1::bigint[])
"""


async def books_by_ids(
    database: Database, ids: Sequence[int], *, columns: Columns[Book] = COLUMNS
) -> list[Book | None]:
    """Return the book of each id, or None."""
    books = await database.fetch(
        *columns.render_for_keys(_BOOKS_BY_IDS, ids), record_class=columns.record_class
    )
    return align_to_keys(ids, {book["id"]: book for book in books})


_BOOKS_BY_ISBNS = """
/* books_by_isbns */
SELECT {columns}
FROM book AS t
WHERE t.isbn = ANY ($1::text[])
"""


async def books_by_isbns(
    database: Database, isbns: Sequence[str], *, columns: Columns[Book] = COLUMNS
) -> list[Book | None]:
    """Return the book of each ISBN-13, or None."""
    selection = columns.with_column("isbn")
    books = await database.fetch(
        *selection.render_for_keys(_BOOKS_BY_ISBNS, isbns), record_class=selection.record_class
    )
    return align_to_keys(isbns, {book["isbn"]: book for book in books})


_COUNT_OF_BOOKS = """
/* count_of_books */
SELECT books AS count
FROM catalog_size
"""


async def count_books(database: Database) -> int:
    """Return the number of books in the catalog, from its counter."""
    return (await database.fetch(_COUNT_OF_BOOKS))[0]["count"]
