"""What a request leaves behind: nothing that only a collection of garbage would free."""

import asyncio
import gc
import socket

import uvicorn

from graphql_api.app import create_app
from graphql_api.http.protocol import WireConfig
from graphql_api.settings import Settings
from tests.http_client import Client

QUERY = "{ books(first: 2) { nodes { title authors { name } } totalCount } }"


async def test_requests_leave_no_circles_of_references(dsn: str) -> None:
    settings = Settings(pool_size=2)
    config = WireConfig(create_app(settings, dsn), settings, log_level="warning")
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    serving = asyncio.create_task(server.serve([listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    client = Client(f"http://127.0.0.1:{listener.getsockname()[1]}/graphql")

    await client.ask(client.post(QUERY))
    gc.collect()
    gc.disable()
    try:
        statuses = [(await client.ask(client.post(QUERY))).status for _ in range(50)]
        left = gc.collect()
    finally:
        gc.enable()
    client.close()
    server.should_exit = True
    await serving

    assert statuses == [200] * 50
    assert left < 50
