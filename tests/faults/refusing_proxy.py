"""A proxy that refuses start-up parameters as PgBouncer does with its defaults."""

import asyncio
import struct
from pathlib import Path

from tests.faults.proxy import Proxy

ACCEPTED = {
    *("user", "database", "client_encoding", "datestyle", "timezone", "intervalstyle"),
    *("standard_conforming_strings", "application_name"),
}

PROTOCOL_VERSION_3 = 196_608
"""What a login begins with. A request to cancel a statement begins with another number."""


class RefusingProxy(Proxy):
    """Forwards connections whose start-up parameters PgBouncer accepts. `refused` has the others, by time."""

    def __init__(self, target: Path) -> None:
        super().__init__(target)
        self.refused: list[str] = []

    async def _forward_connection(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, beginning: bytes = b""
    ) -> None:
        length = await reader.readexactly(4)
        message = await reader.readexactly(struct.unpack("!i", length)[0] - 4)
        refused = sorted(_parameters(message) - ACCEPTED)
        if refused:
            self.refused += refused[:1]
            writer.write(_refusal(refused[0]))
            writer.close()
        else:
            await super()._forward_connection(reader, writer, length + message)


def _parameters(message: bytes) -> set[str]:
    """Return the lower-case names of the parameters of a login; none for another message."""
    if struct.unpack_from("!i", message)[0] != PROTOCOL_VERSION_3:
        return set()
    return {name.decode().lower() for name in message[4:].rstrip(b"\0").split(b"\0")[::2]}


def _refusal(name: str) -> bytes:
    fields = {"S": "FATAL", "C": "08P01", "M": f"unsupported startup parameter: {name}"}
    body = b"".join(f"{key}{value}\0".encode() for key, value in fields.items()) + b"\0"
    return b"E" + struct.pack("!i", len(body) + 4) + body
