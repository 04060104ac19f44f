"""A connection: what it answers, in which order, and how it ends."""

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
        reply = await connected.reply()

    [scope] = app.scopes
    extensions = scope.pop("extensions")
    admission = scope.pop("state")[ADMISSION_STATE]
    assert reply.body == b"/a bbody"
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


async def test_a_scope_names_the_addresses(server: Server, app: Application) -> None:
    async with server(app) as connect:
        connected = await connect(tcp=True)
        connected.send(get("/"))
        await connected.reply()
        address = connected.writer.get_extra_info("sockname")
        peer = connected.writer.get_extra_info("peername")

    assert (app.scopes[0]["server"], app.scopes[0]["client"]) == (peer, address)


async def test_pipelined_requests_are_answered_one_after_the_other(server: Server, app: Application) -> None:
    app.held = {"/0"}

    async with server(app) as connect:
        connected = await connect()
        connected.send(*[get(f"/{number}") for number in range(4)])
        await until(lambda: app.started)
        await asyncio.sleep(0)
        started = list(app.started)
        app.held.clear()
        replies = [await connected.reply() for _ in range(4)]

    assert started == ["/0"]
    assert [reply.body for reply in replies] == [b"/0", b"/1", b"/2", b"/3"]
    assert connected.state.total_requests == 4


async def test_a_connection_closes_after_the_pipelined_requests_that_it_takes(
    server: Server, app: Application
) -> None:
    async with server(app) as connect:
        connected = await connect()
        connected.send(b"".join(get(f"/{number}") for number in range(100)))
        replies = [await connected.reply() for _ in range(17)]
        rest = await connected.rest()

    assert [reply.body for reply in replies] == [b"/%d" % number for number in range(17)]
    assert [reply.headers.get("connection") for reply in replies] == [None] * 16 + ["close"]
    assert rest == b""


async def test_nothing_is_read_after_the_last_request(server: Server, app: Application) -> None:
    async with server(app) as connect:
        connected = await connect()
        connected.send(b"".join([get("/0"), get("/1", "connection: close"), get("/2"), b"nonsense"]))
        replies = [await connected.reply() for _ in range(2)]
        rest = await connected.rest()

    assert [reply.body for reply in replies] == [b"/0", b"/1"]
    assert [reply.headers.get("connection") for reply in replies] == [None, "close"]
    assert (rest, app.started) == (b"", ["/0", "/1"])


async def test_no_request_is_begun_while_the_client_has_not_taken_the_last_response(
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
        replies = [await connected.reply() for _ in range(2)]

    assert started == ["/0"]
    assert [len(reply.body) for reply in replies] == [10_000_002] * 2


# Bodies


async def test_an_expectation_is_answered_and_the_connection_stays(server: Server, app: Application) -> None:
    async with server(app) as connect:
        connected = await connect()
        connected.send(get("/0", "content-length: 3", EXPECT, method="POST"))
        interim = await connected.reader.readuntil(b"\r\n\r\n")
        connected.send(b"abc", get("/1"))
        replies = [await connected.reply() for _ in range(2)]

    assert interim == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert [(reply.body, reply.headers.get("connection")) for reply in replies] == [
        (b"/0abc", None),
        (b"/1", None),
    ]


async def test_an_expectation_waits_for_the_responses_before_it(server: Server, app: Application) -> None:
    app.held = {"/0"}

    async with server(app) as connect:
        connected = await connect()
        connected.send(get("/0") + get("/1", "content-length: 3", EXPECT, method="POST"))
        await until(lambda: app.started)
        app.held.clear()
        first = await connected.reply()
        interim = await connected.reader.readuntil(b"\r\n\r\n")
        connected.send(b"abc")
        second = await connected.reply()

    assert (first.body, interim, second.body) == (b"/0", b"HTTP/1.1 100 Continue\r\n\r\n", b"/1abc")


async def test_a_body_that_is_sent_unasked_makes_an_expectation_void(
    server: Server, app: Application
) -> None:
    app.held = {"/0"}

    async with server(app) as connect:
        connected = await connect()
        connected.send(get("/0") + get("/1", "content-length: 3", EXPECT, method="POST") + b"abc")
        await until(lambda: app.started)
        app.held.clear()
        replies = [await connected.reply() for _ in range(2)]
        connected.send(get("/2"))
        replies.append(await connected.reply())

    assert [reply.body for reply in replies] == [b"/0", b"/1abc", b"/2"]


LARGE = b" " * 2_000


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (get("/0", "content-length: 2000", method="POST"), LARGE),
        (get("/0", CHUNKED, method="POST"), b"7d0\r\n" + LARGE + b"\r\n0\r\n\r\n"),
        (get("/0", CHUNKED, method="POST"), b"1f4\r\n" + LARGE[:500] + b"\r\n" + b"5dc\r\n" + LARGE[:1500] + b"\r\n0\r\n\r\n"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("behind", [False, True])
async def test_a_body_that_is_too_large_is_refused_early_and_the_connection_stays(
    server: Server, app: Application, head: bytes, body: bytes, behind: bool
) -> None:
    app.held = {"/first"}

    async with server(app, max_body_bytes=1_000) as connect:
        connected = await connect()
        if behind:
            connected.send(get("/first"))
            await until(lambda: app.started)
        connected.send(head + body[:-3])
        if behind:
            await asyncio.sleep(0.01)
            app.held.clear()
            assert (await connected.reply()).body == b"/first"
        refusal = await connected.reply()
        connected.send(body[-3:] + get("/1"))
        reply = await connected.reply()

    assert (refusal.status, refusal.headers.get("connection")) == (413, None)
    assert (
        refusal.json()["errors"][0]["message"]
        == "The body is too large; at most 1,000 bytes are allowed (MAX_BODY_BYTES)."
    )
    assert reply.body == b"/1"
    assert "/0" not in app.started


@pytest.mark.parametrize("line", ["connection: close", EXPECT])
async def test_a_connection_whose_next_bytes_could_be_anything_closes(
    server: Server, app: Application, line: str
) -> None:
    async with server(app, max_body_bytes=1_000) as connect:
        connected = await connect()
        connected.send(get("/0", "content-length: 2000", line, method="POST"))
        reply = await connected.reply()
        connected.send(LARGE, get("/1"))
        rest = await connected.rest()

    assert (reply.status, reply.headers["connection"], rest, app.started) == (413, "close", b"", [])


async def test_a_head_request_is_refused_without_a_body(server: Server, app: Application) -> None:
    async with server(app, max_body_bytes=1_000) as connect:
        connected = await connect()
        connected.send(get("/", "content-length: 2000", "connection: close", method="HEAD"))
        response = await connected.rest()

    assert response.startswith(b"HTTP/1.1 413 ")
    assert response.endswith(b"\r\n\r\n")


# Errors


async def test_a_malformed_request_is_refused_and_the_connection_closes(
    server: Server, app: Application
) -> None:
    async with server(app) as connect:
        connected = await connect()
        connected.send(get("/0"))
        first = await connected.reply()
        connected.send(get("/1").replace(b"host: x\r\n", b"x-request-id: mine\r\n") + get("/2"))
        refusal, rest = await connected.reply(), await connected.rest()

    assert first.status == 200
    assert (refusal.status, refusal.headers["connection"], refusal.headers["x-request-id"]) == (
        400,
        "close",
        "mine",
    )
    assert (rest, app.started) == (b"", ["/0"])


async def test_behind_a_request_that_is_being_answered_there_is_no_place_for_an_error(
    server: Server, app: Application
) -> None:
    app.held = {"/0"}

    async with server(app) as connect:
        connected = await connect()
        connected.send(get("/0") + get("/1") + b"NONSENSE\r\n\r\n" + get("/2"))
        await until(lambda: app.started)
        app.held.clear()
        replies = [await connected.reply() for _ in range(2)]
        rest = await connected.rest()

    assert [(reply.body, reply.headers.get("connection")) for reply in replies] == [
        (b"/0", None),
        (b"/1", "close"),
    ]
    assert rest == b""


async def test_what_follows_an_early_refusal_gets_no_second_one(server: Server, app: Application) -> None:
    async with server(app, max_body_bytes=1_000) as connect:
        connected = await connect()
        connected.send(get("/", CHUNKED, method="POST") + b"7d0\r\n" + LARGE + b"\r\n")
        refusal = await connected.reply()
        connected.send(b"no size of a chunk\r\n")
        rest = await connected.rest()

    assert (refusal.status, rest) == (413, b"")


async def test_a_connection_too_many_is_refused(
    server: Server, app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lingering_close, "LINGERING_CLOSE_TIMEOUT", 3_600.0)

    async with server(app, max_connections=2) as connect:
        kept = [await connect() for _ in range(2)]
        refused = await connect()
        reply, rest = await refused.reply(), await refused.rest()
        await until(lambda: not refused.is_open)
        kept[0].send(get("/"))
        answered = await kept[0].reply()

    assert (reply.status, reply.headers["connection"], reply.headers["retry-after"]) == (503, "close", "1")
    assert reply.json()["errors"][0]["message"] == "2 connections are open (MAX_CONNECTIONS)."
    assert (rest, answered.status) == (b"", 200)


# Admission control


async def test_requests_run_wait_or_are_rejected_and_connections_stay(
    server: Server, app: Application
) -> None:
    app.held = {"/graphql"}

    async with server(app, max_concurrent_requests=1, max_queued_requests=1) as connect:
        running, waiting, rejected = [await connect() for _ in range(3)]
        for connected in (running, waiting, rejected):
            connected.send(post("/graphql", b"a"))
            await until(lambda each=connected: each.protocol._reader.request.path)
        refusal = await rejected.reply()
        started = list(app.started)
        app.held.clear()
        replies = [await connected.reply() for connected in (running, waiting)]
        rejected.send(post("/graphql", b"b"))
        later = await rejected.reply()

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
    assert [reply.body for reply in (*replies, later)] == [b"/graphqla", b"/graphqla", b"/graphqlb"]


async def test_a_rejected_connection_is_read_from_again_when_its_turn_comes(
    server: Server, app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backpressure, "RESUME_INTERVAL", 3_600.0)
    app.held = {"/graphql"}

    async with server(app, max_concurrent_requests=1, max_queued_requests=0) as connect:
        running, rejected = await connect(), await connect()
        running.send(get("/graphql"))
        await until(lambda: app.started)
        rejected.send(get("/graphql"))
        refusal = await rejected.reply()
        is_paused = rejected.protocol._read_paused
        rejected.send(get("/livez"))
        rejected.protocol._config.read_throttle._resume_batch(rejected.protocol._loop)
        reply = await rejected.reply()
        app.held.clear()
        await running.reply()

    assert (refusal.status, is_paused, reply.body) == (503, True, b"/livez")


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
async def test_admission_controls_requests_to_the_endpoint_alone(
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
        response = await other.rest()
        app.held.clear()
        await running.reply()

    assert int(response.split()[1]) == (503 if is_controlled else 200)
    assert len(app.started) == (1 if is_controlled else 2)


async def test_a_client_that_disconnects_leaves_the_queue(server: Server, app: Application) -> None:
    app.held = {"/graphql"}

    async with server(app, max_concurrent_requests=1, max_queued_requests=1) as connect:
        running, leaving, following = [await connect() for _ in range(3)]
        running.send(get("/graphql"))
        leaving.send(get("/graphql"))
        await until(lambda: leaving.protocol._cycle)
        leaving.writer.close()
        await until(lambda: not leaving.is_open)
        following.send(get("/graphql"))
        await until(lambda: following.protocol._cycle)
        app.held.clear()
        replies = [await running.reply(), await following.reply()]

    assert [reply.status for reply in replies] == [200, 200]
    assert len(app.started) == 2


async def test_a_client_that_disconnects_holds_its_place_until_the_application_has_ended(
    server: Server, app: Application
) -> None:
    app.held = {"/graphql"}

    async with server(app, max_concurrent_requests=1, max_queued_requests=0) as connect:
        leaving, other = await connect(), await connect()
        leaving.send(get("/graphql"))
        await until(lambda: app.started)
        leaving.writer.close()
        await until(lambda: not leaving.is_open)
        other.send(get("/graphql"))
        during = await other.reply()
        app.held.clear()
        await until(lambda: app.ended)
        other.send(get("/graphql"))
        after = await other.reply()

    assert (during.status, after.status) == (503, 200)


async def test_the_queue_is_short_under_sustained_load(server: Server, app: Application) -> None:
    app.held = {"/graphql"}

    async with server(app, max_concurrent_requests=1, max_queued_requests=8) as connect:
        connections = [await connect() for _ in range(3)]
        for connected in connections[:2]:
            connected.send(get("/graphql"))
            await until(lambda each=connected: each.protocol._cycle)
        admission = connections[0].protocol._config.admission
        admission.queued_since -= BURST_SECONDS + 1
        connections[2].send(get("/graphql"))
        reply = await connections[2].reply()
        app.held.clear()
        await connections[1].reply()

    assert reply.status == 503


async def test_a_rejected_request_with_an_expectation_need_not_send_its_body(
    server: Server, app: Application
) -> None:
    app.held = {"/graphql"}

    async with server(app, max_concurrent_requests=1, max_queued_requests=0) as connect:
        running, other = await connect(), await connect()
        running.send(get("/graphql"))
        await until(lambda: app.started)
        other.send(get("/graphql", "content-length: 3", EXPECT, method="POST"))
        reply, rest = await other.reply(), await other.rest()
        app.held.clear()
        await running.reply()

    assert (reply.status, reply.headers["connection"], rest) == (503, "close", b"")


async def test_a_pipeline_of_rejected_requests_is_answered_in_its_order(
    server: Server, app: Application
) -> None:
    app.held = {"/graphql"}

    async with server(app, max_concurrent_requests=1, max_queued_requests=0) as connect:
        running, other = await connect(), await connect()
        running.send(get("/graphql"))
        await until(lambda: app.started)
        ids = [f"id-{number}" for number in range(100)]
        other.send(b"".join(get("/graphql", f"x-request-id: {each}") for each in ids) + get("/livez"))
        replies = [await other.reply() for _ in range(101)]
        app.held.clear()
        await running.reply()

    assert [(reply.status, reply.headers.get("x-request-id")) for reply in replies] == [
        *((503, each) for each in ids),
        (200, None),
    ]


# Time-outs


@pytest.mark.parametrize(
    "beginning", [b"", b"POST /gra", get("/", "content-length: 9", method="POST"), post("/", b"12345")[:-1]]
)
async def test_a_request_that_does_not_arrive_is_timed_out(
    server: Server, app: Application, beginning: bytes
) -> None:
    async with server(app, client_timeout=3.5) as connect:
        connected = await connect()
        connected.send(beginning)
        await until(lambda: connected.protocol._reader.is_reading or not beginning)
        connected.let_time_pass(3.0)
        was_open = not connected.protocol._lingering
        connected.let_time_pass(3.6)
        reply, rest = await connected.reply(), await connected.rest()

    assert was_open
    assert (reply.status, reply.headers["connection"], rest) == (408, "close", b"")
    assert (
        reply.json()["errors"][0]["message"]
        == "The request did not arrive within 3.5 seconds (CLIENT_TIMEOUT)."
    )
    assert app.started == []


async def test_a_request_that_does_not_arrive_behind_another_is_dropped(
    server: Server, app: Application
) -> None:
    app.held = {"/0"}

    async with server(app) as connect:
        connected = await connect()
        connected.send(get("/0") + b"GET /1")
        await until(lambda: app.started)
        connected.let_time_pass()
        app.held.clear()
        reply, rest = await connected.reply(), await connected.rest()

    assert (reply.body, reply.headers["connection"], rest) == (b"/0", "close", b"")


async def test_each_request_has_its_own_time(server: Server, app: Application) -> None:
    async with server(app) as connect:
        connected = await connect()
        connected.send(get("/0")[:-2])
        await until(lambda: connected.protocol._reader.is_reading)
        connected.protocol._timeouts.read_started_at = 0.0
        connected.send(get("/0")[-2:] + get("/1")[:-2])
        await connected.reply()
        connected.let_time_pass(0)
        connected.send(get("/1")[-2:])
        reply = await connected.reply()

    assert reply.body == b"/1"


async def test_a_body_that_is_refused_and_never_ends_is_cut_off(server: Server, app: Application) -> None:
    async with server(app, max_body_bytes=1_000) as connect:
        connected = await connect()
        connected.send(get("/", "content-length: 2000", method="POST") + LARGE[1:])
        await connected.reply()
        connected.let_time_pass()
        lingers = connected.protocol._lingering is not None
        await until(lambda: not connected.is_open)

    assert not lingers


async def test_a_client_that_does_not_take_the_response_is_cut_off(server: Server, app: Application) -> None:
    app.size = 10_000_000

    async with server(app, client_timeout=10, keep_alive_timeout=1) as connect:
        connected = await connect()
        connected.send(get("/"))
        await until(lambda: app.ended)
        connected.let_time_pass(0)
        connected.let_time_pass(5)
        was_open = connected.is_open and not connected.protocol._lingering
        connected.let_time_pass(11)
        await until(lambda: not connected.is_open)

    assert was_open


async def test_an_idle_connection_is_closed_after_its_time(server: Server, app: Application) -> None:
    async with server(app, keep_alive_timeout=60) as connect:
        connected = await connect()
        connected.send(get("/0"))
        await connected.reply()
        connected.let_time_pass(59)
        connected.send(get("/1"))
        await connected.reply()
        connected.let_time_pass(61)
        rest = await connected.rest()

    assert (rest, app.started) == (b"", ["/0", "/1"])


async def test_a_connection_is_not_idle_while_its_request_runs(server: Server, app: Application) -> None:
    app.held = {"/0"}

    async with server(app) as connect:
        connected = await connect()
        connected.send(get("/0"))
        await until(lambda: app.started)
        connected.let_time_pass()
        app.held.clear()
        reply = await connected.reply()

    assert (reply.status, reply.headers.get("connection")) == (200, None)


async def test_a_request_that_has_arrived_unread_keeps_an_idle_connection_open(
    server: Server, app: Application
) -> None:
    """The event loop reads it later than it checks the time-outs: closing then would reset the connection."""
    async with server(app) as connect:
        connected = await connect()
        connected.send(get("/0"))
        await connected.reply()
        connected.client.send(get("/1"))
        connected.let_time_pass()
        reply = await connected.reply()

    assert (reply.body, reply.headers.get("connection")) == (b"/1", None)


async def test_a_request_that_crosses_the_close_of_an_idle_connection_is_not_reset(
    server: Server, app: Application
) -> None:
    """The client sees that the connection was closed in order, and that its request was not answered."""
    async with server(app) as connect:
        connected = await connect(tcp=True)
        connected.send(get("/0"))
        await connected.reply()
        connected.let_time_pass()
        await until(lambda: connected.protocol._lingering)
        for _ in range(3):
            connected.client.sendall(post("/1", b"a"))
            await asyncio.sleep(0)
        rest = await connected.rest()
        connected.client.sendall(post("/1", b"a"))
        still_open = connected.is_open

    assert (rest, still_open, app.started) == (b"", True, ["/0"])


# Closing


async def test_what_a_client_still_sends_after_the_last_response_is_discarded(
    server: Server, app: Application
) -> None:
    async with server(app) as connect:
        connected = await connect()
        connected.send(get("/0", "connection: close"))
        response = await connected.rest()
        connected.let_time_pass(LINGERING_CLOSE_TIMEOUT - 1)
        was_open = connected.is_open
        for _ in range(100):
            connected.send(b"x" * 100_000)
            await connected.writer.drain()
        connected.let_time_pass(LINGERING_CLOSE_TIMEOUT + 1)
        await until(lambda: not connected.is_open)

    assert response.endswith(b"/0")
    assert was_open
    assert app.started == ["/0"]


async def test_a_client_that_closes_its_end_has_disconnected(server: Server, app: Application) -> None:
    app.held = {"/0"}

    async with server(app) as connect:
        connected = await connect()
        connected.send(get("/0"))
        await until(lambda: app.started)
        connected.writer.write_eof()
        rest = await connected.rest()
        app.held.clear()

    assert rest == b""


async def test_a_request_that_comes_to_a_draining_connection_is_answered(
    server: Server, app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "IDLE_DRAIN_SECONDS", 3_600.0)

    async with server(app) as connect:
        connected = await connect()
        connected.send(get("/0"))
        await connected.reply()
        connected.protocol.shutdown()
        connected.send(get("/1"))
        reply, rest = await connected.reply(), await connected.rest()

    assert (reply.body, reply.headers["connection"], rest) == (b"/1", "close", b"")


async def test_a_draining_connection_without_a_request_closes(
    server: Server, app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "IDLE_DRAIN_SECONDS", 0.0)

    async with server(app) as connect:
        used, unused = await connect(), await connect()
        used.send(get("/0"))
        await used.reply()
        for connected in (used, unused):
            connected.protocol.shutdown()
        rests = [await used.rest(), await unused.rest()]

    assert rests == [b"", b""]


@pytest.mark.parametrize("drain_seconds", [0.0, 3_600.0])
async def test_a_response_that_has_begun_without_a_notice_is_followed_by_a_drain(
    server: Server, monkeypatch: pytest.MonkeyPatch, drain_seconds: float
) -> None:
    """The client was not told that the connection closes: its next request may be on its way."""
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
            reply = await connected.reply()
            assert (reply.body, reply.headers["connection"]) == (b"ab", "close")
        rest = await connected.rest()

    assert (b"connection" in head, end, rest) == (False, b"b", b"")


async def test_a_request_that_is_arriving_is_drained_too(
    server: Server, app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "IDLE_DRAIN_SECONDS", 0.0)

    async with server(app) as connect:
        connected, unsent = await connect(), await connect()
        connected.send(post("/0", b"abc")[:-1])
        await until(lambda: connected.protocol._reader.is_reading)
        connected.protocol.shutdown()
        unsent.protocol.shutdown()
        nothing = await unsent.rest()
        connected.send(b"c")
        reply, rest = await connected.reply(), await connected.rest()

    assert (reply.body, reply.headers["connection"], rest) == (b"/0abc", "close", b"")
    assert nothing == b""


async def test_pipelined_requests_are_drained_in_their_order(server: Server, app: Application) -> None:
    app.held = {"/0"}

    async with server(app) as connect:
        connected = await connect()
        connected.send(get("/0") + get("/1") + get("/2"))
        await until(lambda: app.started)
        connected.protocol.shutdown()
        app.held.clear()
        replies = [await connected.reply() for _ in range(3)]
        rest = await connected.rest()

    assert [(reply.body, reply.headers.get("connection")) for reply in replies] == [
        (b"/0", None),
        (b"/1", None),
        (b"/2", "close"),
    ]
    assert rest == b""
