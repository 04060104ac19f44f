"""Server processes that are terminated, killed or replaced: requests in flight are finished."""

import asyncio
import os
import re
import signal
import time
from pathlib import Path

import pytest

from tests.faults.locks import has_active_statements, lock_books
from tests.faults.postgres import Postgres
from tests.faults.read_load import QUERY, ReadLoad
from tests.http_client import Client, responds_with
from tests.serving import run_server_in_thread, worker_pids
from tests.waiting import GUARD, until


async def is_connection_refused(client: Client) -> bool:
    """Return whether the server no longer accepts connections."""
    try:
        _, writer = await client.connect()
    except OSError:
        return True
    writer.close()
    return False


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_sigterm_finishes_requests_in_flight(postgres: Postgres, tmp_path: Path, workers: str) -> None:
    settings = {
        "POOL_SIZE": "10",
        "DATABASE_URL": postgres.server.dsn,
    }  # each request has a connection
    async with run_server_in_thread(tmp_path, "--workers", workers, **settings) as server:
        client = Client(server.url)
        async with lock_books(postgres.server.dsn) as observer:
            requests = [asyncio.create_task(client.send(client.build_post(QUERY))) for _ in range(10)]
            await until(lambda: has_active_statements(observer, 10))
            server.process.send_signal(signal.SIGTERM)
            await until(lambda: is_connection_refused(client))
            pending = [task for task in requests if not task.done()]
        responses = await asyncio.gather(*requests)
        await asyncio.to_thread(server.wait)

    assert pending == requests
    assert [response.status for response in responses] == [200] * 10
    assert {response.headers["connection"] for response in responses} == {"close"}


async def test_sigterm_ends_a_server_although_a_request_does_not_finish(
    postgres: Postgres, tmp_path: Path
) -> None:
    async with run_server_in_thread(tmp_path, DATABASE_URL=postgres.server.dsn, DRAIN_TIMEOUT="1") as server:
        client = Client(server.url)
        async with lock_books(postgres.server.dsn) as observer:
            request = asyncio.create_task(client.send(client.build_post(QUERY)))
            await until(lambda: has_active_statements(observer, 1))
            server.process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(server.wait)
        response = await request

    assert response.status != 200


async def test_sighup_replaces_workers_without_a_failed_request(postgres: Postgres, tmp_path: Path) -> None:
    async with run_server_in_thread(tmp_path, "--workers", "2", DATABASE_URL=postgres.server.dsn) as server:
        before = worker_pids(server.process.pid)
        async with ReadLoad(server.url, max_in_flight=20) as read_load:
            await until(lambda: len(read_load.reads) >= 20)
            server.process.send_signal(signal.SIGHUP)
            await until(lambda: not worker_pids(server.process.pid) & before, guard=2 * GUARD)
            replaced = time.monotonic()
            await until(lambda: read_load.count_since(replaced) >= 20)
        after = worker_pids(server.process.pid)
    read_load.report("workers replaced")

    assert (len(before), len(after), before & after) == (2, 2, set())
    assert read_load.count_outcomes().keys() == {"200"}


async def test_a_killed_worker_is_replaced(postgres: Postgres, tmp_path: Path) -> None:
    async with run_server_in_thread(tmp_path, "--workers", "2", DATABASE_URL=postgres.server.dsn) as server:
        before = worker_pids(server.process.pid)
        victim = min(before)
        os.kill(victim, signal.SIGKILL)
        await until(lambda: len(worker_pids(server.process.pid) - {victim}) == 2)
        client = Client(server.url)
        responses = [await client.send(client.build_post(QUERY)) for _ in range(20)]
        client.close()

    assert {response.status for response in responses} == {200}


async def test_logs_and_responses_contain_neither_the_dsn_nor_internals(
    postgres: Postgres, proxied_dsn: str, tmp_path: Path
) -> None:
    """Not even at log level debug, before, during and after an outage."""
    async with run_server_in_thread(tmp_path, DATABASE_URL=proxied_dsn, LOG_LEVEL="debug") as server:
        client = Client(server.url)
        responses = [await client.send(client.build_post(QUERY))]
        await asyncio.to_thread(postgres.stop)
        await until(lambda: responds_with(client, "/readyz", 503))
        responses += [
            await client.send(client.build_post(QUERY)),
            await client.send(client.build_get("/readyz")),
        ]
        await asyncio.to_thread(postgres.start)
        await until(lambda: responds_with(client, "/readyz", 200))
        client.close()
        output = server.startup_output + await asyncio.to_thread(server.stop)

    assert [response.status for response in responses] == [200, 503, 503]
    for text in (output, *(response.body.decode() for response in responses)):
        assert "topsecret" not in text
        assert "postgresql://" not in text
    for response in responses:
        assert re.search(rb"SELECT|Traceback|/\w+/", response.body) is None
    assert "Traceback" not in output
