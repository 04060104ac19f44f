"""Metrics: how many operations ran by their plans, and how many on graphql-core, by reason."""

import re
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from graphql_api.access.roles import Role
from graphql_api.execution.executor import operation_counts
from graphql_api.execution.manifests import hash_text
from graphql_api.http.admission import ADMISSION_STATE, Admission
from graphql_api.http.graphql_requests import GraphQLRequest
from graphql_api.http.metrics import metrics_route
from tests.graphql_api.http.conftest import Shop, app_of


def parse_counts(text: str) -> dict[tuple[str, str], int]:
    lines = re.findall(
        r'^bookstore_operations_total\{by="([\w-]+)",reason="(.*)"\} (\d+)$', text, re.MULTILINE
    )
    return {(by, reason): int(count) for by, reason, count in lines}


async def test_operations_are_counted_by_executor_and_reason(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(operation_counts, 'a "reason"\\', 1)
    async with shop(metrics=True) as client:
        before = parse_counts((await client.get("/metrics")).text)
        await client.post("/graphql", json={"query": "{ books { nodes { title } } }"})
        await client.post("/graphql", json={"query": "{ __schema { queryType { name } } }"})
        await client.post("/graphql", json={"query": '{ book(by: {id: "no"}) { title } }'})
        response = await client.get("/metrics")

    after = parse_counts(response.text)
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert {key: count - before.get(key, 0) for key, count in after.items() if count != before.get(key)} == {
        ("plan", ""): 1,
        ("graphql-core", "introspection"): 1,
        ("graphql-core", "the plan failed"): 1,
    }
    assert after["graphql-core", r"a \"reason\"\\"] == 1


async def test_operations_by_hash_are_counted_like_those_by_text(shop: Shop) -> None:
    query = "{ books { nodes { title } } }"
    persisted = {"persistedQuery": {"version": 1, "sha256Hash": hash_text(query)}}
    async with shop(metrics=True) as client:
        before = parse_counts((await client.get("/metrics")).text)
        await client.post("/graphql", json={"query": query, "extensions": persisted})
        await client.post("/graphql", json={"extensions": persisted})
        await client.post("/graphql", json={"documentId": "unknown"})
        response = await client.get("/metrics")

    after = parse_counts(response.text)
    assert after[("plan", "")] - before.get(("plan", ""), 0) == 2
    assert (
        'bookstore_untrusted_documents_total{sent="id"} 0\n'
        'bookstore_untrusted_documents_total{sent="text"} 0\n' in response.text
    )


async def test_uses_of_deprecated_parts_are_counted_by_operation_and_coordinate() -> None:
    uses = {("Old", "Book.cover"): 3, ("-", "Query.books(skip:)"): 1}
    app = Starlette(routes=[metrics_route({}, {"id": 0, "text": 0}, uses)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client:
        text = (await client.get("/metrics")).text

    assert text.endswith(
        "# TYPE bookstore_deprecated_uses_total counter\n"
        'bookstore_deprecated_uses_total{coordinate="Query.books(skip:)",operation="-"} 1\n'
        'bookstore_deprecated_uses_total{coordinate="Book.cover",operation="Old"} 3\n'
    )


async def test_a_request_that_names_something_deprecated_is_counted(shop: Shop) -> None:
    async with shop(metrics=True) as client:
        documents = app_of(client).endpoint.documents
        request = GraphQLRequest("query Titles { books { totalCount } }", None, None)
        documents.find(request, Role.PUBLIC).deprecated = ("BookConnection.totalCount",)
        await client.post("/graphql", json={"query": request.query})
        await client.post("/graphql", json={"query": "{ authors { totalCount } }"})
        text = (await client.get("/metrics")).text

    assert re.findall("^bookstore_deprecated.*", text, re.MULTILINE) == [
        'bookstore_deprecated_uses_total{coordinate="BookConnection.totalCount",operation="Titles"} 1'
    ]


class IdleRequest:
    """A request that is admitted and does nothing."""

    def start(self) -> None:
        pass


async def test_admitted_requests_are_counted(shop: Shop) -> None:
    admission = Admission(max_running=1, queue_limit=8)
    for _ in range(3):
        admission.admit(IdleRequest(), now=0.0)
    async with shop(metrics=True) as client:
        transport: Any = client._transport
        app = transport.app

        async def with_admission(scope: Scope, receive: Receive, send: Send) -> None:
            await app({**scope, "state": {ADMISSION_STATE: admission}}, receive, send)

        transport.app = with_admission
        text = (await client.get("/metrics")).text

    assert text.endswith('{state="running"} 1\nbookstore_requests{state="waiting"} 2\n')


async def test_metrics_are_disabled_by_default(shop: Shop) -> None:
    async with shop() as client:
        assert (await client.get("/metrics")).status_code == 404
