"""Authors: their record and every read of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from db.pages import TEXT, Key, Order, Page, Scope, Window, pages
from db.pool import Database
from db.rows import aligned, each, grouped

COLUMNS = "t.id, t.slug, t.name, t.sort_name, t.birth_year, t.death_year, t.book_count"


@dataclass(frozen=True, slots=True)
class Author:
    """A person, or what stands for one. Years are negative before Christ; `book_count` counts each
    book once, whatever the roles."""

    id: int
    slug: str
    name: str
    sort_name: str
    birth_year: int | None
    death_year: int | None
    book_count: int


@dataclass(frozen=True, slots=True)
class Contribution:
    """What an author did for a book; `position` counts from 1."""

    position: int
    role: str
    author: Author


BY_NAME = Order(Key("name", "sort_key", TEXT))
IN_CATALOG = Scope("page_of_authors", "author", "id", ("true",), "author")


async def page_of_authors(database: Database, window: Window) -> Page[Author]:
    """A page of all authors by their sort name."""
    return (await pages(database, IN_CATALOG, BY_NAME, window, [0], Author, COLUMNS))[0]


AUTHORS_BY_IDS = f"""
/* authors_by_ids */
SELECT {COLUMNS}
FROM author AS t
WHERE t.id = ANY ($1::bigint[])
"""


async def authors_by_ids(database: Database, ids: Sequence[int]) -> list[Author | None]:
    """Each author, None where there is none."""
    authors = each(Author, await database.fetch(AUTHORS_BY_IDS, ids))
    return aligned(ids, {author.id: author for author in authors})


AUTHORS_BY_SLUGS = f"""
/* authors_by_slugs */
SELECT {COLUMNS}
FROM author AS t
WHERE t.slug = ANY ($1::text[])
"""


async def authors_by_slugs(database: Database, slugs: Sequence[str]) -> list[Author | None]:
    """The author of each slug, None where there is none."""
    authors = each(Author, await database.fetch(AUTHORS_BY_SLUGS, slugs))
    return aligned(slugs, {author.slug: author for author in authors})


AUTHORS_BY_BOOK_IDS = f"""
/* authors_by_book_ids */
SELECT ba.book_id, ba.position, ba.role, {COLUMNS}
FROM book_author AS ba
JOIN author AS t ON t.id = ba.author_id
WHERE ba.book_id = ANY ($1::bigint[])
ORDER BY ba.book_id, ba.position
"""


async def authors_by_book_ids(database: Database, book_ids: Sequence[int]) -> list[list[Contribution]]:
    """Each book's authors with their roles, in the book's order."""
    rows = await database.fetch(AUTHORS_BY_BOOK_IDS, book_ids)
    return grouped(
        book_ids,
        (
            (book_id, Contribution(position, role, Author(*columns)))
            for book_id, position, role, *columns in rows
        ),
    )


COUNT_OF_AUTHORS = """
/* count_of_authors */
SELECT authors AS count
FROM catalog_size
"""


async def count_of_authors(database: Database) -> int:
    """How many authors the catalog holds, from its counter."""
    return (await database.fetch(COUNT_OF_AUTHORS))[0]["count"]
