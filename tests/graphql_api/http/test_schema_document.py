"""The schema by URL: plain and compressed, by role, cached by its ETag, and only with introspection."""

from datetime import timedelta

import httpx
import pytest
from graphql import build_schema

from db.access_keys import create_access_key
from db.connections.connect import connect
from graphql_api.access.keys import generate_key, hash_key
from graphql_api.access.roles import Role
from graphql_api.schema import schema_for
from tests.graphql_api.http.conftest import Shop

PATH = "/graphql/schema.graphql"
PLAIN = {"accept-encoding": "identity"}


async def test_the_document_is_the_public_schema(http: httpx.AsyncClient) -> None:
    response = await http.get(PATH, headers=PLAIN)

    assert response.status_code == 200
    assert response.text == schema_for(Role.PUBLIC).as_str() + "\n"
    assert build_schema(response.text).get_directive("oneOf")
    assert "@cost(" in response.text
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.headers["cache-control"] == "public, no-cache"
    assert response.headers["vary"] == "Accept-Encoding, Authorization"
    assert response.headers["x-content-type-options"] == "nosniff"


async def test_the_document_is_compressed_for_clients_that_accept_it(http: httpx.AsyncClient) -> None:
    plain = await http.get(PATH, headers=PLAIN)
    gzipped = await http.get(PATH, headers={"accept-encoding": "gzip"})

    assert gzipped.headers["content-encoding"] == "gzip"
    assert int(gzipped.headers["content-length"]) < int(plain.headers["content-length"]) / 3
    assert gzipped.text == plain.text
    assert gzipped.headers["etag"] == plain.headers["etag"]


@pytest.mark.parametrize("known", ["{etag}", '"other", {etag}', "*", "{strong}"])
async def test_a_known_document_is_not_sent_again(http: httpx.AsyncClient, known: str) -> None:
    etag = (await http.get(PATH)).headers["etag"]

    value = known.format(etag=etag, strong=etag.removeprefix("W/"))
    response = await http.get(PATH, headers={"if-none-match": value})

    assert (response.status_code, response.content) == (304, b"")
    assert response.headers["etag"] == etag


async def test_head_has_the_headers_without_a_body(http: httpx.AsyncClient) -> None:
    head = await http.head(PATH, headers=PLAIN)
    get = await http.get(PATH, headers={**PLAIN, "if-none-match": '"other"'})

    assert (head.status_code, head.content) == (200, b"")
    assert {**head.headers, "x-request-id": ""} == {**get.headers, "x-request-id": ""}
    assert (await http.post(PATH)).status_code == 405


async def test_the_document_is_that_of_the_role_of_the_key(http: httpx.AsyncClient, dsn: str) -> None:
    key = generate_key()
    connection = await connect(dsn, application_name="bookstore tests")
    await create_access_key(connection, "office", "EDITOR", hash_key(key), timedelta(days=1))
    await connection.close()

    public = await http.get(PATH)
    response = await http.get(PATH, headers={"authorization": f"Bearer {key}"})

    assert response.text == schema_for(Role.EDITOR).as_str() + "\n"
    assert "recentViews" in response.text
    assert "recentViews" not in public.text
    assert response.headers["cache-control"] == "private, no-cache"
    assert response.headers["etag"] != public.headers["etag"]


async def test_a_wrong_key_is_refused(http: httpx.AsyncClient) -> None:
    response = await http.get(PATH, headers={"authorization": "Bearer nothing"})

    assert response.status_code == 401
    assert response.headers["www-authenticate"] == 'Bearer realm="bookstore", error="invalid_token"'
    assert response.json()["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}


async def test_without_public_access_the_document_needs_a_key(shop: Shop) -> None:
    async with shop(public_access=False) as http:
        response = await http.get(PATH)

    assert response.status_code == 401


async def test_without_introspection_there_is_no_document(shop: Shop) -> None:
    async with shop(introspection=False) as http:
        response = await http.get(PATH)

    assert response.status_code == 404
    assert response.json() == {
        "errors": [
            {
                "message": "The schema is not served: this server runs with INTROSPECTION=false.",
                "extensions": {"code": "BAD_REQUEST"},
            }
        ]
    }
