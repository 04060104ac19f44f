"""Request ids: sent by the client or generated, returned in the response and written to every log line."""

import logging
import re
from contextvars import ContextVar
from random import Random

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graphql_api.http.graphql_requests import header_value

REQUEST_ID_HEADER = b"x-request-id"
_VALID_CLIENT_ID = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,100}")
"""The ids accepted from clients. They cannot forge a log line, since they contain no whitespace."""

_random = Random()  # noqa: S311 - ids are no secrets, and reading random bytes from the system is slow

_current_request_id: ContextVar[str] = ContextVar("request_id", default="-")


class RequestIdSend:
    """The `send` of one request: it adds the request id to the response headers."""

    __slots__ = ("request_id", "send")

    def __init__(self, send: Send, request_id: bytes) -> None:
        self.send = send
        self.request_id = request_id

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (REQUEST_ID_HEADER, self.request_id)]
        await self.send(message)


def choose_request_id(scope: Scope) -> bytes:
    """Return the valid id that the client sent, or a new id."""
    client_id = header_value(scope, REQUEST_ID_HEADER)
    return client_id if _VALID_CLIENT_ID.fullmatch(client_id) else b"%016x" % _random.getrandbits(64)


class RequestIdMiddleware:
    """Assigns an id to each request."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = choose_request_id(scope)
        _current_request_id.set(request_id.decode())
        await self.app(scope, receive, RequestIdSend(send, request_id))


class RequestIdFilter(logging.Filter):
    """Adds `request_id` to each log record: a dash outside of a request."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = _current_request_id.get()
        return True
