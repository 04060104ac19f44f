"""The choice of the list to read, if a filter restricts a list of books to one author or category.

The shorter of the two lists is read. An author's books in a category of 460,000 books are found in the
author's list, which saves 80 to 280 ms in a catalog of five million books.
"""

from collections.abc import Sequence

from db.books import ALL_BOOKS, BY_CATEGORY, AuthorScope
from db.database import Database
from db.keyset import Scope
from db.search.conditions import Condition, all_of, by_authors, in_categories
from db.search.filters import Filter, ListRestriction
from db.search.list_condition import ListCondition
from db.search.text_query import TextQuery
from db.statements import StatementTemplate

_COUNTER_TABLES = {"author_listing": "author", "category_listing": "category"}
"""The table with the counters of the books in each listing."""

_IS_SHORTER = StatementTemplate(
    "is_shorter",
    """
SELECT coalesce((SELECT book_count FROM {restriction} WHERE id = $1::bigint), 0)
     < coalesce((SELECT book_count FROM {parent} WHERE id = $2::bigint), 0) AS shorter
""",
)


async def choose_shorter_list(
    database: Database,
    scope: Scope,
    parents: Sequence[int],
    book_filter: Filter,
    text_query: TextQuery | None,
) -> tuple[Scope, Sequence[int], ListCondition]:
    """Return the scope and parents of the shortest list that holds the matching books, and its condition."""
    restriction = book_filter.restriction
    if restriction is None or len(parents) > 1:
        return scope, parents, book_filter.to_list_condition(text_query)
    [parent] = parents
    if scope != ALL_BOOKS and not await _is_shorter(database, restriction, scope, parent):
        return scope, parents, book_filter.to_list_condition(text_query)
    condition = all_of(
        [
            *_membership_conditions(scope, parent),
            book_filter.to_list_condition(text_query, restriction.facet).others,
        ]
    )
    return restriction.scope, [restriction.key], ListCondition(condition, text_query)


async def _is_shorter(database: Database, restriction: ListRestriction, scope: Scope, parent: int) -> bool:
    """Return whether the restriction's list is shorter than the parent's, by their counters."""
    statement = _IS_SHORTER.fill(
        restriction=_COUNTER_TABLES[restriction.scope.table], parent=_COUNTER_TABLES[scope.table]
    )
    return (await database.fetch(statement, restriction.key, parent))[0]["shorter"]


def _membership_conditions(scope: Scope, parent: int) -> list[Condition]:
    """Return the conditions for a book to be in the parent's list."""
    if scope == ALL_BOOKS:
        return []
    if isinstance(scope, AuthorScope):
        return [by_authors([parent], scope.roles)]
    return [in_categories([parent], descendants=scope == BY_CATEGORY)]
