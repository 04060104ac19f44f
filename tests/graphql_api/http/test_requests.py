"""Requests: what is no GraphQL request is refused with a word on why, and never harms."""

import json
from typing import Any

import asyncpg
import httpx
import pytest
from graphql import get_introspection_query

from graphql_api.http.gzip import takes_gzip
from tests.graphql_api.http.conftest import Shop

JSON = {"content-type": "application/json"}
GRAPHQL = {"accept": "application/graphql-response+json"}
BOOK = '{ book(by: {isbn: "9780306406157"}) { title recentViews } }'

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
    "NUL in the document": (b'{"query": "{ __typename }\\u0000"}', "The body holds a NUL character"),
    "NUL in a variable": (
        b'{"query": "{ __typename }", "variables": {"a": ["\\u0000"]}}',
        "The body holds a NUL character",
    ),
    "NUL in a key": (b'{"query": "{ __typename }", "\\u0000": 1}', "The body holds a NUL character"),
    "the same key twice": (
        b'{"query": "{ __typename }", "query" : "{ books { totalCount } }"}',
        "The body has an object with the same key twice",
    ),
    "the same variable twice": (
        b'{"query": "{ __typename }", "variables": {"a": 1, "a": 2}}',
        "The body has an object with the same key twice",
    ),
    "a number": (b"123", "The body must be a JSON object"),
    "null": (b"null", "The body must be a JSON object"),
    "a string": (b'"{ __typename }"', "The body must be a JSON object"),
    "a batch": (b'[{"query": "{ __typename }"}]', "The body must be a JSON object with a `query`. Send one"),
    "no query": (b'{"variables": {}}', "`query` must be a string"),
    "a query that is none": (b'{"query": ["{ __typename }"]}', "`query` must be a string"),
    "variables in a list": (
        b'{"query": "{ __typename }", "variables": [1]}',
        "`variables` must be an object",
    ),
    "two operations": (
        b'{"query": "query A { __typename } query B { __typename }"}',
        "The document holds several operations",
    ),
    "an unknown operation": (
        b'{"query": "query A { __typename }", "operationName": "B"}',
        "The document holds no operation 'B'",
    ),
    "no operation": (b'{"query": "fragment F on Query { __typename }"}', "The document holds no operation"),
}


@pytest.mark.parametrize("name", MALFORMED)
async def test_a_malformed_request_is_refused(http: httpx.AsyncClient, name: str) -> None:
    body, message = MALFORMED[name]

    answer = await http.post("/graphql", content=body, headers=JSON)

    assert answer.status_code == (400 if message else 200)
    if message:
        [error] = answer.json()["errors"]
        assert error["message"].startswith(message)
        assert error["extensions"]["code"] in ("BAD_REQUEST", "OPERATION_RESOLUTION_FAILURE")


async def test_a_string_that_only_looks_like_a_key_twice_is_none(http: httpx.AsyncClient) -> None:
    body = json.dumps({"query": "{ __typename }", "variables": {"a": '"query": "a": ', "b": '"a":'}})

    answer = await http.post("/graphql", content=body, headers=JSON)

    assert answer.json() == {"data": {"__typename": "Query"}}


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
async def test_a_value_that_cannot_be_taken_is_told_of(http: httpx.AsyncClient, name: str) -> None:
    query, value = VALUES[name]

    answer = await http.post("/graphql", json={"query": query, "variables": {"v": value}}, headers=GRAPHQL)

    assert answer.status_code == 400
    assert {error["extensions"]["code"] for error in answer.json()["errors"]} <= {
        "BAD_REQUEST",
        "BAD_USER_INPUT",
    }
    assert "data" not in answer.json()


@pytest.mark.parametrize(
    "argument",
    ["9" * 1_000, "2147483648", "9223372036854775808", "-9223372036854775809", "1e400", "0." + "3" * 990],
)
async def test_a_number_in_a_document_that_cannot_be_taken_is_told_of(
    http: httpx.AsyncClient, argument: str
) -> None:
    query = f"{{ books(first: {argument}) {{ totalCount }} }}"

    answer = await http.post("/graphql", json={"query": query}, headers=GRAPHQL)

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


@pytest.mark.parametrize("argument", ["9" * 10_000, "-" + "9" * 4_301, "0." + "3" * 10_000, "9" * 1_001])
async def test_a_number_that_nobody_can_mean_is_not_read(http: httpx.AsyncClient, argument: str) -> None:
    query = f"{{ books(first: {argument}) {{ totalCount }} }}"

    answer = await http.post("/graphql", json={"query": query}, headers=GRAPHQL)

    assert answer.status_code == 400
    [error] = answer.json()["errors"]
    length = f"{len(argument):,}"
    assert error == {
        "message": f"Syntax Error: A number has {length} characters; at most 1,000 are read.",
        "locations": [{"line": 1, "column": 16}],
        "extensions": {"code": "GRAPHQL_PARSE_FAILED"},
    }


async def test_a_header_sent_twice_is_a_list(http: httpx.AsyncClient) -> None:
    accepts = [("accept", "text/html"), ("accept", "application/json"), ("accept-encoding", "br")]
    packed = [*accepts, ("accept-encoding", "gzip")]

    answer = await http.post("/graphql", json={"query": "{ __typename }"}, headers=accepts)
    introspection = await http.post("/graphql", json={"query": get_introspection_query()}, headers=packed)

    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json; charset=utf-8")
    assert introspection.headers["content-encoding"] == "gzip"


@pytest.mark.parametrize(
    ("header", "value", "status", "message"),
    [
        ("content-encoding", "gzip", 415, "Send the body as it is, without a Content-Encoding."),
        ("transfer-encoding", "gzip, chunked", 501, "Send the body with no Transfer-Encoding but chunked."),
    ],
)
async def test_a_packed_body_is_refused(
    http: httpx.AsyncClient, header: str, value: str, status: int, message: str
) -> None:
    answer = await http.post("/graphql", content=b"{}", headers={**JSON, header: value})

    assert (answer.status_code, answer.json()["errors"][0]["message"]) == (status, message)


async def test_no_address_is_made_of_what_the_client_says_of_ours(http: httpx.AsyncClient) -> None:
    for path in ("/graphql//", "/livez/"):
        answer = await http.get(path, headers={"host": "evil.example"})

        assert (answer.status_code, "location" in answer.headers) == (404, False)


@pytest.mark.parametrize("sent", ["a length", "no length"])
async def test_a_body_that_is_too_large_is_refused_while_it_is_read(shop: Shop, sent: str) -> None:
    taken = 0

    async def endless() -> Any:
        nonlocal taken
        while taken < 10_000_000:
            taken += 1_000
            yield b" " * 1_000

    async with shop(max_body=20_000) as http:
        content = b" " * 20_001 if sent == "a length" else endless()
        answer = await http.post("/graphql", content=content, headers=JSON)
        fits = await http.post("/graphql", content=b'{"query": "{ __typename }"}'.ljust(20_000), headers=JSON)

    assert answer.status_code == 413
    message = "The body is too large; at most 20,000 bytes are allowed (MAX_BODY)."
    assert answer.json()["errors"][0]["message"] == message
    assert taken <= 21_000
    assert fits.json() == {"data": {"__typename": "Query"}}


async def test_an_address_that_is_too_long_is_refused(shop: Shop) -> None:
    async with shop(max_body=2_000) as http:
        answer = await http.get("/graphql", params={"query": "{ __typename }" + " " * 2_000})

    assert answer.status_code == 414


@pytest.mark.parametrize(
    "address",
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
async def test_an_address_that_holds_no_request_is_refused(http: httpx.AsyncClient, address: str) -> None:
    answer = await http.get(f"/graphql?{address}")

    assert answer.status_code == 400


async def test_other_media_types_and_character_sets_are_refused(http: httpx.AsyncClient) -> None:
    body = b'{"query": "{ __typename }"}'

    statuses = [
        (await http.post("/graphql", content=body, headers={"content-type": kind})).status_code
        for kind in (
            "application/json; charset=utf-16",
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/graphql",
            "application/json; charset=UTF-8",
        )
    ]

    assert statuses == [415, 415, 415, 415, 415, 200]


async def test_what_comes_by_get_changes_nothing(shop: Shop, dsn: str) -> None:
    async with shop() as http:
        for _ in range(3):
            await http.get("/graphql", params={"query": BOOK})
        await http.post("/graphql", json={"query": BOOK})

    # The application has written the views at its end.
    connection = await asyncpg.connect(dsn)
    views = await connection.fetchval("SELECT sum(views) FROM book_view")
    await connection.close()
    assert views == 1


async def test_mutations_and_unknown_methods(http: httpx.AsyncClient) -> None:
    mutation = await http.get("/graphql", params={"query": "mutation { nothing }"}, headers=GRAPHQL)
    options = await http.options("/graphql")
    patch = await http.patch("/graphql", json={"query": BOOK})
    head = await http.head("/graphql", params={"query": BOOK})

    assert (mutation.status_code, mutation.headers["allow"]) == (405, "POST")
    assert (options.status_code, options.headers["allow"]) == (204, "GET, HEAD, OPTIONS, POST")
    assert not {"content-length", "content-type"} & options.headers.keys()
    assert (patch.status_code, patch.headers["allow"]) == (405, "GET, HEAD, OPTIONS, POST")
    assert head.status_code == 200


async def test_a_request_has_an_id_that_comes_back(http: httpx.AsyncClient) -> None:
    given = await http.post("/graphql", json={"query": BOOK}, headers={"x-request-id": "abc-1"})
    made = await http.post("/graphql", json={"query": BOOK})
    forged = await http.post("/graphql", json={"query": BOOK}, headers={"x-request-id": "a b\tERROR"})

    assert given.headers["x-request-id"] == "abc-1"
    assert len(made.headers["x-request-id"]) == 16
    assert "ERROR" not in forged.headers["x-request-id"]


async def test_long_answers_are_packed_for_who_takes_it(http: httpx.AsyncClient) -> None:
    query = {"query": "{ __schema { types { name description } } }"}

    packed = await http.post("/graphql", json=query, headers={"accept-encoding": "gzip"})
    plain = await http.post("/graphql", json=query, headers={"accept-encoding": "identity"})

    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.json() == plain.json()


async def test_other_origins_are_let_in_by_setting_alone(shop: Shop) -> None:
    preflight = {
        "origin": "https://shop.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
    }

    async with shop() as http:
        closed = await http.options("/graphql", headers=preflight)
    async with shop(cors_origins="https://shop.example") as http:
        let_in = await http.options("/graphql", headers=preflight)
        stranger = await http.options("/graphql", headers={**preflight, "origin": "https://evil.example"})
        answer = await http.post("/graphql", json={"query": BOOK}, headers={"origin": "https://shop.example"})

    assert "access-control-allow-origin" not in closed.headers
    assert let_in.headers["access-control-allow-origin"] == "https://shop.example"
    assert stranger.status_code == 400
    assert "access-control-allow-origin" not in stranger.headers
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert "X-Request-ID" in answer.headers["access-control-expose-headers"]


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
    ("accepted", "taken"),
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
def test_gzip_is_for_those_who_take_it(accepted: bytes, taken: bool) -> None:
    assert takes_gzip(accepted) is taken
