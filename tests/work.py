"""Work, counted in function calls: the number is the same on every machine, however busy it is."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from cProfile import Profile
from types import FrameType
from typing import Any


class Work:
    """Counts the calls of Python and C functions in this thread while the context lasts."""

    def __init__(self) -> None:
        self._profile = Profile()

    def __enter__(self) -> "Work":
        self._profile.enable()
        return self

    def __exit__(self, *_: object) -> None:
        self._profile.disable()

    @property
    def calls(self) -> int:
        return sum(entry.callcount for entry in self._profile.getstats())

    def calls_of(self, function: Any) -> int:
        """Calls of one Python function."""
        code = function.__code__
        return sum(entry.callcount for entry in self._profile.getstats() if entry.code is code)


@contextmanager
def call_clock() -> Generator[Callable[[], int]]:
    """A clock that advances by one with each call in this thread; cheap to read at any time."""
    calls = 0

    def count(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal calls
        if event in ("call", "c_call"):
            calls += 1

    previous = sys.getprofile()
    sys.setprofile(count)
    try:
        yield lambda: calls
    finally:
        sys.setprofile(previous)
