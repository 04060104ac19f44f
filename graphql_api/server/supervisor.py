"""The supervisor: a parent process that keeps workers running and replaces them."""

import logging
import signal
import socket
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from types import FrameType

from graphql_api.server.terminal import Terminal
from graphql_api.server.worker import SPAWN, Worker
from graphql_api.settings import Settings

logger = logging.getLogger("bookstore.supervisor")

START_TIMEOUT = 60.0
"""Maximum seconds until a new worker answers requests."""

EXIT_TIMEOUT = 10.0
"""Seconds after DRAIN_TIMEOUT until a worker that has not ended is killed."""

RESTART_DELAY = 1.0
"""Seconds until a worker that did not start is started again."""


class WorkerSupervisor:
    """Keeps `settings.workers` processes running, which share a listener.

    SIGHUP replaces each by a new one, which answers before the old one ends. SIGTERM and SIGINT end all.
    """

    def __init__(self, settings: Settings, dsn: str, listener: socket.socket) -> None:
        self.workers: list[Worker] = []
        self.must_replace = False
        self._terminal = Terminal()
        self._settings = settings
        self._dsn = dsn
        self._listener = listener
        # Workers end when this pipe's write end is closed. The parent alone has it: its death closes it, too.
        self._lifeline, self._lifeline_writer = SPAWN.Pipe(duplex=False)
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._is_stopping = False
        self._restarts_at = 0.0

    def start_replacement(self) -> Worker:
        """Start a worker that ends unless it can use its database, and add it to the workers."""
        worker = Worker(self._settings, self._dsn, self._listener, self._lifeline, requires_database=True)
        self.workers.append(worker)
        return worker

    def run(self, on_start: Callable[[], None]) -> None:
        """Supervise until a signal ends it. `on_start` is called once all workers answer requests.

        Raise SystemExit if one of the first workers does not start.
        """
        with self._handle_signals():
            try:
                self._start_workers()
                if all(self._wait_until_ready(worker) for worker in self.workers):
                    on_start()
                elif not self._is_stopping:
                    logger.error("a worker did not start")
                    raise SystemExit(1)
                while not self._is_stopping:
                    if self.must_replace:
                        self._replace_workers()
                    else:
                        self._supervise()
            finally:
                self.stop()

    def stop(self) -> None:
        """End all workers when they have finished their requests."""
        # While the parent listens, connections are made that no worker will accept.
        self._listener.close()
        for worker in self.workers:
            worker.terminate()
        deadline = self._exit_deadline()
        for worker in self.workers:
            worker.join(deadline - time.monotonic())
        self.workers.clear()
        self._lifeline_writer.close()

    def _supervise(self) -> None:
        """Restart workers, and wait for the next signal or death."""
        self._restart_workers()
        is_missing = len(self.workers) < self._settings.workers
        timeout = max(0.0, self._restarts_at - time.monotonic()) if is_missing else None
        self._wait(timeout, *[worker.process.sentinel for worker in self.workers])

    def _start_workers(self) -> None:
        while len(self.workers) < self._settings.workers:
            self.workers.append(Worker(self._settings, self._dsn, self._listener, self._lifeline))

    def _restart_workers(self) -> None:
        """Start a worker in place of each that has died."""
        for worker in tuple(self.workers):
            if not worker.is_alive:
                if not worker.read_status():
                    self._restarts_at = time.monotonic() + RESTART_DELAY
                logger.error("worker %d has ended with %d; it is started again", worker.pid, worker.exit_code)
                self._remove(worker)
        if time.monotonic() >= self._restarts_at:
            self._start_workers()

    def _replace_workers(self) -> None:
        """Replace the workers one after the other. If one does not start, the rest are kept."""
        self.must_replace = False
        for old in tuple(self.workers):
            new = self.start_replacement()
            if not self._wait_until_ready(new):
                if not self._is_stopping:
                    logger.error("a new worker did not start; the old one is kept")
                    self._remove(new)
                return
            old.terminate()
            self._wait_until_ended(old)
            if self._is_stopping:
                return
            self._remove(old)

    def _remove(self, worker: Worker) -> None:
        self.workers.remove(worker)
        worker.join(0)

    def _wait_until_ready(self, worker: Worker) -> bool:
        """Return False if the worker ends or takes too long before it answers, or if all are to end."""
        deadline = time.monotonic() + START_TIMEOUT
        while not worker.read_status():
            timeout = deadline - time.monotonic()
            if self._is_stopping or not worker.is_alive or timeout <= 0:
                return False
            self._wait(timeout, worker.status, worker.process.sentinel)
        return True

    def _wait_until_ended(self, worker: Worker) -> None:
        deadline = self._exit_deadline()
        while worker.is_alive and not self._is_stopping and (timeout := deadline - time.monotonic()) > 0:
            self._wait(timeout, worker.process.sentinel)

    def _exit_deadline(self) -> float:
        return time.monotonic() + self._settings.drain_timeout + EXIT_TIMEOUT

    def _wait(self, timeout: float | None, *events: Connection | int) -> None:
        """Wait for a signal or one of these events."""
        if self._wake_reader in wait([self._wake_reader, *events], timeout):
            self._wake_reader.recv(4_096)

    @contextmanager
    def _handle_signals(self) -> Generator[None]:
        self._wake_writer.setblocking(False)
        wakeup = signal.set_wakeup_fd(self._wake_writer.fileno(), warn_on_full_buffer=False)
        signals = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        handlers = {number: signal.signal(number, self._handle_signal) for number in signals}
        try:
            yield
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(wakeup)

    def _handle_signal(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGHUP and not self._terminal.is_closed:
            self.must_replace = True
        else:
            self._is_stopping = True
