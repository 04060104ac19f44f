"""GraphQL over HTTP passes all audits of graphql-http."""

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
    """Return the Node that npm installs with the audits. The Node that runs npm may be older."""
    if not NODE.exists():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("npm is not installed; it installs graphql-http's audits")
        subprocess.run([npm, "ci", "--no-audit", "--no-fund"], cwd=AUDITS, check=True, capture_output=True)
    if not NODE.exists():
        pytest.skip("npm has no package of Node for this system")
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
