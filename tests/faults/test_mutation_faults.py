"""Mutations and faults: what has an idempotency key is written once, and nothing is written after a failure."""

import asyncio
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from db.verify import audit_catalog
from tests.faults.conftest import System
from tests.faults.locks import block_commits, has_active_statements, lock_books
from tests.faults.postgres import Postgres
from tests.faults.test_postgres_faults import FAULTS
from tests.faults.write_load import CLIENTS, MUTATION, REQUESTS, WriteLoad, create_manager_key, read_stock
from tests.serving import BookstoreProcess, run_server, run_server_in_thread
from tests.tables import note
from tests.waiting import GUARD, until

KILLS = 12 if os.environ.get("ALL_FAULTS") else 3
"""How often a server is killed while it runs mutations."""

QUICK_FAULTS = ("postgres stopped", "sessions terminated")
"""The faults that `make test` runs; `make faults` runs all."""


async def assert_correct(dsn: str) -> None:
    assert [(each.name, each.examples) for each in await audit_catalog(dsn) if each.count] == []


async def test_killed_servers_lose_and_repeat_nothing(postgres: Postgres, tmp_path: Path) -> None:
    """Each server is killed after a random number of answers, with other requests in flight."""
    dsn = postgres.server.dsn
    random_ = random.Random(REQUESTS)
    kill_at = sorted(random_.sample(range(REQUESTS - CLIENTS), KILLS))
    stock, urls = await read_stock(dsn), ["http://127.0.0.1:1/graphql"]
    load = WriteLoad(lambda: urls[-1], await create_manager_key(dsn), "killed")
    loading = asyncio.create_task(load.run())

    for answers in [*kill_at, REQUESTS]:
        manager = run_server(tmp_path, DATABASE_URL=dsn)
        server = await asyncio.to_thread(manager.__enter__)
        urls.append(server.url)
        await until(lambda: loading.done() or len(load.answers) >= answers, guard=3 * GUARD)  # noqa: B023
        server.process.kill()
        await asyncio.to_thread(manager.__exit__, None, None, None)
    await loading
    note("fault | requests | statuses", "servers killed", REQUESTS, dict(sorted(load.statuses.items())))

    assert load.statuses.keys() <= {0, 200, 503}
    await load.assert_written_once(dsn, stock)
    await assert_correct(dsn)


@pytest.mark.parametrize("name", FAULTS if os.environ.get("ALL_FAULTS") else QUICK_FAULTS)
async def test_mutations_are_written_once_in_spite_of_a_fault(system: System, name: str) -> None:
    begin, end = FAULTS[name]
    stock = await read_stock(system.dsn)
    load = WriteLoad(lambda: system.server.url, await create_manager_key(system.dsn), name)
    loading = asyncio.create_task(load.run())

    await until(lambda: len(load.answers) >= REQUESTS // 4)
    await begin(system)
    answered = load.statuses.total()
    await until(lambda: loading.done() or load.statuses.total() >= answered + CLIENTS)
    await end(system)
    await asyncio.wait_for(loading, 2 * GUARD)
    note("fault | requests | statuses", name, REQUESTS, dict(sorted(load.statuses.items())))

    assert load.statuses.keys() <= {200, 409, 503}, system.server.output()[-5_000:]
    await load.assert_written_once(system.dsn, stock)
    await assert_correct(system.dsn)


@pytest.mark.parametrize("setting", ["REQUEST_TIMEOUT", "COMMAND_TIMEOUT"])
async def test_a_mutation_that_waits_too_long_for_a_lock_writes_nothing(
    postgres: Postgres, tmp_path: Path, setting: str
) -> None:
    dsn = postgres.server.dsn
    key, stock = await create_manager_key(dsn), await read_stock(dsn)
    settings: dict[str, Any] = {setting: "0.5", "POOL_SIZE": "2"}
    async with (
        run_server_in_thread(tmp_path, DATABASE_URL=dsn, **settings) as server,
        httpx.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=GUARD) as client,
    ):
        load = WriteLoad(lambda: server.url, key, setting)
        async with lock_books(dsn) as observer:
            late = [
                await asyncio.gather(*(load.send(client, number) for number in range(2))) for _ in range(3)
            ]
            await until(lambda: has_active_statements(observer, 0))
        stock_after = await read_stock(dsn)
        again = await load.send(client, 0)

    assert {status for answers in late for status, _ in answers} == {503}
    assert all(b'"TIMEOUT"' in body for answers in late for _, body in answers)
    assert stock_after == stock
    assert again[0] == 200
    assert await read_stock(dsn) == stock + 1


async def test_a_mutation_is_not_confirmed_before_a_synchronous_standby_has_it(
    postgres: Postgres, tmp_path: Path
) -> None:
    """PostgreSQL writes it, and ends the wait at the timeout: the primary alone has it."""
    dsn = postgres.server.dsn
    key, stock = await create_manager_key(dsn), await read_stock(dsn)
    async with (
        run_server_in_thread(tmp_path, DATABASE_URL=dsn, COMMAND_TIMEOUT="0.5") as server,
        httpx.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=GUARD) as client,
    ):
        load = WriteLoad(lambda: server.url, key, "unconfirmed")
        async with block_commits(dsn):
            unconfirmed = [await load.send(client, 0) for _ in range(2)]
        confirmed = await load.send(client, 0)

    assert [status for status, _ in unconfirmed] == [503, 503]
    assert all(b'"OUTCOME_UNKNOWN"' in body for _, body in unconfirmed)
    assert confirmed[0] == 200
    assert await read_stock(dsn) == stock + 1


async def test_a_mutation_on_a_server_that_is_read_only_is_unavailable(
    postgres: Postgres, tmp_path: Path
) -> None:
    dsn = postgres.server.dsn
    key, stock = await create_manager_key(dsn), await read_stock(dsn)
    read_only = f"{dsn}&options=-c%20default_transaction_read_only%3Don"
    async with (
        run_server_in_thread(tmp_path, DATABASE_URL=read_only) as server,
        httpx.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=GUARD) as client,
    ):
        status, body = await WriteLoad(lambda: server.url, key, "read-only").send(client, 0)
        reading = await client.post(server.url, json={"query": "{ books(first: 1) { totalCount } }"})

    assert (status, b'"SERVICE_UNAVAILABLE"' in body) == (503, True)
    assert (reading.status_code, "errors" in reading.json()) == (200, False)
    assert await read_stock(dsn) == stock


async def waits_for_a_lock(observer: Any) -> bool:
    """Return whether a statement waits for a lock, so that it cannot end by itself."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    return await observer.fetchval(waiting) == 1


async def test_a_client_that_leaves_during_a_mutation_has_written_nothing(
    patient_server: BookstoreProcess, postgres: Postgres
) -> None:
    dsn = postgres.server.dsn
    key, stock = await create_manager_key(dsn), await read_stock(dsn)
    async with lock_books(dsn) as observer:
        async with httpx.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=GUARD) as client:
            body = {"query": MUTATION, "variables": {"title": "left"}}
            leaving = asyncio.create_task(client.post(patient_server.url, json=body))
            await until(lambda: waits_for_a_lock(observer))
            leaving.cancel()
            await asyncio.wait([leaving])
        await until(lambda: has_active_statements(observer, 0))

    assert await read_stock(dsn) == stock
    assert "internal error" not in patient_server.output()


async def send(url: str, headers: dict[str, str], **options: Any) -> tuple[int, str]:
    async with httpx.AsyncClient(timeout=GUARD) as client:
        response = await client.request(options.pop("method", "POST"), url, headers=headers, **options)
    errors = response.json().get("errors", []) if response.content else []
    return response.status_code, errors[0]["extensions"]["code"] if errors else ""


ADD = 'mutation { adjustStock(by: {isbn: "9780306406157"}, delta: 1) { errors { code } } }'
FORM = {"content-type": "application/x-www-form-urlencoded"}

CLUMSY: dict[str, tuple[Callable[[str], dict[str, str]], dict[str, Any], tuple[int, str]]] = {
    "by GET": (lambda key: {"authorization": key}, {"method": "GET", "params": {"query": ADD}}, (405, "BAD_REQUEST")),
    "as a form": (lambda key: {"authorization": key, **FORM}, {"content": f"query={ADD}"}, (415, "BAD_REQUEST")),
    "as text": (
        lambda key: {"authorization": key, "content-type": "text/plain"},
        {"content": f'{{"query": "{ADD}"}}'},
        (415, "BAD_REQUEST"),
    ),
    "with a cookie": (lambda key: {"cookie": f"authorization={key}"}, {"json": {"query": ADD}}, (200, "GRAPHQL_VALIDATION_FAILED")),
    "without a key": (lambda key: {}, {"json": {"query": ADD}}, (200, "GRAPHQL_VALIDATION_FAILED")),
    "in a batch": (lambda key: {"authorization": key}, {"json": [{"query": ADD}]}, (400, "BAD_REQUEST")),
    "with Basic": (lambda key: {"authorization": f"Basic {key}"}, {"json": {"query": ADD}}, (401, "UNAUTHENTICATED")),
}  # fmt: skip


@pytest.mark.parametrize("name", CLUMSY)
async def test_a_clumsy_or_hostile_request_writes_nothing(
    patient_server: BookstoreProcess, postgres: Postgres, name: str
) -> None:
    dsn = postgres.server.dsn
    headers, options, expected = CLUMSY[name]
    key, stock = await create_manager_key(dsn), await read_stock(dsn)

    answer = await send(patient_server.url, headers(f"Bearer {key}"), **options)

    assert answer == expected
    assert await read_stock(dsn) == stock


async def test_an_idempotency_key_belongs_to_its_client_and_its_request(
    patient_server: BookstoreProcess, postgres: Postgres
) -> None:
    dsn = postgres.server.dsn
    stock = await read_stock(dsn)
    one, two = [
        {"authorization": f"Bearer {await create_manager_key(dsn)}", "idempotency-key": "k"} for _ in range(2)
    ]
    query = 'mutation ($a: Int!, $b: Int!) { x: adjustStock(by: {isbn: "9780306406157"}, delta: $a) { errors { code } } '
    query += 'y: adjustStock(by: {isbn: "9780306406157"}, delta: $b) { errors { code } } }'

    def ask(headers: dict[str, str], **variables: int) -> Any:
        return send(patient_server.url, headers, json={"query": query, "variables": variables})

    at_once = await asyncio.gather(*(ask(headers, a=1, b=10) for headers in [one, two] * 8))
    reordered = await ask(one, b=10, a=1)
    other = await ask(one, a=2, b=10)

    assert set(at_once) == {(200, "")}
    assert reordered == (200, "")
    assert other == (422, "IDEMPOTENCY_KEY_REUSED")
    assert await read_stock(dsn) == stock + 2 * 11
