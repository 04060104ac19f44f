"""Requests leave no reference cycles, which only the garbage collector would free."""

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
from graphql_api.http.protocol import BookstoreHttpProtocol, ProtocolConfig
from graphql_api.settings import Settings
from tests.http_client import Client
from tests.serving import PATIENT
from tests.waiting import until

T = TypeVar("T")

QUERY = "{ books(first: 2) { nodes { title authors { name } } totalCount } }"


@asynccontextmanager
async def serve_in_process(dsn: str) -> AsyncGenerator[tuple[Client, uvicorn.Server]]:
    """Run a server in this process. Yield a client of it, and the server."""
    settings = Settings(pool_size=2, **PATIENT)
    config = ProtocolConfig(create_app(settings, dsn), settings, BookstoreHttpProtocol, log_level="warning")
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    running = asyncio.create_task(server.serve([listener]))
    await until(lambda: server.started)
    client = Client(f"http://127.0.0.1:{listener.getsockname()[1]}/graphql")
    yield client, server
    client.close()
    # An open connection would keep the server alive for a second, and the next test would count its garbage.
    await until(lambda: not server.server_state.connections)
    server.should_exit = True
    await running


async def count_garbage(work: Callable[[int], Awaitable[T]], times: int) -> tuple[T, int]:
    """Do the work `times` times. Return its result, and the number of objects in reference cycles."""
    await work(2)
    gc.collect()
    gc.freeze()  # timers still refer to the server of an earlier test, which must not be counted
    gc.disable()
    try:
        result = await work(times)
        return result, gc.collect()
    finally:
        gc.enable()
        gc.unfreeze()


@pytest.mark.parametrize("concurrency", [1, 100])
async def test_requests_leave_no_reference_cycles(
    dsn: str, monkeypatch: pytest.MonkeyPatch, concurrency: int
) -> None:
    # Most of a hundred concurrent requests take longer, so that the monitor checks their deadlines.
    monkeypatch.setattr(deadlines, "CHECK_INTERVAL", 0.002)

    async with serve_in_process(dsn) as (client, _):

        async def send_requests(times: int) -> set[int]:
            rounds = [
                await asyncio.gather(*(client.send(client.build_post(QUERY)) for _ in range(concurrency)))
                for _ in range(times)
            ]
            return {response.status for responses in rounds for response in responses}

        statuses, left = await count_garbage(send_requests, 100 // concurrency)

    assert statuses == {200}
    assert left < 50


async def test_disconnects_with_pipelined_requests_leave_no_reference_cycles(dsn: str) -> None:
    async with serve_in_process(dsn) as (client, server):
        state = server.server_state

        async def disconnect(times: int, requests: int) -> None:
            for _ in range(times):
                reader, writer = await client.connect()
                writer.write(client.build_post(QUERY) * requests)
                await reader.readexactly(1)  # the first has a response, the others are in the pipeline
                writer.close()
                await writer.wait_closed()
            await until(lambda: not state.connections and not state.tasks)

        _, of_connections = await count_garbage(partial(disconnect, requests=1), 20)
        _, left = await count_garbage(partial(disconnect, requests=100), 20)

    # The test's own connection is a reference cycle too. A leaked pipeline of 16 requests has 300 objects.
    assert left - of_connections < 20 * 100
