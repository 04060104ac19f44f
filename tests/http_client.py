"""A small HTTP client over streams: cheap enough for load tests, and able to abandon connections."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.waiting import GUARD


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """The response of a server. Status 0 means that it closed the connection without a response."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


NO_RESPONSE = HttpResponse(0, {}, b"")
Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Client:
    """Sends requests over keep-alive connections, and opens a connection if none is idle."""

    url: str
    idle_streams: list[Stream] = field(default_factory=list[Stream])

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        self.address, self.path = (parts.hostname or "", parts.port or 80), parts.path

    async def connect(self) -> Stream:
        return await asyncio.open_connection(*self.address)

    def build_post(self, query: str, variables: Mapping[str, Any] | None = None) -> bytes:
        body = json.dumps({"query": query, "variables": variables}).encode()
        head = f"POST {self.path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body

    def build_get(self, path: str) -> bytes:
        return f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode()

    async def send(self, request: bytes) -> HttpResponse:
        """Send a request on an idle or a new connection and return the response."""
        stream: Stream | None = None
        try:
            stream = self._pop_idle_stream() or await self.connect()
            stream[1].write(request)
            response = await read_response(stream[0])
        except OSError:
            response = NO_RESPONSE
        except asyncio.CancelledError:
            if stream:
                stream[1].close()
            raise
        if stream and response.status and response.headers.get("connection") != "close":
            self.idle_streams.append(stream)
        elif stream:
            stream[1].close()
        return response

    def _pop_idle_stream(self) -> Stream | None:
        while self.idle_streams:
            reader, writer = self.idle_streams.pop()
            if not reader.at_eof():
                return reader, writer
            writer.close()
        return None

    def close(self) -> None:
        for _, writer in self.idle_streams:
            writer.close()


async def responds_with(client: Client, path: str, status: int) -> bool:
    """Return whether a GET request of the path has a response with the status."""
    return (await client.send(client.build_get(path))).status == status


async def read_response(reader: asyncio.StreamReader) -> HttpResponse:
    """Return the next response. Raises TimeoutError if none comes within the guard."""
    try:
        async with asyncio.timeout(GUARD):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            body = await reader.readexactly(int(headers.get("content-length", 0)))
    except (asyncio.IncompleteReadError, ConnectionError):
        return NO_RESPONSE
    return HttpResponse(int(head[0].split()[1]), headers, body)
