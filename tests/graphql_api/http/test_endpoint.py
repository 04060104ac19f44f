"""The endpoint over HTTP: accepted requests, rejected requests and the page for browsers."""

import gc
from collections.abc import AsyncGenerator
from types import TracebackType
from typing import Any

import asyncpg
import httpx
import orjson
import pytest

from graphql_api.app import create_app
from graphql_api.http.request_ids import RequestIdFilter
from graphql_api.settings import Settings
from tests.graphql_api.http.conftest import Shop

JSON = {"content-type": "application/json"}


QUERY = "query Titles { books { nodes { title } } }"
TITLES = {"data": {"books": {"nodes": [{"title": "Emma"}]}}}


async def test_a_query_runs_by_post_and_by_get(http: httpx.AsyncClient) -> None:
    posted = await http.post("/graphql", json={"query": QUERY, "operationName": "Titles", "variables": None})
    got = await http.get("/graphql", params={"query": QUERY, "variables": "{}", "extensions": "{}"})

    assert (posted.status_code, posted.json()) == (got.status_code, got.json()) == (200, TITLES)
    assert posted.headers["content-type"] == "application/json; charset=utf-8"


async def test_a_trailing_slash_in_the_url_is_accepted(http: httpx.AsyncClient) -> None:
    posted = await http.post("/graphql/", json={"query": QUERY})
    got = await http.get("/graphql/", params={"query": QUERY})
    rejected = await http.put("/graphql/")
    page = await http.get("/graphql/", headers={"accept": "text/html"})

    assert (posted.status_code, posted.json()) == (got.status_code, got.json()) == (200, TITLES)
    assert (rejected.status_code, rejected.headers["allow"]) == (405, "GET, HEAD, OPTIONS, POST")
    assert (page.status_code, page.headers["location"]) == (307, "../graphql")
    assert str(page.url.join(page.headers["location"])) == "http://shop/graphql"


async def test_variables_reach_the_operation(http: httpx.AsyncClient) -> None:
    query = "query ($first: Int) { books(first: $first) { nodes { title } pageInfo { hasNextPage } } }"

    response = await http.get("/graphql", params={"query": query, "variables": '{"first": 0}'})

    assert response.json() == {"data": {"books": {"nodes": [], "pageInfo": {"hasNextPage": True}}}}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "The body is not JSON: unexpected end of data: line 1 column 2 (char 1)."),
        (b"\xff", "The body is not JSON: "),
        (b"[]", "The body must be a JSON object with a `query`. Send one operation per request."),
        (b"{}", "`query` must be a string containing a GraphQL document."),
        (b'{"query": 1}', "`query` must be a string containing a GraphQL document."),
        (b'{"query": "{a}", "variables": []}', "`variables` must be an object."),
        (b'{"query": "{a}", "operationName": 1}', "`operationName` must be a string."),
        (b'{"query": "{a}", "extensions": "x"}', "`extensions` must be an object."),
    ],
)
async def test_an_invalid_body_is_rejected(http: httpx.AsyncClient, body: bytes, message: str) -> None:
    response = await http.post("/graphql", content=body, headers=JSON)

    assert response.status_code == 400
    [error] = response.json()["errors"]
    assert error["message"].startswith(message)
    assert error["extensions"] == {"code": "BAD_REQUEST"}


async def test_variables_in_a_url_must_be_json(http: httpx.AsyncClient) -> None:
    response = await http.get("/graphql", params={"query": QUERY, "variables": "{"})

    assert response.status_code == 400
    assert response.json()["errors"][0]["message"].startswith("variables is not JSON")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_other_content_types_than_json_are_rejected(http: httpx.AsyncClient, content_type: str) -> None:
    response = await http.post(
        "/graphql", content=orjson.dumps({"query": QUERY}), headers={"content-type": content_type}
    )

    assert response.status_code == 415


@pytest.mark.parametrize(
    ("status", "request_"),
    [
        (405, {"method": "GET", "url": "/graphql", "params": {"query": "mutation { a }"}}),
        (405, {"method": "PUT", "url": "/graphql"}),
        (406, {"method": "POST", "url": "/graphql", "headers": {"accept": "image/png"}}),
        (415, {"method": "POST", "url": "/graphql", "content": b"query"}),
    ],
)
async def test_rejected_requests_leak_no_tracebacks(
    http: httpx.AsyncClient, status: int, request_: dict[str, Any]
) -> None:
    async def count_tracebacks_after(rejections: int) -> int:
        statuses = [(await http.request(**request_)).status_code for _ in range(rejections)]
        gc.collect()
        assert set(statuses) == {status}
        return sum(isinstance(item, TracebackType) for item in gc.get_objects())

    once = await count_tracebacks_after(1)
    many = await count_tracebacks_after(20)

    assert many == once


async def test_other_methods_are_rejected(http: httpx.AsyncClient) -> None:
    response = await http.put("/graphql", json={"query": QUERY})

    assert response.status_code == 405
    assert set(response.headers["allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}


async def test_a_mutation_by_get_is_rejected(http: httpx.AsyncClient) -> None:
    response = await http.get("/graphql", params={"query": "mutation { __typename }"})

    assert (response.status_code, response.headers["allow"]) == (405, "POST")


async def test_an_internal_error_returns_an_id_and_is_logged_with_its_traceback(
    http: httpx.AsyncClient, dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute("DROP TABLE book CASCADE")
    await connection.close()

    response = await http.post("/graphql", json={"query": QUERY})

    [error] = response.json()["errors"]
    identity = error["extensions"]["id"]
    assert error == {
        "message": f"Internal server error. The server's log has the details under the id {identity}.",
        "locations": [{"line": 1, "column": 24}],
        "path": ["books", "nodes"],
        "extensions": {"code": "INTERNAL_SERVER_ERROR", "id": identity},
    }
    assert "relation" not in response.text
    [record] = caplog.records
    assert identity in record.getMessage()
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], asyncpg.UndefinedTableError)


async def test_a_browser_gets_the_explorer_page_and_other_clients_do_not(http: httpx.AsyncClient) -> None:
    page = await http.get("/graphql", headers={"accept": "text/html,*/*;q=0.8"})
    tool = await http.get("/graphql", headers={"accept": "*/*"})
    query = await http.get("/graphql", headers={"accept": "text/html,*/*;q=0.8"}, params={"query": QUERY})

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert tool.status_code == 400
    assert query.json() == TITLES


async def test_the_application_starts_without_its_database_and_the_log_has_the_reason(
    dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def start(address: str) -> tuple[int, str]:
        caplog.clear()
        app = create_app(Settings(), address)
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://shop") as client,
        ):
            response = await client.post("/graphql", json={"query": QUERY})
        return response.status_code, caplog.records[0].getMessage()

    connection = await asyncpg.connect(dsn)
    await connection.execute("UPDATE alembic_version SET version_num = 'x'")
    await connection.close()
    not_migrated, absent, no_address = [
        await start(address)
        for address in (dsn, dsn.replace("/test_", "/nowhere_"), "mysql://app@127.0.0.1/none")
    ]

    assert {not_migrated[0], absent[0], no_address[0]} == {503}
    assert not_migrated[1].endswith("run `bookstore migrate`.")
    assert absent[1].startswith("PostgreSQL is unavailable: PostgreSQL cannot be reached at /")
    assert no_address[1].startswith("PostgreSQL is unavailable: the address is not like postgresql://")


async def test_a_body_sent_in_chunks_is_joined(http: httpx.AsyncClient) -> None:
    body = orjson.dumps({"query": QUERY})

    async def parts() -> AsyncGenerator[bytes]:
        for start in range(0, len(body), 7):
            yield body[start : start + 7]

    response = await http.post("/graphql", content=parts(), headers=JSON)

    assert response.json() == TITLES


@pytest.mark.parametrize("sent", [0, 1, 2])
async def test_a_client_that_disconnects_while_sending_gets_no_response(dsn: str, sent: int) -> None:
    app = create_app(Settings(pool_size=1), dsn)
    messages = [{"type": "http.request", "body": b"{", "more_body": True}] * sent
    messages.append({"type": "http.disconnect"})
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/graphql",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }
    sent_messages: list[Any] = []

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent_messages.append(message)

    async with app.router.lifespan_context(app):
        await app(scope, receive, send)

    assert (sent_messages, messages) == ([], [])


async def test_a_head_request_is_handled_like_a_get_request(http: httpx.AsyncClient) -> None:
    response = await http.head("/graphql", params={"query": QUERY})

    assert (response.status_code, response.headers["content-type"]) == (
        200,
        "application/json; charset=utf-8",
    )


async def test_the_cost_is_returned_on_request(http: httpx.AsyncClient) -> None:
    request = {
        "query": "query ($n: Int) { books(first: $n) { nodes { title authors { name } } } }",
        "variables": {"n": 2},
    }

    with_cost = await http.post("/graphql", json={**request, "extensions": {"cost": True}})
    by_get = await http.get("/graphql", params={"query": QUERY, "extensions": '{"cost": true}'})
    without_cost = await http.post("/graphql", json=request)

    assert with_cost.json()["extensions"] == {"cost": {"requested": 2 + 2 * 4, "actual": 1}}
    assert by_get.json()["extensions"] == {"cost": {"requested": 20, "actual": 1}}
    assert "extensions" not in without_cost.json()


async def test_an_exceeded_limit_names_the_limit(http: httpx.AsyncClient) -> None:
    query = "query ($n: Int) { categories(first: 100) { nodes { books(first: $n) { nodes { id } } } } }"
    response = await http.post("/graphql", json={"query": query, "variables": {"n": 100}})

    assert response.json()["errors"] == [
        {
            "message": "The operation costs 10,100 rows; at most 10,000 are allowed (MAX_COST).",
            "locations": [{"line": 1, "column": 1}],
            "extensions": {"code": "COST_LIMIT_EXCEEDED", "limit": "MAX_COST", "allowed": 10_000},
        }
    ]


async def test_a_response_that_is_too_large_is_replaced_by_an_error(shop: Shop) -> None:
    async with shop(max_response_bytes=200) as http:
        long = await http.post("/graphql", json={"query": "{ __schema { types { name } } }"})
        short = await http.post("/graphql", json={"query": QUERY})

    assert long.status_code == 200
    assert "data" not in long.json()
    assert "at most 200 are allowed (MAX_RESPONSE_BYTES)" in long.json()["errors"][0]["message"]
    assert short.json() == TITLES


async def test_the_log_has_the_request_id_of_an_internal_error(
    http: httpx.AsyncClient, dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute("DROP TABLE book CASCADE")
    await connection.close()
    caplog.handler.addFilter(RequestIdFilter())

    response = await http.post("/graphql", json={"query": QUERY}, headers={"x-request-id": "the-one"})

    assert response.headers["x-request-id"] == "the-one"
    assert [record.__dict__["request_id"] for record in caplog.records] == ["the-one"]


async def test_client_errors_are_not_logged(
    http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    for query in (
        "{",
        "{ nothing }",
        '{ node(id: "nothing") { id } }',
        "{ books(first: -1) { totalCount } }",
    ):
        await http.post("/graphql", json={"query": query})

    assert caplog.records == []
