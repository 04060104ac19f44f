"""A TCP proxy in front of PostgreSQL that injects network faults."""

import asyncio
import socket
import struct
from pathlib import Path

ABORT_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER with a timeout of 0: closing the socket sends a reset."""

MAX_CHUNK = 65_536
"""Maximum bytes that are forwarded at a time without a fault."""


class Proxy:
    """Forwards connections to 127.0.0.1:`port` to a Unix socket of PostgreSQL.

    `latency` delays what PostgreSQL sends, in seconds. `chunk_size` is the number of bytes forwarded at a time.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        self.latency = 0.0
        self.chunk_size = MAX_CHUNK
        self._to_server_open, self._to_client_open = asyncio.Event(), asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def has_connections(self) -> bool:
        return bool(self._writers)

    async def start(self) -> int:
        """Listen on a free port and return it. The port stays the same in `accept_connections`."""
        self.unblock()
        self._server = await asyncio.start_server(self._start_forwarding, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self.port

    def _start_forwarding(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._forward_connection(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _forward_connection(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, beginning: bytes = b""
    ) -> None:
        """Forward a connection. `beginning` is what was read of it already."""
        try:
            server_reader, server_writer = await asyncio.open_unix_connection(self.target)
        except OSError:
            writer.close()
            return
        self._writers |= {writer, server_writer}
        server_writer.write(beginning)
        await asyncio.gather(
            self._forward(reader, server_writer, self._to_server_open),
            self._forward(server_reader, writer, self._to_client_open),
        )
        self._writers -= {writer, server_writer}

    async def _forward(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, direction_open: asyncio.Event
    ) -> None:
        try:
            while data := await reader.read(MAX_CHUNK):
                if self.latency and direction_open is self._to_client_open:
                    await asyncio.sleep(self.latency)
                for start in range(0, len(data), self.chunk_size):
                    await direction_open.wait()
                    writer.write(data[start : start + self.chunk_size])
                    await writer.drain()
                    if self.chunk_size < MAX_CHUNK:
                        await asyncio.sleep(0)
        except OSError:
            pass
        finally:
            writer.close()

    def block(self, *, to_server: bool = True, to_client: bool = True) -> None:
        """Forward nothing in these directions. Connections stay open."""
        if to_server:
            self._to_server_open.clear()
        if to_client:
            self._to_client_open.clear()

    def unblock(self) -> None:
        """Forward in both directions again."""
        self._to_server_open.set()
        self._to_client_open.set()

    def reset_connections(self) -> None:
        """Reset each client's connection, and close its connection to PostgreSQL."""
        for writer in self._writers:
            connection = writer.get_extra_info("socket")
            if connection.family == socket.AF_INET and not writer.is_closing():
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT_ON_CLOSE)
            writer.transport.abort()

    async def refuse_connections(self) -> None:
        """Stop listening, and reset every connection."""
        self._server.close()
        self.reset_connections()

    async def accept_connections(self) -> None:
        """Listen on the same port again."""
        self._server = await asyncio.start_server(self._start_forwarding, "127.0.0.1", self.port)

    async def stop(self) -> None:
        """Stop listening, reset every connection, and wait until none is forwarded."""
        self._server.close()
        self.reset_connections()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
