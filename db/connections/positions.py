"""Positions in the write-ahead log: how far a server is, and the tokens that name them to clients."""

import base64
import binascii
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

import asyncpg

from db.database import Database
from db.statements import ReadStatement

_TOKEN = struct.Struct(">BIIQ")
_VERSION = 1
MAX_TOKEN_LENGTH = 23
"""Characters of a token: the base64 of version, system, timeline and LSN."""

# The insert position is behind every commit that a session can see, flushed or not. A standby's timeline is
# the newer one of what it has written down and what it receives. To see the latter, a role needs
# pg_read_all_stats: without it, a promotion of another server is noticed at the standby's next restart point.
_SERVER_STATE = ReadStatement(
    "server_state",
    """
SELECT
  recovery.is_standby,
  system.system_identifier AS system,
  CASE
    WHEN recovery.is_standby THEN greatest(
      checkpoint.timeline_id,
      minimum.min_recovery_end_timeline,
      (SELECT received_tli FROM pg_stat_wal_receiver)
    )
    ELSE ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::integer
  END AS timeline,
  (CASE WHEN recovery.is_standby THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END
    - '0/0'::pg_lsn)::bigint AS lsn
FROM (SELECT pg_is_in_recovery() AS is_standby) AS recovery,
  pg_control_system() AS system,
  pg_control_checkpoint() AS checkpoint,
  pg_control_recovery() AS minimum
""",
)

_TIMELINE_HISTORY = ReadStatement(
    "timeline_history",
    """
SELECT pg_read_file('pg_wal/' || upper(lpad(to_hex($1::integer), 8, '0')) || '.history') AS history
""",
)


@dataclass(frozen=True, slots=True)
class Position:
    """A position in the log of a cluster: everything before `lsn` on `timeline`.

    `system` is a hash of the cluster's identifier. A timeline begins when a standby is promoted.
    """

    system: int
    timeline: int
    lsn: int

    def to_token(self) -> str:
        """Return the token that names this position, which is opaque to clients."""
        packed = _TOKEN.pack(_VERSION, self.system, self.timeline, self.lsn)
        return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()

    @classmethod
    def from_token(cls, token: str) -> "Position | None":
        """Return the position that a token names, or None if it is not a token of this version."""
        if len(token) != MAX_TOKEN_LENGTH:
            return None
        try:
            packed = base64.b64decode(token.encode("ascii") + b"=", altchars=b"-_", validate=True)
        except (UnicodeEncodeError, binascii.Error):
            return None
        version, system, timeline, lsn = _TOKEN.unpack(packed)
        return cls(system, timeline, lsn) if version == _VERSION else None


@dataclass(frozen=True, slots=True)
class ServerState:
    """What a server is and how far it is: what it has written, or as a standby what it has replayed."""

    position: Position
    is_standby: bool

    def with_timeline_of(self, earlier: "ServerState | None") -> "ServerState":
        """Return the state of a standby on the timeline of its earlier state, if that was newer.

        A standby that has lost its primary reports the timeline of its last restart point.
        """
        if not self.is_standby or earlier is None or earlier.position.system != self.position.system:
            return self
        timeline = max(self.position.timeline, earlier.position.timeline)
        return replace(self, position=replace(self.position, timeline=timeline))


async def read_server_state(database: Database) -> ServerState:
    """Return the state of the server of one connection. It includes everything that was visible before."""
    [row] = await database.fetch(_SERVER_STATE)
    system = zlib.crc32(row["system"].to_bytes(8, "big", signed=True))
    return ServerState(Position(system, row["timeline"], row["lsn"]), row["is_standby"])


async def read_timeline_history(database: Database, timeline: int) -> Mapping[int, int] | None:
    """Return the LSN at which each ancestor of a timeline ended.

    Return None if the role may not read it: it needs pg_read_server_files and EXECUTE on pg_read_file.
    """
    if timeline == 1:
        return {}
    try:
        [row] = await database.fetch(_TIMELINE_HISTORY, timeline)
    except (asyncpg.InsufficientPrivilegeError, asyncpg.UndefinedFileError):
        return None
    lines = (line.split("\t") for line in row["history"].splitlines() if line[:1].isdigit())
    return {int(line[0]): _parse_lsn(line[1]) for line in lines}


def _parse_lsn(text: str) -> int:
    high, _, low = text.partition("/")
    return (int(high, 16) << 32) + int(low, 16)
