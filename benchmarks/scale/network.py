"""A network of namespaces on this machine: hosts on a bridge, whose links can be cut. Linux, as root."""

import os
import subprocess
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress

SUBNET = "10.231.0"
"""The first three numbers of each address. They exist inside the namespaces alone."""

HUB = "hub"
"""The host that has the bridge. Clients run here."""

NOWHERE = "02:00:00:00:00:99"
"""A hardware address that no host has: packets to it are lost without an error."""


class NetworkError(Exception):
    """A namespace or a link cannot be made."""


class Network:
    """Hosts with one address each, joined by a bridge in the hub. The hub has the address SUBNET.1."""

    def __init__(self, hosts: Sequence[str]) -> None:
        self.addresses = {
            HUB: f"{SUBNET}.1",
            **{host: f"{SUBNET}.{n}" for n, host in enumerate(hosts, start=11)},
        }

    def namespace(self, host: str) -> str:
        return f"bookstore-{os.getpid()}-{host}"

    def create(self) -> None:
        """Make the namespaces, the bridge and the links. Raises NetworkError."""
        for host in self.addresses:
            run_ip("netns", "add", self.namespace(host))
            self._ip(host, "link", "set", "lo", "up")
        self._ip(HUB, "link", "add", "bridge", "type", "bridge")
        self._ip(HUB, "address", "add", f"{self.addresses[HUB]}/24", "dev", "bridge")
        self._ip(HUB, "link", "set", "bridge", "up")
        for host, address in self.addresses.items():
            if host != HUB:
                peer = ("peer", "name", "eth0", "netns", self.namespace(host))
                self._ip(HUB, "link", "add", host, "type", "veth", *peer)
                self._ip(HUB, "link", "set", host, "master", "bridge", "up")
                self._ip(host, "address", "add", f"{address}/24", "dev", "eth0")
                self._ip(host, "link", "set", "eth0", "up")

    def remove(self) -> None:
        """Kill what runs in the namespaces, and remove them."""
        for host in self.addresses:
            with suppress(NetworkError):
                kill_all(self.process_ids(host))
                run_ip("netns", "delete", self.namespace(host))

    def enter(self, host: str) -> list[str]:
        """Return the start of a command that runs the rest of it in a host's namespace."""
        return ["nsenter", f"--net=/run/netns/{self.namespace(host)}", "--"]

    def process_ids(self, host: str) -> list[int]:
        """Return the ids of the processes that run in the host's namespace."""
        return [int(line) for line in run_ip("netns", "pids", self.namespace(host)).split()]

    def cut(self, host: str) -> None:
        """Cut the link of a host: no packet leaves it or reaches it."""
        self._ip(HUB, "link", "set", host, "down")

    def join(self, host: str) -> None:
        """Join the link of a host again."""
        self._ip(HUB, "link", "set", host, "up")

    def part(self, host: str, others: Sequence[str]) -> None:
        """Lose every packet from a host to the others. The hub still reaches it."""
        for other in others:
            nowhere = ("lladdr", NOWHERE, "dev", "eth0", "nud", "permanent")
            self._ip(host, "neighbor", "replace", self.addresses[other], *nowhere)

    def unite(self, host: str, others: Sequence[str]) -> None:
        """Undo `part`."""
        for other in others:
            self._ip(host, "neighbor", "delete", self.addresses[other], "dev", "eth0")

    def _ip(self, host: str, *arguments: str) -> None:
        run_ip("-netns", self.namespace(host), *arguments)


@contextmanager
def open_network(hosts: Sequence[str]) -> Generator[Network]:
    """Make a network of hosts for the block. Nothing of it is left at the end."""
    network = Network(hosts)
    try:
        network.create()
        yield network
    finally:
        network.remove()


def run_ip(*arguments: str) -> str:
    """Run `ip` and return its output. Raises NetworkError."""
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NetworkError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def kill_all(process_ids: Sequence[int]) -> None:
    """Kill processes that may have ended already."""
    for pid in process_ids:
        with suppress(ProcessLookupError):
            os.kill(pid, 9)
