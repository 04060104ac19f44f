"""Access keys are stored by their hashes, and a name has one key that is not revoked."""

import asyncio
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from db.access_keys import (
    access_key_by_hash,
    active_access_keys,
    create_access_key,
    list_access_keys,
    record_access_key_uses,
    revoke_access_key,
)
from db.connections.connect import Connection, connect
from db.constraints import ACCESS_ROLES, MAX_ACCESS_KEY_NAME_LENGTH
from db.errors import AccessKeyError
from tests.catalogs import insert_row
from tests.waiting import until

ONE, TWO, THREE = (bytes([number]) * 32 for number in (1, 2, 3))
DAY = timedelta(days=1)
WAITING = "SELECT count(*) = 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


async def expire(connection: Connection, name: str) -> None:
    await connection.execute(
        "UPDATE access_key SET created_at = now() - interval '2 days', expires_at = now() WHERE name = $1",
        name,
    )


async def test_a_created_key_is_listed_and_found_by_its_hash(connection: Connection) -> None:
    shop = await create_access_key(connection, "shop", "EDITOR", ONE, 90 * DAY)
    office = await create_access_key(connection, "office", "MANAGER", TWO, None)

    assert (shop.name, shop.role, shop.revoked_at, shop.last_used_at) == ("shop", "EDITOR", None, None)
    assert shop.expires_at == shop.created_at + 90 * DAY
    assert office.expires_at is None
    assert await list_access_keys(connection) == [shop, office]
    assert [await access_key_by_hash(connection, each) for each in (ONE, TWO, THREE)] == [shop, office, None]


async def test_a_name_has_one_key_until_that_is_revoked(connection: Connection) -> None:
    await create_access_key(connection, "shop", "EDITOR", ONE, None)

    with pytest.raises(AccessKeyError) as caught:
        await create_access_key(connection, "shop", "MANAGER", TWO, None)
    revoked = await revoke_access_key(connection, "shop")
    again = await create_access_key(connection, "shop", "MANAGER", TWO, None)

    assert str(caught.value) == (
        "The name 'shop' has an active key. Revoke that key first, or choose another name: two keys with "
        "different names work at once."
    )
    assert revoked.revoked_at is not None
    assert await list_access_keys(connection) == [revoked, again]


async def test_a_new_key_revokes_the_expired_one_of_its_name(connection: Connection) -> None:
    await create_access_key(connection, "shop", "EDITOR", ONE, DAY)
    await create_access_key(connection, "other", "EDITOR", TWO, DAY)
    await expire(connection, "shop")
    await expire(connection, "other")

    again = await create_access_key(connection, "shop", "EDITOR", THREE, None)

    shop, other, last = await list_access_keys(connection)
    assert (shop.revoked_at is None, other.revoked_at) == (False, None)
    assert last == again


async def test_a_hash_that_is_stored_already_is_a_defect(connection: Connection) -> None:
    await create_access_key(connection, "shop", "EDITOR", ONE, None)

    with pytest.raises(asyncpg.UniqueViolationError):
        await create_access_key(connection, "office", "EDITOR", ONE, None)


async def test_a_name_without_a_key_cannot_be_revoked(connection: Connection) -> None:
    await create_access_key(connection, "shop", "EDITOR", ONE, None)
    await revoke_access_key(connection, "shop")

    for name in ("shop", "nobody"):
        with pytest.raises(AccessKeyError) as caught:
            await revoke_access_key(connection, name)
        assert str(caught.value) == (
            f"The name '{name}' has no key that could be revoked; `bookstore keys list` lists the keys."
        )


async def test_active_keys_are_neither_revoked_nor_expired(connection: Connection) -> None:
    shop = await create_access_key(connection, "shop", "EDITOR", ONE, DAY)
    office = await create_access_key(connection, "office", "PUBLIC", TWO, None)
    await create_access_key(connection, "gone", "EDITOR", THREE, None)
    await revoke_access_key(connection, "gone")

    assert shop.expires_at is not None
    before = await active_access_keys(connection, shop.expires_at - timedelta(microseconds=1))
    after = await active_access_keys(connection, shop.expires_at)

    assert before == {ONE: shop, TWO: office}
    assert after == {TWO: office}


async def test_the_last_use_of_each_key_is_kept(connection: Connection) -> None:
    shop = await create_access_key(connection, "shop", "EDITOR", ONE, None)
    office = await create_access_key(connection, "office", "EDITOR", TWO, None)
    early, late = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)

    await record_access_key_uses(connection, {office.id: early, shop.id: late, 0: late})
    await record_access_key_uses(connection, {office.id: late, shop.id: early})

    assert await list_access_keys(connection) == [
        replace(shop, last_used_at=late),
        replace(office, last_used_at=late),
    ]


async def test_uses_are_written_in_the_order_of_ids_so_that_writers_cannot_deadlock(dsn: str) -> None:
    writer = await connect(dsn, application_name="bookstore tests")
    other = await connect(dsn, application_name="bookstore tests")
    first = await create_access_key(writer, "first", "EDITOR", ONE, None)
    second = await create_access_key(writer, "second", "EDITOR", TWO, None)
    now = datetime(2026, 1, 1, tzinfo=UTC)

    async with other.transaction():
        await other.execute("SELECT FROM access_key WHERE id = $1 FOR UPDATE", first.id)
        writing = asyncio.create_task(record_access_key_uses(writer, {second.id: now, first.id: now}))
        await until(lambda: other.fetchval(WAITING))
        locked = await other.fetch("SELECT id FROM access_key WHERE id = $1 FOR UPDATE NOWAIT", second.id)
    await writing

    assert locked == [(second.id,)]
    assert [key.last_used_at for key in await list_access_keys(other)] == [now, now]
    await writer.close()
    await other.close()


KEY = {"name": "shop", "role": "EDITOR", "hash": ONE}


@pytest.mark.parametrize(
    ("constraint", "columns"),
    [
        ("access_key_name_trimmed", {"name": ""}),
        ("access_key_name_trimmed", {"name": " shop"}),
        ("access_key_name_length", {"name": "x" * (MAX_ACCESS_KEY_NAME_LENGTH + 1)}),
        ("access_key_role", {"role": "OWNER"}),
        ("access_key_hash_length", {"hash": ONE[:31]}),
        ("access_key_expires_later", {"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}),
    ],
)
async def test_an_invalid_key_is_rejected(
    connection: Connection, constraint: str, columns: dict[str, Any]
) -> None:
    with pytest.raises(asyncpg.CheckViolationError) as caught:
        await insert_row(connection, "access_key", {**KEY, **columns})

    assert caught.value.constraint_name == constraint


async def test_the_longest_name_and_each_role_are_accepted(connection: Connection) -> None:
    definition = await connection.fetchval(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'access_key_role'"
    )

    await insert_row(connection, "access_key", {**KEY, "name": "x" * MAX_ACCESS_KEY_NAME_LENGTH})

    assert re.findall(r"'(\w+)'", definition) == list(ACCESS_ROLES)
