"""Places: a list of books that is narrowed to one author or category is read from the shorter of the two.

An author's books in a category of 460,000 are found among the author's: 80 to 280 ms less at five million.
"""

from collections.abc import Sequence

from db.books import BY_AUTHOR, BY_CATEGORY, IN_CATALOG
from db.database import Database
from db.pages import Scope
from db.search.conditions import Condition, all_of, by_authors, in_categories
from db.search.filters import Filter, Place
from db.search.lists import Search
from db.search.text import Meaning

OWNERS = {"author_listing": "author", "category_listing": "category"}
"""The tables whose counters say how long the lists in a listing are."""

IS_SHORTER = """
/* is_shorter */
SELECT coalesce((SELECT book_count FROM {place} WHERE id = $1::bigint), 0)
     < coalesce((SELECT book_count FROM {parent} WHERE id = $2::bigint), 0) AS shorter
"""


async def shortest(
    database: Database, scope: Scope, parents: Sequence[int], wanted: Filter, meaning: Meaning | None
) -> tuple[Scope, Sequence[int], Search]:
    """The shortest list that holds what is asked for of these parents' books, and the search in it."""
    place = wanted.place
    if place is None or len(parents) > 1:
        return scope, parents, wanted.search(meaning)
    [parent] = parents
    if scope != IN_CATALOG and not await is_shorter(database, place, scope, parent):
        return scope, parents, wanted.search(meaning)
    condition = all_of([*membership(scope, parent), wanted.search(meaning, place.facet).condition])
    return place.scope, [place.key], Search(condition, meaning)


async def is_shorter(database: Database, place: Place, scope: Scope, parent: int) -> bool:
    """Whether the place's list is shorter than the parent's, as their counters say."""
    text = IS_SHORTER.format(place=OWNERS[place.scope.table], parent=OWNERS[scope.table])
    return (await database.fetch(text, place.key, parent))[0]["shorter"]


def membership(scope: Scope, parent: int) -> list[Condition]:
    """That a book stands in the parent's list."""
    if scope == IN_CATALOG:
        return []
    if scope == BY_AUTHOR:
        return [by_authors([parent])]
    return [in_categories([parent], descendants=scope == BY_CATEGORY)]
