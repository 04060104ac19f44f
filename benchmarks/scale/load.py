"""A load of numbered writes and of reads, and what became of each."""

import asyncio
import time
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import asyncpg
import httpx

WRITERS = 4
READERS = 4
PAUSE = 0.02
"""Seconds between two requests of a client."""

CLIENT_TIMEOUT = 20.0
"""Seconds in which a client expects an answer."""

ISBN = "9780306406157"
"""The book whose stock counts the writes."""

ADD_STOCK_BOOK = (
    f'mutation {{ createBook(input: {{title: "Counted", isbn: "{ISBN}"}}) {{ errors {{ code }} }} }}'
)
WRITE = f"""mutation ($title: String!) {{
  createBook(input: {{title: $title}}) {{ errors {{ code }} }}
  adjustStock(by: {{isbn: "{ISBN}"}}, delta: 1) {{ errors {{ code }} }}
}}"""
READ = "{ books(first: 5) { totalCount nodes { title } } }"

TITLES_WRITTEN = "SELECT title, count(*) FROM book WHERE starts_with(title, $1::text || ' ') GROUP BY title"
STOCK = "SELECT coalesce(sum(stock), 0)::integer FROM book WHERE isbn = $1::text"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to a request: times of the monotonic clock, and the status with the code of an error."""

    asked_at: float
    answered_at: float
    status: str


@dataclass(slots=True)
class Load:
    """Clients of the server behind a Unix socket. `name` begins each title and each key."""

    socket: Path
    key: str
    name: str
    writes: list[Answer] = field(default_factory=list[Answer])
    reads: list[Answer] = field(default_factory=list[Answer])
    acknowledged: set[str] = field(default_factory=set[str])
    _stopping: bool = False

    @contextmanager
    def client(self) -> Generator[httpx.AsyncClient]:
        yield httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(uds=str(self.socket)),
            base_url="http://bookstore",
            headers={"Authorization": f"Bearer {self.key}"},
            timeout=CLIENT_TIMEOUT,
        )

    async def run(self) -> None:
        """Send requests until `stop`. Each write is sent again, with its key, until it is acknowledged."""
        numbers = count()
        with self.client() as client:
            async with client, asyncio.TaskGroup() as group:
                for _ in range(WRITERS):
                    group.create_task(self._write(client, numbers))
                for _ in range(READERS):
                    group.create_task(self._read(client))

    def stop(self) -> None:
        """Start no other write. `run` ends when all that were sent are acknowledged."""
        self._stopping = True

    async def _write(self, client: httpx.AsyncClient, numbers: Iterator[int]) -> None:
        while not self._stopping:
            title = f"{self.name} {next(numbers)}"
            body = {"query": WRITE, "variables": {"title": title}}
            while title not in self.acknowledged:
                if await self._send(client, self.writes, body, {"Idempotency-Key": title}) == "200":
                    self.acknowledged.add(title)
                await asyncio.sleep(PAUSE)

    async def _read(self, client: httpx.AsyncClient) -> None:
        while not self._stopping:
            await self._send(client, self.reads, {"query": READ}, {})
            await asyncio.sleep(PAUSE)

    async def _send(
        self, client: httpx.AsyncClient, answers: list[Answer], body: dict[str, Any], headers: dict[str, str]
    ) -> str:
        asked_at = time.monotonic()
        try:
            response = await client.post("/graphql", json=body, headers=headers)
        except httpx.TransportError as error:
            status = type(error).__name__
        else:
            errors = response.json().get("errors", [])
            code = errors[0].get("extensions", {}).get("code", "without a code") if errors else ""
            status = f"{response.status_code} {code}".rstrip()
        answers.append(Answer(asked_at, time.monotonic(), status))
        return status


async def send_once(load: Load, query: str) -> None:
    """Send one mutation. Raises httpx.HTTPStatusError if it is not answered by 200."""
    with load.client() as client:
        async with client:
            (await client.post("/graphql", json={"query": query})).raise_for_status()


def longest_gap(answers: list[Answer], since: float) -> float:
    """Return the longest time in seconds between two successful answers, from the last one before `since`."""
    successes = sorted(answer.answered_at for answer in answers if answer.status == "200")
    relevant = [at for at in successes if at >= since]
    before = [at for at in successes if at < since][-1:]
    return max((later - earlier for earlier, later in pairwise(before + relevant)), default=0.0)


def longest_answer(answers: list[Answer], since: float) -> float:
    """Return the longest time in seconds until an answer."""
    return max(
        (each.answered_at - each.asked_at for each in answers if each.answered_at >= since), default=0.0
    )


def count_statuses(answers: list[Answer], since: float) -> str:
    """Return the statuses and how often each came."""
    statuses = Counter(answer.status for answer in answers if answer.answered_at >= since)
    return ", ".join(f"{status}: {number:,}" for status, number in sorted(statuses.items()))


@dataclass(frozen=True, slots=True)
class Written:
    """What the catalog has of a load: the acknowledged writes that are lost, and writes applied twice."""

    lost: int
    twice: int


async def compare_with_catalog(load: Load, stock_before: int, connection: asyncpg.Connection) -> Written:
    """Compare what was acknowledged with what is written. Every number was acknowledged in the end."""
    titles = {row["title"]: row["count"] for row in await connection.fetch(TITLES_WRITTEN, load.name)}
    stock = await read_stock(connection) - stock_before
    missing = load.acknowledged - titles.keys()
    surplus = sum(titles.values()) - len(titles)
    return Written(
        lost=max(len(missing), len(load.acknowledged) - stock),
        twice=max(surplus, stock - len(load.acknowledged), 0),
    )


async def read_stock(connection: asyncpg.Connection) -> int:
    return await connection.fetchval(STOCK, ISBN)
