"""Connections of the protocol over pairs of sockets, and an application to serve."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.server import ServerState

from graphql_api.http.protocol import BookstoreHttpProtocol, ProtocolConfig
from graphql_api.settings import Settings
from tests.http_client import HttpResponse, read_response
from tests.waiting import GUARD, until

ALL_TIMEOUTS = 1_000_000.0
"""Seconds after which every timeout has passed."""


@dataclass
class Application:
    """An ASGI application whose response is the path, the body and `size` more bytes.

    `started` and `ended` have the paths of requests. A request waits while its path is in `held`.
    """

    started: list[str] = field(default_factory=list[str])
    ended: list[str] = field(default_factory=list[str])
    held: set[str] = field(default_factory=set[str])
    scopes: list[Scope] = field(default_factory=list[Scope])
    size: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        self.scopes.append(scope)
        self.started.append(path)
        try:
            body = path.encode() + (await receive())["body"] + b"x" * self.size
            await until(lambda: path not in self.held)
            headers = [(b"content-length", b"%d" % len(body))]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": body})
        finally:
            self.ended.append(path)


@dataclass
class Connected:
    """A connection of the protocol, and the client's end of it."""

    protocol: BookstoreHttpProtocol
    state: ServerState
    client: socket.socket
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, *data: bytes) -> None:
        for each in data:
            self.writer.write(each)

    async def read_response(self) -> HttpResponse:
        async with asyncio.timeout(GUARD):
            return await read_response(self.reader)

    async def read_rest(self) -> bytes:
        """Return all bytes until the server closes its end."""
        async with asyncio.timeout(GUARD):
            return await self.reader.read()

    def advance_time(self, seconds: float = ALL_TIMEOUTS) -> None:
        """Check the timeouts as if the seconds had passed."""
        self.protocol.check_timeouts(asyncio.get_running_loop().time() + seconds)

    @property
    def is_open(self) -> bool:
        return self.protocol in self.state.connections


def create_socket_pair(*, tcp: bool) -> tuple[socket.socket, socket.socket]:
    if not tcp:
        return socket.socketpair()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        return listener.accept()[0], client


Connect = Callable[..., Awaitable[Connected]]
Server = Callable[..., AbstractAsyncContextManager[Connect]]


@pytest.fixture
def server() -> Server:
    """Return a context manager that serves an application with settings, and yields a function to connect.

    Only the timeout of a lingering close passes by itself; `advance_time` is for the others.
    """

    @asynccontextmanager
    async def serve(app: ASGIApp, **settings: Any) -> AsyncGenerator[Connect]:
        patient: dict[str, Any] = {"client_timeout": 3_600, "keep_alive_timeout": 3_600}
        config = ProtocolConfig(
            app, Settings(**(patient | settings)), BookstoreHttpProtocol, log_config=None, lifespan="off"
        )
        config.load()
        state, loop, writers = ServerState(), asyncio.get_running_loop(), list[asyncio.StreamWriter]()

        async def connect(*, tcp: bool = False) -> Connected:
            ours, theirs = create_socket_pair(tcp=tcp)
            _, protocol = await loop.create_connection(
                lambda: BookstoreHttpProtocol(config, state, {}), sock=ours
            )
            reader, writer = await asyncio.open_connection(sock=theirs)
            writers.append(writer)
            return Connected(protocol, state, theirs, reader, writer)

        yield connect
        for writer in writers:
            writer.close()
        await until(lambda: not (state.connections or state.tasks))

    return serve


def get(path: str, *lines: str, version: str = "1.1", method: str = "GET") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/{version}", "host: x", *lines, "", ""]).encode()


def post(path: str, body: bytes, *lines: str) -> bytes:
    return get(path, f"content-length: {len(body)}", *lines, method="POST") + body
