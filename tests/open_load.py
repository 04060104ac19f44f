"""An open load: requests are sent at a fixed rate, regardless of the responses to earlier ones."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import cast

MAX_CONNECTIONS = 800
NOT_SENT = -1
"""The status of a request for which no connection was free."""

TICK = 0.002
"""Seconds between two batches of requests."""

MAX_IDLE = 4.0
"""Maximum idle seconds of a reused connection: a server may be closing one that was idle for longer."""

MAX_TICK = 0.02
"""Seconds above which a tick counts as a delay of the load itself, which shares the machine."""


@dataclass
class LoadResult:
    """The outcomes of a load.

    - `seconds` has the durations of responses by status. Status 0 means that the connection was lost.
    - `failures` counts the other outcomes than 200 by status and second of the run.
    - `delay` is the number of seconds by which the load itself was delayed.
    """

    seconds: dict[int, list[float]] = field(default_factory=dict[int, list[float]])
    failures: Counter[tuple[int, int]] = field(default_factory=Counter[tuple[int, int]])
    delay: float = 0.0
    began: float = field(default_factory=time.perf_counter)

    def record(self, status: int, seconds: float) -> None:
        self.seconds.setdefault(status, []).append(seconds)
        if status != 200:
            self.record_failure(status)

    def record_failure(self, status: int) -> None:
        self.failures[status, int(time.perf_counter() - self.began)] += 1

    @property
    def not_sent(self) -> int:
        return sum(count for (status, _), count in self.failures.items() if status == NOT_SENT)

    def count(self, status: int) -> int:
        return len(self.seconds.get(status, ()))

    def total(self) -> int:
        return sum(map(len, self.seconds.values()))

    def percentile(self, status: int, share: float) -> float:
        seconds = sorted(self.seconds.get(status, ()))
        return seconds[min(len(seconds) - 1, int(share * len(seconds)))] if seconds else 0.0


class Connection(asyncio.Protocol):
    """A connection with at most one request in flight. It is in `free` while it has none."""

    def __init__(self, result: LoadResult, opened: set["Connection"], free: list["Connection"]) -> None:
        self.result = result
        self.opened = opened
        self.free = free
        self.is_waiting = False
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.opened.add(self)

    def send(self, request: bytes) -> None:
        self.is_waiting, self.received, self.sent = True, b"", time.perf_counter()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, end, body = self.received.partition(b"\r\n\r\n")
        start = head.find(b"content-length: ")
        if not end or len(body) < int(head[start + 16 :].partition(b"\r")[0]):
            return
        self.result.record(int(head[9:12]), time.perf_counter() - self.sent)
        self.is_waiting = False
        self.free.append(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.opened.discard(self)
        if self.is_waiting:
            self.result.record(0, time.perf_counter() - self.sent)
        elif self in self.free:
            self.free.remove(self)


class OpenLoad:
    """Sends the requests to a server's port, repeatedly and in their order."""

    def __init__(self, port: int, requests: Sequence[bytes]) -> None:
        self.port = port
        self.requests = cycle(requests)

    async def run(self, rate: float, seconds: float, result: LoadResult | None = None) -> LoadResult:
        """Send `rate` requests per second for `seconds`, and wait for the last responses. Add them to `result`.

        Requests that were due while the load itself was delayed are skipped: sent together, they would be a
        burst above the rate.
        """
        result, free, opened = result or LoadResult(), list[Connection](), set[Connection]()
        loop, began, sent = asyncio.get_running_loop(), time.perf_counter(), 0
        elapsed = 0.0
        while elapsed < seconds:
            before, elapsed = elapsed, time.perf_counter() - began
            if elapsed - before > MAX_TICK:
                result.delay += elapsed - before
                began += elapsed - before
                elapsed = before
            for _ in range(int(elapsed * rate) - sent):
                sent += 1
                while free and time.perf_counter() - free[-1].sent > MAX_IDLE:
                    free.pop().transport.close()
                if not free and len(opened) < MAX_CONNECTIONS:
                    _, connection = await loop.create_connection(
                        lambda: Connection(result, opened, free), "127.0.0.1", self.port
                    )
                    free.append(connection)
                if free:
                    free.pop().send(next(self.requests))
                else:
                    result.record_failure(NOT_SENT)
            await asyncio.sleep(TICK)
        for _ in range(1_000):
            if not any(connection.is_waiting for connection in opened):
                break
            await asyncio.sleep(0.01)
        for connection in opened:
            connection.transport.close()
        return result
