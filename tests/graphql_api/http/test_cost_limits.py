"""Limits of cost by client: the bucket, the refusal, and the address behind proxies."""

from typing import Any

import pytest

from graphql_api.http.cost_limits import client_address
from tests.graphql_api.http.conftest import Shop

QUERY = "{ books(first: 20) { nodes { title } } }"
ASKED = {"query": QUERY, "extensions": {"cost": True}}


async def test_a_client_without_cost_left_is_refused_until_it_has_some(shop: Shop) -> None:
    async with shop(cost_capacity=21, cost_restore_rate=0.001) as http:
        first = await http.post("/graphql", json=ASKED)
        second = await http.post("/graphql", json=ASKED)
        third = await http.post("/graphql", json={"query": "{ books(first: 20) { nodes { id } } }"})

    cost = first.json()["extensions"]["cost"]
    assert {**cost, "available": 0} == {
        "requested": 20,
        "actual": 1,
        "capacity": 21,
        "available": 0,
        "restoreRate": 0.001,
    }
    assert (first.status_code, cost["available"]) == (200, 20)
    assert (second.status_code, second.json()["extensions"]["cost"]["available"]) == (200, 19)
    assert (third.status_code, third.headers["retry-after"]) == (429, "1000")
    assert third.json()["errors"] == [
        {
            "message": "The operation costs 20, and 19 of 21 are available (COST_CAPACITY): retry in 1000 s.",
            "extensions": {
                "code": "RATE_LIMITED",
                "cost": {"requested": 20, "capacity": 21, "available": 19, "restoreRate": 0.001},
            },
        }
    ]


async def test_each_address_of_the_public_has_a_bucket(shop: Shop) -> None:
    async with shop(cost_capacity=20, cost_restore_rate=0.001, trusted_proxies=1) as http:
        statuses = [
            (await http.post("/graphql", json=ASKED, headers={"x-forwarded-for": address})).status_code
            for address in ("192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.2, 192.0.2.1")
        ]

    assert statuses == [200, 429, 200, 429]


@pytest.mark.parametrize(
    ("forwarded", "proxies", "address"),
    [
        ([], 0, "127.0.0.1"),
        (["192.0.2.9"], 0, "127.0.0.1"),
        ([], 1, "127.0.0.1"),
        (["192.0.2.9"], 1, "192.0.2.9"),
        (["forged, 192.0.2.9"], 1, "192.0.2.9"),
        (["forged, 192.0.2.9", "198.51.100.1"], 2, "192.0.2.9"),
        (["192.0.2.9"], 3, "192.0.2.9"),
        ([" , "], 1, "127.0.0.1"),
    ],
)
def test_the_address_is_what_the_outermost_trusted_proxy_has_seen(
    forwarded: list[str], proxies: int, address: str
) -> None:
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    scope: dict[str, Any] = {"client": ("127.0.0.1", 1234), "headers": headers}

    assert client_address(scope, proxies) == address


def test_a_unix_socket_has_no_address() -> None:
    assert client_address({"client": None, "headers": []}, 0) == ""
