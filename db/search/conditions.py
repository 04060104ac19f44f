"""Filter conditions on the rows of a list, as SQL text from the code with bound values.

A condition's SQL is a template with these placeholders:

- `{}`: the next value
- `{id}`: the book's id in the list
- `{l}`: the list's row
- `{b}`: the book's row
- `{tier_clause}`: a further condition on the search document

A null value matches no condition except is_null(). negate() is the exact complement.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from db.constraints import MAX_SORT_KEY_LENGTH
from db.keyset import Scope


@dataclass(frozen=True, slots=True)
class Condition:
    """A template and its values, in the order of its placeholders.

    `is_indexed`: an index of `book` finds the rows that match, without a list.
    """

    sql: str
    values: tuple[object, ...] = ()
    is_indexed: bool = False


@dataclass(frozen=True, slots=True)
class RecordKeys:
    """Slugs of authors or paths of categories, as a value until `resolve_record_keys` reads the ids."""

    table: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FilterColumn:
    """A column to filter by: its SQL expression, and the type that values are cast to.

    `is_indexed`: an index of `book` finds the rows with a value.
    """

    expression: str
    sql_type: str
    is_indexed: bool = False


# The listings repeat the sort keys, languages and currencies of their books.
LANGUAGE_COLUMN = FilterColumn("{l}.language", "text")
PRICE_COLUMN = FilterColumn("{l}.price", "numeric")
CURRENCY_COLUMN = FilterColumn("{l}.currency", "text")
PUBLISHED_COLUMN = FilterColumn("{l}.published_key", "integer")
RATING_COLUMN = FilterColumn("{l}.rating_average", "numeric")
FORMAT_COLUMN = FilterColumn("{b}.format", "text", is_indexed=True)
PUBLISHER_COLUMN = FilterColumn("{b}.publisher", "text", is_indexed=True)
SERIES_COLUMN = FilterColumn("{b}.series_id", "bigint", is_indexed=True)
ISBN_COLUMN = FilterColumn("{b}.isbn", "text", is_indexed=True)
BOOK_ID_COLUMN = FilterColumn("{id}", "bigint", is_indexed=True)
UPDATED_COLUMN = FilterColumn("{b}.updated_at", "timestamptz", is_indexed=True)

_OPERATORS = {"eq": "=", "neq": "<>", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}

_AFTER = " + interval '1 microsecond'"
_SIDES_OF_FIRST_BOOK = {"lt": ("<", ""), "lte": ("<", _AFTER), "gt": (">=", _AFTER), "gte": (">=", "")}
"""By operator: the comparison with the first book since a time, and what is added to the time."""

BIRTH_YEAR_COLUMN = FilterColumn("{l}.birth_year", "integer")
DEATH_YEAR_COLUMN = FilterColumn("{l}.death_year", "integer")

# The rows with a name have a sort key: the first MAX_SORT_KEY_LENGTH characters of the folded name.
AUTHOR_NAME_COLUMN = FilterColumn("{l}.sort_name", "text")
CATEGORY_NAME_COLUMN = FilterColumn("{l}.name", "text")

IN_STOCK = Condition("{b}.stock > 0")
ALWAYS = Condition("true")


def compare(column: FilterColumn, operator: str, value: object) -> Condition:
    """Match rows whose value is not null and compares true."""
    return Condition(
        f"{column.expression} {_OPERATORS[operator]} {{}}::{column.sql_type}", (value,), column.is_indexed
    )


def added(operator: str, time: datetime) -> Condition:
    """Match books by the time when they were added: by the side of the first book since then."""
    side, shift = _SIDES_OF_FIRST_BOOK[operator]
    return Condition(f"{{id}} {side} first_book_since({{}}::timestamptz{shift})", (time,))


def in_values(column: FilterColumn, values: Sequence[object]) -> Condition:
    """Match rows whose value is one of the values."""
    return Condition(
        f"{column.expression} = ANY ({{}}::{column.sql_type}[])", (tuple(values),), column.is_indexed
    )


def not_in_values(column: FilterColumn, values: Sequence[object]) -> Condition:
    """Match rows whose value is not null and none of the values."""
    if not values:  # `<> ALL` of an empty array is true for null, too
        return is_not_null(column)
    return Condition(f"{column.expression} <> ALL ({{}}::{column.sql_type}[])", (tuple(values),))


def is_null(column: FilterColumn) -> Condition:
    return Condition(f"{column.expression} IS NULL")


def is_not_null(column: FilterColumn) -> Condition:
    return Condition(f"{column.expression} IS NOT NULL")


def name_equals(column: FilterColumn, text: str) -> Condition:
    """Match rows whose name equals the text, ignoring case and accents."""
    return Condition(
        f"({{l}}.sort_key = left(fold({{}}::text), {MAX_SORT_KEY_LENGTH})"
        f" AND (length({{l}}.sort_key) < {MAX_SORT_KEY_LENGTH}"
        f" OR fold({column.expression}) = fold({{}}::text)))",
        (text, text),
    )


def name_starts_with(column: FilterColumn, text: str) -> Condition:
    """Match rows whose name starts with the text, ignoring case and accents."""
    prefix = f"left(fold({{}}::text), {MAX_SORT_KEY_LENGTH})"
    return Condition(
        f"({{l}}.sort_key >= {prefix} AND {{l}}.sort_key < {prefix} || chr(1114111)"
        f" AND (length(fold({{}}::text)) <= {MAX_SORT_KEY_LENGTH}"
        f" OR starts_with(fold({column.expression}), fold({{}}::text))))",
        (text,) * 4,
    )


def name_contains(column: FilterColumn, text: str) -> Condition:
    """Match rows whose name contains the text, ignoring case and accents.

    The wildcards of LIKE are escaped after folding, because folding turns `％` into `%`.
    """
    pattern = r"'%' || regexp_replace(fold({}::text), '([\\%_])', '\\\1', 'g') || '%'"
    return Condition(
        f"({{l}}.sort_key LIKE {pattern}"
        f" OR (length({{l}}.sort_key) = {MAX_SORT_KEY_LENGTH} AND fold({column.expression}) LIKE {pattern}))",
        (text, text),
    )


def by_authors(author_ids: Iterable[int] | RecordKeys, roles: Iterable[str] | None = None) -> Condition:
    """Match books with at least one of the authors, in one of the roles; None stands for any role."""
    if roles is not None:
        return Condition(
            "EXISTS (SELECT FROM book_author AS f WHERE f.book_id = {id}"
            " AND f.author_id = ANY ({}::bigint[]) AND f.role = ANY ({}::text[]))",
            (_ids_value(author_ids), tuple(roles)),
        )
    return Condition(
        "EXISTS (SELECT FROM author_listing AS f WHERE f.book_id = {id}"
        " AND f.author_id = ANY ({}::bigint[]))",
        (_ids_value(author_ids),),
    )


def in_categories(category_ids: Iterable[int] | RecordKeys, *, descendants: bool = True) -> Condition:
    """Match books in one of the categories, or in a descendant of one."""
    direct = "" if descendants else " AND f.direct"
    return Condition(
        "EXISTS (SELECT FROM category_listing AS f WHERE f.book_id = {id}"
        f" AND f.category_id = ANY ({{}}::bigint[]){direct})",
        (_ids_value(category_ids),),
    )


def _ids_value(ids: Iterable[int] | RecordKeys) -> object:
    return ids if isinstance(ids, RecordKeys) else tuple(ids)


def id_in(book_ids: Sequence[int]) -> Condition:
    """Match the books with these ids."""
    return Condition("{id} IN (SELECT unnest({}::bigint[]))", (tuple(book_ids),))


def matches_tsquery(query: str) -> Condition:
    """Match books whose search document matches a tsquery."""
    return Condition(
        "EXISTS (SELECT FROM book_search AS f WHERE f.book_id = {id}"
        " AND f.document @@ ({}::tsquery{tier_clause}))",
        (query,),
    )


def all_of(conditions: Iterable[Condition]) -> Condition:
    """Join the conditions with AND; no conditions match every row."""
    return _join_conditions(" AND ", conditions, ALWAYS)


def any_of(conditions: Iterable[Condition]) -> Condition:
    """Join the conditions with OR; no conditions match no row."""
    return _join_conditions(" OR ", conditions, Condition("false"))


def _join_conditions(word: str, conditions: Iterable[Condition], empty: Condition) -> Condition:
    """Join the conditions; a conjunction omits those that are always true."""
    parts = [condition for condition in conditions if not (condition == ALWAYS and empty == ALWAYS)]
    if len(parts) < 2:
        return parts[0] if parts else empty
    values = tuple(value for part in parts for value in part.values)
    indexed = [part.is_indexed for part in parts]
    is_indexed = any(indexed) if empty == ALWAYS else all(indexed)
    return Condition("(" + word.join(part.sql for part in parts) + ")", values, is_indexed)


def negate(condition: Condition) -> Condition:
    """Match exactly the rows that the condition does not match, including those where it is null."""
    return Condition(f"({condition.sql}) IS NOT TRUE", condition.values)


def restrict_scope(scope: Scope, condition: Condition, first_parameter: int, columns: str = "") -> Scope:
    """Return the scope with the condition added; its values start at parameter `first_parameter`.

    The book is joined if the condition or the columns use it. Every book of a list is published; saying so
    lets the planner start from an index of `book` that finds the rows, which holds no others.
    """
    numbers = iter(range(first_parameter, first_parameter + len(condition.values)))
    placeholders = _placeholder_values(scope, condition.sql + columns)
    table, link = scope.table, ""
    if placeholders["b"] != "l":
        table = f"book AS b CROSS JOIN {scope.table}"
        published = " AND b.is_published" if condition.is_indexed else ""
        link = f" AND b.id = l.{scope.id_column}{published}"
    sql = _fill_template(condition.sql, placeholders, numbers)
    return replace(
        scope, table=table, conditions=tuple(f"{each}{link} AND {sql}" for each in scope.conditions)
    )


def bind_parent(scope: Scope, parent: str) -> Scope:
    """Return the scope of a single parent; `parent` is the SQL of its id."""
    return replace(scope, conditions=tuple(each.replace("parent.id", parent) for each in scope.conditions))


def bind_single_parent(scope: Scope, parents: Sequence[int]) -> Scope:
    """Bind a single parent so that the planner uses its value: a large category needs another plan."""
    return bind_parent(scope, "($1::bigint[])[1]") if len(parents) == 1 else scope


def select_rows_sql(
    scope: Scope, condition: Condition, first_parameter: int, columns: str = "", end: str = ""
) -> str:
    """Return the SQL for the rows of a list that match the condition; `columns` is a template too.

    `end` is the ORDER BY and LIMIT, applied to the rows of all the scope's conditions together.
    """
    restricted = restrict_scope(scope, condition, first_parameter, columns)
    selected = _fill_template(columns, _placeholder_values(scope, condition.sql + columns), iter(()))
    parts = [
        f"(SELECT {selected} FROM {restricted.table} AS l WHERE {each} {end})"
        for each in restricted.conditions
    ]
    return f"{' UNION ALL '.join(parts)} {end}" if len(parts) > 1 else parts[0]


def contains_row_sql(scope: Scope, condition: Condition, first_parameter: int, id_sql: str) -> str:
    """Return the SQL of whether the list has a row with an id that matches the condition."""
    restricted = restrict_scope(scope, condition, first_parameter)
    parts = [
        f"EXISTS (SELECT FROM {restricted.table} AS l WHERE l.{scope.id_column} = {id_sql} AND {each})"
        for each in restricted.conditions
    ]
    return f"({' OR '.join(parts)})"


def _placeholder_values(scope: Scope, template: str) -> dict[str, str]:
    """Return the value of each named placeholder. In a list of `book`, the list's row is the book's."""
    book = "b" if "{b}" in template and scope.table != "book" else "l"
    return {"id": f"l.{scope.id_column}", "l": "l", "b": book, "tier_clause": ""}


def _fill_template(template: str, placeholders: Mapping[str, str], numbers: Iterator[int]) -> str:
    """Fill in the named placeholders, then number the value placeholders in their order."""
    for placeholder, value in placeholders.items():
        template = template.replace(f"{{{placeholder}}}", value)
    head, *rest = template.split("{}")
    return head + "".join(f"${next(numbers)}{part}" for part in rest)
