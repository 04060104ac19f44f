"""Authors: their record and every read of them."""

from collections.abc import Sequence
from typing import Any

from db.database import Database
from db.keyset import BIGINT, INTEGER, TEXT, Order, Page, PageRequest, Scope, SortKey, fetch_pages
from db.records import CatalogRecord, Columns, align_to_keys, all_columns, group_by_key
from db.redirects import fill_in_redirected
from db.statements import ReadStatement, StatementTemplate


class Author(CatalogRecord):
    """A person or organisation. Years BC are negative. `book_count` counts each book once, in any role."""

    __slots__ = ()

    type_name = "Author"

    id: int
    slug: str
    name: str
    sort_name: str
    birth_year: int | None
    death_year: int | None
    book_count: int
    version: int


class Contribution(Author):
    """An author with the role in a book; `position` counts from 1."""

    __slots__ = ()

    book_id: int
    position: int
    role: str

    @property
    def author(self) -> Author:
        return self


COLUMNS = all_columns(Author)


NAME = SortKey("author_name", "sort_key", TEXT)
BOOK_COUNT = SortKey("author_book_count", "book_count", INTEGER)
POPULARITY = SortKey("author_popularity", "rating_count", BIGINT)
SORT_KEYS = (NAME, BOOK_COUNT, POPULARITY)
BY_NAME = Order(NAME)
ALL_AUTHORS = Scope("page_of_authors", "author", "id", ("true",), "author")


async def page_of_authors(
    database: Database,
    page_request: PageRequest,
    order: Order = BY_NAME,
    *,
    columns: Columns[Author] = COLUMNS,
) -> Page[Author]:
    """Return a page of all authors."""
    return (await fetch_pages(database, ALL_AUTHORS, order, page_request, [0], columns))[0]


_AUTHORS_BY_IDS = StatementTemplate(
    "authors_by_ids",
    """
SELECT {columns}
FROM author AS t
WHERE t.id = ANY ($1::bigint[])
""",
)


async def authors_by_ids(
    database: Database, ids: Sequence[int], *, columns: Columns[Author] = COLUMNS
) -> list[Author | None]:
    """Return the author of each id, also of a merged author's id, or None."""
    authors = await database.fetch(
        *columns.render_for_keys(_AUTHORS_BY_IDS, ids), record_class=columns.record_class
    )
    found = align_to_keys(ids, {author["id"]: author for author in authors})
    return await fill_in_redirected_authors(database, "id", ids, found, columns=columns)


_AUTHORS_BY_SLUGS = StatementTemplate(
    "authors_by_slugs",
    """
SELECT {columns}
FROM author AS t
WHERE t.slug = ANY ($1::text[])
""",
)


async def authors_by_slugs(
    database: Database, slugs: Sequence[str], *, columns: Columns[Author] = COLUMNS
) -> list[Author | None]:
    """Return the author of each slug, also of a former slug, or None."""
    selection = columns.with_column("slug")
    authors = await database.fetch(
        *selection.render_for_keys(_AUTHORS_BY_SLUGS, slugs), record_class=selection.record_class
    )
    found = align_to_keys(slugs, {author["slug"]: author for author in authors})
    return await fill_in_redirected_authors(database, "slug", slugs, found, columns=columns)


async def fill_in_redirected_authors(
    database: Database,
    column: str,
    keys: Sequence[Any],
    found: list[Any],
    *,
    columns: Columns[Author] = COLUMNS,
) -> list[Any]:
    """Return what was found for the ids or slugs, and the authors of former ones in the place of None."""
    return await fill_in_redirected(database, _AUTHORS_BY_IDS, columns, ("author", column), keys, found)


_AUTHORS_BY_BOOK_IDS = StatementTemplate(
    "authors_by_book_ids",
    """
SELECT {columns}, ba.book_id, ba.position, ba.role
FROM book_author AS ba
JOIN author AS t ON t.id = ba.author_id
WHERE ba.book_id = ANY ($1::bigint[])
ORDER BY ba.book_id, ba.position
""",
)


async def authors_by_book_ids(
    database: Database, book_ids: Sequence[int], *, columns: Columns[Author] = COLUMNS
) -> list[list[Contribution]]:
    """Return each book's authors with their roles, in the book's order."""
    rows = await database.fetch(columns.render(_AUTHORS_BY_BOOK_IDS), book_ids, record_class=Contribution)
    return group_by_key(book_ids, rows, "book_id")


_COUNT_OF_AUTHORS = ReadStatement(
    "count_of_authors",
    """
SELECT authors AS count
FROM catalog_size
""",
)


async def count_authors(database: Database) -> int:
    """Return the number of authors in the catalog, from its counter."""
    return (await database.fetch(_COUNT_OF_AUTHORS))[0]["count"]
