"""Several server processes behind one port: workers that share a socket, or processes behind nginx."""

import getpass
import os
import shutil
import socket
import subprocess
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.serving.servers import ServerError, free_port
from tests.serving import BOOKSTORE, PATIENT, build_environment, worker_pids
from tests.waiting import GUARD, wait_until

SETTINGS = {
    **{key.upper(): str(value) for key, value in PATIENT.items()},
    "POOL_SIZE": "5",
    "MAX_COST": "20000",
    "EXPLORER": "false",
}
"""No request fails because the machine is too small for the load."""

NGINX_CONFIGURATION = """
daemon off;
user {user};
pid {folder}/nginx.pid;
worker_processes auto;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  keepalive_requests 1000000000;
  upstream bookstore {{
    {servers}
    keepalive 64;
    keepalive_requests 1000000000;
  }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://bookstore;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_buffers 32 16k;
    }}
  }}
}}
"""
"""As in docs/deployment.md, but that no connection of a long load ends."""


@dataclass(frozen=True, slots=True)
class Front:
    """Server processes behind one port. `parents` are those to account for, with their children.

    `processes` answer the requests. `proxy` is the main process of nginx, if it is in front.
    """

    title: str
    port: int
    parents: tuple[int, ...]
    processes: tuple[int, ...]
    proxy: int | None = None


@contextmanager
def run_workers(number: int, dsn: str, folder: Path, **settings: str) -> Generator[Front]:
    """Run `bookstore serve` with a number of workers within the block."""
    with run_bookstore_server(dsn, folder, WORKERS=str(number), **settings) as (port, parent):
        workers = tuple(worker_pids(parent)) if number > 1 else (parent,)
        yield Front(f"--workers {number}", port, (parent,), workers)


@contextmanager
def run_behind_nginx(number: int, dsn: str, folder: Path) -> Generator[Front]:
    """Run a number of separate processes behind nginx within the block. Raises ServerError without nginx."""
    with ExitStack() as stack:
        servers = [stack.enter_context(run_bookstore_server(dsn, folder)) for _ in range(number)]
        pids = tuple(pid for _, pid in servers)
        port, proxy = stack.enter_context(run_nginx([port for port, _ in servers], folder))
        yield Front(f"{number} behind nginx", port, pids, pids, proxy)


@contextmanager
def run_bookstore_server(dsn: str, folder: Path, **settings: str) -> Generator[tuple[int, int]]:
    """Yield the port and the process of a server. Raises ServerError if it ends before it serves.

    It stays in the session of this process: Linux divides a busy machine between sessions first, so that
    separate processes in sessions of their own would get more of it than workers.
    """
    port = free_port()
    log = folder / f"server-{port}.log"
    environment = build_environment(PORT=str(port), DATABASE_URL=dsn, **SETTINGS, **settings)
    with log.open("w") as output:
        process = subprocess.Popen([BOOKSTORE, "serve"], env=environment, stdout=output, stderr=output)
    try:
        wait_until(lambda: "Serving " in log.read_text() or process.poll() is not None)
        if process.poll() is not None:
            raise ServerError(f"bookstore serve ended with {process.returncode}: {log.read_text()[-2000:]}")
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(GUARD)


@contextmanager
def run_nginx(ports: Sequence[int], folder: Path) -> Generator[tuple[int, int]]:
    """Yield the port and the process of an nginx in front of these ports."""
    program = shutil.which("nginx")
    if program is None:
        raise ServerError("nginx is not installed: apt-get install nginx.")
    port = free_port()
    servers = " ".join(f"server 127.0.0.1:{each};" for each in ports)
    path = folder / f"nginx-{port}.conf"
    path.write_text(
        NGINX_CONFIGURATION.format(user=getpass.getuser(), folder=folder, servers=servers, port=port)
    )
    process = subprocess.Popen([program, "-p", folder, "-c", path, "-e", os.devnull])
    try:
        wait_until(lambda: is_listening(port) or process.poll() is not None)
        if process.poll() is not None:
            raise ServerError(f"nginx ended with {process.returncode} before it listened: see above.")
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(GUARD)


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
