"""A server's ends of its TCP connections, as Linux lists them."""

from dataclasses import dataclass
from pathlib import Path

TABLE = Path("/proc/net/tcp")
LISTENS = "0A"


@dataclass(frozen=True, slots=True)
class End:
    """The server's end of a connection that it has accepted and not closed; `unread` bytes wait for it."""

    client_port: int
    unread: int


def open_ends(port: int) -> dict[int, End]:
    """The ends at this port of 127.0.0.1, by the client's port."""
    found: dict[int, End] = {}
    for line in TABLE.read_text().splitlines()[1:]:
        _, local, remote, state, queues, *rest = line.split()
        inode = rest[4]
        if state != LISTENS and port_of(local) == port and inode != "0":  # 0: no process holds it
            found[port_of(remote)] = End(port_of(remote), int(queues.partition(":")[2], 16))
    return found


def port_of(address: str) -> int:
    return int(address.partition(":")[2], 16)
