"""Mutations with idempotency keys, each sent again until it is answered, and what they have written."""

import asyncio
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import asyncpg
import httpx

from db.access_keys import create_access_key
from db.connections.connect import connect
from graphql_api.access.keys import generate_key, hash_key
from tests.waiting import GUARD, POLL_INTERVAL

REQUESTS = 200 if os.environ.get("ALL_FAULTS") else 60
CLIENTS = 8

MUTATION = """mutation ($title: String!) {
  createBook(input: {title: $title}) { book { title } errors { code } }
  adjustStock(by: {isbn: "9780306406157"}, delta: 1) { book { stock } errors { code } }
}"""


async def create_manager_key(dsn: str) -> str:
    """Create a manager's access key of a random name, and return it."""
    connection = await connect(dsn, application_name="bookstore tests")
    key = generate_key()
    await create_access_key(connection, key[-8:], "MANAGER", hash_key(key), None)
    await connection.close()
    return key


@dataclass
class WriteLoad:
    """Sends REQUESTS mutations by CLIENTS clients to the server at `url()`, each until its answer is 200.

    `answers` has the last body of each request by its number, `statuses` counts all answers; 0: there was none.
    """

    url: Callable[[], str]
    key: str
    name: str
    answers: dict[int, bytes] = field(default_factory=dict[int, bytes])
    statuses: Counter[int] = field(default_factory=Counter[int])

    async def run(self) -> None:
        numbers = iter(range(REQUESTS))
        async with (
            httpx.AsyncClient(headers={"Authorization": f"Bearer {self.key}"}, timeout=GUARD) as client,
            asyncio.TaskGroup() as group,
        ):
            for _ in range(CLIENTS):
                group.create_task(self._send_requests(client, numbers))

    async def _send_requests(self, client: httpx.AsyncClient, numbers: "iter[int]") -> None:  # type: ignore[valid-type]
        for number in numbers:
            while True:
                status, body = await self.send(client, number)
                self.statuses[status] += 1
                if status == 200:
                    self.answers[number] = body
                    break
                await asyncio.sleep(POLL_INTERVAL)

    async def send(self, client: httpx.AsyncClient, number: int) -> tuple[int, bytes]:
        """Send one request, and return the status and the body of its answer; 0 if there is none."""
        body = {"query": MUTATION, "variables": {"title": f"{self.name} {number}"}}
        headers = {"Idempotency-Key": f"{self.name} {number}"}
        try:
            response = await client.post(self.url(), json=body, headers=headers)
        except httpx.TransportError:
            return 0, b""
        return response.status_code, response.content

    async def assert_written_once(self, dsn: str, stock_before: int) -> None:
        """Assert that each mutation was written once, and that its answer is told again as it was."""
        connection = await asyncpg.connect(dsn)
        titles = await connection.fetch(
            "SELECT title FROM book WHERE starts_with(title, $1 || ' ')", self.name
        )
        stock = await connection.fetchval("SELECT stock FROM book WHERE isbn = '9780306406157'")
        audited = await connection.fetchval(
            "SELECT count(*) FROM audit_entry WHERE client = $1", self.key[-8:]
        )
        kept = await connection.fetch(
            "SELECT key, body FROM repeatable_answer WHERE starts_with(key, $1 || ' ')", self.name
        )
        await connection.close()

        assert sorted(row["title"] for row in titles) == sorted(f"{self.name} {n}" for n in range(REQUESTS))
        assert stock == stock_before + REQUESTS
        assert audited == 2 * REQUESTS
        assert {row["key"]: row["body"] for row in kept} == {
            f"{self.name} {number}": body for number, body in self.answers.items()
        }


async def read_stock(dsn: str) -> int:
    connection = await asyncpg.connect(dsn)
    stock = await connection.fetchval("SELECT stock FROM book WHERE isbn = '9780306406157'")
    await connection.close()
    return stock
