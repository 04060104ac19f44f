"""GraphQL over HTTP passes all audits of graphql-http."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.serving import BookstoreProcess
from tests.waiting import GUARD

AUDITS = Path(__file__).parent / "audits"
NODE = AUDITS / "node_modules" / ".bin" / "node"


@pytest.fixture(scope="module")
def node() -> Path:
    """Node with the audits, installed by `make audits`: the Node that runs npm may be older."""
    if not NODE.exists():
        pytest.skip("graphql-http's audits are not installed: npm and the network, then `make audits`")
    return NODE


def test_all_audits_pass(node: Path, app_server: BookstoreProcess) -> None:
    run = subprocess.run(
        [node, "audits.mjs", app_server.url],
        cwd=AUDITS,
        check=True,
        capture_output=True,
        text=True,
        timeout=GUARD,
    )

    results = json.loads(run.stdout)

    assert [result for result in results if result["status"] != "ok"] == []
    assert len(results) == 61
