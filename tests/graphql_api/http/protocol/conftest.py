"""A connection over a pair of sockets, and applications to put behind it."""

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

FAR = 1_000_000.0
"""Seconds after which every time-out has passed."""


@dataclass
class Application:
    """An ASGI application that answers with the path and the body, when it may go on.

    `started` and `ended` hold the paths of requests. A request waits while its path is in `held`.
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
    """A connection of the server, and the client's end of it."""

    protocol: BookstoreHttpProtocol
    state: ServerState
    client: socket.socket
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, *data: bytes) -> None:
        for each in data:
            self.writer.write(each)

    async def reply(self) -> HttpResponse:
        async with asyncio.timeout(GUARD):
            return await read_response(self.reader)

    async def rest(self) -> bytes:
        """What still comes until the server closes its end."""
        async with asyncio.timeout(GUARD):
            return await self.reader.read()

    def let_time_pass(self, seconds: float = FAR) -> None:
        """Check the time-outs as if so many seconds had passed."""
        self.protocol.check_timeouts(asyncio.get_running_loop().time() + seconds)

    @property
    def is_open(self) -> bool:
        return self.protocol in self.state.connections


def socket_pair(*, tcp: bool) -> tuple[socket.socket, socket.socket]:
    if not tcp:
        return socket.socketpair()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        return listener.accept()[0], client


Connect = Callable[..., Awaitable[Connected]]
Server = Callable[..., AbstractAsyncContextManager[Connect]]


@pytest.fixture
def server() -> Server:
    """A function that gives one to connect to an application with settings.

    No time-out passes by itself, but that of a lingering close.
    """

    @asynccontextmanager
    async def opened(app: ASGIApp, **settings: Any) -> AsyncGenerator[Connect]:
        patient: dict[str, Any] = {"client_timeout": 3_600, "keep_alive_timeout": 3_600}
        config = ProtocolConfig(app, Settings(**(patient | settings)), log_config=None, lifespan="off")
        config.load()
        state, loop, writers = ServerState(), asyncio.get_running_loop(), list[asyncio.StreamWriter]()

        async def connect(*, tcp: bool = False) -> Connected:
            ours, theirs = socket_pair(tcp=tcp)
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

    return opened


def get(path: str, *lines: str, version: str = "1.1", method: str = "GET") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/{version}", "host: x", *lines, "", ""]).encode()


def post(path: str, body: bytes, *lines: str) -> bytes:
    return get(path, f"content-length: {len(body)}", *lines, method="POST") + body
