"""Answers packed for clients that take them so."""

from functools import lru_cache

from starlette.middleware.gzip import GZipMiddleware, GZipResponder
from starlette.types import Receive, Scope, Send

from graphql_api.http.requests import listed


class Gzip(GZipMiddleware):
    """Starlette's middleware, out of the way of clients that do not ask for it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self.app
        if scope["type"] == "http" and takes_gzip(listed(scope, b"accept-encoding")[:1000]):
            app = GZipResponder(app, self.minimum_size, compresslevel=self.compresslevel)
        await app(scope, receive, send)


@lru_cache(100)
def takes_gzip(accepted: bytes) -> bool:
    """Whether an Accept-Encoding allows gzip, by name or by *, unless its weight is 0 (RFC 9110, 12.5.3)."""
    allowed: dict[bytes, bool] = {}
    for each in accepted.lower().split(b","):
        name, _, weight = each.partition(b";")
        allowed[name.strip()] = weight.strip().replace(b" ", b"").rstrip(b"0.") not in (b"q=", b"q")
    return allowed.get(b"gzip", allowed.get(b"*", False))
