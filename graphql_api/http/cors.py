"""CORS: the pages of which origins may read answers."""

from collections.abc import Sequence
from functools import lru_cache

from starlette.datastructures import MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp


class Cors(CORSMiddleware):
    """Starlette's middleware, which also tells the headers of answers that do not come by it."""

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        super().__init__(
            app,
            allow_origins=origins,
            allow_methods=["GET", "HEAD", "POST"],
            allow_headers=["Content-Type", "X-Request-ID"],
            expose_headers=["X-Request-ID", "Retry-After"],
            max_age=86_400,
        )
        self.lines = lru_cache(100)(self.lines_for)

    def lines_for(self, origin: bytes) -> bytes:
        """The lines that the head of an answer has for a request from an origin, or from none."""
        headers = MutableHeaders(self.simple_headers if origin else {})
        named = origin.decode("latin-1")
        if origin and not self.allow_all_origins and self.is_allowed_origin(named):
            self.allow_explicit_origin(headers, named)
        else:
            headers["Vary"] = "Origin"
        return b"".join(b"%b: %b\r\n" % header for header in headers.raw)
