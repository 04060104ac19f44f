"""What a request leaves behind: nothing that only a collection of garbage would free."""

import asyncio
import gc
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVar

import pytest
import uvicorn

from graphql_api.app import create_app
from graphql_api.http import deadlines
from graphql_api.http.protocol import ProtocolConfig
from graphql_api.settings import Settings
from tests.http_client import Client
from tests.serving import PATIENT
from tests.waiting import until

T = TypeVar("T")

QUERY = "{ books(first: 2) { nodes { title authors { name } } totalCount } }"


@asynccontextmanager
async def serve_in_process(dsn: str) -> AsyncGenerator[tuple[Client, uvicorn.Server]]:
    """A client of a server in this process, and that server."""
    settings = Settings(pool_size=2, **PATIENT)
    config = ProtocolConfig(create_app(settings, dsn), settings, log_level="warning")
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    running = asyncio.create_task(server.serve([listener]))
    await until(lambda: server.started)
    client = Client(f"http://127.0.0.1:{listener.getsockname()[1]}/graphql")
    yield client, server
    client.close()
    # A connection that is open at the end keeps the server for a second, whose garbage the next test would count.
    await until(lambda: not server.server_state.connections)
    server.should_exit = True
    await running


async def garbage_of(work: Callable[[int], Awaitable[T]], times: int) -> tuple[T, int]:
    """What the work answers when it is done so many times, and how many objects only a collection frees."""
    await work(2)
    gc.collect()
    gc.freeze()  # timers hold the server of an earlier test for a moment: it is not this work's garbage
    gc.disable()
    try:
        answered = await work(times)
        return answered, gc.collect()
    finally:
        gc.enable()
        gc.unfreeze()


@pytest.mark.parametrize("at_once", [1, 100])
async def test_requests_leave_no_circles_of_references(
    dsn: str, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    # Of a hundred at once most take longer than that, so that they are looked after.
    monkeypatch.setattr(deadlines, "CHECK_INTERVAL", 0.002)

    async with serve_in_process(dsn) as (client, _):

        async def ask(times: int) -> set[int]:
            rounds = [
                await asyncio.gather(*(client.send(client.build_post(QUERY)) for _ in range(at_once)))
                for _ in range(times)
            ]
            return {reply.status for replies in rounds for reply in replies}

        statuses, left = await garbage_of(ask, 100 // at_once)

    assert statuses == {200}
    assert left < 50


async def test_clients_that_leave_a_queue_of_requests_leave_no_circles(dsn: str) -> None:
    async with serve_in_process(dsn) as (client, server):
        state = server.server_state

        async def leave(times: int, requests: int) -> None:
            for _ in range(times):
                reader, writer = await client.connect()
                writer.write(client.build_post(QUERY) * requests)
                await reader.readexactly(1)  # the first is answered, the others are in the queue
                writer.close()
                await writer.wait_closed()
            await until(lambda: not state.connections and not state.tasks)

        _, of_connections = await garbage_of(partial(leave, requests=1), 20)
        _, left = await garbage_of(partial(leave, requests=100), 20)

    # A connection of the test itself is a circle; a queue of 16 requests is 300 objects more.
    assert left - of_connections < 20 * 100
