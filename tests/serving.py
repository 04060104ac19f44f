"""The `bookstore` command as a user runs it: real processes, private folders, free ports."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

from graphql_api.settings import Settings
from tests.waiting import GUARD

BOOKSTORE = Path(sys.executable).with_name("bookstore")
PATIENT = dict.fromkeys(
    ("CONNECTION_WAIT", "COMMAND_TIMEOUT", "REQUEST_TIMEOUT", "SENDER_TIMEOUT", "DRAIN_TIMEOUT"), "600"
)
"""Settings of a server that runs into no time-out, however slow the machine."""


@dataclass(frozen=True)
class Served:
    """A server that answers at `url`; `said` is what it printed until it did."""

    url: str
    said: str
    process: subprocess.Popen[str]
    environment: Mapping[str, str]

    def stop(self) -> str:
        """End it as Ctrl-C does, and answer what it printed since."""
        self.process.send_signal(signal.SIGINT)
        said, _ = self.process.communicate(timeout=GUARD)
        return said


def environment_of(**settings: str) -> dict[str, str]:
    """The environment of this process without settings of ours, and with these."""
    ours = {entry.name.upper() for entry in fields(Settings)}
    inherited = {key: value for key, value in os.environ.items() if key not in ours}
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
    """`bookstore serve` on a free port, up and answering; ended afterwards."""
    environment = environment_of(PORT="0", **settings)
    process = subprocess.Popen(
        [command, "serve", *arguments],
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said = read_until_serving(process)
        yield Served(said.split()[-1], said, process, environment)
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=GUARD)


def read_until_serving(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    said, deadline = "", time.monotonic() + GUARD
    for line in process.stdout:
        said += line
        if line.startswith("Serving "):
            return said
        assert time.monotonic() < deadline, said
    raise AssertionError(f"it ended before it served: {said}")


@contextmanager
def embedded_catalog() -> Generator[Path]:
    """A folder for a server of its own, whose PostgreSQL is stopped afterwards."""
    with private_folder() as folder:
        try:
            yield folder
        finally:
            bookstore("db", "stop", cwd=folder)
