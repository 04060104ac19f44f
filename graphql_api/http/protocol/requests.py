"""Requests as a connection reads them, before they become an ASGI scope."""

from graphql_api.http.paths import GRAPHQL_PATHS
from graphql_api.http.responses import HttpError


class Request:
    """An HTTP request. Its body is complete when `RequestReader` reports it."""

    __slots__ = (
        "__weakref__",
        "body",
        "error",
        "expects_continue",
        "headers",
        "http_version",
        "is_answered",
        "keep_alive",
        "method",
        "path",
        "query_string",
        "raw_path",
        "url",
    )

    def __init__(self) -> None:
        self.method = b""
        self.url = b""
        self.raw_path = b""
        self.path = ""
        self.query_string = b""
        self.http_version = "1.1"
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""
        self.keep_alive = False
        self.expects_continue = False
        self.error: HttpError | None = None
        self.is_answered = False

    def take_body(self) -> bytes:
        """Return the body, which the request then no longer holds."""
        body, self.body = self.body, b""
        return body

    @property
    def is_admission_controlled(self) -> bool:
        """Whether admission control decides on it: it reads the catalog, and is no CORS preflight."""
        return self.path in GRAPHQL_PATHS and self.method != b"OPTIONS"
