"""Records: the rows that reads return, the columns they select, and their order by the requested keys."""

import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any, Generic, TypeVar

from asyncpg import Record

from db.statements import ReadStatement, StatementTemplate

R = TypeVar("R", bound="CatalogRecord")
T = TypeVar("T")
K = TypeVar("K", bound=Hashable)

_ANY_CLAUSE = re.compile(r"= ANY \(\$1::(\w+)\[\]\)")

_MAX_CACHED_SELECTIONS = 256
"""Maximum number of column selections cached per table, with their statements."""


class CatalogRecord(Record):
    """Base class of records: rows as asyncpg decodes them, without another copy.

    A subclass's annotations name its columns; `columns` adds others with their types. Each column is an
    attribute and an item. Reading a column that was not selected raises KeyError.
    """

    __slots__ = ()

    type_name = ""

    def __init_subclass__(cls, *, columns: Mapping[str, Any] | None = None) -> None:
        cls.__annotations__ = {**cls.__annotations__, **(columns or {})}
        for name in cls.__annotations__:
            setattr(cls, name, property(itemgetter(name)))


class Columns(Generic[R]):
    """A selection of columns of a table `t`, read into one record class; `sql` is its select list.

    `expressions` gives the SQL of each column that is computed. `full` is the selection of all columns.
    """

    def __init__(
        self,
        record_class: type[R],
        names: Sequence[str],
        expressions: Mapping[str, str],
        full: "Columns[R] | None" = None,
    ) -> None:
        self.record_class = record_class
        self.names = names
        self.expressions = expressions
        self.full = full or self
        self.sql = ", ".join(
            f"{expressions[name]} AS {name}" if name in expressions else f"t.{name}" for name in names
        )
        self.statement_cache: dict[Hashable, ReadStatement] = {}

    def joined_sql(self, table: str) -> str:
        """Return the select list for a joined table, aliased as JoinedRecord expects."""
        return ", ".join(
            f"{self.expressions.get(name, f't.{name}').replace('t.', f'{table}.', 1)} AS joined_{name}"
            for name in self.names
        )

    def render(self, template: StatementTemplate) -> ReadStatement:
        """Return the statement with {columns} in the template replaced by the select list."""
        statement = self.statement_cache.get(template)
        if statement is None:
            statement = self.statement_cache[template] = template.fill(columns=self.sql)
        return statement

    def render_for_keys(self, template: StatementTemplate, keys: Sequence[Any]) -> tuple[ReadStatement, Any]:
        """Return the statement that reads these columns for the keys, and its parameter.

        A single key is compared with `=`. For `= ANY ($1)` PostgreSQL estimates ten elements, rejects the
        generic plan as too expensive and plans again each time, which costs as much as executing.
        """
        if len(keys) != 1:
            return self.render(template), keys
        statement = self.statement_cache.get((template, 1))
        if statement is None:
            rendered = self.render(template)
            single_key_sql = _ANY_CLAUSE.sub(r"= $1::\1", rendered.sql)
            statement = self.statement_cache[template, 1] = replace(rendered, sql=single_key_sql)
        return statement, keys[0]

    @lru_cache(maxsize=_MAX_CACHED_SELECTIONS)  # noqa: B019 - tables live as long as the program
    def subset(self, names: frozenset[str]) -> "Columns[R]":
        """Return the selection of the named columns; it always includes the id."""
        chosen = [name for name in self.full.names if name in names or name == "id"]
        return Columns(self.record_class, chosen, self.expressions, self.full)

    def with_column(self, name: str) -> "Columns[R]":
        """Return this selection with the named column added if it is missing."""
        return self if name in self.names else self.full.subset(frozenset([*self.names, name]))


class JoinedRecord:
    """A record that was joined to the row of another one; its columns have the prefix `joined_` there."""

    __slots__ = ("row", "type_name")

    def __init__(self, entity: str, row: Record) -> None:
        self.type_name = entity
        self.row = row

    def __getitem__(self, name: str) -> Any:
        return self.row[f"joined_{name}"]

    def __getattr__(self, name: str) -> Any:
        return self[name]


def all_columns(record_class: type[R], **expressions: str) -> Columns[R]:
    """Return the selection of all columns that the record class names."""
    return Columns(record_class, list(record_class.__annotations__), expressions)


def align_to_keys(keys: Sequence[K], value_by_key: Mapping[Any, T]) -> list[T | None]:
    """Return the value of each key, in the order of the keys, or None."""
    return [value_by_key.get(key) for key in keys]


def group_by_key(keys: Sequence[K], records: Iterable[Any], column: str) -> list[list[Any]]:
    """Return the records of each key, which `column` holds. The records must be sorted by that column."""
    groups = {key: list(group) for key, group in groupby(records, itemgetter(column))}
    return [groups.get(key) or [] for key in keys]
