"""A request that fails because of PostgreSQL or a timeout is logged in one line."""

import asyncio
import re
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest
from starlette.types import Receive, Scope, Send

from graphql_api.app import create_app
from graphql_api.execution.manifests import hash_text
from graphql_api.http.deadlines import RECEIVED_EXTENSION
from graphql_api.http.request_ids import RequestIdFilter
from graphql_api.settings import Settings
from tests.graphql_api.http.conftest import Shop, app_of
from tests.serving import run_server
from tests.waiting import GUARD, until

QUERY = "query Titles($language: String) { books(filter: {language: {eq: $language}}) { nodes { title } } }"
REQUEST = {"query": QUERY, "variables": {"language": "tlh"}}
WAITING = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@asynccontextmanager
async def lock_books(dsn: str) -> AsyncGenerator[asyncpg.Connection]:
    """Lock the books, so that each statement that reads them waits. Yield a connection to watch from."""
    owner, observer = await asyncpg.connect(dsn), await asyncpg.connect(dsn)
    async with owner.transaction():
        await owner.execute("LOCK book")
        yield observer
    await owner.close()
    await observer.close()


def failure_lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the lines about failed operations, with 0 for each number of milliseconds."""
    return [
        re.sub(
            r"\d+ ms", "0 ms", f"{record.levelname} [{record.__dict__['request_id']}] {record.getMessage()}"
        )
        for record in caplog.records
        if record.name == "bookstore.endpoint"
    ]


@pytest.fixture(autouse=True)
def log_request_ids(caplog: pytest.LogCaptureFixture) -> None:
    caplog.handler.addFilter(RequestIdFilter())


async def test_a_statement_that_times_out_is_logged(
    shop: Shop, dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with shop(command_timeout=2) as client, lock_books(dsn):
        response = await client.post(
            "/graphql", json=REQUEST, headers={"x-request-id": "slow"}, timeout=GUARD
        )

    assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (503, "TIMEOUT")
    [line] = failure_lines(caplog)
    assert re.fullmatch(
        r"WARNING \[slow\] operation Titles failed after 0 ms; statement page_of_books_matching, 0 ms: "
        r"A statement took [^\n]+",
        line,
    )


async def test_the_log_names_an_operation_that_was_sent_by_its_hash(
    shop: Shop, dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with shop(command_timeout=2) as client:
        await client.post("/graphql", json={**REQUEST, "documentId": f"sha256:{hash_text(QUERY)}"})
        async with lock_books(dsn):
            by_hash = {"documentId": f"sha256:{hash_text(QUERY)}", "variables": {"language": "tlh"}}
            response = await client.post("/graphql", json=by_hash, timeout=GUARD)

    assert response.status_code == 503
    [line] = failure_lines(caplog)
    assert "operation Titles failed after 0 ms; statement page_of_books_matching, 0 ms: " in line


async def test_the_log_of_a_request_timeout_names_the_running_statement(
    shop: Shop, dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with shop() as client, lock_books(dsn) as observer:
        request = asyncio.create_task(
            client.post("/graphql", json=REQUEST, headers={"x-request-id": "slow"}, timeout=GUARD)
        )
        await until(lambda: observer.fetchval(WAITING))
        app_of(client).endpoint.deadline_monitor.timeout = 0.3
        response = await request

    assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (503, "TIMEOUT")
    assert failure_lines(caplog) == [
        "WARNING [slow] operation Titles failed after 0 ms; statement page_of_books_matching, 0 ms: "
        "The request took longer than 0.3 seconds (REQUEST_TIMEOUT)."
    ]


async def test_the_log_of_a_request_that_times_out_in_the_queue_names_no_statement(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = create_app(Settings(), "postgresql://app@127.0.0.1:1/shop")

    async def serve_late(scope: Scope, receive: Receive, send: Send) -> None:
        scope["extensions"] = {RECEIVED_EXTENSION: asyncio.get_running_loop().time() - 3600}
        await app(scope, receive, send)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(serve_late), base_url="http://shop") as client:
        response = await client.post("/graphql", json=REQUEST, headers={"x-request-id": "late"})

    assert response.status_code == 503
    assert failure_lines(caplog) == [
        "WARNING [late] operation - failed after 0 ms; no statement: "
        "The request took longer than 5 seconds (REQUEST_TIMEOUT)."
    ]
    assert " failed after 3600" in caplog.text


async def test_a_lost_connection_is_logged_once_although_the_read_is_retried(
    shop: Shop, dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with shop() as client, lock_books(dsn) as observer:
        request = asyncio.create_task(client.post("/graphql", json=REQUEST, timeout=GUARD))
        first = await until(lambda: observer.fetchval(WAITING))
        await observer.execute("SELECT pg_terminate_backend($1)", first)
        second = await until(lambda: observer.fetchval(f"{WAITING} AND pid <> $1", first))
        await observer.execute("SELECT pg_terminate_backend($1)", second)
        response = await request

    assert response.status_code == 503
    [line] = failure_lines(caplog)
    assert re.fullmatch(
        r"WARNING \[[0-9a-f]{16}\] operation Titles failed after 0 ms; statement page_of_books_matching, 0 ms: "
        r"PostgreSQL [^\n]+",
        line,
    )


async def test_a_request_during_an_outage_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    app = create_app(Settings(), "postgresql://app:secret@127.0.0.1:1/shop")
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://shop") as client,
    ):
        response = await client.post(
            "/graphql", json={"query": "{ books { totalCount } }"}, headers={"x-request-id": "early"}
        )

    assert response.status_code == 503
    [line] = failure_lines(caplog)
    assert re.match(
        r"WARNING \[early\] operation - failed after 0 ms; statement count_of_books, 0 ms: PostgreSQL ", line
    )
    assert "secret" not in caplog.text


async def test_a_server_logs_each_failure_once_and_no_disconnects(dsn: str, tmp_path: Path) -> None:
    with run_server(tmp_path, DATABASE_URL=dsn) as server:
        async with lock_books(dsn) as observer, httpx.AsyncClient() as client:
            address = urlsplit(server.url)
            with socket.create_connection((address.hostname or "", address.port or 0)) as disconnecting:
                body = httpx.Request("POST", server.url, json=REQUEST)
                head = "POST /graphql HTTP/1.1\r\nhost: shop\r\nx-request-id: gone\r\n"
                head += "".join(
                    f"{name}: {body.headers[name]}\r\n" for name in ("content-type", "content-length")
                )
                disconnecting.sendall(head.encode() + b"\r\n" + body.content)
                await until(lambda: observer.fetchval(WAITING))
            await until(lambda: observer.fetchval(f"SELECT NOT EXISTS ({WAITING})"))

            request = asyncio.create_task(
                client.post(server.url, json=REQUEST, headers={"x-request-id": "slow"}, timeout=GUARD)
            )
            await observer.execute(
                "SELECT pg_cancel_backend($1)", await until(lambda: observer.fetchval(WAITING))
            )
            response = await request
        output = server.stop()

    assert response.status_code == 503
    assert re.fullmatch(
        r"WARNING bookstore\.endpoint \[slow\] operation Titles failed after \d+ ms; "
        r"statement page_of_books_matching, \d+ ms: A statement took [^\n]+\n",
        output,
    )
