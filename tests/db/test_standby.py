"""A hot standby refuses temporary tables, locks and sequences: every read runs on one."""

import asyncio
from collections.abc import Generator
from pathlib import Path

import asyncpg
import pytest

from db.explain_cases import explain_catalog
from db.importing.importer import import_feed
from db.importing.readers import open_generated
from db.verify import CHECKS, audit_catalog
from tests.db.test_explain import BOOKS, read_statements
from tests.standbys import ReplicatedPostgres, run_replicated_postgres
from tests.waiting import until


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Generator[ReplicatedPostgres]:
    """A primary with generated books, and a standby that has replayed them."""
    with run_replicated_postgres(1) as postgres:
        rejects: Path = tmp_path_factory.mktemp("standby") / "rejects.csv"
        asyncio.run(import_feed(postgres.primary.dsn, open_generated(BOOKS, 1), rejects=rejects))
        yield postgres


async def wait_for_replay(postgres: ReplicatedPostgres) -> str:
    """Return the address of the standby once it has what the primary has now."""
    primary = await asyncpg.connect(postgres.primary.dsn)
    await primary.execute("VACUUM ANALYZE")
    position = await primary.fetchval("SELECT pg_current_wal_insert_lsn()")
    await primary.close()
    standby = await asyncpg.connect(postgres.standbys[0].dsn)
    await until(lambda: standby.fetchval("SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn", position))
    await standby.close()
    return postgres.standbys[0].dsn


async def test_every_read_statement_runs_on_a_standby(postgres: ReplicatedPostgres) -> None:
    results = await explain_catalog(await wait_for_replay(postgres))

    assert {result.name for result in results} == read_statements()


async def test_a_standby_can_be_verified(postgres: ReplicatedPostgres) -> None:
    findings = await audit_catalog(await wait_for_replay(postgres))

    assert [(finding.name, finding.count) for finding in findings if finding.count] == []
    assert len(findings) == len(CHECKS)
