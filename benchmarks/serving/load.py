"""Generate load: keep-alive connections, each with one request in flight at any time."""

import asyncio
import gc
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import cast

from benchmarks.serving.responses import ResponseParser

HEAD = (
    b"POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
    b"accept: application/json\r\ncontent-length: %d\r\n"
)
END_OF_HEAD = b"\r\n\r\n"
END_OF_CHUNKS = b"0\r\n\r\n"
RESPONSE_TIMEOUT = 30.0
"""Timeout for the last responses, after the load has ended, in seconds."""


class LoadError(Exception):
    """A server sent an error or an unexpected response, closed the connection or timed out."""


@dataclass(frozen=True, slots=True)
class LoadResult:
    """The result of a load.

    - `requests` is the number of responses, `seconds` the duration from the first request to the last response.
    - `latencies` are in seconds, sorted.
    - `cpu` is the CPU time of the load itself in seconds.
    """

    requests: int
    seconds: float
    latencies: Sequence[float]
    cpu: float

    def percentile(self, share: float) -> float:
        return self.latencies[min(len(self.latencies) - 1, int(share * len(self.latencies)))]


class LoadConnection(asyncio.Protocol):
    """Sends the next request as soon as a response is complete, until `stop_at`."""

    def __init__(self, requests: Iterator[bytes], stop_at: float, latencies: list[float]) -> None:
        self.requests = requests
        self.stop_at = stop_at
        self.latencies = latencies
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.parts: list[bytes] = []
        self.missing_bytes = 0  # negative: unknown, the response is chunked

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's transport is not a subclass
        self.send_request()

    def send_request(self) -> None:
        self.missing_bytes = 0
        self.parts.clear()
        self.sent_at = time.perf_counter()
        self.transport.write(next(self.requests))

    def data_received(self, data: bytes) -> None:
        if self.parts:
            self.parts.append(data)
            if self.missing_bytes > 0:
                self.missing_bytes -= len(data)
                if self.missing_bytes > 0:
                    return
            elif not data.endswith(END_OF_CHUNKS):
                return
        elif not self._receive_head(data):
            return
        now = time.perf_counter()
        self.latencies.append(now - self.sent_at)
        if now < self.stop_at:
            self.send_request()
        else:
            self.finish(None)

    def _receive_head(self, data: bytes) -> bool:
        """Process the first part of a response. Return whether the response is complete."""
        head, _, body = data.partition(END_OF_HEAD)
        if not head.startswith(b"HTTP/1.1 200") or b"null" in body[:16] or b"errors" in body[:16]:
            self.finish(LoadError(data[:2000].decode(errors="replace")))
            return False
        self.parts.append(data)
        lower = head.lower()
        place = lower.find(b"\r\ncontent-length:")
        if place < 0:
            self.missing_bytes = -1
            return data.endswith(END_OF_CHUNKS)
        self.missing_bytes = int(lower[place + 17 :].partition(b"\r")[0]) - len(body)
        return self.missing_bytes == 0

    def finish(self, error: LoadError | None) -> None:
        if not self.ended.done():
            self.ended.set_exception(error) if error else self.ended.set_result(None)
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_exception(LoadError(f"the server closed the connection ({exc})"))


def build_requests(bodies: Iterable[bytes], key: str | None = None) -> list[bytes]:
    """Return the HTTP requests with these bodies, of the client with an access key."""
    authorization = f"authorization: Bearer {key}\r\n" if key else ""
    return [b"%b%b\r\n%b" % (HEAD % len(body), authorization.encode(), body) for body in bodies]


async def run_load(
    port: int, requests: Sequence[bytes], *, connections: int, seconds: float, start: int = 0
) -> LoadResult:
    """Send the requests to a server, repeatedly and in their order, for the given number of seconds.

    The first one is that at `start`.
    """
    remaining = islice(cycle(requests), start % len(requests), None)
    loop, latencies = asyncio.get_running_loop(), list[float]()
    gc.collect()
    gc.disable()
    cpu, started_at = cpu_seconds(), time.perf_counter()
    try:
        connections_made = [
            await loop.create_connection(
                lambda: LoadConnection(remaining, started_at + seconds, latencies), "127.0.0.1", port
            )
            for _ in range(connections)
        ]
        async with asyncio.timeout(seconds + RESPONSE_TIMEOUT):
            await asyncio.gather(*(protocol.ended for _, protocol in connections_made))
    except TimeoutError:
        raise LoadError(f"the server did not respond within {RESPONSE_TIMEOUT:.0f} s") from None
    finally:
        gc.enable()
    elapsed, cpu = time.perf_counter() - started_at, cpu_seconds() - cpu
    return LoadResult(len(latencies), elapsed, sorted(latencies), cpu)


async def fetch_response(port: int, request: bytes) -> bytes:
    """Return the body of the response to a request."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    parser = ResponseParser()
    try:
        writer.write(request)
        while not parser.complete and (data := await reader.read(65536)):
            parser.feed(data)
    finally:
        writer.close()
    return parser.body


def cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system
