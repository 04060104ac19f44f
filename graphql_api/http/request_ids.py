"""Request ids: taken from the client or made up, given back, and in every line of the log."""

import logging
import re
import secrets
from contextvars import ContextVar

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graphql_api.http.requests import header

HEADER = b"x-request-id"
TAKEN = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,100}")
"""What is taken from a client: nothing that could pass for another line of the log."""

current: ContextVar[str] = ContextVar("request_id", default="-")


def request_id(scope: Scope | None) -> bytes:
    """The id that the client gave its request, or a new one; of no request yet, a new one."""
    given = header(scope, HEADER) if scope else b""
    return given if TAKEN.fullmatch(given) else secrets.token_hex(8).encode()


class RequestIds:
    """Middleware that gives each request its id."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        identity = request_id(scope)
        current.set(identity.decode())

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (HEADER, identity)]
            await send(message)

        await self.app(scope, receive, send_with_id)


class WithRequestId(logging.Filter):
    """Adds `request_id` to each record; a dash outside of requests."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = current.get()
        return True
