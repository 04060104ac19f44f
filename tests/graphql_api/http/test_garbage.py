"""What a request leaves behind: nothing that only a collection of garbage would free."""

import asyncio
import gc
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import pytest
import uvicorn

from graphql_api.app import create_app
from graphql_api.http import deadlines
from graphql_api.http.protocol import ProtocolConfig
from graphql_api.settings import Settings
from tests.http_client import Client

T = TypeVar("T")

QUERY = "{ books(first: 2) { nodes { title authors { name } } totalCount } }"


@asynccontextmanager
async def serving(dsn: str) -> AsyncGenerator[Client]:
    """A server in this process, and a client of it."""
    settings = Settings(pool_size=2)
    config = ProtocolConfig(create_app(settings, dsn), settings, log_level="warning")
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    running = asyncio.create_task(server.serve([listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    client = Client(f"http://127.0.0.1:{listener.getsockname()[1]}/graphql")
    yield client
    client.close()
    server.should_exit = True
    await running


async def garbage_of(work: Callable[[int], Awaitable[T]], times: int) -> tuple[T, int]:
    """What the work answers when it is done so many times, and how many objects only a collection frees."""
    await work(2)
    gc.collect()
    gc.disable()
    try:
        answered = await work(times)
        return answered, gc.collect()
    finally:
        gc.enable()


@pytest.mark.parametrize("at_once", [1, 100])
async def test_requests_leave_no_circles_of_references(
    dsn: str, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    # Of a hundred at once most take longer than that, so that they are looked after.
    monkeypatch.setattr(deadlines, "CHECK_INTERVAL", 0.002)

    async with serving(dsn) as client:

        async def ask(times: int) -> set[int]:
            rounds = [
                await asyncio.gather(*(client.ask(client.post(QUERY)) for _ in range(at_once)))
                for _ in range(times)
            ]
            return {reply.status for replies in rounds for reply in replies}

        statuses, left = await garbage_of(ask, 100 // at_once)

    assert statuses == {200}
    assert left < 50


async def test_clients_that_leave_a_queue_of_requests_leave_no_circles(dsn: str) -> None:
    async with serving(dsn) as client:

        async def leave(times: int) -> None:
            for _ in range(times):
                _, writer = await client.connect()
                writer.write(client.post(QUERY) * 100)
                await asyncio.sleep(0.001)
                writer.close()
                await writer.wait_closed()
            await asyncio.sleep(0.5)

        _, left = await garbage_of(leave, 20)

    # A connection of the test itself is a circle, of more objects where coverage is measured; a queue is 300 more.
    assert left < 20 * 100
