"""Count stale reads on replicas, with and without consistency tokens.

    python -m benchmarks.scale.replicas --reads 10000

Each client changes the stock of its own book and reads it, and the book of its neighbour, by a server of two
processes with two replicas. Meanwhile an import changes the primary, one replica applies each commit later,
and the processes are replaced once.
"""

import argparse
import asyncio
import signal
import statistics
import sys
import tempfile
import time
from asyncio.subprocess import DEVNULL
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from rich.console import Console
from rich.table import Table
from strawberry import relay

from db.importing.importer import import_feed
from db.importing.readers import open_generated
from db.verify import audit_catalog
from tests.faults.write_load import create_manager_key
from tests.serving import run_server_in_thread
from tests.standbys import ReplicatedPostgres, run_replicated_postgres
from tests.waiting import GUARD, until

CLIENTS = 16
BOOKS = 500
APPLY_DELAY = "100ms"
WRITE = """
mutation ($book: ID!, $stock: Int!) {
  updateOffers(offers: [{by: {id: $book}, stock: $stock}]) { errors { message } }
}
"""
READ = "query ($own: ID!, $other: ID!) { own: book(by: {id: $own}) { stock } other: book(by: {id: $other}) { stock } }"
IMPORT = """
import asyncio, sys, time
from pathlib import Path
from db.importing.importer import import_feed
from db.importing.readers import open_generated
seed = 100
while True:
    seed += 1
    asyncio.run(import_feed(sys.argv[1], open_generated(int(sys.argv[2]), seed), rejects=Path(sys.argv[3])))
    time.sleep(2)  # a mutation waits for the end of an import
"""


@dataclass
class Reads:
    """The reads of one kind: how long each took in seconds, and which had an older stock than the client knew."""

    seconds: list[float] = field(default_factory=list[float])
    stale: int = 0
    backward: int = 0
    statuses: Counter[int] = field(default_factory=Counter[int])

    def add_to(self, table: Table, title: str) -> None:
        percentiles = statistics.quantiles(self.seconds, n=100)
        table.add_row(
            title,
            f"{len(self.seconds):,}",
            str(self.stale),
            str(self.backward),
            f"{1000 * percentiles[49]:.1f}",
            f"{1000 * percentiles[98]:.1f}",
            str(dict(self.statuses)),
        )


@dataclass
class Shopper:
    """A client that writes to its own book, and reads it and the next one."""

    http: httpx.AsyncClient
    books: list[str]
    number: int
    with_token: Reads
    without_token: Reads
    alone: Reads
    primary_alone: str
    seen: list[int]

    async def run(self, rounds: int) -> None:
        token = ""
        for stock in range(1, rounds + 1):
            token = await self._write(stock, token)
            if stock % 2:
                token = await self._read(self.with_token, stock, token)
                await self._read(self.without_token, stock, "")
            else:
                await self._read(self.without_token, stock, "")
                token = await self._read(self.with_token, stock, token)
            await self._read(self.alone, stock, "", self.primary_alone)

    async def _write(self, stock: int, token: str) -> str:
        variables = {"book": self.books[self.number], "stock": stock}
        headers = {"Idempotency-Key": f"{self.number}-{stock}"}
        while True:
            response = await self.http.post(
                "", json={"query": WRITE, "variables": variables}, headers=headers
            )
            if response.status_code == 200:
                break
            await asyncio.sleep(0.05)  # an import keeps its locks for longer than a statement may wait
        if response.json()["data"]["updateOffers"]["errors"]:
            raise RuntimeError(response.text)
        return response.headers["Consistency-Token"]

    async def _read(self, reads: Reads, stock: int, token: str, url: str = "") -> str:
        other = (self.number + 1) % len(self.books)
        variables = {"own": self.books[self.number], "other": self.books[other]}
        headers = {"Consistency-Token": token} if token else {}
        started = time.perf_counter()
        response = await self.http.post(url, json={"query": READ, "variables": variables}, headers=headers)
        reads.seconds.append(time.perf_counter() - started)
        reads.statuses[response.status_code] += 1
        if response.status_code != 200:
            return token
        data = response.json()["data"]
        reads.stale += data["own"]["stock"] < stock
        reads.backward += data["other"]["stock"] < self.seen[self.number]
        if token:
            self.seen[self.number] = data["other"]["stock"]
        return response.headers.get("Consistency-Token", "")


async def main() -> None:
    parser = argparse.ArgumentParser(description="Count stale reads on replicas.")
    parser.add_argument("--reads", type=int, default=10_000, help="number of reads with a token")
    reads = parser.parse_args().reads
    manager = run_replicated_postgres()
    postgres = await asyncio.to_thread(manager.__enter__)
    try:
        with tempfile.TemporaryDirectory() as folder:
            await run_load(postgres, Path(folder), reads)
        await print_findings(postgres)
    finally:
        await asyncio.to_thread(manager.__exit__, None, None, None)


async def run_load(postgres: ReplicatedPostgres, folder: Path, reads: int) -> None:
    primary = postgres.primary.dsn
    await import_feed(primary, open_generated(BOOKS, 1), rejects=folder / "rejects.csv")
    await run_statement(
        postgres.standbys[1].dsn, f"ALTER SYSTEM SET recovery_min_apply_delay = '{APPLY_DELAY}'"
    )
    await run_statement(postgres.standbys[1].dsn, "SELECT pg_reload_conf()")
    key = await create_manager_key(primary)
    books = await choose_books(primary)
    with_token, without_token, alone = Reads(), Reads(), Reads()
    settings = {
        "DATABASE_URL": primary,
        "REPLICA_URLS": " ".join(each.dsn for each in postgres.standbys),
        "REQUEST_TIMEOUT": "5",
        "COMMAND_TIMEOUT": "5",
    }
    async with (
        run_server_in_thread(folder, "--workers", "2", **settings) as server,
        run_server_in_thread(folder, "--workers", "2", **settings | {"REPLICA_URLS": ""}) as other,
        httpx.AsyncClient(
            base_url=server.url, headers={"Authorization": f"Bearer {key}"}, timeout=GUARD
        ) as http,
        run_imports(primary, folder),
        asyncio.TaskGroup() as group,
    ):
        seen = [0] * CLIENTS
        for number in range(CLIENTS):
            shopper = Shopper(http, books, number, with_token, without_token, alone, other.url, seen)
            group.create_task(shopper.run(reads // CLIENTS))
        await until(lambda: len(with_token.seconds) >= reads // 2, guard=3_600)
        server.process.send_signal(signal.SIGHUP)
    table = Table("reads", "number", "stale", "backward", "p50 ms", "p99 ms", "statuses")
    with_token.add_to(table, "with the token")
    without_token.add_to(table, "without a token")
    alone.add_to(table, "a server without replicas")
    Console().print(table)


async def choose_books(dsn: str) -> list[str]:
    """Return the ids of books that the import does not change, one for each client."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(
        "INSERT INTO book (source, source_id, title, stock) "
        "SELECT 'bench', n::text, 'Book ' || n, 0 FROM generate_series(1, $1::integer) AS n",
        CLIENTS,
    )
    rows = await connection.fetch("SELECT id FROM book WHERE source = 'bench' ORDER BY id")
    await connection.close()
    return [str(relay.to_base64("Book", row["id"])) for row in rows]


@asynccontextmanager
async def run_imports(dsn: str, folder: Path) -> AsyncGenerator[None]:
    """Import other generated books over the same ones, again and again, in another process."""
    arguments = [sys.executable, "-c", IMPORT, dsn, str(BOOKS), str(folder / "rejects.csv")]
    importing = await asyncio.create_subprocess_exec(*arguments, stdout=DEVNULL, stderr=DEVNULL)
    try:
        yield
        if importing.returncode is not None:
            raise RuntimeError(f"the imports have ended with {importing.returncode}")
    finally:
        importing.kill()
        await importing.wait()


async def run_statement(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(statement)
    await connection.close()


async def print_findings(postgres: ReplicatedPostgres) -> None:
    servers: dict[str, Any] = {"primary": postgres.primary}
    servers |= {f"replica {number}": each for number, each in enumerate(postgres.standbys, 1)}
    for name, server in servers.items():
        findings = await audit_catalog(server.dsn)
        wrong = [finding.name for finding in findings if finding.count]
        Console().print(f"bookstore verify on the {name}: {len(findings)} checks, errors: {wrong or 'none'}")


if __name__ == "__main__":
    asyncio.run(main())
