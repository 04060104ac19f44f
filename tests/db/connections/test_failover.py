"""Addresses with several hosts, and the change of roles between a primary and its standby."""

import asyncio
import itertools
import os
import signal
import subprocess
from collections.abc import Generator

import asyncpg
import pytest

from db.connections import supervisor as supervisor_module
from db.connections import write_session as write_session_module
from db.connections.connect import connect
from db.connections.dsn import SESSION_ATTRIBUTES, HostAddress
from db.connections.hosts import HostOrder
from db.connections.pool import ConnectionPool
from db.connections.supervisor import PoolSupervisor
from db.connections.write_session import WriteSession
from db.database import Database
from db.embedded import Server
from db.errors import DatabaseError, DatabaseUnavailableError, UnknownOutcomeError
from db.migrations import migrate
from db.postgres.binaries import find_binaries
from db.postgres.postmaster import postmaster_pid
from db.revision import current_revision, head_revision
from db.statements import ReadStatement, WriteStatement
from tests.db.connections.statements import ONE, SLEEP
from tests.db.connections.test_connect import listen
from tests.faults.locks import block_commits
from tests.faults.proxy import Proxy
from tests.standbys import ReplicatedPostgres, promote, run_replicated_postgres
from tests.waiting import GUARD, until

ON_PRIMARY = ReadStatement("on_primary", "SELECT NOT pg_is_in_recovery() AS on_primary")
WRITE = WriteStatement("write", "CREATE TABLE IF NOT EXISTS written (id integer)")

ORDERS = ("primary,standby", "standby,primary", "primary", "standby", "nowhere,standby,primary", "nowhere")
EXPECTED_ROLES = {
    "any": ("primary", "standby", "primary", "standby", "standby", "none"),
    "read-write": ("primary", "primary", "primary", "none", "primary", "none"),
    "read-only": ("standby", "standby", "none", "standby", "standby", "none"),
    "primary": ("primary", "primary", "primary", "none", "primary", "none"),
    "standby": ("standby", "standby", "none", "standby", "standby", "none"),
    "prefer-standby": ("standby", "standby", "primary", "standby", "standby", "none"),
}
"""The role that each of ORDERS leads to, by target_session_attrs."""


@pytest.fixture(scope="module")
def pair() -> Generator[ReplicatedPostgres]:
    """A primary and a standby that keep their roles."""
    with run_replicated_postgres(standbys=1) as pair:
        yield pair


@pytest.fixture
def private_pair() -> Generator[ReplicatedPostgres]:
    """A primary and a standby that the test may end."""
    with run_replicated_postgres(standbys=1) as pair:
        yield pair


def dsn_of(*servers: Server, attribute: str) -> str:
    """Return the address of the servers, in this order, that asks for a role."""
    folders = ",".join(str(server.socket_folder) for server in servers)
    return f"postgresql://app@/bookstore?host={folders}&target_session_attrs={attribute}"


# Which host is used


def role_by_psql(address: str) -> str:
    """Return the role of the server that psql connects to, or "none"."""
    psql = find_binaries().folder / "psql"
    query = "SELECT CASE WHEN pg_is_in_recovery() THEN 'standby' ELSE 'primary' END"
    done = subprocess.run([psql, address, "-XAtc", query], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "none"


async def role_by_connect(address: str) -> str:
    try:
        connection = await connect(address, application_name="test", timeout=GUARD)
    except DatabaseUnavailableError:
        return "none"
    on_primary = await connection.fetchval(ON_PRIMARY.text)
    await connection.close()
    return "primary" if on_primary else "standby"


@pytest.mark.parametrize("attribute", SESSION_ATTRIBUTES)
async def test_an_address_means_what_it_means_to_psql(pair: ReplicatedPostgres, attribute: str) -> None:
    folders = {
        "primary": str(pair.primary.socket_folder),
        "standby": str(pair.standbys[0].socket_folder),
        "nowhere": "/nowhere",
    }
    addresses = {
        order: f"postgresql://app@/bookstore?target_session_attrs={attribute}&host="
        + ",".join(folders[name] for name in order.split(","))
        for order in ORDERS
    }

    roles = {order: await role_by_connect(address) for order, address in addresses.items()}

    assert roles == {order: role_by_psql(address) for order, address in addresses.items()}
    assert tuple(roles.values()) == EXPECTED_ROLES[attribute]


async def test_read_write_and_read_only_heed_the_default_of_the_session(pair: ReplicatedPostgres) -> None:
    read_only = "&options=-c%20default_transaction_read_only%3Don"
    addresses = {
        attribute: dsn_of(pair.primary, attribute=attribute) + read_only for attribute in SESSION_ATTRIBUTES
    }

    roles = {attribute: await role_by_connect(address) for attribute, address in addresses.items()}

    assert roles == {attribute: role_by_psql(address) for attribute, address in addresses.items()}
    assert (roles["read-write"], roles["read-only"]) == ("none", "primary")


async def test_a_frozen_host_costs_its_own_timeout_once(proxied_dsn: str, proxy: Proxy) -> None:
    accepted = itertools.count()

    async def ignore(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        next(accepted)
        await reader.read()

    host_order = HostOrder()
    async with listen(ignore) as port:
        dsn = proxied_dsn.replace("@127.0.0.1:", f"@127.0.0.1:{port},127.0.0.1:")
        connections = [
            await connect(f"{dsn}&connect_timeout=2", application_name="test", host_order=host_order)
            for _ in range(2)
        ]

    good = HostAddress("127.0.0.1", proxy.port)
    assert [connection.host for connection in connections] == [good, good]
    assert (host_order.last_good, next(accepted)) == (good, 1)
    for connection in connections:
        await connection.close()


async def test_migrations_pass_over_a_frozen_host(proxied_dsn: str) -> None:
    async def ignore(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with listen(ignore) as port:
        dsn = proxied_dsn.replace("@127.0.0.1:", f"@127.0.0.1:{port},127.0.0.1:")
        await asyncio.to_thread(migrate, f"{dsn}&connect_timeout=2")

    connection = await connect(proxied_dsn, application_name="test")
    assert await current_revision(connection) == head_revision()
    await connection.close()


async def test_the_error_names_each_host_and_its_reason(pair: ReplicatedPostgres) -> None:
    standby = pair.standbys[0].socket_folder

    with pytest.raises(DatabaseUnavailableError) as caught:
        await connect(
            f"postgresql://app:hush@/bookstore?host=/nowhere,{standby}&target_session_attrs=primary",
            application_name="test",
        )

    assert str(caught.value) == (
        "PostgreSQL cannot be reached at /nowhere:5432: [Errno 2] No such file or directory; "
        f"at {standby}:5432: it does not match target_session_attrs=primary"
    )


@pytest.mark.parametrize(
    ("code", "is_passed_over"),
    [(b"57P03", True), (b"57P01", True), (b"28P01", False), (b"53300", False)],
    ids=["starting", "shutting down", "wrong password", "too many connections"],
)
async def test_a_host_that_refuses_the_login_ends_the_search(
    proxied_dsn: str, code: bytes, is_passed_over: bool
) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1_000)
        fields = b"SFATAL\0VFATAL\0C" + code + b"\0Mrefused\0\0"
        writer.write(b"E" + (4 + len(fields)).to_bytes(4, "big") + fields)
        await writer.drain()

    async with listen(refuse) as port:
        dsn = proxied_dsn.replace("@127.0.0.1:", f"@127.0.0.1:{port},127.0.0.1:")
        connecting = connect(dsn, application_name="test", timeout=GUARD)
        if is_passed_over:
            await (await connecting).close()
        else:
            with pytest.raises(DatabaseError) as caught:
                await connecting
            assert str(caught.value) == f"PostgreSQL cannot be reached at 127.0.0.1:{port}: refused"


# A pool whose server changes its role


async def test_a_write_that_is_refused_as_read_only_expires_every_connection(
    pair: ReplicatedPostgres,
) -> None:
    dsn = dsn_of(pair.standbys[0], pair.primary, attribute="any")
    pool = ConnectionPool(dsn, size=2, command_timeout=GUARD, acquire_timeout=GUARD)
    before = await pool.acquire(), await pool.acquire()
    for connection in before:
        pool.release(connection)

    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        await pool.execute_write(WRITE)

    assert [connection.is_closed() for connection in before] == [True, True]
    assert pool.in_use == 0
    assert await pool.fetch(ONE) == [(1,)]
    await pool.close(GUARD)


async def test_a_lost_connection_expires_the_others_once(
    pool: ConnectionPool, observer: asyncpg.Connection
) -> None:
    held = await pool.acquire(), await pool.acquire()

    pool.release(held[0], ConnectionResetError())
    opened = await pool.acquire()
    pool.release(held[1], ConnectionResetError())
    pool.release(opened)

    assert [connection.is_closed() for connection in (*held, opened)] == [True, True, False]
    assert await pool.acquire() is opened
    pool.release(opened)


async def test_a_statement_on_another_host_than_the_last_good_one_ends_when_connections_expire(
    dsn: str, proxied_dsn: str, proxy: Proxy
) -> None:
    pool = ConnectionPool(proxied_dsn, size=1, command_timeout=GUARD, acquire_timeout=GUARD)
    running = asyncio.create_task(pool.fetch(SLEEP))
    await until(lambda: proxy.has_connections and pool._connections)

    pool.host_order.last_good = HostAddress("elsewhere", 5432)
    pool.expire_connections()

    with pytest.raises(asyncpg.ConnectionDoesNotExistError):
        await running
    assert (pool.in_use, pool._connections) == (0, set())
    await pool.close(GUARD)


async def accept_any(database: Database) -> None:
    """Accept a database as it is."""


def create_supervisor(dsn: str) -> PoolSupervisor:
    return PoolSupervisor(dsn, size=2, command_timeout=GUARD, acquire_timeout=GUARD, on_open=accept_any)


async def write(supervisor: PoolSupervisor) -> bool:
    """Write in a session of a request. Return whether it was committed."""
    session = WriteSession(supervisor)
    try:
        await session.fetch(WRITE)
        await session.commit()
    except DatabaseUnavailableError:
        await session.roll_back()
        return False
    return True


async def test_a_write_session_expires_the_connections_to_a_former_primary(pair: ReplicatedPostgres) -> None:
    read_only = "&options=-c%20default_transaction_read_only%3Don"
    supervisor = create_supervisor(dsn_of(pair.primary, attribute="any") + read_only)
    await supervisor.start()
    pool = supervisor.require_pool()
    async with pool.connection() as before:
        pass

    assert not await write(supervisor)

    assert before.is_closed()
    await supervisor.stop()


WAITING_COMMIT = (
    "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name = 'bookstore'"
)
"""The commit of a pool that waits for a standby. Processes of PostgreSQL may wait as well."""


async def cancel_commit(observer: asyncpg.Connection) -> None:
    """Cancel the one commit that waits for a standby."""
    waiting = await until(lambda: observer.fetchval(WAITING_COMMIT))
    await observer.execute("SELECT pg_cancel_backend($1)", waiting)


async def test_a_commit_that_no_standby_has_confirmed_has_an_unknown_outcome(
    pair: ReplicatedPostgres,
) -> None:
    """PostgreSQL ends the wait with a warning and the answer COMMIT."""
    supervisor = create_supervisor(dsn_of(pair.primary, attribute="primary"))
    await supervisor.start()
    session = WriteSession(supervisor)
    await session.fetch(WriteStatement("unconfirmed", "CREATE TABLE unconfirmed ()"))

    async with block_commits(pair.primary.dsn) as observer:
        committing = asyncio.create_task(session.commit())
        await cancel_commit(observer)

        with pytest.raises(UnknownOutcomeError, match="No standby has confirmed"):
            await committing

    assert await supervisor.fetch(ONE) == [(1,)]
    assert supervisor.require_pool().in_use == 0
    await supervisor.stop()


async def test_a_former_primary_that_still_answers_is_left_when_it_confirms_no_commit(
    private_pair: ReplicatedPostgres,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its standby was promoted, and nothing has stopped it: each commit waits for the standby."""
    monkeypatch.setattr(supervisor_module, "PROBE_TIMEOUT", GUARD)
    supervisor = create_supervisor(
        dsn_of(private_pair.primary, private_pair.standbys[0], attribute="primary")
    )
    await supervisor.start()
    promote(private_pair.standbys[0])
    standby = await asyncpg.connect(private_pair.standbys[0].dsn)
    async with block_commits(private_pair.primary.dsn) as observer:
        session = WriteSession(supervisor)
        await session.fetch(WRITE)
        committing = asyncio.create_task(session.commit())
        await cancel_commit(observer)
        with pytest.raises(UnknownOutcomeError, match="in time"):
            await committing
        assert await write(supervisor)

    assert await standby.fetchval("SELECT to_regclass('written') IS NOT NULL")
    await standby.close()
    await supervisor.stop()


async def test_a_host_whose_commit_is_abandoned_late_is_distrusted(
    pair: ReplicatedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    supervisor = create_supervisor(dsn_of(pair.primary, attribute="primary"))
    await supervisor.start()
    pool = supervisor.require_pool()

    async def abandon_commit(table: str) -> None:
        session = WriteSession(supervisor)
        await session.fetch(WriteStatement("create_table", f"CREATE TABLE {table} ()"))
        committing = asyncio.create_task(session.commit())
        await until(lambda: observer.fetchval(WAITING_COMMIT))
        committing.cancel()
        await asyncio.wait([committing])
        session.abandon()
        await until(lambda: pool.in_use == 0)

    async with block_commits(pair.primary.dsn) as observer:
        monkeypatch.setattr(write_session_module, "COMMIT_PATIENCE", GUARD)
        await abandon_commit("early")
        early = pool.host_order.distrusted
        monkeypatch.setattr(write_session_module, "COMMIT_PATIENCE", 0)
        await abandon_commit("late")

    assert early is None
    assert pool.host_order.distrusted == HostAddress(str(pair.primary.socket_folder), 5432)
    await supervisor.stop()


async def test_a_supervisor_goes_to_the_promoted_standby_by_itself(
    private_pair: ReplicatedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor_module, "PROBE_TIMEOUT", GUARD)
    supervisor = create_supervisor(
        dsn_of(private_pair.primary, private_pair.standbys[0], attribute="primary")
    )
    await supervisor.start()
    monitoring = asyncio.create_task(supervisor.monitor())
    open_session = WriteSession(supervisor)
    await open_session.fetch(WriteStatement("not_committed", "CREATE TABLE not_committed ()"))
    assert await write(supervisor)

    os.kill(postmaster_pid(private_pair.primary.data_folder) or 0, signal.SIGKILL)
    await until(lambda: open_session._connection is not None and open_session._connection.is_closed())
    with pytest.raises(UnknownOutcomeError):
        await open_session.commit()
    await until(lambda: supervisor.pool is None)
    assert not await write(supervisor)
    promote(private_pair.standbys[0])
    await until(lambda: write(supervisor))

    assert await supervisor.fetch(ON_PRIMARY) == [(True,)]
    monitoring.cancel()
    await asyncio.wait([monitoring])
    await supervisor.stop()


@pytest.fixture
def replicated() -> Generator[ReplicatedPostgres]:
    """A primary and two standbys that the test may end."""
    with run_replicated_postgres() as replicated:
        yield replicated


async def follow(standby: asyncpg.Connection, server: Server | None) -> None:
    """Let a standby receive the log of a server, or of none, and return when it does."""
    target = f"user=app host={server.socket_folder} port=5432" if server else ""
    await standby.execute(f"ALTER SYSTEM SET primary_conninfo = '{target}'")
    await standby.execute("SELECT pg_reload_conf()")
    receives = "SELECT (count(*) > 0) = $1::boolean FROM pg_stat_wal_receiver WHERE status = 'streaming'"
    await until(lambda: standby.fetchval(receives, server is not None))


async def is_on_timeline(supervisor: PoolSupervisor, timeline: int) -> bool:
    return (await supervisor.read_state()).position.timeline == timeline


async def test_a_standby_keeps_its_timeline_when_its_primary_is_lost(replicated: ReplicatedPostgres) -> None:
    """PostgreSQL then reports the timeline of the last restart point, which is before the promotion."""
    promoted, follower = replicated.standbys
    supervisor = create_supervisor(follower.dsn)
    await supervisor.start()
    standby = await asyncpg.connect(follower.dsn)
    promote(promoted)
    await follow(standby, promoted)
    await until(lambda: is_on_timeline(supervisor, 2))

    await follow(standby, None)

    assert (await supervisor.read_state()).position.timeline == 2
    await standby.close()
    await supervisor.stop()


async def test_a_change_of_role_that_a_request_has_seen_first_still_ends_the_pool(
    private_pair: ReplicatedPostgres,
) -> None:
    """Requests read the state between two health checks, for their tokens."""
    standby = private_pair.standbys[0]
    supervisor = create_supervisor(f"{standby.dsn}&target_session_attrs=standby")
    await supervisor.start()
    pool = supervisor.require_pool()
    promote(standby)
    assert not (await supervisor.read_state()).is_standby

    await supervisor._check_health(pool)

    assert (supervisor.pool, supervisor.unavailable_reason) == (None, "the server has become a primary")
    await supervisor.stop()
