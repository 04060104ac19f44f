"""The servers of a catalog: the primary, which takes all writes, and the replicas that answer reads."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from db.connections.positions import Position
from db.connections.replica_lag import PrimaryTrace
from db.connections.session import ReadSession
from db.connections.supervisor import PoolSupervisor
from db.errors import DatabaseError, DatabaseUnavailableError

logger = logging.getLogger("bookstore.database")

STATE_INTERVAL = 0.05
"""Seconds between two checks of each server of a cluster with replicas."""

CATCH_UP_INTERVAL = 0.002
"""Seconds between two checks of a replica that a request waits for."""


class TokenStatus(Enum):
    """What has become of the writes before the position of a token."""

    CURRENT = "CURRENT"
    LOST = "LOST"
    """A promoted standby had not received all of them."""
    UNKNOWN = "UNKNOWN"
    """A standby was promoted, and the role may not read where."""


@dataclass(frozen=True, slots=True)
class Route:
    """The server for the reads of a request, and the status of the request's token."""

    supervisor: PoolSupervisor
    status: TokenStatus = TokenStatus.CURRENT


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaLimits:
    """`max_lag` seconds and `max_lag_bytes` bytes of log that a replica may be behind, and the
    `catch_up_timeout` seconds that a request waits for one."""

    max_lag: float = 5.0
    max_lag_bytes: int = 64_000_000
    catch_up_timeout: float = 0.05


class Cluster:
    """Chooses the server that answers the reads of a request.

    A replica is used while it is a standby of the primary within `limits`, so `replicas` may name all servers
    of a cluster. Without replicas every read goes to the primary. `clock` returns seconds.
    """

    def __init__(
        self,
        primary: PoolSupervisor,
        replicas: Sequence[PoolSupervisor] = (),
        limits: ReplicaLimits = ReplicaLimits(),
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.primary = primary
        self.replicas = tuple(replicas)
        self.limits = limits
        self._trace = PrimaryTrace(limits.max_lag, clock)
        self._usable: list[PoolSupervisor] = []
        self._obstacles = {replica: replica.unavailable_reason for replica in self.replicas}
        self._history: tuple[int, Mapping[int, int] | None] = (1, {})
        self._turn = 0
        if self.replicas:
            for server in (primary, *self.replicas):
                server.check_interval = STATE_INTERVAL
                server.on_change = self._update
            for replica in self.replicas:
                replica.name = f"replica {replica.location}"

    async def start(self) -> None:
        """Try once to reach each server."""
        await asyncio.gather(*(each.start() for each in (self.primary, *self.replicas)))

    async def monitor(self) -> None:
        """Check each server until cancelled."""
        await asyncio.gather(*(each.monitor() for each in (self.primary, *self.replicas)))

    async def stop(self) -> None:
        """Close all connections."""
        await asyncio.gather(*(each.stop() for each in (self.primary, *self.replicas)))

    @property
    def can_read(self) -> bool:
        """Whether some server answers reads."""
        return self.primary.pool is not None or bool(self._usable)

    def open_session(self) -> ReadSession:
        """Return a session on the primary, or on a replica while the primary is away."""
        replicas = self._usable if self.primary.pool is None else ()
        return ReadSession(self._least_busy(replicas), self.primary)

    async def route(self, token: Position | None) -> Route:
        """Return the server for all reads of a request: one that has replayed the token's position.

        Raises DatabaseUnavailableError if no server is known to have it.
        """
        if token is None:
            return Route(self._least_busy(self._usable))
        required, status = await self._resolve(token)
        if required is None:
            return Route(self._least_busy(self._usable), status)
        fresh = [each for each in self._usable if _has_replayed(each, required)]
        if not fresh and status is not TokenStatus.UNKNOWN:
            fresh = await self._wait_for_replica(required)
        if not fresh and _is_standby(self.primary) and not _has_replayed(self.primary, required):
            raise DatabaseUnavailableError("No server that can be reached has what the token names.")
        return Route(self._least_busy(fresh), status)

    async def read_position(self, supervisor: PoolSupervisor) -> Position:
        """Return a position that includes everything that a request has seen on a server."""
        try:
            return (await supervisor.read_state()).position
        except DatabaseError:
            if supervisor is self.primary:
                raise
        return (await self.primary.read_state()).position

    # Tokens

    async def _resolve(self, token: Position) -> tuple[Position | None, TokenStatus]:
        """Return the position that a server must have; None for a token that is forged or of another cluster.

        A position on an older timeline is returned as one on the primary's timeline that includes it.
        """
        known = await self._primary_position(token)
        if known is None:
            return token, TokenStatus.CURRENT
        if token.system != known.system or _is_ahead(token, known):
            return None, TokenStatus.CURRENT
        if token.timeline == known.timeline:
            return token, TokenStatus.CURRENT
        history = await self._read_history(known.timeline)
        if history is None:
            return token, TokenStatus.UNKNOWN
        end = history.get(token.timeline)
        if end is None:
            return None, TokenStatus.CURRENT
        status = TokenStatus.LOST if token.lsn > end else TokenStatus.CURRENT
        return Position(known.system, known.timeline, min(token.lsn, end)), status

    async def _primary_position(self, token: Position) -> Position | None:
        """Return where the primary is, read now if the token is ahead; None if that cannot be known."""
        state = self.primary.state
        if state is not None and not state.is_standby and not _is_ahead(token, state.position):
            return state.position
        try:
            state = await self.primary.read_state()
        except DatabaseError:
            return None
        return None if state.is_standby else state.position

    async def _read_history(self, timeline: int) -> Mapping[int, int] | None:
        """Return where each ancestor of the primary's timeline ended, or None if that cannot be read."""
        if self._history[0] != timeline:
            try:
                self._history = timeline, await self.primary.read_history(timeline)
            except DatabaseError:
                return None
        return self._history[1]

    async def _wait_for_replica(self, required: Position) -> list[PoolSupervisor]:
        """Wait until a replica has replayed a position. Return the first one, or none."""
        waits = [asyncio.create_task(_catch_up(replica, required)) for replica in self._usable]
        try:
            for finished in asyncio.as_completed(waits, timeout=self.limits.catch_up_timeout):
                if replica := await finished:
                    return [replica]
        except TimeoutError:
            pass
        finally:
            for wait in waits:
                wait.cancel()
        return []

    # Replicas

    def _least_busy(self, replicas: Sequence[PoolSupervisor]) -> PoolSupervisor:
        """Return the replica with the fewest requests, by turns if several have; without one the primary."""
        if not replicas:
            return self.primary
        self._turn += 1
        start = self._turn % len(replicas)
        return min((*replicas[start:], *replicas[:start]), key=_load_of)

    def _update(self) -> None:
        """Find out which replicas can be used. Log each that begins or ceases to be used."""
        if self.primary.pool is not None and self.primary.state and not self.primary.state.is_standby:
            self._trace.record(self.primary.state.position)
        for replica in self.replicas:
            obstacle = self._find_obstacle(replica)
            if obstacle != self._obstacles[replica]:
                self._obstacles[replica] = obstacle
                _log_use(replica, obstacle)
        self._usable = [replica for replica in self.replicas if self._obstacles[replica] is None]

    def _find_obstacle(self, replica: PoolSupervisor) -> str | None:
        """Return why a replica cannot be used; None if it can."""
        state, primary = replica.state, self.primary.state
        if replica.pool is None or state is None:
            return replica.unavailable_reason
        if not state.is_standby:
            return "it is a primary"
        if primary is None or primary.is_standby:
            return None
        if state.position.system != primary.position.system:
            return "it belongs to another cluster than the primary"
        if state.position.timeline < primary.position.timeline:
            return "it does not follow the primary since a standby was promoted"
        if self.primary.pool is None:
            return None
        lag = self._trace.measure_lag(state.position)
        if lag.seconds > self.limits.max_lag:
            return f"it is more than {self.limits.max_lag:g} s behind (MAX_REPLICA_LAG)"
        if lag.byte_count > self.limits.max_lag_bytes:
            return f"it is more than {self.limits.max_lag_bytes:,} bytes behind (MAX_REPLICA_LAG_BYTES)"
        return None


async def _catch_up(replica: PoolSupervisor, required: Position) -> PoolSupervisor | None:
    """Return a replica once it has replayed a position, or None if it is lost."""
    try:
        while not _has_replayed(replica, required):
            await asyncio.sleep(CATCH_UP_INTERVAL)
            await replica.read_state()
    except DatabaseError:
        return None
    return replica


def _log_use(replica: PoolSupervisor, obstacle: str | None) -> None:
    if obstacle is None:
        logger.info("replica %s answers reads", replica.location)
    elif replica.pool is not None:  # otherwise its supervisor logs the reason
        logger.warning("replica %s answers no reads: %s", replica.location, obstacle)


def _is_standby(server: PoolSupervisor) -> bool:
    return server.state is not None and server.state.is_standby


def _has_replayed(server: PoolSupervisor, required: Position) -> bool:
    """Return whether a server is known to have a position."""
    if server.state is None:
        return False
    position = server.state.position
    return (position.system, position.timeline) == (required.system, required.timeline) and (
        position.lsn >= required.lsn
    )


def _is_ahead(token: Position, known: Position) -> bool:
    return (token.timeline, token.lsn) > (known.timeline, known.lsn)


def _load_of(server: PoolSupervisor) -> int:
    return server.pool.load if server.pool else 0
