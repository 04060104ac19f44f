"""The sockets of a server's TCP connections, as Linux lists them."""

from dataclasses import dataclass
from pathlib import Path

TABLE = Path("/proc/net/tcp")
LISTENING = "0A"


@dataclass(frozen=True, slots=True)
class ServerSocket:
    """The server's socket of an accepted connection that it has not closed; `unread` is in bytes."""

    client_port: int
    unread: int


def server_sockets_by_client_port(port: int) -> dict[int, ServerSocket]:
    """Return the sockets of connections to this port of 127.0.0.1."""
    found: dict[int, ServerSocket] = {}
    for line in TABLE.read_text().splitlines()[1:]:
        _, local, remote, state, queues, *rest = line.split()
        inode = rest[4]
        if state != LISTENING and parse_port(local) == port and inode != "0":  # 0: no process holds it
            client_port = parse_port(remote)
            found[client_port] = ServerSocket(client_port, int(queues.partition(":")[2], 16))
    return found


def parse_port(address: str) -> int:
    return int(address.partition(":")[2], 16)
