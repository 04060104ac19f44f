"""Categories: their record, their tree, and every read of them."""

from collections.abc import Sequence
from typing import Any

from db.database import Database
from db.keyset import BIGINT, INTEGER, TEXT, Order, Page, PageRequest, Scope, SortKey, fetch_pages
from db.records import CatalogRecord, Columns, align_to_keys, all_columns, group_by_key
from db.redirects import fill_in_redirected
from db.statements import ReadStatement, StatementTemplate


class Category(CatalogRecord):
    """A node of the category tree.

    `path` joins the slugs from the root with "/". `lineage` holds the ids from the root to the category.
    `book_count` counts each book of the subtree once; `direct_book_count` counts the category's own books.
    """

    __slots__ = ()

    type_name = "Category"

    id: int
    parent_id: int | None
    name: str
    path: str
    lineage: list[int]
    book_count: int
    direct_book_count: int
    version: int


class CategoryOfBook(Category):
    """A category with the id of a book that is directly in it."""

    __slots__ = ()

    book_id: int


COLUMNS = all_columns(Category)

NAME = SortKey("category_name", "sort_key", TEXT)
BOOK_COUNT = SortKey("category_book_count", "book_count", INTEGER)
POPULARITY = SortKey("category_popularity", "rating_count", BIGINT)
SORT_KEYS = (NAME, BOOK_COUNT, POPULARITY)
BY_NAME = Order(NAME)
ALL_CATEGORIES = Scope("page_of_categories", "category", "id", ("true",), "category")
ROOTS = Scope("page_of_root_categories", "category", "id", ("l.parent_id IS NULL",), "category")
CHILDREN = Scope("children_by_category_ids", "category", "id", ("l.parent_id = parent.id",), "category")


async def page_of_categories(
    database: Database,
    page_request: PageRequest,
    order: Order = BY_NAME,
    *,
    roots: bool,
    columns: Columns[Category] = COLUMNS,
) -> Page[Category]:
    """Return a page of all categories, or of the root categories."""
    scope = ROOTS if roots else ALL_CATEGORIES
    return (await fetch_pages(database, scope, order, page_request, [0], columns))[0]


async def children_by_category_ids(
    database: Database,
    page_request: PageRequest,
    category_ids: Sequence[int],
    *,
    columns: Columns[Category] = COLUMNS,
) -> list[Page[Category]]:
    """Return the same page of each category's children, sorted by name."""
    return await fetch_pages(database, CHILDREN, BY_NAME, page_request, category_ids, columns)


_CATEGORIES_BY_IDS = StatementTemplate(
    "categories_by_ids",
    """
SELECT {columns}
FROM category AS t
WHERE t.id = ANY ($1::bigint[])
""",
)


async def categories_by_ids(
    database: Database, ids: Sequence[int], *, columns: Columns[Category] = COLUMNS
) -> list[Category | None]:
    """Return the category of each id, or None."""
    categories = await database.fetch(
        *columns.render_for_keys(_CATEGORIES_BY_IDS, ids), record_class=columns.record_class
    )
    return align_to_keys(ids, {category["id"]: category for category in categories})


_CATEGORIES_BY_PATHS = StatementTemplate(
    "categories_by_paths",
    """
SELECT {columns}
FROM category AS t
WHERE t.path = ANY ($1::text[])
""",
)


async def categories_by_paths(
    database: Database, paths: Sequence[str], *, columns: Columns[Category] = COLUMNS
) -> list[Category | None]:
    """Return the category at each path, also at a former path, or None."""
    selection = columns.with_column("path")
    categories = await database.fetch(
        *selection.render_for_keys(_CATEGORIES_BY_PATHS, paths), record_class=selection.record_class
    )
    found = align_to_keys(paths, {category["path"]: category for category in categories})
    return await fill_in_redirected_categories(database, "path", paths, found, columns=columns)


async def fill_in_redirected_categories(
    database: Database,
    column: str,
    keys: Sequence[Any],
    found: list[Any],
    *,
    columns: Columns[Category] = COLUMNS,
) -> list[Any]:
    """Return what was found for the paths, and the categories of former paths in the place of None."""
    return await fill_in_redirected(database, _CATEGORIES_BY_IDS, columns, ("category", column), keys, found)


_CATEGORIES_BY_BOOK_IDS = StatementTemplate(
    "categories_by_book_ids",
    """
SELECT {columns}, bc.book_id
FROM book_category AS bc
JOIN category AS t ON t.id = bc.category_id
WHERE bc.book_id = ANY ($1::bigint[])
ORDER BY bc.book_id, t.path
""",
)


async def categories_by_book_ids(
    database: Database, book_ids: Sequence[int], *, columns: Columns[Category] = COLUMNS
) -> list[list[CategoryOfBook]]:
    """Return the categories that each book is directly in, sorted by path."""
    rows = await database.fetch(
        columns.render(_CATEGORIES_BY_BOOK_IDS), book_ids, record_class=CategoryOfBook
    )
    return group_by_key(book_ids, rows, "book_id")


_BREADCRUMBS_BY_BOOK_IDS = StatementTemplate(
    "breadcrumbs_by_book_ids",
    """
SELECT {columns}, main.book_id
FROM (
    SELECT DISTINCT ON (bc.book_id) bc.book_id, c.lineage
    FROM book_category AS bc
    JOIN category AS c ON c.id = bc.category_id
    WHERE bc.book_id = ANY ($1::bigint[])
    ORDER BY bc.book_id, cardinality(c.lineage) DESC, c.book_count DESC, c.id
) AS main
CROSS JOIN LATERAL unnest(main.lineage) WITH ORDINALITY AS step (category_id, depth)
JOIN category AS t ON t.id = step.category_id
ORDER BY main.book_id, step.depth
""",
)


async def breadcrumbs_by_book_ids(
    database: Database, book_ids: Sequence[int], *, columns: Columns[Category] = COLUMNS
) -> list[list[CategoryOfBook]]:
    """Return the path from the root to the main category of each book; empty for a book without a category.

    The main category is the deepest one that the book is directly in; of several, the one with most books.
    """
    rows = await database.fetch(
        columns.render(_BREADCRUMBS_BY_BOOK_IDS), book_ids, record_class=CategoryOfBook
    )
    return group_by_key(book_ids, rows, "book_id")


_COUNTS_OF_CHILDREN = ReadStatement(
    "counts_of_children_by_category_ids",
    """
SELECT parent_id, count(*) AS count
FROM category
WHERE parent_id = ANY ($1::bigint[])
GROUP BY parent_id
""",
)


async def child_counts_by_category_ids(database: Database, category_ids: Sequence[int]) -> list[int]:
    """Return the number of children of each category."""
    rows = await database.fetch(_COUNTS_OF_CHILDREN, category_ids)
    counts: dict[int, int] = {row["parent_id"]: row["count"] for row in rows}
    return [counts.get(category_id, 0) for category_id in category_ids]


_COUNT_OF_CATEGORIES = ReadStatement(
    "count_of_categories",
    """
SELECT categories AS count
FROM catalog_size
""",
)

_COUNT_OF_ROOT_CATEGORIES = ReadStatement(
    "count_of_root_categories",
    """
SELECT count(*) AS count
FROM category
WHERE parent_id IS NULL
""",
)


async def count_categories(database: Database, *, roots: bool) -> int:
    """Return the number of categories in the catalog, or of root categories."""
    rows = await database.fetch(_COUNT_OF_ROOT_CATEGORIES if roots else _COUNT_OF_CATEGORIES)
    return rows[0]["count"]
