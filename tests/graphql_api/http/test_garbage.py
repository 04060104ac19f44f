"""What a request leaves behind: nothing that only a collection of garbage would free."""

import asyncio
import gc
import socket

import pytest
import uvicorn

from graphql_api.app import create_app
from graphql_api.http import vigil
from graphql_api.http.protocol import WireConfig
from graphql_api.settings import Settings
from tests.http_client import Client

QUERY = "{ books(first: 2) { nodes { title authors { name } } totalCount } }"


@pytest.mark.parametrize("at_once", [1, 100])
async def test_requests_leave_no_circles_of_references(
    dsn: str, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    # Of a hundred at once most take longer than that, so that they are looked after.
    monkeypatch.setattr(vigil, "LOOK_EVERY", 0.002)
    settings = Settings(pool_size=2)
    config = WireConfig(create_app(settings, dsn), settings, log_level="warning")
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    serving = asyncio.create_task(server.serve([listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    client = Client(f"http://127.0.0.1:{listener.getsockname()[1]}/graphql")

    async def ask(times: int) -> set[int]:
        rounds = [
            await asyncio.gather(*(client.ask(client.post(QUERY)) for _ in range(at_once)))
            for _ in range(times)
        ]
        return {reply.status for replies in rounds for reply in replies}

    await ask(2)
    gc.collect()
    gc.disable()
    try:
        statuses = await ask(100 // at_once)
        left = gc.collect()
    finally:
        gc.enable()
    client.close()
    server.should_exit = True
    await serving

    assert statuses == {200}
    assert left < 50
