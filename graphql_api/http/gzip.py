"""Gzip compression of responses."""

from functools import lru_cache

from starlette.middleware.gzip import GZipMiddleware as StarletteGzipMiddleware
from starlette.middleware.gzip import GZipResponder
from starlette.types import Receive, Scope, Send

from graphql_api.http.graphql_requests import joined_header


class GzipMiddleware(StarletteGzipMiddleware):
    """Starlette's middleware, but parsing Accept-Encoding and not wrapping `send` for other clients."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self.app
        if scope["type"] == "http" and accepts_gzip(joined_header(scope, b"accept-encoding")[:1000]):
            app = GZipResponder(app, self.minimum_size, compresslevel=self.compresslevel)
        await app(scope, receive, send)


@lru_cache(100)
def accepts_gzip(accepted: bytes) -> bool:
    """Return whether an Accept-Encoding header allows gzip, by name or by `*`.

    A weight of 0 means that the coding is not acceptable (RFC 9110, 12.5.3).
    """
    allowed: dict[bytes, bool] = {}
    for item in accepted.lower().split(b","):
        name, _, weight = item.partition(b";")
        allowed[name.strip()] = weight.strip().replace(b" ", b"").rstrip(b"0.") not in (b"q=", b"q")
    return allowed.get(b"gzip", allowed.get(b"*", False))
