"""The folder of a cluster: its path, creation, socket folder and size."""

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
_MAX_PATH_BYTES = 900  # PostgreSQL truncates paths at 1,024 bytes, and appends file names to this one
# Parent folder of clusters that the server's account could not reach in the data folder.
FALLBACK_ROOT = Path("/var/lib/bookstore")


def ensure_data_folder(data: Path) -> None:
    if data.is_dir():
        return
    data.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:  # regardless of the umask: the server runs as another account
        data.chmod(0o755)


def clusters_in(data: Path) -> list[Path]:
    """Return the clusters of a data folder by ascending major version, links resolved.

    Raises EmbeddedError for another user's cluster.
    """
    links = [link for link in data.glob("postgresql-*") if re.fullmatch(r"postgresql-\d+", link.name)]
    own_links = [link for link in sorted(links, key=major_of) if account_for(link) and link.exists()]
    return [link.resolve() for link in own_links]


def major_of(cluster: Path) -> int:
    return int(cluster.name.removeprefix("postgresql-"))


def cluster_path(link: Path, account: Account) -> Path:
    """Return the path of the cluster: in FALLBACK_ROOT if the account cannot enter the data folder."""
    if link.exists():
        return link.resolve()
    if link.is_symlink():
        raise EmbeddedError(
            f"{link} points to {link.readlink()}, which is missing: "
            "restore that folder, or remove the link to start with an empty catalog"
        )
    if len(os.fsencode(link)) > _MAX_PATH_BYTES:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), str(link))
    if account.can_enter(link.parent):
        return link
    digest = hashlib.sha256(os.fsencode(link.parent)).hexdigest()[:12]
    # An existing cluster belonged to a deleted data folder, so it must not be reused.
    parent = next(
        parent for n in count() if not ((parent := FALLBACK_ROOT / f"{digest}-{n}") / link.name).exists()
    )
    for folder in (FALLBACK_ROOT, parent):
        with suppress(FileExistsError):
            folder.mkdir(parents=True)
            folder.chmod(0o755)
    (parent / "README").write_text(f"The cluster of {link.parent}, which {account.name} cannot reach.\n")
    return parent / link.name


def require_same_major(cluster: Path, data: Path, binaries: Binaries) -> None:
    """Raise EmbeddedError if the cluster and the programs have different major versions."""
    if cluster.exists():
        if not (cluster / "PG_VERSION").exists():
            raise EmbeddedError(
                f"{cluster} is not a PostgreSQL cluster: move it away, or choose another data folder"
            )
        version = (cluster / "PG_VERSION").read_text().strip()
    elif others := clusters_in(data):
        cluster, version = others[-1], str(major_of(others[-1]))
    else:
        return
    if version != str(binaries.major):
        raise EmbeddedError(
            f"{cluster} was created by PostgreSQL {version}, but the programs in {binaries.folder} are "
            f"{binaries.version}: set POSTGRES_BIN to the bin folder of PostgreSQL {version} to keep it, "
            "or pg_dump it with that, move it away and restore"
        )


def create_cluster(cluster: Path, binaries: Binaries, account: Account, *, durable: bool) -> None:
    """Create a cluster under a temporary name, then rename it, so a killed initdb leaves no partial one."""
    partial = Path(mkdtemp(prefix=f"{cluster.name}.", suffix=".partial", dir=cluster.parent))
    try:
        account.chown(partial)
        options = ["-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--data-checksums", "--locale=C.UTF-8"]
        options += ["--locale-provider=builtin"] if binaries.major >= 17 else []
        options += [] if durable else ["--no-sync"]
        initdb = account.run(binaries.folder / "initdb", "-D", partial, *options)
        if initdb.returncode:
            raise EmbeddedError(f"{cluster} cannot be created: {root_cause_line(initdb.stderr)}")
        partial.rename(cluster)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def remove_partial_clusters(folder: Path) -> None:
    """Remove incomplete clusters and copies of programs, left by killed processes."""
    for leftover in (*folder.glob("postgresql-*.partial"), *folder.glob("binaries-*.partial")):
        shutil.rmtree(
            leftover, ignore_errors=True
        )  # an orphaned initdb may still be writing: next time, then


def root_cause_line(output: str) -> str:
    """Return the line with the cause of a PostgreSQL program's failure, without its time and process id.

    It is the first line with FATAL, PANIC or error, because later errors follow from it. Rejected logins are
    skipped: the probe causes them while the server starts.
    """
    lines = [line for line in output.splitlines() if line.strip()] or ["no error message"]
    grave = re.compile(r"^.*?(?:FATAL|PANIC|error):\s*(?!\s|the database system is)(.+)")
    return next((found[1] for line in lines if (found := grave.match(line))), lines[-1].strip())


def socket_folder_of(cluster: Path) -> Path:
    """Return the folder of the server's socket.

    Usually it is the cluster's folder: that is private, and no cleanup of temporary files removes it. It is a
    folder in /tmp with a digest of the path if that path is too long for a socket, or if it contains a
    character that PostgreSQL or a driver treats as a separator.
    """
    if re.fullmatch(r"/[\w./ @~+-]{1,88}", str(cluster), re.ASCII):
        return cluster
    return Path("/tmp", f"bookstore-{hashlib.sha256(os.fsencode(cluster)).hexdigest()[:16]}")  # noqa: S108


def ensure_socket_folder(folder: Path, account: Account) -> None:
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        account.chown(folder)
    status = folder.lstat()
    if folder.is_symlink() or not folder.is_dir() or status.st_uid != account.uid or status.st_mode & 0o077:
        raise EmbeddedError(
            f"{folder}, the folder of the socket, is not a private folder of {account.name}: remove it"
        )


def size_on_disk(cluster: Path) -> int:
    """Return the size of the cluster in bytes on disk."""
    size = 0
    for folder, _, names in os.walk(cluster):
        for name in names:
            with suppress(FileNotFoundError):  # a running server removes files
                size += Path(folder, name).lstat().st_blocks * 512
    return size
