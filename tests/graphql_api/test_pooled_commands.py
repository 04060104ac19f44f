"""Every command and the server behind PgBouncer in transaction mode, and around it by DIRECT_DATABASE_URL."""

import asyncio
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

import asyncpg
import httpx
import pytest

from benchmarks.scale.pgbouncer import PgBouncer
from db.connections.error_mapping import STATEMENTS_NOT_KEPT
from db.embedded import Server
from tests.pgbouncer import database_of, needs_pgbouncer, run_pgbouncer
from tests.serving import run_bookstore, run_server
from tests.waiting import GUARD

BOOKS = """isbn,title,authors,categories,price,stock
9780306406157,The Sea,Jane Do,Fiction,12.50,5
9780199535811,The Hill,John Roe,Fiction > Crime,9.90,2
"""
SALE = (
    'mutation { adjustStock(by: {isbn: "9780306406157"}, delta: -1) { book { stock } errors { message } } }'
)
SESSION = """
SELECT (SELECT array_agg(name) FROM pg_settings WHERE source = 'session' AND name <> ALL ($1)) AS settings,
       (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory') AS locks,
       (SELECT count(*) FROM pg_class WHERE relpersistence = 't') AS temporary_tables,
       (SELECT count(*) FROM pg_proc WHERE pronamespace = pg_my_temp_schema()) AS temporary_functions,
       pg_backend_pid() AS pid
"""
TRACKED = ["application_name", "client_encoding", "TimeZone", "DateStyle", "IntervalStyle"]
"""Settings that PgBouncer sets for each client."""
POOL_SIZE = 2


@dataclass
class Shop:
    """A new database behind PgBouncer, and a folder in which commands are run."""

    folder: Path
    pgbouncer: PgBouncer
    name: str
    direct_dsn: str

    @property
    def dsn(self) -> str:
        return self.pgbouncer.dsn(self.name)

    def run(self, *arguments: str, **settings: str) -> "CompletedProcess[str]":
        return run_bookstore(*arguments, cwd=self.folder, **{"DATABASE_URL": self.dsn} | settings)


@pytest.fixture
def shop(server: Server, maintenance: str, tmp_path: Path) -> Generator[Shop]:
    async def execute(statement: str) -> None:
        connection = await asyncpg.connect(maintenance)
        await connection.execute(statement)
        await connection.close()

    (tmp_path / "books.csv").write_text(BOOKS)
    asyncio.run(execute("CREATE DATABASE pooled"))
    with run_pgbouncer(server.socket_folder, default_pool_size=POOL_SIZE) as pgbouncer:
        yield Shop(tmp_path, pgbouncer, "pooled", maintenance.replace("/postgres?", "/pooled?"))
    asyncio.run(execute("DROP DATABASE pooled WITH (FORCE)"))


async def read_sessions(dsn: str) -> list[asyncpg.Record]:
    """Return the state of each session of the pool."""
    clients = [await asyncpg.connect(dsn) for _ in range(POOL_SIZE)]
    for client in clients:
        await client.execute("BEGIN")
    sessions = [await client.fetchrow(SESSION, TRACKED) for client in clients]
    for client in clients:
        await client.close()
    assert len({session["pid"] for session in sessions if session}) == POOL_SIZE
    return [session for session in sessions if session]


@needs_pgbouncer
def test_every_command_works_behind_a_pooler_and_leaves_its_sessions_as_they_were(shop: Shop) -> None:
    (shop.folder / "books.graphql").write_text("{ books { nodes { title } } }")
    commands = (
        ["migrate"],
        ["import", "csv", "books.csv", "--source", "shop", "--currency", "EUR"],
        ["imports"],
        ["imports", "show", "1"],
        ["seed", "--books", "3000"],
        ["verify"],
        ["explain", "page_of_books"],
        ["plan", "books.graphql", "--analyze"],
        ["export", "csv", "--source", "shop", "--output", "again.csv"],
        ["undo", "1", "--yes"],
        ["keys", "create", "till", "--role", "editor"],
        ["keys", "list"],
        ["keys", "revoke", "till"],
        ["audit"],
        ["rebuild"],
        ["sample", "remove"],
    )

    results = [shop.run(*command) for command in commands]

    assert [(result.args[1:], result.stderr) for result in results if result.returncode] == []
    assert [result.stderr for result in results if "VACUUM failed" in result.stderr] == []
    sessions = asyncio.run(read_sessions(shop.dsn))
    assert [tuple(session)[:4] for session in sessions] == [(None, 0, 0, 0)] * POOL_SIZE


@needs_pgbouncer
def test_a_server_behind_a_pooler_reads_and_writes_and_names_what_the_role_lacks(shop: Shop) -> None:
    shop.run("import", "csv", "books.csv", "--source", "shop", "--currency", "EUR")
    key = shop.run("keys", "create", "till", "--role", "editor").stdout.strip()
    query = '{ books(filter: {text: "sea"}) { nodes { title stock } facets { languages { isCapped } } } }'

    with run_server(shop.folder, DATABASE_URL=shop.dsn, WORKERS="2", COMMAND_TIMEOUT="5") as server:
        written = httpx.post(
            server.url, json={"query": SALE}, headers={"authorization": f"Bearer {key}"}, timeout=GUARD
        )
        answers = [httpx.post(server.url, json={"query": query}, timeout=GUARD).json() for _ in range(20)]

    assert written.json() == {"data": {"adjustStock": {"book": {"stock": 4}, "errors": []}}}
    assert [answer["data"]["books"]["nodes"] for answer in answers] == [
        [{"title": "The Sea", "stock": 4}]
    ] * 20
    role = "ALTER ROLE app IN DATABASE pooled SET"
    assert (
        f"run `{role} max_parallel_workers_per_gather = 0; {role} statement_timeout = 5000;`, then RECONNECT"
    ) in server.startup_output


@needs_pgbouncer
def test_a_pooler_without_prepared_statements_ends_the_start_with_one_line(
    server: Server, dsn: str, tmp_path: Path
) -> None:
    with run_pgbouncer(server.socket_folder, max_prepared_statements=0) as pgbouncer:
        result = run_bookstore("serve", cwd=tmp_path, DATABASE_URL=pgbouncer.dsn(database_of(dsn)), PORT="0")

    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == f"Error: The database cannot be used: {STATEMENTS_NOT_KEPT}\n"


def test_pools_above_the_limit_of_postgresql_are_named_at_the_start(dsn: str, tmp_path: Path) -> None:
    with run_server(tmp_path, DATABASE_URL=dsn, POOL_SIZE="60") as server:
        assert (
            "1 worker, and one more during a SIGHUP, may open 122 connections (POOL_SIZE + 1 each), but "
            "max_connections leaves 100: set POOL_SIZE to at most 49, or raise that limit by 22\n"
        ) in server.startup_output


def test_commands_use_the_direct_address_and_the_server_does_not(dsn: str, tmp_path: Path) -> None:
    nowhere = "postgresql://app@127.0.0.1:1/nowhere"

    direct = run_bookstore("verify", cwd=tmp_path, DATABASE_URL=nowhere, DIRECT_DATABASE_URL=dsn)
    invalid = run_bookstore("verify", cwd=tmp_path, DATABASE_URL=dsn, DIRECT_DATABASE_URL="mysql://x:hush@h")
    alone = run_bookstore("verify", cwd=tmp_path, DIRECT_DATABASE_URL=dsn)
    with run_server(tmp_path, DATABASE_URL=nowhere, DIRECT_DATABASE_URL=dsn) as server:
        assert httpx.post(server.url, json={"query": "{ __typename }"}, timeout=GUARD).status_code == 200
        assert "PostgreSQL cannot be reached at 127.0.0.1:1" in server.startup_output

    assert direct.returncode == 0
    assert invalid.stderr == (
        "Error: DIRECT_DATABASE_URL: the address is not like postgresql://user:password@host:5432/database.\n"
    )
    assert alone.stderr == (
        "Error: DIRECT_DATABASE_URL is set, but DATABASE_URL is not. "
        "Set DATABASE_URL for the server, or unset both.\n"
    )
