"""Reading requests, without a connection."""

from dataclasses import dataclass, field

import pytest
from httptools import HttpParserCallbackError

from graphql_api.http.protocol.parsing import MAX_HEADER_BYTES, RequestReader
from graphql_api.http.protocol.requests import Request
from graphql_api.http.responses import HttpError

MAX_BODY_BYTES = 100
POST = b"POST /graphql?a=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
CHUNKED = b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
OFFER = b"GET /%d HTTP/1.1\r\nhost: x\r\nconnection: keep-alive, Upgrade\r\nupgrade: h2c\r\n\r\n"


@dataclass
class Reading:
    """A reader, and what it has reported."""

    max_body_bytes: int = MAX_BODY_BYTES
    heads: list[Request] = field(default_factory=list[Request])
    requests: list[Request] = field(default_factory=list[Request])

    def __post_init__(self) -> None:
        self.reader = RequestReader(self.max_body_bytes, self.heads.append, self.requests.append)

    def feed(self, *parts: bytes) -> list[Request]:
        for part in parts:
            self.reader.feed(part)
        return self.requests

    def refusal_of(self, *parts: bytes) -> tuple[int, object]:
        with pytest.raises(HttpError) as caught:
            self.feed(*parts)
        return caught.value.status, caught.value.error["message"]


@pytest.fixture
def reading() -> Reading:
    return Reading()


@pytest.mark.parametrize("cut", range(1, len(POST)))
def test_a_request_is_the_same_wherever_it_is_cut(reading: Reading, cut: int) -> None:
    reading.feed(POST[:cut])
    was_reading = reading.reader.is_reading
    [request] = reading.feed(POST[cut:])

    assert (was_reading, reading.reader.is_reading) == (True, False)
    assert (request.method, request.url, request.path) == (b"POST", b"/graphql?a=1", "/graphql")
    assert (request.raw_path, request.query_string, request.http_version) == (b"/graphql", b"a=1", "1.1")
    assert request.headers == [(b"host", b"x"), (b"content-length", b"3")]
    assert (request.body, request.keep_alive, request.expects_continue) == (b"abc", True, False)
    assert (request.error, request.is_answered, reading.heads) == (None, False, [])


def test_requests_that_come_at_once_are_read_in_their_order(reading: Reading) -> None:
    requests = reading.feed(b"".join(b"GET /%d HTTP/1.1\r\nhost: x\r\n\r\n" % n for n in range(5)))

    assert [request.path for request in requests] == ["/0", "/1", "/2", "/3", "/4"]


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"/a%20b?c", "/a b"),
        (b"http://x:80/graphql", "/graphql"),
        (b"http://x", "/"),
        (b"*", "*"),
        (b"/%67raphql", "/graphql"),
    ],
)
def test_the_path_is_decoded(reading: Reading, target: bytes, path: str) -> None:
    [request] = reading.feed(b"GET %b HTTP/1.1\r\nhost: x\r\n\r\n" % target)

    assert request.path == path


def test_a_chunked_body_is_put_together_and_trailers_are_dropped(reading: Reading) -> None:
    [request] = reading.feed(CHUNKED, b"2\r\nab\r\n", b"1\r\nc\r\n0\r\nx-checksum: 1\r\n\r\n")

    assert request.body == b"abc"
    assert request.headers == [(b"host", b"x"), (b"transfer-encoding", b"chunked")]


@pytest.mark.parametrize(
    ("head", "keep_alive"),
    [
        (b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", True),
        (b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", False),
        (b"GET / HTTP/1.0\r\n\r\n", False),
        (b"GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n", False),
    ],
)
def test_the_version_and_the_client_decide_on_keep_alive(
    reading: Reading, head: bytes, keep_alive: bool
) -> None:
    [request] = reading.feed(head)

    assert request.keep_alive is keep_alive


@pytest.mark.parametrize(
    ("data", "status", "message"),
    [
        (b"NONSENSE\r\n\r\n", 400, "Malformed HTTP request: Invalid method encountered"),
        (b"GET http://[ HTTP/1.1\r\nhost: x\r\n\r\n", 400, "Malformed HTTP request: Invalid URL"),
        (b"GET / HTTP/1.1\r\n\r\n", 400, "HTTP/1.1 requires exactly one Host header; got 0."),
        (b"GET / HTTP/1.1\r\nhost: x\r\nhost: x\r\n\r\n", 400, "HTTP/1.1 requires exactly one Host header; got 2."),
        (b"CONNECT x:80 HTTP/1.1\r\nhost: x\r\n\r\n", 501, "CONNECT is not supported. Use GET, HEAD, OPTIONS or POST."),
        (b"GET / HTTP/1.1\r\nhost: x\r\n" + b"x: y\r\n" * 2_746, 431, "The head is too large; at most 16,484 bytes are allowed (MAX_BODY_BYTES)."),
        (CHUNKED + b"0\r\n" + b"x: y\r\n" * 2_746, 431, "The head is too large; at most 16,484 bytes are allowed (MAX_BODY_BYTES)."),
    ],
    ids=["method", "URL", "no host", "two hosts", "tunnel", "long head", "long trailers"],
)  # fmt: skip
@pytest.mark.parametrize("size", [7, 1_000_000])
def test_what_is_malformed_or_too_large_is_refused(
    reading: Reading, data: bytes, status: int, message: str, size: int
) -> None:
    parts = (data[start : start + size] for start in range(0, len(data), size))

    assert reading.refusal_of(*parts) == (status, message)
    assert reading.requests == []


@pytest.mark.parametrize("size", [1_000, 1_000_000])
def test_a_url_has_a_limit(size: int) -> None:
    reading = Reading(max_body_bytes=100_000)
    allowed = b"GET /" + b"a" * 65_534

    requests = reading.feed(allowed + b" HTTP/1.1\r\nhost: x\r\n\r\n")
    parts = (b"%ba" % allowed)[:size], (b"%ba" % allowed)[size:]

    assert len(requests[0].url) == 65_535
    assert reading.refusal_of(*parts) == (414, "The URL is too long; at most 65,535 bytes are allowed.")


def test_body_bytes_do_not_count_as_head(reading: Reading) -> None:
    body = b"64\r\n" + b" " * 100 + b"\r\n"

    reading.feed(CHUNKED, *[body] * 200)

    assert reading.reader.is_reading
    assert reading.requests == []


@pytest.mark.parametrize(
    "parts",
    [
        (b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 101\r\n\r\n", b" " * 101),
        (CHUNKED + b"65\r\n", b" " * 101, b"\r\n0\r\n\r\n"),
        (CHUNKED, *[b"21\r\n" + b" " * 33 + b"\r\n"] * 4, b"0\r\n\r\n"),
    ],
)
def test_a_body_that_is_too_large_is_reported_before_it_is_complete(
    reading: Reading, parts: tuple[bytes, ...]
) -> None:
    reading.feed(*parts[:-1])
    [early] = reading.heads
    complete = list(reading.requests)
    reading.feed(parts[-1], POST)

    assert complete == []
    assert early.error is not None
    assert early.error.status == 413
    assert (
        early.error.error["message"]
        == "The body is too large; at most 100 bytes are allowed (MAX_BODY_BYTES)."
    )
    assert (reading.requests[0], reading.requests[0].body) == (early, b"")
    assert (len(reading.requests), reading.requests[1].body) == (2, b"abc")


@pytest.mark.parametrize(("version", "expects"), [(b"1.1", True), (b"1.0", False)])
def test_an_expectation_is_reported_with_the_head(reading: Reading, version: bytes, expects: bool) -> None:
    reading.feed(b"POST / HTTP/%b\r\nhost: x\r\nexpect: 100-Continue\r\ncontent-length: 1\r\n\r\n" % version)

    assert [request.expects_continue for request in reading.heads] == [True] * expects
    assert reading.requests == []


@pytest.mark.parametrize("cut", [1, 40, 84, 1_000])
def test_a_request_that_offers_another_protocol_is_read_without_the_offer(reading: Reading, cut: int) -> None:
    data = OFFER % 1 + POST

    reading.feed(data[:cut], data[cut:])

    [offer, post] = reading.requests
    assert offer.headers == [(b"host", b"x"), (b"connection", b"keep-alive")]
    assert (offer.path, offer.keep_alive) == ("/1", True)
    assert post.body == b"abc"


def test_the_body_of_an_offer_is_read(reading: Reading) -> None:
    head, _, _ = (OFFER % 1).partition(b"\r\n\r\n")

    [request] = reading.feed(head + b"\r\ncontent-length: 3\r\n\r\n", b"abc")

    assert request.body == b"abc"


def test_thousands_of_offers_may_come_at_once(reading: Reading) -> None:
    requests = reading.feed(b"".join(OFFER % number for number in range(3_000)))

    assert [request.path for request in requests] == [f"/{number}" for number in range(3_000)]


def test_an_error_of_ours_is_not_taken_for_a_malformed_request() -> None:
    def fail(_: Request) -> None:
        raise ZeroDivisionError

    reader = RequestReader(MAX_BODY_BYTES, fail, fail)

    with pytest.raises(HttpParserCallbackError) as caught:
        reader.feed(POST)

    assert isinstance(caught.value.__context__, ZeroDivisionError)


def test_a_request_may_be_as_large_as_the_limits_allow(reading: Reading) -> None:
    filler = b"x: %b\r\n" % (b"y" * (MAX_HEADER_BYTES - 200))

    [request] = reading.feed(
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n" + filler + b"\r\n" + b" " * 100
    )

    assert (len(request.body), request.error) == (MAX_BODY_BYTES, None)
