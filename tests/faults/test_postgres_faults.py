"""Whatever becomes of PostgreSQL, each request has an answer in time, and all is well a second after it is."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from db.migrations import migrate
from tests.faults.conftest import Shop, fill, server
from tests.faults.postgres import Postgres
from tests.faults.readers import Readers
from tests.http_client import Client
from tests.serving import bookstore, private_folder

DEADLINE = 5.0
BEFORE, DURING, AFTER = 0.5, 2.5, 2.5

Fault = Callable[[Shop], Coroutine[Any, Any, None]]
FAULTS: dict[str, tuple[Fault, Fault]] = {}


def fault(begin: Fault, end: Fault) -> None:
    FAULTS[begin.__name__.replace("_", " ")] = (begin, end)


async def nothing(shop: Shop) -> None:
    """It ends by itself."""


async def stopped_and_started(shop: Shop) -> None:
    await asyncio.to_thread(shop.postgres.stop)


async def start(shop: Shop) -> None:
    await asyncio.to_thread(shop.postgres.start)


async def killed_and_started(shop: Shop) -> None:
    shop.postgres.send(signal.SIGKILL)


async def frozen(shop: Shop) -> None:
    shop.postgres.send(signal.SIGSTOP)


async def thaw(shop: Shop) -> None:
    shop.postgres.send(signal.SIGCONT)


async def one_backend_killed(shop: Shop) -> None:
    """PostgreSQL ends all sessions then, and recovers by itself."""
    connection = await asyncpg.connect(shop.dsn)
    pid = await connection.fetchval(
        "SELECT pid FROM pg_stat_activity WHERE application_name = 'bookstore' LIMIT 1"
    )
    await connection.close()
    os.kill(pid, signal.SIGKILL)


async def sessions_terminated(shop: Shop) -> None:
    connection = await asyncpg.connect(shop.dsn)
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = 'bookstore'"
    )
    await connection.close()


async def cut_off(shop: Shop) -> None:
    shop.proxy.swallow()


async def deaf(shop: Shop) -> None:
    shop.proxy.swallow(speaks=True)


async def mute(shop: Shop) -> None:
    shop.proxy.swallow(hears=True)


async def reconnected(shop: Shop) -> None:
    shop.proxy.pass_on()


async def connections_reset(shop: Shop) -> None:
    shop.proxy.reset()


async def refused(shop: Shop) -> None:
    await shop.proxy.refuse()


async def listening(shop: Shop) -> None:
    await shop.proxy.listen_again()


async def slow_by_20_ms(shop: Shop) -> None:
    shop.proxy.latency = 0.02


async def quick(shop: Shop) -> None:
    shop.proxy.latency = 0.0
    shop.proxy.slice = 65_536


async def in_slices_of_100_bytes(shop: Shop) -> None:
    shop.proxy.slice = 100


GREEDY: list[asyncpg.Connection] = []


async def out_of_connections(shop: Shop) -> None:
    """Whoever comes first takes all; those that the server has it keeps, until they die."""
    await sessions_terminated(shop)
    try:
        while True:
            GREEDY.append(await asyncpg.connect(shop.dsn))
    except asyncpg.TooManyConnectionsError:
        pass


async def connections_given_back(shop: Shop) -> None:
    for connection in GREEDY:
        await connection.close()
    GREEDY.clear()


fault(stopped_and_started, start)
fault(killed_and_started, start)
fault(one_backend_killed, nothing)
fault(sessions_terminated, nothing)
fault(frozen, thaw)
fault(cut_off, reconnected)
fault(deaf, reconnected)
fault(mute, reconnected)
fault(connections_reset, nothing)
fault(refused, listening)
fault(slow_by_20_ms, quick)
fault(in_slices_of_100_bytes, quick)
fault(out_of_connections, connections_given_back)

HARMLESS = {"connections reset", "sessions terminated", "slow by 20 ms", "in slices of 100 bytes"}
"""A read that dies with its connection is tried once more, so that nobody notices these."""

UNNOTICED = {*HARMLESS, "one backend killed", "out of connections"}
"""After these readiness need not tell: they are over too soon, or connections may be had yet."""


@asynccontextmanager
async def readiness(shop: Shop) -> AsyncGenerator[list[tuple[int, int]]]:
    """What /livez and /readyz answer during the context, looked at four times a second."""
    seen: list[tuple[int, int]] = []

    async def look() -> None:
        async with httpx.AsyncClient() as client:
            while True:
                live = await client.get(f"{shop.origin}/livez")
                ready = await client.get(f"{shop.origin}/readyz")
                seen.append((live.status_code, ready.status_code))
                await asyncio.sleep(0.25)

    looking = asyncio.create_task(look())
    try:
        yield seen
    finally:
        looking.cancel()


SOME = ("stopped and started", "frozen", "sessions terminated")
"""What `make test` has time for; `make faults` runs all."""


@pytest.mark.parametrize("name", FAULTS if os.environ.get("ALL_FAULTS") else SOME)
async def test_a_fault_of_postgresql(shop: Shop, name: str) -> None:
    begin, end = FAULTS[name]

    async with Readers(shop.served.url) as readers, readiness(shop) as seen:
        await asyncio.sleep(BEFORE)
        await begin(shop)
        await asyncio.sleep(DURING)
        await end(shop)
        healed = time.monotonic()
        await asyncio.sleep(AFTER)
    recovery = readers.recovery(healed)
    readers.note(name, recovery)

    assert {read.status for read in readers.reads} <= {200, 503}
    assert {code for read in readers.reads for code in read.codes} <= {"SERVICE_UNAVAILABLE", "TIMEOUT"}
    assert readers.longest() < DEADLINE + 0.25
    assert recovery < 1.0
    assert seen[-1] == (200, 200)
    assert {live for live, _ in seen} == {200}
    if name in HARMLESS:
        assert {read.status for read in readers.reads} == {200}
    if name not in UNNOTICED:
        assert (200, 503) in seen
    assert await sessions(shop) <= 11
    assert shop.served.process.poll() is None


async def sessions(shop: Shop) -> int:
    """How many sessions the server has: those of its pool, and the one that it looks with."""
    connection = await asyncpg.connect(shop.dsn)
    count = await connection.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = 'bookstore' AND pid <> pg_backend_pid()"
    )
    await connection.close()
    return count


async def test_absent_at_start(shop: Shop, tmp_path: Path) -> None:
    """A server without its database answers, tells, and is well once the database is there."""
    await asyncio.to_thread(shop.postgres.stop)

    async with server(tmp_path, DATABASE_URL=shop.dsn) as served, Readers(served.url) as readers:
        await asyncio.sleep(1)
        client = Client(served.url)
        ready = await client.send(client.build_get("/readyz"))
        without = await client.send(client.build_post("{ __typename }"))
        await asyncio.to_thread(shop.postgres.start)
        healed = time.monotonic()
        await asyncio.sleep(2)
        client.close()
    recovery = readers.recovery(healed)
    readers.note("absent at start", recovery)

    assert (ready.status, ready.json()) == (503, {"status": "not ready"})
    assert without.json() == {"data": {"__typename": "Query"}}
    assert readers.kinds().keys() == {"200", "503 SERVICE_UNAVAILABLE"}
    assert recovery < 1.0
    assert "skipping migrations; requests get 503 until PostgreSQL is reachable and migrated" in served.said


async def test_absent_at_start_and_not_migrated(tmp_path: Path) -> None:
    """What has to be done is in the log, once; when it is done all is well without a restart."""
    with private_folder() as folder:
        postgres = Postgres(folder)
        dsn = (await asyncio.to_thread(postgres.start)).dsn
        await asyncio.to_thread(postgres.stop)
        try:
            async with server(tmp_path, DATABASE_URL=dsn) as served:
                client = Client(served.url)
                await asyncio.to_thread(postgres.start)
                await asyncio.sleep(1)
                before = await client.send(client.build_get("/readyz"))
                answer = await client.send(client.build_post("{ books { totalCount } }"))
                migrated = await asyncio.to_thread(bookstore, "migrate", cwd=tmp_path, DATABASE_URL=dsn)
                done = time.monotonic()
                while (await client.send(client.build_get("/readyz"))).status != 200:
                    assert time.monotonic() - done < 3.0
                    await asyncio.sleep(0.02)
                after = await client.send(client.build_post("{ books { totalCount } }"))
                client.close()
                said = await asyncio.to_thread(served.stop)
        finally:
            await asyncio.to_thread(postgres.stop)

    assert migrated.returncode == 0
    assert (before.status, answer.status) == (503, 503)
    assert after.json() == {"data": {"books": {"totalCount": 0}}}
    # It may be seen at a revision between, which is told of once too.
    wanting = [line for line in said.splitlines() if line.endswith(": run `bookstore migrate`.")]
    assert sum("at revision none" in line for line in wanting) == 1
    assert len(wanting) == len(set(wanting))


@pytest.fixture
def small_disk(tmp_path: Path) -> Generator[Path]:
    """A file system of 100 MB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    with private_folder() as folder:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=100m", "tmpfs", folder], capture_output=True, check=False
        )
        if mounted.returncode:
            pytest.skip(f"nothing can be mounted here: {mounted.stderr.decode().strip()}")
        try:
            yield folder
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)
            folder.mkdir(exist_ok=True)


async def test_disk_full(small_disk: Path, tmp_path: Path) -> None:
    """Reads go on; what cannot be written is written later."""
    postgres = Postgres(small_disk)
    dsn = (await asyncio.to_thread(postgres.start)).dsn
    await asyncio.to_thread(migrate, dsn)
    await fill(dsn)
    book = await one(dsn, "SELECT isbn FROM book WHERE isbn IS NOT NULL")
    filler = small_disk / "filler"

    async with server(tmp_path, DATABASE_URL=dsn) as served, Readers(served.url) as readers:
        await asyncio.sleep(0.5)
        with filler.open("wb") as file, suppress(OSError):
            while True:
                file.write(bytes(65_536))
        with suppress(asyncpg.PostgresError, OSError):
            await write_much(dsn)
        client = Client(served.url)
        await client.send(client.build_post(f'{{ book(by: {{isbn: "{book}"}}) {{ title }} }}'))
        await asyncio.sleep(7)
        filler.unlink()
        healed = time.monotonic()
        await asyncio.sleep(6)
        client.close()
    recovery = readers.recovery(healed)
    readers.note("disk full", recovery)
    views = await one(dsn, "SELECT sum(views) FROM book_view")
    await asyncio.to_thread(postgres.stop)

    assert {read.status for read in readers.reads} <= {200, 503}
    assert {code for read in readers.reads for code in read.codes} <= {"SERVICE_UNAVAILABLE"}
    assert recovery < 1.0
    assert views == 1


async def write_much(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(
            "CREATE TABLE much AS SELECT repeat('x', 1000) FROM generate_series(1, 100000)"
        )
    finally:
        await connection.close()


async def one(dsn: str, query: str) -> Any:
    connection = await asyncpg.connect(dsn)
    value = await connection.fetchval(query)
    await connection.close()
    return value
