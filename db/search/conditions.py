"""Conditions on the books of a list, as SQL whose words are the code's own and whose values are bound.

A condition's SQL is a template: `{}` stands for the next value, `{id}` for the book's id in the list,
`{l}` for the list's row and `{b}` for the book's, `{band}` for what else a document must hold. Values that
are missing fulfil no condition but their own absence, and `negated` is the exact complement.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from db.pages import Scope


@dataclass(frozen=True, slots=True)
class Condition:
    """A template and its values, in the order of their places."""

    sql: str
    values: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """What books are filtered by: where it stands, and the type its values are cast to."""

    place: str
    sql_type: str


# The listings repeat the sort keys, languages and currencies of their books.
LANGUAGE = Column("{l}.language", "text")
PRICE = Column("{l}.price", "numeric")
CURRENCY = Column("{l}.currency", "text")
PUBLISHED = Column("{l}.published_key", "integer")
RATING = Column("{l}.rating_average", "numeric")
ISBN = Column("{b}.isbn", "text")

OPERATORS = {"eq": "=", "neq": "<>", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}

BORN = Column("{l}.birth_year", "integer")
DIED = Column("{l}.death_year", "integer")

IN_STOCK = Condition("{b}.stock > 0")
ALWAYS = Condition("true")


def compared(column: Column, operator: str, value: object) -> Condition:
    """The column has a value, and it compares so."""
    return Condition(f"{column.place} {OPERATORS[operator]} {{}}::{column.sql_type}", (value,))


def among(column: Column, values: Sequence[object]) -> Condition:
    return Condition(f"{column.place} = ANY ({{}}::{column.sql_type}[])", (tuple(values),))


def not_among(column: Column, values: Sequence[object]) -> Condition:
    if not values:  # what is missing differs from all of none
        return present(column)
    return Condition(f"{column.place} <> ALL ({{}}::{column.sql_type}[])", (tuple(values),))


def missing(column: Column) -> Condition:
    return Condition(f"{column.place} IS NULL")


def present(column: Column) -> Condition:
    return Condition(f"{column.place} IS NOT NULL")


def named(operator: str, text: str) -> Condition:
    """The sort name, case and accents aside, is the text, begins with it or contains it."""
    folded = "left(fold({}::text), 80)"
    if operator == "startsWith":
        beyond = f"{folded} || chr(1114111)"
        return Condition(f"{{l}}.sort_key >= {folded} AND {{l}}.sort_key < {beyond}", (text, text))
    if operator == "contains":
        escaped = text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
        return Condition("{l}.sort_key LIKE '%' || fold({}::text) || '%'", (escaped,))
    return Condition(f"{{l}}.sort_key = {folded}", (text,))


def by_authors(author_ids: Iterable[int]) -> Condition:
    """One of the authors contributed."""
    return Condition(
        "EXISTS (SELECT FROM author_listing AS f WHERE f.book_id = {id}"
        " AND f.author_id = ANY ({}::bigint[]))",
        (tuple(author_ids),),
    )


def in_categories(category_ids: Iterable[int], *, descendants: bool = True) -> Condition:
    """In one of the categories, or below one."""
    direct = "" if descendants else " AND f.direct"
    return Condition(
        "EXISTS (SELECT FROM category_listing AS f WHERE f.book_id = {id}"
        f" AND f.category_id = ANY ({{}}::bigint[]){direct})",
        (tuple(category_ids),),
    )


def one_of(book_ids: Sequence[int]) -> Condition:
    return Condition("{id} IN (SELECT unnest({}::bigint[]))", (tuple(book_ids),))


def matching(query: str) -> Condition:
    """The document matches a query that PostgreSQL wrote."""
    return Condition(
        "EXISTS (SELECT FROM book_search AS f WHERE f.book_id = {id} AND f.document @@ ({}::tsquery{band}))",
        (query,),
    )


def all_of(conditions: Iterable[Condition]) -> Condition:
    return joined(" AND ", conditions, ALWAYS)


def any_of(conditions: Iterable[Condition]) -> Condition:
    return joined(" OR ", conditions, Condition("false"))


def joined(word: str, conditions: Iterable[Condition], empty: Condition) -> Condition:
    """The conditions, joined; ones that are always fulfilled are left out of a conjunction."""
    parts = [each for each in conditions if not (each == ALWAYS and empty == ALWAYS)]
    if len(parts) < 2:
        return parts[0] if parts else empty
    values = tuple(value for part in parts for value in part.values)
    return Condition("(" + word.join(part.sql for part in parts) + ")", values)


def negated(condition: Condition) -> Condition:
    return Condition(f"({condition.sql}) IS NOT TRUE", condition.values)


def narrowed(scope: Scope, condition: Condition, first: int, columns: str = "") -> Scope:
    """The scope with the condition on top; its values are those from parameter `first` on.

    The book is at hand where the condition or the columns ask for it.
    """
    numbers = iter(range(first, first + len(condition.values)))
    places = places_in(scope, condition.sql + columns)
    table, link = scope.table, ""
    if places["b"] != "l":
        table, link = f"book AS b CROSS JOIN {scope.table}", f" AND b.id = l.{scope.identity}"
    sql = filled(condition.sql, places, numbers)
    return replace(
        scope, table=table, conditions=tuple(f"{each}{link} AND {sql}" for each in scope.conditions)
    )


def fixed(scope: Scope, parent: str) -> Scope:
    """The scope of one parent alone, which is a parameter or a part of one."""
    return replace(scope, conditions=tuple(each.replace("parent.id", parent) for each in scope.conditions))


def alone(scope: Scope, parents: Sequence[int]) -> Scope:
    """The scope, planned for its parent if there is but one: large categories are read in other ways."""
    return fixed(scope, "($1::bigint[])[1]") if len(parents) == 1 else scope


def members(scope: Scope, condition: Condition, first: int, columns: str = "", end: str = "") -> str:
    """The rows of a list that fulfil the condition; the columns are a template too.

    `end` orders and limits them, whichever of the scope's conditions they come from.
    """
    narrow = narrowed(scope, condition, first, columns)
    selected = filled(columns, places_in(scope, condition.sql + columns), iter(()))
    parts = [f"(SELECT {selected} FROM {narrow.table} AS l WHERE {each} {end})" for each in narrow.conditions]
    return f"{' UNION ALL '.join(parts)} {end}" if len(parts) > 1 else parts[0]


def places_in(scope: Scope, template: str) -> dict[str, str]:
    """What the places of a template stand for: the list's row is the book's own in a list of `book`."""
    book = "b" if "{b}" in template and scope.table != "book" else "l"
    return {"id": f"l.{scope.identity}", "l": "l", "b": book, "band": ""}


def filled(template: str, places: Mapping[str, str], numbers: Iterator[int]) -> str:
    """The template with its places and, in their order, its values' numbers."""
    for place, word in places.items():
        template = template.replace(f"{{{place}}}", word)
    head, *rest = template.split("{}")
    return head + "".join(f"${next(numbers)}{part}" for part in rest)
