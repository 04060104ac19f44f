"""CORS: the origins whose pages may read responses."""

from collections.abc import Sequence
from functools import lru_cache

from starlette.datastructures import MutableHeaders
from starlette.middleware.cors import CORSMiddleware as StarletteCorsMiddleware
from starlette.types import ASGIApp


class CorsMiddleware(StarletteCorsMiddleware):
    """Starlette's middleware, which also returns the CORS headers of responses that bypass it.

    A preflight may name any header: clients send their name, a trace id or a token. A page of another origin
    cannot use the browser's credentials, so a header gives it nothing that it does not have.
    """

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        super().__init__(
            app,
            allow_origins=origins,
            allow_methods=["GET", "HEAD", "POST"],
            allow_headers=["*"],
            expose_headers=["X-Request-ID", "Retry-After", "Consistency-Token"],
            max_age=86_400,
        )
        self.header_block = lru_cache(100)(self._build_header_block)

    def _build_header_block(self, origin: bytes) -> bytes:
        """Return the CORS header lines of a response to a request with this Origin, or with none if empty."""
        headers = MutableHeaders(self.simple_headers if origin else {})
        origin_text = origin.decode("latin-1")
        if origin and not self.allow_all_origins and self.is_allowed_origin(origin_text):
            self.allow_explicit_origin(headers, origin_text)
        else:
            headers["Vary"] = "Origin"
        return b"".join(b"%b: %b\r\n" % header for header in headers.raw)
