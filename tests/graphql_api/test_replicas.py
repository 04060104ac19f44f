"""A server with replicas: responses have tokens, and a request that brings one reads what it names."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from db.access_keys import access_key_by_hash, create_access_key
from db.connections import supervisor
from db.connections.connect import connect
from db.connections.positions import Position
from db.verify import audit_catalog
from graphql_api.access.keys import generate_key, hash_key
from graphql_api.app import create_app
from graphql_api.execution.manifests import hash_text
from graphql_api.settings import Settings
from tests.catalogs import add_author, add_book
from tests.serving import PATIENT, run_bookstore, run_server_in_thread
from tests.standbys import ReplicatedPostgres, run_replicated_postgres
from tests.waiting import GUARD, until

ISBN = "9780306406157"
READ = f'{{ book(by: {{isbn: "{ISBN}"}}) {{ stock }} }}'
WRITE = """
mutation ($stock: Int!) {
  updateOffers(offers: [{by: {isbn: "9780306406157"}, stock: $stock}]) { books { stock } errors { code } }
}
"""
SERVED_BY = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'bookstore'"


@pytest.fixture(scope="module")
def postgres() -> Generator[ReplicatedPostgres]:
    with run_replicated_postgres() as postgres:
        asyncio.run(fill_catalog(postgres.primary.dsn))
        yield postgres


async def fill_catalog(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    author = await add_author(connection, "Jane Austen")
    await add_book(connection, "Emma", authors=[author], isbn=ISBN, stock=1)
    await connection.close()


@pytest.fixture
async def client(
    postgres: ReplicatedPostgres, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[httpx.AsyncClient]:
    """A client of an application with two replicas, with the key of an editor."""
    monkeypatch.setattr(supervisor, "PROBE_TIMEOUT", GUARD)
    connection = await connect(postgres.primary.dsn, application_name="bookstore tests")
    key = generate_key()
    await connection.execute("DELETE FROM access_key")
    await create_access_key(connection, "office", "EDITOR", hash_key(key), None)
    await connection.close()
    urls = " ".join(each.dsn for each in postgres.standbys)
    app = create_app(Settings(replica_urls=urls, catch_up_timeout=GUARD, **PATIENT), postgres.primary.dsn)
    headers = {"Authorization": f"Bearer {key}"}
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://shop", headers=headers
        ) as client,
    ):
        yield client


async def post(
    client: httpx.AsyncClient, document: str, *, token: str = "", key: str = "", **body: Any
) -> httpx.Response:
    headers = {"Consistency-Token": token, "Idempotency-Key": key}
    sent = {name: value for name, value in headers.items() if value}
    return await client.post("/graphql", json={"query": document, **body}, headers=sent)


def token_of(response: httpx.Response) -> str:
    """Return the token of a response, which is in its header and in its extensions."""
    token = response.headers["Consistency-Token"]
    assert response.headers["Vary"] == "accept, accept-encoding, authorization, consistency-token"
    assert response.json()["extensions"] == {"consistency": {"token": token, "status": "CURRENT"}}
    return token


async def test_a_read_with_the_token_of_a_write_sees_it(client: httpx.AsyncClient) -> None:
    for stock in range(2, 30):
        written = await post(client, WRITE, variables={"stock": stock})
        read = await post(client, READ, token=token_of(written))

        assert read.json()["data"] == {"book": {"stock": stock}}
        assert token_of(read)


async def test_a_token_may_be_in_the_extensions_of_a_request(client: httpx.AsyncClient) -> None:
    written = await post(client, WRITE, variables={"stock": 40})

    read = await post(client, READ, extensions={"consistency": token_of(written)})
    wrong = await post(client, READ, extensions={"consistency": 7})

    assert read.json()["data"] == {"book": {"stock": 40}}
    assert (wrong.status_code, wrong.json()["errors"][0]["message"]) == (
        400,
        "`extensions.consistency` must be a string: the last token that was received.",
    )


async def test_a_read_by_its_hash_has_a_token_too(client: httpx.AsyncClient) -> None:
    persisted = {"persistedQuery": {"version": 1, "sha256Hash": hash_text(READ)}}
    written = await post(client, WRITE, variables={"stock": 45})
    await post(client, READ, extensions=persisted)

    by_hash = await client.post(
        "/graphql", json={"extensions": {**persisted, "consistency": token_of(written)}}
    )
    unknown = await client.post("/graphql", json={"documentId": "unknown"})

    assert by_hash.json()["data"] == {"book": {"stock": 45}}
    assert token_of(by_hash)
    assert "Consistency-Token" not in unknown.headers


async def test_reads_run_on_replicas_and_go_forward(
    client: httpx.AsyncClient, postgres: ReplicatedPostgres
) -> None:
    token, seen = "", 0
    for stock in range(50, 80):
        await post(client, WRITE, variables={"stock": stock})
        read = await post(client, READ, token=token)
        current = read.json()["data"]["book"]["stock"]
        assert current >= seen
        token, seen = token_of(read), current

    for standby in postgres.standbys:
        connection = await asyncpg.connect(standby.dsn)
        assert await connection.fetchval(SERVED_BY) > 0
        await connection.close()


async def test_the_answer_to_a_key_is_repeated_with_a_token_of_its_own(client: httpx.AsyncClient) -> None:
    first = await post(client, WRITE, key="once", variables={"stock": 90})
    again = await post(client, WRITE, key="once", variables={"stock": 90})

    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json()["data"] == first.json()["data"]
    assert lsn_of(token_of(again)) >= lsn_of(token_of(first))


def lsn_of(token: str) -> int:
    position = Position.from_token(token)
    assert position is not None
    return position.lsn


@pytest.mark.parametrize("token", ["x", "é", "A" * 23, "B" * 23, "A" * 5000])
async def test_a_text_that_is_no_token_is_ignored(client: httpx.AsyncClient, token: str) -> None:
    read = await client.post(
        "/graphql", json={"query": READ}, headers=[(b"consistency-token", token.encode())]
    )

    assert read.status_code == 200
    assert token_of(read)


async def test_an_operation_that_reads_nothing_has_no_token(client: httpx.AsyncClient) -> None:
    response = await post(client, "{ __typename }")

    assert response.json() == {"data": {"__typename": "Query"}}
    assert "Consistency-Token" not in response.headers


async def test_the_cost_is_beside_the_token(client: httpx.AsyncClient) -> None:
    read = await post(client, READ, extensions={"cost": True})

    assert list(read.json()["extensions"]) == ["cost", "consistency"]


async def test_a_standby_is_served_and_takes_no_writes(postgres: ReplicatedPostgres, tmp_path: Path) -> None:
    standby = postgres.standbys[0].dsn
    async with run_server_in_thread(tmp_path, DATABASE_URL=standby) as server, httpx.AsyncClient() as client:
        read = await client.post(server.url, json={"query": READ})
        key = await create_key(postgres)
        await until(lambda: is_known(standby, key))
        write = await client.post(
            server.url,
            json={"query": WRITE, "variables": {"stock": 1}},
            headers={"Authorization": f"Bearer {key}"},
        )
        ready = await client.get(server.url.replace("/graphql", "/readyz"))

    assert read.json()["data"]["book"]["stock"] > 0
    assert (write.status_code, write.json()["errors"][0]["extensions"]) == (
        503,
        {"code": "SERVICE_UNAVAILABLE"},
    )
    assert ready.status_code == 200
    assert [finding.name for finding in await audit_catalog(standby) if finding.count] == []


async def create_key(postgres: ReplicatedPostgres) -> str:
    connection = await connect(postgres.primary.dsn, application_name="bookstore tests")
    key = generate_key()
    await connection.execute("DELETE FROM access_key WHERE name = 'till'")
    await create_access_key(connection, "till", "EDITOR", hash_key(key), None)
    await connection.close()
    return key


async def is_known(dsn: str, key: str) -> bool:
    connection = await connect(dsn, application_name="bookstore tests")
    found = await access_key_by_hash(connection, hash_key(key))
    await connection.close()
    return found is not None


def test_a_standby_is_never_migrated(tmp_path: Path) -> None:
    with run_replicated_postgres(1) as postgres:
        asyncio.run(make_outdated(postgres))
        result = run_bookstore("migrate", cwd=tmp_path, DATABASE_URL=postgres.standbys[0].dsn)

    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: The database is a standby at revision 0001, this version needs ")
    assert result.stderr.endswith(": run `bookstore migrate` with the address of its primary\n")


async def make_outdated(postgres: ReplicatedPostgres) -> None:
    connection = await asyncpg.connect(postgres.primary.dsn)
    await connection.execute("UPDATE alembic_version SET version_num = '0001'")
    await connection.close()
    standby = await asyncpg.connect(postgres.standbys[0].dsn)
    await until(lambda: is_outdated(standby))
    await standby.close()


async def is_outdated(standby: asyncpg.Connection) -> bool:
    return await standby.fetchval("SELECT version_num FROM alembic_version") == "0001"


@pytest.mark.parametrize(
    ("urls", "reason"),
    [
        ("postgresql://127.0.0.1:99999/x", "the address has a port that is not a number from 1 to 65535"),
        ("postgresql://a,b/x", "the address of a replica names several hosts; write an address for each"),
        ("hosts", "`hosts` needs an address of the database that names its hosts"),
        ("mysql://a", "the address is not like postgresql://user:password@host:5432/database"),
    ],
)
def test_an_address_of_a_replica_that_cannot_be_used_ends_the_start(
    tmp_path: Path, urls: str, reason: str
) -> None:
    result = run_bookstore("serve", cwd=tmp_path, DATABASE_URL="postgresql:///x", REPLICA_URLS=urls, PORT="0")

    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(f"Error: REPLICA_URLS: {reason}")
