"""The endpoint over HTTP: what it takes, what it refuses, and what a browser gets."""

import gc
from collections.abc import AsyncGenerator
from types import TracebackType
from typing import Any

import asyncpg
import httpx
import orjson
import pytest

from graphql_api.app import create_app
from graphql_api.http.request_ids import WithRequestId
from graphql_api.settings import Settings
from tests.graphql_api.http.conftest import Shop

JSON = {"content-type": "application/json"}


QUERY = "query Titles { books { nodes { title } } }"
TITLES = {"data": {"books": {"nodes": [{"title": "Emma"}]}}}


async def test_a_query_is_answered_by_post_and_by_get(http: httpx.AsyncClient) -> None:
    posted = await http.post("/graphql", json={"query": QUERY, "operationName": "Titles", "variables": None})
    got = await http.get("/graphql", params={"query": QUERY, "variables": "{}", "extensions": "{}"})

    assert (posted.status_code, posted.json()) == (got.status_code, got.json()) == (200, TITLES)
    assert posted.headers["content-type"] == "application/json; charset=utf-8"


async def test_a_slash_at_the_end_of_the_address_does_not_matter(http: httpx.AsyncClient) -> None:
    posted = await http.post("/graphql/", json={"query": QUERY})
    got = await http.get("/graphql/", params={"query": QUERY})
    refused = await http.put("/graphql/")
    page = await http.get("/graphql/", headers={"accept": "text/html"})

    assert (posted.status_code, posted.json()) == (got.status_code, got.json()) == (200, TITLES)
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, OPTIONS, POST")
    assert (page.status_code, page.headers["location"]) == (307, "../graphql")
    assert str(page.url.join(page.headers["location"])) == "http://shop/graphql"


async def test_variables_reach_the_operation(http: httpx.AsyncClient) -> None:
    query = "query ($first: Int) { books(first: $first) { nodes { title } pageInfo { hasNextPage } } }"

    answer = await http.get("/graphql", params={"query": query, "variables": '{"first": 0}'})

    assert answer.json() == {"data": {"books": {"nodes": [], "pageInfo": {"hasNextPage": True}}}}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "The body is not JSON: unexpected end of data: line 1 column 2 (char 1)."),
        (b"\xff", "The body is not JSON: "),
        (b"[]", "The body must be a JSON object with a `query`. Send one operation a request."),
        (b"{}", "`query` must be a string that holds a GraphQL document."),
        (b'{"query": 1}', "`query` must be a string that holds a GraphQL document."),
        (b'{"query": "{a}", "variables": []}', "`variables` must be an object."),
        (b'{"query": "{a}", "operationName": 1}', "`operationName` must be a string."),
        (b'{"query": "{a}", "extensions": "x"}', "`extensions` must be an object."),
    ],
)
async def test_a_body_that_is_no_request_is_refused(
    http: httpx.AsyncClient, body: bytes, message: str
) -> None:
    answer = await http.post("/graphql", content=body, headers=JSON)

    assert answer.status_code == 400
    [error] = answer.json()["errors"]
    assert error["message"].startswith(message)
    assert error["extensions"] == {"code": "BAD_REQUEST"}


async def test_variables_in_an_address_must_be_json(http: httpx.AsyncClient) -> None:
    answer = await http.get("/graphql", params={"query": QUERY, "variables": "{"})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["message"].startswith("variables is not JSON")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_only_json_is_taken(http: httpx.AsyncClient, content_type: str) -> None:
    answer = await http.post(
        "/graphql", content=orjson.dumps({"query": QUERY}), headers={"content-type": content_type}
    )

    assert answer.status_code == 415


@pytest.mark.parametrize(
    ("status", "request_"),
    [
        (405, {"method": "GET", "url": "/graphql", "params": {"query": "mutation { a }"}}),
        (405, {"method": "PUT", "url": "/graphql"}),
        (406, {"method": "POST", "url": "/graphql", "headers": {"accept": "image/png"}}),
        (415, {"method": "POST", "url": "/graphql", "content": b"query"}),
    ],
)
async def test_a_refusal_leaves_nothing_behind(
    http: httpx.AsyncClient, status: int, request_: dict[str, Any]
) -> None:
    async def tracebacks_after(refusals: int) -> int:
        statuses = [(await http.request(**request_)).status_code for _ in range(refusals)]
        gc.collect()
        assert set(statuses) == {status}
        return sum(isinstance(each, TracebackType) for each in gc.get_objects())

    once = await tracebacks_after(1)
    many = await tracebacks_after(20)

    assert many == once


async def test_other_methods_are_refused(http: httpx.AsyncClient) -> None:
    answer = await http.put("/graphql", json={"query": QUERY})

    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        ({"query": "{"}, 200, "GRAPHQL_PARSE_FAILED"),
        ({"query": "{ nothing }"}, 200, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "mutation { nothing }"}, 200, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "query ($n: Int!) { books(first: $n) { totalCount } }"}, 200, "BAD_USER_INPUT"),
        ({"query": QUERY, "operationName": "Other"}, 400, "OPERATION_RESOLUTION_FAILURE"),
    ],
)
async def test_what_is_wrong_with_a_document_has_a_code(
    http: httpx.AsyncClient, request_: dict[str, Any], status: int, code: str
) -> None:
    answer = await http.post("/graphql", json=request_)

    assert answer.status_code == status
    assert [error["extensions"]["code"] for error in answer.json()["errors"]] == [code]
    assert "data" not in answer.json() or answer.json()["data"] is None


async def test_a_mutation_by_get_is_refused(http: httpx.AsyncClient) -> None:
    answer = await http.get("/graphql", params={"query": "mutation { __typename }"})

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_a_fault_of_ours_is_shown_as_an_id_and_logged_with_its_traceback(
    http: httpx.AsyncClient, dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute("DROP TABLE book CASCADE")
    await connection.close()

    answer = await http.post("/graphql", json={"query": QUERY})

    [error] = answer.json()["errors"]
    identity = error["extensions"]["id"]
    assert error == {
        "message": f"Something went wrong on our side; the log knows it as {identity}.",
        "locations": [{"line": 1, "column": 24}],
        "path": ["books", "nodes"],
        "extensions": {"code": "INTERNAL_SERVER_ERROR", "id": identity},
    }
    assert "relation" not in answer.text
    [record] = caplog.records
    assert identity in record.getMessage()
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], asyncpg.UndefinedTableError)


async def test_a_browser_gets_a_page_and_a_tool_does_not(http: httpx.AsyncClient) -> None:
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
            answer = await client.post("/graphql", json={"query": QUERY})
        return answer.status_code, caplog.records[0].getMessage()

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


async def test_a_body_that_comes_in_parts_is_put_together(http: httpx.AsyncClient) -> None:
    body = orjson.dumps({"query": QUERY})

    async def parts() -> AsyncGenerator[bytes]:
        for start in range(0, len(body), 7):
            yield body[start : start + 7]

    answer = await http.post("/graphql", content=parts(), headers=JSON)

    assert answer.json() == TITLES


@pytest.mark.parametrize("sent", [0, 1, 2])
async def test_a_client_that_leaves_before_its_request_is_complete_gets_nothing(dsn: str, sent: int) -> None:
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
    answered: list[Any] = []

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        answered.append(message)

    async with app.router.lifespan_context(app):
        await app(scope, receive, send)

    assert (answered, messages) == ([], [])


async def test_a_head_is_answered_as_a_get(http: httpx.AsyncClient) -> None:
    answer = await http.head("/graphql", params={"query": QUERY})

    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json; charset=utf-8")


async def test_the_cost_is_told_to_who_asks(http: httpx.AsyncClient) -> None:
    request = {
        "query": "query ($n: Int) { books(first: $n) { nodes { title authors { name } } } }",
        "variables": {"n": 2},
    }

    asked = await http.post("/graphql", json={**request, "extensions": {"cost": True}})
    by_get = await http.get("/graphql", params={"query": QUERY, "extensions": '{"cost": true}'})
    silent = await http.post("/graphql", json=request)

    assert asked.json()["extensions"] == {"cost": 2 + 2 * 4}
    assert by_get.json()["extensions"] == {"cost": 20}
    assert "extensions" not in silent.json()


async def test_what_exceeds_a_limit_is_refused_whatever_the_client_accepts(http: httpx.AsyncClient) -> None:
    dear = {"query": "query ($n: Int) { books(first: $n) { nodes { id } } }", "variables": {"n": 101}}

    answers = [
        await http.post("/graphql", json=dear, headers={"accept": kind})
        for kind in ("application/json", "application/graphql-response+json")
    ]

    assert [answer.status_code for answer in answers] == [400, 400]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["errors"] == [
        {
            "message": "A page of 101 entries is asked for; at most 100 are allowed (MAX_PAGE).",
            "extensions": {"code": "LIMIT_EXCEEDED", "limit": "MAX_PAGE", "allowed": 100},
        }
    ]


async def test_an_answer_that_is_too_long_is_not_given(shop: Shop) -> None:
    async with shop(max_response=200) as http:
        long = await http.post("/graphql", json={"query": "{ __schema { types { name } } }"})
        short = await http.post("/graphql", json={"query": QUERY})

    assert long.status_code == 400
    assert "at most 200 are allowed (MAX_RESPONSE)" in long.json()["errors"][0]["message"]
    assert short.json() == TITLES


async def test_the_log_names_the_request_of_a_fault(
    http: httpx.AsyncClient, dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute("DROP TABLE book CASCADE")
    await connection.close()
    caplog.handler.addFilter(WithRequestId())

    answer = await http.post("/graphql", json={"query": QUERY}, headers={"x-request-id": "the-one"})

    assert answer.headers["x-request-id"] == "the-one"
    assert [record.__dict__["request_id"] for record in caplog.records] == ["the-one"]


async def test_what_the_client_did_wrong_is_not_logged(
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
