"""Print the packages of the lock files that have newer versions. This informs: it never fails."""

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
LOCKS = ("requirements.lock", "tests/requirements.lock")


def find_newer_versions(environment: Mapping[str, str]) -> dict[str, str] | None:
    """Return the newest version of each installed package that is not up to date.

    Return None if no package registry can be reached.
    """
    listing = subprocess.run(
        [
            sys.executable,
            "-m",
            "uv",
            "pip",
            "list",
            "--outdated",
            "--format",
            "json",
            "--python",
            sys.executable,
        ],
        env={**environment, "UV_NO_CONFIG": "1"},
        check=False,
        capture_output=True,
        text=True,
    )
    if listing.returncode:
        return None
    return {package["name"]: package["latest_version"] for package in json.loads(listing.stdout)}


def locked_versions() -> dict[str, str]:
    """Return the version of each package in the lock files."""
    texts = [(ROOT / lock).read_text(encoding="utf-8") for lock in LOCKS]
    return dict(re.findall(r"^([\w.-]+)==([\w.+!-]+)", "".join(texts), re.M))


def upper_bounds() -> dict[str, str]:
    """Return the bounds in pyproject.toml that end below a version, by package."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    requirements = map(Requirement, project["dependencies"])
    return {each.name: str(each.specifier) for each in requirements if "<" in str(each.specifier)}


def describe(newer: Mapping[str, str] | None, locked: Mapping[str, str], bounds: Mapping[str, str]) -> str:
    """Return what to print about the newest versions."""
    if newer is None:
        return "Newer versions were not looked up: no package registry can be reached."
    lines = [
        f"  {name} {locked[name]} -> {version}"
        + (f" (pyproject.toml allows {bounds[name]})" if name in bounds else "")
        for name, version in newer.items()
        if name in locked
    ]
    if not lines:
        return "All locked packages have their newest version."
    return "\n".join([f"{len(lines)} locked packages have newer versions; `make lock` takes them:", *lines])


if __name__ == "__main__":
    print(describe(find_newer_versions(os.environ), locked_versions(), upper_bounds()))  # noqa: T201
