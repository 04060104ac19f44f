"""A few words with a server over its socket, in PostgreSQL's own protocol: no driver, no event loop."""

import socket
import struct
from dataclasses import dataclass
from pathlib import Path

from db.postgres.cluster import SUPERUSER

PORT = 5432  # part of the socket's name
ANSWER_SECONDS = 10.0

READY, FULL, STARTING, NO_DATABASE, DATABASE_EXISTS = "00000", "53300", "57P03", "3D000", "42P04"
SILENT = "08006"


@dataclass(frozen=True, slots=True)
class Answer:
    code: str  # an SQLSTATE
    message: str


def ask(folder: Path, database: str, statement: str = "") -> Answer | None:
    """What the server answers to a log-in, and then to a statement; None when nobody listens."""
    hello = b"\0\3\0\0" + f"user\0{SUPERUSER}\0database\0{database}\0\0".encode()
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(ANSWER_SECONDS)
            connection.connect(str(folder / f".s.PGSQL.{PORT}"))
            connection.sendall(_sized(hello))
            answer = _answer(connection)
            if statement and answer and answer.code == READY:
                connection.sendall(b"Q" + _sized(statement.encode() + b"\0"))
                answer = _answer(connection)
            return answer
    except (FileNotFoundError, ConnectionError):
        return None
    except TimeoutError:
        return Answer(SILENT, f"no answer within {ANSWER_SECONDS:.0f} s")


def _answer(connection: socket.socket) -> Answer | None:
    """The next refusal or readiness; None when the server hangs up, because it is going down."""
    with connection.makefile("rb") as messages:
        while head := messages.read(5):
            body = messages.read(struct.unpack("!I", head[1:])[0] - 4)
            if head[:1] == b"E":
                fields = {field[:1]: field[1:].decode(errors="replace") for field in body.split(b"\0")}
                return Answer(fields[b"C"], fields[b"M"])
            if head[:1] == b"Z":
                return Answer(READY, "")
    return None


def _sized(message: bytes) -> bytes:
    return struct.pack("!I", len(message) + 4) + message
