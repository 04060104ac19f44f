"""A replica fails, freezes, falls behind, is promoted or is rebuilt: every read is answered all the while."""

import asyncio
import os
import shutil
import signal
from collections.abc import Callable, Coroutine, Generator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from db import embedded
from db.verify import audit_catalog
from tests.faults.conftest import fill_catalog
from tests.faults.postgres import Postgres
from tests.faults.read_load import ReadLoad
from tests.faults.test_postgres_faults import ENOUGH_READS, MAX_IN_FLIGHT
from tests.serving import BookstoreProcess, run_server_in_thread
from tests.standbys import ReplicatedPostgres, promote, run_replicated_postgres, start_standby
from tests.waiting import until

FILL_LOG = "CREATE TABLE filler AS SELECT repeat('x', 1000) FROM generate_series(1, 2000)"
"""Writes more than MAX_LAG_BYTES."""

MAX_LAG_BYTES = 1_000_000
OUT = "answers no reads"
GONE = "is unavailable"
BACK = "answers reads"


@pytest.fixture
def postgres() -> Generator[ReplicatedPostgres]:
    with run_replicated_postgres() as postgres:
        asyncio.run(fill_catalog(postgres.primary.dsn))
        yield postgres


class Replica:
    """The first of the replicas, into which faults are injected."""

    def __init__(self, postgres: ReplicatedPostgres, server: BookstoreProcess) -> None:
        self.primary = postgres.primary
        self.standby = postgres.standbys[0]
        self.data = self.standby.data_folder.parent
        self._server = server
        self._logged = 0

    async def wait_for_log(self, text: str) -> None:
        """Wait until the server logs about this replica, after what was waited for before."""
        name = f"replica {self.standby.socket_folder}"
        await until(lambda: self._find(name, text))

    def _find(self, name: str, text: str) -> bool:
        lines = self._server.output().splitlines()
        for number, line in enumerate(lines[self._logged :], self._logged + 1):
            if name in line and text in line:
                self._logged = number
                return True
        return False

    async def run(self, statement: str, server: embedded.Server) -> None:
        connection = await asyncpg.connect(server.dsn)
        await connection.execute(statement)
        await connection.close()

    def send_signal(self, number: signal.Signals) -> None:
        Postgres(self.data).send_signal(number)


async def kill(replica: Replica) -> None:
    replica.send_signal(signal.SIGKILL)
    await replica.wait_for_log(GONE)
    await asyncio.to_thread(embedded.start, replica.data)


async def freeze(replica: Replica) -> None:
    replica.send_signal(signal.SIGSTOP)
    await replica.wait_for_log(GONE)
    replica.send_signal(signal.SIGCONT)


async def fall_behind(replica: Replica) -> None:
    await replica.run("SELECT pg_wal_replay_pause()", replica.standby)
    await replica.run(FILL_LOG, replica.primary)
    await replica.wait_for_log(OUT)
    await replica.run("SELECT pg_wal_replay_resume()", replica.standby)


async def rebuild(replica: Replica) -> None:
    await asyncio.to_thread(embedded.stop, replica.data)
    await replica.wait_for_log(GONE)
    shutil.rmtree(replica.data)
    await asyncio.to_thread(start_standby, replica.primary, replica.data)


async def promote_and_rebuild(replica: Replica) -> None:
    await asyncio.to_thread(promote, replica.standby)
    await replica.wait_for_log(OUT)
    await rebuild(replica)


Fault = Callable[[Replica], Coroutine[Any, Any, None]]
FAULTS: dict[str, Fault] = {
    "killed": kill,
    "frozen": freeze,
    "far behind": fall_behind,
    "promoted": promote_and_rebuild,
    "rebuilt": rebuild,
}


@pytest.mark.parametrize("name", FAULTS if os.environ.get("ALL_FAULTS") else ["killed", "frozen"])
async def test_no_read_fails_when_a_replica_does(
    postgres: ReplicatedPostgres, tmp_path: Path, name: str
) -> None:
    replica_urls = " ".join(each.dsn for each in postgres.standbys)
    settings = {"REPLICA_URLS": replica_urls, "MAX_REPLICA_LAG_BYTES": str(MAX_LAG_BYTES)}
    async with run_server_in_thread(tmp_path, DATABASE_URL=postgres.primary.dsn, **settings) as server:
        replica = Replica(postgres, server)
        async with ReadLoad(server.url, max_in_flight=MAX_IN_FLIGHT) as load:
            await until(lambda: len(load.reads) >= ENOUGH_READS)
            await FAULTS[name](replica)
            await replica.wait_for_log(BACK)
            answered = len(load.reads)
            await until(lambda: len(load.reads) >= answered + ENOUGH_READS)
    load.report(f"replica {name}")

    assert load.count_outcomes() == {"200": len(load.reads)}
    findings = await audit_catalog(replica.standby.dsn)
    assert [(each.name, each.examples) for each in findings if each.count] == []
