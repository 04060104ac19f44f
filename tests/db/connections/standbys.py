"""A primary and its hot standby: two servers of the wheel, for the tests of roles and of failover."""

import signal
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from db.postgres.account import account_for
from db.postgres.binaries import find_binaries, reachable_binaries
from tests.faults.postgres import Postgres
from tests.serving import private_folder


@dataclass(frozen=True)
class Pair:
    """A primary and a standby that streams from it."""

    primary: Postgres
    standby: Postgres

    def dsn(self, *servers: Postgres, attribute: str) -> str:
        """Return the address of the servers, in this order, that asks for a role."""
        folders = ",".join(str(server.server.socket_folder) for server in servers)
        return f"postgresql://app@/bookstore?host={folders}&target_session_attrs={attribute}"


@contextmanager
def run_pair() -> Generator[Pair]:
    """Run a primary with an empty database and a standby within the block."""
    with private_folder() as primary_folder, private_folder() as standby_folder:
        primary, standby = Postgres(primary_folder), Postgres(standby_folder)
        primary.start()
        try:
            copy_cluster(primary, standby)
            standby.start()
            yield Pair(primary, standby)
        finally:
            for server in (standby, primary):
                if (server.data / "postgresql-18").exists():
                    server.stop()


def copy_cluster(primary: Postgres, standby: Postgres) -> None:
    """Copy the cluster of the primary to the standby, which streams from it when it is started."""
    source = primary.server.data_folder
    account = account_for(source)
    binaries = reachable_binaries(find_binaries(), account, source.parent)
    account.chown(standby.data)
    target = standby.data / source.name
    copying = account.run(
        binaries.folder / "pg_basebackup",
        *("--pgdata", target, "--write-recovery-conf", "--checkpoint", "fast", "--no-sync"),
        *("--dbname", f"user=app host={primary.server.socket_folder} port=5432"),
    )
    assert copying.returncode == 0, copying.stderr
    (target / ".s.PGSQL.5432.lock").unlink()  # it names the primary's process


def kill(server: Postgres) -> None:
    """Kill every process of the server."""
    server.send_signal(signal.SIGKILL)
