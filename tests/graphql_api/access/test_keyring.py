"""The key ring accepts keys without a statement, and refuses revoked, expired and unknown ones."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from db.access_keys import list_access_keys, revoke_access_key
from db.connections.cluster import Cluster
from db.connections.connect import Connection
from db.connections.session import ReadSession
from db.connections.supervisor import PoolSupervisor
from db.errors import DatabaseUnavailableError
from db.statements import ReadStatement
from graphql_api.access.errors import InvalidCredentialError
from graphql_api.access.keyring import KeyRing
from graphql_api.access.keys import generate_key
from graphql_api.access.principal import Principal
from graphql_api.access.roles import Role
from tests.faults.proxy import Proxy
from tests.graphql_api.access.conftest import Clock, create_key
from tests.waiting import GUARD, until

UNKNOWN = "The access key is unknown: check that it is complete."
REVOKED = "The access key 'shop' is revoked: ask for a new one."
EXPIRED = "The access key 'shop' has expired: ask for a new one."


class RecordingDatabase:
    """The database of requests: each statement runs in a new session, and its name is recorded."""

    def __init__(self, supervisor: PoolSupervisor) -> None:
        self.supervisor = supervisor
        self.statements: list[str] = []

    async def fetch(self, statement: ReadStatement, /, *args: object, record_class: Any = None) -> list[Any]:
        self.statements.append(statement.name)
        return await ReadSession(self.supervisor).fetch(statement, *args, record_class=record_class)


@pytest.fixture
def database(supervisor: PoolSupervisor) -> RecordingDatabase:
    return RecordingDatabase(supervisor)


@pytest.fixture
def ring(supervisor: PoolSupervisor, clock: Clock) -> KeyRing:
    return KeyRing(Cluster(supervisor), clock=clock)


async def refusal(ring: KeyRing, key: str, database: RecordingDatabase) -> str:
    """Return why a key is refused."""
    with pytest.raises(InvalidCredentialError) as caught:
        await ring.authenticate(key, database)
    return str(caught.value)


async def test_a_new_key_is_looked_up_once(
    ring: KeyRing, database: RecordingDatabase, operator: Connection
) -> None:
    await ring.refresh()
    key, row = await create_key(operator)

    principals = [await ring.authenticate(key, database) for _ in range(3)]

    assert principals == [Principal("shop", Role.EDITOR, f"key:{row.id}")] * 3
    assert database.statements == ["access_key_by_hash"]


async def test_a_refreshed_ring_needs_no_statement(
    ring: KeyRing, database: RecordingDatabase, operator: Connection
) -> None:
    old, _ = await create_key(operator, "shop 1", "EDITOR")
    new, _ = await create_key(operator, "shop 2", "MANAGER")

    await ring.refresh()
    principals = [await ring.authenticate(key, database) for key in (old, new)]

    assert [(each.name, each.role) for each in principals] == [
        ("shop 1", Role.EDITOR),
        ("shop 2", Role.MANAGER),
    ]
    assert database.statements == []


async def test_a_key_that_is_revoked_by_sql_is_refused_after_one_refresh(
    ring: KeyRing, database: RecordingDatabase, operator: Connection
) -> None:
    key, _ = await create_key(operator)
    await ring.authenticate(key, database)
    await operator.execute("UPDATE access_key SET revoked_at = now()")

    await ring.refresh()
    refusals = [await refusal(ring, key, database) for _ in range(3)]

    assert refusals == [REVOKED] * 3
    assert database.statements == ["access_key_by_hash", "access_key_by_hash"]


async def test_a_key_whose_revocation_is_taken_back_is_accepted_after_one_refresh(
    ring: KeyRing, database: RecordingDatabase, operator: Connection
) -> None:
    key, _ = await create_key(operator)
    await revoke_access_key(operator, "shop")
    assert await refusal(ring, key, database) == REVOKED

    await operator.execute("UPDATE access_key SET revoked_at = NULL")
    await ring.refresh()

    assert (await ring.authenticate(key, database)).name == "shop"


async def test_a_held_key_is_refused_once_it_has_expired(
    ring: KeyRing, database: RecordingDatabase, operator: Connection, clock: Clock
) -> None:
    key, row = await create_key(operator, lifetime=timedelta(hours=1))
    await ring.refresh()
    assert row.expires_at is not None

    clock.now = row.expires_at - timedelta(microseconds=1)
    accepted = await ring.authenticate(key, database)
    clock.now = row.expires_at
    held = await refusal(ring, key, database)
    statements = list(database.statements)
    await ring.refresh()
    refreshed = [await refusal(ring, key, database) for _ in range(2)]

    assert accepted.name == "shop"
    assert (held, statements) == (EXPIRED, [])
    assert (refreshed, database.statements) == ([EXPIRED] * 2, ["access_key_by_hash"])


async def test_an_unknown_key_is_looked_up_once_however_many_requests_send_it(
    ring: KeyRing, database: RecordingDatabase
) -> None:
    key = generate_key()

    together = await asyncio.gather(*(refusal(ring, key, database) for _ in range(10)))
    later = await refusal(ring, key, database)

    assert [*together, later] == [UNKNOWN] * 11
    assert database.statements == ["access_key_by_hash"]


async def test_a_new_key_is_looked_up_once_however_many_requests_send_it(
    ring: KeyRing, database: RecordingDatabase, operator: Connection
) -> None:
    key, _ = await create_key(operator)

    principals = await asyncio.gather(*(ring.authenticate(key, database) for _ in range(10)))

    assert {principal.name for principal in principals} == {"shop"}
    assert database.statements == ["access_key_by_hash"]


async def test_random_keys_use_one_connection_and_a_bounded_memory(supervisor: PoolSupervisor) -> None:
    ring, database = KeyRing(Cluster(supervisor), max_refused_keys=2), RecordingDatabase(supervisor)
    first, second, third = (generate_key() for _ in range(3))

    await asyncio.gather(*(refusal(ring, key, database) for key in (first, second, third)))
    kept = [await refusal(ring, key, database) for key in (second, third)]
    forgotten = await refusal(ring, first, database)

    assert [*kept, forgotten] == [UNKNOWN] * 3
    assert len(ring._refused) == 2
    assert len(database.statements) == 4
    assert len(supervisor.require_pool()._connections) == 1


async def test_while_the_database_is_stopped_the_held_keys_are_accepted_and_no_others(
    ring: KeyRing,
    database: RecordingDatabase,
    operator: Connection,
    proxy: Proxy,
    supervisor: PoolSupervisor,
    caplog: pytest.LogCaptureFixture,
) -> None:
    held, _ = await create_key(operator, "held")
    await ring.refresh()
    other, _ = await create_key(operator, "other")
    await proxy.refuse_connections()

    await ring.refresh()
    await ring.refresh()
    accepted = await ring.authenticate(held, database)
    with pytest.raises(DatabaseUnavailableError):
        await ring.authenticate(other, database)
    await proxy.accept_connections()
    later = await ring.authenticate(other, database)
    await ring.refresh()

    assert (accepted.name, later.name) == ("held", "other")
    messages = [record.getMessage() for record in caplog.records if record.name == "bookstore.keys"]
    assert messages == ["access keys not read, the known ones stay valid: DatabaseUnavailableError"]
    assert not any(key in caplog.text for key in (held, other))


async def test_uses_are_written_together_and_not_more_often_than_every_minute(
    supervisor: PoolSupervisor, database: RecordingDatabase, operator: Connection, clock: Clock
) -> None:
    ring = KeyRing(Cluster(supervisor), clock=clock, refresh_interval=0.001)
    keys = [(await create_key(operator, name))[0] for name in ("one", "two", "unused")]
    created_at = clock.now
    running = asyncio.create_task(ring.run())
    await until(lambda: len(ring._held) == 3)

    for key in keys[:2]:
        await ring.authenticate(key, database)
    clock.advance(seconds=59)
    for _ in range(2):  # the second turn begins after the first one could have written
        held = ring._held
        await until(lambda held=held: ring._held is not held)
    early = [key.last_used_at for key in await list_access_keys(operator)]
    clock.advance(seconds=1)
    await until(lambda: not ring._uses)
    await until(
        lambda: operator.fetchval("SELECT count(*) = 2 FROM access_key WHERE last_used_at IS NOT NULL")
    )
    due = [key.last_used_at for key in await list_access_keys(operator)]
    await ring.authenticate(keys[2], database)
    running.cancel()
    await asyncio.wait([running])
    last = [key.last_used_at for key in await list_access_keys(operator)]

    assert early == [None, None, None]
    assert due == [created_at, created_at, None]
    assert last == [created_at, created_at, clock.now]


async def test_uses_that_cannot_be_written_are_kept(
    ring: KeyRing,
    database: RecordingDatabase,
    operator: Connection,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    one, first = await create_key(operator, "one")
    two, second = await create_key(operator, "two")
    used_at = clock.now
    for key in (one, two):
        await ring.authenticate(key, database)
    await operator.execute("ALTER TABLE access_key RENAME TO elsewhere")

    await ring.record_uses()
    await operator.execute("ALTER TABLE elsewhere RENAME TO access_key")
    clock.advance(seconds=5)
    await ring.authenticate(one, database)
    await ring.record_uses()

    last_uses = {key.id: key.last_used_at for key in await list_access_keys(operator)}
    assert last_uses == {first.id: clock.now, second.id: used_at}
    assert [record.getMessage() for record in caplog.records] == [
        "uses of 2 access keys not written: UndefinedTableError"
    ]


async def test_a_look_up_that_is_cancelled_does_not_block_the_next(
    ring: KeyRing, database: RecordingDatabase, operator: Connection, proxy: Proxy
) -> None:
    key, _ = await create_key(operator)
    proxy.block()
    cancelled = asyncio.create_task(ring.authenticate(key, database))
    await until(lambda: database.statements)

    cancelled.cancel()
    await asyncio.wait([cancelled])
    proxy.unblock()

    assert (await asyncio.wait_for(ring.authenticate(key, database), GUARD)).name == "shop"
