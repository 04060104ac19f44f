"""Request cycles: messages of the application as bytes to the client, errors and disconnects."""

import asyncio
import logging
from typing import Any

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.graphql_api.http.protocol.conftest import Server, get, post
from tests.waiting import until

START: Message = {"type": "http.response.start", "status": 200, "headers": []}
BODY: Message = {"type": "http.response.body", "body": b"abc"}


def body_part(body: bytes, *, more: bool = True) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}


def start(*headers: tuple[bytes, bytes], status: int = 200) -> Message:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def build_app(*messages: Message) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    return app


async def send_and_read(server: Server, app: ASGIApp, request: bytes) -> bytes:
    """Send a request, and return all bytes until the server closes the connection."""
    async with server(app) as connect:
        connected = await connect()
        connected.send(request)
        return await connected.read_rest()


CLOSE = "connection: close"
LENGTH = (b"content-length", b"3")


@pytest.mark.parametrize(
    ("request_", "messages", "response"),
    [
        (get("/", CLOSE), [start(LENGTH), BODY], b"content-length: 3\r\nconnection: close\r\n\r\nabc"),
        (
            get("/", CLOSE),
            [start(LENGTH), body_part(b"a"), body_part(b"bc"), body_part(b"", more=False)],
            b"content-length: 3\r\nconnection: close\r\n\r\nabc",
        ),
        (
            get("/", CLOSE),
            [START, body_part(b"ab"), body_part(b""), body_part(b"c" * 16, more=False)],
            b"transfer-encoding: chunked\r\nconnection: close\r\n\r\n"
            b"2\r\nab\r\n10\r\ncccccccccccccccc\r\n0\r\n\r\n",
        ),
        (
            get("/", CLOSE),
            [START, body_part(b"", more=False)],
            b"transfer-encoding: chunked\r\nconnection: close\r\n\r\n0\r\n\r\n",
        ),
        (
            get("/", version="1.0"),
            [START, body_part(b"ab"), body_part(b"c", more=False)],
            b"connection: close\r\n\r\nabc",
        ),
        (get("/", CLOSE, method="HEAD"), [START, BODY], b"connection: close\r\n\r\n"),
        (
            get("/", CLOSE, method="HEAD"),
            [start(LENGTH), BODY],
            b"content-length: 3\r\nconnection: close\r\n\r\n",
        ),
    ],
)
async def test_a_body_is_delimited_by_its_length_by_chunks_or_by_the_close(
    server: Server, request_: bytes, messages: list[Message], response: bytes
) -> None:
    assert await send_and_read(server, build_app(*messages), request_) == b"HTTP/1.1 200 OK\r\n" + response


@pytest.mark.parametrize("status", [204, 304])
async def test_some_statuses_have_no_body(server: Server, status: int) -> None:
    app = build_app(start(status=status), body_part(b"", more=False))

    response = await send_and_read(server, app, get("/", CLOSE))

    assert response.partition(b"\r\n")[2] == b"connection: close\r\n\r\n"


INTERNAL = b'{"errors":[{"message":"Internal server error.","extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}'


@pytest.mark.parametrize(
    ("messages", "error"),
    [
        ([], "RuntimeError: The application returned without a complete response."),
        ([START], "RuntimeError: The application returned without a complete response."),
        ([BODY], "RuntimeError: The application sent http.response.body out of order."),
        ([START, START], "RuntimeError: The application sent http.response.start out of order."),
        ([{"type": "http.nonsense"}], "RuntimeError: The application sent http.nonsense out of order."),
        ([start((b"location", b"/\r\nx: y"))], "ValueError: A response header contains a line break"),
        ([start(LENGTH), body_part(b"abcd")], "RuntimeError: The response's body is not as long"),
        ([start(LENGTH), body_part(b"ab", more=False)], "RuntimeError: The response's body is not as long"),
    ],
)
async def test_an_application_that_fails_before_its_response_gets_a_500(
    server: Server, caplog: pytest.LogCaptureFixture, messages: list[Message], error: str
) -> None:
    async with server(build_app(*messages)) as connect:
        connected = await connect()
        connected.send(get("/", "x-request-id: the-one") * 2)
        response, rest = await connected.read_response(), await connected.read_rest()

    assert (response.status, response.body, rest) == (500, INTERNAL, b"")
    assert (response.headers["connection"], response.headers["x-request-id"]) == ("close", "the-one")
    [record] = caplog.records
    assert (record.levelno, record.name) == (logging.ERROR, "bookstore.protocol")
    assert error in caplog.text


@pytest.mark.parametrize(
    "messages",
    [
        [start(LENGTH), body_part(b"a")],
        [START, body_part(b"a"), START],
        [start(LENGTH), body_part(b"a"), body_part(b"bcd")],
        [start(LENGTH), body_part(b"a"), body_part(b"b", more=False)],
    ],
)
async def test_a_response_whose_application_fails_midway_is_aborted(
    server: Server, caplog: pytest.LogCaptureFixture, messages: list[Message]
) -> None:
    async with server(build_app(*messages)) as connect:
        connected = await connect()
        connected.send(get("/") * 2)
        response = await connected.read_rest()

    assert response.partition(b"\r\n\r\n")[2] in (b"a", b"1\r\na\r\n")
    assert "RuntimeError" in caplog.text


async def test_messages_after_the_response_are_an_error_of_the_application(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    async with server(build_app(start(LENGTH), BODY, BODY)) as connect:
        connected = await connect()
        connected.send(get("/"))
        first = await connected.read_response()
        await until(lambda: caplog.records)
        connected.send(get("/"))
        second = await connected.read_response()

    assert (first.body, second.body) == (b"abc", b"abc")
    assert "The application sent http.response.body out of order." in caplog.text


async def test_an_application_cancelled_by_the_server_gets_a_503(server: Server) -> None:
    """uvicorn cancels applications when DRAIN_TIMEOUT has passed."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.Event().wait()

    async with server(app) as connect:
        connected = await connect()
        connected.send(get("/"))
        [task] = await until(lambda: list(connected.state.tasks))
        await asyncio.sleep(0)
        task.cancel()
        response, rest = await connected.read_response(), await connected.read_rest()

    assert (response.status, response.headers["retry-after"], rest) == (503, "1", b"")
    assert response.json()["errors"][0]["message"] == "The server is shutting down."


async def test_an_application_receives_the_body_and_then_a_disconnect(server: Server) -> None:
    received: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        received.append(await receive())
        waiting = asyncio.ensure_future(receive())
        await asyncio.sleep(0)
        received.append({"is waiting": not waiting.done()})
        await send(start(LENGTH))
        await send(BODY)
        received.extend([await waiting, await receive()])

    async with server(app) as connect:
        connected = await connect()
        connected.send(post("/", b"0123456789"))
        await connected.read_response()

    assert received == [
        {"type": "http.request", "body": b"0123456789", "more_body": False},
        {"is waiting": True},
        {"type": "http.disconnect"},
        {"type": "http.disconnect"},
    ]


async def test_an_application_receives_a_disconnect_of_the_client(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    received: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        received.append(await receive())
        received.append(scope["extensions"]["bookstore.is_disconnected"]())
        await send(start(LENGTH))
        await send(BODY)

    async with server(app) as connect:
        connected = await connect()
        connected.send(get("/"))
        await until(lambda: connected.state.tasks)
        connected.writer.close()
        await until(lambda: not connected.state.tasks)

    assert received == [{"type": "http.disconnect"}, True]
    assert caplog.records == []


async def test_sending_waits_for_a_client_that_reads_slowly(server: Server) -> None:
    sent = 0

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal sent
        await send(start((b"content-length", b"10000000")))
        for number in range(100):
            await send(body_part(b"x" * 100_000, more=number < 99))
            sent += 1

    async with server(app) as connect:
        connected = await connect()
        connected.send(get("/"))
        await until(lambda: connected.protocol.write_paused)
        while_paused = sent
        response = await connected.read_response()

    assert while_paused < 100
    assert (len(response.body), sent) == (10_000_000, 100)
