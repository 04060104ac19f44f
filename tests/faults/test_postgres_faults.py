"""After a fault of PostgreSQL or of the network, reads succeed again. Every request gets a response.

`make faults` also measures the time to each response and the time to recovery, and compares both with the speed
of the machine.
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
from tests.faults.conftest import System, fill_catalog
from tests.faults.postgres import Postgres
from tests.faults.proxy import MAX_CHUNK
from tests.faults.read_load import ReadLoad
from tests.faults.speed import measure_slowness
from tests.http_client import Client, responds_with
from tests.serving import private_folder, run_bookstore, run_server_in_thread
from tests.waiting import GUARD, until

REQUEST_TIMEOUT = 5.0
"""REQUEST_TIMEOUT of the system's server, in seconds."""

MAX_RECOVERY = 1.0
"""Maximum seconds from the end of a fault to the last request that fails because of it."""

SECONDS_BEFORE, SECONDS_DURING, SECONDS_AFTER = 0.5, 2.5, 2.5
"""Duration of the load before, during and after a measured fault."""

MAX_IN_FLIGHT = 20
"""Maximum reads in flight, so that a slow machine is not overloaded."""

ENOUGH_READS = 30
"""Number of reads that show whether the server responds well or not."""

Fault = Callable[[System], Coroutine[Any, Any, None]]
"""A function that begins or ends a fault."""


async def do_nothing(system: System) -> None:
    """End a fault that ends by itself."""


async def stop_postgres(system: System) -> None:
    await asyncio.to_thread(system.postgres.stop)


async def start_postgres(system: System) -> None:
    await asyncio.to_thread(system.postgres.start)


async def kill_postgres(system: System) -> None:
    system.postgres.send_signal(signal.SIGKILL)


async def freeze_postgres(system: System) -> None:
    system.postgres.send_signal(signal.SIGSTOP)


async def unfreeze_postgres(system: System) -> None:
    system.postgres.send_signal(signal.SIGCONT)


async def kill_backend(system: System) -> None:
    """Kill one backend. PostgreSQL then ends all sessions, and recovers by itself."""
    connection = await asyncpg.connect(system.dsn)
    pid = await connection.fetchval(
        "SELECT pid FROM pg_stat_activity WHERE application_name = 'bookstore' LIMIT 1"
    )
    await connection.close()
    os.kill(pid, signal.SIGKILL)


async def terminate_sessions(system: System) -> None:
    connection = await asyncpg.connect(system.dsn)
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = 'bookstore'"
    )
    await connection.close()


async def block_network(system: System) -> None:
    system.proxy.block()


async def block_requests(system: System) -> None:
    system.proxy.block(to_client=False)


async def block_responses(system: System) -> None:
    system.proxy.block(to_server=False)


async def unblock_network(system: System) -> None:
    system.proxy.unblock()


async def reset_connections(system: System) -> None:
    system.proxy.reset_connections()


async def refuse_connections(system: System) -> None:
    await system.proxy.refuse_connections()


async def accept_connections(system: System) -> None:
    await system.proxy.accept_connections()


async def add_latency_of_20_ms(system: System) -> None:
    system.proxy.latency = 0.02


async def forward_100_bytes_at_a_time(system: System) -> None:
    system.proxy.chunk_size = 100


async def restore_network_speed(system: System) -> None:
    system.proxy.latency = 0.0
    system.proxy.chunk_size = MAX_CHUNK


HELD_CONNECTIONS: list[asyncpg.Connection] = []


async def exhaust_connections(system: System) -> None:
    """Hold all connections that PostgreSQL allows. The server keeps those that it gets first."""
    await terminate_sessions(system)
    try:
        while True:
            HELD_CONNECTIONS.append(await asyncpg.connect(system.dsn))
    except asyncpg.TooManyConnectionsError:
        pass


async def release_connections(system: System) -> None:
    for connection in HELD_CONNECTIONS:
        await connection.close()
    HELD_CONNECTIONS.clear()


FAULTS: dict[str, tuple[Fault, Fault]] = {
    "postgres stopped": (stop_postgres, start_postgres),
    "postgres killed": (kill_postgres, start_postgres),
    "one backend killed": (kill_backend, do_nothing),
    "sessions terminated": (terminate_sessions, do_nothing),
    "postgres frozen": (freeze_postgres, unfreeze_postgres),
    "network blocked": (block_network, unblock_network),
    "requests blocked": (block_requests, unblock_network),
    "responses blocked": (block_responses, unblock_network),
    "connections reset": (reset_connections, do_nothing),
    "connections refused": (refuse_connections, accept_connections),
    "latency of 20 ms": (add_latency_of_20_ms, restore_network_speed),
    "100 bytes at a time": (forward_100_bytes_at_a_time, restore_network_speed),
    "connections exhausted": (exhaust_connections, release_connections),
}
"""The functions that begin and end a fault, by its name."""

HARMLESS_FAULTS = {"connections reset", "sessions terminated", "latency of 20 ms", "100 bytes at a time"}
"""No request fails: a read whose connection is lost is retried."""

READY_FAULTS = {*HARMLESS_FAULTS, "one backend killed", "connections exhausted"}
"""/readyz may stay 200: the fault is over too soon, or the server still has connections."""


@asynccontextmanager
async def poll_health(system: System) -> AsyncGenerator[list[tuple[int, int]]]:
    """Poll /livez and /readyz ten times a second during the context. Yield the list of their statuses."""
    seen: list[tuple[int, int]] = []

    async def poll() -> None:
        async with httpx.AsyncClient(timeout=GUARD) as client:
            while True:
                live = await client.get(f"{system.origin}/livez")
                ready = await client.get(f"{system.origin}/readyz")
                seen.append((live.status_code, ready.status_code))
                await asyncio.sleep(0.1)

    polling = asyncio.create_task(poll())
    try:
        yield seen
    finally:
        polling.cancel()


QUICK_FAULTS = ("postgres stopped", "postgres frozen", "sessions terminated")
"""The faults that `make test` runs; `make faults` runs all."""


@pytest.mark.parametrize("name", FAULTS if os.environ.get("ALL_FAULTS") else QUICK_FAULTS)
async def test_reads_succeed_again_after_a_fault(system: System, name: str) -> None:
    begin, end = FAULTS[name]

    async with (
        ReadLoad(system.server.url, max_in_flight=MAX_IN_FLIGHT) as read_load,
        poll_health(system) as seen,
    ):
        await until(lambda: read_load.count_successes_since(0) >= ENOUGH_READS)
        await begin(system)
        began = time.monotonic()
        if name in READY_FAULTS:
            await until(lambda: read_load.count_since(began) >= ENOUGH_READS)
        else:
            await until(lambda: (200, 503) in seen)
        await end(system)
        ended = time.monotonic()
        await until(lambda: read_load.count_successes_since(ended) >= ENOUGH_READS)
        await until(lambda: seen[-1] == (200, 200))
    read_load.report(name)

    assert {read.status for read in read_load.reads} <= {200, 503}
    assert {code for read in read_load.reads for code in read.codes} <= {"SERVICE_UNAVAILABLE", "TIMEOUT"}
    assert {live for live, _ in seen} == {200}
    await until(lambda: has_few_sessions(system))
    assert system.server.process.poll() is None


@pytest.mark.timing
@pytest.mark.parametrize("name", FAULTS)
async def test_recovery_from_a_fault_is_within_its_bound(system: System, name: str) -> None:
    begin, end = FAULTS[name]

    async with ReadLoad(system.server.url) as read_load:
        await asyncio.sleep(SECONDS_BEFORE)
        await begin(system)
        await asyncio.sleep(SECONDS_DURING)
        await end(system)
        ended = time.monotonic()
        await asyncio.sleep(SECONDS_AFTER)
    recovery = read_load.recovery_seconds(ended)
    read_load.report(name, recovery)

    assert read_load.max_seconds() < REQUEST_TIMEOUT + 0.25 * measure_slowness()
    assert recovery < MAX_RECOVERY * measure_slowness()
    if name in HARMLESS_FAULTS:
        assert {read.status for read in read_load.reads} == {200}


async def has_few_sessions(system: System) -> bool:
    """Return whether the servers have no more sessions than their pools and one probe connection each."""
    return await count_sessions(system) <= 12


async def count_sessions(system: System) -> int:
    """Return the number of sessions of all servers."""
    connection = await asyncpg.connect(system.dsn)
    count = await connection.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = 'bookstore' AND pid <> pg_backend_pid()"
    )
    await connection.close()
    return count


async def test_a_server_that_starts_during_an_outage_recovers(system: System, tmp_path: Path) -> None:
    """Until PostgreSQL starts, reads get 503, and operations that need no read succeed."""
    await asyncio.to_thread(system.postgres.stop)

    async with (
        run_server_in_thread(tmp_path, DATABASE_URL=system.dsn) as server,
        ReadLoad(server.url, max_in_flight=MAX_IN_FLIGHT) as read_load,
    ):
        await until(lambda: read_load.count_since(0) >= ENOUGH_READS)
        client = Client(server.url)
        ready = await client.send(client.build_get("/readyz"))
        without = await client.send(client.build_post("{ __typename }"))
        await asyncio.to_thread(system.postgres.start)
        started = time.monotonic()
        await until(lambda: read_load.count_successes_since(started) >= ENOUGH_READS)
        client.close()
    read_load.report("outage at startup")

    assert (ready.status, ready.json()) == (503, {"status": "not ready"})
    assert without.json() == {"data": {"__typename": "Query"}}
    assert read_load.count_outcomes().keys() == {"200", "503 SERVICE_UNAVAILABLE"}
    assert (
        "skipping migrations; requests get 503 until PostgreSQL is reachable and migrated"
        in server.startup_output
    )


@pytest.mark.timing
async def test_recovery_from_an_outage_at_startup_is_within_its_bound(system: System, tmp_path: Path) -> None:
    await asyncio.to_thread(system.postgres.stop)

    async with (
        run_server_in_thread(tmp_path, DATABASE_URL=system.dsn) as server,
        ReadLoad(server.url) as read_load,
    ):
        await asyncio.sleep(SECONDS_BEFORE)
        await asyncio.to_thread(system.postgres.start)
        started = time.monotonic()
        await asyncio.sleep(SECONDS_AFTER)
    recovery = read_load.recovery_seconds(started)
    read_load.report("outage at startup", recovery)

    assert recovery < MAX_RECOVERY * measure_slowness()


async def test_a_server_recovers_without_a_restart_once_its_database_is_migrated(tmp_path: Path) -> None:
    """The log says once that the migration is missing."""
    with private_folder() as folder:
        postgres = Postgres(folder)
        dsn = (await asyncio.to_thread(postgres.start)).dsn
        await asyncio.to_thread(postgres.stop)
        try:
            async with run_server_in_thread(tmp_path, DATABASE_URL=dsn) as server:
                client = Client(server.url)
                await asyncio.to_thread(postgres.start)
                await until(lambda: "at revision none" in server.output())
                before = await client.send(client.build_get("/readyz"))
                response = await client.send(client.build_post("{ books { totalCount } }"))
                migrated = await asyncio.to_thread(run_bookstore, "migrate", cwd=tmp_path, DATABASE_URL=dsn)
                await until(lambda: responds_with(client, "/readyz", 200))
                after = await client.send(client.build_post("{ books { totalCount } }"))
                client.close()
                output = await asyncio.to_thread(server.stop)
        finally:
            await asyncio.to_thread(postgres.stop)

    assert migrated.returncode == 0
    assert (before.status, response.status) == (503, 503)
    assert after.json() == {"data": {"books": {"totalCount": 0}}}
    # A probe during the migration finds a revision in between and logs it once too. A failed request has its own line.
    lines = [line for line in output.splitlines() if " bookstore.database " in line]
    incomplete = [line for line in lines if line.endswith(": run `bookstore migrate`.")]
    assert sum("at revision none" in line for line in incomplete) == 1
    assert len(incomplete) == len(set(incomplete))


@pytest.fixture
def small_disk(tmp_path: Path) -> Generator[Path]:
    """A file system of 100 MB, mounted for the test."""
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


async def test_after_a_full_disk_reads_succeed_and_views_are_written(
    small_disk: Path, tmp_path: Path
) -> None:
    postgres = Postgres(small_disk)
    dsn = (await asyncio.to_thread(postgres.start)).dsn
    await asyncio.to_thread(migrate, dsn)
    await fill_catalog(dsn)
    book = await fetch_value(dsn, "SELECT isbn FROM book WHERE isbn IS NOT NULL")
    filler = small_disk / "filler"

    async with (
        run_server_in_thread(tmp_path, DATABASE_URL=dsn) as server,
        ReadLoad(server.url, max_in_flight=MAX_IN_FLIGHT) as read_load,
    ):
        await until(lambda: read_load.count_successes_since(0) >= ENOUGH_READS)
        with filler.open("wb") as file, suppress(OSError):
            while True:
                file.write(bytes(65_536))
        with suppress(asyncpg.PostgresError, OSError):
            await write_rows_of_100_mb(dsn)
        client = Client(server.url)
        await client.send(client.build_post(f'{{ book(by: {{isbn: "{book}"}}) {{ title }} }}'))
        await until(lambda: "1 views not written" in server.output())
        filler.unlink()
        ended = time.monotonic()
        await until(lambda: read_load.count_successes_since(ended) >= ENOUGH_READS)
        views = await until(lambda: fetch_value(dsn, "SELECT sum(views) FROM book_view"))
        client.close()
    read_load.report("disk full")
    await asyncio.to_thread(postgres.stop)

    assert {read.status for read in read_load.reads} <= {200, 503}
    assert {code for read in read_load.reads for code in read.codes} <= {"SERVICE_UNAVAILABLE"}
    assert views == 1


async def write_rows_of_100_mb(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(
            "CREATE TABLE filler AS SELECT repeat('x', 1000) FROM generate_series(1, 100000)"
        )
    finally:
        await connection.close()


async def fetch_value(dsn: str, query: str) -> Any:
    connection = await asyncpg.connect(dsn)
    value = await connection.fetchval(query)
    await connection.close()
    return value
