"""Races of writers against a server with several processes, and keys that change under load.

python -m tests.write_storm [--pairs 1000] [--batches 1000] [--requests 2000]

- Pairs of updates of one book that expect the same version: one of each must win.
- Overlapping batches of offers, with books and links that come and go beside them: no deadlock, no lost write.
- A key that asks for all it can beside one that asks for little, with buckets of cost.
- Requests at a steady rate while their key is replaced again and again: no error; and how long a revoked key is accepted.

Ends with `bookstore verify`. Exits with 1 if anything is wrong.
"""

import asyncio
import sys
import time
from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import uvloop

from db import embedded
from tests.conftest import SAMPLE
from tests.serving import embedded_catalog, run_bookstore, run_server
from tests.waiting import until

WORKERS = 4
BOOKS = 200
BATCH = 40
RATE = 200
"""Requests a second while keys change."""

UPDATE = """mutation ($by: BookKeyInput!, $stock: Int!, $version: Int!) {
  updateBook(by: $by, input: {stock: $stock}, expectedVersion: $version) { book { version } errors { code } }
}"""
OFFERS = "mutation ($offers: [OfferInput!]!) { updateOffers(offers: $offers) { errors { code message } } }"
CHURN = """mutation ($title: String!, $by: BookKeyInput!) {
  createBook(input: {title: $title, sourceId: $title, source: "storm",
                     contributions: [{author: {slug: "jane-austen"}}], categories: [{path: "fiction"}]}) {
    errors { code message }
  }
  updateBook(by: $by, input: {contributions: [], categories: [{path: "fiction/novels"}]}) { errors { code message } }
}"""


def create_key(folder: Path, name: str) -> str:
    created = run_bookstore("keys", "create", name, "--role", "manager", cwd=folder)
    assert created.returncode == 0, created.stderr
    return created.stdout.strip()


def client_of(url: str, key: str) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=64)
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.AsyncClient(base_url=url, headers=headers, timeout=60, limits=limits)


async def post(client: httpx.AsyncClient, query: str, **variables: Any) -> Any:
    """Return the data of a response without GraphQL errors."""
    response = await client.post("", json={"query": query, "variables": variables})
    body = response.json()
    assert response.status_code == 200, body
    assert "errors" not in body, body
    return body["data"]


def key_of(number: int) -> dict[str, Any]:
    return {"sourceKey": {"source": "seed", "sourceId": str(number % BOOKS + 1)}}


async def race_pairs(client: httpx.AsyncClient, pairs: int) -> Counter[str]:
    """Return how often a pair had one winner and one conflict, or something else."""
    results = Counter[str]()

    async def race(book: int, turns: int) -> None:
        done = await post(client, UPDATE, by=key_of(book), stock=0, version=0)
        version = done["updateBook"]["book"]["version"]
        for turn in range(turns):
            stocks = (
                100_000 + 2 * turn,
                100_001 + 2 * turn,
            )  # none is the stock of before, which is no change
            both = await asyncio.gather(
                *(post(client, UPDATE, by=key_of(book), stock=stock, version=version) for stock in stocks)
            )
            codes = sorted(str([error["code"] for error in each["updateBook"]["errors"]]) for each in both)
            results[" and ".join(codes)] += 1
            version = max(each["updateBook"]["book"]["version"] for each in both)

    await asyncio.gather(*(race(book, pairs // 20) for book in range(20)))
    return results


async def race_batches(client: httpx.AsyncClient, batches: int) -> Counter[str]:
    """Return the answers of overlapping batches, with new books and changed links beside them."""
    results = Counter[str]()
    slots = asyncio.Semaphore(16)

    async def send(turn: int) -> None:
        numbers = dict.fromkeys((turn * 37 + step * 11) % BOOKS for step in range(BATCH))
        offers = [
            {"by": key_of(number), "stock": turn, "price": {"amount": turn + 1, "currencyCode": "EUR"}}
            for number in numbers
        ]
        async with slots:
            done = await post(client, OFFERS, offers=offers)
            results[str(done["updateOffers"]["errors"])] += 1
            if turn % 5 == 0:
                done = await post(client, CHURN, title=f"storm {turn}", by=key_of(turn))
                for each in done.values():
                    results[str(each["errors"])] += 1

    await asyncio.gather(*(send(turn) for turn in range(batches)))
    return results


async def rotate_keys(url: str, folder: Path, requests: int) -> tuple[Counter[int], float]:
    """Send requests while their key is replaced. Return the statuses, and seconds until a revoked key is refused."""
    statuses, in_flight = Counter[int](), Counter[str]()
    keys = [await asyncio.to_thread(create_key, folder, "rotation 0")]

    async def replace_keys() -> None:
        for number in range(1, 100):
            keys.append(await asyncio.to_thread(create_key, folder, f"rotation {number}"))
            await until(lambda: not in_flight[keys[-2]])
            await asyncio.to_thread(run_bookstore, "keys", "revoke", f"rotation {number - 1}", cwd=folder)

    async def ask(client: httpx.AsyncClient) -> None:
        key = keys[-1]
        in_flight[key] += 1
        headers = {"Authorization": f"Bearer {key}"}
        response = await client.post("", json={"query": "{ __typename }"}, headers=headers)
        in_flight[key] -= 1
        statuses[response.status_code] += 1

    rotating = asyncio.create_task(replace_keys())
    async with client_of(url, "") as client, asyncio.TaskGroup() as group:
        for number in range(requests):
            group.create_task(ask(client))
            if number % 10 == 9:
                await asyncio.sleep(10 / RATE)
    rotating.cancel()
    return statuses, await measure_revocation(url, folder)


async def measure_revocation(url: str, folder: Path) -> float:
    """Return the seconds until 40 new connections in a row, to all processes, refuse a revoked key."""
    key = await asyncio.to_thread(create_key, folder, "revoked")
    headers = {"Authorization": f"Bearer {key}"}

    async def ask() -> int:
        async with httpx.AsyncClient() as client:
            return (await client.post(url, json={"query": "{ __typename }"}, headers=headers)).status_code

    assert {await ask() for _ in range(40)} == {200}
    await asyncio.to_thread(run_bookstore, "keys", "revoke", "revoked", cwd=folder)
    started, refused = time.monotonic(), 0
    while refused < 40:
        refused = refused + 1 if await ask() == 401 else 0
    return time.monotonic() - started


async def measure_greedy(url: str, folder: Path) -> Counter[int]:
    """Print the waits of a client that asks for little, alone and beside one that asks for all it can."""
    polite, greedy = [await asyncio.to_thread(create_key, folder, name) for name in ("polite", "greedy")]
    statuses = Counter[int]()
    page = {"query": "{ books(first: 100) { nodes { title authors { name } categories { path } } } }"}

    async def grab(client: httpx.AsyncClient) -> None:
        while True:
            statuses[(await client.post("", json=page)).status_code] += 1

    async def ask(client: httpx.AsyncClient, requests: int) -> list[float]:
        waits: list[float] = []
        for _ in range(requests):
            started = time.perf_counter()
            response = await client.post("", json={"query": "{ books(first: 5) { nodes { title } } }"})
            assert response.status_code == 200, response.text
            waits.append(1000 * (time.perf_counter() - started))
            await asyncio.sleep(0.01)
        return sorted(waits)

    async with client_of(url, polite) as client, client_of(url, greedy) as other:
        alone = await ask(client, 500)
        grabbing = [asyncio.create_task(grab(other)) for _ in range(8)]
        beside = await ask(client, 500)
        for task in grabbing:
            task.cancel()
    for title, waits in (("alone", alone), ("beside a greedy key", beside)):
        print(f"a polite key {title}: median {waits[250]:.1f} ms, p99 {waits[495]:.1f} ms")
    print(f"answers to the greedy key: {dict(statuses)}")
    return statuses


async def storm(url: str, folder: Path, dsn: str, options: Any) -> bool:
    key = await asyncio.to_thread(create_key, folder, "storm")
    connection = await asyncpg.connect(dsn)
    async with client_of(url, key) as client:
        pairs = await race_pairs(client, options.pairs)
        print(f"pairs that expected the same version: {dict(pairs)}", flush=True)
        batches = await race_batches(client, options.batches)
        print(f"answers of overlapping batches: {dict(batches)}", flush=True)
    deadlocks = await connection.fetchval(
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    )
    stocks = await connection.fetchval(
        "SELECT count(*) FROM book WHERE source = 'seed' AND price IS DISTINCT FROM stock + 1"
    )
    await connection.close()
    print(
        f"deadlocks: {deadlocks}; books with a price and a stock of different batches: {stocks}", flush=True
    )
    statuses, seconds = await rotate_keys(url, folder, options.requests)
    print(
        f"statuses while keys change: {dict(statuses)}; a revoked key is refused by all after {seconds:.1f} s"
    )
    verified = await asyncio.to_thread(run_bookstore, "verify", cwd=folder)
    print(verified.stdout.splitlines()[-1])
    return (
        set(pairs) == {"['CONFLICT'] and []"}
        and set(batches) == {"[]"}
        and (deadlocks, stocks) == (0, 0)
        and set(statuses) == {200}
        and verified.returncode == 0
    )


def main() -> int:
    parser = ArgumentParser(description="Race writers, and change keys under load.")
    parser.add_argument("--pairs", type=int, default=1_000)
    parser.add_argument("--batches", type=int, default=1_000)
    parser.add_argument("--requests", type=int, default=2_000)
    options = parser.parse_args()
    with embedded_catalog() as folder:
        run_bookstore("seed", "--books", str(BOOKS), cwd=folder)
        run_bookstore("import", "jsonl", str(SAMPLE), "--source", "sample", cwd=folder)
        dsn = embedded.start(folder / ".data").dsn
        with run_server(folder, DATABASE_URL=dsn, WORKERS=str(WORKERS)) as server:
            is_right = uvloop.run(storm(server.url, folder, dsn, options))
        limits = {"COST_CAPACITY": "5000", "COST_RESTORE_RATE": "500"}
        with run_server(folder, DATABASE_URL=dsn, **limits) as server:
            statuses = uvloop.run(measure_greedy(server.url, folder))
    is_right = is_right and statuses[429] > statuses[200] > 0 and statuses.keys() == {200, 429}
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
