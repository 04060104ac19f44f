"""Parsing of requests, without a connection."""

from dataclasses import dataclass, field

import pytest
from httptools import HttpParserCallbackError

from graphql_api.http.protocol.parsing import MAX_HEADER_BYTES, RequestReader
from graphql_api.http.protocol.requests import Request
from graphql_api.http.protocol.uploads import MAX_UPLOADS, Uploads
from graphql_api.http.responses import HttpError

MAX_BODY_BYTES = 100
MAX_UPLOAD_BYTES = 1_000
POST = b"POST /graphql?a=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
CHUNKED = b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
UPGRADE = b"GET /%d HTTP/1.1\r\nhost: x\r\nconnection: keep-alive, Upgrade\r\nupgrade: h2c\r\n\r\n"


@dataclass
class RecordingReader:
    """A reader, and the requests and errors that it has reported."""

    max_body_bytes: int = MAX_BODY_BYTES
    uploads: Uploads = field(default_factory=lambda: Uploads(MAX_UPLOAD_BYTES))
    heads: list[Request] = field(default_factory=list[Request])
    requests: list[Request] = field(default_factory=list[Request])

    def __post_init__(self) -> None:
        self.reader = RequestReader(
            self.max_body_bytes, self.uploads, self.heads.append, self.requests.append
        )

    def feed(self, *parts: bytes) -> list[Request]:
        for part in parts:
            self.reader.feed(part)
        return self.requests

    def error_of(self, *parts: bytes) -> tuple[int, object]:
        with pytest.raises(HttpError) as caught:
            self.feed(*parts)
        return caught.value.status, caught.value.error["message"]


@pytest.fixture
def recorder() -> RecordingReader:
    return RecordingReader()


@pytest.mark.parametrize("cut", range(1, len(POST)))
def test_a_request_is_the_same_however_it_is_split(recorder: RecordingReader, cut: int) -> None:
    recorder.feed(POST[:cut])
    was_reading = recorder.reader.is_reading
    [request] = recorder.feed(POST[cut:])

    assert (was_reading, recorder.reader.is_reading) == (True, False)
    assert (request.method, request.url, request.path) == (b"POST", b"/graphql?a=1", "/graphql")
    assert (request.raw_path, request.query_string, request.http_version) == (b"/graphql", b"a=1", "1.1")
    assert request.headers == [(b"host", b"x"), (b"content-length", b"3")]
    assert (request.body, request.keep_alive, request.expects_continue) == (b"abc", True, False)
    assert (request.error, request.is_answered, recorder.heads) == (None, False, [])


def test_pipelined_requests_are_read_in_order(recorder: RecordingReader) -> None:
    requests = recorder.feed(b"".join(b"GET /%d HTTP/1.1\r\nhost: x\r\n\r\n" % n for n in range(5)))

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
def test_the_path_is_decoded(recorder: RecordingReader, target: bytes, path: str) -> None:
    [request] = recorder.feed(b"GET %b HTTP/1.1\r\nhost: x\r\n\r\n" % target)

    assert request.path == path


def test_a_chunked_body_is_joined_and_trailers_are_dropped(recorder: RecordingReader) -> None:
    [request] = recorder.feed(CHUNKED, b"2\r\nab\r\n", b"1\r\nc\r\n0\r\nx-checksum: 1\r\n\r\n")

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
def test_keep_alive_depends_on_the_version_and_the_connection_header(
    recorder: RecordingReader, head: bytes, keep_alive: bool
) -> None:
    [request] = recorder.feed(head)

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
def test_malformed_and_too_large_requests_are_rejected(
    recorder: RecordingReader, data: bytes, status: int, message: str, size: int
) -> None:
    parts = (data[start : start + size] for start in range(0, len(data), size))

    assert recorder.error_of(*parts) == (status, message)
    assert recorder.requests == []


@pytest.mark.parametrize("size", [1_000, 1_000_000])
def test_a_url_above_the_limit_is_rejected(size: int) -> None:
    recorder = RecordingReader(max_body_bytes=100_000)
    allowed = b"GET /" + b"a" * 65_534

    requests = recorder.feed(allowed + b" HTTP/1.1\r\nhost: x\r\n\r\n")
    parts = (b"%ba" % allowed)[:size], (b"%ba" % allowed)[size:]

    assert len(requests[0].url) == 65_535
    assert recorder.error_of(*parts) == (414, "The URL is too long; at most 65,535 bytes are allowed.")


def test_body_bytes_do_not_count_towards_the_head_limit(recorder: RecordingReader) -> None:
    body = b"64\r\n" + b" " * 100 + b"\r\n"

    recorder.feed(CHUNKED, *[body] * 200)

    assert recorder.reader.is_reading
    assert recorder.requests == []


@pytest.mark.parametrize(
    "parts",
    [
        (b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 101\r\n\r\n", b" " * 101),
        (CHUNKED + b"65\r\n", b" " * 101, b"\r\n0\r\n\r\n"),
        (CHUNKED, *[b"21\r\n" + b" " * 33 + b"\r\n"] * 4, b"0\r\n\r\n"),
    ],
)
def test_a_body_above_the_limit_is_reported_before_it_is_complete(
    recorder: RecordingReader, parts: tuple[bytes, ...]
) -> None:
    recorder.feed(*parts[:-1])
    [early] = recorder.heads
    complete = list(recorder.requests)
    recorder.feed(parts[-1], POST)

    assert complete == []
    assert early.error is not None
    assert early.error.status == 413
    assert (
        early.error.error["message"]
        == "The body is too large; at most 100 bytes are allowed (MAX_BODY_BYTES)."
    )
    assert (recorder.requests[0], recorder.requests[0].body) == (early, b"")
    assert (len(recorder.requests), recorder.requests[1].body) == (2, b"abc")


def upload_head(size: int) -> bytes:
    return b"POST / HTTP/1.1\r\nhost: x\r\nauthorization: any\r\ncontent-length: %d\r\n\r\n" % size


def test_a_request_with_a_credential_may_have_a_larger_body(recorder: RecordingReader) -> None:
    recorder.feed(upload_head(1_000), b" " * 400, b" " * 600)
    recorder.feed(CHUNKED + b"65\r\n" + b" " * 101 + b"\r\n0\r\n\r\n")
    recorder.feed(upload_head(1_001) + b" " * 1_001)

    upload, *rejected = recorder.requests
    assert (upload.error, len(upload.body)) == (None, 1_000)
    assert [each.error and each.error.error["message"] for each in rejected] == [
        "The body is too large; at most 100 bytes are allowed (MAX_BODY_BYTES).",
        "The body is too large; at most 1,000 bytes are allowed (MAX_UPLOAD_BYTES).",
    ]


def test_the_head_after_an_upload_has_the_limit_of_every_head(recorder: RecordingReader) -> None:
    recorder.feed(upload_head(1_000) + b" " * 1_000)

    assert recorder.error_of(b"GET / HTTP/1.1\r\nhost: x\r\n" + b"x: y\r\n" * 2_746) == (
        431,
        "The head is too large; at most 16,484 bytes are allowed (MAX_BODY_BYTES).",
    )


def test_the_uploads_of_a_process_are_limited_until_they_are_dropped() -> None:
    uploads = Uploads(MAX_UPLOAD_BYTES)
    recorders = [RecordingReader(uploads=uploads) for _ in range(MAX_UPLOADS + 1)]
    for each in recorders:
        each.feed(upload_head(200) + b" " * 199)
    *admitted, refused = recorders
    admitted[0].feed(b" ")
    admitted[0].requests.clear()
    refused.feed(b" " + upload_head(200) + b" " * 200)

    assert [each.heads for each in admitted] == [[]] * MAX_UPLOADS
    early, later = refused.requests
    assert refused.heads == [early]
    assert early.error is not None
    assert (early.error.status, early.error.error["message"], early.body) == (
        503,
        "Too many large requests are being read: retry later.",
        b"",
    )
    assert (later.error, len(later.body)) == (None, 200)


@pytest.mark.parametrize(("version", "expects"), [(b"1.1", True), (b"1.0", False)])
def test_expect_100_continue_is_reported_with_the_head(
    recorder: RecordingReader, version: bytes, expects: bool
) -> None:
    recorder.feed(b"POST / HTTP/%b\r\nhost: x\r\nexpect: 100-Continue\r\ncontent-length: 1\r\n\r\n" % version)

    assert [request.expects_continue for request in recorder.heads] == [True] * expects
    assert recorder.requests == []


@pytest.mark.parametrize("cut", [1, 40, 84, 1_000])
def test_an_upgrade_header_is_ignored(recorder: RecordingReader, cut: int) -> None:
    data = UPGRADE % 1 + POST

    recorder.feed(data[:cut], data[cut:])

    [upgraded, post] = recorder.requests
    assert upgraded.headers == [(b"host", b"x"), (b"connection", b"keep-alive")]
    assert (upgraded.path, upgraded.keep_alive) == ("/1", True)
    assert post.body == b"abc"


def test_the_body_of_a_request_with_an_upgrade_header_is_read(recorder: RecordingReader) -> None:
    head, _, _ = (UPGRADE % 1).partition(b"\r\n\r\n")

    [request] = recorder.feed(head + b"\r\ncontent-length: 3\r\n\r\n", b"abc")

    assert request.body == b"abc"


def test_thousands_of_pipelined_requests_with_upgrade_headers_are_read(recorder: RecordingReader) -> None:
    requests = recorder.feed(b"".join(UPGRADE % number for number in range(3_000)))

    assert [request.path for request in requests] == [f"/{number}" for number in range(3_000)]


def test_a_programming_error_is_not_reported_as_a_malformed_request() -> None:
    def fail(_: Request) -> None:
        raise ZeroDivisionError

    reader = RequestReader(MAX_BODY_BYTES, Uploads(0), fail, fail)

    with pytest.raises(HttpParserCallbackError) as caught:
        reader.feed(POST)

    assert isinstance(caught.value.__context__, ZeroDivisionError)


def test_a_request_at_all_limits_is_accepted(recorder: RecordingReader) -> None:
    filler = b"x: %b\r\n" % (b"y" * (MAX_HEADER_BYTES - 200))

    [request] = recorder.feed(
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n" + filler + b"\r\n" + b" " * 100
    )

    assert (len(request.body), request.error) == (MAX_BODY_BYTES, None)
