"""What works behind a pooler: every command, and each kind of work of the API."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from db.connections.connect import connect

BOOKSTORE = Path(sys.executable).with_name("bookstore")
BOOKS = """isbn,title,authors,categories,price,stock
9780306406157,The Sea,Jane Do,Fiction,12.50,5
9780199535811,The Hill,John Roe,Fiction > Crime,9.90,2
"""
BY = '{isbn: "9780306406157"}'
COMMANDS = (
    "migrate",
    "import csv books.csv --source shop --currency EUR",
    "imports",
    "imports show 1",
    "seed --books 3000",
    "verify",
    "explain page_of_books",
    "plan books.graphql --analyze",
    "export csv --source shop --output again.csv",
    "undo 1 --yes",
    "undo 3 --yes",
    "keys create till --role editor",
    "keys list",
    "audit",
    "rebuild",
    "sample remove",
)
REQUESTS = {
    "page with relations": "{ books { totalCount nodes { title authors { name } categories { name } } } }",
    "text search, facets": '{ books(filter: {text: "sea"}) { nodes { title } facets { languages { isCapped } } } }',
    "misspelt search": '{ books(filter: {text: "hilll"}) { didYouMean totalCount nodes { title } } }',
    "suggestions": '{ suggest(prefix: "the") { books { title } authors { name } } }',
    "book by key, a view": f"{{ book(by: {BY}) {{ title recentViews }} }}",
    "mutation": f"mutation {{ adjustStock(by: {BY}, delta: 1) {{ book {{ stock }} errors {{ message }} }} }}",
    "bulk upsert": 'mutation { upsertBooks(source: "shop", books: [{isbn: "9780306406157", title: "The Sea"}]) '
    "{ results { outcome } errors { message } } }",
}
"""The works of the API by title. The mutations are sent with an idempotency key, twice."""

AT_ONCE = 60
"""Requests that are in flight at the same time, over more sessions than one pool has."""

TIMEOUT = 120.0
"""Seconds for a command, for a start and for an answer."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What each operation came to by its title, and the lines of errors with their number."""

    cells: Mapping[str, str]
    lines: Counter[str]


def try_operations(dsn: str, folder: Path) -> Outcomes:
    """Run every operation on a new database, and return what came of each. The files are written to the folder."""
    folder.mkdir()
    (folder / "books.csv").write_text(BOOKS)
    (folder / "books.graphql").write_text("{ books { nodes { title } } }")
    cells, lines = dict[str, str](), Counter[str]()
    environment = build_environment(dsn)
    key = ""
    for command in COMMANDS:
        done = subprocess.run(
            [BOOKSTORE, *command.split()],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
        )
        cells[f"bookstore {command.partition(' -')[0]}"] = describe_command(done, lines)
        key = done.stdout.strip() if command.startswith("keys create") else key
    with serve(folder, environment) as (url, output):
        if url is None:
            done = subprocess.CompletedProcess("serve", 1, "", output)
            return Outcomes(cells | {"bookstore serve": describe_command(done, lines)}, lines)
        cells["bookstore serve"] = "ok"
        lines.update(re.findall(r"WARNING \S+ \[-\] (.*)", output))
        cells |= asyncio.run(send_requests(url, key))
    return Outcomes(cells, lines)


def describe_command(done: "subprocess.CompletedProcess[str]", lines: Counter[str]) -> str:
    """Return "ok", "one line" or what is worse than that. Count the lines of errors."""
    errors = [
        line for line in done.stderr.splitlines() if line.startswith(("Error: ", "WARNING", "The import"))
    ]
    lines.update(errors)
    if "Traceback" in done.stderr:
        return f"traceback, exit {done.returncode}"
    if done.returncode == 0:
        return "ok, a warning" if errors else "ok"
    return "one line" if len(errors) == 1 else f"{len(errors)} lines, exit {done.returncode}"


async def send_requests(url: str, key: str) -> dict[str, str]:
    """Return what each kind of request came to, one after the other and then all at once."""
    cells: dict[str, str] = {}
    async with httpx.AsyncClient(timeout=TIMEOUT, limits=httpx.Limits(max_connections=AT_ONCE)) as client:

        async def send(title: str, number: int) -> str:
            headers = {"authorization": f"Bearer {key}"} if key else {}
            if REQUESTS[title].startswith("mutation"):
                headers["idempotency-key"] = f"{title} {number}"
            answer = await client.post(url, json={"query": REQUESTS[title]}, headers=headers)
            return describe_answer(answer)

        for title in REQUESTS:
            cells[title] = most_frequent([await send(title, 0) for _ in range(8)])
        titles = [list(REQUESTS)[number % 5] for number in range(AT_ONCE * 10)]
        at_once = await asyncio.gather(*(send(title, number) for number, title in enumerate(titles)))
        cells[f"{len(titles)} reads, {AT_ONCE} at once"] = most_frequent(at_once)
        cells["/readyz"] = describe_status((await client.get(url.replace("/graphql", "/readyz"))).status_code)
    return cells


def describe_answer(answer: httpx.Response) -> str:
    body: Any = answer.json()
    if answer.status_code == 200 and "errors" not in body:
        return "ok"
    return describe_status(answer.status_code)


def describe_status(status: int) -> str:
    return "ok" if status == 200 else f"status {status}"


def most_frequent(cells: list[str]) -> str:
    """Return the one outcome of all, or each with its number."""
    counts = Counter(cells).most_common()
    return counts[0][0] if len(counts) == 1 else ", ".join(f"{number} {cell}" for cell, number in counts)


@contextmanager
def serve(folder: Path, environment: Mapping[str, str]) -> Generator[tuple[str | None, str]]:
    """Serve with two workers within the block. Yield the URL, None if it does not start, and what it printed."""
    process = subprocess.Popen(
        [BOOKSTORE, "serve", "--workers", "2"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    printed: list[str] = []
    url = None
    try:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        for line in process.stdout:
            printed.append(line)
            if line.startswith("Serving "):
                url = line.split()[-1]
                break
        yield url, "".join(printed)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=TIMEOUT)


def build_environment(dsn: str) -> dict[str, str]:
    """Return the environment without PG* variables, and with the address of the database."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    return inherited | {"DATABASE_URL": dsn, "PORT": "0", "COLUMNS": "200", "PYTHONUNBUFFERED": "1"}


async def run_statement(dsn: str, statement: str) -> None:
    """Run one statement outside of a transaction."""
    connection = await connect(dsn, application_name="bookstore benchmark")
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
