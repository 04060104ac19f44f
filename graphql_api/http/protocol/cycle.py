"""The ASGI cycle: one request, run by the application, and its response."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

from starlette.types import ASGIApp, Message, Scope

from graphql_api.http.protocol.requests import Request
from graphql_api.http.protocol.response_heads import CHUNKED, CLOSE, encode_head
from graphql_api.http.responses import Header, HttpError, service_unavailable

logger = logging.getLogger("bookstore.protocol")

DISCONNECT: Message = {"type": "http.disconnect"}
STATUSES_WITHOUT_BODY = (204, 304)


class ResponseStream(Protocol):
    """The connection as a cycle sees it."""

    @property
    def default_headers(self) -> Sequence[Header]: ...

    @property
    def closes_after_response(self) -> bool: ...

    @property
    def is_closing(self) -> bool: ...

    @property
    def write_paused(self) -> bool: ...

    def write(self, data: bytes) -> None: ...

    async def drain(self) -> None: ...

    def complete_response(self, *, closes: bool) -> None: ...

    def abort_response(self, request: Request, error: HttpError, *, is_head_written: bool) -> None: ...

    def start_task(self, work: Coroutine[Any, Any, None]) -> None: ...


class RequestCycle:
    """Runs the application for one request, once it is started. `on_end` is called when that has ended.

    The response's head is written together with the first part of its body.
    """

    __slots__ = (
        "_app",
        "_body",
        "_closes",
        "_disconnected",
        "_has_body",
        "_head",
        "_is_chunked",
        "_is_complete",
        "_is_head_written",
        "_on_end",
        "_remaining",
        "_request",
        "_scope",
        "_stream",
    )

    def __init__(
        self,
        app: ASGIApp,
        scope: Scope,
        request: Request,
        stream: ResponseStream,
        on_end: Callable[[], None] | None = None,
    ) -> None:
        self._app = app
        self._scope = scope
        self._request = request
        self._body: bytes | None = request.take_body()
        self._stream = stream
        self._on_end = on_end
        self._disconnected: asyncio.Event | None = None  # made when the application waits for it
        self._head: bytes | None = None
        self._is_head_written = False
        self._is_complete = False
        self._has_body = True
        self._is_chunked = False
        self._remaining: int | None = None  # bytes of the Content-Length
        self._closes = False

    def start(self) -> None:
        self._stream.start_task(self._run())

    async def _run(self) -> None:
        """Run the application to its end, and respond with an error if it did not respond."""
        try:
            await self._app(self._scope, self._receive, self._send)
            if not (self._is_complete or self._stream.is_closing):
                raise RuntimeError("The application returned without a complete response.")
        except asyncio.CancelledError:
            self._abort(service_unavailable("The server is shutting down."))
            raise
        except Exception:
            logger.exception("the application failed")
            self._abort(HttpError(500, "Internal server error.", code="INTERNAL_SERVER_ERROR"))
        finally:
            if self._on_end:
                self._on_end()

    def disconnect(self) -> None:
        """Report `http.disconnect` to the application. What it still sends is dropped."""
        self._end()

    async def _receive(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        if not self._is_complete:
            self._disconnected = self._disconnected or asyncio.Event()
            await self._disconnected.wait()
        return DISCONNECT

    async def _send(self, message: Message) -> None:
        kind = message["type"]
        if kind == "http.response.start" and self._head is None:
            self._start_response(message["status"], message.get("headers", ()))
            return
        if self._stream.write_paused:
            await self._stream.drain()
        if self._stream.is_closing:
            return  # the client has disconnected
        if kind != "http.response.body" or self._head is None or self._is_complete:
            raise RuntimeError(f"The application sent {kind} out of order.")
        self._send_body(self._head, message.get("body", b""), more=message.get("more_body", False))

    def _start_response(self, status: int, headers: Sequence[Header]) -> None:
        """Encode the head, and decide how the body is delimited (RFC 9112, 6.3)."""
        stream = self._stream
        self._closes = stream.closes_after_response
        self._has_body = self._request.method != b"HEAD" and status not in STATUSES_WITHOUT_BODY
        lines = [*stream.default_headers, *headers]
        for name, value in headers:
            if name == b"content-length":
                self._remaining = int(value)
        if self._remaining is None and self._has_body and self._request.http_version != "1.0":
            self._is_chunked = True
            lines.append(CHUNKED)
        if self._closes:
            lines.append(CLOSE)
        self._head = encode_head(status, lines)

    def _send_body(self, head: bytes, body: bytes, *, more: bool) -> None:
        if not self._has_body:
            body = b""
        elif self._is_chunked:
            body = (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + (b"" if more else b"0\r\n\r\n")
        elif self._remaining is not None:
            self._remaining -= len(body)
            if self._remaining < 0 or (self._remaining and not more):
                raise RuntimeError("The response's body is not as long as its Content-Length.")
        if not self._is_head_written:
            body = head + body
            self._is_head_written = True
        self._stream.write(body)
        if not more:
            self._end()
            self._stream.complete_response(closes=self._closes)

    def _abort(self, error: HttpError) -> None:
        if not self._is_complete:
            self._end()
            self._stream.abort_response(self._request, error, is_head_written=self._is_head_written)

    def _end(self) -> None:
        self._is_complete = True
        if self._disconnected:
            self._disconnected.set()
