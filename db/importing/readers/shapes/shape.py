"""A shape of JSON objects, and how its values are taken apart."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast


@dataclass(frozen=True, slots=True)
class Shape:
    """JSON objects that another program writes.

    - `key` is a key that all of them have. `matches` tells them from others with this key.
    - `flatten` returns an object as a flat record.
    """

    name: str
    key: str
    matches: Callable[[dict[str, object]], bool]
    flatten: Callable[[dict[str, object]], dict[str, object]]


def as_object(value: object) -> dict[str, object]:
    """Return an object, the first object of a list, or an empty object."""
    if isinstance(value, list):
        value = next(iter(cast("list[object]", value)), None)
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def as_list(value: object) -> list[object]:
    """Return a list as it is, nothing as an empty list, and another value as the only item."""
    if isinstance(value, list):
        return cast("list[object]", value)
    return [] if value is None or value == "" else [value]


def drop_absent(
    record: dict[str, object], value: Mapping[str, object], keys: Mapping[str, tuple[str, ...]]
) -> dict[str, object]:
    """Return a flat record without the fields of which an object says nothing.

    A field without a value is empty if the object has one of its `keys`, and absent otherwise. The key of a field
    that is not in `keys` has its name.
    """
    return {
        field: cell
        for field, cell in record.items()
        if cell not in (None, "", []) or any(key in value for key in keys.get(field, (field,)))
    }
