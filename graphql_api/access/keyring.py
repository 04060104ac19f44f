"""The key ring: the active access keys that a process holds, so that a request needs no statement."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from db.access_keys import AccessKey, access_key_by_hash, active_access_keys, record_access_key_uses
from db.connections.cluster import Cluster
from db.database import Database
from graphql_api.access.errors import InvalidCredentialError
from graphql_api.access.keys import hash_key
from graphql_api.access.principal import Principal
from graphql_api.access.roles import Role

logger = logging.getLogger("bookstore.keys")

KEY_REFRESH_INTERVAL = 2.0
"""Seconds between two reads of the active keys. A revoked key is refused after the next read."""

USE_RECORDING_INTERVAL = timedelta(seconds=60)
"""The shortest time between two writes of when the keys were last used."""

MAX_REFUSED_KEYS = 10_000
"""Maximum number of unknown, expired and revoked keys whose hashes are remembered."""


@dataclass(frozen=True, slots=True)
class _HeldKey:
    id: int
    principal: Principal
    expires_at: datetime | None


def _hold(key: AccessKey) -> _HeldKey:
    return _HeldKey(key.id, Principal(key.name, Role[key.role], f"key:{key.id}"), key.expires_at)


def current_time() -> datetime:
    return datetime.now(UTC)


class KeyRing:
    """The active keys of a process, by their hashes.

    `run` reads them again every KEY_REFRESH_INTERVAL. A key that the ring does not hold is looked up once;
    if it is refused, its hash is remembered with the reason. While PostgreSQL is unavailable, the held keys
    are accepted until they expire.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        clock: Callable[[], datetime] = current_time,
        refresh_interval: float = KEY_REFRESH_INTERVAL,
        max_refused_keys: int = MAX_REFUSED_KEYS,
    ) -> None:
        self.cluster = cluster
        self.clock = clock
        self.refresh_interval = refresh_interval
        self.max_refused_keys = max_refused_keys
        self._held: dict[bytes, _HeldKey] = {}
        self._refused: dict[bytes, str] = {}
        self._uses: dict[int, datetime] = {}
        self._uses_recorded_at = clock()
        self._lookup_lock = asyncio.Lock()
        self._is_fresh = True

    async def authenticate(self, key: str, database: Database) -> Principal:
        """Return the principal of a key. A key that is not held is looked up in `database`.

        Raise InvalidCredentialError if the key is unknown, expired or revoked, and what `database` raises.
        """
        key_hash = hash_key(key)
        held = self._held.get(key_hash) or await self._look_up(key_hash, database)
        if self._is_expired(held):
            raise InvalidCredentialError(_expired_message(held.principal.name))
        self._uses[held.id] = self.clock()
        return held.principal

    async def _look_up(self, key_hash: bytes, database: Database) -> _HeldKey:
        """Return a key that was not held. Only one is looked up at a time, however many are sent."""
        self._raise_if_refused(key_hash)
        async with self._lookup_lock:
            self._raise_if_refused(key_hash)
            if held := self._held.get(key_hash):
                return held
            key = await access_key_by_hash(database, key_hash)
            if key is None:
                raise self._refuse(key_hash, "The access key is unknown: check that it is complete.")
            if key.revoked_at is not None:
                raise self._refuse(key_hash, f"The access key {key.name!r} is revoked: ask for a new one.")
            held = _hold(key)
            if self._is_expired(held):
                raise self._refuse(key_hash, _expired_message(key.name))
            self._held[key_hash] = held
            return held

    def _raise_if_refused(self, key_hash: bytes) -> None:
        if reason := self._refused.get(key_hash):
            raise InvalidCredentialError(reason)

    def _refuse(self, key_hash: bytes, reason: str) -> InvalidCredentialError:
        """Remember a key as refused, in place of the oldest one if there are too many. Return the error."""
        if len(self._refused) >= self.max_refused_keys:
            del self._refused[next(iter(self._refused))]
        self._refused[key_hash] = reason
        return InvalidCredentialError(reason)

    def _is_expired(self, held: _HeldKey) -> bool:
        return held.expires_at is not None and held.expires_at <= self.clock()

    async def refresh(self) -> None:
        """Read the active keys. If that fails, the held ones stay. The first failure in a row is logged."""
        try:
            keys = await active_access_keys(self.cluster.open_session(), self.clock())
        except Exception as error:  # any error may be temporary, and keys must be read again after it
            if self._is_fresh:
                logger.warning("access keys not read, the known ones stay valid: %s", type(error).__name__)
            self._is_fresh = False
        else:
            self._held = {key_hash: _hold(key) for key_hash, key in keys.items()}
            self._is_fresh = True

    async def record_uses(self) -> None:
        """Write when the keys were last used. What cannot be written is kept for the next time."""
        uses, self._uses = self._uses, {}
        self._uses_recorded_at = self.clock()
        if not uses:
            return
        try:
            await record_access_key_uses(self.cluster.primary, uses)
        except Exception as error:  # any error may be temporary
            logger.warning("uses of %d access keys not written: %s", len(uses), type(error).__name__)
            self._uses = uses | self._uses

    async def run(self) -> None:
        """Refresh and record uses at their intervals, until cancelled. Uses are then recorded once more."""
        try:
            while True:
                await self.refresh()
                if self.clock() - self._uses_recorded_at >= USE_RECORDING_INTERVAL:
                    await self.record_uses()
                await asyncio.sleep(self.refresh_interval)
        finally:
            await self.record_uses()


def _expired_message(name: str) -> str:
    return f"The access key {name!r} has expired: ask for a new one."
