"""Work, counted in calls of functions: the same number on every machine, however busy it is."""

import sys
from collections import Counter
from types import CodeType, FrameType
from typing import Any


class Work:
    """Counts what this thread does while the context lasts.

    `calls` counts the calls of Python and C functions. `calls_of` counts those of one Python function.
    """

    def __init__(self) -> None:
        self.calls = 0
        self._by_code: Counter[CodeType] = Counter()

    def __enter__(self) -> "Work":
        self._previous = sys.getprofile()
        sys.setprofile(self._count)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(self._previous)

    def _count(self, frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            self.calls += 1
            self._by_code[frame.f_code] += 1
        elif event == "c_call":
            self.calls += 1

    def calls_of(self, function: Any) -> int:
        return self._by_code[function.__code__]
