"""A private PostgreSQL to be maltreated."""

import os
import signal
from pathlib import Path

from db import embedded

PROC = Path("/proc")
# It may lose what it likes, but not its way when it is killed.
OPTIONS = {"fsync": "off", "max_connections": "60", "shared_buffers": "32MB"}


class Postgres:
    """The server of a data folder; every method blocks."""

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

    def processes(self) -> list[int]:
        """The postmaster and its children."""
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

    def send(self, number: signal.Signals) -> None:
        """Send a signal to all its processes."""
        for pid in self.processes():
            os.kill(pid, number)

    @property
    def socket(self) -> Path:
        return self.server.socket_folder / ".s.PGSQL.5432"
