"""The servers: how each is started, on which core, and which dialect it speaks."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.serving.cores import pinned

PEERS = Path(__file__).with_name("peers")
PYTHON = "benchmarks.serving.peers."
START_SECONDS = 60.0


class ServerError(Exception):
    """A server cannot be installed or does not start."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server to measure. `program` is a Python module or a script for Node."""

    key: str
    title: str
    dialect: str
    program: str
    arguments: tuple[str, ...] = ()

    @property
    def on_node(self) -> bool:
        return self.program.endswith(".mjs")

    def command(self) -> list[str | Path]:
        if self.on_node:
            return [node(), PEERS / self.program, *self.arguments]
        return [sys.executable, "-m", PYTHON + self.program, *self.arguments]


SERVERS = (
    Server("ours", "This project", "ours", "ours"),
    Server("stock", "This project, stock execution", "ours", "ours", ("stock",)),
    Server("idiomatic", "Strawberry + aiodataloader", "plain", "idiomatic"),
    Server("bare", "Bare ASGI + asyncpg (the limit)", "ours", "bare"),
    Server("postgraphile", "PostGraphile 5", "postgraphile", "postgraphile.mjs"),
    Server("mercurius", "Mercurius + graphql-jit", "plain", "mercurius.mjs"),
)


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers on `port`."""

    server: Server
    pid: int
    port: int


def node() -> Path:
    return PEERS / "node_modules" / ".bin" / "node"


def install_peers() -> None:
    """Install what the lock file names, Node itself included, unless it is there."""
    lock, installed = PEERS / "package-lock.json", PEERS / "node_modules" / "installed-lock.json"
    if installed.exists() and installed.read_text() == lock.read_text() and node().exists():
        return
    npm = shutil.which("npm")
    if npm is None:
        raise ServerError("npm is needed to install PostGraphile and Mercurius: install Node, any version.")
    # The Node that runs npm may be older than the one the packages want, which is installed with them.
    command = (npm, "ci", "--no-audit", "--no-fund", "--loglevel=error")
    if subprocess.run(command, cwd=PEERS, check=False).returncode:
        raise ServerError(f"npm ci failed in {PEERS}.")
    if not node().exists():
        raise ServerError("No Node came with the packages: there is one for Linux on x64 and arm64 only.")
    shutil.copy(lock, installed)


@contextmanager
def running(servers: Sequence[Server], dsn: str, core: int, logs: Path) -> Generator[list[Running]]:
    """All servers, started one after the other on one core, ended with the block."""
    with ExitStack() as stack:
        yield [stack.enter_context(started(server, dsn, core, logs)) for server in servers]


@contextmanager
def started(server: Server, dsn: str, core: int, logs: Path) -> Generator[Running]:
    port = free_port()
    logs.mkdir(parents=True, exist_ok=True)
    environment = {
        **os.environ,
        "DATABASE_URL": dsn,
        "PORT": str(port),
        "NODE_ENV": "production",
        "GRAPHILE_ENV": "production",
    }
    log = logs / f"{server.key}.log"
    with log.open("w") as output, pinned(core):
        process = subprocess.Popen(
            server.command(), env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        wait_until_it_answers(process, port, server, log)
        yield Running(server, process.pid, port)
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def wait_until_it_answers(process: subprocess.Popen[bytes], port: int, server: Server, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    last = "\n".join(log.read_text().splitlines()[-15:])
    raise ServerError(f"{server.title} does not start:\n{last}")
