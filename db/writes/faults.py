"""Faults of a write: what is invalid, where, and why."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

FaultPath = tuple[str | int, ...]
"""The names of fields and the indexes of lists that lead to a value of the input."""


class FaultCode(Enum):
    """The kind of a fault."""

    INVALID = "INVALID"
    NOT_FOUND = "NOT_FOUND"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    DUPLICATE = "DUPLICATE"
    CONFLICT = "CONFLICT"
    IN_USE = "IN_USE"
    INSUFFICIENT_STOCK = "INSUFFICIENT_STOCK"
    TOO_LARGE = "TOO_LARGE"


@dataclass(frozen=True, slots=True)
class Fault:
    """A value that cannot be written. The message names the value, and what to do."""

    path: FaultPath
    code: FaultCode
    message: str


def label(name: str) -> str:
    """Return the name of a column as clients know it, for example pageCount."""
    head, *rest = name.split("_")
    return head + "".join(map(str.capitalize, rest))


def describe_path(path: FaultPath) -> str:
    """Return a path as clients know it, for example offers[2].sourceKey."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{label(part)}" for part in path)
    return text.removeprefix(".")


class WriteRejectedError(Exception):
    """A write is rejected as a whole. `current_id` is the item that has another version than expected."""

    def __init__(self, faults: Iterable[Fault], *, current_id: int | None = None) -> None:
        super().__init__(list(faults))
        self.faults: list[Fault] = self.args[0]
        self.current_id = current_id


def reject(path: FaultPath, code: FaultCode, message: str) -> WriteRejectedError:
    """Return the error of a single fault."""
    return WriteRejectedError([Fault(path, code, message)])
