"""Worker processes: each serves, and ends with its parent."""

import asyncio
import multiprocessing
import signal
import socket
import sys
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from types import FrameType

from graphql_api.server.process import ServerProcess
from graphql_api.settings import Settings

SPAWN = multiprocessing.get_context("spawn")
"""A worker starts as a new Python: a replacement runs the code that is installed then."""

READY = b"ready"


class Worker:
    """A worker as its parent sees it. `lifeline` is a pipe that is closed when the parent has ended."""

    def __init__(self, settings: Settings, dsn: str, listener: socket.socket, lifeline: Connection) -> None:
        self.status, status = SPAWN.Pipe(duplex=False)
        self.process = SPAWN.Process(target=run_worker, args=(settings, dsn, listener, lifeline, status))
        self.process.start()
        status.close()
        self.is_ready = False

    @property
    def pid(self) -> int | None:
        return self.process.pid

    @property
    def exit_code(self) -> int | None:
        return self.process.exitcode

    @property
    def is_alive(self) -> bool:
        return self.exit_code is None

    def read_status(self) -> bool:
        """Read what the worker has reported. Return whether it has started to answer requests."""
        with suppress(EOFError):  # it has ended
            self.is_ready = self.is_ready or (self.status.poll() and self.status.recv_bytes() == READY)
        return self.is_ready

    def terminate(self) -> None:
        """Let the worker finish its requests and end."""
        self.process.terminate()

    def join(self, timeout: float) -> None:
        """Wait until the worker has ended. Kill it after `timeout` seconds."""
        if not wait([self.process.sentinel], timeout):
            self.process.kill()
        self.process.join()
        self.status.close()


def run_worker(
    settings: Settings, dsn: str, listener: socket.socket, lifeline: Connection, status: Connection
) -> None:
    """Serve until SIGTERM, or until the parent has ended, even if it was killed."""
    # A terminal sends these to all of its processes. The parent decides on them.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _exit)

    def report_ready() -> None:
        asyncio.get_running_loop().add_reader(lifeline.fileno(), end)
        status.send_bytes(READY)

    def end() -> None:
        asyncio.get_running_loop().remove_reader(lifeline.fileno())
        server.should_exit = True

    server = ServerProcess(settings, dsn, report_ready)
    server.run([listener])


def _exit(number: int, frame: FrameType | None) -> None:
    sys.exit()
