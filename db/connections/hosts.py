"""The order in which the hosts of an address are tried."""

from db.connections.dsn import HostAddress


class HostOrder:
    """The host of the latest connection comes first, so that an absent one costs its timeout once.

    A distrusted host comes last: it says that it is the primary, but another one may have taken over. A pool
    and its supervisor share one order. Nothing is shared between processes.
    """

    __slots__ = ("distrusted", "last_good")

    def __init__(self) -> None:
        self.last_good: HostAddress | None = None
        self.distrusted: HostAddress | None = None

    def arrange(self, hosts: tuple[HostAddress, ...]) -> tuple[HostAddress, ...]:
        """Return the hosts in the order in which to try them."""
        return tuple(sorted(hosts, key=lambda host: (host == self.distrusted, host != self.last_good)))

    def prefer(self, host: HostAddress | None) -> None:
        """Try this host first from now on: a connection to it was opened."""
        self.last_good = host
        if self.distrusted == host:
            self.distrusted = None

    def distrust(self, host: HostAddress | None) -> None:
        """Try this host last, until a connection to it is opened because no other one can be used."""
        self.distrusted = host
