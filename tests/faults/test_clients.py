"""Clients that disconnect, send or read slowly, or overload the server do not harm other clients."""

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

from tests.faults.locks import has_active_statements, lock_books
from tests.faults.postgres import Postgres
from tests.faults.read_load import QUERY, ReadLoad
from tests.faults.sockets import server_sockets_by_client_port
from tests.http_client import Client, read_response, responds_with
from tests.serving import BookstoreProcess, run_server_in_thread
from tests.waiting import GUARD, until

POST = b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"


@pytest.fixture(scope="module")
async def one_request_server(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[BookstoreProcess]:
    """A server that admits one request at a time."""
    settings = {
        "MAX_CONCURRENT_REQUESTS": "1",
        "MAX_QUEUED_REQUESTS": "0",
        "KEEP_ALIVE_TIMEOUT": "60",
        "CORS_ORIGINS": "https://shop.example",
    }
    folder = tmp_path_factory.mktemp("one_request_server")
    async with run_server_in_thread(folder, DATABASE_URL=postgres.server.dsn, **settings) as server:
        yield server


@pytest.fixture(scope="module")
async def eight_request_server(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[BookstoreProcess]:
    """A server that admits eight requests, of which five run."""
    settings = {"MAX_CONCURRENT_REQUESTS": "5", "MAX_QUEUED_REQUESTS": "3"}
    folder = tmp_path_factory.mktemp("eight_request_server")
    async with run_server_in_thread(folder, DATABASE_URL=postgres.server.dsn, **settings) as server:
        yield server


@pytest.fixture(scope="module")
async def short_timeout_server(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[BookstoreProcess]:
    """A server with a CLIENT_TIMEOUT of 1.5 seconds."""
    folder = tmp_path_factory.mktemp("short_timeout_server")
    async with run_server_in_thread(folder, DATABASE_URL=postgres.server.dsn, CLIENT_TIMEOUT="1.5") as server:
        yield server


async def read_request_gauge(client: Client, state: str) -> int:
    """Return the number of requests in this state. The server must have METRICS set."""
    text = (await client.send(client.build_get("/metrics"))).body.decode()
    return int(text.partition(f'bookstore_requests{{state="{state}"}} ')[2].split()[0])


async def has_requests(client: Client, state: str, count: int) -> bool:
    """Return whether the server has exactly `count` requests in this state."""
    return await read_request_gauge(client, state) == count


def local_port(writer: asyncio.StreamWriter) -> int:
    return writer.get_extra_info("sockname")[1]


def has_read_all(server: BookstoreProcess, writer: asyncio.StreamWriter) -> bool:
    """Return whether the server has accepted the connection and read all that was sent."""
    server_socket = server_sockets_by_client_port(server.port).get(local_port(writer))
    return server_socket is not None and not server_socket.unread


async def test_disconnects_cancel_the_statements_of_their_requests(
    postgres: Postgres, tmp_path: Path
) -> None:
    settings = {"MAX_CONCURRENT_REQUESTS": "300", "POOL_SIZE": "15", "METRICS": "true"}

    async with run_server_in_thread(tmp_path, DATABASE_URL=postgres.server.dsn, **settings) as server:
        client = Client(server.url)
        async with lock_books(postgres.server.dsn) as observer:
            streams = [await client.connect() for _ in range(200)]
            for _, writer in streams:
                writer.write(client.build_post(QUERY))
            await until(lambda: has_requests(client, "running", 200))
            await until(lambda: has_active_statements(observer, 15))
            for _, writer in streams:
                writer.close()
            await until(lambda: has_active_statements(observer, 0))
            await until(lambda: has_requests(client, "running", 0))
        response = await client.send(client.build_post(QUERY))
        client.close()

    assert response.status == 200


async def test_a_request_deadline_cancels_the_statement(postgres: Postgres, tmp_path: Path) -> None:
    async with run_server_in_thread(
        tmp_path, DATABASE_URL=postgres.server.dsn, REQUEST_TIMEOUT="1"
    ) as server:
        client = Client(server.url)
        async with lock_books(postgres.server.dsn) as observer:
            response = await client.send(client.build_post(QUERY))
            await until(lambda: has_active_statements(observer, 0))
        client.close()

    assert (response.status, response.headers["retry-after"]) == (503, "1")
    assert response.json()["errors"] == [
        {
            "message": "The request took longer than 1 seconds (REQUEST_TIMEOUT).",
            "extensions": {"code": "TIMEOUT"},
        }
    ]


async def test_a_statement_above_the_command_timeout_is_cancelled(postgres: Postgres, tmp_path: Path) -> None:
    async with run_server_in_thread(
        tmp_path, DATABASE_URL=postgres.server.dsn, COMMAND_TIMEOUT="1"
    ) as server:
        client = Client(server.url)
        await until(lambda: responds_with(client, "/readyz", 200))
        async with lock_books(postgres.server.dsn) as observer:
            response = await client.send(client.build_post(QUERY))
            await until(lambda: has_active_statements(observer, 0))
        client.close()

    assert response.status == 503
    assert response.json()["errors"] == [
        {
            "message": "The catalog is temporarily unavailable: retry later.",
            "extensions": {"code": "TIMEOUT"},
        }
    ]


async def test_a_request_that_waits_too_long_for_a_connection_gets_a_503(
    postgres: Postgres, tmp_path: Path
) -> None:
    settings = {"POOL_SIZE": "1", "POOL_TIMEOUT": "0.3"}

    async with run_server_in_thread(tmp_path, DATABASE_URL=postgres.server.dsn, **settings) as server:
        client = Client(server.url)
        await until(lambda: responds_with(client, "/readyz", 200))
        async with lock_books(postgres.server.dsn) as observer:
            first = asyncio.create_task(client.send(client.build_post(QUERY)))
            await until(lambda: has_active_statements(observer, 1))
            second = await client.send(client.build_post(QUERY))
            health = [await client.send(client.build_get(path)) for path in ("/livez", "/readyz")]
            refused = await client.send(client.build_post("{ nothing }"))
        first_response = await first
        client.close()

    assert (second.status, second.headers["retry-after"]) == (503, "1")
    assert second.json()["errors"][0]["extensions"]["code"] == "SERVICE_UNAVAILABLE"
    assert [response.status for response in health] == [200, 200]
    assert refused.json()["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert first_response.status == 200


async def test_requests_are_rejected_while_admitted_ones_wait_for_the_database(
    eight_request_server: BookstoreProcess, postgres: Postgres
) -> None:
    client = Client(eight_request_server.url)
    async with lock_books(postgres.server.dsn):
        requests = [asyncio.create_task(client.send(client.build_post(QUERY))) for _ in range(58)]
        await until(lambda: sum(task.done() for task in requests) >= 50)
        live = await client.send(client.build_get("/livez"))
        refused = [task.result() for task in requests if task.done()]
        admitted = [task for task in requests if not task.done()]
    responses = await asyncio.gather(*admitted)
    client.close()

    assert {(response.status, response.headers["retry-after"]) for response in refused} == {(503, "1")}
    assert len({response.headers["x-request-id"] for response in refused}) == 50
    assert (
        refused[0].json()["errors"][0]["message"]
        == "The server is overloaded: 5 requests are running (MAX_CONCURRENT_REQUESTS) and the queue is full (MAX_QUEUED_REQUESTS). "
        "Retry later."
    )
    assert live.status == 200
    assert [response.status for response in responses] == [200] * 8


async def test_a_rejection_is_a_complete_response(
    one_request_server: BookstoreProcess, postgres: Postgres
) -> None:
    """It has the request id, and no body for HEAD. The connection is reused, except after Expect: 100-continue."""
    expects = b"POST /graphql HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n"
    heads = b"HEAD /graphql?query=%7Ba%7D HTTP/1.1\r\nhost: x\r\nx-request-id: mine\r\n\r\n"

    client = Client(one_request_server.url)
    async with lock_books(postgres.server.dsn) as observer:
        admitted = asyncio.create_task(client.send(client.build_post(QUERY)))
        await until(lambda: has_active_statements(observer, 1))
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


async def test_rejections_have_cors_headers_for_allowed_origins(
    one_request_server: BookstoreProcess, postgres: Postgres
) -> None:
    template = b"%b /graphql HTTP/1.1\r\nhost: x\r\norigin: %b\r\naccess-control-request-method: POST\r\n\r\n"

    client = Client(one_request_server.url)
    async with lock_books(postgres.server.dsn) as observer:
        admitted = asyncio.create_task(client.send(client.build_post(QUERY)))
        await until(lambda: has_active_statements(observer, 1))
        ours = await client.send(template % (b"GET", b"https://shop.example"))
        stranger = await client.send(template % (b"GET", b"https://evil.example"))
        preflight = await client.send(template % (b"OPTIONS", b"https://shop.example"))
    await admitted
    client.close()

    assert (ours.status, stranger.status, preflight.status) == (503, 503, 200)
    assert ours.headers["access-control-allow-origin"] == "https://shop.example"
    assert ours.headers["access-control-expose-headers"] == "x-request-id, retry-after, consistency-token"
    assert (ours.headers["vary"], stranger.headers["vary"]) == ("origin", "origin")
    assert "access-control-allow-origin" not in stranger.headers
    assert preflight.headers["access-control-allow-origin"] == "https://shop.example"


async def test_simultaneous_requests_are_admitted_up_to_the_limits(
    eight_request_server: BookstoreProcess, postgres: Postgres
) -> None:
    """The protocol rejects the others itself, without the application, and always as application/json."""
    client = Client(eight_request_server.url)
    request = client.build_post(QUERY).replace(
        b"\r\n", b"\r\naccept: application/graphql-response+json\r\n", 1
    )
    async with lock_books(postgres.server.dsn):
        streams = [await client.connect() for _ in range(50)]
        await until(lambda: len(server_sockets_by_client_port(eight_request_server.port)) == 50)
        eight_request_server.process.send_signal(signal.SIGSTOP)
        for _, writer in streams:
            writer.write(request)
        await until(
            lambda: (
                {
                    server_socket.unread
                    for server_socket in server_sockets_by_client_port(eight_request_server.port).values()
                }
                == {len(request)}
            )
        )
        eight_request_server.process.send_signal(signal.SIGCONT)
        replying = [asyncio.create_task(read_response(reader)) for reader, _ in streams]
        await until(lambda: sum(task.done() for task in replying) >= 42)
        refused = [task.result() for task in replying if task.done()]
    responses = await asyncio.gather(*replying)
    for _, writer in streams:
        writer.close()

    counts = Counter((response.status, response.headers["content-type"]) for response in responses)
    assert counts == {
        (200, "application/graphql-response+json; charset=utf-8"): 8,
        (503, "application/json; charset=utf-8"): 42,
    }
    assert {response.json()["errors"][0]["extensions"]["code"] for response in refused} == {
        "SERVICE_UNAVAILABLE"
    }


async def test_each_request_of_a_rejected_connection_gets_a_503(
    one_request_server: BookstoreProcess, postgres: Postgres
) -> None:
    """Rejected connections are read in batches. One that disconnects before its batch causes no error."""
    client = Client(one_request_server.url)
    async with lock_books(postgres.server.dsn) as observer:
        admitted = asyncio.create_task(client.send(client.build_post(QUERY)))
        await until(lambda: has_active_statements(observer, 1))
        streams = [await client.connect() for _ in range(150)]
        statuses: list[int] = []
        for _ in range(3):
            for _, writer in streams:
                writer.write(client.build_post(QUERY))
            statuses += [(await read_response(reader)).status for reader, _ in streams]
        disconnecting = [await client.connect() for _ in range(150)]
        for reader, writer in disconnecting:
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
    output = one_request_server.output()

    assert statuses == [503] * 450
    assert after == [200] * 150
    assert "Traceback" not in output


async def test_a_disconnect_frees_a_place_in_the_queue(postgres: Postgres, tmp_path: Path) -> None:
    settings = {"MAX_CONCURRENT_REQUESTS": "1", "MAX_QUEUED_REQUESTS": "1", "METRICS": "true"}

    async with run_server_in_thread(tmp_path, DATABASE_URL=postgres.server.dsn, **settings) as server:
        client = Client(server.url)
        async with lock_books(postgres.server.dsn):
            first = asyncio.create_task(client.send(client.build_post(QUERY)))
            await until(lambda: has_requests(client, "running", 1))
            _, writer = await client.connect()
            writer.write(client.build_post(QUERY))
            await until(lambda: has_requests(client, "waiting", 1))
            refused = await client.send(client.build_post("{ __typename }"))
            writer.close()
            await until(lambda: has_requests(client, "waiting", 0))
            third = asyncio.create_task(client.send(client.build_post("{ __typename }")))
            await until(lambda: has_requests(client, "waiting", 1))
            running = await read_request_gauge(client, "running")
        responses = [await first, await third, await client.send(client.build_post(QUERY))]
        client.close()

    assert refused.status == 503
    assert running == 1
    assert [response.status for response in responses] == [200, 200, 200]
    assert responses[1].json() == {"data": {"__typename": "Query"}}


async def test_slow_senders_time_out_and_no_other_request_fails(
    short_timeout_server: BookstoreProcess,
) -> None:
    head = b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 50\r\n"
    beginnings = [b"", b"POST /gra", head, head + b"\r\n", head + b'\r\n{"query'] * 20

    client = Client(short_timeout_server.url)
    streams = [await client.connect() for _ in beginnings]
    for (_, writer), beginning in zip(streams, beginnings, strict=True):
        writer.write(beginning)
    async with ReadLoad(short_timeout_server.url, max_in_flight=20) as read_load:
        responses = await asyncio.gather(*(read_response(reader) for reader, _ in streams))
    for _, writer in streams:
        writer.close()
    client.close()

    assert {(response.status, response.json()["errors"][0]["message"]) for response in responses} == {
        (408, "The request did not arrive within 1.5 seconds (CLIENT_TIMEOUT).")
    }
    assert len({response.headers["x-request-id"] for response in responses}) == len(beginnings)
    assert read_load.count_outcomes().keys() == {"200"}


async def test_a_client_that_sends_byte_by_byte_times_out(short_timeout_server: BookstoreProcess) -> None:
    client = Client(short_timeout_server.url)
    reader, writer = await client.connect()
    writer.write(b"POST /graphql HTTP/1.1\r\nhost: x\r\nx: ")
    reading = asyncio.create_task(read_response(reader))

    def send_byte() -> bool:
        writer.write(b"y")
        return reading.done()

    await until(send_byte)
    writer.close()

    assert (await reading).status == 408


async def test_a_client_that_does_not_read_the_response_is_disconnected(
    short_timeout_server: BookstoreProcess, postgres: Postgres
) -> None:
    loop = asyncio.get_running_loop()
    client = Client(short_timeout_server.url)
    connection = await asyncpg.connect(postgres.server.dsn)
    await connection.execute("UPDATE book SET description = repeat('x', 100000)")
    request = client.build_post("{ books(first: 30) { nodes { description } } }")
    response = await client.send(request)
    with socket() as narrow:
        narrow.setsockopt(SOL_SOCKET, SO_RCVBUF, 4_096)
        narrow.setblocking(False)
        await loop.sock_connect(narrow, client.address)
        narrow.send(request)
        port = narrow.getsockname()[1]
        await until(lambda: port in server_sockets_by_client_port(short_timeout_server.port))
        await until(lambda: port not in server_sockets_by_client_port(short_timeout_server.port))
        taken = 0
        with suppress(ConnectionResetError):
            while part := await asyncio.wait_for(loop.sock_recv(narrow, 65_536), GUARD):
                taken += len(part)
    await connection.execute("UPDATE book SET description = NULL")
    await connection.close()
    client.close()

    assert len(response.body) > 3_000_000
    assert 0 < taken < len(response.body)


async def test_a_request_head_above_the_limit_is_rejected(patient_server: BookstoreProcess) -> None:
    client = Client(patient_server.url)
    reader, writer = await client.connect()
    writer.write(b"GET /graphql HTTP/1.1\r\nhost: x\r\n" + b"x-filler: y\r\n" * 400_000)
    await writer.drain()
    response = await read_response(reader)
    writer.close()

    assert response.status == 431


@pytest.mark.parametrize("connection_header", ["keep-alive", "close"])
@pytest.mark.parametrize("sent", ["a length", "no length"])
async def test_a_client_that_sends_a_whole_body_above_the_limit_gets_a_413(
    patient_server: BookstoreProcess, sent: str, connection_header: str
) -> None:
    """Most clients read no response before they have sent the whole body."""
    parts = urlsplit(patient_server.url)
    body = b" " * 20_000_000

    def post() -> tuple[int, bytes, int]:
        connection = HTTPConnection(parts.hostname or "", parts.port)
        content = iter([body]) if sent == "no length" else body
        headers = {"content-type": "application/json", "connection": connection_header}
        connection.request("POST", parts.path, content, headers)
        response = connection.getresponse()
        refusal = response.read()
        connection.request("GET", "/livez")
        afterwards = connection.getresponse().status
        connection.close()
        return response.status, refusal, afterwards

    status, refusal, afterwards = await asyncio.to_thread(post)

    assert (status, afterwards) == (413, 200)
    assert b"The body is too large; at most 100,000 bytes are allowed (MAX_BODY_BYTES)." in refusal


async def test_a_body_above_the_limit_is_rejected_instead_of_100_continue(
    patient_server: BookstoreProcess,
) -> None:
    client = Client(patient_server.url)
    reader, writer = await client.connect()
    writer.write(POST + b"expect: 100-continue\r\ncontent-length: 20000000\r\n\r\n")
    response = await read_response(reader)
    rest = await reader.read()
    writer.close()

    assert (response.status, response.headers["connection"], rest) == (413, "close", b"")


async def send_repeatedly(writer: asyncio.StreamWriter, chunk: bytes) -> None:
    while True:
        writer.write(chunk)
        await writer.drain()
        await asyncio.sleep(0.005)


async def test_a_client_that_keeps_sending_after_a_rejection_is_disconnected(
    short_timeout_server: BookstoreProcess,
) -> None:
    endless = POST + b"transfer-encoding: chunked\r\n\r\n"

    client = Client(short_timeout_server.url)
    reader, writer = await client.connect()
    chunk = b"2710\r\n" + b" " * 10_000 + b"\r\n"
    writer.write(endless + chunk * 11)
    response = await read_response(reader)
    with pytest.raises(ConnectionError):
        await asyncio.wait_for(send_repeatedly(writer, chunk), GUARD)
    writer.close()
    reader, writer = await client.connect()
    writer.write(endless + chunk * 11)
    stopped = await read_response(reader)
    rest = await reader.read()
    writer.close()

    assert (response.status, stopped.status, rest) == (413, 413, b"")


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
    ids=["long URL", "nonsense", "invalid URL", "no host", "two hosts", "tunnel", "upgrade"],
)
async def test_a_malformed_request_is_rejected_with_the_reason(
    patient_server: BookstoreProcess, request_: bytes, status: int, message: str
) -> None:
    client = Client(patient_server.url)
    reader, writer = await client.connect()
    writer.write(request_)
    response = await read_response(reader)
    writer.close()

    assert (response.status, response.headers["connection"]) == (status, "close")
    assert response.json() == {"errors": [{"message": message, "extensions": {"code": "BAD_REQUEST"}}]}
    assert len(response.headers["x-request-id"]) == 16


async def test_a_connection_above_the_limit_is_rejected(postgres: Postgres, tmp_path: Path) -> None:
    async with run_server_in_thread(
        tmp_path, DATABASE_URL=postgres.server.dsn, MAX_CONNECTIONS="10"
    ) as server:
        client = Client(server.url)
        streams = [await client.connect() for _ in range(10)]
        reader, writer = await client.connect()
        refused = await read_response(reader)
        writer.close()
        streams.pop()[1].close()
        await until(lambda: len(server_sockets_by_client_port(server.port)) == 9)
        admitted = await client.send(client.build_post(QUERY))
        for _, each in streams:
            each.close()
        client.close()

    assert (refused.status, refused.headers["retry-after"]) == (503, "1")
    assert refused.json()["errors"][0]["message"] == "10 connections are open (MAX_CONNECTIONS)."
    assert len(refused.headers["x-request-id"]) == 16
    assert admitted.status == 200


async def test_pipelined_requests_above_the_limit_are_dropped(patient_server: BookstoreProcess) -> None:
    client = Client(patient_server.url)
    reader, writer = await client.connect()
    writer.write(client.build_post("{ books(first: 1) { totalCount } }") * 5_000)
    responses = [await read_response(reader) for _ in range(17)]
    rest = await reader.read()
    writer.close()

    assert {response.status for response in responses} == {200}
    assert [response.headers.get("connection") for response in responses] == [None] * 16 + ["close"]
    assert rest == b""


@pytest.mark.parametrize("end", ["close", "reset", "half-close"])
async def test_a_disconnect_with_pipelined_requests_is_not_logged(
    postgres: Postgres, tmp_path: Path, end: str
) -> None:
    async with run_server_in_thread(tmp_path, DATABASE_URL=postgres.server.dsn) as server:
        client, writers = Client(server.url), list[asyncio.StreamWriter]()
        for pipelined in (
            client.build_post(QUERY),
            client.build_get("/livez"),
            client.build_post(QUERY)[:-5],
            b"nonsense",
        ):
            for _ in range(20):
                _, writer = await client.connect()
                writer.write(client.build_post(QUERY) + pipelined)
                await asyncio.sleep(0)
                if end == "reset":
                    writer.transport.abort()
                elif end == "close":
                    writer.close()
                else:
                    writer.write_eof()
                writers.append(writer)
        await client.send(client.build_get("/livez"))  # on a connection that is accepted after all of them
        await until(lambda: len(server_sockets_by_client_port(server.port)) == 1)
        for writer in writers:
            writer.close()
        response = await client.send(client.build_post(QUERY))
        client.close()
        output = await asyncio.to_thread(server.stop)

    assert response.status == 200
    assert output == ""


@pytest.mark.parametrize("trailer", [b"a", b"x: aaaaaaaaaa\r\n"], ids=["one endless name", "endless fields"])
async def test_trailers_above_the_limit_are_rejected(
    patient_server: BookstoreProcess, trailer: bytes
) -> None:
    request = POST + b"transfer-encoding: chunked\r\n\r\n18\r\n" + b'{"query":"{__typename}"}' + b"\r\n0\r\n"
    client = Client(patient_server.url)
    reader, writer = await client.connect()
    writer.write(request)
    for _ in range(200):
        writer.write(trailer * 1_000)
        await writer.drain()
    refused = await read_response(reader)
    writer.close()
    allowed = await client.connect()
    allowed[1].write(request + b"x-checksum: 1\r\n\r\n" + client.build_get("/livez"))
    responses = [await read_response(allowed[0]) for _ in range(2)]
    allowed[1].close()

    assert refused.status == 431
    assert [response.status for response in responses] == [200, 200]


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket", b"TLS/1.0"])
@pytest.mark.parametrize("body_later", [False, True])
async def test_an_upgrade_to_another_protocol_is_ignored(
    patient_server: BookstoreProcess, protocol: bytes, body_later: bool
) -> None:
    """Java's HttpClient and `curl --http2` offer an upgrade in each first request."""
    client = Client(patient_server.url)
    head, _, body = client.build_post(QUERY).partition(b"\r\n\r\n")
    upgrade = b"\r\nconnection: Upgrade, HTTP2-Settings\r\nupgrade: %b\r\nhttp2-settings: AAMAAABk\r\n\r\n"
    reader, writer = await client.connect()
    writer.write(head + upgrade % protocol)
    if body_later:
        await until(lambda: has_read_all(patient_server, writer))
    writer.write(body + client.build_get("/livez"))
    response, live = await read_response(reader), await read_response(reader)
    writer.close()

    assert (response.status, live.status) == (200, 200)
    assert response.json()["data"]


async def test_an_upgrade_in_http_1_0_is_ignored(patient_server: BookstoreProcess) -> None:
    client = Client(patient_server.url)
    reader, writer = await client.connect()
    writer.write(b"GET /livez HTTP/1.0\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n")
    response, rest = await read_response(reader), await reader.read()
    writer.close()

    assert (response.status, response.headers["connection"], rest) == (200, "close", b"")


async def test_pipelined_requests_are_answered_in_order(patient_server: BookstoreProcess) -> None:
    client = Client(patient_server.url)
    reader, writer = await client.connect()
    for number in range(3):
        writer.write(client.build_post(f"{{ a{number}: __typename books(first: 1) {{ totalCount }} }}"))
    writer.write(client.build_get("/livez"))
    responses = [await read_response(reader) for _ in range(4)]
    writer.close()

    assert [next(iter(response.json()["data"])) for response in responses[:3]] == ["a0", "a1", "a2"]
    assert responses[3].json() == {"status": "alive"}
