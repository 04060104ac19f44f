"""The load: connections that are kept alive, each with one request under way at any time."""

import asyncio
import gc
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import cast

from benchmarks.serving.answers import Answer

REQUEST = (
    b"POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
    b"accept: application/json\r\ncontent-length: %d\r\n\r\n%b"
)
HEAD_END = b"\r\n\r\n"
CHUNKS_END = b"0\r\n\r\n"
PATIENCE = 30.0


class LoadError(Exception):
    """A server answered with something else than an answer, or not at all."""


@dataclass(frozen=True, slots=True)
class Load:
    """What came of a load: requests answered, seconds from first to last, latencies in seconds, sorted,
    and the seconds of CPU that the load itself took."""

    requests: int
    seconds: float
    latencies: Sequence[float]
    cpu: float

    def percentile(self, share: float) -> float:
        return self.latencies[min(len(self.latencies) - 1, int(share * len(self.latencies)))]


class Connection(asyncio.Protocol):
    """Sends the next request as soon as an answer is whole, until the time is up."""

    def __init__(self, requests: Iterator[bytes], until: float, latencies: list[float]) -> None:
        self.requests = requests
        self.until = until
        self.latencies = latencies
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.parts: list[bytes] = []
        self.missing = 0  # bytes; negative: not known yet, the answer comes in chunks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is not one by its class
        self.send()

    def send(self) -> None:
        self.missing = 0
        self.parts.clear()
        self.sent = time.perf_counter()
        self.transport.write(next(self.requests))

    def data_received(self, data: bytes) -> None:
        if self.parts:
            self.parts.append(data)
            if self.missing > 0:
                self.missing -= len(data)
                if self.missing > 0:
                    return
            elif not data.endswith(CHUNKS_END):
                return
        elif not self.begun(data):
            return
        now = time.perf_counter()
        self.latencies.append(now - self.sent)
        if now < self.until:
            self.send()
        else:
            self.finish(None)

    def begun(self, data: bytes) -> bool:
        """Take the first part of an answer; whether it is all of it."""
        head, _, body = data.partition(HEAD_END)
        if not head.startswith(b"HTTP/1.1 200") or b"null" in body[:16] or b"errors" in body[:16]:
            self.finish(LoadError(data[:2000].decode(errors="replace")))
            return False
        self.parts.append(data)
        lower = head.lower()
        place = lower.find(b"\r\ncontent-length:")
        if place < 0:
            self.missing = -1
            return data.endswith(CHUNKS_END)
        self.missing = int(lower[place + 17 :].partition(b"\r")[0]) - len(body)
        return self.missing == 0

    def finish(self, error: LoadError | None) -> None:
        if not self.ended.done():
            self.ended.set_exception(error) if error else self.ended.set_result(None)
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_exception(LoadError(f"the server closed the connection ({exc})"))


async def load(port: int, bodies: Sequence[bytes], *, connections: int, seconds: float) -> Load:
    """Put the requests to a server, over and over in their order, for so many seconds."""
    requests = cycle([REQUEST % (len(body), body) for body in bodies])
    loop, latencies = asyncio.get_running_loop(), list[float]()
    gc.collect()
    gc.disable()
    cpu, began = cpu_seconds(), time.perf_counter()
    try:
        made = [
            await loop.create_connection(
                lambda: Connection(requests, began + seconds, latencies), "127.0.0.1", port
            )
            for _ in range(connections)
        ]
        async with asyncio.timeout(seconds + PATIENCE):
            await asyncio.gather(*(protocol.ended for _, protocol in made))
    except TimeoutError:
        raise LoadError(f"the server has not answered for {PATIENCE:.0f} seconds") from None
    finally:
        gc.enable()
    elapsed, cpu = time.perf_counter() - began, cpu_seconds() - cpu
    return Load(len(latencies), elapsed, sorted(latencies), cpu)


async def answer_of(port: int, body: bytes) -> bytes:
    """The body of one answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = Answer()
    try:
        writer.write(REQUEST % (len(body), body))
        while not answer.complete and (data := await reader.read(65536)):
            answer.feed(data)
    finally:
        writer.close()
    return answer.body


def cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system
