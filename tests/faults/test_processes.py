"""Processes that end, die or are replaced: no request is lost with them."""

import asyncio
import os
import re
import signal
import time
from pathlib import Path

import pytest

from tests.faults.conftest import server
from tests.faults.locks import are_active, locked
from tests.faults.postgres import PROC, Postgres
from tests.faults.readers import QUERY, Readers
from tests.http_client import Client, answers_with
from tests.waiting import GUARD, until


def children_of(pid: int) -> set[int]:
    """The workers of a server: those of its children that are not Python's resource tracker."""
    children = (PROC / str(pid) / "task" / str(pid) / "children").read_text().split()
    return {int(child) for child in children if is_worker(child)}


def is_worker(child: str) -> bool:
    try:
        return "resource_tracker" not in (PROC / child / "cmdline").read_bytes().decode()
    except FileNotFoundError:  # it has ended since its parent was looked at
        return False


async def is_refused(client: Client) -> bool:
    """Whether the server accepts no connections any more."""
    try:
        _, writer = await client.connect()
    except OSError:
        return True
    writer.close()
    return False


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_sigterm_finishes_what_is_under_way(postgres: Postgres, tmp_path: Path, workers: str) -> None:
    settings = {"POOL_SIZE": "10", "DATABASE_URL": postgres.server.dsn}  # none is to wait for a connection
    async with server(tmp_path, "--workers", workers, **settings) as served:
        client = Client(served.url)
        async with locked(postgres.server.dsn) as observer:
            asked = [asyncio.create_task(client.send(client.build_post(QUERY))) for _ in range(10)]
            await until(lambda: are_active(observer, 10))
            served.process.send_signal(signal.SIGTERM)
            await until(lambda: is_refused(client))
            pending = [task for task in asked if not task.done()]
        answers = await asyncio.gather(*asked)
        await asyncio.to_thread(served.wait)

    assert pending == asked
    assert [reply.status for reply in answers] == [200] * 10
    assert {reply.headers["connection"] for reply in answers} == {"close"}


async def test_sigterm_ends_a_server_whose_requests_never_end(postgres: Postgres, tmp_path: Path) -> None:
    async with server(tmp_path, DATABASE_URL=postgres.server.dsn, DRAIN_TIMEOUT="1") as served:
        client = Client(served.url)
        async with locked(postgres.server.dsn) as observer:
            asked = asyncio.create_task(client.send(client.build_post(QUERY)))
            await until(lambda: are_active(observer, 1))
            served.process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(served.wait)
        reply = await asked

    assert reply.status != 200


async def test_workers_are_replaced_without_a_lost_request(postgres: Postgres, tmp_path: Path) -> None:
    async with server(tmp_path, "--workers", "2", DATABASE_URL=postgres.server.dsn) as served:
        before = children_of(served.process.pid)
        async with Readers(served.url, most=20) as readers:
            await until(lambda: len(readers.reads) >= 20)
            served.process.send_signal(signal.SIGHUP)
            await until(lambda: not children_of(served.process.pid) & before, guard=2 * GUARD)
            replaced = time.monotonic()
            await until(lambda: readers.count_since(replaced) >= 20)
        after = children_of(served.process.pid)
    readers.note("workers replaced")

    assert (len(before), len(after), before & after) == (2, 2, set())
    assert readers.kinds().keys() == {"200"}


async def test_a_worker_that_dies_is_replaced(postgres: Postgres, tmp_path: Path) -> None:
    async with server(tmp_path, "--workers", "2", DATABASE_URL=postgres.server.dsn) as served:
        before = children_of(served.process.pid)
        victim = min(before)
        os.kill(victim, signal.SIGKILL)
        await until(lambda: len(children_of(served.process.pid) - {victim}) == 2)
        client = Client(served.url)
        answers = [await client.send(client.build_post(QUERY)) for _ in range(20)]
        client.close()

    assert {reply.status for reply in answers} == {200}


async def test_nothing_that_is_logged_or_answered_tells_where_the_database_is(
    postgres: Postgres, dsn_by_proxy: str, tmp_path: Path
) -> None:
    """Not even at the level debug, while PostgreSQL goes away and comes back."""
    async with server(tmp_path, DATABASE_URL=dsn_by_proxy, LOG_LEVEL="debug") as served:
        client = Client(served.url)
        answers = [await client.send(client.build_post(QUERY))]
        await asyncio.to_thread(postgres.stop)
        await until(lambda: answers_with(client, "/readyz", 503))
        answers += [
            await client.send(client.build_post(QUERY)),
            await client.send(client.build_get("/readyz")),
        ]
        await asyncio.to_thread(postgres.start)
        await until(lambda: answers_with(client, "/readyz", 200))
        client.close()
        said = served.said + await asyncio.to_thread(served.stop)

    assert [reply.status for reply in answers] == [200, 503, 503]
    for text in (said, *(reply.body.decode() for reply in answers)):
        assert "topsecret" not in text
        assert "postgresql://" not in text
    for reply in answers:
        assert re.search(rb"SELECT|Traceback|/\w+/", reply.body) is None
    assert "Traceback" not in said
