"""Code generators, linters and type checkers, on the examples and on the API."""

import json
from pathlib import Path

import pytest

from tests.clients.conftest import EXAMPLES, Run
from tests.serving import BookstoreProcess

ROOT = EXAMPLES.parents[1]
SCHEMA = ROOT / "graphql_api" / "schema.graphql"
BIN = EXAMPLES / "node_modules" / ".bin"


def test_the_examples_and_their_tests_have_no_type_errors(run_node: Run) -> None:
    run = run_node(BIN / "tsc", cwd=EXAMPLES)

    assert (run.stdout, run.returncode) == ("", 0)


def test_gql_tada_finds_no_problem_in_the_documents(run_node: Run) -> None:
    run = run_node(BIN / "gql.tada", "check", "--fail-on-warn", cwd=EXAMPLES / "gql-tada")

    assert run.returncode == 0, run.stdout + run.stderr


def test_graphql_codegen_generates_the_same_types_from_a_running_server(
    run_node: Run, client_server: BookstoreProcess
) -> None:
    run = run_node(
        BIN / "graphql-codegen",
        "--check",
        cwd=EXAMPLES / "graphql-codegen",
        GRAPHQL_SCHEMA=client_server.url,
    )

    assert run.returncode == 0, run.stdout + run.stderr


def test_graphql_eslint_recommends_no_change_of_the_schema_and_the_operations(run_node: Run) -> None:
    run = run_node(
        *(BIN / "eslint", "--config", "examples/clients/graphql-eslint/eslint.config.js", "--format", "json"),
        *("graphql_api/schema.graphql", "examples/clients/**/*.graphql"),
        cwd=ROOT,
    )

    files = json.loads(run.stdout)
    assert [message for file in files for message in file["messages"]] == []
    assert len(files) >= 9


@pytest.fixture
def broken_schema(tmp_path: Path) -> Path:
    """The schema without `Money.currencyCode`."""
    path = tmp_path / "broken.graphql"
    before, after = SCHEMA.read_text("utf-8").split("type Money ")
    path.write_text(f"{before}type Money {after.replace('currencyCode', 'currency', 1)}", "utf-8")
    return path


def test_graphql_inspector_reports_a_breaking_change(run_node: Run, broken_schema: Path) -> None:
    same = run_node(BIN / "graphql-inspector", "diff", SCHEMA, SCHEMA, cwd=EXAMPLES)
    changed = run_node(BIN / "graphql-inspector", "diff", SCHEMA, broken_schema, cwd=EXAMPLES)

    assert (same.returncode, "No changes detected" in same.stdout) == (0, True)
    assert changed.returncode == 1
    assert "Field currencyCode was removed from object type Money" in changed.stdout
    assert "Detected 1 breaking change" in changed.stdout + changed.stderr


def test_graphql_inspector_validates_the_documents_of_a_client(run_node: Run, broken_schema: Path) -> None:
    documents = "urql/operations.graphql"

    valid = run_node(BIN / "graphql-inspector", "validate", documents, SCHEMA, cwd=EXAMPLES)
    broken = run_node(BIN / "graphql-inspector", "validate", documents, broken_schema, cwd=EXAMPLES)

    assert (valid.returncode, "All documents are valid" in valid.stdout) == (0, True)
    assert broken.returncode == 1
    assert "Cannot query field currencyCode on type Money. Did you mean currency?" in broken.stdout
