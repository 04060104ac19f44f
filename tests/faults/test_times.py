"""Times that a client or an operator sees, measured and compared with the speed of this machine."""

import asyncio
import signal
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from tests.faults.conftest import server
from tests.faults.locks import are_active, locked
from tests.faults.postgres import Postgres
from tests.faults.readers import QUERY
from tests.faults.speed import slowness
from tests.http_client import Client, answers_with, read_response
from tests.serving import Served
from tests.tables import note
from tests.waiting import until

pytestmark = pytest.mark.timing

HEAD = b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"

EARLY = 0.05
"""By so many seconds the server may begin to measure before the client does."""

Measured = Callable[[Client, Served], Awaitable[None]]


@asynccontextmanager
async def blocked(postgres: Postgres, folder: Path, **settings: str) -> AsyncGenerator[tuple[Client, Served]]:
    """A client of a server whose reads of books all wait."""
    async with server(folder, DATABASE_URL=postgres.server.dsn, **settings) as served:
        client = Client(served.url)
        await until(lambda: answers_with(client, "/readyz", 200))
        async with locked(postgres.server.dsn):
            yield client, served
        client.close()


async def ask(client: Client, served: Served) -> None:
    assert (await client.send(client.build_post(QUERY))).status == 503


async def send_slowly(client: Client, served: Served) -> None:
    reader, writer = await client.connect()
    writer.write(HEAD + b'content-length: 50\r\n\r\n{"query')
    assert (await read_response(reader)).status == 408
    writer.close()


async def drip(client: Client, served: Served) -> None:
    reader, writer = await client.connect()
    writer.write(HEAD + b"x: ")
    cut_off = asyncio.create_task(read_response(reader))
    while not cut_off.done():
        writer.write(b"y")
        await asyncio.sleep(0.1)
    assert cut_off.result().status == 408
    writer.close()


async def send_on_after_the_answer(client: Client, served: Served) -> None:
    reader, writer = await client.connect()
    chunk = b"2710\r\n" + b" " * 10_000 + b"\r\n"
    writer.write(HEAD + b"transfer-encoding: chunked\r\n\r\n" + chunk * 11)
    assert (await read_response(reader)).status == 413
    with suppress(ConnectionError):
        while True:
            writer.write(chunk)
            await writer.drain()
            await asyncio.sleep(0.005)
    writer.close()


async def idle(client: Client, served: Served) -> None:
    reader, writer = await client.connect()
    writer.write(client.build_get("/livez"))
    assert (await read_response(reader)).status == 200
    assert await reader.read() == b""
    writer.close()


async def end(client: Client, served: Served) -> None:
    asked = asyncio.create_task(client.send(client.build_post(QUERY)))
    served.process.send_signal(signal.SIGTERM)
    await asyncio.to_thread(served.wait)
    await asked


@pytest.mark.parametrize(
    ("measured", "settings", "least", "most"),
    [
        pytest.param(ask, {"REQUEST_TIMEOUT": "1"}, 1.0, 1.2, id="REQUEST_TIMEOUT 1 s"),
        pytest.param(ask, {"COMMAND_TIMEOUT": "0.5"}, 0.5, 0.8, id="COMMAND_TIMEOUT 0.5 s"),
        pytest.param(send_slowly, {"CLIENT_TIMEOUT": "1.5"}, 1.5, 2.6, id="CLIENT_TIMEOUT 1.5 s, slow body"),
        pytest.param(drip, {"CLIENT_TIMEOUT": "1.5"}, 1.5, 2.6, id="CLIENT_TIMEOUT 1.5 s, a byte at a time"),
        pytest.param(
            send_on_after_the_answer,
            {"CLIENT_TIMEOUT": "1"},
            1.0,
            2.5,
            id="CLIENT_TIMEOUT 1 s, after the answer",
        ),
        pytest.param(idle, {"KEEP_ALIVE_TIMEOUT": "5"}, 5.0, 6.0, id="KEEP_ALIVE_TIMEOUT 5 s"),
        pytest.param(end, {"DRAIN_TIMEOUT": "2"}, 2.0, 5.0, id="DRAIN_TIMEOUT 2 s"),
    ],
)
async def test_a_time_out_ends_when_it_should(
    postgres: Postgres,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    measured: Measured,
    settings: dict[str, str],
    least: float,
    most: float,
) -> None:
    async with blocked(postgres, tmp_path, **settings) as (client, served):
        began = time.monotonic()
        await measured(client, served)
        seconds = time.monotonic() - began

    require_within(request.node.callspec.id, seconds, least, most)


async def test_a_request_waits_for_a_connection_as_long_as_it_is_set(
    postgres: Postgres, tmp_path: Path
) -> None:
    settings = {"POOL_SIZE": "1", "POOL_TIMEOUT": "0.3"}
    async with server(tmp_path, DATABASE_URL=postgres.server.dsn, **settings) as served:
        client = Client(served.url)
        await until(lambda: answers_with(client, "/readyz", 200))
        async with locked(postgres.server.dsn) as observer:
            first = asyncio.create_task(client.send(client.build_post(QUERY)))
            await until(lambda: are_active(observer, 1))
            began = time.monotonic()
            await client.send(client.build_post(QUERY))
            seconds = time.monotonic() - began
        await first
        client.close()

    require_within("POOL_TIMEOUT 0.3 s", seconds, 0.3, 0.5)


async def test_fifty_refusals_take_less_than_half_a_second(postgres: Postgres, tmp_path: Path) -> None:
    settings = {"MAX_CONCURRENT_REQUESTS": "5", "MAX_QUEUED_REQUESTS": "3"}
    async with blocked(postgres, tmp_path, **settings) as (client, _):
        began = time.monotonic()
        asked = [asyncio.create_task(client.send(client.build_post(QUERY))) for _ in range(58)]
        await until(lambda: sum(task.done() for task in asked) >= 50)
        seconds = time.monotonic() - began
        for task in asked:
            task.cancel()
        await asyncio.wait(asked)

    require_within("50 refusals", seconds, 0.0, 0.5)


def require_within(what: str, seconds: float, least: float, most: float) -> None:
    """Report a time, and require it to be at least the time-out, and as soon after as the machine is fast."""
    factor = slowness()
    bound = least + (most - least) * factor
    note(
        "time | measured | bound | slowness of this machine",
        what,
        f"{seconds:.2f} s",
        f"{bound:.2f} s",
        f"{factor:.2f}",
    )
    assert least - EARLY <= seconds < bound
