"""Redirects: authors and categories by the keys that they had before a merge, a new name or a move."""

from collections.abc import Hashable, Sequence
from typing import Any, TypeVar

from db.database import Database
from db.records import CatalogRecord, Columns
from db.statements import ReadStatement, StatementTemplate

R = TypeVar("R", bound=CatalogRecord)
K = TypeVar("K", bound=Hashable)

_AUTHOR_REDIRECTS_BY_IDS = ReadStatement(
    "author_redirects_by_ids",
    """
SELECT old_id AS key, author_id AS id FROM author_merge WHERE old_id = ANY ($1::bigint[])
""",
)

_AUTHOR_REDIRECTS_BY_SLUGS = ReadStatement(
    "author_redirects_by_slugs",
    """
SELECT slug AS key, author_id AS id FROM author_redirect WHERE slug = ANY ($1::text[])
""",
)

_CATEGORY_REDIRECTS_BY_PATHS = ReadStatement(
    "category_redirects_by_paths",
    """
SELECT path AS key, category_id AS id FROM category_redirect WHERE path = ANY ($1::text[])
""",
)

_STATEMENTS = {
    ("author", "id"): _AUTHOR_REDIRECTS_BY_IDS,
    ("author", "slug"): _AUTHOR_REDIRECTS_BY_SLUGS,
    ("category", "path"): _CATEGORY_REDIRECTS_BY_PATHS,
}
"""The statement of each table and column with former keys."""


async def fill_in_redirected(
    database: Database,
    by_ids: StatementTemplate,
    columns: Columns[R],
    key: tuple[str, str],
    keys: Sequence[K],
    found: list[R | None],
) -> list[R | None]:
    """Return the records that were found for the keys, and those of old keys in the place of None.

    `key` is the table and its column with the keys; `by_ids` reads rows of the table by their ids.
    """
    missing = [each for each, record in zip(keys, found, strict=True) if record is None]
    if not missing or key not in _STATEMENTS:
        return found
    ids: dict[Any, int] = {row["key"]: row["id"] for row in await database.fetch(_STATEMENTS[key], missing)}
    if not ids:
        return found
    rows = await database.fetch(
        *columns.render_for_keys(by_ids, list(set(ids.values()))), record_class=columns.record_class
    )
    by_id = {row["id"]: row for row in rows}
    return [record or by_id.get(ids.get(each, 0)) for each, record in zip(keys, found, strict=True)]
