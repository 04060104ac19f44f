"""The system account of the server: the current user, or an unprivileged account for root."""

import os
import pwd
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from db.errors import EmbeddedError

# PostgreSQL refuses to run as root. The first existing account of these is used instead; none is created.
FALLBACK_ACCOUNTS = ("postgres", "nobody")
# The server does not inherit the environment: PGPORT, PGDATA or an invalid LC_ALL would change its behaviour.
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


@dataclass(frozen=True, slots=True)
class Account:
    name: str
    uid: int
    gid: int

    @property
    def is_current_user(self) -> bool:
        return self.uid == os.geteuid()

    def run(self, *command: str | Path, new_session: bool = False) -> "subprocess.CompletedProcess[str]":
        """Run a command as this account in the root folder. Return its output."""
        return subprocess.run(
            command,
            cwd="/",  # the account may not be able to enter the current folder
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            start_new_session=new_session,
            user=None if self.is_current_user else self.uid,
            group=None if self.is_current_user else self.gid,
            extra_groups=None if self.is_current_user else [],
        )

    def can_enter(self, folder: Path) -> bool:
        return self.run("/bin/sh", "-c", 'cd -- "$0"', folder).returncode == 0

    def can_run(self, program: Path) -> bool:
        return self.run("/bin/sh", "-c", '"$0" --version', program).returncode == 0

    def chown(self, path: Path) -> None:
        """Make the account the owner of a file or folder that this process created."""
        if not self.is_current_user:
            os.chown(path, self.uid, self.gid)


def account_for(cluster: Path) -> Account:
    """Return the owner of the cluster. For a new cluster, return the current user or root's fallback account.

    The owner takes precedence because `postgres` may have been installed after `nobody` created the cluster.
    Raises EmbeddedError for another user's cluster.
    """
    if not cluster.exists():
        return _fallback_account() if os.geteuid() == 0 else _account_of(os.geteuid(), os.getegid())
    owner = cluster.stat()
    account = _account_of(owner.st_uid, owner.st_gid)
    if account.uid == 0:
        raise EmbeddedError(
            f"{cluster} belongs to root, but PostgreSQL refuses to run as root: chown -R it, or remove it"
        )
    if os.geteuid() not in (0, account.uid):
        raise EmbeddedError(
            f"{cluster} belongs to {account.name}: "
            f"run as {account.name} or as root, or choose another data folder"
        )
    return account


def _account_of(uid: int, gid: int) -> Account:
    name = str(uid)
    with suppress(KeyError):  # a container may run as a uid without a name
        name = pwd.getpwuid(uid).pw_name
    return Account(name, uid, gid)


def _fallback_account() -> Account:
    for name in FALLBACK_ACCOUNTS:
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(name, entry.pw_uid, entry.pw_gid)
    raise EmbeddedError(
        f"PostgreSQL refuses to run as root, and there is no account {' or '.join(FALLBACK_ACCOUNTS)}: "
        "run as an ordinary user"
    )
