"""The ids of the records that a filter names by slug or path.

They are read before the list: a statement is planned for the ids, since a category of half of the catalog
needs another plan than a small one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from db import authors, categories
from db.database import Database
from db.search.conditions import Condition, RecordKeys
from db.search.filters import Filter, ListRestriction

_Ids = Mapping[RecordKeys, tuple[int, ...]]


async def resolve_record_keys(database: Database, filters: Sequence[Filter]) -> list[Filter]:
    """Return the filters with ids instead of slugs and paths, also of former ones.

    A slug or path without a record is left out.
    """
    all_keys = [keys for each in filters for keys in each.record_keys]
    slugs = _keys_of_table(all_keys, "author")
    paths = _keys_of_table(all_keys, "category")
    ids: dict[tuple[str, str], int] = {}
    if slugs:
        found = await authors.authors_by_slugs(database, slugs, columns=_AUTHOR_IDS)
        ids |= {("author", slug): each.id for slug, each in zip(slugs, found, strict=True) if each}
    if paths:
        placed = await categories.categories_by_paths(database, paths, columns=_CATEGORY_IDS)
        ids |= {("category", path): each.id for path, each in zip(paths, placed, strict=True) if each}
    ids_by_keys: _Ids = {
        keys: tuple(ids[keys.table, key] for key in keys.keys if (keys.table, key) in ids)
        for keys in all_keys
    }
    return [_resolve_filter(each, ids_by_keys) for each in filters]


_AUTHOR_IDS = authors.COLUMNS.subset(frozenset(["id"]))
_CATEGORY_IDS = categories.COLUMNS.subset(frozenset(["id"]))


def _keys_of_table(all_keys: Sequence[RecordKeys], table: str) -> list[str]:
    return list(dict.fromkeys(key for keys in all_keys if keys.table == table for key in keys.keys))


def _resolve_filter(book_filter: Filter, ids: _Ids) -> Filter:
    return replace(
        book_filter,
        other_conditions=_resolve_condition(book_filter.other_conditions, ids),
        facet_conditions=tuple(
            (facet, _resolve_condition(condition, ids)) for facet, condition in book_filter.facet_conditions
        ),
        restriction=_resolve_restriction(book_filter.restriction, ids),
    )


def _resolve_condition(condition: Condition, ids: _Ids) -> Condition:
    values = tuple(ids[each] if isinstance(each, RecordKeys) else each for each in condition.values)
    return replace(condition, values=values)


def _resolve_restriction(restriction: ListRestriction | None, ids: _Ids) -> ListRestriction | None:
    if restriction is None or restriction.record_keys is None:
        return restriction
    key, *_ = (*ids[restriction.record_keys], 0)
    return replace(restriction, key=key, record_keys=None)
