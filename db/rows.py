"""Rows: which columns of a table are read, the record that a row of them makes, and records in the order
of the keys that asked for them."""

from collections import namedtuple
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, Generic, TypeVar, cast

R = TypeVar("R", bound="Row")
T = TypeVar("T")
K = TypeVar("K", bound=Hashable)

MOST_SELECTIONS = 256
"""So many selections of columns are remembered, with the statements that read them."""


class Row:
    """The base of records. Their annotations name columns; a record holds those that were read, as a tuple,
    and has no attribute for the others."""

    __slots__ = ()


class Columns(Generic[R]):
    """Some columns of a table `t`: `sql` lists them, `record` makes a record of a row of them.

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
        self.whole = whole or self
        self.names = names
        self.expressions = expressions
        self.sql = ", ".join(expressions.get(name, f"t.{name}") for name in names)
        made = type(kind.__name__, (kind, namedtuple(kind.__name__, names)), {"__slots__": ()})
        self.record = cast("Callable[[Iterable[Any]], R]", partial(tuple.__new__, made))
        self.texts: dict[Hashable, str] = {}

    def text(self, template: str) -> str:
        """The statement that reads these columns where the template says {columns}."""
        text = self.texts.get(template)
        if text is None:
            text = self.texts[template] = template.replace("{columns}", self.sql)
        return text

    def records(self, rows: Iterable[Iterable[Any]]) -> list[R]:
        return list(map(self.record, rows))

    @lru_cache(maxsize=MOST_SELECTIONS)  # noqa: B019 - few, and they live as long as the program
    def only(self, names: frozenset[str]) -> "Columns[R]":
        """Those of the table's columns that are named, and always the id."""
        chosen = [name for name in self.whole.names if name in names or name == "id"]
        return Columns(self.kind, chosen, self.expressions, self.whole)

    def including(self, name: str) -> "Columns[R]":
        """These columns, and another one of the table's if it is not among them."""
        return self if name in self.names else self.whole.only(frozenset([*self.names, name]))

    @lru_cache(maxsize=MOST_SELECTIONS)  # noqa: B019
    def further(self, kind: type[T], expressions: tuple[tuple[str, str], ...]) -> "Columns[Any]":
        """These columns and further ones after them, for a record of another kind."""
        names = [*self.names, *(name for name, _ in expressions)]
        return Columns(cast("type[Any]", kind), names, {**self.expressions, **dict(expressions)})


def all_columns(kind: type[R], **expressions: str) -> Columns[R]:
    """All the columns that a kind of record names."""
    return Columns(kind, list(kind.__annotations__), expressions)


def aligned(keys: Sequence[K], found: Mapping[Any, T]) -> list[T | None]:
    """What was found for each key, in the order of the keys; None where nothing was."""
    return [found.get(key) for key in keys]


def grouped(keys: Sequence[K], found: Iterable[T], key_of: Callable[[T], K]) -> list[list[T]]:
    """All that belongs to each key, in the order it was found; keys may repeat."""
    groups: dict[K, list[T]] = {key: [] for key in keys}
    for each in found:
        groups[key_of(each)].append(each)
    return [groups[key] for key in keys]
