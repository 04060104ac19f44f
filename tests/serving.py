"""The `bookstore` command as a user runs it: real processes, private folders, free ports."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from graphql_api.settings import Settings
from tests.waiting import GUARD, wait_until

BOOKSTORE = Path(sys.executable).with_name("bookstore")
PATIENT: dict[str, Any] = dict.fromkeys(
    (
        "pool_timeout",
        "command_timeout",
        "request_timeout",
        "client_timeout",
        "keep_alive_timeout",
        "drain_timeout",
    ),
    600.0,
)
"""Settings of a server whose timeouts never pass, however slow the machine."""


class BookstoreProcess:
    """`bookstore serve` in a separate process. A thread reads everything that it prints."""

    def __init__(self, command: Sequence[str | Path], cwd: Path, environment: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            command,
            cwd=cwd,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self._reading = threading.Thread(target=self._read)
        self._reading.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout:
            self.lines.extend(self.process.stdout)

    def wait_until_serving(self) -> None:
        """Return when it serves; `startup_output` is what it printed until then. Raises AssertionError if it ends."""
        wait_until(lambda: self._serving_line() or not self._reading.is_alive())
        line = self._serving_line()
        assert line, f"it ended before it served: {self.lines}"
        self.startup_output = "".join(self.lines[: self.lines.index(line) + 1])
        self.url = line.split()[-1]

    def _serving_line(self) -> str | None:
        return next((line for line in self.lines if line.startswith("Serving ")), None)

    def wait_for_line(self, text: str) -> str:
        """Wait for a line with the text since the startup, and return it without its line break."""
        return wait_until(lambda: next((line for line in self.output().splitlines() if text in line), ""))

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 80

    def output(self) -> str:
        """Return what it has printed since the startup."""
        return "".join(self.lines).removeprefix(self.startup_output)

    def stop(self) -> str:
        """End it as Ctrl-C does, and return what it printed since the startup."""
        self.process.send_signal(signal.SIGINT)
        self.wait()
        return self.output()

    def wait(self) -> None:
        """Return when it has ended and everything that it printed has been read."""
        self.process.wait(GUARD)
        self._reading.join(GUARD)


def build_environment(**settings: str) -> dict[str, str]:
    """Return this process's environment without settings and PG* variables, and with the given settings."""
    ours = {entry.name.upper() for entry in fields(Settings)}
    inherited = {key: value for key, value in os.environ.items() if key not in ours and key[:2] != "PG"}
    return inherited | {"PYTHONUNBUFFERED": "1", "COLUMNS": "200", **settings}


def run_bookstore(*arguments: str, cwd: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a `bookstore` command and return its output and exit status."""
    return subprocess.run(
        [BOOKSTORE, *arguments],
        cwd=cwd,
        env=build_environment(**settings),
        capture_output=True,
        text=True,
        timeout=GUARD * 3,
        check=False,
    )


@contextmanager
def private_folder() -> Generator[Path]:
    """Yield a folder that every account can reach, in memory if possible. Remove it at the end."""
    memory = Path("/dev/shm")  # noqa: S108 - a private folder is made in it
    folder = Path(tempfile.mkdtemp(prefix="bookstore-", dir=memory if memory.is_dir() else None))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@contextmanager
def run_server(
    cwd: Path, command: Path = BOOKSTORE, arguments: Sequence[str] = (), /, **settings: str
) -> Generator[BookstoreProcess]:
    """Run `bookstore serve` on a free port within the block. Without other settings, its timeouts never pass."""
    patient = {key.upper(): str(value) for key, value in PATIENT.items()}
    environment = build_environment(PORT="0", **patient | settings)
    server = BookstoreProcess([command, "serve", *arguments], cwd, environment)
    try:
        server.wait_until_serving()
        yield server
    finally:
        if server.process.poll() is None:
            server.process.terminate()
        server.wait()


@asynccontextmanager
async def run_server_in_thread(
    folder: Path, *arguments: str, **settings: str
) -> AsyncGenerator[BookstoreProcess]:
    """Run `bookstore serve` within the block. The event loop is not blocked while it starts and ends."""
    manager = run_server(folder, BOOKSTORE, arguments, **settings)
    server = await asyncio.to_thread(manager.__enter__)
    try:
        yield server
    finally:
        await asyncio.to_thread(manager.__exit__, None, None, None)


def worker_pids(pid: int) -> set[int]:
    """Return the children of a server's process, without Python's resource tracker. Linux only."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return {int(child) for child in children if _is_worker(child)}


def _is_worker(child: str) -> bool:
    try:
        return "resource_tracker" not in Path(f"/proc/{child}/cmdline").read_bytes().decode()
    except FileNotFoundError:  # it has ended since the list of children was read
        return False


@contextmanager
def embedded_catalog() -> Generator[Path]:
    """Yield a folder for an embedded catalog. Stop its PostgreSQL at the end."""
    with private_folder() as folder:
        try:
            yield folder
        finally:
            run_bookstore("db", "stop", cwd=folder)


def read_until_serving(process: subprocess.Popen[str]) -> None:
    """Read the standard output of a server until it serves. Raises AssertionError if it ends before."""
    assert process.stdout is not None
    assert any(line.startswith("Serving ") for line in process.stdout)
