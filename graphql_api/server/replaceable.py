"""Serving in one process, until a worker replaces it."""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable
from types import FrameType

from graphql_api.server.process import ServerProcess
from graphql_api.server.supervisor import WorkerSupervisor
from graphql_api.server.terminal import Terminal
from graphql_api.server.worker import Worker
from graphql_api.settings import Settings

logger = logging.getLogger("bookstore.server")


class ReplaceableServer:
    """Serves in this process, which is enough as long as no SIGHUP comes.

    SIGHUP starts a worker. Once that answers, this process finishes its requests, and becomes the worker's
    supervisor: its id stays the same.
    """

    def __init__(
        self, settings: Settings, dsn: str, listener: socket.socket, on_start: Callable[[], None]
    ) -> None:
        self._settings = settings
        self._dsn = dsn
        self._listener = listener
        self._on_start = on_start
        self._server = ServerProcess(settings, dsn, self._start)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._supervisor: WorkerSupervisor | None = None
        self._terminal = Terminal()

    def run(self) -> None:
        signal.signal(signal.SIGHUP, self._handle_hangup)
        try:
            self._server.run([self._listener])
            if self._supervisor:
                self._supervisor.run(lambda: None)
        finally:
            if self._supervisor:
                self._supervisor.stop()

    def _start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_start()

    def _handle_hangup(self, number: int, frame: FrameType | None) -> None:
        if self._terminal.is_closed:
            signal.raise_signal(signal.SIGTERM)
        elif self._loop and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._replace)

    def _replace(self) -> None:
        """Start a worker. If one starts already, it is replaced in turn."""
        if self._supervisor:
            self._supervisor.must_replace = True
        elif self._loop:
            self._supervisor = WorkerSupervisor(self._settings, self._dsn, self._listener.dup())
            worker = self._supervisor.start_replacement()
            self._loop.add_reader(worker.status.fileno(), self._finish_replacement, worker)

    def _finish_replacement(self, worker: Worker) -> None:
        """End this server, if the worker answers requests."""
        if self._loop and self._supervisor:
            self._loop.remove_reader(worker.status.fileno())
            if worker.read_status():
                self._server.should_exit = True
            else:
                logger.error("a new worker did not start; the old one is kept")
                self._supervisor.stop()
                self._supervisor = None
