"""A cluster's folder: its name and place, its creation, its socket, its size."""

import errno
import hashlib
import os
import re
import shutil
from contextlib import suppress
from itertools import count
from pathlib import Path
from tempfile import mkdtemp

from db.errors import EmbeddedError
from db.postgres.account import Account, account_for
from db.postgres.binaries import Binaries

SUPERUSER = "app"
LONGEST_PATH = 900  # PostgreSQL cuts its paths off at 1,024 bytes, and adds to ours
# Where clusters go that the server's account could not reach in their data folders.
STATE = Path("/var/lib/bookstore")


def open_data_folder(data: Path) -> None:
    if data.is_dir():
        return
    data.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:  # whatever the umask: another account runs the server
        data.chmod(0o755)


def clusters_of(data: Path) -> list[Path]:
    """The clusters of a data folder by rising major version, links followed. Refuses another user's."""
    links = [link for link in data.glob("postgresql-*") if re.fullmatch(r"postgresql-\d+", link.name)]
    found = [link for link in sorted(links, key=major_of) if account_for(link) and link.exists()]
    return [link.resolve() for link in found]


def major_of(cluster: Path) -> int:
    return int(cluster.name.removeprefix("postgresql-"))


def place_for(link: Path, account: Account) -> Path:
    """Where the cluster of that name is or shall be: in STATE if the data folder is closed to the account."""
    if link.exists():
        return link.resolve()
    if link.is_symlink():
        raise EmbeddedError(
            f"{link} points to {link.readlink()}, which is missing: "
            "bring that back, or remove the link to begin with an empty catalog"
        )
    if len(os.fsencode(link)) > LONGEST_PATH:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), str(link))
    if account.can_enter(link.parent):
        return link
    digest = hashlib.sha256(os.fsencode(link.parent)).hexdigest()[:12]
    # A cluster that is there already belonged to a data folder since deleted: not ours to touch or to use.
    place = next(place for n in count() if not ((place := STATE / f"{digest}-{n}") / link.name).exists())
    for folder in (STATE, place):
        with suppress(FileExistsError):
            folder.mkdir(parents=True)
            folder.chmod(0o755)
    (place / "README").write_text(f"The cluster of {link.parent}, which {account.name} cannot reach.\n")
    return place / link.name


def require_major(cluster: Path, data: Path, binaries: Binaries) -> None:
    """Raise EmbeddedError if the data folder's catalog is of another major version than the programs."""
    if cluster.exists():
        if not (cluster / "PG_VERSION").exists():
            raise EmbeddedError(
                f"{cluster} is not a PostgreSQL cluster: move it away, or choose another data folder"
            )
        version = (cluster / "PG_VERSION").read_text().strip()
    elif others := clusters_of(data):
        cluster, version = others[-1], str(major_of(others[-1]))
    else:
        return
    if version != str(binaries.major):
        raise EmbeddedError(
            f"{cluster} is of PostgreSQL {version}, but the programs in {binaries.folder} are "
            f"{binaries.version}: set POSTGRES_BIN to the bin folder of PostgreSQL {version} to keep it, "
            "or pg_dump it with that, move it away and restore"
        )


def create_cluster(cluster: Path, binaries: Binaries, account: Account, *, durable: bool) -> None:
    """Make a cluster aside and rename it when whole, so that a killed initdb leaves nothing half made."""
    partial = Path(mkdtemp(prefix=f"{cluster.name}.", suffix=".partial", dir=cluster.parent))
    try:
        account.own(partial)
        options = ["-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--data-checksums", "--locale=C.UTF-8"]
        options += ["--locale-provider=builtin"] if binaries.major >= 17 else []
        options += [] if durable else ["--no-sync"]
        made = account.run(binaries.folder / "initdb", "-D", partial, *options)
        if made.returncode:
            raise EmbeddedError(f"{cluster} cannot be created: {telling_line(made.stderr)}")
        partial.rename(cluster)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Remove what a process left that was killed while it made something."""
    for leftover in (*folder.glob("postgresql-*.partial"), *folder.glob("binaries-*.partial")):
        shutil.rmtree(
            leftover, ignore_errors=True
        )  # an orphaned initdb may still be writing: next time, then


def telling_line(output: str) -> str:
    """The line that says why a program of PostgreSQL failed, without its time and process number.

    It is the first grave one: others follow from it. Refused log-ins, such as ours while we wait, are none.
    """
    lines = [line for line in output.splitlines() if line.strip()] or ["it gives no reason"]
    grave = re.compile(r"^.*?(?:FATAL|PANIC|error):\s*(?!\s|the database system is)(.+)")
    return next((found[1] for line in lines if (found := grave.match(line))), lines[-1].strip())


def socket_folder_of(cluster: Path) -> Path:
    """The cluster itself: private, and no cleaner sweeps it. Where its path is too long for a socket, or has
    a character that PostgreSQL or a driver takes for a separator: a folder in /tmp with its digest.
    """
    if re.fullmatch(r"/[\w./ @~+-]{1,88}", str(cluster), re.ASCII):
        return cluster
    return Path("/tmp", f"bookstore-{hashlib.sha256(os.fsencode(cluster)).hexdigest()[:16]}")  # noqa: S108


def open_socket_folder(folder: Path, account: Account) -> None:
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        account.own(folder)
    found = folder.lstat()
    if folder.is_symlink() or not folder.is_dir() or found.st_uid != account.uid or found.st_mode & 0o077:
        raise EmbeddedError(
            f"{folder}, where the socket goes, is not a private folder of {account.name}: remove it"
        )


def size_of(cluster: Path) -> int:
    """Bytes on disk."""
    size = 0
    for folder, _, names in os.walk(cluster):
        for name in names:
            with suppress(FileNotFoundError):  # a living server removes files
                size += Path(folder, name).lstat().st_blocks * 512
    return size
