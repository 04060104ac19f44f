"""A private PostgreSQL on disk for one run of a benchmark, with as many hot standbys as it needs."""

import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from db import embedded
from db.migrations import migrate
from tests.standbys import start_standby

SEED = 1


@dataclass(frozen=True, slots=True)
class PrivatePostgres:
    """A migrated primary and the standbys that were added. All of them are gone after the run."""

    folder: Path
    primary: embedded.Server
    options: Mapping[str, str]
    standbys: list[embedded.Server] = field(default_factory=list[embedded.Server])

    def add_standby(self) -> embedded.Server:
        """Copy the primary, and start the copy as its hot standby."""
        data = self.folder / f"standby-{len(self.standbys) + 1}"
        self.standbys.append(start_standby(self.primary, data, self.options))
        return self.standbys[-1]


@contextmanager
def run_private_postgres(options: Mapping[str, str]) -> Generator[PrivatePostgres]:
    """Yield a primary with an empty catalog."""
    with tempfile.TemporaryDirectory(prefix="bookstore-scale-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL has an account of its own
        try:
            primary = embedded.start(folder / "primary", options=options)
            migrate(primary.dsn)
            yield PrivatePostgres(folder, primary, options)
        finally:
            for data in sorted(folder.glob("standby-*")):
                embedded.stop(data)
            embedded.stop(folder / "primary")


def postmaster_of(server: embedded.Server) -> int:
    """Return the id of the main process of a running server."""
    return int((server.data_folder / "postmaster.pid").read_text().split()[0])
