"""`make check` names the packages that have newer versions, and passes where it cannot know."""

import os
from importlib.metadata import version
from pathlib import Path

from tests.newer_versions import describe, find_newer_versions, locked_versions, upper_bounds


def test_newer_versions_are_printed_with_the_bounds_that_hold_them_back() -> None:
    locked = {"click": "8.5.1", "rich": "15.0.0", "uvicorn": "0.54.0"}
    newer = {"click": "8.6", "setuptools": "84.2", "uvicorn": "0.60.1"}

    assert describe(newer, locked, {"uvicorn": ">=0.54,<0.55"}).splitlines() == [
        "2 locked packages have newer versions; `make lock` takes them:",
        "  click 8.5.1 -> 8.6",
        "  uvicorn 0.54.0 -> 0.60.1 (pyproject.toml allows >=0.54,<0.55)",
    ]
    assert describe({}, locked, {}) == "All locked packages have their newest version."


def test_without_a_registry_one_line_says_so(tmp_path: Path) -> None:
    nowhere = {f"{scheme}_PROXY": "http://127.0.0.1:9" for scheme in ("HTTP", "HTTPS", "ALL")}
    newer = find_newer_versions(
        {**os.environ, **nowhere, "UV_CACHE_DIR": str(tmp_path), "UV_HTTP_RETRIES": "0"}
    )

    assert newer is None
    assert describe(newer, {}, {}) == "Newer versions were not looked up: no package registry can be reached."


def test_the_lock_files_and_the_bounds_are_read() -> None:
    assert locked_versions()["graphql-core"] == version("graphql-core")
    assert locked_versions()["pytest"] == version("pytest")
    assert sorted(upper_bounds()) == [
        "aiodataloader",
        "asyncpg",
        "graphql-core",
        "starlette",
        "strawberry-graphql",
        "uvicorn",
    ]
