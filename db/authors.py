"""Authors: their record and every read of them."""

from collections.abc import Sequence

from db.database import Database
from db.pages import TEXT, Key, Order, Page, Scope, Window, pages
from db.rows import Columns, Row, aligned, all_columns, grouped


class Author(Row):
    """A person, or what stands for one. Years are negative before Christ; `book_count` counts each
    book once, whatever the roles."""

    __slots__ = ()

    entity = "Author"

    id: int
    slug: str
    name: str
    sort_name: str
    birth_year: int | None
    death_year: int | None
    book_count: int


class Contribution(Author):
    """An author with what they did for a book; `position` counts from 1."""

    __slots__ = ()

    book_id: int
    position: int
    role: str

    @property
    def author(self) -> Author:
        return self


COLUMNS = all_columns(Author)


BY_NAME = Order(Key("name", "sort_key", TEXT))
IN_CATALOG = Scope("page_of_authors", "author", "id", ("true",), "author")


async def page_of_authors(
    database: Database, window: Window, *, columns: Columns[Author] = COLUMNS
) -> Page[Author]:
    """A page of all authors by their sort name."""
    return (await pages(database, IN_CATALOG, BY_NAME, window, [0], columns))[0]


AUTHORS_BY_IDS = """
/* authors_by_ids */
SELECT {columns}
FROM author AS t
WHERE t.id = ANY ($1::bigint[])
"""


async def authors_by_ids(
    database: Database, ids: Sequence[int], *, columns: Columns[Author] = COLUMNS
) -> list[Author | None]:
    """Each author, None where there is none."""
    authors = await database.fetch(*columns.text_for(AUTHORS_BY_IDS, ids), record_class=columns.kind)
    return aligned(ids, {author["id"]: author for author in authors})


AUTHORS_BY_SLUGS = """
/* authors_by_slugs */
SELECT {columns}
FROM author AS t
WHERE t.slug = ANY ($1::text[])
"""


async def authors_by_slugs(
    database: Database, slugs: Sequence[str], *, columns: Columns[Author] = COLUMNS
) -> list[Author | None]:
    """The author of each slug, None where there is none."""
    read = columns.including("slug")
    authors = await database.fetch(*read.text_for(AUTHORS_BY_SLUGS, slugs), record_class=read.kind)
    return aligned(slugs, {author["slug"]: author for author in authors})


AUTHORS_BY_BOOK_IDS = """
/* authors_by_book_ids */
SELECT {columns}, ba.book_id, ba.position, ba.role
FROM book_author AS ba
JOIN author AS t ON t.id = ba.author_id
WHERE ba.book_id = ANY ($1::bigint[])
ORDER BY ba.book_id, ba.position
"""


async def authors_by_book_ids(
    database: Database, book_ids: Sequence[int], *, columns: Columns[Author] = COLUMNS
) -> list[list[Contribution]]:
    """Each book's authors with their roles, in the book's order."""
    kind = Contribution
    rows = await database.fetch(columns.text(AUTHORS_BY_BOOK_IDS), book_ids, record_class=kind)
    return grouped(book_ids, rows, "book_id")


COUNT_OF_AUTHORS = """
/* count_of_authors */
SELECT authors AS count
FROM catalog_size
"""


async def count_of_authors(database: Database) -> int:
    """How many authors the catalog holds, from its counter."""
    return (await database.fetch(COUNT_OF_AUTHORS))[0]["count"]
