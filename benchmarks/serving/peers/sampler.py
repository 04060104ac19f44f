"""A profile of this process: where Python is, asked for every few milliseconds of CPU time.

Time in C counts for the Python function that called it; the event loop's own, for the callback it runs next.
"""

import signal
import sys
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType

import orjson

INTERVAL = 0.002


@contextmanager
def sampled(result: Path) -> Generator[None]:
    """Sample the main thread within the block, and write how often each function was met: itself, and
    anywhere on the stack."""
    own: Counter[CodeType] = Counter()
    total: Counter[CodeType] = Counter()

    def sample(_number: int, frame: FrameType | None) -> None:
        if frame is None:
            return
        own[frame.f_code] += 1
        stack: set[CodeType] = set()
        while frame is not None:
            stack.add(frame.f_code)
            frame = frame.f_back
        total.update(stack)

    signal.signal(signal.SIGPROF, sample)
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit())  # Uvicorn raises it again at its end
    signal.setitimer(signal.ITIMER_PROF, INTERVAL, INTERVAL)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        found = [[named(code), own[code], times] for code, times in total.items()]
        result.write_bytes(orjson.dumps({"samples": own.total(), "functions": found}))


def named(code: CodeType) -> str:
    """A function's name and its module's last parts."""
    return f"{code.co_qualname}  {'/'.join(Path(code.co_filename).parts[-2:])}:{code.co_firstlineno}"
