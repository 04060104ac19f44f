"""Randomly mutated raw requests: a server responds to each of them, and never with 500."""

import asyncio
import json
import os
import random
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from db.access_keys import create_access_key
from db.connections.connect import connect
from db.importing.importer import import_feed
from db.importing.readers import open_feed
from db.verify import audit_catalog
from graphql_api.access.keys import generate_key, hash_key
from graphql_api.execution.manifests import hash_text
from tests.catalogs import add_book
from tests.conftest import SAMPLE
from tests.http_client import Client
from tests.serving import BookstoreProcess, run_server_in_thread
from tests.tables import note
from tests.waiting import GUARD

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "1000"))
CONCURRENT_CLIENTS = 64

TYPENAME = hash_text("{__typename}").encode()
TITLES = "query ($n: Int) { books(first: $n) { nodes { title } } }"
BODIES = [
    b'{"query": "{ books(first: 3) { nodes { title authors { name } } } }"}',
    b'{"query": "query ($n: Int, $o: BookOrder) { books(first: $n, orderBy: $o) { totalCount } }", '
    b'"variables": {"n": 5, "o": {"field": "PRICE", "direction": "DESC"}}}',
    b'{"query": "query A { node(id: \\"Qm9vazox\\") { id ... on Book { title } } } query B { __typename }", '
    b'"operationName": "A", "variables": null, "extensions": {"cost": true}}',
    b'{"query": "{ book(by: {isbn: \\"9780306406157\\"}) { title categories { name } } }"}',
    b'{"query": "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", "variables": {"ids": ["QXV0aG9yOjE="]}}',
    b'{"query": "{__typename}", "extensions": {"persistedQuery": {"version": 1, "sha256Hash": "%s"}}}'
    % TYPENAME,
    b'{"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "%s"}}, "variables": {}}' % TYPENAME,
    b'{"documentId": "sha256:%s", "operationName": null}' % TYPENAME,
    b'{"documentId": "titles", "variables": {"n": 2}}',
]
MUTATIONS = [
    b'{"query": "mutation ($d: Int!) { adjustStock(by: {isbn: \\"9780306406157\\"}, delta: $d) { errors { code } } }", '
    b'"variables": {"d": 1}}',
    b'{"query": "mutation { a: createBook(input: {title: \\"Emma\\", price: {amount: 3, currencyCode: \\"EUR\\"}}) '
    b'{ book { id } errors { path } } b: deleteBook(by: {id: \\"Qm9vazox\\"}) @skip(if: true) { deletedId } }"}',
    b'{"query": "mutation ($o: [OfferInput!]!) { updateOffers(offers: $o) { books { id stock } errors { message } } }", '
    b'"variables": {"o": [{"by": {"id": "Qm9vazoy"}, "stock": 2, "price": null}, {"by": {"isbn": "0306406152"}}]}}',
    b'{"query": "mutation { updateAuthor(by: {id: \\"QXV0aG9yOjE=\\"}, input: {birthYear: 1700}, expectedVersion: 1) '
    b'{ author { name } errors { code } } mergeAuthors(into: {slug: \\"a\\"}, from: {slug: \\"b\\"}) { ...E } } '
    b'fragment E on MergeAuthorsPayload { errors { code } }"}',
    b'{"query": "mutation { createCategory(input: {name: \\"Sea\\", parent: null}) { category { path } } '
    b'moveCategory(by: {path: \\"sea\\"}, parent: {path: \\"sea\\"}) { errors { code } } }"}',
]
ADDRESSES = [
    b"/graphql?query=%7B__typename%7D",
    b"/graphql?query=query(%24n:Int)%7Bbooks(first:%24n)%7BtotalCount%7D%7D&variables=%7B%22n%22:1%7D",
    b"/graphql?documentId=titles&variables=%7B%22n%22:1%7D",
    b"/graphql?documentId=sha256:" + TYPENAME,
    b"/graphql?query=%7B__typename%7D&extensions=%7B%22persistedQuery%22:%7B%22version%22:1,%22sha256Hash%22:%22"
    + TYPENAME
    + b"%22%7D%7D",
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
    b"idempotency-key: k",
    b'idempotency-key: ""',
    b"authorization: Bearer bsk_x",
    b"cookie: session=1",
]
WORDS = [
    b"\0", b"\xff", b"\xed\xa0\x80", b"\\ud800", b"\\u0000", b"NaN", b"1e999", b"-0", b"9" * 400, b"null", b"[]",
    b"{}", b'"', b"\\", b"[" * 50, b"{" * 50, b"...", b"fragment F on Book { id }", b"...F", b"@skip(if: true)",
    b"@include(if: $n)", b"$", b"first: -1", b"first: 2147483648", b"after: \\\"x\\\"", b"mutation", b"subscription",
    b"__schema { types { name } }", b'"""', b"#", b"\r\n", b"\r\n\r\n", b"query", b"%00", b"%ff", b"%", b"&query=",
    b"documentId", b"&documentId=", b"persistedQuery", b"sha256:", TYPENAME,
    b"\xef\xbb\xbf", b"on", b"true",
]  # fmt: skip


def draw_request(random_: random.Random, key: str) -> bytes:
    """Return a request with `connection: close`, with random mutations of its parts or of the whole.

    Half of the requests have the access key.
    """
    body = random_.choice(BODIES + MUTATIONS) if random_.random() < 0.8 else b""
    for _ in range(random_.choice([0, 1, 1, 2, 4])):
        body = mutate(random_, body)
    headers = [b"host: x", b"connection: close"]
    if random_.random() < 0.5:
        headers.append(b"authorization: Bearer " + key.encode())
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


@dataclass(frozen=True, slots=True)
class FuzzedServer:
    """A server with a catalog of its own, and a manager's key."""

    process: BookstoreProcess
    dsn: str
    key: str


@pytest.fixture
async def fuzzed_server(dsn: str, tmp_path: Path) -> AsyncGenerator[FuzzedServer]:
    """A server with a CLIENT_TIMEOUT of 2 seconds; its other timeouts never pass."""
    await import_feed(
        dsn, await open_feed("jsonl", [SAMPLE], source="sample"), rejects=tmp_path / "rejects.csv"
    )
    connection = await connect(dsn, application_name="bookstore tests")
    await add_book(connection, "Emma", isbn="9780306406157", stock=1)
    key = generate_key()
    await create_access_key(connection, "fuzz", "MANAGER", hash_key(key), None)
    await connection.close()
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"titles": TITLES}))
    settings = {"DATABASE_URL": dsn, "CLIENT_TIMEOUT": "2", "TRUSTED_DOCUMENTS": str(manifest)}
    async with run_server_in_thread(tmp_path, **settings) as process:
        yield FuzzedServer(process, dsn, key)


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


async def test_every_request_gets_a_response_below_500(fuzzed_server: FuzzedServer) -> None:
    client, statuses, failures = (
        Client(fuzzed_server.process.url),
        Counter[int](),
        list[tuple[int, int, bytes]](),
    )
    numbers = iter(range(EXAMPLES))

    async def send_requests() -> None:
        for number in numbers:
            request = draw_request(random.Random(number), fuzzed_server.key)
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
    assert fuzzed_server.process.process.poll() is None
    assert "internal error" not in fuzzed_server.process.output()
    assert [finding for finding in await audit_catalog(fuzzed_server.dsn) if finding.count] == []
