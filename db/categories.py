"""Categories: their record, their tree, and every read of them."""

from collections.abc import Sequence

from db.database import Database
from db.pages import TEXT, Key, Order, Page, Scope, Window, pages
from db.rows import Columns, Row, aligned, all_columns, grouped


class Category(Row):
    """A node of the tree. `path` joins the slugs from the root with "/"; `lineage` holds the ids from
    the root to the category itself; `book_count` counts the books of the whole subtree once each,
    `direct_book_count` those put into the category itself."""

    __slots__ = ()

    entity = "Category"

    id: int
    parent_id: int | None
    name: str
    path: str
    lineage: list[int]
    book_count: int
    direct_book_count: int


class CategoryOfBook(Category):
    """A category with the book that was put into it."""

    __slots__ = ()

    book_id: int


COLUMNS = all_columns(Category)

BY_NAME = Order(Key("name", "sort_key", TEXT))
IN_CATALOG = Scope("page_of_categories", "category", "id", ("true",), "category")
ROOTS = Scope("page_of_root_categories", "category", "id", ("l.parent_id IS NULL",), "category")
CHILDREN = Scope("children_by_category_ids", "category", "id", ("l.parent_id = parent.id",), "category")


async def page_of_categories(
    database: Database, window: Window, *, roots: bool, columns: Columns[Category] = COLUMNS
) -> Page[Category]:
    """A page by name of all categories, or of those without a parent."""
    scope = ROOTS if roots else IN_CATALOG
    return (await pages(database, scope, BY_NAME, window, [0], columns))[0]


async def children_by_category_ids(
    database: Database,
    window: Window,
    category_ids: Sequence[int],
    *,
    columns: Columns[Category] = COLUMNS,
) -> list[Page[Category]]:
    """The same page of each category's children, by name."""
    return await pages(database, CHILDREN, BY_NAME, window, category_ids, columns)


CATEGORIES_BY_IDS = """
/* categories_by_ids */
SELECT {columns}
FROM category AS t
WHERE t.id = ANY ($1::bigint[])
"""


async def categories_by_ids(
    database: Database, ids: Sequence[int], *, columns: Columns[Category] = COLUMNS
) -> list[Category | None]:
    """Each category, None where there is none."""
    categories = await database.fetch(*columns.text_for(CATEGORIES_BY_IDS, ids), record_class=columns.kind)
    return aligned(ids, {category["id"]: category for category in categories})


CATEGORIES_BY_PATHS = """
/* categories_by_paths */
SELECT {columns}
FROM category AS t
WHERE t.path = ANY ($1::text[])
"""


async def categories_by_paths(
    database: Database, paths: Sequence[str], *, columns: Columns[Category] = COLUMNS
) -> list[Category | None]:
    """The category at each path, None where there is none."""
    read = columns.including("path")
    categories = await database.fetch(*read.text_for(CATEGORIES_BY_PATHS, paths), record_class=read.kind)
    return aligned(paths, {category["path"]: category for category in categories})


CATEGORIES_BY_BOOK_IDS = """
/* categories_by_book_ids */
SELECT {columns}, bc.book_id
FROM book_category AS bc
JOIN category AS t ON t.id = bc.category_id
WHERE bc.book_id = ANY ($1::bigint[])
ORDER BY bc.book_id, t.path
"""


async def categories_by_book_ids(
    database: Database, book_ids: Sequence[int], *, columns: Columns[Category] = COLUMNS
) -> list[list[CategoryOfBook]]:
    """The categories each book was put into, by path."""
    kind = CategoryOfBook
    rows = await database.fetch(columns.text(CATEGORIES_BY_BOOK_IDS), book_ids, record_class=kind)
    return grouped(book_ids, rows, "book_id")


COUNTS_OF_CHILDREN = """
/* counts_of_children_by_category_ids */
SELECT parent_id, count(*) AS count
FROM category
WHERE parent_id = ANY ($1::bigint[])
GROUP BY parent_id
"""


async def counts_of_children_by_category_ids(database: Database, category_ids: Sequence[int]) -> list[int]:
    """How many children each category has."""
    rows = await database.fetch(COUNTS_OF_CHILDREN, category_ids)
    counts: dict[int, int] = {row["parent_id"]: row["count"] for row in rows}
    return [counts.get(category_id, 0) for category_id in category_ids]


COUNT_OF_CATEGORIES = """
/* count_of_categories */
SELECT categories AS count
FROM catalog_size
"""

COUNT_OF_ROOT_CATEGORIES = """
/* count_of_root_categories */
SELECT count(*) AS count
FROM category
WHERE parent_id IS NULL
"""


async def count_of_categories(database: Database, *, roots: bool) -> int:
    """How many categories the catalog holds, or how many of them have no parent."""
    rows = await database.fetch(COUNT_OF_ROOT_CATEGORIES if roots else COUNT_OF_CATEGORIES)
    return rows[0]["count"]
