"""Access keys: their names, roles and times. A key is known by its hash alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from db.connections.connect import Connection
from db.database import Database, WriteDatabase
from db.errors import AccessKeyError
from db.statements import ReadStatement, WriteStatement


@dataclass(frozen=True, slots=True)
class AccessKey:
    """An access key without its secret. `role` is one of db.constraints.ACCESS_ROLES."""

    id: int
    name: str
    role: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


_COLUMNS = "id, name, role, created_at, expires_at, revoked_at, last_used_at"

_ACCESS_KEYS = ReadStatement(
    "access_keys",
    f"""
SELECT {_COLUMNS} FROM access_key ORDER BY id
""",
)


async def list_access_keys(database: Database) -> list[AccessKey]:
    """Return all keys, expired and revoked ones included, the oldest first."""
    return [AccessKey(**dict(row)) for row in await database.fetch(_ACCESS_KEYS)]


_ACTIVE_ACCESS_KEYS = ReadStatement(
    "active_access_keys",
    f"""
SELECT hash, {_COLUMNS} FROM access_key
WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $1::timestamptz)
ORDER BY id
""",
)


async def active_access_keys(database: Database, now: datetime) -> dict[bytes, AccessKey]:
    """Return the keys that are neither revoked nor expired at `now`, by their hashes."""
    rows = await database.fetch(_ACTIVE_ACCESS_KEYS, now)
    return {row["hash"]: AccessKey(*row[1:]) for row in rows}


_ACCESS_KEY_BY_HASH = ReadStatement(
    "access_key_by_hash",
    f"""
SELECT {_COLUMNS} FROM access_key WHERE hash = $1::bytea
""",
)


async def access_key_by_hash(database: Database, key_hash: bytes) -> AccessKey | None:
    """Return the key with a hash, also if it is expired or revoked. None if there is none."""
    rows = await database.fetch(_ACCESS_KEY_BY_HASH, key_hash)
    return AccessKey(**dict(rows[0])) if rows else None


_REVOKE_EXPIRED_KEY = WriteStatement(
    "revoke_expired_access_key",
    """
UPDATE access_key SET revoked_at = now()
WHERE name = $1::text AND revoked_at IS NULL AND expires_at <= now()
""",
)

_CREATE_KEY = WriteStatement(
    "create_access_key",
    f"""
INSERT INTO access_key (name, role, hash, expires_at)
VALUES ($1::text, $2::text, $3::bytea, now() + $4::interval)
RETURNING {_COLUMNS}
""",
)


async def create_access_key(
    connection: Connection, name: str, role: str, key_hash: bytes, lifetime: timedelta | None
) -> AccessKey:
    """Store a key by its hash and return it. Without a lifetime it does not expire.

    Raise AccessKeyError if the name has an active key.
    """
    try:
        async with connection.transaction():
            await connection.execute_write(_REVOKE_EXPIRED_KEY, name)
            row = await connection.fetchrow(_CREATE_KEY.text, name, role, key_hash, lifetime)
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != "access_key_active_idx":
            raise
        raise AccessKeyError(
            f"The name {name!r} has an active key. Revoke that key first, or choose another name: two keys "
            "with different names work at once."
        ) from None
    assert row is not None  # noqa: S101 - an INSERT of one row returns it
    return AccessKey(**dict(row))


_REVOKE_KEY = WriteStatement(
    "revoke_access_key",
    f"""
UPDATE access_key SET revoked_at = now()
WHERE name = $1::text AND revoked_at IS NULL
RETURNING {_COLUMNS}
""",
)


async def revoke_access_key(connection: Connection, name: str) -> AccessKey:
    """Revoke the key of a name and return it. Raise AccessKeyError if the name has none."""
    row = await connection.fetchrow(_REVOKE_KEY.text, name)
    if row is None:
        raise AccessKeyError(
            f"The name {name!r} has no key that could be revoked; `bookstore keys list` lists the keys."
        )
    return AccessKey(**dict(row))


# The rows are locked in the order of their ids: two processes that write the same keys cannot deadlock.
_RECORD_USES = WriteStatement(
    "record_access_key_uses",
    """
UPDATE access_key AS k SET last_used_at = used.used_at
FROM (
    SELECT locked.id, pending.used_at
    FROM unnest($1::bigint[], $2::timestamptz[]) AS pending (id, used_at)
    JOIN access_key AS locked ON locked.id = pending.id
    WHERE locked.last_used_at IS NULL OR locked.last_used_at < pending.used_at
    ORDER BY locked.id
    FOR NO KEY UPDATE OF locked
) AS used
WHERE k.id = used.id
""",
)


async def record_access_key_uses(database: WriteDatabase, used_at_by_id: Mapping[int, datetime]) -> None:
    """Set when keys were last used, by their ids. A time before the stored one changes nothing."""
    await database.execute_write(_RECORD_USES, list(used_at_by_id), list(used_at_by_id.values()))
