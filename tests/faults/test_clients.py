"""Clients that leave, dawdle, or come in crowds: each harms itself alone."""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path
from socket import SO_RCVBUF, SOL_SOCKET, socket
from urllib.parse import urlsplit

import asyncpg
import pytest

from tests.faults.conftest import server
from tests.faults.locks import are_active, locked
from tests.faults.postgres import Postgres
from tests.faults.readers import QUERY, Readers
from tests.faults.sockets import open_ends
from tests.http_client import Client, answers_with, read_response
from tests.serving import Served
from tests.waiting import GUARD, until

POST = b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"


@pytest.fixture(scope="module")
async def one_place(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Served]:
    """A server that admits one request at a time."""
    settings = {
        "MAX_CONCURRENT_REQUESTS": "1",
        "MAX_QUEUED_REQUESTS": "0",
        "KEEP_ALIVE_TIMEOUT": "60",
        "CORS_ORIGINS": "https://shop.example",
    }
    folder = tmp_path_factory.mktemp("one_place")
    async with server(folder, DATABASE_URL=postgres.server.dsn, **settings) as served:
        yield served


@pytest.fixture(scope="module")
async def eight_places(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Served]:
    """A server that admits eight requests, of which five run."""
    settings = {"MAX_CONCURRENT_REQUESTS": "5", "MAX_QUEUED_REQUESTS": "3"}
    folder = tmp_path_factory.mktemp("eight_places")
    async with server(folder, DATABASE_URL=postgres.server.dsn, **settings) as served:
        yield served


@pytest.fixture(scope="module")
async def impatient(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Served]:
    """A server that gives a client 1.5 seconds to send a request."""
    folder = tmp_path_factory.mktemp("impatient")
    async with server(folder, DATABASE_URL=postgres.server.dsn, CLIENT_TIMEOUT="1.5") as served:
        yield served


async def gauge(client: Client, state: str) -> int:
    """How many requests the server has in this state; METRICS must be set."""
    text = (await client.send(client.build_get("/metrics"))).body.decode()
    return int(text.partition(f'bookstore_requests{{state="{state}"}} ')[2].split()[0])


async def are(client: Client, state: str, many: int) -> bool:
    """Whether the server has exactly so many requests in this state."""
    return await gauge(client, state) == many


def port_of(writer: asyncio.StreamWriter) -> int:
    return writer.get_extra_info("sockname")[1]


def has_read_all(served: Served, writer: asyncio.StreamWriter) -> bool:
    """Whether the server has accepted the connection and read what was sent."""
    end = open_ends(served.port).get(port_of(writer))
    return end is not None and not end.unread


async def test_clients_that_leave_take_their_statements_with_them(postgres: Postgres, tmp_path: Path) -> None:
    settings = {"MAX_CONCURRENT_REQUESTS": "300", "POOL_SIZE": "15", "METRICS": "true"}

    async with server(tmp_path, DATABASE_URL=postgres.server.dsn, **settings) as served:
        client = Client(served.url)
        async with locked(postgres.server.dsn) as observer:
            streams = [await client.connect() for _ in range(200)]
            for _, writer in streams:
                writer.write(client.build_post(QUERY))
            await until(lambda: are(client, "running", 200))
            await until(lambda: are_active(observer, 15))
            for _, writer in streams:
                writer.close()
            await until(lambda: are_active(observer, 0))
            await until(lambda: are(client, "running", 0))
        answer = await client.send(client.build_post(QUERY))
        client.close()

    assert answer.status == 200


async def test_a_request_has_a_deadline_that_reaches_postgresql(postgres: Postgres, tmp_path: Path) -> None:
    async with server(tmp_path, DATABASE_URL=postgres.server.dsn, REQUEST_TIMEOUT="1") as served:
        client = Client(served.url)
        async with locked(postgres.server.dsn) as observer:
            answer = await client.send(client.build_post(QUERY))
            await until(lambda: are_active(observer, 0))
        client.close()

    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    assert answer.json()["errors"] == [
        {
            "message": "The request took longer than 1 seconds (REQUEST_TIMEOUT).",
            "extensions": {"code": "TIMEOUT"},
        }
    ]


async def test_a_statement_has_a_deadline_of_its_own(postgres: Postgres, tmp_path: Path) -> None:
    async with server(tmp_path, DATABASE_URL=postgres.server.dsn, COMMAND_TIMEOUT="1") as served:
        client = Client(served.url)
        await until(lambda: answers_with(client, "/readyz", 200))
        async with locked(postgres.server.dsn) as observer:
            answer = await client.send(client.build_post(QUERY))
            await until(lambda: are_active(observer, 0))
        client.close()

    assert answer.status == 503
    assert answer.json()["errors"] == [
        {
            "message": "The catalog is temporarily unavailable: retry later.",
            "extensions": {"code": "TIMEOUT"},
        }
    ]


async def test_who_waits_too_long_for_a_connection_is_told_to_come_again(
    postgres: Postgres, tmp_path: Path
) -> None:
    settings = {"POOL_SIZE": "1", "POOL_TIMEOUT": "0.3"}

    async with server(tmp_path, DATABASE_URL=postgres.server.dsn, **settings) as served:
        client = Client(served.url)
        await until(lambda: answers_with(client, "/readyz", 200))
        async with locked(postgres.server.dsn) as observer:
            first = asyncio.create_task(client.send(client.build_post(QUERY)))
            await until(lambda: are_active(observer, 1))
            second = await client.send(client.build_post(QUERY))
            health = [await client.send(client.build_get(path)) for path in ("/livez", "/readyz")]
            refused = await client.send(client.build_post("{ nothing }"))
        answered = await first
        client.close()

    assert (second.status, second.headers["retry-after"]) == (503, "1")
    assert second.json()["errors"][0]["extensions"]["code"] == "SERVICE_UNAVAILABLE"
    assert [reply.status for reply in health] == [200, 200]
    assert refused.json()["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert answered.status == 200


async def test_a_crowd_is_told_at_once(eight_places: Served, postgres: Postgres) -> None:
    """While those that were let in still wait for the database."""

    client = Client(eight_places.url)
    async with locked(postgres.server.dsn):
        asked = [asyncio.create_task(client.send(client.build_post(QUERY))) for _ in range(58)]
        await until(lambda: sum(task.done() for task in asked) >= 50)
        live = await client.send(client.build_get("/livez"))
        refused = [task.result() for task in asked if task.done()]
        admitted = [task for task in asked if not task.done()]
    answers = await asyncio.gather(*admitted)
    client.close()

    assert {(reply.status, reply.headers["retry-after"]) for reply in refused} == {(503, "1")}
    assert len({reply.headers["x-request-id"] for reply in refused}) == 50
    assert (
        refused[0].json()["errors"][0]["message"]
        == "The server is overloaded: 5 requests are running (MAX_CONCURRENT_REQUESTS) and the queue is full (MAX_QUEUED_REQUESTS). "
        "Retry later."
    )
    assert live.status == 200
    assert [reply.status for reply in answers] == [200] * 8


async def test_who_is_turned_away_is_answered_as_anybody_else(one_place: Served, postgres: Postgres) -> None:
    """The id that was given comes back, HEAD gets no body, and the connection can be used again unless a
    body may be on its way or not."""
    expects = b"POST /graphql HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n"
    heads = b"HEAD /graphql?query=%7Ba%7D HTTP/1.1\r\nhost: x\r\nx-request-id: mine\r\n\r\n"

    client = Client(one_place.url)
    async with locked(postgres.server.dsn) as observer:
        admitted = asyncio.create_task(client.send(client.build_post(QUERY)))
        await until(lambda: are_active(observer, 1))
        reader, writer = await client.connect()
        writer.write(heads)
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        writer.write(client.build_get("/livez"))
        live = await read_response(reader)
        writer.write(expects)
        expecting = await read_response(reader)
        rest = await reader.read()
    await admitted
    writer.close()
    client.close()

    assert head.startswith("HTTP/1.1 503 Service Unavailable\r\n")
    assert "\r\nx-request-id: mine\r\n" in head
    assert live.json() == {"status": "alive"}
    assert (expecting.status, expecting.headers["connection"], rest) == (503, "close", b"")


async def test_pages_of_other_origins_may_read_that_they_are_turned_away(
    one_place: Served, postgres: Postgres
) -> None:
    asked = b"%b /graphql HTTP/1.1\r\nhost: x\r\norigin: %b\r\naccess-control-request-method: POST\r\n\r\n"

    client = Client(one_place.url)
    async with locked(postgres.server.dsn) as observer:
        admitted = asyncio.create_task(client.send(client.build_post(QUERY)))
        await until(lambda: are_active(observer, 1))
        ours = await client.send(asked % (b"GET", b"https://shop.example"))
        stranger = await client.send(asked % (b"GET", b"https://evil.example"))
        preflight = await client.send(asked % (b"OPTIONS", b"https://shop.example"))
    await admitted
    client.close()

    assert (ours.status, stranger.status, preflight.status) == (503, 503, 200)
    assert ours.headers["access-control-allow-origin"] == "https://shop.example"
    assert ours.headers["access-control-expose-headers"] == "x-request-id, retry-after"
    assert (ours.headers["vary"], stranger.headers["vary"]) == ("origin", "origin")
    assert "access-control-allow-origin" not in stranger.headers
    assert preflight.headers["access-control-allow-origin"] == "https://shop.example"


async def test_of_a_crowd_that_comes_at_once_no_more_are_let_in_than_there_is_room_for(
    eight_places: Served, postgres: Postgres
) -> None:
    """The others get the protocol's own answer, which costs a tenth of one that the application gives, and is
    of the type that everybody understands."""

    client = Client(eight_places.url)
    request = client.build_post(QUERY).replace(
        b"\r\n", b"\r\naccept: application/graphql-response+json\r\n", 1
    )
    async with locked(postgres.server.dsn):
        streams = [await client.connect() for _ in range(50)]
        await until(lambda: len(open_ends(eight_places.port)) == 50)
        eight_places.process.send_signal(signal.SIGSTOP)
        for _, writer in streams:
            writer.write(request)
        await until(lambda: {end.unread for end in open_ends(eight_places.port).values()} == {len(request)})
        eight_places.process.send_signal(signal.SIGCONT)
        replying = [asyncio.create_task(read_response(reader)) for reader, _ in streams]
        await until(lambda: sum(task.done() for task in replying) >= 42)
        refused = [task.result() for task in replying if task.done()]
    replies = await asyncio.gather(*replying)
    for _, writer in streams:
        writer.close()

    answers = Counter((reply.status, reply.headers["content-type"]) for reply in replies)
    assert answers == {
        (200, "application/graphql-response+json; charset=utf-8"): 8,
        (503, "application/json; charset=utf-8"): 42,
    }
    assert {reply.json()["errors"][0]["extensions"]["code"] for reply in refused} == {"SERVICE_UNAVAILABLE"}


async def test_who_is_turned_away_again_and_again_is_heard_every_time(
    one_place: Served, postgres: Postgres
) -> None:
    """Though read from more slowly than others are; who leaves meanwhile is no mishap."""

    client = Client(one_place.url)
    async with locked(postgres.server.dsn) as observer:
        admitted = asyncio.create_task(client.send(client.build_post(QUERY)))
        await until(lambda: are_active(observer, 1))
        streams = [await client.connect() for _ in range(150)]
        heard: list[int] = []
        for _ in range(3):
            for _, writer in streams:
                writer.write(client.build_post(QUERY))
            heard += [(await read_response(reader)).status for reader, _ in streams]
        leaving = [await client.connect() for _ in range(150)]
        for reader, writer in leaving:
            writer.write(client.build_post(QUERY))
            await reader.readexactly(20)
            writer.transport.abort()
    await admitted
    after = []
    for reader, writer in streams:
        writer.write(client.build_post(QUERY))
        after.append((await read_response(reader)).status)
        writer.close()
    client.close()
    said = one_place.printed()

    assert heard == [503] * 450
    assert after == [200] * 150
    assert "Traceback" not in said


async def test_who_waits_in_line_may_leave(postgres: Postgres, tmp_path: Path) -> None:
    settings = {"MAX_CONCURRENT_REQUESTS": "1", "MAX_QUEUED_REQUESTS": "1", "METRICS": "true"}

    async with server(tmp_path, DATABASE_URL=postgres.server.dsn, **settings) as served:
        client = Client(served.url)
        async with locked(postgres.server.dsn):
            first = asyncio.create_task(client.send(client.build_post(QUERY)))
            await until(lambda: are(client, "running", 1))
            _, writer = await client.connect()
            writer.write(client.build_post(QUERY))
            await until(lambda: are(client, "waiting", 1))
            refused = await client.send(client.build_post("{ __typename }"))
            writer.close()
            await until(lambda: are(client, "waiting", 0))
            third = asyncio.create_task(client.send(client.build_post("{ __typename }")))
            await until(lambda: are(client, "waiting", 1))
            running = await gauge(client, "running")
        answers = [await first, await third, await client.send(client.build_post(QUERY))]
        client.close()

    assert refused.status == 503
    assert running == 1
    assert [reply.status for reply in answers] == [200, 200, 200]
    assert answers[1].json() == {"data": {"__typename": "Query"}}


async def test_slow_senders_are_cut_off_and_hinder_nobody(impatient: Served) -> None:
    head = b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 50\r\n"
    beginnings = [b"", b"POST /gra", head, head + b"\r\n", head + b'\r\n{"query'] * 20

    client = Client(impatient.url)
    streams = [await client.connect() for _ in beginnings]
    for (_, writer), beginning in zip(streams, beginnings, strict=True):
        writer.write(beginning)
    async with Readers(impatient.url, most=20) as readers:
        replies = await asyncio.gather(*(read_response(reader) for reader, _ in streams))
    for _, writer in streams:
        writer.close()
    client.close()

    assert {(reply.status, reply.json()["errors"][0]["message"]) for reply in replies} == {
        (408, "The request did not arrive within 1.5 seconds (CLIENT_TIMEOUT).")
    }
    assert len({reply.headers["x-request-id"] for reply in replies}) == len(beginnings)
    assert readers.kinds().keys() == {"200"}


async def test_who_drips_bytes_is_cut_off_too(impatient: Served) -> None:
    client = Client(impatient.url)
    reader, writer = await client.connect()
    writer.write(b"POST /graphql HTTP/1.1\r\nhost: x\r\nx: ")
    cut_off = asyncio.create_task(read_response(reader))

    def drip() -> bool:
        writer.write(b"y")
        return cut_off.done()

    await until(drip)
    writer.close()

    assert (await cut_off).status == 408


async def test_who_does_not_take_the_answer_is_cut_off(impatient: Served, postgres: Postgres) -> None:
    loop = asyncio.get_running_loop()
    client = Client(impatient.url)
    connection = await asyncpg.connect(postgres.server.dsn)
    await connection.execute("UPDATE book SET description = repeat('x', 100000)")
    request = client.build_post("{ books(first: 30) { nodes { description } } }")
    answer = await client.send(request)
    with socket() as narrow:
        narrow.setsockopt(SOL_SOCKET, SO_RCVBUF, 4_096)
        narrow.setblocking(False)
        await loop.sock_connect(narrow, client.address)
        narrow.send(request)
        port = narrow.getsockname()[1]
        await until(lambda: port in open_ends(impatient.port))
        await until(lambda: port not in open_ends(impatient.port))
        taken = 0
        with suppress(ConnectionResetError):
            while part := await asyncio.wait_for(loop.sock_recv(narrow, 65_536), GUARD):
                taken += len(part)
    await connection.execute("UPDATE book SET description = NULL")
    await connection.close()
    client.close()

    assert len(answer.body) > 3_000_000
    assert 0 < taken < len(answer.body)


async def test_a_head_without_an_end_is_refused(patient: Served) -> None:
    client = Client(patient.url)
    reader, writer = await client.connect()
    writer.write(b"GET /graphql HTTP/1.1\r\nhost: x\r\n" + b"x-filler: y\r\n" * 400_000)
    await writer.drain()
    reply = await read_response(reader)
    writer.close()

    assert reply.status == 431


@pytest.mark.parametrize("connection_header", ["keep-alive", "close"])
@pytest.mark.parametrize("sent", ["a length", "no length"])
async def test_who_sends_too_much_at_length_hears_so_afterwards(
    patient: Served, sent: str, connection_header: str
) -> None:
    """As most clients do, which read no answer before they have sent all."""
    parts = urlsplit(patient.url)
    body = b" " * 20_000_000

    def post() -> tuple[int, bytes, int]:
        connection = HTTPConnection(parts.hostname or "", parts.port)
        content = iter([body]) if sent == "no length" else body
        headers = {"content-type": "application/json", "connection": connection_header}
        connection.request("POST", parts.path, content, headers)
        answer = connection.getresponse()
        refusal = answer.read()
        connection.request("GET", "/livez")
        afterwards = connection.getresponse().status
        connection.close()
        return answer.status, refusal, afterwards

    status, refusal, afterwards = await asyncio.to_thread(post)

    assert (status, afterwards) == (413, 200)
    assert b"The body is too large; at most 100,000 bytes are allowed (MAX_BODY_BYTES)." in refusal


async def test_who_asks_whether_to_send_too_much_need_not(patient: Served) -> None:
    client = Client(patient.url)
    reader, writer = await client.connect()
    writer.write(POST + b"expect: 100-continue\r\ncontent-length: 20000000\r\n\r\n")
    reply = await read_response(reader)
    rest = await reader.read()
    writer.close()

    assert (reply.status, reply.headers["connection"], rest) == (413, "close", b"")


async def send_for_ever(writer: asyncio.StreamWriter, chunk: bytes) -> None:
    while True:
        writer.write(chunk)
        await writer.drain()
        await asyncio.sleep(0.005)


async def test_who_never_stops_sending_after_the_answer_is_cut_off(impatient: Served) -> None:
    endless = POST + b"transfer-encoding: chunked\r\n\r\n"

    client = Client(impatient.url)
    reader, writer = await client.connect()
    chunk = b"2710\r\n" + b" " * 10_000 + b"\r\n"
    writer.write(endless + chunk * 11)
    reply = await read_response(reader)
    with pytest.raises(ConnectionError):
        await asyncio.wait_for(send_for_ever(writer, chunk), GUARD)
    writer.close()
    reader, writer = await client.connect()
    writer.write(endless + chunk * 11)
    stopped = await read_response(reader)
    rest = await reader.read()
    writer.close()

    assert (reply.status, stopped.status, rest) == (413, 413, b"")


@pytest.mark.parametrize(
    ("request_", "status", "message"),
    [
        (
            b"GET /graphql?query=" + b"a" * 66_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n",
            414,
            "The URL is too long; at most 65,535 bytes are allowed.",
        ),
        (b"NONSENSE\r\n\r\n", 400, "Malformed HTTP request: Invalid method encountered"),
        (b"GET http://[ HTTP/1.1\r\nhost: x\r\n\r\n", 400, "Malformed HTTP request: Invalid URL"),
        (b"GET /graphql HTTP/1.1\r\n\r\n", 400, "HTTP/1.1 requires exactly one Host header; got 0."),
        (
            b"GET / HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n",
            400,
            "HTTP/1.1 requires exactly one Host header; got 2.",
        ),
        (
            b"CONNECT /graphql HTTP/1.1\r\nhost: x\r\n\r\n",
            501,
            "CONNECT is not supported. Use GET, HEAD, OPTIONS or POST.",
        ),
        (
            b"GET / HTTP/1.1\r\nhost: x\r\nhost: y\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n",
            400,
            "HTTP/1.1 requires exactly one Host header; got 2.",
        ),
    ],
    ids=["too long an address", "nonsense", "no address", "no host", "two hosts", "a tunnel", "an offer"],
)
async def test_what_is_no_request_is_refused_with_a_word_on_why(
    patient: Served, request_: bytes, status: int, message: str
) -> None:
    client = Client(patient.url)
    reader, writer = await client.connect()
    writer.write(request_)
    reply = await read_response(reader)
    writer.close()

    assert (reply.status, reply.headers["connection"]) == (status, "close")
    assert reply.json() == {"errors": [{"message": message, "extensions": {"code": "BAD_REQUEST"}}]}
    assert len(reply.headers["x-request-id"]) == 16


async def test_connections_have_a_limit(postgres: Postgres, tmp_path: Path) -> None:
    async with server(tmp_path, DATABASE_URL=postgres.server.dsn, MAX_CONNECTIONS="10") as served:
        client = Client(served.url)
        streams = [await client.connect() for _ in range(10)]
        reader, writer = await client.connect()
        refused = await read_response(reader)
        writer.close()
        streams.pop()[1].close()
        await until(lambda: len(open_ends(served.port)) == 9)
        admitted = await client.send(client.build_post(QUERY))
        for _, each in streams:
            each.close()
        client.close()

    assert (refused.status, refused.headers["retry-after"]) == (503, "1")
    assert refused.json()["errors"][0]["message"] == "10 connections are open (MAX_CONNECTIONS)."
    assert len(refused.headers["x-request-id"]) == 16
    assert admitted.status == 200


async def test_a_queue_of_requests_has_an_end(patient: Served) -> None:
    client = Client(patient.url)
    reader, writer = await client.connect()
    writer.write(client.build_post("{ books(first: 1) { totalCount } }") * 5_000)
    replies = [await read_response(reader) for _ in range(17)]
    rest = await reader.read()
    writer.close()

    assert {reply.status for reply in replies} == {200}
    assert [reply.headers.get("connection") for reply in replies] == [None] * 16 + ["close"]
    assert rest == b""


@pytest.mark.parametrize("ends", ["closed", "reset", "at one end"])
async def test_who_leaves_with_requests_in_a_queue_is_not_worth_a_word(
    postgres: Postgres, tmp_path: Path, ends: str
) -> None:
    async with server(tmp_path, DATABASE_URL=postgres.server.dsn) as served:
        client, writers = Client(served.url), list[asyncio.StreamWriter]()
        for behind in (
            client.build_post(QUERY),
            client.build_get("/livez"),
            client.build_post(QUERY)[:-5],
            b"nonsense",
        ):
            for _ in range(20):
                _, writer = await client.connect()
                writer.write(client.build_post(QUERY) + behind)
                await asyncio.sleep(0)
                if ends == "reset":
                    writer.transport.abort()
                elif ends == "closed":
                    writer.close()
                else:
                    writer.write_eof()
                writers.append(writer)
        await client.send(client.build_get("/livez"))  # on a connection that is accepted after all of them
        await until(lambda: len(open_ends(served.port)) == 1)
        for writer in writers:
            writer.close()
        answer = await client.send(client.build_post(QUERY))
        client.close()
        said = await asyncio.to_thread(served.stop)

    assert answer.status == 200
    assert said == ""


@pytest.mark.parametrize("trailer", [b"a", b"x: aaaaaaaaaa\r\n"], ids=["a name", "fields"])
async def test_what_comes_after_the_body_has_an_end_too(patient: Served, trailer: bytes) -> None:
    request = POST + b"transfer-encoding: chunked\r\n\r\n18\r\n" + b'{"query":"{__typename}"}' + b"\r\n0\r\n"
    client = Client(patient.url)
    reader, writer = await client.connect()
    writer.write(request)
    for _ in range(200):
        writer.write(trailer * 1_000)
        await writer.drain()
    refused = await read_response(reader)
    writer.close()
    allowed = await client.connect()
    allowed[1].write(request + b"x-checksum: 1\r\n\r\n" + client.build_get("/livez"))
    replies = [await read_response(allowed[0]) for _ in range(2)]
    allowed[1].close()

    assert refused.status == 431
    assert [reply.status for reply in replies] == [200, 200]


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket", b"TLS/1.0"])
@pytest.mark.parametrize("apart", [False, True])
async def test_who_offers_another_protocol_is_answered_in_this_one(
    patient: Served, protocol: bytes, apart: bool
) -> None:
    """As Java's HttpClient and `curl --http2` do with each first request."""
    client = Client(patient.url)
    head, _, body = client.build_post(QUERY).partition(b"\r\n\r\n")
    offer = b"\r\nconnection: Upgrade, HTTP2-Settings\r\nupgrade: %b\r\nhttp2-settings: AAMAAABk\r\n\r\n"
    reader, writer = await client.connect()
    writer.write(head + offer % protocol)
    if apart:
        await until(lambda: has_read_all(patient, writer))
    writer.write(body + client.build_get("/livez"))
    answer, live = await read_response(reader), await read_response(reader)
    writer.close()

    assert (answer.status, live.status) == (200, 200)
    assert answer.json()["data"]


async def test_an_offer_in_the_older_protocol_is_answered_as_that_is(patient: Served) -> None:
    client = Client(patient.url)
    reader, writer = await client.connect()
    writer.write(b"GET /livez HTTP/1.0\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n")
    reply, rest = await read_response(reader), await reader.read()
    writer.close()

    assert (reply.status, reply.headers["connection"], rest) == (200, "close", b"")


async def test_requests_sent_in_a_row_are_answered_in_their_order(patient: Served) -> None:
    client = Client(patient.url)
    reader, writer = await client.connect()
    for number in range(3):
        writer.write(client.build_post(f"{{ a{number}: __typename books(first: 1) {{ totalCount }} }}"))
    writer.write(client.build_get("/livez"))
    replies = [await read_response(reader) for _ in range(4)]
    writer.close()

    assert [next(iter(reply.json()["data"])) for reply in replies[:3]] == ["a0", "a1", "a2"]
    assert replies[3].json() == {"status": "alive"}
