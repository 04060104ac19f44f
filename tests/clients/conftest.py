"""A live server, and the Node that runs the clients of `examples/clients` against it."""

import os
import subprocess
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from tests.graphql_api.http.test_audits import NODE
from tests.serving import BookstoreProcess, run_server
from tests.waiting import GUARD

TESTS = Path(__file__).parent
EXAMPLES = TESTS.parents[1] / "examples" / "clients"
MANIFESTS = (
    "apollo-client-4/generated/persisted-query-manifest.json",
    "relay/persisted-queries.json",
    "graphql-codegen/generated/persisted-documents.json",
)
Run = Callable[..., subprocess.CompletedProcess[str]]


def require_node() -> None:
    """Skip the test if `make clients` has not run."""
    if not (EXAMPLES / "node_modules" / ".generated").exists() or not NODE.exists():
        pytest.skip("the clients are not installed: npm and the network, then `make clients`")


@pytest.fixture(scope="session")
def client_server(sample_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Generator[BookstoreProcess]:
    """`bookstore serve` with the sample. It refuses operations that cost more than 500 rows."""
    folder = tmp_path_factory.mktemp("client_server")
    with run_server(folder, DATABASE_URL=sample_dsn, MAX_COST="500") as server:
        yield server


@pytest.fixture(scope="session")
def enforcing_server(
    sample_dsn: str, tmp_path_factory: pytest.TempPathFactory
) -> Generator[BookstoreProcess]:
    """`bookstore serve` with the sample, which runs the documents of the examples' manifests alone."""
    require_node()
    folder = tmp_path_factory.mktemp("enforcing_server")
    manifests = ",".join(str(EXAMPLES / path) for path in MANIFESTS)
    with run_server(
        folder, DATABASE_URL=sample_dsn, TRUSTED_DOCUMENTS=manifests, TRUSTED_DOCUMENTS_MODE="enforce"
    ) as server:
        yield server


@pytest.fixture(scope="session")
def run_node() -> Run:
    """Return a function that runs Node with arguments in a folder."""
    require_node()

    def run(*arguments: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [NODE, *arguments],
            cwd=cwd,
            env={**os.environ, "NO_COLOR": "1", **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=GUARD * 3,
            check=False,
        )

    return run
