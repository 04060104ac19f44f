"""Three PostgreSQL nodes under Patroni, and etcd: each in a namespace of its own."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import orjson

from benchmarks.scale.network import HUB, Network, kill_all
from db.postgres.account import ENVIRONMENT, Account, account_for
from db.postgres.binaries import find_binaries, reachable_binaries
from db.postgres.postmaster import postmaster_pid

T = TypeVar("T")

LOCK_FILE = Path(__file__).with_name("requirements.lock")
ETCD = "etcd"
NODES = ("node1", "node2", "node3")
HOSTS = (ETCD, *NODES)
SCOPE = "bookstore"
SUPERUSER = "app"
START_TIMEOUT = 120.0
"""Seconds for the cluster to start, or to be whole again after a fault."""

POLL_INTERVAL = 0.1
"""Seconds between two looks at the cluster."""

DYNAMIC_SETTINGS: dict[str, Any] = {
    "ttl": 20,
    "loop_wait": 1,
    "retry_timeout": 3,
    "primary_start_timeout": 0,
    "synchronous_mode": True,
    "failsafe_mode": True,
    "postgresql": {
        "use_pg_rewind": True,
        "use_slots": True,
        "parameters": {
            "max_connections": 60,
            "shared_buffers": "64MB",
            "max_wal_size": "256MB",
            "wal_keep_size": "256MB",
            "random_page_cost": 1.1,
            "jit": "off",
        },
    },
}
"""Patroni's fastest legal settings. ttl cannot be less."""


class ClusterError(Exception):
    """The cluster cannot be installed, started or brought back to its full size."""


@dataclass(frozen=True, slots=True)
class Member:
    """A node as Patroni reports it: its role is leader, sync_standby or replica."""

    name: str
    role: str
    state: str


class Cluster:
    """Patroni's nodes and etcd, with their folders in `folder`. Every method blocks the thread."""

    def __init__(self, folder: Path, network: Network) -> None:
        self.folder = folder
        self.network = network
        self.account: Account = account_for(folder / "nowhere")
        self.binaries = reachable_binaries(find_binaries(), self.account, folder)
        self.patroni = folder / "patroni" / "bin"
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def dsn(self, attribute: str) -> str:
        """Return the address of all nodes that asks for a role."""
        hosts = ",".join(f"{self.network.addresses[node]}:5432" for node in NODES)
        return f"postgresql://{SUPERUSER}@{hosts}/{SCOPE}?target_session_attrs={attribute}"

    def install_patroni(self) -> None:
        """Install Patroni and what it needs into a private environment, by the lock file."""
        environment = self.folder / "patroni"
        run([sys.executable, "-m", "venv", environment])
        pip = [environment / "bin" / "python", "-m", "pip", "install", "--quiet", "--require-hashes"]
        run([*pip, "--disable-pip-version-check", "-r", LOCK_FILE])

    def start(self) -> None:
        """Start etcd and the nodes, and create the database. Raises ClusterError."""
        self.start_etcd()
        for node in NODES:
            self._prepare_node(node)
            self.start_node(node)
        self.wait_until_whole()
        self.run_in_hub(
            [self.binaries.folder / "createdb", "-h", self.address_of(self.leader()), "-U", SUPERUSER, SCOPE]
        )

    def start_etcd(self) -> None:
        address = self.network.addresses[ETCD]
        data = self._own_folder(ETCD)
        self._start(
            ETCD,
            ETCD,
            ["etcd", "--data-dir", data, "--listen-client-urls", f"http://{address}:2379",
             "--advertise-client-urls", f"http://{address}:2379",
             "--listen-peer-urls", f"http://{address}:2380", "--logger", "zap"],
        )  # fmt: skip

    def start_node(self, node: str) -> None:
        """Start a node's Patroni, which starts its PostgreSQL."""
        self._start(node, node, [self.patroni / "patroni", self.folder / f"{node}.yml"])

    def stop(self) -> None:
        """Kill everything."""
        for host in HOSTS:
            kill_all(self.network.process_ids(host))
        for process in self._processes.values():
            process.wait()

    # Looks

    def members(self) -> list[Member]:
        """Return the members as a reachable node's Patroni reports them; none if there is none."""
        for node in NODES:
            url = f"http://{self.address_of(node)}:8008/cluster"
            done = subprocess.run(
                [*self.network.enter(HUB), "curl", "--silent", "--max-time", "1", url],
                capture_output=True,
                check=False,
            )
            if done.returncode == 0 and done.stdout:
                members: list[dict[str, Any]] = orjson.loads(done.stdout).get("members", [])
                return [Member(each["name"], each["role"], each["state"]) for each in members]
        return []

    def leader(self) -> str:
        """Return the name of the primary. Raises ClusterError if there is none."""
        names = [member.name for member in self.members() if member.role == "leader"]
        if not names:
            raise ClusterError(f"the cluster has no primary: {self.members()}; see {self.folder}")
        return names[0]

    def synchronous_standby(self) -> str:
        """Return the name of the synchronous standby. Raises ClusterError if there is none."""
        names = [member.name for member in self.members() if member.role == "sync_standby"]
        if not names:
            raise ClusterError(f"the cluster has no synchronous standby: {self.members()}; see {self.folder}")
        return names[0]

    def is_whole(self) -> bool:
        """Return whether all nodes run: a primary, a synchronous standby and another one that streams."""
        members = self.members()
        roles = sorted(member.role for member in members)
        states = {member.state for member in members if member.role != "leader"}
        return roles == ["leader", "replica", "sync_standby"] and states == {"streaming"}

    def wait_until_whole(self) -> None:
        """Raises ClusterError after START_TIMEOUT."""
        if not wait_for(self.is_whole, START_TIMEOUT):
            raise ClusterError(f"the cluster is not whole: {self.members()}; see the logs in {self.folder}")

    def address_of(self, node: str) -> str:
        return self.network.addresses[node]

    def postmaster_of(self, node: str) -> int:
        """Return the id of a node's postmaster. Raises ClusterError if it does not run."""
        pid = postmaster_pid(self.folder / node / "data")
        if pid is None:
            raise ClusterError(f"PostgreSQL of {node} does not run: see {self.folder}/{node}.log")
        return pid

    # Faults

    def switch_over(self, leader: str, candidate: str) -> None:
        """Let a standby take over in order."""
        self.run_in_hub(
            [self.patroni / "patronictl", "-c", self.folder / f"{leader}.yml", "switchover", SCOPE,
             "--leader", leader, "--candidate", candidate, "--force"]
        )  # fmt: skip

    def kill_postmaster(self, node: str) -> None:
        kill_all([self.postmaster_of(node)])

    def kill_process(self, host: str) -> None:
        """Kill a node's Patroni alone, or etcd."""
        self._processes[host].kill()
        self._processes[host].wait()

    def kill_node(self, node: str) -> None:
        """Kill a node as a power failure does: no packet says that it has ended."""
        self.network.cut(node)
        kill_all(self.network.process_ids(node))
        self._processes[node].wait()

    # Details

    def run_in_hub(self, command: list[str | Path], **environment: str) -> str:
        """Run a command in the hub's namespace as root, and return its output. Raises ClusterError."""
        return run([*self.network.enter(HUB), *command], **environment)

    def _own_folder(self, name: str) -> Path:
        folder = self.folder / name
        if not folder.exists():
            folder.mkdir(mode=0o700)
            self.account.chown(folder)
        return folder

    def _start(self, name: str, host: str, command: list[str | Path]) -> None:
        account = [f"--reuid={self.account.uid}", f"--regid={self.account.gid}", "--clear-groups"]
        reads_all = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]  # a Python below /root
        enter = [*self.network.enter(host), "setpriv", *account, *reads_all, "--"]
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [*enter, *command],
                cwd="/",
                env={**ENVIRONMENT, "LC_ALL": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _prepare_node(self, node: str) -> None:
        address, own = self.address_of(node), self._own_folder(node)
        trusted = [
            "local all all trust",
            "host all all 10.231.0.0/24 trust",
            "host replication all 10.231.0.0/24 trust",
        ]
        settings: dict[str, Any] = {
            "scope": SCOPE,
            "name": node,
            "restapi": {"listen": f"{address}:8008", "connect_address": f"{address}:8008"},
            "etcd3": {"hosts": [f"{self.network.addresses[ETCD]}:2379"]},
            "bootstrap": {
                "dcs": DYNAMIC_SETTINGS,
                "initdb": [
                    {"encoding": "UTF8"}, {"locale-provider": "builtin"}, {"locale": "C.UTF-8"}, "data-checksums"
                ],
            },
            "postgresql": {
                "listen": f"{address}:5432",
                "connect_address": f"{address}:5432",
                "data_dir": str(own / "data"),
                "bin_dir": str(self.binaries.folder),
                "pgpass": str(own / "pgpass"),
                "authentication": {
                    "superuser": {"username": SUPERUSER},
                    "replication": {"username": "replicator"},
                    "rewind": {"username": SUPERUSER},
                },
                "parameters": {"unix_socket_directories": str(own)},
                "pg_hba": trusted,
            },
        }  # fmt: skip
        (self.folder / f"{node}.yml").write_bytes(orjson.dumps(settings))  # JSON is YAML


@contextmanager
def open_cluster(folder: Path, network: Network) -> Generator[Cluster]:
    """Run a cluster for the block. Nothing of it runs at the end."""
    if shutil.which("etcd") is None or shutil.which("curl") is None:
        raise ClusterError("etcd or curl is not installed: apt-get install etcd-server curl")
    cluster = Cluster(folder, network)
    try:
        cluster.install_patroni()
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


def wait_for(condition: Callable[[], T], timeout: float) -> T:
    """Return the condition's first true value, or its last one after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not (value := condition()) and time.monotonic() < deadline:
        time.sleep(POLL_INTERVAL)
    return value


def run(command: list[Any], **environment: str) -> str:
    """Run a command and return its output. Raises ClusterError with the last line of its errors."""
    done = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no output"]
        raise ClusterError(f"{Path(str(command[0])).name} failed: {lines[-1]}")
    return done.stdout
