"""Requests: invalid GraphQL requests are rejected with a reason."""

import json
from collections.abc import AsyncGenerator
from typing import Any

import asyncpg
import httpx
import pytest
from graphql import get_introspection_query

from graphql_api.http.gzip import accepts_gzip
from tests.graphql_api.http.conftest import Shop

JSON = {"content-type": "application/json"}
GRAPHQL = {"accept": "application/graphql-response+json"}
BOOK = '{ book(by: {isbn: "9780306406157"}) { title authors { name } } }'

MALFORMED = {
    "not JSON": (b"{'query': 1}", "The body is not JSON"),
    "empty": (b"", "The body is not JSON"),
    "cut off": (b'{"query": "{ __typename', "The body is not JSON"),
    "not UTF-8": (b'{"query": "\xff\xfe"}', "The body is not JSON"),
    "UTF-16": ('{"query": "{ __typename }"}'.encode("utf-16"), "The body is not JSON"),
    "lists 40,000 deep": (b"[" * 40_000, "The body is not JSON"),
    "objects 9,000 deep": (b'{"query":' * 9_000 + b"1" + b"}" * 9_000, "The body is not JSON"),
    "variables 900 deep": (
        b'{"query": "{ __typename }", "variables": ' + b'{"a":' * 900 + b"1" + b"}" * 901,
        None,
    ),
    "NaN": (b'{"query": "{ __typename }", "variables": {"a": NaN}}', "The body is not JSON"),
    "Infinity": (b'{"query": "{ __typename }", "variables": {"a": -Infinity}}', "The body is not JSON"),
    "half a surrogate pair": (b'{"query": "\\ud800"}', "The body is not JSON"),
    "NUL in the document": (b'{"query": "{ __typename }\\u0000"}', "The body contains a NUL character"),
    "NUL in a variable": (
        b'{"query": "{ __typename }", "variables": {"a": ["\\u0000"]}}',
        "The body contains a NUL character",
    ),
    "NUL in a key": (b'{"query": "{ __typename }", "\\u0000": 1}', "The body contains a NUL character"),
    "the same key twice": (
        b'{"query": "{ __typename }", "query" : "{ books { totalCount } }"}',
        "The body has an object with a duplicate key",
    ),
    "the same variable twice": (
        b'{"query": "{ __typename }", "variables": {"a": 1, "a": 2}}',
        "The body has an object with a duplicate key",
    ),
    "a number": (b"123", "The body must be a JSON object"),
    "null": (b"null", "The body must be a JSON object"),
    "a string": (b'"{ __typename }"', "The body must be a JSON object"),
    "a batch": (b'[{"query": "{ __typename }"}]', "The body must be a JSON object with a `query`. Send one"),
    "no query": (b'{"variables": {}}', "`query` must be a string"),
    "a query that is not a string": (b'{"query": ["{ __typename }"]}', "`query` must be a string"),
    "variables in a list": (
        b'{"query": "{ __typename }", "variables": [1]}',
        "`variables` must be an object",
    ),
    "two operations": (
        b'{"query": "query A { __typename } query B { __typename }"}',
        "The document has several operations",
    ),
    "an unknown operation": (
        b'{"query": "query A { __typename }", "operationName": "B"}',
        "The document has no operation 'B'",
    ),
    "no operation": (b'{"query": "fragment F on Query { __typename }"}', "The document has no operation"),
}


@pytest.mark.parametrize("name", MALFORMED)
async def test_a_malformed_request_is_rejected(http: httpx.AsyncClient, name: str) -> None:
    body, message = MALFORMED[name]

    response = await http.post("/graphql", content=body, headers={**JSON, **GRAPHQL})

    assert response.status_code == (400 if message else 200)
    if message:
        [error] = response.json()["errors"]
        assert error["message"].startswith(message)
        assert error["extensions"]["code"] in ("BAD_REQUEST", "OPERATION_RESOLUTION_FAILURE")


async def test_a_string_that_looks_like_a_duplicate_key_is_accepted(http: httpx.AsyncClient) -> None:
    body = json.dumps({"query": "{ __typename }", "variables": {"a": '"query": "a": ', "b": '"a":'}})

    response = await http.post("/graphql", content=body, headers=JSON)

    assert response.json() == {"data": {"__typename": "Query"}}


VALUES: dict[str, tuple[str, Any]] = {
    "a number of 10,000 digits": ("query ($v: Int) { books(first: $v) { totalCount } }", int("9" * 4_000)),
    "2^31": ("query ($v: Int) { books(first: $v) { totalCount } }", 2**31),
    "2^63": ("query ($v: Int) { books(first: $v) { totalCount } }", 2**63),
    "-2^63 - 1": ("query ($v: Int) { books(first: $v) { totalCount } }", -(2**63) - 1),
    "2^64": ("query ($v: Int) { books(first: $v) { totalCount } }", 2**64),
    "1.5": ("query ($v: Int) { books(first: $v) { totalCount } }", 1.5),
    "a list for a number": ("query ($v: Int) { books(first: $v) { totalCount } }", [1]),
    "an object for a text": ("query ($v: String) { books(after: $v) { totalCount } }", {"a": 1}),
    "no value": ("query ($v: Int!) { books(first: $v) { totalCount } }", None),
    "an unknown field": ("query ($v: BookLookup!) { book(by: $v) { id } }", {"nothing": 1}),
    "two keys of a one-of": ("query ($v: BookLookup!) { book(by: $v) { id } }", {"id": "a", "isbn": "b"}),
}


@pytest.mark.parametrize("name", VALUES)
async def test_an_invalid_variable_value_is_an_error(http: httpx.AsyncClient, name: str) -> None:
    query, value = VALUES[name]

    response = await http.post("/graphql", json={"query": query, "variables": {"v": value}}, headers=GRAPHQL)

    assert response.status_code == 400
    assert {error["extensions"]["code"] for error in response.json()["errors"]} <= {
        "BAD_REQUEST",
        "BAD_USER_INPUT",
    }
    assert "data" not in response.json()


@pytest.mark.parametrize(
    "argument",
    ["9" * 1_000, "2147483648", "9223372036854775808", "-9223372036854775809", "1e400", "0." + "3" * 990],
)
async def test_an_invalid_number_in_a_document_is_an_error(http: httpx.AsyncClient, argument: str) -> None:
    query = f"{{ books(first: {argument}) {{ totalCount }} }}"

    response = await http.post("/graphql", json={"query": query}, headers=GRAPHQL)

    assert response.status_code == 400
    assert response.json()["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


@pytest.mark.parametrize("argument", ["9" * 10_000, "-" + "9" * 4_301, "0." + "3" * 10_000, "9" * 1_001])
async def test_a_number_with_too_many_characters_is_not_parsed(
    http: httpx.AsyncClient, argument: str
) -> None:
    query = f"{{ books(first: {argument}) {{ totalCount }} }}"

    response = await http.post("/graphql", json={"query": query}, headers=GRAPHQL)

    assert response.status_code == 400
    [error] = response.json()["errors"]
    length = f"{len(argument):,}"
    assert error == {
        "message": f"Syntax Error: A number has {length} characters; at most 1,000 are allowed.",
        "locations": [{"line": 1, "column": 16}],
        "extensions": {"code": "GRAPHQL_PARSE_FAILED"},
    }


async def test_a_header_sent_twice_is_a_list(http: httpx.AsyncClient) -> None:
    accepts = [("accept", "text/html"), ("accept", "application/json"), ("accept-encoding", "br")]
    with_gzip = [*accepts, ("accept-encoding", "gzip")]

    response = await http.post("/graphql", json={"query": "{ __typename }"}, headers=accepts)
    introspection = await http.post("/graphql", json={"query": get_introspection_query()}, headers=with_gzip)

    assert (response.status_code, response.headers["content-type"]) == (
        200,
        "application/json; charset=utf-8",
    )
    assert introspection.headers["content-encoding"] == "gzip"


@pytest.mark.parametrize(
    ("header", "value", "status", "message"),
    [
        ("content-encoding", "gzip", 415, "Unsupported Content-Encoding: send the body without one."),
        ("transfer-encoding", "gzip, chunked", 501, "Unsupported Transfer-Encoding: use chunked or none."),
    ],
)
async def test_an_encoded_body_is_rejected(
    http: httpx.AsyncClient, header: str, value: str, status: int, message: str
) -> None:
    response = await http.post("/graphql", content=b"{}", headers={**JSON, header: value})

    assert (response.status_code, response.json()["errors"][0]["message"]) == (status, message)


async def test_the_host_header_never_becomes_a_redirect(http: httpx.AsyncClient) -> None:
    for path in ("/graphql//", "/livez/"):
        response = await http.get(path, headers={"host": "evil.example"})

        assert (response.status_code, "location" in response.headers) == (404, False)


@pytest.mark.parametrize("sent", ["a length", "no length"])
async def test_a_body_that_is_too_large_is_rejected_while_it_is_read(shop: Shop, sent: str) -> None:
    bytes_read = 0

    async def endless() -> AsyncGenerator[bytes]:
        nonlocal bytes_read
        while bytes_read < 10_000_000:
            bytes_read += 1_000
            yield b" " * 1_000

    async with shop(max_body_bytes=20_000) as http:
        content = b" " * 20_001 if sent == "a length" else endless()
        response = await http.post("/graphql", content=content, headers=JSON)
        fits = await http.post("/graphql", content=b'{"query": "{ __typename }"}'.ljust(20_000), headers=JSON)

    assert response.status_code == 413
    message = "The body is too large; at most 20,000 bytes are allowed (MAX_BODY_BYTES)."
    assert response.json()["errors"][0]["message"] == message
    assert bytes_read <= 21_000
    assert fits.json() == {"data": {"__typename": "Query"}}


async def test_a_url_that_is_too_long_is_rejected(shop: Shop) -> None:
    async with shop(max_body_bytes=2_000) as http:
        response = await http.get("/graphql", params={"query": "{ __typename }" + " " * 2_000})

    assert response.status_code == 414


@pytest.mark.parametrize(
    "query_string",
    [
        "query={__typename}&query={__typename}",
        "query=%ff",
        "query={__typename}&variables=[]",
        "query={__typename}&variables=nonsense",
        "query={__typename}&extensions=1",
        "query=" + "&a=1" * 200,
        "",
    ],
)
async def test_an_invalid_query_string_is_rejected(http: httpx.AsyncClient, query_string: str) -> None:
    response = await http.get(f"/graphql?{query_string}")

    assert response.status_code == 400


async def test_other_media_types_and_character_sets_are_rejected(http: httpx.AsyncClient) -> None:
    body = b'{"query": "{ __typename }"}'

    statuses = [
        (await http.post("/graphql", content=body, headers={"content-type": content_type})).status_code
        for content_type in (
            "application/json; charset=utf-16",
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/graphql",
            "application/json; charset=UTF-8",
        )
    ]

    assert statuses == [415, 415, 415, 415, 415, 200]


async def test_a_get_request_counts_no_views(shop: Shop, dsn: str) -> None:
    async with shop() as http:
        for _ in range(3):
            await http.get("/graphql", params={"query": BOOK})
        await http.post("/graphql", json={"query": BOOK})

    # The application has written the views at its end.
    connection = await asyncpg.connect(dsn)
    views = await connection.fetchval("SELECT sum(views) FROM book_view")
    await connection.close()
    assert views == 1


async def test_mutations_by_get_and_unknown_methods_are_rejected(http: httpx.AsyncClient) -> None:
    mutation = await http.get("/graphql", params={"query": "mutation { nothing }"}, headers=GRAPHQL)
    options = await http.options("/graphql")
    patch = await http.patch("/graphql", json={"query": BOOK})
    head = await http.head("/graphql", params={"query": BOOK})

    assert (mutation.status_code, mutation.headers["allow"]) == (405, "POST")
    assert (options.status_code, options.headers["allow"]) == (204, "GET, HEAD, OPTIONS, POST")
    assert not {"content-length", "content-type"} & options.headers.keys()
    assert (patch.status_code, patch.headers["allow"]) == (405, "GET, HEAD, OPTIONS, POST")
    assert head.status_code == 200


async def test_the_request_id_is_returned(http: httpx.AsyncClient) -> None:
    client_id = await http.post("/graphql", json={"query": BOOK}, headers={"x-request-id": "abc-1"})
    generated = await http.post("/graphql", json={"query": BOOK})
    forged = await http.post("/graphql", json={"query": BOOK}, headers={"x-request-id": "a b\tERROR"})

    assert client_id.headers["x-request-id"] == "abc-1"
    assert len(generated.headers["x-request-id"]) == 16
    assert "ERROR" not in forged.headers["x-request-id"]


async def test_large_responses_are_compressed_for_clients_that_accept_gzip(http: httpx.AsyncClient) -> None:
    query = {"query": "{ __schema { types { name description } } }"}

    compressed = await http.post("/graphql", json=query, headers={"accept-encoding": "gzip"})
    plain = await http.post("/graphql", json=query, headers={"accept-encoding": "identity"})

    assert compressed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert compressed.json() == plain.json()


async def test_other_origins_are_allowed_only_by_the_setting(shop: Shop) -> None:
    preflight = {
        "origin": "https://shop.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
    }

    async with shop() as http:
        closed = await http.options("/graphql", headers=preflight)
    async with shop(cors_origins="https://shop.example") as http:
        allowed = await http.options("/graphql", headers=preflight)
        rejected = await http.options("/graphql", headers={**preflight, "origin": "https://evil.example"})
        response = await http.post(
            "/graphql", json={"query": BOOK}, headers={"origin": "https://shop.example"}
        )

    assert "access-control-allow-origin" not in closed.headers
    assert allowed.headers["access-control-allow-origin"] == "https://shop.example"
    assert allowed.headers["access-control-max-age"] == "86400"
    assert rejected.status_code == 400
    assert "access-control-allow-origin" not in rejected.headers
    assert response.headers["access-control-allow-origin"] == "https://shop.example"
    assert "X-Request-ID" in response.headers["access-control-expose-headers"]


async def test_suggestions_and_introspection_can_be_turned_off(shop: Shop) -> None:
    mistaken = {"query": "{ bookz { totalCount } }"}
    schema = {"query": "{ __schema { queryType { name } } }"}

    async with shop() as http:
        helped = await http.post("/graphql", json=mistaken)
    async with shop(suggestions=False, introspection=False) as http:
        bare = await http.post("/graphql", json=mistaken)
        value = await http.post(
            "/graphql",
            json={
                "query": "query ($o: BookOrder) { books(orderBy: $o) { totalCount } }",
                "variables": {"o": {"feild": "TITLE"}},
            },
        )
        hidden = await http.post("/graphql", json=schema)
        typename = await http.post("/graphql", json={"query": "{ __typename }"})

    assert "Did you mean" in helped.text
    assert "Did you mean" not in bare.text + value.text
    assert hidden.json()["errors"][0]["message"].startswith("GraphQL introspection has been disabled")
    assert typename.json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(
    ("accept_encoding", "accepts"),
    [
        (b"", False),
        (b"gzip", True),
        (b"GZip;q=0.5, br", True),
        (b"gzip;q=0", False),
        (b"br, gzip ; q=0.000", False),
        (b"*", True),
        (b"*;q=0", False),
        (b"gzip;q=0, *;q=0.5", False),
        (b"identity;q=1, *;q=0", False),
        (b"gzipped", False),
    ],
)
def test_accept_encoding_is_parsed_with_weights(accept_encoding: bytes, accepts: bool) -> None:
    assert accepts_gzip(accept_encoding) is accepts
