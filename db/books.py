"""Books: their record, their orders, and every read of them."""

from collections.abc import Sequence
from datetime import date

from db.database import Database
from db.pages import INTEGER, NUMERIC, TEXT, Key, Order, Page, Scope, Window, pages
from db.rows import Columns, Row, aligned, all_columns


class Book(Row):
    """One edition. `isbn` is an ISBN-13 without hyphens; `price` is exact, as text, in `currency` (ISO 4217),
    both None when the book is not on sale; `published_year` is negative before Christ; `rating_average`
    is 0 to 5.
    """

    __slots__ = ()

    entity = "Book"

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


class Price(Row):
    """The price in a book's row, where it has one: there is no price without a currency."""

    __slots__ = ()

    price: str
    currency: str


COLUMNS = all_columns(Book, price="t.price::text", rating_average="t.rating_average::float8")

TITLE = Key("title", "title_key", TEXT)
PUBLICATION = Key("publication", "published_key", INTEGER, nullable=True)
PRICE = Key("price", "price", NUMERIC, nullable=True)
RATING = Key("rating", "rating_average", NUMERIC, nullable=True)
POPULARITY = Key("popularity", "rating_count", INTEGER)
ADDED = Key("added")
KEYS = (TITLE, PUBLICATION, PRICE, RATING, POPULARITY, ADDED)

IN_CATALOG = Scope("page_of_books", "book", "id", ("true",), "book")
BY_AUTHOR = Scope("books_by_author_ids", "author_listing", "book_id", ("l.author_id = parent.id",), "book")
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


async def page_of_books(
    database: Database, order: Order, window: Window, *, columns: Columns[Book] = COLUMNS
) -> Page[Book]:
    """A page of the whole catalog."""
    return (await pages(database, IN_CATALOG, order, window, [0], columns))[0]


async def books_by_author_ids(
    database: Database,
    order: Order,
    window: Window,
    author_ids: Sequence[int],
    *,
    columns: Columns[Book] = COLUMNS,
) -> list[Page[Book]]:
    """The same page of each author's books, in whatever role."""
    return await pages(database, BY_AUTHOR, order, window, author_ids, columns)


async def books_by_category_ids(
    database: Database,
    order: Order,
    window: Window,
    category_ids: Sequence[int],
    *,
    descendants: bool,
    columns: Columns[Book] = COLUMNS,
) -> list[Page[Book]]:
    """The same page of each category's books: with those of its descendants, or only its own."""
    scope = BY_CATEGORY if descendants else DIRECTLY_IN_CATEGORY
    return await pages(database, scope, order, window, category_ids, columns)


BOOKS_BY_IDS = """
/* books_by_ids */
SELECT {columns}
FROM book AS t
WHERE t.id = ANY ($1::bigint[])
"""


async def books_by_ids(
    database: Database, ids: Sequence[int], *, columns: Columns[Book] = COLUMNS
) -> list[Book | None]:
    """Each book, None where there is none."""
    books = await database.fetch(*columns.text_for(BOOKS_BY_IDS, ids), record_class=columns.kind)
    return aligned(ids, {book["id"]: book for book in books})


BOOKS_BY_ISBNS = """
/* books_by_isbns */
SELECT {columns}
FROM book AS t
WHERE t.isbn = ANY ($1::text[])
"""


async def books_by_isbns(
    database: Database, isbns: Sequence[str], *, columns: Columns[Book] = COLUMNS
) -> list[Book | None]:
    """The book of each ISBN-13, None where there is none."""
    read = columns.including("isbn")
    books = await database.fetch(*read.text_for(BOOKS_BY_ISBNS, isbns), record_class=read.kind)
    return aligned(isbns, {book["isbn"]: book for book in books})


COUNT_OF_BOOKS = """
/* count_of_books */
SELECT books AS count
FROM catalog_size
"""


async def count_of_books(database: Database) -> int:
    """How many books the catalog holds, from its counter."""
    return (await database.fetch(COUNT_OF_BOOKS))[0]["count"]
