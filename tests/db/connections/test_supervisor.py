"""The supervisor: requests fail immediately during an outage, and a new pool is opened after it."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from db.connections import supervisor as supervisor_module
from db.connections.supervisor import PoolSupervisor
from db.errors import DatabaseError, DatabaseUnavailableError
from db.revision import head_revision, require_head
from tests.db.connections.statements import ONE
from tests.faults.proxy import Proxy
from tests.waiting import GUARD, until

HEALTH_CHECKS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'bookstore health check'"


@pytest.fixture(autouse=True)
def patient_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not take a slow probe for an outage."""
    monkeypatch.setattr(supervisor_module, "PROBE_TIMEOUT", GUARD)


@asynccontextmanager
async def run_supervisor(supervisor: PoolSupervisor) -> AsyncGenerator[None]:
    """Start and monitor the supervisor within the block, and stop it at the end."""
    await supervisor.start()
    monitoring = asyncio.create_task(supervisor.monitor())
    try:
        yield
    finally:
        monitoring.cancel()
        await asyncio.wait([monitoring])
        await supervisor.stop()


def create_supervisor(dsn: str) -> PoolSupervisor:
    return PoolSupervisor(dsn, size=2, command_timeout=GUARD, acquire_timeout=GUARD, on_open=require_head)


async def test_a_supervisor_starts_during_an_outage_and_opens_the_pool_after_it(
    proxied_dsn: str, proxy: Proxy, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bookstore.database")
    await proxy.refuse_connections()
    supervisor = create_supervisor(proxied_dsn)

    async with run_supervisor(supervisor):
        with pytest.raises(DatabaseUnavailableError) as caught:
            await supervisor.fetch(ONE)
        await proxy.accept_connections()
        await until(lambda: supervisor.pool)
        assert await supervisor.fetch(ONE) == [(1,)]
        assert supervisor.unavailable_reason is None

    reason = str(caught.value)
    assert reason.startswith(f"PostgreSQL cannot be reached at 127.0.0.1:{proxy.port}: ")
    assert "topsecret" not in reason
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", f"PostgreSQL is unavailable: {reason}"),
        ("INFO", "PostgreSQL is available"),
    ]


async def test_the_pool_is_opened_once_the_database_is_migrated(
    dsn: str, observer: asyncpg.Connection
) -> None:
    await observer.execute("UPDATE alembic_version SET version_num = '0000'")
    supervisor = create_supervisor(dsn)

    async with run_supervisor(supervisor):
        assert supervisor.unavailable_reason == (
            f"The database is at revision 0000, this version needs {head_revision()}: run `bookstore migrate`."
        )
        await observer.execute("UPDATE alembic_version SET version_num = $1", head_revision())
        assert await until(lambda: supervisor.pool)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (asyncpg.ConnectionDoesNotExistError("connection was closed"), "PostgreSQL is unavailable: connection was closed"),
        (asyncpg.InsufficientPrivilegeError("permission denied"), "PostgreSQL is unavailable: permission denied"),
        (ZeroDivisionError(), "ZeroDivisionError"),
    ],
    ids=["lost", "refused", "defect"],
)  # fmt: skip
async def test_an_error_of_on_open_is_the_reason_and_its_session_is_closed(
    dsn: str, observer: asyncpg.Connection, error: Exception, reason: str
) -> None:
    async def fail(database: object) -> None:
        raise error

    supervisor = PoolSupervisor(dsn, size=2, command_timeout=GUARD, acquire_timeout=GUARD, on_open=fail)

    await supervisor.start()

    assert (supervisor.pool, supervisor.unavailable_reason) == (None, reason)
    with pytest.raises(DatabaseUnavailableError):
        supervisor.require_pool()
    await until(lambda: observer.fetchval(f"SELECT NOT EXISTS ({HEALTH_CHECKS})"))


async def test_a_connect_error_is_the_reason(dsn: str) -> None:
    supervisor = create_supervisor(dsn.replace("/test_", "/nowhere_"))

    await supervisor.start()

    assert supervisor.unavailable_reason is not None
    assert supervisor.unavailable_reason.startswith("PostgreSQL cannot be reached at /")
    assert supervisor.unavailable_reason.endswith(" does not exist")
    with pytest.raises(DatabaseError, match="does not exist"):
        await supervisor.fetch(ONE)


async def test_all_connections_are_replaced_after_the_probe_connection_is_lost(
    supervisor: PoolSupervisor, observer: asyncpg.Connection
) -> None:
    pool = supervisor.require_pool()
    async with pool.connection() as idle:
        pass
    before = await observer.fetchval(HEALTH_CHECKS)
    await supervisor._check_health(pool)
    assert await observer.fetchval(HEALTH_CHECKS) == before
    await observer.execute("SELECT pg_terminate_backend($1)", before)

    await supervisor._check_health(pool)

    assert supervisor.pool is pool
    assert idle.is_closed()
    assert await observer.fetchval(HEALTH_CHECKS) not in (None, before)
    assert await supervisor.fetch(ONE) == [(1,)]


async def test_the_pool_is_kept_if_there_are_too_many_connections_for_a_probe(
    dsn: str, observer: asyncpg.Connection
) -> None:
    database = await observer.fetchval("SELECT current_database()")
    await observer.execute(f"CREATE ROLE {database}_clerk LOGIN CONNECTION LIMIT 2")
    await observer.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {database}_clerk")
    clerk = dsn.replace("//app@", f"//{database}_clerk@")
    supervisor = create_supervisor(clerk)
    await supervisor.start()
    pool = supervisor.require_pool()
    async with pool.connection() as only:
        pass
    await observer.execute("SELECT pg_terminate_backend($1)", await observer.fetchval(HEALTH_CHECKS))
    await until(lambda: observer.fetchval(f"SELECT NOT EXISTS ({HEALTH_CHECKS})"))
    greedy = await asyncpg.connect(clerk)

    for _ in range(2):
        await supervisor._check_health(pool)
        assert supervisor.pool is pool
        assert not only.is_closed()
    await greedy.close()
    await until(
        lambda: observer.fetchval(
            "SELECT count(*) = 1 FROM pg_stat_activity WHERE usename = $1", f"{database}_clerk"
        )
    )
    await supervisor._check_health(pool)

    assert await observer.fetchval(HEALTH_CHECKS)
    await supervisor.stop()
    await until(
        lambda: observer.fetchval(
            "SELECT count(*) = 0 FROM pg_stat_activity WHERE usename = $1", f"{database}_clerk"
        )
    )
    await observer.execute(f"DROP OWNED BY {database}_clerk")
    await observer.execute(f"DROP ROLE {database}_clerk")


async def test_requests_fail_immediately_during_an_outage_and_use_a_new_pool_after_it(
    proxied_dsn: str, proxy: Proxy
) -> None:
    supervisor = create_supervisor(proxied_dsn)
    async with run_supervisor(supervisor):
        pool = supervisor.require_pool()
        held = [await pool.acquire() for _ in range(2)]
        waiting = asyncio.create_task(supervisor.fetch(ONE))
        await until(lambda: pool._waiters)

        await proxy.refuse_connections()

        with pytest.raises(DatabaseUnavailableError, match="cannot be reached"):
            await waiting
        assert supervisor.pool is None
        assert all(connection.is_closed() for connection in held)
        for connection in held:
            pool.release(connection)
        assert pool.in_use == 0
        await proxy.accept_connections()
        assert await until(lambda: supervisor.pool) is not pool
        assert await supervisor.fetch(ONE) == [(1,)]


async def test_a_probe_without_a_response_is_an_outage(
    proxied_dsn: str, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    supervisor = create_supervisor(proxied_dsn)
    await supervisor.start()
    pool = supervisor.require_pool()
    proxy.block()
    monkeypatch.setattr(supervisor_module, "PROBE_TIMEOUT", 0.05)

    await supervisor._check_health(pool)

    assert supervisor.pool is None
    assert supervisor.unavailable_reason == (
        f"PostgreSQL cannot be reached at 127.0.0.1:{proxy.port}: no answer within 0.05 s"
    )


async def test_stopping_closes_every_connection(
    supervisor: PoolSupervisor, observer: asyncpg.Connection
) -> None:
    await supervisor.fetch(ONE)

    await supervisor.stop()
    await supervisor.stop()

    with pytest.raises(DatabaseUnavailableError, match=r"^The server is shutting down\.$"):
        await supervisor.fetch(ONE)
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    await until(lambda: observer.fetchval(f"SELECT ({others}) = 0"))
