"""Metrics: how many operations ran by their plans, and how many on graphql-core, by reason."""

import asyncio
import re

import pytest

from graphql_api.execution.executor import operation_counts
from tests.graphql_api.http.conftest import Shop
from tests.waiting import until


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


async def test_admitted_requests_are_counted(shop: Shop) -> None:
    async with shop(metrics=True, max_requests=1) as client:
        admission = client._transport.app.endpoint.admission
        async with admission:
            waiting = asyncio.create_task(client.post("/graphql", json={"query": "{ __typename }"}))
            await until(lambda: admission.line)
            taken = (await client.get("/metrics")).text
        await waiting
        free = (await client.get("/metrics")).text

    assert taken.endswith('{state="running"} 1\nbookstore_requests{state="waiting"} 1\n')
    assert free.endswith('{state="running"} 0\nbookstore_requests{state="waiting"} 0\n')


async def test_metrics_are_disabled_by_default(shop: Shop) -> None:
    async with shop() as client:
        assert (await client.get("/metrics")).status_code == 404
