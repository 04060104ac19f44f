"""Probe a server over its socket with PostgreSQL's wire protocol, without a driver or an event loop."""

import socket
import struct
from dataclasses import dataclass
from pathlib import Path

from db.postgres.cluster import SUPERUSER

PORT = 5432  # part of the socket's name
PROBE_TIMEOUT = 10.0  # seconds

READY, TOO_MANY_CONNECTIONS, STARTING, NO_DATABASE, DATABASE_EXISTS = (
    "00000",
    "53300",
    "57P03",
    "3D000",
    "42P04",
)
_NO_REPLY = "08006"


@dataclass(frozen=True, slots=True)
class ProbeResult:
    code: str  # an SQLSTATE
    message: str


def probe(folder: Path, database: str, statement: str = "") -> ProbeResult | None:
    """Log in, execute the statement if given, and return the last reply. Return None if no server listens."""
    hello = b"\0\3\0\0" + f"user\0{SUPERUSER}\0database\0{database}\0\0".encode()
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(PROBE_TIMEOUT)
            connection.connect(str(folder / f".s.PGSQL.{PORT}"))
            connection.sendall(_with_length(hello))
            answer = _read_reply(connection)
            if statement and answer and answer.code == READY:
                connection.sendall(b"Q" + _with_length(statement.encode() + b"\0"))
                answer = _read_reply(connection)
            return answer
    except (FileNotFoundError, ConnectionError):
        return None
    except TimeoutError:
        return ProbeResult(_NO_REPLY, f"no reply within {PROBE_TIMEOUT:.0f} s")


def _read_reply(connection: socket.socket) -> ProbeResult | None:
    """Read the next error or ready message. Return None if the server disconnects during its shutdown."""
    with connection.makefile("rb") as messages:
        while head := messages.read(5):
            body = messages.read(struct.unpack("!I", head[1:])[0] - 4)
            if head[:1] == b"E":
                fields = {field[:1]: field[1:].decode(errors="replace") for field in body.split(b"\0")}
                return ProbeResult(fields[b"C"], fields[b"M"])
            if head[:1] == b"Z":
                return ProbeResult(READY, "")
    return None


def _with_length(message: bytes) -> bytes:
    return struct.pack("!I", len(message) + 4) + message
