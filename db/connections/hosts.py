"""The order in which the hosts of an address are tried."""

from db.connections.dsn import HostAddress


class LastGoodHost:
    """The host of the latest connection. It is tried first, so that an absent one costs its timeout once.

    A pool and its supervisor share one. Nothing is shared between processes.
    """

    __slots__ = ("address",)

    def __init__(self) -> None:
        self.address: HostAddress | None = None

    def order(self, hosts: tuple[HostAddress, ...]) -> tuple[HostAddress, ...]:
        """Return the hosts in the order in which to try them."""
        return tuple(sorted(hosts, key=lambda host: host != self.address))
