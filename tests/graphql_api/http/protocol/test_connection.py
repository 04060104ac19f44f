"""A connection: its responses, their order, and how it is closed."""

import asyncio

import pytest
from starlette.types import Receive, Scope, Send

from graphql_api.http import backpressure
from graphql_api.http.admission import ADMISSION_STATE, BURST_SECONDS, Admission
from graphql_api.http.protocol import connection, lingering_close
from graphql_api.http.protocol.lingering_close import LINGERING_CLOSE_TIMEOUT
from tests.graphql_api.http.protocol.conftest import Application, Server, get, post
from tests.waiting import until

CHUNKED = "transfer-encoding: chunked"
EXPECT = "expect: 100-continue"


@pytest.fixture
def app() -> Application:
    return Application()


async def test_a_request_becomes_a_scope(server: Server, app: Application) -> None:
    async with server(app) as connect:
        connected = await connect()
        before = asyncio.get_running_loop().time()
        connected.send(post("/a%20b?c=d", b"body", "X-Id: 1"))
        response = await connected.read_response()

    [scope] = app.scopes
    extensions = scope.pop("extensions")
    admission = scope.pop("state")[ADMISSION_STATE]
    assert response.body == b"/a bbody"
    assert scope == {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "server": None,
        "client": None,
        "scheme": "http",
        "method": "POST",
        "root_path": "",
        "path": "/a b",
        "raw_path": b"/a%20b",
        "query_string": b"c=d",
        "headers": [(b"host", b"x"), (b"content-length", b"4"), (b"x-id", b"1")],
    }
    assert isinstance(admission, Admission)
    assert extensions["bookstore.received_at"] >= before
    assert connected.state.total_requests == 1


async def test_a_scope_has_the_addresses_of_server_and_client(server: Server, app: Application) -> None:
    async with server(app) as connect:
        connected = await connect(tcp=True)
        connected.send(get("/"))
        await connected.read_response()
        address = connected.writer.get_extra_info("sockname")
        peer = connected.writer.get_extra_info("peername")

    assert (app.scopes[0]["server"], app.scopes[0]["client"]) == (peer, address)


async def test_pipelined_requests_run_one_after_the_other(server: Server, app: Application) -> None:
    app.held = {"/0"}

    async with server(app) as connect:
        connected = await connect()
        connected.send(*[get(f"/{number}") for number in range(4)])
        await until(lambda: app.started)
        await asyncio.sleep(0)
        started = list(app.started)
        app.held.clear()
        responses = [await connected.read_response() for _ in range(4)]

    assert started == ["/0"]
    assert [response.body for response in responses] == [b"/0", b"/1", b"/2", b"/3"]
    assert connected.state.total_requests == 4


async def test_a_connection_closes_after_the_maximum_of_pipelined_requests(
    server: Server, app: Application
) -> None:
    async with server(app) as connect:
        connected = await connect()
        connected.send(b"".join(get(f"/{number}") for number in range(100)))
        responses = [await connected.read_response() for _ in range(17)]
        rest = await connected.read_rest()

    assert [response.body for response in responses] == [b"/%d" % number for number in range(17)]
    assert [response.headers.get("connection") for response in responses] == [None] * 16 + ["close"]
    assert rest == b""


async def test_nothing_is_read_after_the_last_request(server: Server, app: Application) -> None:
    async with server(app) as connect:
        connected = await connect()
        connected.send(b"".join([get("/0"), get("/1", "connection: close"), get("/2"), b"nonsense"]))
        responses = [await connected.read_response() for _ in range(2)]
        rest = await connected.read_rest()

    assert [response.body for response in responses] == [b"/0", b"/1"]
    assert [response.headers.get("connection") for response in responses] == [None, "close"]
    assert (rest, app.started) == (b"", ["/0", "/1"])


async def test_a_pipelined_request_starts_once_the_client_has_read_the_response_before_it(
    server: Server, app: Application
) -> None:
    app.size = 10_000_000

    async with server(app) as connect:
        connected = await connect()
        connected.send(get("/0") + get("/1"))
        await until(lambda: app.ended)
        for _ in range(10):
            await asyncio.sleep(0)
        started = list(app.started)
        responses = [await connected.read_response() for _ in range(2)]

    assert started == ["/0"]
    assert [len(response.body) for response in responses] == [10_000_002] * 2


# Bodies


async def test_expect_100_continue_is_answered_and_the_connection_stays_open(
    server: Server, app: Application
) -> None:
    async with server(app) as connect:
        connected = await connect()
        connected.send(get("/0", "content-length: 3", EXPECT, method="POST"))
        interim = await connected.reader.readuntil(b"\r\n\r\n")
        connected.send(b"abc", get("/1"))
        responses = [await connected.read_response() for _ in range(2)]

    assert interim == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert [(response.body, response.headers.get("connection")) for response in responses] == [
        (b"/0abc", None),
        (b"/1", None),
    ]


async def test_100_continue_is_sent_after_the_responses_before_it(server: Server, app: Application) -> None:
    app.held = {"/0"}

    async with server(app) as connect:
        connected = await connect()
        connected.send(get("/0") + get("/1", "content-length: 3", EXPECT, method="POST"))
        await until(lambda: app.started)
        app.held.clear()
        first = await connected.read_response()
        interim = await connected.reader.readuntil(b"\r\n\r\n")
        connected.send(b"abc")
        second = await connected.read_response()

    assert (first.body, interim, second.body) == (b"/0", b"HTTP/1.1 100 Continue\r\n\r\n", b"/1abc")


async def test_100_continue_is_not_sent_if_the_body_has_already_arrived(
    server: Server, app: Application
) -> None:
    app.held = {"/0"}

    async with server(app) as connect:
        connected = await connect()
        connected.send(get("/0") + get("/1", "content-length: 3", EXPECT, method="POST") + b"abc")
        await until(lambda: app.started)
        app.held.clear()
        responses = [await connected.read_response() for _ in range(2)]
        connected.send(get("/2"))
        responses.append(await connected.read_response())

    assert [response.body for response in responses] == [b"/0", b"/1abc", b"/2"]


LARGE = b" " * 2_000


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (get("/0", "content-length: 2000", method="POST"), LARGE),
        (get("/0", CHUNKED, method="POST"), b"7d0\r\n" + LARGE + b"\r\n0\r\n\r\n"),
        (get("/0", CHUNKED, method="POST"), b"1f4\r\n" + LARGE[:500] + b"\r\n" + b"5dc\r\n" + LARGE[:1500] + b"\r\n0\r\n\r\n"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("pipelined", [False, True])
async def test_a_body_above_the_limit_is_rejected_early_and_the_connection_stays_open(
    server: Server, app: Application, head: bytes, body: bytes, pipelined: bool
) -> None:
    app.held = {"/first"}

    async with server(app, max_body_bytes=1_000) as connect:
        connected = await connect()
        if pipelined:
            connected.send(get("/first"))
            await until(lambda: app.started)
        connected.send(head + body[:-3])
        if pipelined:
            await until(lambda: connected.protocol._reader.request.error)
            app.held.clear()
            assert (await connected.read_response()).body == b"/first"
        refusal = await connected.read_response()
        connected.send(body[-3:] + get("/1"))
        response = await connected.read_response()

    assert (refusal.status, refusal.headers.get("connection")) == (413, None)
    assert (
        refusal.json()["errors"][0]["message"]
        == "The body is too large; at most 1,000 bytes are allowed (MAX_BODY_BYTES)."
    )
    assert response.body == b"/1"
    assert "/0" not in app.started


@pytest.mark.parametrize("line", ["connection: close", EXPECT])
async def test_a_rejected_body_closes_the_connection_if_the_client_may_not_send_it(
    server: Server, app: Application, line: str
) -> None:
    async with server(app, max_body_bytes=1_000) as connect:
        connected = await connect()
        connected.send(get("/0", "content-length: 2000", line, method="POST"))
        response = await connected.read_response()
        connected.send(LARGE, get("/1"))
        rest = await connected.read_rest()

    assert (response.status, response.headers["connection"], rest, app.started) == (413, "close", b"", [])


async def test_an_idle_connection_holds_no_body(server: Server, app: Application) -> None:
    async with server(app, max_body_bytes=1_000, max_upload_bytes=5_000) as connect:
        connected = await connect()
        connected.send(post("/", LARGE, "authorization: any"))
        response = await connected.read_response()
        uploads = connected.protocol._config.uploads
        await until(lambda: not connected.state.tasks)
        held = len(uploads._requests)

    assert (response.status, response.body, held) == (200, b"/" + LARGE, 0)
    assert connected.protocol._reader._body == []


async def test_the_rejection_of_a_head_request_has_no_body(server: Server, app: Application) -> None:
    async with server(app, max_body_bytes=1_000) as connect:
        connected = await connect()
        connected.send(get("/", "content-length: 2000", "connection: close", method="HEAD"))
        response = await connected.read_rest()

    assert response.startswith(b"HTTP/1.1 413 ")
    assert response.endswith(b"\r\n\r\n")


# Errors


async def test_a_malformed_request_is_rejected_and_the_connection_closes(
    server: Server, app: Application
) -> None:
    async with server(app) as connect:
        connected = await connect()
        connected.send(get("/0"))
        first = await connected.read_response()
        connected.send(get("/1").replace(b"host: x\r\n", b"x-request-id: mine\r\n") + get("/2"))
        refusal, rest = await connected.read_response(), await connected.read_rest()

    assert first.status == 200
    assert (refusal.status, refusal.headers["connection"], refusal.headers["x-request-id"]) == (
        400,
        "close",
        "mine",
    )
    assert (rest, app.started) == (b"", ["/0"])


async def test_a_malformed_request_behind_a_running_one_closes_the_connection_without_an_error(
    server: Server, app: Application
) -> None:
    app.held = {"/0"}

    async with server(app) as connect:
        connected = await connect()
        connected.send(get("/0") + get("/1") + b"NONSENSE\r\n\r\n" + get("/2"))
        await until(lambda: app.started)
        app.held.clear()
        responses = [await connected.read_response() for _ in range(2)]
        rest = await connected.read_rest()

    assert [(response.body, response.headers.get("connection")) for response in responses] == [
        (b"/0", None),
        (b"/1", "close"),
    ]
    assert rest == b""


async def test_an_error_in_an_already_rejected_body_gets_no_second_response(
    server: Server, app: Application
) -> None:
    async with server(app, max_body_bytes=1_000) as connect:
        connected = await connect()
        connected.send(get("/", CHUNKED, method="POST") + b"7d0\r\n" + LARGE + b"\r\n")
        refusal = await connected.read_response()
        connected.send(b"no size of a chunk\r\n")
        rest = await connected.read_rest()

    assert (refusal.status, rest) == (413, b"")


async def test_a_connection_above_the_limit_is_rejected(
    server: Server, app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lingering_close, "LINGERING_CLOSE_TIMEOUT", 3_600.0)

    async with server(app, max_connections=2) as connect:
        kept = [await connect() for _ in range(2)]
        refused = await connect()
        response, rest = await refused.read_response(), await refused.read_rest()
        await until(lambda: not refused.is_open)
        kept[0].send(get("/"))
        later = await kept[0].read_response()

    assert (response.status, response.headers["connection"], response.headers["retry-after"]) == (
        503,
        "close",
        "1",
    )
    assert response.json()["errors"][0]["message"] == "2 connections are open (MAX_CONNECTIONS)."
    assert (rest, later.status) == (b"", 200)


# Admission control


async def test_requests_run_wait_or_are_rejected_and_connections_stay_open(
    server: Server, app: Application
) -> None:
    app.held = {"/graphql"}

    async with server(app, max_concurrent_requests=1, max_queued_requests=1) as connect:
        running, waiting, rejected = [await connect() for _ in range(3)]
        for connected in (running, waiting):
            connected.send(post("/graphql", b"a"))
            await until(lambda each=connected: each.protocol._cycle)
        rejected.send(post("/graphql", b"a"))
        refusal = await rejected.read_response()
        started = list(app.started)
        app.held.clear()
        responses = [await connected.read_response() for connected in (running, waiting)]
        rejected.send(post("/graphql", b"b"))
        later = await rejected.read_response()

    assert (started, app.started) == (["/graphql"], ["/graphql"] * 3)
    assert (refusal.status, refusal.headers["retry-after"], refusal.headers.get("connection")) == (
        503,
        "1",
        None,
    )
    assert refusal.json()["errors"][0]["message"] == (
        "The server is overloaded: 1 requests are running (MAX_CONCURRENT_REQUESTS) and the queue is full (MAX_QUEUED_REQUESTS). "
        "Retry later."
    )
    assert [response.body for response in (*responses, later)] == [b"/graphqla", b"/graphqla", b"/graphqlb"]


async def test_reading_of_a_rejected_connection_resumes_with_its_batch(
    server: Server, app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backpressure, "RESUME_INTERVAL", 3_600.0)
    app.held = {"/graphql"}

    async with server(app, max_concurrent_requests=1, max_queued_requests=0) as connect:
        running, rejected = await connect(), await connect()
        running.send(get("/graphql"))
        await until(lambda: app.started)
        rejected.send(get("/graphql"))
        refusal = await rejected.read_response()
        is_paused = rejected.protocol._read_paused
        rejected.send(get("/livez"))
        rejected.protocol._config.read_throttle._resume_batch(rejected.protocol._loop)
        response = await rejected.read_response()
        app.held.clear()
        await running.read_response()

    assert (refusal.status, is_paused, response.body) == (503, True, b"/livez")


@pytest.mark.parametrize(
    ("method", "target", "is_controlled"),
    [
        ("GET", "/graphql?query={a}", True),
        ("HEAD", "/graphql/", True),
        ("GET", "/%67raphql", True),
        ("GET", "http://x/graphql", True),
        ("OPTIONS", "/graphql", False),
        ("GET", "/graphql/assets/x.js", False),
        ("GET", "/graphqlx", False),
        ("GET", "/livez", False),
    ],
)
async def test_admission_control_applies_only_to_the_endpoint(
    server: Server, app: Application, method: str, target: str, is_controlled: bool
) -> None:
    app.held = {"/graphql"}

    async with server(app, max_concurrent_requests=1, max_queued_requests=0) as connect:
        running, other = await connect(), await connect()
        running.send(get("/graphql"))
        await until(lambda: app.started)
        if not is_controlled:
            app.held.clear()
        other.send(get(target, "connection: close", method=method))
        response = await other.read_rest()
        app.held.clear()
        await running.read_response()

    assert int(response.split()[1]) == (503 if is_controlled else 200)
    assert len(app.started) == (1 if is_controlled else 2)


async def test_a_disconnect_removes_a_waiting_request_from_the_queue(
    server: Server, app: Application
) -> None:
    app.held = {"/graphql"}

    async with server(app, max_concurrent_requests=1, max_queued_requests=1) as connect:
        running, disconnecting, following = [await connect() for _ in range(3)]
        running.send(get("/graphql"))
        disconnecting.send(get("/graphql"))
        await until(lambda: disconnecting.protocol._cycle)
        disconnecting.writer.close()
        await until(lambda: not disconnecting.is_open)
        following.send(get("/graphql"))
        await until(lambda: following.protocol._cycle)
        app.held.clear()
        responses = [await running.read_response(), await following.read_response()]

    assert [response.status for response in responses] == [200, 200]
    assert len(app.started) == 2


async def test_a_request_counts_as_running_after_a_disconnect_until_the_application_ends(
    server: Server, app: Application
) -> None:
    app.held = {"/graphql"}

    async with server(app, max_concurrent_requests=1, max_queued_requests=0) as connect:
        disconnecting, other = await connect(), await connect()
        disconnecting.send(get("/graphql"))
        await until(lambda: app.started)
        disconnecting.writer.close()
        await until(lambda: not disconnecting.is_open)
        other.send(get("/graphql"))
        during = await other.read_response()
        app.held.clear()
        await until(lambda: app.ended)
        other.send(get("/graphql"))
        after = await other.read_response()

    assert (during.status, after.status) == (503, 200)


async def test_the_queue_limit_is_lower_under_sustained_load(server: Server, app: Application) -> None:
    app.held = {"/graphql"}

    async with server(app, max_concurrent_requests=1, max_queued_requests=8) as connect:
        connections = [await connect() for _ in range(3)]
        for connected in connections[:2]:
            connected.send(get("/graphql"))
            await until(lambda each=connected: each.protocol._cycle)
        admission = connections[0].protocol._config.admission
        admission.queued_since -= BURST_SECONDS + 1
        connections[2].send(get("/graphql"))
        response = await connections[2].read_response()
        app.held.clear()
        await connections[1].read_response()

    assert response.status == 503


async def test_a_rejected_request_with_expect_100_continue_closes_the_connection(
    server: Server, app: Application
) -> None:
    app.held = {"/graphql"}

    async with server(app, max_concurrent_requests=1, max_queued_requests=0) as connect:
        running, other = await connect(), await connect()
        running.send(get("/graphql"))
        await until(lambda: app.started)
        other.send(get("/graphql", "content-length: 3", EXPECT, method="POST"))
        response, rest = await other.read_response(), await other.read_rest()
        app.held.clear()
        await running.read_response()

    assert (response.status, response.headers["connection"], rest) == (503, "close", b"")


async def test_pipelined_rejected_requests_are_answered_in_order(server: Server, app: Application) -> None:
    app.held = {"/graphql"}

    async with server(app, max_concurrent_requests=1, max_queued_requests=0) as connect:
        running, other = await connect(), await connect()
        running.send(get("/graphql"))
        await until(lambda: app.started)
        ids = [f"id-{number}" for number in range(100)]
        other.send(b"".join(get("/graphql", f"x-request-id: {each}") for each in ids) + get("/livez"))
        responses = [await other.read_response() for _ in range(101)]
        app.held.clear()
        await running.read_response()

    assert [(response.status, response.headers.get("x-request-id")) for response in responses] == [
        *((503, each) for each in ids),
        (200, None),
    ]


# Timeouts


@pytest.mark.parametrize(
    "beginning", [b"", b"POST /gra", get("/", "content-length: 9", method="POST"), post("/", b"12345")[:-1]]
)
async def test_an_incomplete_request_times_out(server: Server, app: Application, beginning: bytes) -> None:
    async with server(app, client_timeout=3.5) as connect:
        connected = await connect()
        connected.send(beginning)
        await until(lambda: connected.protocol._reader.is_reading or not beginning)
        connected.advance_time(3.0)
        was_open = not connected.protocol._lingering
        connected.advance_time(3.6)
        response, rest = await connected.read_response(), await connected.read_rest()

    assert was_open
    assert (response.status, response.headers["connection"], rest) == (408, "close", b"")
    assert (
        response.json()["errors"][0]["message"]
        == "The request did not arrive within 3.5 seconds (CLIENT_TIMEOUT)."
    )
    assert app.started == []


async def test_an_incomplete_request_behind_a_running_one_is_dropped_at_its_timeout(
    server: Server, app: Application
) -> None:
    app.held = {"/0"}

    async with server(app) as connect:
        connected = await connect()
        connected.send(get("/0") + b"GET /1")
        await until(lambda: app.started)
        connected.advance_time()
        app.held.clear()
        response, rest = await connected.read_response(), await connected.read_rest()

    assert (response.body, response.headers["connection"], rest) == (b"/0", "close", b"")


async def test_the_read_timeout_restarts_with_each_request(server: Server, app: Application) -> None:
    async with server(app) as connect:
        connected = await connect()
        connected.send(get("/0")[:-2])
        await until(lambda: connected.protocol._reader.is_reading)
        connected.protocol._timeouts.read_started_at = 0.0
        connected.send(get("/0")[-2:] + get("/1")[:-2])
        await connected.read_response()
        connected.advance_time(0)
        connected.send(get("/1")[-2:])
        response = await connected.read_response()

    assert response.body == b"/1"


async def test_a_rejected_body_that_does_not_end_is_disconnected_at_the_timeout(
    server: Server, app: Application
) -> None:
    async with server(app, max_body_bytes=1_000) as connect:
        connected = await connect()
        connected.send(get("/", "content-length: 2000", method="POST") + LARGE[1:])
        await connected.read_response()
        connected.advance_time()
        lingers = connected.protocol._lingering is not None
        await until(lambda: not connected.is_open)

    assert not lingers


async def test_a_client_that_does_not_read_the_response_is_disconnected_at_the_timeout(
    server: Server, app: Application
) -> None:
    app.size = 10_000_000

    async with server(app, client_timeout=10, keep_alive_timeout=1) as connect:
        connected = await connect()
        connected.send(get("/"))
        await until(lambda: app.ended)
        connected.advance_time(0)
        connected.advance_time(5)
        was_open = connected.is_open and not connected.protocol._lingering
        connected.advance_time(11)
        await until(lambda: not connected.is_open)

    assert was_open


async def test_an_idle_connection_is_closed_after_the_keep_alive_timeout(
    server: Server, app: Application
) -> None:
    async with server(app, keep_alive_timeout=60) as connect:
        connected = await connect()
        connected.send(get("/0"))
        await connected.read_response()
        connected.advance_time(59)
        connected.send(get("/1"))
        await connected.read_response()
        connected.advance_time(61)
        rest = await connected.read_rest()

    assert (rest, app.started) == (b"", ["/0", "/1"])


async def test_a_connection_is_not_idle_while_its_request_runs(server: Server, app: Application) -> None:
    app.held = {"/0"}

    async with server(app) as connect:
        connected = await connect()
        connected.send(get("/0"))
        await until(lambda: app.started)
        connected.advance_time()
        app.held.clear()
        response = await connected.read_response()

    assert (response.status, response.headers.get("connection")) == (200, None)


async def test_an_idle_connection_with_an_unread_request_stays_open(server: Server, app: Application) -> None:
    """The timeouts are checked before the event loop reads the request: closing then would reset the connection."""
    async with server(app) as connect:
        connected = await connect()
        connected.send(get("/0"))
        await connected.read_response()
        connected.client.send(get("/1"))
        connected.advance_time()
        response = await connected.read_response()

    assert (response.body, response.headers.get("connection")) == (b"/1", None)


async def test_a_request_sent_while_an_idle_connection_closes_causes_no_reset(
    server: Server, app: Application
) -> None:
    """The client sees an orderly close without a response, and can retry."""
    async with server(app) as connect:
        connected = await connect(tcp=True)
        connected.send(get("/0"))
        await connected.read_response()
        connected.advance_time()
        await until(lambda: connected.protocol._lingering)
        for _ in range(3):
            connected.client.sendall(post("/1", b"a"))
            await asyncio.sleep(0)
        rest = await connected.read_rest()
        connected.client.sendall(post("/1", b"a"))
        still_open = connected.is_open

    assert (rest, still_open, app.started) == (b"", True, ["/0"])


# Closing


async def test_bytes_after_the_last_response_are_discarded(server: Server, app: Application) -> None:
    async with server(app) as connect:
        connected = await connect()
        connected.send(get("/0", "connection: close"))
        response = await connected.read_rest()
        connected.advance_time(LINGERING_CLOSE_TIMEOUT - 1)
        was_open = connected.is_open
        for _ in range(100):
            connected.send(b"x" * 100_000)
            await connected.writer.drain()
        connected.advance_time(LINGERING_CLOSE_TIMEOUT + 1)
        await until(lambda: not connected.is_open)

    assert response.endswith(b"/0")
    assert was_open
    assert app.started == ["/0"]


async def test_a_half_close_counts_as_a_disconnect(server: Server, app: Application) -> None:
    app.held = {"/0"}

    async with server(app) as connect:
        connected = await connect()
        connected.send(get("/0"))
        await until(lambda: app.started)
        connected.writer.write_eof()
        rest = await connected.read_rest()
        app.held.clear()

    assert rest == b""


async def test_a_request_on_a_draining_connection_is_answered(
    server: Server, app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "IDLE_DRAIN_SECONDS", 3_600.0)

    async with server(app) as connect:
        connected = await connect()
        connected.send(get("/0"))
        await connected.read_response()
        connected.protocol.shutdown()
        connected.send(get("/1"))
        response, rest = await connected.read_response(), await connected.read_rest()

    assert (response.body, response.headers["connection"], rest) == (b"/1", "close", b"")


async def test_an_idle_draining_connection_closes(
    server: Server, app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "IDLE_DRAIN_SECONDS", 0.0)

    async with server(app) as connect:
        used, unused = await connect(), await connect()
        used.send(get("/0"))
        await used.read_response()
        for connected in (used, unused):
            connected.protocol.shutdown()
        rests = [await used.read_rest(), await unused.read_rest()]

    assert rests == [b"", b""]


@pytest.mark.parametrize("drain_seconds", [0.0, 3_600.0])
async def test_a_connection_drains_after_a_response_without_connection_close(
    server: Server, monkeypatch: pytest.MonkeyPatch, drain_seconds: float
) -> None:
    """Without the header, the client may already have sent its next request."""
    monkeypatch.setattr(connection, "IDLE_DRAIN_SECONDS", drain_seconds)
    may_end = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        await may_end.wait()
        await send({"type": "http.response.body", "body": b"b"})

    async with server(app) as connect:
        connected = await connect()
        connected.send(get("/0"))
        head = await connected.reader.readuntil(b"a")
        connected.protocol.shutdown()
        may_end.set()
        end = await connected.reader.readexactly(1)
        if drain_seconds:
            connected.send(get("/1"))
            response = await connected.read_response()
            assert (response.body, response.headers["connection"]) == (b"ab", "close")
        rest = await connected.read_rest()

    assert (b"connection" in head, end, rest) == (False, b"b", b"")


async def test_a_partly_received_request_is_drained(
    server: Server, app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "IDLE_DRAIN_SECONDS", 0.0)

    async with server(app) as connect:
        connected, unsent = await connect(), await connect()
        connected.send(post("/0", b"abc")[:-1])
        await until(lambda: connected.protocol._reader.is_reading)
        connected.protocol.shutdown()
        unsent.protocol.shutdown()
        nothing = await unsent.read_rest()
        connected.send(b"c")
        response, rest = await connected.read_response(), await connected.read_rest()

    assert (response.body, response.headers["connection"], rest) == (b"/0abc", "close", b"")
    assert nothing == b""


async def test_pipelined_requests_are_drained_in_order(server: Server, app: Application) -> None:
    app.held = {"/0"}

    async with server(app) as connect:
        connected = await connect()
        connected.send(get("/0") + get("/1") + get("/2"))
        await until(lambda: app.started)
        connected.protocol.shutdown()
        app.held.clear()
        responses = [await connected.read_response() for _ in range(3)]
        rest = await connected.read_rest()

    assert [(response.body, response.headers.get("connection")) for response in responses] == [
        (b"/0", None),
        (b"/1", None),
        (b"/2", "close"),
    ]
    assert rest == b""
