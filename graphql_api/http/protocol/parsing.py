"""Parsing: bytes in, checked requests out."""

from collections.abc import Callable
from urllib.parse import unquote

from httptools import (
    HttpParserCallbackError,
    HttpParserError,
    HttpParserInvalidURLError,
    HttpParserUpgrade,
    HttpRequestParser,
    parse_url,
)

from graphql_api.http.graphql_requests import SizeLimit, too_large_message
from graphql_api.http.protocol.requests import Request
from graphql_api.http.protocol.uploads import Uploads
from graphql_api.http.responses import HttpError, service_unavailable

MAX_HEADER_BYTES = 16_384

MAX_URL_BYTES = 65_535
"""The longest URL that httptools parses."""

_NO_REQUEST = Request()
"""Stands for the request while none is being read, so that a connection does not hold the last one."""


class RequestReader:
    """Reads the requests of one connection.

    `on_request` is called with each complete request. `on_head` is called before the body is complete, if the
    request needs a response then: its client expects `100 Continue`, or its `error` is set.
    """

    def __init__(
        self,
        max_body_bytes: int,
        uploads: Uploads,
        on_head: Callable[[Request], None],
        on_request: Callable[[Request], None],
    ) -> None:
        """A request with an Authorization header may be an upload, if that is larger."""
        self.request = _NO_REQUEST
        """The request that is being read."""
        self.is_reading = False
        """Whether that request is incomplete."""
        self._body_limit = self._limit = SizeLimit("MAX_BODY_BYTES", max_body_bytes)
        self._uploads = uploads
        self._on_head = on_head
        self._on_request = on_request
        self._overhead = 0  # bytes since the last request: head, chunk sizes, trailers
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._upgrades = False
        self._in_head = True
        self._parser = self._new_parser()

    def feed(self, data: bytes) -> None:
        """Read a part of the stream. Raise HttpError if it is malformed or exceeds a limit."""
        self._overhead += len(data)
        end = self._feed_parser(data)
        rest = memoryview(data)
        while end is not None:
            # The parser has stopped. A new one reads the request without the offer, in HTTP/1.1.
            rest = rest[end:]
            head = self._head_without_upgrade()
            self._parser = self._new_parser()
            self._feed_parser(head)
            end = self._feed_parser(rest)
        max_overhead = self._limit.max_bytes + MAX_HEADER_BYTES
        if self._overhead > max_overhead:
            raise HttpError(
                431,
                f"The head is too large; at most {max_overhead:,} bytes are allowed ({self._limit.setting}).",
            )

    def close(self) -> None:
        """Drop the parser, which refers to this object in turn."""
        del self._parser, self._on_head, self._on_request

    def _new_parser(self) -> HttpRequestParser:
        parser = HttpRequestParser(self)
        parser.set_dangerous_leniencies(lenient_data_after_close=True)
        return parser

    def _feed_parser(self, data: bytes | memoryview) -> int | None:
        """Parse data; if a request in it offers another protocol, return where that request's head ends."""
        try:
            self._parser.feed_data(data)
            return None
        except HttpParserUpgrade as upgrade:
            end: int = upgrade.args[0]
            return end
        except HttpParserCallbackError as error:
            # The parser wraps what its callbacks, the methods named on_…, raise.
            if isinstance(error.__context__, HttpError):
                raise error.__context__ from None
            raise
        except HttpParserError as error:
            raise HttpError(400, f"Malformed HTTP request: {error}") from None

    def _head_without_upgrade(self) -> bytes:
        """Return the head of a request that offers another protocol, without the offer (RFC 9110, 7.8)."""
        request = self.request
        lines = [b"%b %b HTTP/%b\r\n" % (request.method, request.url, request.http_version.encode())]
        for name, value in request.headers:
            kept = value
            if name == b"connection":
                kept = b",".join(each for each in value.split(b",") if each.strip().lower() != b"upgrade")
            if name != b"upgrade":
                lines.append(b"%b: %b\r\n" % (name, kept))
        return b"".join([*lines, b"\r\n"])

    def on_message_begin(self) -> None:
        self.request = Request()
        self.is_reading = True
        self._in_head = True
        self._body_bytes = 0
        self._limit = self._body_limit

    def on_url(self, url: bytes) -> None:
        request = self.request
        request.url += url
        if len(request.url) > MAX_URL_BYTES:
            raise HttpError(414, f"The URL is too long; at most {MAX_URL_BYTES:,} bytes are allowed.")

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:  # trailers are dropped
            self.request.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        request, parser = self.request, self._parser
        self._in_head = False
        request.method = parser.get_method()
        request.http_version = parser.get_http_version()
        self._upgrades = parser.should_upgrade()
        if self._upgrades:
            if request.method == b"CONNECT":
                raise HttpError(501, "CONNECT is not supported. Use GET, HEAD, OPTIONS or POST.")
            return
        request.keep_alive = request.http_version != "1.0" and parser.should_keep_alive()
        _parse_target(request)
        self._check_head(request)
        if request.expects_continue or request.error:
            self._on_head(request)

    def _check_head(self, request: Request) -> None:
        """Check what HTTP/1.1 demands of a head. HTTP/1.0 has neither Host nor Expect."""
        fields = dict(request.headers)
        if request.http_version != "1.0":
            hosts = [name for name, _ in request.headers].count(b"host")
            if hosts != 1:
                raise HttpError(400, f"HTTP/1.1 requires exactly one Host header; got {hosts}.")
            request.expects_continue = fields.get(b"expect", b"").lower() == b"100-continue"
        if b"authorization" in fields:
            self._limit = max(self._body_limit, self._uploads.limit, key=lambda limit: limit.max_bytes)
        if int(fields.get(b"content-length", b"0")) > self._limit.max_bytes:
            request.error = HttpError(413, too_large_message("body", self._limit))

    def on_body(self, body: bytes) -> None:
        request = self.request
        self._overhead -= len(body)
        self._body_bytes += len(body)
        if request.error:
            return
        if self._body_bytes > self._limit.max_bytes:
            request.error = HttpError(413, too_large_message("body", self._limit))
        elif self._body_bytes > self._body_limit.max_bytes and not self._uploads.admit(request):
            request.error = service_unavailable("Too many large requests are being read: retry later.")
        else:
            self._body.append(body)
            return
        self._body.clear()
        self._on_head(request)

    def on_message_complete(self) -> None:
        if self._upgrades:
            return
        request, self.request = self.request, _NO_REQUEST
        if body := self._body:
            request.body = body[0] if len(body) == 1 else b"".join(body)
            self._body = []
        self.is_reading = False
        self._overhead = 0
        self._on_request(request)


def _parse_target(request: Request) -> None:
    try:
        url = parse_url(request.url)
    except HttpParserInvalidURLError:
        raise HttpError(400, "Malformed HTTP request: Invalid URL") from None
    request.raw_path = url.path or b"/"
    path = request.raw_path.decode("ascii")
    request.path = unquote(path) if "%" in path else path
    request.query_string = url.query or b""
