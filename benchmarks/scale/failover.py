"""Measure failover: `python -m benchmarks.scale.failover [--only switchover …]`. Linux, as root, with etcd.

Three PostgreSQL nodes under Patroni with synchronous replication, each in a network namespace, and one
`bookstore serve`: its DATABASE_URL names all of them, and its reads go to the standbys. Writers with
idempotency keys and readers go on through each fault. The server is never restarted. Nothing is left running.
"""

import argparse
import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from rich.console import Console
from rich.table import Table

from benchmarks.scale.cluster import (
    ETCD,
    NODES,
    SCOPE,
    START_TIMEOUT,
    SUPERUSER,
    Cluster,
    ClusterError,
    open_cluster,
    wait_for,
)
from benchmarks.scale.load import (
    ADD_STOCK_BOOK,
    Load,
    compare_with_catalog,
    count_statuses,
    longest_answer,
    longest_gap,
    read_stock,
    send_once,
)
from benchmarks.scale.network import HUB, NetworkError, open_network

BOOKSTORE = Path(sys.executable).with_name("bookstore")
LEAD_IN = 3.0
"""Seconds of load before a fault."""

LEAD_OUT = 3.0
"""Seconds of load after the cluster is whole again."""

ENOUGH_WRITES = 20
"""The number of writes that shows that writers go on."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of the primary: what begins it, what ends it, and how long it lasts in seconds."""

    begin: Callable[[Cluster, str], None]
    end: Callable[[Cluster, str], None]
    duration: float


def do_nothing(cluster: Cluster, primary: str) -> None:
    """End a fault that ends by itself."""


def restart_node(cluster: Cluster, primary: str) -> None:
    cluster.network.join(primary)
    cluster.start_node(primary)


def others_of(primary: str) -> list[str]:
    return [host for host in (ETCD, *NODES) if host != primary]


FAULTS: dict[str, Fault] = {
    "switchover": Fault(
        lambda cluster, primary: cluster.switch_over(primary, cluster.synchronous_standby()), do_nothing, 10
    ),
    "postmaster": Fault(Cluster.kill_postmaster, do_nothing, 15),
    "patroni": Fault(Cluster.kill_process, Cluster.start_node, 45),
    "node": Fault(Cluster.kill_node, restart_node, 40),
    "network": Fault(
        lambda cluster, primary: cluster.network.cut(primary),
        lambda cluster, primary: cluster.network.join(primary),
        40,
    ),
    "partition": Fault(
        lambda cluster, primary: cluster.network.part(primary, others_of(primary)),
        lambda cluster, primary: cluster.network.unite(primary, others_of(primary)),
        40,
    ),
    "etcd": Fault(
        lambda cluster, primary: cluster.kill_process(ETCD),
        lambda cluster, primary: cluster.start_etcd(),
        40,
    ),
}
"""The faults by name. A partition separates the primary from the other nodes and etcd, not from the server."""


@dataclass(frozen=True, slots=True)
class Row:
    """What came of a fault. Times are in seconds; `verify` is the summary of `bookstore verify`."""

    name: str
    primaries: str
    writer_gap: float
    reader_gap: float
    longest: float
    writes: str
    reads: str
    acknowledged: int
    lost: int
    twice: int
    verify: str

    @property
    def is_good(self) -> bool:
        return not self.lost and not self.twice and "found no errors" in self.verify


@dataclass(slots=True)
class System:
    """The cluster, the server in front of it, and a manager's key."""

    cluster: Cluster
    server: subprocess.Popen[bytes]
    socket: Path
    key: str


async def measure(system: System, name: str) -> Row:
    """Run the load through a fault. Raises ClusterError if the cluster or the server does not come back."""
    cluster, fault = system.cluster, FAULTS[name]
    await asyncio.to_thread(cluster.wait_until_whole)
    primary = await asyncio.to_thread(cluster.leader)
    async with connect_to(cluster, primary) as connection:
        stock_before = await read_stock(connection)
    load = Load(system.socket, system.key, name)
    loading = asyncio.create_task(load.run())
    await asyncio.sleep(LEAD_IN)

    began = time.monotonic()
    await asyncio.to_thread(fault.begin, cluster, primary)
    await asyncio.sleep(max(0.0, began + fault.duration - time.monotonic()))
    await wait_for_writes(load)
    await asyncio.to_thread(fault.end, cluster, primary)
    await asyncio.to_thread(cluster.wait_until_whole)
    await asyncio.sleep(LEAD_OUT)
    load.stop()
    await asyncio.wait_for(loading, START_TIMEOUT)

    if system.server.poll() is not None:
        raise ClusterError(f"the server has ended: see {cluster.folder}/server.log")
    leader = await asyncio.to_thread(cluster.leader)
    async with connect_to(cluster, leader) as connection:
        written = await compare_with_catalog(load, stock_before, connection)
    return Row(
        name,
        f"{primary} → {leader}",
        longest_gap(load.writes, began),
        longest_gap(load.reads, began),
        longest_answer(load.writes + load.reads, began),
        count_statuses(load.writes, began),
        count_statuses(load.reads, began),
        len(load.acknowledged),
        written.lost,
        written.twice,
        await asyncio.to_thread(verify, cluster),
    )


async def wait_for_writes(load: Load) -> None:
    """Return when ENOUGH_WRITES more writes are acknowledged. Raises ClusterError after START_TIMEOUT."""
    enough, deadline = len(load.acknowledged) + ENOUGH_WRITES, time.monotonic() + START_TIMEOUT
    while len(load.acknowledged) < enough:
        if time.monotonic() > deadline:
            raise ClusterError(f"writes do not succeed again: {count_statuses(load.writes[-100:], 0)}")
        await asyncio.sleep(0.1)


@asynccontextmanager
async def connect_to(cluster: Cluster, node: str) -> AsyncGenerator[asyncpg.Connection]:
    """Connect to a node by its socket, which every namespace has."""
    connection = await asyncpg.connect(host=str(cluster.folder / node), user=SUPERUSER, database=SCOPE)
    try:
        yield connection
    finally:
        await connection.close()


def verify(cluster: Cluster) -> str:
    """Return the last line of `bookstore verify`."""
    try:
        output = cluster.run_in_hub([BOOKSTORE, "verify"], DATABASE_URL=cluster.dsn("primary"))
    except ClusterError as error:
        return str(error)
    return output.strip().splitlines()[-1]


@contextmanager
def open_system(cluster: Cluster) -> Generator[System]:
    """Run a server for the block, on an empty catalog with one book."""
    dsn = cluster.dsn("primary")
    cluster.run_in_hub([BOOKSTORE, "migrate"], DATABASE_URL=dsn)
    create_key = [BOOKSTORE, "keys", "create", "failover", "--role", "manager"]
    key = cluster.run_in_hub(create_key, DATABASE_URL=dsn).strip()
    socket, log = cluster.folder / "server.socket", cluster.folder / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [*cluster.network.enter(HUB), BOOKSTORE, "serve"],
            cwd=cluster.folder,
            env={**os.environ, "DATABASE_URL": dsn, "REPLICA_URLS": "hosts", "UDS": str(socket)},
            stdout=output,
            stderr=output,
        )
    try:
        if (
            not wait_for(lambda: b"Serving " in log.read_bytes() or server.poll(), START_TIMEOUT)
            or server.poll()
        ):
            raise ClusterError(f"the server does not start: {log.read_text()[-500:]}")
        yield System(cluster, server, socket, key)
    finally:
        server.terminate()
        with suppress(subprocess.TimeoutExpired):
            server.wait(START_TIMEOUT)


async def measure_rows(system: System, names: Sequence[str]) -> list[Row]:
    """Measure the faults of these names, one after the other on the same cluster and the same server."""
    await send_once(Load(system.socket, system.key, "start"), ADD_STOCK_BOOK)
    rows: list[Row] = []
    for name in names:
        rows.append(await measure(system, name))
        print(
            f"{name}: no write for {rows[-1].writer_gap:.1f} s, no read for {rows[-1].reader_gap:.1f} s",
            flush=True,
        )
    return rows


@contextmanager
def open_folder(logs: Path | None) -> Generator[Path]:
    """Make a folder for the block. Copy its logs to `logs` at the end."""
    folder = Path(tempfile.mkdtemp(prefix="bookstore-failover-"))
    folder.chmod(0o755)  # PostgreSQL runs as another account
    try:
        yield folder
    finally:
        if logs is not None:
            logs.mkdir(parents=True, exist_ok=True)
            for log in folder.glob("*.log"):
                shutil.copy(log, logs)
        shutil.rmtree(folder)


def print_rows(rows: Sequence[Row]) -> None:
    table = Table(
        "fault",
        "primary",
        "writers' gap",
        "readers' gap",
        "longest answer",
        "writes",
        "reads",
        "acknowledged",
        "lost",
        "twice",
        "verify",
    )
    for row in rows:
        table.add_row(
            row.name,
            row.primaries,
            f"{row.writer_gap:.1f} s",
            f"{row.reader_gap:.1f} s",
            f"{row.longest:.1f} s",
            row.writes,
            row.reads,
            f"{row.acknowledged:,}",
            str(row.lost),
            str(row.twice),
            row.verify,
        )
    Console(width=max(Console().width, 200)).print(table)


def exit_on_signal(number: int, frame: object) -> None:
    raise SystemExit(128 + number)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what a failover of PostgreSQL does to clients.")
    parser.add_argument(
        "--only", nargs="+", choices=FAULTS, default=list(FAULTS), help="the faults to measure"
    )
    parser.add_argument("--logs", type=Path, help="a folder to copy the logs to")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("Network namespaces need root: run it as root.")
    signal.signal(signal.SIGTERM, exit_on_signal)
    try:
        with (
            open_folder(options.logs) as folder,
            open_network((ETCD, *NODES)) as network,
            open_cluster(folder, network) as cluster,
            open_system(cluster) as system,
        ):
            rows = asyncio.run(measure_rows(system, options.only))
    except (ClusterError, NetworkError) as error:
        sys.exit(f"Error: {error}")
    print_rows(rows)
    if not all(row.is_good for row in rows):
        sys.exit("Error: an acknowledged write is lost or applied twice, or the catalog has errors.")


if __name__ == "__main__":
    main()
