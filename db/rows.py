"""Rows into records, and records into the order of the keys that asked for them."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


def each(record: Callable[..., T], rows: Iterable[Iterable[Any]]) -> list[T]:
    """A record of every row, whose columns stand in the order of the record's fields."""
    return [record(*row) for row in rows]


def aligned(keys: Sequence[K], found: Mapping[Any, T]) -> list[T | None]:
    """What was found for each key, in the order of the keys; None where nothing was."""
    return [found.get(key) for key in keys]


def grouped(keys: Sequence[K], pairs: Iterable[tuple[K, T]]) -> list[list[T]]:
    """All that belongs to each key, in the order of the pairs; keys may repeat."""
    groups: dict[K, list[T]] = {key: [] for key in keys}
    for key, value in pairs:
        groups[key].append(value)
    return [groups[key] for key in keys]
