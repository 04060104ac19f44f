"""Hot standbys of an embedded PostgreSQL, each a server of a data folder of its own."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from db import embedded
from db.migrations import migrate
from db.postgres.account import account_for
from db.postgres.binaries import find_binaries, reachable_binaries
from db.postgres.cluster import SUPERUSER
from db.postgres.socket_probe import PORT
from tests.serving import private_folder

# Its data may be lost.
OPTIONS = {"fsync": "off", "shared_buffers": "32MB", "wal_receiver_status_interval": "1s"}


def start_standby(
    primary: embedded.Server, data: Path, options: Mapping[str, str] | None = None
) -> embedded.Server:
    """Copy a running primary to a new data folder, and start the copy as its standby."""
    account = account_for(primary.data_folder)
    binaries = reachable_binaries(find_binaries(), account, primary.data_folder.parent)
    data.mkdir()
    account.chown(data)
    cluster = data / primary.data_folder.name
    source = ("-h", primary.socket_folder, "-p", str(PORT), "-U", SUPERUSER)
    copied = account.run(
        binaries.folder / "pg_basebackup", "-D", cluster, "-R", "-X", "stream", "-c", "fast", *source
    )
    assert copied.returncode == 0, copied.stderr
    return embedded.start(data, options={**OPTIONS, **(options or {})})


def promote(standby: embedded.Server) -> None:
    """Promote a standby, and return when it accepts writes."""
    account = account_for(standby.data_folder)
    binaries = reachable_binaries(find_binaries(), account, standby.data_folder.parent)
    promoted = account.run(binaries.folder / "pg_ctl", "promote", "-w", "-D", standby.data_folder)
    assert promoted.returncode == 0, promoted.stderr


@dataclass(frozen=True)
class ReplicatedPostgres:
    """A private, migrated primary and its hot standbys."""

    primary: embedded.Server
    standbys: Sequence[embedded.Server]


@contextmanager
def run_replicated_postgres(standbys: int = 2) -> Generator[ReplicatedPostgres]:
    """Yield a primary and its standbys, which are gone afterwards. Blocks the thread."""
    with private_folder() as folder:
        primary = embedded.start(folder / "primary", options=OPTIONS)
        data = [folder / f"standby-{number}" for number in range(standbys)]
        try:
            migrate(primary.dsn)
            yield ReplicatedPostgres(primary, [start_standby(primary, each) for each in data])
        finally:
            for each in [*data, folder / "primary"]:
                embedded.stop(each)
