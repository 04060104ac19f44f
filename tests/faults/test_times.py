"""Times that a client or an operator sees, measured and compared with the speed of this machine."""

import asyncio
import signal
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from tests.faults.locks import has_active_statements, lock_books
from tests.faults.postgres import Postgres
from tests.faults.read_load import QUERY
from tests.faults.speed import measure_slowness
from tests.http_client import Client, read_response, responds_with
from tests.serving import BookstoreProcess, run_server_in_thread
from tests.tables import note
from tests.waiting import until

pytestmark = pytest.mark.timing

HEAD = b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"

EARLY_START = 0.05
"""Maximum seconds by which the server starts a timeout before the client starts its clock."""

TimedAction = Callable[[Client, BookstoreProcess], Awaitable[None]]
"""An action that ends when a timeout of the server passes."""


@asynccontextmanager
async def run_blocked_server(
    postgres: Postgres, folder: Path, **settings: str
) -> AsyncGenerator[tuple[Client, BookstoreProcess]]:
    """Run a server whose reads of books all wait for a lock. Yield a client of it too."""
    async with run_server_in_thread(folder, DATABASE_URL=postgres.server.dsn, **settings) as server:
        client = Client(server.url)
        await until(lambda: responds_with(client, "/readyz", 200))
        async with lock_books(postgres.server.dsn):
            yield client, server
        client.close()


async def send_query(client: Client, server: BookstoreProcess) -> None:
    assert (await client.send(client.build_post(QUERY))).status == 503


async def send_part_of_a_body(client: Client, server: BookstoreProcess) -> None:
    reader, writer = await client.connect()
    writer.write(HEAD + b'content-length: 50\r\n\r\n{"query')
    assert (await read_response(reader)).status == 408
    writer.close()


async def send_byte_by_byte(client: Client, server: BookstoreProcess) -> None:
    reader, writer = await client.connect()
    writer.write(HEAD + b"x: ")
    reading = asyncio.create_task(read_response(reader))
    while not reading.done():
        writer.write(b"y")
        await asyncio.sleep(0.1)
    assert reading.result().status == 408
    writer.close()


async def keep_sending_after_the_response(client: Client, server: BookstoreProcess) -> None:
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


async def leave_connection_idle(client: Client, server: BookstoreProcess) -> None:
    reader, writer = await client.connect()
    writer.write(client.build_get("/livez"))
    assert (await read_response(reader)).status == 200
    assert await reader.read() == b""
    writer.close()


async def terminate_server(client: Client, server: BookstoreProcess) -> None:
    request = asyncio.create_task(client.send(client.build_post(QUERY)))
    server.process.send_signal(signal.SIGTERM)
    await asyncio.to_thread(server.wait)
    await request


@pytest.mark.parametrize(
    ("act", "settings", "min_seconds", "max_seconds"),
    [
        pytest.param(send_query, {"REQUEST_TIMEOUT": "1"}, 1.0, 1.2, id="REQUEST_TIMEOUT 1 s"),
        pytest.param(send_query, {"COMMAND_TIMEOUT": "0.5"}, 0.5, 0.8, id="COMMAND_TIMEOUT 0.5 s"),
        pytest.param(
            send_part_of_a_body,
            {"CLIENT_TIMEOUT": "1.5"},
            1.5,
            2.6,
            id="CLIENT_TIMEOUT 1.5 s, part of a body",
        ),
        pytest.param(
            send_byte_by_byte, {"CLIENT_TIMEOUT": "1.5"}, 1.5, 2.6, id="CLIENT_TIMEOUT 1.5 s, byte by byte"
        ),
        pytest.param(
            keep_sending_after_the_response,
            {"CLIENT_TIMEOUT": "1"},
            1.0,
            2.5,
            id="CLIENT_TIMEOUT 1 s, after the response",
        ),
        pytest.param(
            leave_connection_idle, {"KEEP_ALIVE_TIMEOUT": "5"}, 5.0, 6.0, id="KEEP_ALIVE_TIMEOUT 5 s"
        ),
        pytest.param(terminate_server, {"DRAIN_TIMEOUT": "2"}, 2.0, 5.0, id="DRAIN_TIMEOUT 2 s"),
    ],
)
async def test_a_timeout_passes_within_its_bounds(
    postgres: Postgres,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    act: TimedAction,
    settings: dict[str, str],
    min_seconds: float,
    max_seconds: float,
) -> None:
    async with run_blocked_server(postgres, tmp_path, **settings) as (client, server):
        began = time.monotonic()
        await act(client, server)
        seconds = time.monotonic() - began

    assert_within(request.node.callspec.id, seconds, min_seconds, max_seconds)


async def test_a_request_waits_for_a_connection_until_the_pool_timeout(
    postgres: Postgres, tmp_path: Path
) -> None:
    settings = {"POOL_SIZE": "1", "POOL_TIMEOUT": "0.3"}
    async with run_server_in_thread(tmp_path, DATABASE_URL=postgres.server.dsn, **settings) as server:
        client = Client(server.url)
        await until(lambda: responds_with(client, "/readyz", 200))
        async with lock_books(postgres.server.dsn) as observer:
            first = asyncio.create_task(client.send(client.build_post(QUERY)))
            await until(lambda: has_active_statements(observer, 1))
            began = time.monotonic()
            second = await client.send(client.build_post(QUERY))
            seconds = time.monotonic() - began
        await first
        client.close()

    assert second.status == 503
    assert_within("POOL_TIMEOUT 0.3 s", seconds, 0.3, 0.5)


async def test_fifty_requests_are_rejected_within_their_bound(postgres: Postgres, tmp_path: Path) -> None:
    settings = {"MAX_CONCURRENT_REQUESTS": "5", "MAX_QUEUED_REQUESTS": "3"}
    async with run_blocked_server(postgres, tmp_path, **settings) as (client, _):
        began = time.monotonic()
        requests = [asyncio.create_task(client.send(client.build_post(QUERY))) for _ in range(58)]
        await until(lambda: sum(task.done() for task in requests) >= 50)
        seconds = time.monotonic() - began
        statuses = [task.result().status for task in requests if task.done()]
        for task in requests:
            task.cancel()
        await asyncio.wait(requests)

    assert statuses == [503] * 50
    assert_within("50 rejections", seconds, 0.0, 0.5)


def assert_within(title: str, seconds: float, min_seconds: float, max_seconds: float) -> None:
    """Report a duration. Assert that it is within its bounds; the upper one grows with the machine's slowness."""
    slowness = measure_slowness()
    bound = min_seconds + (max_seconds - min_seconds) * slowness
    note(
        "time | measured | bound | slowness of this machine",
        title,
        f"{seconds:.2f} s",
        f"{bound:.2f} s",
        f"{slowness:.2f}",
    )
    assert min_seconds - EARLY_START <= seconds < bound
