"""Whatever happens to PostgreSQL, each request is answered, and reads succeed again once it is well.

`make faults` also measures that requests are answered in time and that the server recovers within a second, and
compares both with the speed of the machine.
"""

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
from tests.faults.speed import slowness
from tests.http_client import Client, answers_with
from tests.serving import bookstore, private_folder
from tests.waiting import GUARD, until

DEADLINE = 5.0
"""REQUEST_TIMEOUT of the shop's server, in seconds."""

MAX_RECOVERY = 1.0
"""Seconds from the end of a fault to the last request that fails because of it."""

BEFORE, DURING, AFTER = 0.5, 2.5, 2.5
"""How many seconds a measured fault is led up to, lasts, and is followed up."""

UNDER_WAY = 20
"""With so many reads under way, no further ones are sent, so that a slow machine is not overloaded."""

ENOUGH = 30
"""So many reads show how the server answers."""

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
"""A read that dies with its connection is retried, so that no request fails."""

UNNOTICED = {*HARMLESS, "one backend killed", "out of connections"}
"""After these readiness need not tell: they are over too soon, or connections may be had yet."""


@asynccontextmanager
async def readiness(shop: Shop) -> AsyncGenerator[list[tuple[int, int]]]:
    """What /livez and /readyz answer during the context, looked at ten times a second."""
    seen: list[tuple[int, int]] = []

    async def look() -> None:
        async with httpx.AsyncClient(timeout=GUARD) as client:
            while True:
                live = await client.build_get(f"{shop.origin}/livez")
                ready = await client.build_get(f"{shop.origin}/readyz")
                seen.append((live.status_code, ready.status_code))
                await asyncio.sleep(0.1)

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

    async with Readers(shop.served.url, most=UNDER_WAY) as readers, readiness(shop) as seen:
        await until(lambda: readers.well_since(0) >= ENOUGH)
        await begin(shop)
        began = time.monotonic()
        if name in UNNOTICED:
            await until(lambda: readers.count_since(began) >= ENOUGH)
        else:
            await until(lambda: (200, 503) in seen)
        await end(shop)
        ended = time.monotonic()
        await until(lambda: readers.well_since(ended) >= ENOUGH)
        await until(lambda: seen[-1] == (200, 200))
    readers.note(name)

    assert {read.status for read in readers.reads} <= {200, 503}
    assert {code for read in readers.reads for code in read.codes} <= {"SERVICE_UNAVAILABLE", "TIMEOUT"}
    assert {live for live, _ in seen} == {200}
    await until(lambda: has_few_sessions(shop))
    assert shop.served.process.poll() is None


@pytest.mark.timing
@pytest.mark.parametrize("name", FAULTS)
async def test_recovery_from_a_fault_takes_less_than_a_second(shop: Shop, name: str) -> None:
    begin, end = FAULTS[name]

    async with Readers(shop.served.url) as readers:
        await asyncio.sleep(BEFORE)
        await begin(shop)
        await asyncio.sleep(DURING)
        await end(shop)
        ended = time.monotonic()
        await asyncio.sleep(AFTER)
    recovery = readers.recovery(ended)
    readers.note(name, recovery)

    assert readers.longest() < DEADLINE + 0.25 * slowness()
    assert recovery < MAX_RECOVERY * slowness()
    if name in HARMLESS:
        assert {read.status for read in readers.reads} == {200}


async def has_few_sessions(shop: Shop) -> bool:
    """Whether the shop's server and the patient one have no more sessions than their pools and one each to look with."""
    return await sessions(shop) <= 12


async def sessions(shop: Shop) -> int:
    """How many sessions the server has: those of its pool, and the one that it looks with."""
    connection = await asyncpg.connect(shop.dsn)
    count = await connection.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = 'bookstore' AND pid <> pg_backend_pid()"
    )
    await connection.close()
    return count


async def test_absent_at_start(shop: Shop, tmp_path: Path) -> None:
    """A server without its database answers, says so, and recovers once the database is there."""
    await asyncio.to_thread(shop.postgres.stop)

    async with (
        server(tmp_path, DATABASE_URL=shop.dsn) as served,
        Readers(served.url, most=UNDER_WAY) as readers,
    ):
        await until(lambda: readers.count_since(0) >= ENOUGH)
        client = Client(served.url)
        ready = await client.send(client.build_get("/readyz"))
        without = await client.send(client.build_post("{ __typename }"))
        await asyncio.to_thread(shop.postgres.start)
        started = time.monotonic()
        await until(lambda: readers.well_since(started) >= ENOUGH)
        client.close()
    readers.note("absent at start")

    assert (ready.status, ready.json()) == (503, {"status": "not ready"})
    assert without.json() == {"data": {"__typename": "Query"}}
    assert readers.kinds().keys() == {"200", "503 SERVICE_UNAVAILABLE"}
    assert "skipping migrations; requests get 503 until PostgreSQL is reachable and migrated" in served.said


@pytest.mark.timing
async def test_recovery_from_an_absence_at_start_takes_less_than_a_second(shop: Shop, tmp_path: Path) -> None:
    await asyncio.to_thread(shop.postgres.stop)

    async with server(tmp_path, DATABASE_URL=shop.dsn) as served, Readers(served.url) as readers:
        await asyncio.sleep(BEFORE)
        await asyncio.to_thread(shop.postgres.start)
        started = time.monotonic()
        await asyncio.sleep(AFTER)
    recovery = readers.recovery(started)
    readers.note("absent at start", recovery)

    assert recovery < MAX_RECOVERY * slowness()


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
                await until(lambda: "at revision none" in served.printed())
                before = await client.send(client.build_get("/readyz"))
                answer = await client.send(client.build_post("{ books { totalCount } }"))
                migrated = await asyncio.to_thread(bookstore, "migrate", cwd=tmp_path, DATABASE_URL=dsn)
                await until(lambda: answers_with(client, "/readyz", 200))
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

    async with (
        server(tmp_path, DATABASE_URL=dsn) as served,
        Readers(served.url, most=UNDER_WAY) as readers,
    ):
        await until(lambda: readers.well_since(0) >= ENOUGH)
        with filler.open("wb") as file, suppress(OSError):
            while True:
                file.write(bytes(65_536))
        with suppress(asyncpg.PostgresError, OSError):
            await write_much(dsn)
        client = Client(served.url)
        await client.send(client.build_post(f'{{ book(by: {{isbn: "{book}"}}) {{ title }} }}'))
        await until(lambda: "1 views wait to be written" in served.printed())
        filler.unlink()
        ended = time.monotonic()
        await until(lambda: readers.well_since(ended) >= ENOUGH)
        views = await until(lambda: one(dsn, "SELECT sum(views) FROM book_view"))
        client.close()
    readers.note("disk full")
    await asyncio.to_thread(postgres.stop)

    assert {read.status for read in readers.reads} <= {200, 503}
    assert {code for read in readers.reads for code in read.codes} <= {"SERVICE_UNAVAILABLE"}
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
