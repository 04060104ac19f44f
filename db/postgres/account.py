"""The system account a server runs as: our own, or an unprivileged one when we are root."""

import os
import pwd
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from db.errors import EmbeddedError

# PostgreSQL refuses to run as root. The first of these that exists serves in its place; none is ever created.
UNPRIVILEGED = ("postgres", "nobody")
# Nothing of the caller's environment reaches a server: PGPORT, PGDATA or a broken LC_ALL would change it.
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


@dataclass(frozen=True, slots=True)
class Account:
    name: str
    uid: int
    gid: int

    @property
    def is_ours(self) -> bool:
        return self.uid == os.geteuid()

    def run(self, *command: str | Path, new_session: bool = False) -> "subprocess.CompletedProcess[str]":
        """Run a command as this account, in the root folder, and hand back what it printed."""
        return subprocess.run(
            command,
            cwd="/",  # our own working folder may be closed to the account
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            start_new_session=new_session,
            user=None if self.is_ours else self.uid,
            group=None if self.is_ours else self.gid,
            extra_groups=None if self.is_ours else [],
        )

    def can_enter(self, folder: Path) -> bool:
        return self.run("/bin/sh", "-c", 'cd -- "$0"', folder).returncode == 0

    def can_run(self, program: Path) -> bool:
        return self.run("/bin/sh", "-c", '"$0" --version', program).returncode == 0

    def own(self, path: Path) -> None:
        """Make the account the owner of something we have just created."""
        if not self.is_ours:
            os.chown(path, self.uid, self.gid)


def account_for(cluster: Path) -> Account:
    """The owner of the cluster; for a new cluster ourselves, or as root the first of UNPRIVILEGED.

    The owner goes first because `postgres` may have been installed after `nobody` created the cluster.
    Raises EmbeddedError for another user's cluster.
    """
    if not cluster.exists():
        return _unprivileged() if os.geteuid() == 0 else _named(os.geteuid(), os.getegid())
    owner = cluster.stat()
    account = _named(owner.st_uid, owner.st_gid)
    if account.uid == 0:
        raise EmbeddedError(
            f"{cluster} belongs to root, as whom PostgreSQL never runs: chown -R it, or remove it"
        )
    if os.geteuid() not in (0, account.uid):
        raise EmbeddedError(
            f"{cluster} belongs to {account.name}: "
            f"run as {account.name} or as root, or choose another data folder"
        )
    return account


def _named(uid: int, gid: int) -> Account:
    name = str(uid)
    with suppress(KeyError):  # a container may run as a number without a name
        name = pwd.getpwuid(uid).pw_name
    return Account(name, uid, gid)


def _unprivileged() -> Account:
    for name in UNPRIVILEGED:
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(name, entry.pw_uid, entry.pw_gid)
    raise EmbeddedError(
        f"PostgreSQL never runs as root, and there is no account {' or '.join(UNPRIVILEGED)}: "
        "run as an ordinary user"
    )
