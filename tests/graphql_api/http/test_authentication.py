"""Requests are authenticated by keys and tokens; one with a wrong credential is never answered as public."""

import json
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from db.access_keys import create_access_key, revoke_access_key
from db.connections.connect import Connection, connect
from db.embedded import Server
from graphql_api.access.keys import generate_key, hash_key
from graphql_api.access.principal import PUBLIC, Principal
from graphql_api.access.roles import Role
from graphql_api.app import create_app
from graphql_api.context import Context
from graphql_api.settings import Settings
from tests.faults.proxy import Proxy
from tests.graphql_api.access.key_server import AUDIENCE, ISSUER, public_jwk, run_key_server, sign
from tests.graphql_api.conftest import Client
from tests.graphql_api.http.conftest import Shop, app_of
from tests.serving import PATIENT

QUERY = "{ books { nodes { title } } }"
TITLES = {"data": {"books": {"nodes": [{"title": "Emma"}]}}}
CHALLENGE = 'Bearer realm="bookstore"'
INVALID = 'Bearer realm="bookstore", error="invalid_token"'


async def post(http: httpx.AsyncClient, *authorizations: str, query: str = QUERY) -> httpx.Response:
    """Post a query with an Authorization header for each value."""
    headers = [("authorization", value) for value in authorizations]
    return await http.post("/graphql", json={"query": query}, headers=headers)


@pytest.fixture
async def operator(dsn: str) -> AsyncGenerator[Connection]:
    """A connection of somebody who manages keys."""
    connection = await connect(dsn, application_name="bookstore tests")
    yield connection
    await connection.close()


async def create_key(operator: Connection, name: str = "shop", role: str = "EDITOR") -> str:
    key = generate_key()
    await create_access_key(operator, name, role, hash_key(key), timedelta(days=1))
    return key


async def test_a_request_with_a_key_and_one_without_are_answered(
    http: httpx.AsyncClient, operator: Connection
) -> None:
    key = await create_key(operator)

    responses = [
        await post(http),
        await post(http, f"Bearer {key}"),
        await post(http, f"bearer   {key} "),
        await http.get("/graphql", params={"query": QUERY}, headers={"authorization": f"Bearer {key}"}),
    ]

    assert [(each.status_code, each.json()) for each in responses] == [(200, TITLES)] * 4
    assert "authorization" in responses[0].headers["vary"]


@pytest.mark.parametrize(
    ("authorization", "challenge", "message"),
    [
        (
            "",
            CHALLENGE,
            "The Authorization header has no credential of the scheme Bearer: send Bearer KEY.",
        ),
        (
            "Basic c2hvcDpzZWNyZXQ=",
            CHALLENGE,
            "The Authorization header has no credential of the scheme Bearer: send Bearer KEY.",
        ),
        (
            f"bsk_{'secret' * 7}x",
            CHALLENGE,
            "The Authorization header has no credential of the scheme Bearer: send Bearer KEY.",
        ),
        ("Bearer", INVALID, "The credential is not an access key: keys start with bsk_."),
        ("Bearer ", INVALID, "The credential is not an access key: keys start with bsk_."),
        ("Bearer secret", INVALID, "The credential is not an access key: keys start with bsk_."),
        ("Bearer a.b.c", INVALID, "The credential is not an access key: keys start with bsk_."),
        ("Bearer bsk_secret", INVALID, "The access key is malformed: check that it is complete."),
        (
            f"Bearer bsk_{'x' * 43}, Bearer bsk_{'x' * 43}",
            INVALID,
            "The access key is malformed: check that it is complete.",
        ),
        ("Bearer bsk_\xe9", INVALID, "The access key is malformed: check that it is complete."),
        (
            f"Bearer bsk_{'secret' * 7}x",
            INVALID,
            "The access key is unknown: check that it is complete.",
        ),
    ],
)
@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
async def test_a_wrong_credential_is_refused(
    http: httpx.AsyncClient,
    authorization: str,
    challenge: str,
    message: str,
    accept: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    headers = [(b"authorization", authorization.encode("latin-1")), (b"accept", accept.encode())]

    response = await http.post("/graphql", json={"query": QUERY}, headers=headers)

    assert (response.status_code, response.headers["www-authenticate"]) == (401, challenge)
    assert response.json() == {"errors": [{"message": message, "extensions": {"code": "UNAUTHENTICATED"}}]}
    assert "secret" not in response.text + caplog.text


async def test_a_request_that_is_refused_is_not_read(http: httpx.AsyncClient) -> None:
    headers = {"authorization": "Bearer no", "content-type": "application/json"}

    response = await http.post("/graphql", content=b"{", headers=headers)

    assert response.status_code == 401


async def test_two_authorization_headers_are_a_bad_request(
    http: httpx.AsyncClient, operator: Connection
) -> None:
    key = await create_key(operator)

    response = await post(http, f"Bearer {key}", f"Bearer {key}")

    assert (response.status_code, "www-authenticate" in response.headers) == (400, False)
    assert response.json() == {
        "errors": [
            {
                "message": "The request has 2 Authorization headers: send one.",
                "extensions": {"code": "BAD_REQUEST"},
            }
        ]
    }


async def test_a_revoked_key_is_refused_and_the_other_key_is_not(
    http: httpx.AsyncClient, operator: Connection
) -> None:
    old, new = await create_key(operator, "shop 1"), await create_key(operator, "shop 2")
    both = [(await post(http, f"Bearer {key}")).status_code for key in (old, new)]

    await revoke_access_key(operator, "shop 1")
    await app_of(http).endpoint.authenticator.key_ring.refresh()
    after = [await post(http, f"Bearer {key}") for key in (old, new)]

    assert both == [200, 200]
    assert [each.status_code for each in after] == [401, 200]
    assert after[0].json()["errors"][0]["message"] == "The access key 'shop 1' is revoked: ask for a new one."


async def test_without_public_access_each_request_needs_a_key(shop: Shop, operator: Connection) -> None:
    key = await create_key(operator, role="PUBLIC")

    async with shop(public_access=False) as http:
        refused = await post(http)
        accepted = await post(http, f"Bearer {key}")
        health = await http.get("/livez")
        options = await http.options("/graphql")

    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, CHALLENGE)
    assert refused.json() == {
        "errors": [
            {
                "message": "Queries need an access key: send it in the header Authorization: Bearer KEY.",
                "extensions": {"code": "UNAUTHENTICATED"},
            }
        ]
    }
    assert (accepted.status_code, accepted.json()) == (200, TITLES)
    assert (health.status_code, options.status_code) == (200, 204)


async def test_each_role_has_documents_of_its_own(http: httpx.AsyncClient, operator: Connection) -> None:
    editor = await create_key(operator, "one", "EDITOR")
    roles = app_of(http).endpoint.documents.roles

    await post(http)
    public = {role: len(each.cache.entries) for role, each in roles.items()}
    await post(http, f"Bearer {editor}")
    both = {role: len(each.cache.entries) for role, each in roles.items()}

    assert public == {Role.PUBLIC: 1, Role.EDITOR: 0, Role.MANAGER: 0}
    assert both == {Role.PUBLIC: 1, Role.EDITOR: 1, Role.MANAGER: 0}


async def test_the_contexts_of_an_operation_have_its_principal(client: Client) -> None:
    principal = Principal("shop", Role.EDITOR, "key:1")
    context = Context(client.views, client, principal=principal)

    planned = context.for_plan(frozenset())

    assert Context(client.views, client).principal is PUBLIC
    assert (planned.principal, context.for_fallback().principal) == (principal, principal)
    assert planned.for_fallback().principal is principal


ProxiedShop = Callable[..., AbstractAsyncContextManager[tuple[httpx.AsyncClient, Proxy]]]


@pytest.fixture
def proxied_shop(dsn: str, server: Server) -> ProxiedShop:
    """Return a function that starts the application with a proxy in front of its PostgreSQL."""
    database = dsn.partition("@/")[2].partition("?")[0]

    @asynccontextmanager
    async def open_app(**settings: Any) -> AsyncGenerator[tuple[httpx.AsyncClient, Proxy]]:
        proxy = Proxy(server.socket_folder / ".s.PGSQL.5432")
        port = await proxy.start()
        app = create_app(
            Settings(**{"pool_size": 2, **PATIENT, **settings}),
            f"postgresql://app@127.0.0.1:{port}/{database}?sslmode=disable",
        )
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://shop") as client,
        ):
            yield client, proxy
        await proxy.stop()

    return open_app


async def test_while_the_database_is_stopped_a_known_key_is_accepted_and_another_gets_503(
    proxied_shop: ProxiedShop, operator: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    known = await create_key(operator, "known")

    async with proxied_shop() as (http, proxy):
        await post(http, f"Bearer {known}", query="{ __typename }")
        await proxy.refuse_connections()
        other = await create_key(operator, "other")
        accepted = await post(http, f"Bearer {known}", query="{ __typename }")
        refused = await post(http, f"Bearer {other}", query="{ __typename }")

    assert (accepted.status_code, accepted.json()) == (200, {"data": {"__typename": "Query"}})
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert refused.json() == {
        "errors": [
            {
                "message": "The access key cannot be checked now: retry later.",
                "extensions": {"code": "SERVICE_UNAVAILABLE"},
            }
        ]
    }
    assert not any(key in caplog.text for key in (known, other))


async def test_a_key_that_cannot_be_looked_up_in_time_gets_503_and_a_line_in_the_log(
    proxied_shop: ProxiedShop, operator: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    async with proxied_shop(request_timeout=0.5) as (http, proxy):
        key = await create_key(operator)
        proxy.block()
        response = await post(http, f"Bearer {key}")
        proxy.unblock()

    assert (response.status_code, response.json()["errors"][0]["extensions"]) == (503, {"code": "TIMEOUT"})
    [line] = [record.getMessage() for record in caplog.records if record.name == "bookstore.endpoint"]
    assert line.startswith("operation - failed after ")
    assert "; statement access_key_by_hash, " in line
    assert key not in caplog.text


def token_settings(jwks: str) -> dict[str, Any]:
    return {"jwt_issuer": ISSUER, "jwt_audience": AUDIENCE, "jwt_jwks": jwks}


async def test_tokens_are_accepted_where_they_are_set_up(shop: Shop, operator: Connection) -> None:
    key = await create_key(operator)
    with run_key_server() as provider:
        provider.publish(public_jwk("ec"))
        async with shop(**token_settings(provider.url)) as http:
            accepted = [await post(http, f"Bearer {each}") for each in (sign("ec"), key)]
            refused = await post(http, f"Bearer {sign('ec', aud='another')}")
            malformed = await post(http, "Bearer secret")

    assert [(each.status_code, each.json()) for each in accepted] == [(200, TITLES)] * 2
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, INVALID)
    assert refused.json() == {
        "errors": [
            {
                "message": "The token is for another audience.",
                "extensions": {"code": "UNAUTHENTICATED"},
            }
        ]
    }
    assert malformed.status_code == 401


async def test_tokens_get_503_until_the_keys_of_the_provider_are_known(shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    async with shop(**token_settings(str(file))) as http:
        early = await post(http, f"Bearer {sign('ec')}")
        file.write_text(json.dumps({"keys": [public_jwk("ec")]}))
        await app_of(http).endpoint.authenticator.tokens.keys.refresh()
        later = await post(http, f"Bearer {sign('ec')}")

    assert (early.status_code, early.headers["retry-after"]) == (503, "1")
    assert early.json()["errors"][0]["message"] == (
        "Tokens cannot be verified: the keys of the identity provider are not available. Retry later."
    )
    assert later.status_code == 200
