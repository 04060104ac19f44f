"""Persisted documents over HTTP: by hash, by `documentId`, and those of a manifest."""

import logging
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from types import FrameType
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.access_keys import create_access_key
from db.connections.connect import connect
from graphql_api.access.keys import generate_key, hash_key
from graphql_api.access.roles import Role
from graphql_api.app import create_documents
from graphql_api.execution.documents import InvalidDocumentError
from graphql_api.execution.manifests import hash_text
from graphql_api.http import storefront_page
from graphql_api.http.graphql_requests import GraphQLRequest
from graphql_api.http.persisted_documents import MAX_LOGGED_DOCUMENTS
from graphql_api.http.responses import HttpError
from graphql_api.settings import Settings
from tests.graphql_api.http.conftest import Shop, app_of

GRAPHQL = {"accept": "application/graphql-response+json"}
QUERY = "query Titles { books { nodes { title } } }"
HASH = hash_text(QUERY)
TITLES = {"data": {"books": {"nodes": [{"title": "Emma"}]}}}
ADD = """mutation Add { createBook(input: {title: "Persuasion"}) { book { title } errors { code } } }"""
SECRET = "query Views { books { nodes { recentViews title } } }"
HOME = "query HomePage { catalog { bookCount } }"
NOT_FOUND = {
    "errors": [{"message": "PersistedQueryNotFound", "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"}}]
}
NOT_TRUSTED = {
    "errors": [
        {
            "message": "The document is not trusted: send a document of the server's manifest, by its identifier "
            "or its exact text.",
            "extensions": {"code": "DOCUMENT_NOT_TRUSTED"},
        }
    ]
}
MISMATCH = {
    "errors": [
        {
            "message": "The identifier is not that of the `query`: send the SHA-256 of its UTF-8 text in "
            "lower-case hexadecimal digits.",
            "extensions": {"code": "PERSISTED_QUERY_HASH_MISMATCH"},
        }
    ]
}


def by_hash(hash_: object = HASH, version: object = 1) -> dict[str, Any]:
    return {"extensions": {"persistedQuery": {"version": version, "sha256Hash": hash_}}}


def encode(parameters: dict[str, Any]) -> dict[str, str]:
    """Return the parameters as those of a URL."""
    return {
        name: value if isinstance(value, str) else orjson.dumps(value).decode()
        for name, value in parameters.items()
    }


async def send(http: httpx.AsyncClient, method: str, parameters: dict[str, Any]) -> httpx.Response:
    if method == "GET":
        return await http.get("/graphql", params=encode(parameters))
    return await http.post("/graphql", json=parameters)


@pytest.fixture
async def keys(dsn: str) -> dict[Role, str]:
    """The Authorization header of each role with a key."""
    connection = await connect(dsn, application_name="bookstore tests")
    headers: dict[Role, str] = {}
    for role in (Role.EDITOR, Role.MANAGER):
        key = generate_key()
        await create_access_key(connection, role.name, role.name, hash_key(key), None)
        headers[role] = f"Bearer {key}"
    await connection.close()
    return headers


@pytest.fixture
def manifest(tmp_path: Path) -> str:
    path = tmp_path / "shop.json"
    path.write_bytes(orjson.dumps({"titles": QUERY, hash_text(SECRET): SECRET, "x-shop:add": ADD}))
    return str(path)


@pytest.fixture
async def enforcing(shop: Shop, manifest: str) -> AsyncGenerator[httpx.AsyncClient]:
    """A client of an application that runs trusted documents only."""
    async with shop(trusted_documents=manifest, trusted_documents_mode="enforce", metrics=True) as http:
        yield http


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "identified", [by_hash(), {"documentId": f"sha256:{HASH}"}, {"documentId": HASH}], ids=str
)
async def test_a_document_is_sent_with_its_hash_once_and_then_named_by_it(
    http: httpx.AsyncClient, method: str, identified: dict[str, Any]
) -> None:
    unknown = await send(http, method, identified)
    registering = await send(http, method, {"query": QUERY, **identified})
    responses = [
        await send(http, method, each)
        for each in (identified, {"query": QUERY}, identified, {"query": QUERY, **identified}, by_hash())
    ]

    assert (unknown.status_code, unknown.json(), unknown.headers["cache-control"]) == (
        200,
        NOT_FOUND,
        "no-store",
    )
    assert [(each.status_code, each.json()) for each in (registering, *responses)] == [(200, TITLES)] * 6


async def test_an_unknown_hash_has_the_status_of_its_media_type(http: httpx.AsyncClient) -> None:
    responses = [
        await http.post("/graphql", json={**by_hash(), "query": query}, headers=GRAPHQL)
        for query in (None, "")
    ]
    responses.append(await http.get("/graphql", params={"documentId": "titles"}, headers=GRAPHQL))

    assert [(each.status_code, each.json()) for each in responses] == [(400, NOT_FOUND)] * 3


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "identified",
    [
        by_hash(HASH.upper()),
        by_hash("0" * 64),
        {"documentId": f"sha256:{HASH[:-1]}"},
        {"documentId": "titles"},
    ],
    ids=str,
)
async def test_a_text_with_a_wrong_hash_is_a_400_and_is_not_run(
    http: httpx.AsyncClient, method: str, identified: dict[str, Any]
) -> None:
    response = await send(http, method, {"query": QUERY, **identified})
    later = await send(http, method, identified)

    documents = app_of(http).endpoint.documents
    assert (response.status_code, response.json()) == (400, MISMATCH)
    assert later.json() == NOT_FOUND
    assert [len(each.cache.entries) for each in documents.roles.values()] == [0, 0, 0]
    assert [len(each.registered.entries) for each in documents.roles.values()] == [0, 0, 0]


async def test_another_text_with_a_registered_hash_is_not_run(http: httpx.AsyncClient) -> None:
    await http.post("/graphql", json={"query": QUERY, **by_hash()})

    other = await http.post("/graphql", json={"query": "{ __typename }", **by_hash()})

    assert (other.status_code, other.json()) == (400, MISMATCH)


ERRORS: list[tuple[dict[str, Any], str]] = [
    ({"documentId": 5}, "`documentId` must be a string that identifies a document."),
    ({"documentId": ""}, "`documentId` must be a string that identifies a document."),
    ({"documentId": "sha256:", "query": QUERY}, "`documentId` must be a string that identifies a document."),
    (
        by_hash(None),
        "`extensions.persistedQuery.sha256Hash` must be a string that identifies a document.",
    ),
    (by_hash(version=2), "`extensions.persistedQuery.version` must be 1, the only version."),
    ({"extensions": {"persistedQuery": [HASH]}}, "`extensions.persistedQuery` must be an object."),
    (
        {"documentId": "titles", **by_hash()},
        "`documentId` and `extensions.persistedQuery` identify two documents: send one.",
    ),
    ({"documentId": None}, "`query` must be a string containing a GraphQL document."),
    (
        {"extensions": {"persistedQuery": None}},
        "`query` must be a string containing a GraphQL document.",
    ),
    ({"documentId": "titles", "query": 5}, "`query` must be a string containing a GraphQL document."),
]


@pytest.mark.parametrize(("body", "message"), ERRORS, ids=[str(body)[:40] for body, _ in ERRORS])
async def test_a_malformed_identifier_is_a_400(
    http: httpx.AsyncClient, body: dict[str, Any], message: str
) -> None:
    response = await http.post("/graphql", json=body)

    assert (response.status_code, response.json()) == (
        400,
        {"errors": [{"message": message, "extensions": {"code": "BAD_REQUEST"}}]},
    )


async def test_an_identifier_twice_in_a_url_is_rejected(http: httpx.AsyncClient) -> None:
    response = await http.get("/graphql?documentId=a&documentId=b")

    assert response.status_code == 400
    assert response.json()["errors"][0]["message"] == "The URL has the parameter `documentId` twice."


async def test_a_browser_that_opens_a_url_with_an_identifier_gets_the_result(
    shop: Shop, manifest: str
) -> None:
    async with shop(trusted_documents=manifest) as http:
        response = await http.get("/graphql?documentId=titles", headers={"accept": "text/html, */*;q=0.1"})

    assert response.json() == TITLES


async def test_both_parameters_may_name_the_same_document(http: httpx.AsyncClient) -> None:
    body = {"query": QUERY, "documentId": f"sha256:{HASH}", **by_hash()}

    response = await http.post("/graphql", json=body)

    assert response.json() == TITLES


async def test_a_document_that_is_invalid_is_not_registered(http: httpx.AsyncClient) -> None:
    text = "{ bookz { totalCount } }"

    invalid = await http.post("/graphql", json={"query": text, **by_hash(hash_text(text))})
    by_its_hash = await http.post("/graphql", json=by_hash(hash_text(text)))

    assert invalid.json()["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert by_its_hash.json() == NOT_FOUND


async def test_variables_operation_name_and_cost_are_those_of_the_request(http: httpx.AsyncClient) -> None:
    text = "query A($n: Int) { books(first: $n) { nodes { title } } } query B { __typename }"
    hash_ = hash_text(text)
    await http.post("/graphql", json={"query": text, "operationName": "B", **by_hash(hash_)})
    extensions = {"cost": True, **by_hash(hash_)["extensions"]}

    response = await http.get(
        "/graphql",
        params=encode({"operationName": "A", "variables": {"n": 1}, "extensions": extensions}),
    )
    without_name = await http.post("/graphql", json={"documentId": hash_})

    assert response.json() == {**TITLES, "extensions": {"cost": {"requested": 1, "actual": 1}}}
    assert without_name.json()["errors"][0]["extensions"]["code"] == "OPERATION_RESOLUTION_FAILURE"


async def test_a_mutation_by_an_identifier_is_refused_by_get(
    shop: Shop, manifest: str, keys: dict[Role, str]
) -> None:
    headers = {"authorization": keys[Role.EDITOR]}
    text = ADD.replace("Add", "Other")
    async with shop(trusted_documents=manifest) as http:
        await http.post("/graphql", json={"query": text, **by_hash(hash_text(text))}, headers=headers)
        responses = [
            await http.get("/graphql", params={"documentId": identifier}, headers=headers)
            for identifier in ("x-shop:add", hash_text(text))
        ]
        posted = await http.post("/graphql", json={"documentId": "x-shop:add"}, headers=headers)
        titles = await http.post("/graphql", json={"query": QUERY})

    for response in responses:
        assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert posted.json() == {"data": {"createBook": {"book": {"title": "Persuasion"}, "errors": []}}}
    assert titles.json()["data"]["books"]["nodes"] == [{"title": title} for title in TITLES_AFTER]


TITLES_AFTER = ["Emma", "Persuasion", "Persuasion"]


async def test_a_mutation_by_its_hash_is_the_same_request_for_its_idempotency_key(
    shop: Shop, manifest: str, keys: dict[Role, str]
) -> None:
    headers = {"authorization": keys[Role.EDITOR], "idempotency-key": "k"}
    async with shop(trusted_documents=manifest) as http:
        first = await http.post("/graphql", json={"query": ADD}, headers=headers)
        repeated = [
            await http.post("/graphql", json=body, headers=headers)
            for body in (by_hash(hash_text(ADD)), {"documentId": "x-shop:add"}, {"query": ADD})
        ]
        other = await http.post("/graphql", json={"query": f"{ADD} "}, headers=headers)

    assert "idempotent-replayed" not in first.headers
    for each in repeated:
        assert (each.content, each.headers["idempotent-replayed"]) == (first.content, "true")
    assert other.json()["errors"][0]["extensions"]["code"] == "IDEMPOTENCY_KEY_REUSED"


async def test_each_role_has_registered_documents_of_its_own(
    http: httpx.AsyncClient, keys: dict[Role, str]
) -> None:
    identified = by_hash(hash_text(SECRET))
    editor = {"authorization": keys[Role.EDITOR]}

    registered = await http.post("/graphql", json={"query": SECRET, **identified}, headers=editor)
    public = await http.post("/graphql", json=identified)
    again = await http.post("/graphql", json=identified, headers=editor)

    assert public.json() == NOT_FOUND
    assert registered.json() == again.json()
    assert [*registered.json()["data"]["books"]["nodes"][0]] == ["recentViews", "title"]


@pytest.mark.parametrize("mode", ["off", "log", "enforce"])
async def test_an_identifier_of_another_role_is_answered_as_an_unknown_one(
    shop: Shop, manifest: str, keys: dict[Role, str], mode: str
) -> None:
    async with shop(trusted_documents=manifest, trusted_documents_mode=mode) as http:
        answers = {
            role: [
                await http.post(
                    "/graphql", json={"documentId": identifier}, headers={"authorization": key} if key else {}
                )
                for identifier in (f"sha256:{hash_text(SECRET)}", "x-shop:add", "x-shop:unknown")
            ]
            for role, key in {Role.PUBLIC: "", **keys}.items()
        }

    public = answers.pop(Role.PUBLIC)
    assert {each.content for each in public} == {orjson.dumps(NOT_FOUND)}
    assert (
        len({str(sorted(each.headers.items())).replace(each.headers["x-request-id"], "") for each in public})
        == 1
    )
    for secret, added, unknown in answers.values():
        assert [*secret.json()["data"]["books"]["nodes"][0]] == ["recentViews", "title"]
        assert added.json() == {"data": {"createBook": {"book": {"title": "Persuasion"}, "errors": []}}}
        assert unknown.json() == NOT_FOUND


async def test_a_text_of_another_role_is_answered_as_any_other_text(shop: Shop, manifest: str) -> None:
    responses: dict[str, list[bytes]] = {}
    for mode in ("off", "log", "enforce"):
        async with shop(trusted_documents=manifest, trusted_documents_mode=mode) as http:
            responses[mode] = [
                (await http.post("/graphql", json={"query": text})).content
                for text in (SECRET, SECRET.replace("recentViews", "recentViewx"))
            ]

    own, mistyped = responses["off"]
    assert own == mistyped.replace(b"recentViewx", b"recentViews")
    assert responses["log"] == responses["off"]
    assert responses["enforce"] == [orjson.dumps(NOT_TRUSTED)] * 2


@pytest.mark.parametrize(("mode", "storefront"), [("enforce", True), ("enforce", False), ("log", True)])
async def test_the_storefront_is_trusted_where_it_is_served(
    shop: Shop, manifest: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, storefront: bool
) -> None:
    monkeypatch.setattr(storefront_page, "MANIFEST", tmp_path / "documents.json")
    storefront_page.MANIFEST.write_bytes(orjson.dumps({hash_text(HOME): HOME}))
    settings = {"trusted_documents": manifest, "trusted_documents_mode": mode, "storefront": storefront}

    async with shop(**settings, metrics=True) as http:
        response = await http.post("/graphql", json={"query": HOME})
        metrics = await http.get("/metrics")

    assert response.json() == ({"data": {"catalog": {"bookCount": 1}}} if storefront else NOT_TRUSTED)
    assert f'untrusted_documents_total{{sent="text"}} {int(not storefront)}\n' in metrics.text


async def test_enforcing_runs_trusted_documents_only(enforcing: httpx.AsyncClient) -> None:
    trusted = [
        await send(enforcing, method, body)
        for method in ("GET", "POST")
        for body in (
            {"query": QUERY},
            {"query": QUERY, "operationName": "Titles"},
            {"documentId": "titles"},
            {"documentId": f"sha256:{HASH}"},
            by_hash(),
            by_hash("titles"),
            {"query": QUERY, **by_hash()},
            {"query": QUERY, "documentId": "titles"},
        )
    ]
    text = f"{QUERY} "
    refused = [
        await send(enforcing, method, body)
        for method in ("GET", "POST")
        for body in ({"query": text}, {"query": text, **by_hash(hash_text(text))}, {"query": "{"})
    ]
    unknown = await enforcing.post("/graphql", json=by_hash(hash_text(text)), headers=GRAPHQL)
    strict = await enforcing.post("/graphql", json={"query": text}, headers=GRAPHQL)
    metrics = await enforcing.get("/metrics")

    assert [(each.status_code, each.json()) for each in trusted] == [(200, TITLES)] * 16
    assert [(each.status_code, each.json()) for each in refused] == [(200, NOT_TRUSTED)] * 6
    assert (unknown.status_code, unknown.json()) == (400, NOT_FOUND)
    assert (strict.status_code, strict.json()) == (400, NOT_TRUSTED)
    assert (
        '\nbookstore_untrusted_documents_total{sent="id"} 1\n'
        'bookstore_untrusted_documents_total{sent="text"} 7\n' in metrics.text
    )


async def test_another_text_with_a_trusted_identifier_is_not_run(enforcing: httpx.AsyncClient) -> None:
    response = await enforcing.post("/graphql", json={"query": "{ __typename }", "documentId": "titles"})

    assert (response.status_code, response.json()) == (400, MISMATCH)


async def test_the_log_names_once_what_enforcing_would_refuse(
    shop: Shop, manifest: str, caplog: pytest.LogCaptureFixture
) -> None:
    text = "query New { __typename }"
    hash_ = hash_text(text)
    async with shop(trusted_documents=manifest, trusted_documents_mode="log", metrics=True) as http:
        with caplog.at_level(logging.WARNING, "bookstore.documents"):
            responses = [
                await http.post("/graphql", json=body)
                for body in (
                    {"query": QUERY},
                    {"documentId": "titles"},
                    {"query": "{ nothing }"},
                    by_hash(hash_),
                    {"query": text, **by_hash(hash_)},
                    by_hash(hash_),
                    {"query": text},
                    {"query": "{ __typename }"},
                )
            ]
        metrics = await http.get("/metrics")

    assert responses[3].json() == NOT_FOUND
    assert [each.json() for each in responses[4:]] == [{"data": {"__typename": "Query"}}] * 4
    assert [record.getMessage() for record in caplog.records if record.name == "bookstore.documents"] == [
        f"operation New is not trusted: no manifest has the document sha256:{hash_}, sent by text",
        f"operation - is not trusted: no manifest has the document sha256:{hash_text('{ __typename }')}, "
        "sent by text",
    ]
    assert (
        '\nbookstore_untrusted_documents_total{sent="id"} 2\n'
        'bookstore_untrusted_documents_total{sent="text"} 3\n' in metrics.text
    )


def find(documents: Any, query: str, document_id: str = "") -> str:
    """Return the text of the document that is found for a request of the public."""
    request = GraphQLRequest(query, None, None, document_id=document_id)
    documents.find(request, Role.PUBLIC)
    return request.query


def test_the_log_is_limited_in_documents(manifest: str, caplog: pytest.LogCaptureFixture) -> None:
    documents = create_documents(Settings(trusted_documents=manifest, trusted_documents_mode="log"))

    for number in range(MAX_LOGGED_DOCUMENTS + 10):
        find(documents, f"query A{number} {{ __typename }}")

    assert len(caplog.records) == MAX_LOGGED_DOCUMENTS
    assert documents.refusals == {"id": 0, "text": MAX_LOGGED_DOCUMENTS + 10}


async def test_a_trusted_document_may_exceed_the_limits_on_sizes(shop: Shop, tmp_path: Path) -> None:
    text = "{ a: __typename b: __typename c: __typename }"
    path = tmp_path / "shop.json"
    path.write_bytes(orjson.dumps({"wide": text}))

    async with shop(trusted_documents=str(path), max_aliases=1, max_fields=2, max_tokens=5) as http:
        trusted = [
            await http.post("/graphql", json=body) for body in ({"documentId": "wide"}, {"query": text})
        ]
        untrusted = await http.post("/graphql", json={"query": f"{text} "})

    assert [each.json() for each in trusted] == [{"data": dict.fromkeys("abc", "Query")}] * 2
    assert untrusted.json()["errors"][0]["extensions"] == {
        "code": "LIMIT_EXCEEDED",
        "limit": "MAX_TOKENS",
        "allowed": 5,
    }


async def test_trusted_documents_are_compiled_before_the_first_request(shop: Shop, manifest: str) -> None:
    async with shop(trusted_documents=manifest) as http:
        documents = app_of(http).endpoint.documents
        before = {role: set(each.trusted.texts.values()) for role, each in documents.roles.items()}
        plans = [len(documents.roles[role].trusted.get(QUERY, None).plans) for role in Role]
        await http.post("/graphql", json={"documentId": "titles"})

        assert [len(each.cache.entries) for each in documents.roles.values()] == [0, 0, 0]

    assert before == {
        Role.PUBLIC: {QUERY},
        Role.EDITOR: {QUERY, SECRET, ADD},
        Role.MANAGER: {QUERY, SECRET, ADD},
    }
    assert plans == [1, 1, 1]


TEXTS = st.sampled_from([QUERY, f"{QUERY}#é", "{ __typename }", "{ a: __typename }", "{ nothing }", "{"])
STEPS = st.lists(st.tuples(TEXTS, st.sampled_from(["text", "hash", "both", "wrong hash"])), max_size=20)


@given(STEPS, st.integers(1, 3))
def test_a_hash_leads_to_its_text_or_to_nothing(steps: list[tuple[str, str]], max_entries: int) -> None:
    documents = create_documents(Settings())
    public = documents.roles[Role.PUBLIC]
    public.registered.max_entries = max_entries

    for text, sent in steps:
        hash_ = hash_text(f"{text} ") if sent == "wrong hash" else hash_text(text)
        query = "" if sent == "hash" else text
        try:
            found = find(documents, query, "" if sent == "text" else hash_)
        except InvalidDocumentError:
            assert text in ("{ nothing }", "{")
            assert sent in ("text", "both")
        except HttpError as error:
            code = {"hash": "PERSISTED_QUERY_NOT_FOUND", "wrong hash": "PERSISTED_QUERY_HASH_MISMATCH"}
            assert error.code == code[sent]
        else:
            assert found == text
            assert sent != "wrong hash"
        registered = public.registered.entries
        assert all(hash_text(each) == key for key, each in registered.items())
        assert len(registered) <= max_entries


async def test_random_hashes_leave_nothing_behind(http: httpx.AsyncClient) -> None:
    documents = app_of(http).endpoint.documents

    for number in range(1_000):
        response = await http.post("/graphql", json=by_hash(f"{number:064x}"))
        assert response.json() == NOT_FOUND

    assert [len(each.registered.entries) for each in documents.roles.values()] == [0, 0, 0]
    assert [each.registered.total_bytes for each in documents.roles.values()] == [0, 0, 0]
    assert [len(each.cache.entries) for each in documents.roles.values()] == [0, 0, 0]


def test_a_request_by_text_is_found_without_further_work() -> None:
    documents = create_documents(Settings())
    find(documents, QUERY)
    called: list[str] = []

    def record(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            called.append(frame.f_code.co_qualname)

    request = GraphQLRequest(QUERY, None, None)
    sys.setprofile(record)
    documents.find(request, Role.PUBLIC)
    sys.setprofile(None)

    assert called == ["PersistedDocuments.find", "DocumentCache.get"]
