"""Clients in Node, against a live server. Each `*.test.ts` file has the tests of one client."""

import json
from pathlib import Path

import httpx
import pytest

from tests.clients.conftest import EXAMPLES, MANIFESTS, TESTS, Run
from tests.serving import BookstoreProcess

FILES = sorted(TESTS.glob("*.test.ts"))
WITH_A_MANIFEST = {"apollo-trusted", "graphql-codegen", "relay"}


def name_of(file: Path) -> str:
    return file.name.removesuffix(".test.ts")


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_the_client_works(
    file: Path, client_server: BookstoreProcess, enforcing_server: BookstoreProcess, run_node: Run
) -> None:
    server = enforcing_server if name_of(file) in WITH_A_MANIFEST else client_server

    run = run_node(
        *("--import", "./hooks.ts", "--test", "--test-force-exit", "--test-reporter", "spec", file),
        cwd=TESTS,
        GRAPHQL_URL=server.url,
    )

    assert run.returncode == 0, run.stdout + run.stderr
    assert "\nℹ fail 0\n" in run.stdout


def test_a_server_with_the_manifests_runs_their_documents_alone(enforcing_server: BookstoreProcess) -> None:
    apollo, relay, codegen = (json.loads((EXAMPLES / path).read_text("utf-8")) for path in MANIFESTS)
    identifiers = [operation["id"] for operation in apollo["operations"]] + [*relay, *codegen]

    codes: list[str] = []
    for identifier in [*identifiers, "0" * 64]:
        response = httpx.post(enforcing_server.url, json={"documentId": identifier}, timeout=60)
        codes += [error["extensions"]["code"] for error in response.json().get("errors", [])]
    by_text = httpx.post(enforcing_server.url, json={"query": "{ __typename }"}, timeout=60)

    assert len(identifiers) == 7
    assert codes == ["BAD_USER_INPUT"] * 6 + ["PERSISTED_QUERY_NOT_FOUND"]
    assert by_text.json()["errors"][0]["extensions"]["code"] == "DOCUMENT_NOT_TRUSTED"
