"""Request ids: taken from the client or made up, given back, and in every line of the log."""

import logging
import re
from contextvars import ContextVar
from random import Random

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graphql_api.http.requests import header

HEADER = b"x-request-id"
TAKEN = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,100}")
"""What is taken from a client: nothing that could pass for another line of the log."""

MADE_UP = Random()  # noqa: S311 - an id keeps no secret, and to ask the system for each costs more than the rest

current: ContextVar[str] = ContextVar("request_id", default="-")


class Sender:
    """Sends the answer to a request, with its id."""

    __slots__ = ("identity", "send")

    def __init__(self, send: Send, identity: bytes) -> None:
        self.send = send
        self.identity = identity

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (HEADER, self.identity)]
        await self.send(message)


def request_id(scope: Scope) -> bytes:
    """The id that the client gave its request, or a new one."""
    given = header(scope, HEADER)
    return given if TAKEN.fullmatch(given) else b"%016x" % MADE_UP.getrandbits(64)


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
        await self.app(scope, receive, Sender(send, identity))


class WithRequestId(logging.Filter):
    """Adds `request_id` to each record; a dash outside of requests."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = current.get()
        return True
