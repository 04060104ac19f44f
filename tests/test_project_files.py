"""The files beside the code name the same commands and Python versions."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
WORKFLOW = (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8")
FILES_WITH_COMMANDS = [
    ".ci/run",
    ".github/workflows/ci.yml",
    ".pre-commit-config.yaml",
    "CONTRIBUTING.md",
    "README.md",
    *(str(path.relative_to(ROOT)) for path in sorted((ROOT / "docs").glob("*.md"))),
]


def test_the_workflow_tests_each_python_version_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    prefix = "Programming Language :: Python :: "
    versions = [each.removeprefix(prefix) for each in project["classifiers"] if each.startswith(prefix)]

    assert re.findall(r'"(3\.\d+)"', WORKFLOW) == versions
    assert project["requires-python"] == f">={versions[0]}"


@pytest.mark.parametrize("file", FILES_WITH_COMMANDS)
def test_each_make_command_exists(file: str) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    text = (ROOT / file).read_text(encoding="utf-8")
    commands = re.findall(r"(?:`|^|run: |entry: )make ([a-z-]+)", text, re.M)

    assert [command for command in commands if command not in targets] == []


def test_each_nightly_target_exists() -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    [nightly] = re.findall(r"target: \[(.*)\]", WORKFLOW)

    assert {*nightly.split(", ")} <= {*targets}
