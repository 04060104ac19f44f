"""Reads go to replicas that have replayed what their request must see, and else to the primary."""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncGenerator, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from functools import partial

import asyncpg
import pytest

from db import embedded
from db.connections import supervisor as supervisor_module
from db.connections.cluster import Cluster, ReplicaLimits, Route, TokenStatus
from db.connections.positions import Position
from db.connections.session import ReadSession
from db.connections.supervisor import PoolSupervisor
from db.errors import DatabaseUnavailableError, PoolExhaustedError
from db.revision import head_revision, require_head
from db.statements import ReadStatement
from tests.standbys import ReplicatedPostgres, promote, run_replicated_postgres
from tests.waiting import GUARD, until

PATIENT = ReplicaLimits(max_lag=GUARD, max_lag_bytes=10**12, catch_up_timeout=GUARD)
IMPATIENT = replace(PATIENT, catch_up_timeout=0.001)
COUNT = ReadStatement("count_notes", "SELECT count(*) AS notes FROM note")
NOTES = ReadStatement("notes", "SELECT text FROM note")
ROLE = ReadStatement("role", "SELECT pg_is_in_recovery() AS is_standby")
CONFLICT = ReadStatement("conflict", "SELECT conflict() AS answered_by")
CONFLICTS_ON_STANDBYS = """
    CREATE FUNCTION conflict() RETURNS text LANGUAGE plpgsql AS $$
    BEGIN
        IF pg_is_in_recovery() THEN
            RAISE 'canceling statement due to conflict with recovery' USING ERRCODE = '40001';
        END IF;
        RETURN 'the primary';
    END $$
"""


@pytest.fixture(scope="module")
def postgres() -> Generator[ReplicatedPostgres]:
    with run_replicated_postgres() as postgres:
        yield postgres


@pytest.fixture
def private_postgres() -> Generator[ReplicatedPostgres]:
    """Servers that the test may end."""
    with run_replicated_postgres() as postgres:
        yield postgres


@pytest.fixture(autouse=True)
def patient_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not take a slow probe for an outage."""
    monkeypatch.setattr(supervisor_module, "PROBE_TIMEOUT", GUARD)


@pytest.fixture
async def writer(postgres: ReplicatedPostgres) -> AsyncGenerator[asyncpg.Connection]:
    """A connection to the primary, with a table to write to."""
    connection = await asyncpg.connect(postgres.primary.dsn)
    await connection.execute("DROP TABLE IF EXISTS note; CREATE TABLE note (text text)")
    yield connection
    await connection.close()


@pytest.fixture
async def standbys(postgres: ReplicatedPostgres) -> AsyncGenerator[list[asyncpg.Connection]]:
    """Connections to the standbys, whose replay goes on after the test."""
    connections = [await asyncpg.connect(standby.dsn) for standby in postgres.standbys]
    yield connections
    for connection in connections:
        await connection.execute("SELECT pg_wal_replay_resume()")
        await connection.close()


def supervise(dsn: str) -> PoolSupervisor:
    return PoolSupervisor(dsn, size=2, command_timeout=GUARD, acquire_timeout=GUARD, on_open=require_head)


@asynccontextmanager
async def run_cluster(
    primary: str, replicas: list[str], limits: ReplicaLimits = PATIENT
) -> AsyncGenerator[Cluster]:
    cluster = Cluster(supervise(primary), [supervise(dsn) for dsn in replicas], limits)
    await cluster.start()
    monitoring = asyncio.create_task(cluster.monitor())
    try:
        yield cluster
    finally:
        monitoring.cancel()
        await asyncio.wait([monitoring])
        await cluster.stop()


def run_cluster_of(
    postgres: ReplicatedPostgres, limits: ReplicaLimits = PATIENT
) -> AbstractAsyncContextManager[Cluster]:
    return run_cluster(postgres.primary.dsn, [each.dsn for each in postgres.standbys], limits)


async def token_of(cluster: Cluster) -> Position:
    """Return the position of a write that has just been committed."""
    return await cluster.read_position(cluster.primary)


async def test_reads_go_to_the_replicas_by_turns(postgres: ReplicatedPostgres) -> None:
    async with run_cluster_of(postgres) as cluster:
        routes = [(await cluster.route(None)).supervisor for _ in range(4)]

        assert routes in ([*cluster.replicas] * 2, [*reversed(cluster.replicas)] * 2)
        assert [await ReadSession(each).fetch(ROLE) for each in routes[:2]] == [[(True,)]] * 2
        assert await cluster.open_session().fetch(ROLE) == [(False,)]


async def test_reads_avoid_a_replica_that_is_busy(postgres: ReplicatedPostgres) -> None:
    async with run_cluster_of(postgres) as cluster, cluster.replicas[0].require_pool().connection():
        assert [(await cluster.route(None)).supervisor for _ in range(3)] == [cluster.replicas[1]] * 3


async def test_without_replicas_the_primary_answers(postgres: ReplicatedPostgres) -> None:
    async with run_cluster(postgres.primary.dsn, []) as cluster:
        assert (await cluster.route(None)).supervisor is cluster.primary


async def test_a_token_is_answered_by_the_replica_that_has_replayed_it(
    postgres: ReplicatedPostgres, writer: asyncpg.Connection, standbys: list[asyncpg.Connection]
) -> None:
    async with run_cluster_of(postgres) as cluster:
        await until(lambda: token_is_replayed(cluster))
        await standbys[0].execute("SELECT pg_wal_replay_pause()")
        await until(lambda: is_paused(standbys[0]))
        await writer.execute("INSERT INTO note VALUES ('new')")
        token = await token_of(cluster)

        routes = [await cluster.route(token) for _ in range(4)]
        stale = await ReadSession(cluster.replicas[0]).fetch(COUNT)
        fresh = await ReadSession(routes[0].supervisor).fetch(COUNT)

        assert [route.supervisor for route in routes] == [cluster.replicas[1]] * 4
        assert {route.status for route in routes} == {TokenStatus.CURRENT}
        assert (stale, fresh) == ([(0,)], [(1,)])


async def test_a_request_waits_for_a_replica_that_catches_up(
    postgres: ReplicatedPostgres, writer: asyncpg.Connection, standbys: list[asyncpg.Connection]
) -> None:
    async with run_cluster_of(postgres) as cluster:
        await pause(standbys)
        await writer.execute("INSERT INTO note VALUES ('new')")

        routing = asyncio.create_task(cluster.route(await token_of(cluster)))
        reads = cluster.replicas[0].state, cluster.replicas[1].state
        await until(
            lambda: cluster.replicas[0].state is not reads[0] or cluster.replicas[1].state is not reads[1]
        )
        assert not routing.done()
        await asyncio.gather(*(each.execute("SELECT pg_wal_replay_resume()") for each in standbys))
        route = await routing

        assert route.supervisor in cluster.replicas
        assert await ReadSession(route.supervisor).fetch(COUNT) == [(1,)]


async def test_the_primary_answers_if_no_replica_catches_up_in_time(
    postgres: ReplicatedPostgres, writer: asyncpg.Connection, standbys: list[asyncpg.Connection]
) -> None:
    async with run_cluster_of(postgres, IMPATIENT) as cluster:
        await pause(standbys)
        await writer.execute("INSERT INTO note VALUES ('new')")

        route = await cluster.route(await token_of(cluster))

        assert route.supervisor is cluster.primary
        assert await ReadSession(route.supervisor).fetch(COUNT) == [(1,)]


@pytest.mark.parametrize("change", ["ahead", "newer timeline", "other system", "unknown timeline"])
async def test_a_forged_token_never_waits(
    postgres: ReplicatedPostgres, standbys: list[asyncpg.Connection], change: str
) -> None:
    async with run_cluster_of(postgres) as cluster:
        await pause(standbys)
        now = await token_of(cluster)
        token = {
            "ahead": replace(now, lsn=now.lsn + 2**40),
            "newer timeline": replace(now, timeline=now.timeline + 1),
            "other system": replace(now, system=now.system ^ 1),
            "unknown timeline": replace(now, timeline=0),
        }[change]

        route = await cluster.route(token)

        assert route.supervisor in cluster.replicas
        assert route.status is TokenStatus.CURRENT


async def test_a_position_after_a_read_includes_what_was_read(
    postgres: ReplicatedPostgres, writer: asyncpg.Connection
) -> None:
    """Reads go forward only: what one replica has shown, another one shows too."""
    async with run_cluster_of(postgres, IMPATIENT) as cluster:
        token, seen, servers = None, 0, set[PoolSupervisor]()
        for _ in range(200):
            await writer.execute("INSERT INTO note VALUES ('new')")
            supervisor = (await cluster.route(token)).supervisor
            [row] = await ReadSession(supervisor).fetch(COUNT)
            assert row["notes"] >= seen
            token, seen = await cluster.read_position(supervisor), row["notes"]
            servers.add(supervisor)

    assert servers & {*cluster.replicas}


async def test_a_replica_that_is_far_behind_is_left_out_until_it_has_caught_up(
    postgres: ReplicatedPostgres,
    writer: asyncpg.Connection,
    standbys: list[asyncpg.Connection],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "bookstore.database")
    async with run_cluster_of(postgres, replace(PATIENT, max_lag_bytes=100_000)) as cluster:
        slow, fast = cluster.replicas
        await until(lambda: cluster._usable == [slow, fast])
        caplog.clear()
        await standbys[0].execute("SELECT pg_wal_replay_pause()")
        await until(lambda: is_paused(standbys[0]))
        await writer.execute("INSERT INTO note SELECT repeat('x', 1000) FROM generate_series(1, 1000)")
        await until(lambda: cluster._usable == [fast])
        await standbys[0].execute("SELECT pg_wal_replay_resume()")
        await until(lambda: cluster._usable == [slow, fast])

    messages = [record.getMessage() for record in caplog.records if slow.location in record.getMessage()]
    assert messages[:2] == [
        f"replica {slow.location} answers no reads: "
        "it is more than 100,000 bytes behind (MAX_REPLICA_LAG_BYTES)",
        f"replica {slow.location} answers reads",
    ]


async def test_a_replica_that_is_too_old_is_left_out(
    postgres: ReplicatedPostgres, writer: asyncpg.Connection, standbys: list[asyncpg.Connection]
) -> None:
    now = [0.0]
    supervisors = [supervise(each.dsn) for each in (postgres.primary, *postgres.standbys)]
    cluster = Cluster(supervisors[0], supervisors[1:], replace(PATIENT, max_lag=5.0), clock=lambda: now[0])
    await cluster.start()
    await pause(standbys)
    await writer.execute("INSERT INTO note VALUES ('new')")
    await cluster.primary.read_state()

    assert cluster._usable == [*cluster.replicas]
    now[0] = 5.1
    await cluster.primary.read_state()
    assert cluster._usable == []
    assert (await cluster.route(None)).supervisor is cluster.primary
    await cluster.stop()


async def test_a_replica_at_another_revision_is_not_used(
    postgres: ReplicatedPostgres, writer: asyncpg.Connection
) -> None:
    await writer.execute("UPDATE alembic_version SET version_num = '0000'")
    async with run_cluster_of(postgres) as cluster:
        assert not cluster.can_read
        await writer.execute("UPDATE alembic_version SET version_num = $1", head_revision())
        await until(lambda: len(cluster._usable) == 2)
        assert cluster.can_read


async def test_a_recovery_conflict_is_retried_on_the_primary(
    postgres: ReplicatedPostgres, writer: asyncpg.Connection
) -> None:
    await writer.execute(CONFLICTS_ON_STANDBYS)
    async with run_cluster_of(postgres) as cluster:
        route = await cluster.route(await token_of(cluster))
        session = ReadSession(route.supervisor, cluster.primary)

        rows = await session.fetch(CONFLICT)

        assert route.supervisor in cluster.replicas
        assert rows == [("the primary",)]
        assert session.supervisor is cluster.primary
    await writer.execute("DROP FUNCTION conflict()")


@pytest.mark.parametrize("pinned", [False, True])
async def test_a_request_goes_on_at_the_primary_if_its_replica_ends(
    postgres: ReplicatedPostgres, pinned: bool
) -> None:
    async with run_cluster_of(postgres) as cluster:
        session = ReadSession(cluster.replicas[0], cluster.primary)
        if pinned:
            session.pin()
        assert await session.fetch(ROLE) == [(True,)]

        cluster.replicas[0].require_pool().terminate("The test ends the pool.")

        assert await session.fetch(ROLE) == [(False,)]
        session.unpin()


async def test_a_request_does_not_move_from_a_busy_replica_to_the_primary(
    postgres: ReplicatedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with run_cluster_of(postgres) as cluster:
        pool = cluster.replicas[0].require_pool()
        async with pool.connection(), pool.connection():
            monkeypatch.setattr(pool, "acquire_timeout", 0.0)
            session = ReadSession(cluster.replicas[0], cluster.primary)
            with pytest.raises(PoolExhaustedError):
                await session.fetch(ROLE)


async def test_a_killed_replica_comes_back_by_itself(private_postgres: ReplicatedPostgres) -> None:
    async with run_cluster_of(private_postgres) as cluster:
        data = private_postgres.standbys[0].data_folder.parent
        [status] = embedded.status(data)
        assert status.pid
        await until(lambda: cluster._usable == [*cluster.replicas])
        os.kill(status.pid, signal.SIGKILL)

        await until(lambda: cluster._usable == [cluster.replicas[1]])
        embedded.start(data)
        await until(lambda: cluster._usable == [*cluster.replicas])


async def test_a_token_of_a_lost_timeline_is_answered_as_lost(private_postgres: ReplicatedPostgres) -> None:
    """The promoted standby has the first write and not the second."""
    primary, heir, other = private_postgres.primary, *private_postgres.standbys
    async with run_cluster(multi_host_dsn(private_postgres), [heir.dsn, other.dsn], IMPATIENT) as cluster:
        kept = await write_note(primary.dsn, "kept", cluster)
        await until(lambda: token_is_replayed(cluster))
        await disconnect_from_primary(heir)
        lost = await write_note(primary.dsn, "lost", cluster)
        embedded.stop(primary.data_folder.parent)
        await until(lambda: cluster.primary.pool is None)

        assert (await cluster.route(kept)).supervisor in cluster.replicas
        promote(heir)
        await until(lambda: cluster.primary.pool and cluster._usable == [])  # the other one follows nobody

        assert await cluster.route(kept) == Route(cluster.primary, TokenStatus.CURRENT)
        assert await cluster.route(lost) == Route(cluster.primary, TokenStatus.LOST)
        assert await cluster.open_session().fetch(NOTES) == [("kept",)]
    await create_clerk(heir.dsn)
    async with run_cluster(heir.dsn.replace("//app@", "//clerk@"), [other.dsn], IMPATIENT) as cluster:
        assert await cluster.route(kept) == Route(cluster.primary, TokenStatus.UNKNOWN)
        assert await cluster.route(lost) == Route(cluster.primary, TokenStatus.UNKNOWN)


async def test_replicas_answer_while_the_primary_is_away(private_postgres: ReplicatedPostgres) -> None:
    async with run_cluster_of(private_postgres) as cluster:
        embedded.stop(private_postgres.primary.data_folder.parent)
        await until(lambda: cluster.primary.pool is None)

        assert await cluster.open_session().fetch(ROLE) == [(True,)]
        assert (await cluster.route(None)).supervisor in cluster.replicas
        assert cluster.can_read


async def test_a_standby_as_the_database_answers_only_what_it_has(
    postgres: ReplicatedPostgres, writer: asyncpg.Connection, standbys: list[asyncpg.Connection]
) -> None:
    await pause(standbys)
    async with run_cluster_of(postgres) as cluster:
        await writer.execute("INSERT INTO note VALUES ('new')")
        token = await token_of(cluster)
    dsns = [each.dsn for each in postgres.standbys]
    async with run_cluster(dsns[0], [dsns[1]], IMPATIENT) as cluster:
        assert (await cluster.route(None)).supervisor is cluster.replicas[0]
        with pytest.raises(DatabaseUnavailableError, match="No server that can be reached has"):
            await cluster.route(token)
        await asyncio.gather(*(each.execute("SELECT pg_wal_replay_resume()") for each in standbys))
        await until(lambda: token_is_replayed(cluster))
        assert (await cluster.route(token)).supervisor is cluster.replicas[0]


# Steps


async def pause(standbys: list[asyncpg.Connection]) -> None:
    for each in standbys:
        await each.execute("SELECT pg_wal_replay_pause()")
        await until(partial(is_paused, each))


async def is_paused(standby: asyncpg.Connection) -> bool:
    return await standby.fetchval("SELECT pg_get_wal_replay_pause_state() = 'paused'")


async def disconnect_from_primary(standby: embedded.Server) -> None:
    connection = await asyncpg.connect(standby.dsn)
    await connection.execute("ALTER SYSTEM SET primary_conninfo = ''")
    await connection.execute("SELECT pg_reload_conf()")
    receiving = "SELECT EXISTS (SELECT FROM pg_stat_wal_receiver)"
    await until(lambda: is_false(connection, receiving))
    await connection.close()


async def is_false(connection: asyncpg.Connection, query: str) -> bool:
    return not await connection.fetchval(query)


async def token_is_replayed(cluster: Cluster) -> bool:
    """Return whether all replicas have what the primary has now."""
    now = await token_of(cluster)
    states = [await replica.read_state() for replica in cluster.replicas]
    return all(state.position.lsn >= now.lsn for state in states)


async def write_note(dsn: str, text: str, cluster: Cluster) -> Position:
    connection = await asyncpg.connect(dsn)
    await connection.execute("CREATE TABLE IF NOT EXISTS note (text text)")
    await connection.execute("INSERT INTO note VALUES ($1)", text)
    await connection.close()
    return await token_of(cluster)


async def create_clerk(dsn: str) -> None:
    """Create a role that may read the tables and no files."""
    connection = await asyncpg.connect(dsn)
    await connection.execute("CREATE ROLE clerk LOGIN")
    await connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO clerk")
    await connection.close()


def multi_host_dsn(postgres: ReplicatedPostgres) -> str:
    """Return an address of all servers that demands the primary."""
    hosts = ",".join(str(each.socket_folder) for each in (postgres.primary, *postgres.standbys))
    return f"postgresql://app@/bookstore?host={hosts}&port=5432&target_session_attrs=primary"
