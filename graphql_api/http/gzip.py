"""Answers packed for clients that take them so."""

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import Receive, Scope, Send

from graphql_api.http.requests import header


class Gzip(GZipMiddleware):
    """Starlette's middleware, out of the way of clients that do not ask for it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and b"gzip" in header(scope, b"accept-encoding"):
            await super().__call__(scope, receive, send)
        else:
            await self.app(scope, receive, send)
