"""A small HTTP client over streams: cheap enough to put a server under load, and to leave it in the lurch."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.waiting import GUARD


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered; status 0 if it closed the connection instead."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


NOTHING = Reply(0, {}, b"")
Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Client:
    """Posts GraphQL requests over connections that it keeps; one is opened whenever none is free."""

    url: str
    free: list[Stream] = field(default_factory=list[Stream])

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        self.address, self.path = (parts.hostname or "", parts.port or 80), parts.path

    async def connect(self) -> Stream:
        return await asyncio.open_connection(*self.address)

    def post(self, query: str, variables: Mapping[str, Any] | None = None) -> bytes:
        body = json.dumps({"query": query, "variables": variables}).encode()
        head = f"POST {self.path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body

    def get(self, path: str) -> bytes:
        return f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode()

    async def ask(self, request: bytes) -> Reply:
        """Send a request on a free or a new connection, and await its answer."""
        stream: Stream | None = None
        try:
            stream = self.reusable() or await self.connect()
            stream[1].write(request)
            reply = await reply_from(stream[0])
        except OSError:
            reply = NOTHING
        except asyncio.CancelledError:
            if stream:
                stream[1].close()
            raise
        if stream and reply.status and reply.headers.get("connection") != "close":
            self.free.append(stream)
        elif stream:
            stream[1].close()
        return reply

    def reusable(self) -> Stream | None:
        while self.free:
            reader, writer = self.free.pop()
            if not reader.at_eof():
                return reader, writer
            writer.close()
        return None

    def close(self) -> None:
        for _, writer in self.free:
            writer.close()


async def answers_with(client: Client, path: str, status: int) -> bool:
    """Whether the server answers with this status there."""
    return (await client.ask(client.get(path))).status == status


async def reply_from(reader: asyncio.StreamReader) -> Reply:
    """The next reply; raises TimeoutError if none comes within the guard."""
    try:
        async with asyncio.timeout(GUARD):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            body = await reader.readexactly(int(headers.get("content-length", 0)))
    except (asyncio.IncompleteReadError, ConnectionError):
        return NOTHING
    return Reply(int(head[0].split()[1]), headers, body)
