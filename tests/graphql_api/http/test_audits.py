"""GraphQL over HTTP as graphql-http audits it: every one of its audits passes."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.serving import Served

AUDITS = Path(__file__).parent / "audits"
NODE = AUDITS / "node_modules" / ".bin" / "node"


@pytest.fixture(scope="module")
def node() -> Path:
    """Node with the audits, installed as the lock file says: what runs npm may be older."""
    if not NODE.exists():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("npm is not installed, which brings graphql-http's audits")
        subprocess.run([npm, "ci", "--no-audit", "--no-fund"], cwd=AUDITS, check=True, capture_output=True)
    if not NODE.exists():
        pytest.skip("there is no Node for this system among npm's packages")
    return NODE


def test_all_audits_pass(node: Path, app_server: Served) -> None:
    run = subprocess.run(
        [node, "audits.mjs", app_server.url],
        cwd=AUDITS,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )

    results = json.loads(run.stdout)

    assert [result for result in results if result["status"] != "ok"] == []
    assert len(results) == 61
