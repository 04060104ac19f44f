"""Rows: which columns of a table are read, the records they come as, and records in the order of the keys
that asked for them."""

import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any, Generic, TypeVar

from asyncpg import Record

R = TypeVar("R", bound="Row")
T = TypeVar("T")
K = TypeVar("K", bound=Hashable)

ANY_OF = re.compile(r"= ANY \(\$1::(\w+)\[\]\)")

MOST_SELECTIONS = 256
"""So many selections of columns are remembered for a table, with the statements that read them."""


class Row(Record):
    """The base of records: rows as asyncpg decodes them, without another copy.

    The annotations of a kind of record name columns: each is an attribute, and an item by its name. A
    record holds those that were read; the others raise KeyError.
    """

    __slots__ = ()

    entity = ""

    def __init_subclass__(cls) -> None:
        for name in cls.__annotations__:
            setattr(cls, name, property(itemgetter(name)))


class Columns(Generic[R]):
    """Some columns of a table `t`, read into one kind of record; `sql` lists them.

    `expressions` says what stands for a column that is not simply one of the table's.
    """

    def __init__(
        self,
        kind: type[R],
        names: Sequence[str],
        expressions: Mapping[str, str],
        whole: "Columns[R] | None" = None,
    ) -> None:
        self.kind = kind
        self.names = names
        self.expressions = expressions
        self.whole = whole or self
        self.sql = ", ".join(
            f"{expressions[name]} AS {name}" if name in expressions else f"t.{name}" for name in names
        )
        self.texts: dict[Hashable, str] = {}

    def sql_of(self, table: str) -> str:
        """The columns as those of a table that is read along, for Along."""
        return ", ".join(
            f"{self.expressions.get(name, f't.{name}').replace('t.', f'{table}.', 1)} AS of_{name}"
            for name in self.names
        )

    def text(self, template: str) -> str:
        """The statement that reads these columns where the template says {columns}."""
        text = self.texts.get(template)
        if text is None:
            text = self.texts[template] = template.replace("{columns}", self.sql)
        return text

    def text_for(self, template: str, keys: Sequence[Any]) -> tuple[str, Any]:
        """The statement that reads these columns for keys, and its parameter.

        One key is compared by itself: of an array PostgreSQL expects ten, thinks a plan for any array dear,
        and plans the statement anew each time, which takes as long as running it.
        """
        text = self.text(template)
        if len(keys) != 1:
            return text, keys
        alone = self.texts.get((template, 1))
        if alone is None:
            alone = self.texts[template, 1] = ANY_OF.sub(r"= $1::\1", text)
        return alone, keys[0]

    @lru_cache(maxsize=MOST_SELECTIONS)  # noqa: B019 - tables live as long as the program
    def only(self, names: frozenset[str]) -> "Columns[R]":
        """Those of the table's columns that are named, and always the id."""
        chosen = [name for name in self.whole.names if name in names or name == "id"]
        return Columns(self.kind, chosen, self.expressions, self.whole)

    def including(self, name: str) -> "Columns[R]":
        """These columns, and another one of the table's if it is not among them."""
        return self if name in self.names else self.whole.only(frozenset([*self.names, name]))


class Along:
    """A record that was read along with another one, in whose row its columns are named of_…"""

    __slots__ = ("entity", "row")

    def __init__(self, entity: str, row: Record) -> None:
        self.entity = entity
        self.row = row

    def __getitem__(self, name: str) -> Any:
        return self.row[f"of_{name}"]

    def __getattr__(self, name: str) -> Any:
        return self[name]


def all_columns(kind: type[R], **expressions: str) -> Columns[R]:
    """All the columns that a kind of record names."""
    return Columns(kind, list(kind.__annotations__), expressions)


def aligned(keys: Sequence[K], found: Mapping[Any, T]) -> list[T | None]:
    """What was found for each key, in the order of the keys; None where nothing was."""
    return [found.get(key) for key in keys]


def grouped(keys: Sequence[K], found: Iterable[Any], column: str) -> list[list[Any]]:
    """All records that belong to each key by one of their columns, which they are sorted by."""
    groups = {key: list(those) for key, those in groupby(found, itemgetter(column))}
    return [groups.get(key) or [] for key in keys]
