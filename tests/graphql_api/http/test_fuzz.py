"""Randomly mutated raw requests: a server responds to each of them, and never with 500."""

import asyncio
import os
import random
from collections import Counter
from collections.abc import Generator
from contextlib import suppress

import pytest

from tests.http_client import Client
from tests.serving import BookstoreProcess, run_server
from tests.tables import note
from tests.waiting import GUARD

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "1000"))
CONCURRENT_CLIENTS = 64

BODIES = [
    b'{"query": "{ books(first: 3) { nodes { title authors { name } } } }"}',
    b'{"query": "query ($n: Int, $o: BookOrder) { books(first: $n, orderBy: $o) { totalCount } }", '
    b'"variables": {"n": 5, "o": {"field": "PRICE", "direction": "DESC"}}}',
    b'{"query": "query A { node(id: \\"Qm9vazox\\") { id ... on Book { title } } } query B { __typename }", '
    b'"operationName": "A", "variables": null, "extensions": {"cost": true}}',
    b'{"query": "{ book(by: {isbn: \\"9780306406157\\"}) { title categories { name } } }"}',
    b'{"query": "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", "variables": {"ids": ["QXV0aG9yOjE="]}}',
]
ADDRESSES = [
    b"/graphql?query=%7B__typename%7D",
    b"/graphql?query=query(%24n:Int)%7Bbooks(first:%24n)%7BtotalCount%7D%7D&variables=%7B%22n%22:1%7D",
    b"/livez",
    b"/readyz",
    b"/graphql/assets/x.js",
    b"/",
]
HEADERS = [
    b"content-type: application/json",
    b"accept: application/graphql-response+json",
    b"accept: text/html, */*;q=0.1",
    b"accept-encoding: gzip",
    b"x-request-id: abc",
    b"origin: https://a.example",
    b"expect: 100-continue",
    b"upgrade: websocket\r\nconnection: upgrade",
    b"transfer-encoding: chunked",
    b"content-length: 5",
]
WORDS = [
    b"\0", b"\xff", b"\xed\xa0\x80", b"\\ud800", b"\\u0000", b"NaN", b"1e999", b"-0", b"9" * 400, b"null", b"[]",
    b"{}", b'"', b"\\", b"[" * 50, b"{" * 50, b"...", b"fragment F on Book { id }", b"...F", b"@skip(if: true)",
    b"@include(if: $n)", b"$", b"first: -1", b"first: 2147483648", b"after: \\\"x\\\"", b"mutation", b"subscription",
    b"__schema { types { name } }", b'"""', b"#", b"\r\n", b"\r\n\r\n", b"query", b"%00", b"%ff", b"%", b"&query=",
    b"\xef\xbb\xbf", b"on", b"true",
]  # fmt: skip


def draw_request(random_: random.Random) -> bytes:
    """Return a request with `connection: close`, with random mutations of its parts or of the whole."""
    body = random_.choice(BODIES) if random_.random() < 0.8 else b""
    for _ in range(random_.choice([0, 1, 1, 2, 4])):
        body = mutate(random_, body)
    headers = [b"host: x", b"connection: close"]
    if body and random_.random() < 0.95:
        headers.append(HEADERS[0])
    headers += random_.sample(HEADERS, random_.choice([0, 0, 0, 1, 2]))
    if body and random_.random() < 0.95:
        headers.append(b"content-length: %d" % len(body))
    address = b"/graphql" if body else random_.choice(ADDRESSES)
    method = (
        random_.choice([b"POST"] * 9 + [b"PUT"])
        if body
        else random_.choice([b"GET"] * 4 + [b"HEAD", b"OPTIONS"])
    )
    if random_.random() < 0.2:
        address = mutate(random_, address)
    request = method + b" " + address + b" HTTP/1.1\r\n" + b"\r\n".join(headers) + b"\r\n\r\n" + body
    if random_.random() < 0.1:
        request = mutate(random_, request)
    return request


def mutate(random_: random.Random, data: bytes) -> bytes:
    """Return the bytes with one random change."""
    place = random_.randint(0, len(data))
    end = min(len(data), place + random_.choice([1, 1, 2, 8, 40]))
    return {
        "insert": lambda: data[:place] + random_.choice(WORDS) + data[place:],
        "replace": lambda: data[:place] + random_.choice(WORDS) + data[end:],
        "delete": lambda: data[:place] + data[end:],
        "repeat": lambda: data[:end] + data[place:],
        "flip": lambda: data[:place] + bytes([random_.randrange(256)]) + data[place + 1 :],
        "cut": lambda: data[:place],
    }[random_.choice(["insert", "insert", "replace", "replace", "delete", "repeat", "flip", "flip", "cut"])]()


@pytest.fixture(scope="module")
def short_timeout_server(
    sample_dsn: str, tmp_path_factory: pytest.TempPathFactory
) -> Generator[BookstoreProcess]:
    """A server with a CLIENT_TIMEOUT of 2 seconds; its other timeouts never pass."""
    with run_server(tmp_path_factory.mktemp("server"), DATABASE_URL=sample_dsn, CLIENT_TIMEOUT="2") as server:
        yield server


async def send_and_read_status(client: Client, request: bytes) -> int:
    """Return the status of the response; 0 if there is none."""
    reader, writer = await client.connect()
    try:
        writer.write(request)
        line = await asyncio.wait_for(reader.readline(), GUARD)
        while line.startswith(b"HTTP/1.1 100"):
            await reader.readline()
            line = await asyncio.wait_for(reader.readline(), GUARD)
        return int(line.split()[1]) if line.startswith(b"HTTP/1.1 ") else 0
    except (OSError, TimeoutError):
        return 0
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def test_every_request_gets_a_response_below_500(short_timeout_server: BookstoreProcess) -> None:
    client, statuses, failures = (
        Client(short_timeout_server.url),
        Counter[int](),
        list[tuple[int, int, bytes]](),
    )
    numbers = iter(range(EXAMPLES))

    async def send_requests() -> None:
        for number in numbers:
            request = draw_request(random.Random(number))
            status = await send_and_read_status(client, request)
            statuses[status] += 1
            if status == 0 or status >= 500:
                failures.append((number, status, request))

    await asyncio.gather(*(send_requests() for _ in range(CONCURRENT_CLIENTS)))
    note(
        "mutated requests | statuses",
        f"{EXAMPLES:,}",
        ", ".join(f"{n:,} × {s}" for s, n in sorted(statuses.items())),
    )

    assert failures == []
    assert statuses[200] > EXAMPLES / 10
    assert statuses[400] > EXAMPLES / 10
    assert short_timeout_server.process.poll() is None
