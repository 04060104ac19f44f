"""Worker processes: each serves, and ends with its parent."""

import asyncio
import logging
import multiprocessing
import signal
import socket
import sys
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from types import FrameType

from db.connections.connect import connect
from db.errors import DatabaseError
from db.revision import require_head
from graphql_api.execution.manifests import ManifestError
from graphql_api.server.process import ServerProcess
from graphql_api.settings import Settings

logger = logging.getLogger("bookstore.worker")

SPAWN = multiprocessing.get_context("spawn")
"""A worker starts as a new Python: a replacement runs the code that is installed then."""

READY = b"ready"


class Worker:
    """A worker as its parent sees it. `lifeline` is a pipe that is closed when the parent has ended.

    With `requires_database` it does not start while its database is not reachable or not migrated: it is to
    replace one that answers requests. Otherwise it answers them with 503 meanwhile.
    """

    def __init__(
        self,
        settings: Settings,
        dsn: str,
        listener: socket.socket,
        lifeline: Connection,
        *,
        requires_database: bool = False,
    ) -> None:
        self.status, status = SPAWN.Pipe(duplex=False)
        self.process = SPAWN.Process(
            target=run_worker, args=(settings, dsn, listener, lifeline, status, requires_database)
        )
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
    settings: Settings,
    dsn: str,
    listener: socket.socket,
    lifeline: Connection,
    status: Connection,
    requires_database: bool,
) -> None:
    """Serve until SIGTERM, or until the parent has ended, even if it was killed.

    Raise SystemExit if the database is required and cannot be used, or a manifest cannot be used.
    """
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
    if requires_database:
        try:
            asyncio.run(_check_database(dsn))
        except DatabaseError as error:
            logger.error("a new worker cannot use its database: %s", error)
            raise SystemExit(1) from error
    try:
        server.run([listener])
    except ManifestError as error:
        logger.error("%s", error)
        raise SystemExit(1) from error


async def _check_database(dsn: str) -> None:
    """Raise DatabaseError if the database is not reachable or not migrated."""
    connection = await connect(dsn, application_name="bookstore worker")
    try:
        await require_head(connection)
    finally:
        connection.terminate()


def _exit(number: int, frame: FrameType | None) -> None:
    sys.exit()
