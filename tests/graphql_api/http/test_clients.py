"""Responses for browsers, libraries and other clients: pages, redirects, statuses and CORS headers."""

import json
import re
from typing import Any

import httpx
import pytest

from graphql_api.execution.manifests import hash_text
from graphql_api.http.explorer_page import DIST
from graphql_api.http.media_types import prefers_html
from tests.graphql_api.http.conftest import Shop

BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
GRAPHQL = {"accept": "application/graphql-response+json"}
QUERY = "{ books { nodes { title } } }"


@pytest.mark.parametrize(
    ("accept", "html"),
    [
        (BROWSER["accept"], True),
        ("text/html", True),
        ("text/*", True),
        ("text/html, application/json", True),
        ("text/html;q=0.9, application/json;q=0.8", True),
        ("application/json, text/html", False),
        ("text/html;q=0, application/json", False),
        ("text/html;q=0, */*", False),
        ("text/html;q=0.5, application/graphql-response+json", False),
        ("*/*", False),
        ("application/json", False),
        ("", False),
        ("text/plain", False),
    ],
)
def test_html_is_preferred_only_if_it_is_named_and_not_worse_than_json(accept: str, html: bool) -> None:
    assert prefers_html(accept.encode()) is html


async def test_responses_at_the_same_url_vary_by_accept(http: httpx.AsyncClient) -> None:
    page = await http.get("/graphql", headers=BROWSER)
    redirect = await http.get("/graphql/", headers=BROWSER)
    refused = await http.get("/graphql", headers={"accept": "text/html;q=0, application/json"})
    result = await http.get("/graphql", params={"query": QUERY})

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert refused.headers["content-type"] == "application/json; charset=utf-8"
    for response in (page, redirect, refused, result):
        assert "accept" in re.split(", *", response.headers["vary"].lower())


@pytest.mark.parametrize("path", ["/graphql", "/graphql/"])
async def test_get_without_a_query_is_an_error_with_instructions(http: httpx.AsyncClient, path: str) -> None:
    response = await http.get(path)

    assert response.status_code == 400
    assert response.json()["errors"] == [
        {
            "message": "The URL has no GraphQL document. Add one, for example ?query={__typename}, or send it by "
            "POST as JSON with a `query`.",
            "extensions": {"code": "BAD_REQUEST"},
        }
    ]


async def test_without_the_storefront_the_root_redirects_a_browser_to_the_explorer(shop: Shop) -> None:
    async with shop(storefront=False) as http:
        browser = await http.get("/", headers=BROWSER)
        head = await http.head("/", headers=BROWSER)
        tool = await http.get("/")
        post = await http.post("/", json={"query": QUERY})
        example = await http.get(tool.json()["example"])

    assert (browser.status_code, browser.headers["location"]) == (303, "graphql")
    assert str(browser.url.join(browser.headers["location"])) == "http://shop/graphql"
    assert head.status_code == 303
    assert (tool.status_code, tool.json()) == (
        200,
        {
            "name": "Bookstore GraphQL API",
            "graphql": "/graphql",
            "example": "/graphql?query={books(first:3){nodes{title}}}",
            "health": ["/livez", "/readyz"],
        },
    )
    assert (browser.headers["vary"], tool.headers["vary"]) == ("Accept", "Accept")
    assert post.status_code == 405
    assert example.json() == {"data": {"books": {"nodes": [{"title": "Emma"}]}}}


async def test_the_explorer_can_be_turned_off(shop: Shop) -> None:
    async with shop(explorer=False, storefront=False) as http:
        page = await http.get("/graphql", headers=BROWSER)
        slash = await http.get("/graphql/", headers=BROWSER)
        root = await http.get("/", headers=BROWSER)
        asset = await http.get(f"/graphql/assets/{first_asset()}")
        tool = await http.get("/graphql", headers={"accept": "application/json"})

    assert page.status_code == 200
    assert "<h1>The API works. GraphiQL is turned off.</h1>" in page.text
    assert "<code>EXPLORER=false</code>" in page.text
    assert "<script" not in page.text
    assert (slash.status_code, slash.headers["location"]) == (307, "../graphql")
    assert (tool.status_code, tool.json()["errors"][0]["extensions"]["code"]) == (400, "BAD_REQUEST")
    assert (root.status_code, root.json()["graphql"]) == (200, "/graphql")
    assert asset.status_code == 404


def first_asset() -> str:
    assets = DIST / "graphql" / "assets"
    return (
        min((path.name for path in assets.iterdir() if path.suffix == ".js"), default="x.js")
        if assets.is_dir()
        else "x.js"
    )


async def test_the_page_shows_that_introspection_is_disabled(shop: Shop) -> None:
    async with shop(introspection=False) as http:
        page = await http.get("/graphql", headers=BROWSER)
        asset = await http.get(f"/graphql/assets/{first_asset()}")

    assert page.status_code == 200
    assert "<h1>The API works. Its schema cannot be explored here.</h1>" in page.text
    assert "<code>INTROSPECTION=false</code>" in page.text
    assert "curl http://shop/graphql" in page.text
    assert "<script" not in page.text
    assert asset.status_code == 404


@pytest.mark.parametrize(
    ("settings", "suggests"),
    [
        ({}, True),
        ({"introspection": False}, False),
        ({"introspection": False, "suggestions": True}, True),
        ({"suggestions": False}, False),
    ],
)
async def test_suggestions_in_errors_follow_introspection_unless_set(
    shop: Shop, settings: dict[str, bool], suggests: bool
) -> None:
    async with shop(**settings) as http:
        response = await http.post("/graphql", json={"query": "{ bookz { totalCount } }"})

    assert ("Did you mean" in response.text) is suggests


HASH = hash_text(QUERY)
PERSISTED = {"persistedQuery": {"version": 1, "sha256Hash": HASH}}


async def test_a_persisted_query_hash_gets_the_error_that_makes_clients_send_the_query(
    http: httpx.AsyncClient,
) -> None:
    """Apollo Client and urql check for this message or code, and then send the query."""
    posted = await http.post("/graphql", json={"extensions": PERSISTED, "operationName": None})
    got = await http.get("/graphql", params={"extensions": json.dumps(PERSISTED)})
    strict = await http.post("/graphql", json={"extensions": PERSISTED, "query": None}, headers=GRAPHQL)
    with_query = await http.post("/graphql", json={"extensions": PERSISTED, "query": QUERY})
    by_hash = await http.post("/graphql", json={"extensions": PERSISTED, "operationName": None})

    for response in (posted, got, strict):
        assert response.json() == {
            "errors": [
                {
                    "message": "PersistedQueryNotFound",
                    "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"},
                }
            ]
        }
    assert [each.status_code for each in (posted, got, strict)] == [200, 200, 400]
    for response in (with_query, by_hash):
        assert response.json() == {"data": {"books": {"nodes": [{"title": "Emma"}]}}}


REQUEST_ERRORS: list[tuple[dict[str, Any], str]] = [
    ({"query": "{"}, "GRAPHQL_PARSE_FAILED"),
    ({"query": "{ nothing }"}, "GRAPHQL_VALIDATION_FAILED"),
    ({"query": "query A { a: __typename } query B { a: __typename }"}, "OPERATION_RESOLUTION_FAILURE"),
    ({"query": QUERY, "operationName": "Other"}, "OPERATION_RESOLUTION_FAILURE"),
    ({"query": "query ($n: Int!) { books(first: $n) { totalCount } }"}, "BAD_USER_INPUT"),
    ({"query": "{ " + "__typename " * 20_000 + "}"}, "LIMIT_EXCEEDED"),
    ({"query": "{ a: __typename b: __typename }"}, "LIMIT_EXCEEDED"),
    (
        {"query": "{ books { nodes { id title subtitle isbn description language stock pageCount } } }"},
        "LIMIT_EXCEEDED",
    ),
]


@pytest.mark.parametrize(("request_", "code"), REQUEST_ERRORS)
async def test_an_error_of_the_request_has_the_status_of_its_media_type(
    shop: Shop, request_: dict[str, Any], code: str
) -> None:
    async with shop(max_body_bytes=1_000_000, max_aliases=1, max_response_bytes=130) as http:
        json = await http.post("/graphql", json=request_)
        graphql = await http.post("/graphql", json=request_, headers=GRAPHQL)

    assert [each["extensions"]["code"] for each in json.json()["errors"]] == [code]
    assert (json.status_code, graphql.status_code) == (200, 400)
    assert json.json() == graphql.json()
    assert "data" not in json.json()


async def test_a_preflight_allows_the_headers_that_it_names(shop: Shop) -> None:
    headers = "authorization,idempotency-key,content-type,apollographql-client-name,x-apollo-operation-name"
    preflight = {
        "origin": "https://shop.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": headers,
    }

    async with shop(cors_origins="https://shop.example") as http:
        allowed = await http.options("/graphql", headers=preflight)
        foreign = await http.options("/graphql", headers={**preflight, "origin": "https://evil.example"})
        method = await http.options("/graphql", headers={**preflight, "access-control-request-method": "PUT"})

    assert (allowed.status_code, allowed.headers["access-control-allow-headers"]) == (200, headers)
    assert "access-control-allow-credentials" not in allowed.headers
    assert (foreign.status_code, "access-control-allow-origin" in foreign.headers) == (400, False)
    assert method.status_code == 400


@pytest.mark.parametrize("number", ["9" * 400, "-1e999", f"1{'0' * 309}.5"])
async def test_a_number_that_is_too_large_is_json(http: httpx.AsyncClient, number: str) -> None:
    body = f'{{"query": "{{ __typename }}", "variables": {{"é": ["9e999", {number}]}}}}'

    response = await http.post("/graphql", content=body, headers={"content-type": "application/json"})

    assert response.status_code == 400
    assert response.json()["errors"] == [
        {
            "message": "The body has a number that is too large: its absolute value must be below 1.8e308.",
            "extensions": {"code": "BAD_REQUEST"},
        }
    ]
