"""A pool, a supervisor and a proxy for the database of a test. Their timeouts never pass."""

from collections.abc import AsyncGenerator

import asyncpg
import pytest

from db.connections.pool import ConnectionPool
from db.connections.supervisor import PoolSupervisor
from db.embedded import Server
from db.revision import require_head
from tests.faults.proxy import Proxy
from tests.waiting import GUARD


@pytest.fixture
async def observer(dsn: str) -> AsyncGenerator[asyncpg.Connection]:
    """A connection to observe other sessions from."""
    connection = await asyncpg.connect(dsn)
    yield connection
    await connection.close()


@pytest.fixture
async def pool(dsn: str) -> AsyncGenerator[ConnectionPool]:
    """A pool of at most two connections."""
    pool = ConnectionPool(dsn, size=2, command_timeout=GUARD, acquire_timeout=GUARD)
    yield pool
    await pool.close(GUARD)


@pytest.fixture
async def supervisor(dsn: str) -> AsyncGenerator[PoolSupervisor]:
    """A supervisor of a pool of at most two connections. No task runs its health checks."""
    supervisor = PoolSupervisor(
        dsn, size=2, command_timeout=GUARD, acquire_timeout=GUARD, on_open=require_head
    )
    await supervisor.start()
    yield supervisor
    await supervisor.stop()


@pytest.fixture
async def proxy(server: Server) -> AsyncGenerator[Proxy]:
    """A TCP proxy in front of the tests' PostgreSQL."""
    proxy = Proxy(server.socket_folder / ".s.PGSQL.5432")
    await proxy.start()
    yield proxy
    await proxy.stop()


@pytest.fixture
def proxied_dsn(dsn: str, proxy: Proxy) -> str:
    """The DSN of the test's database behind the proxy."""
    database = dsn.partition("@/")[2].partition("?")[0]
    return f"postgresql://app:topsecret@127.0.0.1:{proxy.port}/{database}?sslmode=disable"
