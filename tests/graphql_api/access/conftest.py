"""A supervisor of a pool behind a proxy, whose timeouts never pass, and a clock that tests set."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from db.access_keys import AccessKey, create_access_key
from db.connections import supervisor as supervisor_module
from db.connections.connect import Connection, connect
from db.connections.supervisor import PoolSupervisor
from db.embedded import Server
from db.revision import require_head
from graphql_api.access.keys import generate_key, hash_key
from tests.faults.proxy import Proxy
from tests.waiting import GUARD


@dataclass
class Clock:
    """A clock that stands still unless it is set."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **duration: float) -> None:
        self.now += timedelta(**duration)


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime.now(UTC))


@pytest.fixture
async def proxy(server: Server) -> AsyncGenerator[Proxy]:
    """A TCP proxy in front of the tests' PostgreSQL."""
    proxy = Proxy(server.socket_folder / ".s.PGSQL.5432")
    await proxy.start()
    yield proxy
    await proxy.stop()


@pytest.fixture
async def supervisor(
    dsn: str, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[PoolSupervisor]:
    """A supervisor of a pool of at most two connections through the proxy. No task runs its health checks."""
    monkeypatch.setattr(supervisor_module, "PROBE_TIMEOUT", GUARD)
    database = dsn.partition("@/")[2].partition("?")[0]
    supervisor = PoolSupervisor(
        f"postgresql://app@127.0.0.1:{proxy.port}/{database}?sslmode=disable",
        size=2,
        command_timeout=GUARD,
        acquire_timeout=GUARD,
        on_open=require_head,
    )
    await supervisor.start()
    yield supervisor
    await supervisor.stop()


@pytest.fixture
async def operator(dsn: str) -> AsyncGenerator[Connection]:
    """A connection of somebody who manages keys."""
    connection = await connect(dsn, application_name="bookstore tests")
    yield connection
    await connection.close()


async def create_key(
    operator: Connection, name: str = "shop", role: str = "EDITOR", lifetime: timedelta | None = None
) -> tuple[str, AccessKey]:
    """Create a key, and return its secret and its row."""
    key = generate_key()
    return key, await create_access_key(operator, name, role, hash_key(key), lifetime)
