"""An open load: requests are sent when their time has come, however long the earlier ones take."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import cast

MOST_CONNECTIONS = 800
HELD_BACK = -1
TICK = 0.002
IDLE = 4.0
"""No connection is used again after so many seconds: a server that ends idle ones may be doing so just then."""
LATE = 0.02
"""A tick that is longer was not the server's doing: the load shares the machine, and something held it up."""


@dataclass
class Answers:
    """Seconds that each answer took, by status; 0: the connection was lost instead.

    `failed_at` counts what was not answered with 200 by status and by the second of the run, with HELD_BACK for
    the requests that the load had no connection left to send on. `late` counts the seconds for which the load
    itself was held up.
    """

    seconds: dict[int, list[float]] = field(default_factory=dict[int, list[float]])
    failed_at: Counter[tuple[int, int]] = field(default_factory=Counter[tuple[int, int]])
    late: float = 0.0
    began: float = field(default_factory=time.perf_counter)

    def note(self, status: int, seconds: float) -> None:
        self.seconds.setdefault(status, []).append(seconds)
        if status != 200:
            self.failed(status)

    def failed(self, status: int) -> None:
        self.failed_at[status, int(time.perf_counter() - self.began)] += 1

    @property
    def held_back(self) -> int:
        return sum(count for (status, _), count in self.failed_at.items() if status == HELD_BACK)

    def count(self, status: int) -> int:
        return len(self.seconds.get(status, ()))

    def total(self) -> int:
        return sum(map(len, self.seconds.values()))

    def percentile(self, status: int, share: float) -> float:
        seconds = sorted(self.seconds.get(status, ()))
        return seconds[min(len(seconds) - 1, int(share * len(seconds)))] if seconds else 0.0


class Connection(asyncio.Protocol):
    """Carries one request at a time; free again when it is answered."""

    def __init__(self, answers: Answers, opened: set["Connection"], free: list["Connection"]) -> None:
        self.answers = answers
        self.opened = opened
        self.free = free
        self.waits = False
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.opened.add(self)

    def send(self, request: bytes) -> None:
        self.waits, self.received, self.sent = True, b"", time.perf_counter()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, end, body = self.received.partition(b"\r\n\r\n")
        place = head.find(b"content-length: ")
        if not end or len(body) < int(head[place + 16 :].partition(b"\r")[0]):
            return
        self.answers.note(int(head[9:12]), time.perf_counter() - self.sent)
        self.waits = False
        self.free.append(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.opened.discard(self)
        if self.waits:
            self.answers.note(0, time.perf_counter() - self.sent)
        elif self in self.free:
            self.free.remove(self)


class OpenLoad:
    """Connections to a server's port, and the requests to send on them in turn."""

    def __init__(self, port: int, requests: Sequence[bytes]) -> None:
        self.port = port
        self.requests = cycle(requests)

    async def run(self, rate: float, seconds: float, answers: Answers | None = None) -> Answers:
        """Send so many requests a second for so long, and wait for the last answers, which are added to `answers`.

        What was to be sent while the load itself was held up is not sent: all at once it would be a crowd
        that the rate does not tell of.
        """
        answers, free, opened = answers or Answers(), list[Connection](), set[Connection]()
        loop, began, sent = asyncio.get_running_loop(), time.perf_counter(), 0
        elapsed = 0.0
        while elapsed < seconds:
            before, elapsed = elapsed, time.perf_counter() - began
            if elapsed - before > LATE:
                answers.late += elapsed - before
                began += elapsed - before
                elapsed = before
            for _ in range(int(elapsed * rate) - sent):
                sent += 1
                while free and time.perf_counter() - free[-1].sent > IDLE:
                    free.pop().transport.close()
                if not free and len(opened) < MOST_CONNECTIONS:
                    _, made = await loop.create_connection(
                        lambda: Connection(answers, opened, free), "127.0.0.1", self.port
                    )
                    free.append(made)
                if free:
                    free.pop().send(next(self.requests))
                else:
                    answers.failed(HELD_BACK)
            await asyncio.sleep(TICK)
        for _ in range(1_000):
            if not any(connection.waits for connection in opened):
                break
            await asyncio.sleep(0.01)
        for connection in opened:
            connection.transport.close()
        return answers
