"""A private PostgreSQL server to inject faults into."""

import os
import signal
from pathlib import Path

from db import embedded

PROC = Path("/proc")
# Its data may be lost. The limit on connections is low, so that a test can reach it.
OPTIONS = {"fsync": "off", "max_connections": "60", "shared_buffers": "32MB"}


class Postgres:
    """The server of a data folder. Every method blocks the thread."""

    def __init__(self, data: Path) -> None:
        self.data = data

    def start(self) -> embedded.Server:
        self.server = embedded.start(self.data, options=OPTIONS)
        return self.server

    def stop(self) -> None:
        embedded.stop(self.data)

    @property
    def pid(self) -> int:
        [status] = embedded.status(self.data)
        assert status.pid is not None
        return status.pid

    def process_ids(self) -> list[int]:
        """Return the ids of the postmaster and its children."""
        postmaster = self.pid
        children = []
        for process in PROC.glob("[0-9]*"):
            try:
                parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
            if parent == postmaster:
                children.append(int(process.name))
        return [postmaster, *children]

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to all processes of the server."""
        for pid in self.process_ids():
            os.kill(pid, number)

    @property
    def socket(self) -> Path:
        return self.server.socket_folder / ".s.PGSQL.5432"
