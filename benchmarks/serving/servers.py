"""The servers: how each is started, on which core, and which dialect of the schema it uses."""

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

from benchmarks.serving.cores import pin_to_core

PEERS = Path(__file__).with_name("peers")
PEERS_PACKAGE = "benchmarks.serving.peers."
START_TIMEOUT = 60.0


class ServerError(Exception):
    """A server cannot be installed or does not start."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server to measure. `program` is a Python module or a Node script. It has mutations if it `writes`."""

    key: str
    title: str
    dialect: str
    program: str
    arguments: tuple[str, ...] = ()
    writes: bool = True

    @property
    def on_node(self) -> bool:
        return self.program.endswith(".mjs")

    def command(self) -> list[str | Path]:
        if self.on_node:
            return [node_path(), PEERS / self.program, *self.arguments]
        return [sys.executable, "-m", PEERS_PACKAGE + self.program, *self.arguments]


SERVERS = (
    Server("ours", "This project", "ours", "ours"),
    Server("graphql-core", "This project, graphql-core", "ours", "ours", ("graphql-core",)),
    Server("idiomatic", "Strawberry + aiodataloader", "plain", "idiomatic", writes=False),
    Server("bare", "Bare ASGI + asyncpg (the limit)", "ours", "bare"),
    Server("postgraphile", "PostGraphile 5", "postgraphile", "postgraphile.mjs"),
    Server("mercurius", "Mercurius + graphql-jit", "plain", "mercurius.mjs", writes=False),
)


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A running server that listens on `port`."""

    server: Server
    pid: int
    port: int


def node_path() -> Path:
    return PEERS / "node_modules" / ".bin" / "node"


def install_peers() -> None:
    """Install the packages of the lock file, including Node, unless they are installed."""
    lock, installed = PEERS / "package-lock.json", PEERS / "node_modules" / "installed-lock.json"
    if installed.exists() and installed.read_text() == lock.read_text() and node_path().exists():
        return
    npm = shutil.which("npm")
    if npm is None:
        raise ServerError(
            "npm is required to install PostGraphile and Mercurius: install any version of Node."
        )
    # The Node that runs npm may be too old for the packages; they install their own.
    command = (npm, "ci", "--no-audit", "--no-fund", "--loglevel=error")
    if subprocess.run(command, cwd=PEERS, check=False).returncode:
        raise ServerError(f"npm ci failed in {PEERS}; see its output above.")
    if not node_path().exists():
        raise ServerError("The packages did not install Node: they support only Linux on x64 and arm64.")
    shutil.copy(lock, installed)


@contextmanager
def start_servers(
    servers: Sequence[Server], dsn: str, core: int, logs: Path
) -> Generator[list[RunningServer]]:
    """Start all servers one after the other on one core, and stop them at the end of the block."""
    with ExitStack() as stack:
        yield [stack.enter_context(start_server(server, dsn, core, logs)) for server in servers]


@contextmanager
def start_server(server: Server, dsn: str, core: int, logs: Path) -> Generator[RunningServer]:
    """Start a server on one core, and stop it at the end of the block."""
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
    with log.open("w") as output, pin_to_core(core):
        process = subprocess.Popen(
            server.command(), env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        wait_until_listening(process, port, server, log)
        yield RunningServer(server, process.pid, port)
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


def wait_until_listening(process: subprocess.Popen[bytes], port: int, server: Server, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    last = "\n".join(log.read_text().splitlines()[-15:])
    raise ServerError(f"{server.title} did not start within {START_TIMEOUT:.0f} s or exited:\n{last}")
