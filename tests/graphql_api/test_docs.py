"""README and docs/ are true: links lead somewhere, examples run, names and figures are those of the code."""

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from shutil import which
from typing import Any

import click
import httpx
import pytest

from db.access_keys import create_access_key
from db.connections.cluster import TokenStatus
from db.connections.connect import connect
from db.importing.importer import import_feed
from db.importing.readers import open_feed
from graphql_api.access.keys import generate_key, hash_key
from graphql_api.access.roles import Role
from graphql_api.cli import COMMANDS, main
from graphql_api.schema import schema_for
from graphql_api.settings import Settings
from tests.conftest import SAMPLE
from tests.serving import BookstoreProcess, run_server
from tests.waiting import GUARD

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)


def blocks(language: str) -> Iterator[tuple[Path, str]]:
    for page in PAGES:
        for found, text in BLOCK.findall(page.read_text(encoding="utf-8")):
            if found == language:
                yield page.relative_to(ROOT), text


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 120


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)\s]+)\)", BLOCK.sub("", page.read_text(encoding="utf-8")))

    broken = []
    for target in targets:
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not target.startswith("http") and not (file.exists() and (not anchor or anchor in anchors(file))):
            broken.append(target)

    assert broken == []


def test_every_page_of_the_docs_is_linked_from_the_readme_or_the_architecture() -> None:
    index = (ROOT / "README.md").read_text("utf-8") + (ROOT / "docs/architecture.md").read_text("utf-8")
    pages = {str(page.relative_to(ROOT / "docs")) for page in ROOT.glob("docs/**/*.md")}

    assert {page for page in pages if f"({page})" not in index and f"(docs/{page})" not in index} == set()


def test_every_graphql_example_runs_on_the_sample(app_server: BookstoreProcess) -> None:
    examples = list(blocks("graphql"))
    assert len(examples) >= 3

    for page, query in examples:
        result = httpx.post(app_server.url, json={"query": query}, timeout=30).json()
        assert "errors" not in result, (page, result)
        assert all(result["data"].values()), (page, result)


async def test_every_mutation_of_the_docs_runs_on_the_sample(dsn: str, tmp_path: Path) -> None:
    await import_feed(
        dsn, await open_feed("jsonl", [SAMPLE], source="sample"), rejects=tmp_path / "rejects.csv"
    )
    connection = await connect(dsn, application_name="bookstore tests")
    key = generate_key()
    await create_access_key(connection, "office", "MANAGER", hash_key(key), None)
    await connection.close()
    mutations = list(blocks("gql"))
    assert len(mutations) >= 3

    errors: list[str] = []
    with run_server(tmp_path, DATABASE_URL=dsn) as server:
        async with httpx.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=30) as client:
            for page, text in mutations:
                result = (await client.post(server.url, json={"query": text})).json()
                assert "errors" not in result, (page, result)
                done = result["data"].values()
                errors += [error["message"] for each in done for error in each.get("errors", ())]

    assert errors == []


def test_the_readme_shows_the_result_of_its_query(app_server: BookstoreProcess) -> None:
    [query] = [text for page, text in blocks("graphql") if page.name == "README.md"]
    [shown] = [text for page, text in blocks("json") if page.name == "README.md"]

    assert json.loads(shown) == httpx.post(app_server.url, json={"query": query}, timeout=30).json()


def test_the_quick_start_shows_the_result_of_its_request(app_server: BookstoreProcess) -> None:
    [request] = [text for page, text in blocks("sh") if page.name == "quick-start.md" and "curl" in text]
    [shown] = [text for page, text in blocks("json") if page.name == "quick-start.md"]
    arguments = shlex.split(request.replace("\\\n", ""))
    header, _, content_type = arguments[arguments.index("-H") + 1].partition(": ")

    body = arguments[arguments.index("-d") + 1]
    result = httpx.post(app_server.url, content=body, headers={header: content_type}, timeout=30).json()

    assert result == json.loads(shown)


@pytest.mark.skipif(not (which("curl") and which("sha256sum")), reason="the examples need both")
def test_the_requests_by_hash_and_identifier_have_the_results_that_are_shown(
    sample_dsn: str, tmp_path: Path
) -> None:
    scripts = [text for page, text in blocks("sh") if page.name == "persisted.md" and "curl" in text]
    shown = "".join(text for page, text in blocks("json") if page.name == "persisted.md")
    [manifest] = [line for script in scripts for line in script.splitlines() if line.startswith("echo")]
    subprocess.run(["bash", "-c", manifest], cwd=tmp_path, check=True)

    with run_server(tmp_path, DATABASE_URL=sample_dsn, TRUSTED_DOCUMENTS="shop.json") as server:
        address = server.url.removesuffix("/graphql")
        script = (
            "".join(scripts).replace("http://127.0.0.1:8000", address).replace("curl ", "curl -sw '\\n' ")
        )
        printed = subprocess.run(
            ["bash", "-c", script], cwd=tmp_path, check=True, capture_output=True, text=True, timeout=GUARD
        )

    assert printed.stdout == shown


def find_command(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that the words name, and the words after it."""
    command: click.Command = main
    while words and isinstance(command, click.Group):
        found = command.get_command(click.Context(command), words[0])
        assert found, f"bookstore has no command {words[0]}"
        command, words = found, words[1:]
    return command, words


def test_every_command_and_option_of_an_example_exists() -> None:
    lines = [
        (page, line.removeprefix(".venv/bin/"))
        for page, text in blocks("sh")
        for line in text.replace("\\\n", "").splitlines()
        if line.removeprefix(".venv/bin/").startswith("bookstore")
    ]
    assert lines

    for page, line in lines:
        command, rest = find_command(shlex.split(line, comments=True)[1:])
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in rest if word.startswith("--")} <= options, (page, line)


def test_the_table_of_commands_is_complete() -> None:
    table = (ROOT / "docs/import.md").read_text(encoding="utf-8")
    listed = {re.split(r"[ `]", row)[0] for row in re.findall(r"^\| `bookstore (.+?`)", table, re.M)}

    assert listed == set(COMMANDS)


def test_every_make_target_of_the_docs_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text("utf-8"), re.M))
    named: set[str] = set()
    for page in PAGES:
        named |= set(re.findall(r"(?:`|^)make ([a-z-]+)", page.read_text("utf-8"), re.M))

    assert named - targets == set()


def test_every_setting_that_the_docs_name_exists() -> None:
    known = {entry.name.upper() for entry in fields(Settings)}
    others = {
        "BENCH",
        "BOOKS",
        "MINUTES",
        "PYTHON",
        "FORMAT",
        "FORMATS",
        "LAYOUT",
        "LAYOUTS",
        "ANALYZE",
        "RECONNECT",
    }  # make, code, SQL and PgBouncer
    others |= {"MCMXCIX", "TRUE"}  # cells of an import
    others |= {status.value for status in TokenStatus}
    schema = schema_for(Role.MANAGER).as_str()

    unknown = {
        (str(page.relative_to(ROOT)), name)
        for page in PAGES
        if page.name != "CHANGELOG.md"
        for name in re.findall(r"`([A-Z][A-Z_]{3,})(?:=[^`]*)?`", page.read_text("utf-8"))
        if name not in known | others and name not in schema and name not in error_codes()
    }

    assert unknown == set()


def error_codes() -> set[str]:
    table = (ROOT / "docs/schema.md").read_text(encoding="utf-8")
    return set(re.findall(r"^\| `([A-Z_]+)` \| .* \| .* \|$", table, re.M))


def test_the_table_of_error_codes_is_complete() -> None:
    code = re.compile(
        r'"(GRAPHQL_[A-Z_]+|[A-Z]+_(?:[A-Z]+_)*(?:EXCEEDED|INPUT|FAILURE|ERROR|REQUEST|UNAVAILABLE)|TIMEOUT|UNAUTHENTICATED'
        r'|OUTCOME_UNKNOWN|DOCUMENT_NOT_TRUSTED|PERSISTED_QUERY_[A-Z_]+|RATE_LIMITED|IDEMPOTENCY_KEY_[A-Z_]+)"'
    )
    modules = [*(ROOT / "graphql_api").glob("*/*.py"), *(ROOT / "graphql_api").glob("*/protocol/*.py")]
    used = {name for module in modules for name in code.findall(module.read_text("utf-8"))}

    assert error_codes() == used


@pytest.mark.parametrize(
    ("page", "sentence", "value"),
    [
        ("search.md", r"The first (\S+) characters", "db.search.text_query.MAX_TEXT_LENGTH"),
        (
            "persisted.md",
            r"in the log, up to (\S+) lines",
            "graphql_api.http.persisted_documents.MAX_LOGGED_DOCUMENTS",
        ),
        ("search.md", r"keeps it for (\S+) words", "db.search.vocabulary_cache.MAX_CACHED_WORDS"),
    ],
)
def test_the_figures_are_those_of_the_code(page: str, sentence: str, value: str) -> None:
    module, _, name = value.rpartition(".")
    constant: Any = getattr(__import__(module, fromlist=[name]), name)
    text = " ".join((ROOT / "docs" / page).read_text("utf-8").split())

    assert re.findall(sentence, text) == [f"{constant:,}"]
