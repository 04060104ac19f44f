"""A TCP proxy before PostgreSQL that can do to a connection what networks do."""

import asyncio
import socket
import struct
from pathlib import Path

RESET = struct.pack("ii", 1, 0)


class Proxy:
    """Forwards 127.0.0.1:`port` to a socket of PostgreSQL, as long as it is well.

    `latency` delays what comes from PostgreSQL, in seconds. `slice` forwards so many bytes at a time.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        self.latency = 0.0
        self.slice = 65_536
        self.hears, self.speaks = asyncio.Event(), asyncio.Event()
        self.writers: set[asyncio.StreamWriter] = set()

    async def start(self) -> int:
        """Listen; the port, which stays the same when it listens again."""
        self.hears.set()
        self.speaks.set()
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.port: int = self.server.sockets[0].getsockname()[1]
        return self.port

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_unix_connection(self.target)
        except OSError:
            writer.close()
            return
        self.writers |= {writer, back}
        await asyncio.gather(self.pump(reader, back, self.hears), self.pump(there, writer, self.speaks))
        self.writers -= {writer, back}

    async def pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, open_: asyncio.Event
    ) -> None:
        try:
            while data := await reader.read(65_536):
                if self.latency and open_ is self.speaks:
                    await asyncio.sleep(self.latency)
                for start in range(0, len(data), self.slice):
                    await open_.wait()
                    writer.write(data[start : start + self.slice])
                    await writer.drain()
                    if self.slice < 65_536:
                        await asyncio.sleep(0)
        except OSError:
            pass
        finally:
            writer.close()

    def swallow(self, *, hears: bool = False, speaks: bool = False) -> None:
        """Let nothing through, or only one way; connections stay open."""
        if not hears:
            self.hears.clear()
        if not speaks:
            self.speaks.clear()

    def pass_on(self) -> None:
        self.hears.set()
        self.speaks.set()

    def reset(self) -> None:
        """Reset every connection to the client."""
        for writer in self.writers:
            connection = writer.get_extra_info("socket")
            if connection.family == socket.AF_INET:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()

    async def refuse(self) -> None:
        """Listen no more, and reset every connection."""
        self.server.close()
        self.reset()

    async def listen_again(self) -> None:
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", self.port)

    async def stop(self) -> None:
        self.pass_on()
        self.server.close()
        self.reset()
        await asyncio.sleep(0.05)
