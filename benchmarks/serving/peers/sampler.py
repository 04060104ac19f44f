"""Profile this process: sample the Python stack every 2 ms of CPU time.

Time in C is attributed to the calling Python function, the event loop's own time to its next callback.
"""

import signal
import sys
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType

import orjson

SAMPLE_INTERVAL = 0.002


@contextmanager
def sample_stacks(result: Path) -> Generator[None]:
    """Sample the main thread within the block, and write each function's counts: self and cumulative."""
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
    signal.signal(
        signal.SIGTERM, lambda _number, _frame: sys.exit()
    )  # Uvicorn raises the signal again when it exits
    signal.setitimer(signal.ITIMER_PROF, SAMPLE_INTERVAL, SAMPLE_INTERVAL)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        functions = [[function_label(code), own[code], times] for code, times in total.items()]
        result.write_bytes(orjson.dumps({"samples": own.total(), "functions": functions}))


def function_label(code: CodeType) -> str:
    """Return a function's name and the end of its file's path."""
    return f"{code.co_qualname}  {'/'.join(Path(code.co_filename).parts[-2:])}:{code.co_firstlineno}"
