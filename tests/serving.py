"""The `bookstore` command as a user runs it: real processes, private folders, free ports."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
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
"""Settings of a server that runs into no time-out, however slow the machine."""


class Served:
    """`bookstore serve` in a process of its own; everything that it prints is read."""

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
        """Return when it answers; `said` is what it printed until then. Raises AssertionError if it ends."""
        wait_until(lambda: self._serving_line() or not self._reading.is_alive())
        line = self._serving_line()
        assert line, f"it ended before it served: {self.lines}"
        self.said = "".join(self.lines[: self.lines.index(line) + 1])
        self.url = line.split()[-1]

    def _serving_line(self) -> str | None:
        return next((line for line in self.lines if line.startswith("Serving ")), None)

    def wait_for_line(self, text: str) -> str:
        """Return the first line printed since it answers that contains the text, once there is one."""
        return wait_until(lambda: next((line for line in self.printed().splitlines() if text in line), ""))

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 80

    def printed(self) -> str:
        """What it has printed since it answers."""
        return "".join(self.lines).removeprefix(self.said)

    def stop(self) -> str:
        """End it as Ctrl-C does, and return what it printed since it answered."""
        self.process.send_signal(signal.SIGINT)
        self.wait()
        return self.printed()

    def wait(self) -> None:
        """Return when it has ended and everything that it printed is read."""
        self.process.wait(GUARD)
        self._reading.join(GUARD)


def environment_of(**settings: str) -> dict[str, str]:
    """Return this process's environment without settings and PG* variables, and with the given settings."""
    ours = {entry.name.upper() for entry in fields(Settings)}
    inherited = {key: value for key, value in os.environ.items() if key not in ours and key[:2] != "PG"}
    return inherited | {"PYTHONUNBUFFERED": "1", "COLUMNS": "200", **settings}


def bookstore(*arguments: str, cwd: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [BOOKSTORE, *arguments],
        cwd=cwd,
        env=environment_of(**settings),
        capture_output=True,
        text=True,
        timeout=GUARD * 3,
        check=False,
    )


@contextmanager
def private_folder() -> Generator[Path]:
    """A folder in memory, where there is such a thing, that every account can reach."""
    memory = Path("/dev/shm")  # noqa: S108 - a private folder is made in it
    folder = Path(tempfile.mkdtemp(prefix="bookstore-", dir=memory if memory.is_dir() else None))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@contextmanager
def serving(
    cwd: Path, command: Path = BOOKSTORE, arguments: Sequence[str] = (), /, **settings: str
) -> Generator[Served]:
    """`bookstore serve` on a free port, up and answering, patient but for the settings; ended afterwards."""
    patient = {key.upper(): str(value) for key, value in PATIENT.items()}
    environment = environment_of(PORT="0", **patient | settings)
    served = Served([command, "serve", *arguments], cwd, environment)
    try:
        served.wait_until_serving()
        yield served
    finally:
        if served.process.poll() is None:
            served.process.terminate()
        served.wait()


@contextmanager
def embedded_catalog() -> Generator[Path]:
    """A folder for a server of its own, whose PostgreSQL is stopped afterwards."""
    with private_folder() as folder:
        try:
            yield folder
        finally:
            bookstore("db", "stop", cwd=folder)


def read_until_serving(process: subprocess.Popen[str]) -> None:
    """Read the standard output of a server until it answers. Raises AssertionError if it ends before."""
    assert process.stdout is not None
    assert any(line.startswith("Serving ") for line in process.stdout)
