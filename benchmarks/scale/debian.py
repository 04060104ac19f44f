"""Packages of Debian in a private folder: downloaded by apt from the archive that the machine uses, not installed."""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

APT_FOLDER = Path("/etc/apt")
OS_RELEASE = Path("/etc/os-release")


class PackageError(Exception):
    """A package cannot be downloaded or unpacked on this machine."""


def extract_packages(folder: Path, packages: Sequence[str], *, suite: str | None = None) -> Path:
    """Download packages and unpack them into `folder`/root, which is returned. Nothing is installed.

    They are those of the machine's own release, or of another `suite` of the same archive.
    """
    downloads, root = folder / "packages", folder / "root"
    downloads.mkdir(parents=True, exist_ok=True)
    configuration = () if suite is None else ("--config-file", configure_apt(folder / "apt", suite))
    if suite is not None:
        run("apt-get", *configuration, "update", cwd=folder)
    run("apt-get", *configuration, "download", *packages, cwd=downloads)
    for package in sorted(downloads.glob("*.deb")):
        run("dpkg-deb", "--extract", package, root, cwd=folder)
    return root


def configure_apt(folder: Path, suite: str) -> Path:
    """Write a configuration of apt whose sources are the machine's, for another suite. Return its path."""
    for name in ("lists/partial", "cache/archives/partial", "sources"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "status").touch()
    for name, text in translate_sources(suite).items():
        (folder / "sources" / name).write_text(text)
    path = folder / "apt.conf"
    path.write_text(
        f'Dir::State "{folder}";\n'
        f'Dir::State::status "{folder}/status";\n'
        f'Dir::Cache "{folder}/cache";\n'
        'Dir::Etc::sourcelist "-";\n'
        f'Dir::Etc::sourceparts "{folder}/sources";\n'
        'APT::Sandbox::User "root";\n'
    )
    return path


def translate_sources(suite: str) -> dict[str, str]:
    """Return the files of apt's sources that name the machine's release, with `suite` in its place."""
    release = re.search(r"^VERSION_CODENAME=(\w+)$", OS_RELEASE.read_text(), re.MULTILINE)
    if release is None:
        raise PackageError(f"{OS_RELEASE} names no release of Debian")
    codename = re.compile(rf"(?<![\w-]){release[1]}(?![\w])")
    files = [
        APT_FOLDER / "sources.list",
        *APT_FOLDER.glob("sources.list.d/*.list"),
        *APT_FOLDER.glob("sources.list.d/*.sources"),
    ]
    texts = {path.name: path.read_text() for path in files if path.exists()}
    return {name: codename.sub(suite, text) for name, text in texts.items() if codename.search(text)}


def run(*command: str | Path, cwd: Path) -> None:
    """Run a command. Raises PackageError with its last line if it fails."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    if done.returncode:
        line = (done.stderr or done.stdout).strip().rpartition("\n")[2]
        raise PackageError(f"{command[0]}: {line}")
