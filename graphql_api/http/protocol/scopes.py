"""ASGI scopes of requests."""

import asyncio
from typing import Any

from starlette.types import Scope

from graphql_api.http.deadlines import DISCONNECTED_EXTENSION, RECEIVED_EXTENSION
from graphql_api.http.protocol.requests import Request

ASGI = {"version": "3.0", "spec_version": "2.3"}


class ScopeFactory:
    """Builds the scopes of one connection's requests."""

    __slots__ = ("_app_state", "_client", "_is_disconnected", "_server")

    def __init__(self, transport: asyncio.Transport, app_state: dict[str, Any]) -> None:
        self._app_state = app_state
        self._is_disconnected = transport.is_closing
        self._client = _address(transport.get_extra_info("peername"))
        self._server = _address(transport.get_extra_info("sockname"))

    def build(self, request: Request, received_at: float) -> Scope:
        """Return a scope. `received_at` is in seconds of the event loop's clock."""
        return {
            "type": "http",
            "asgi": ASGI,
            "http_version": request.http_version,
            "server": self._server,
            "client": self._client,
            "scheme": "http",
            "method": request.method.decode("ascii"),
            "root_path": "",
            "path": request.path,
            "raw_path": request.raw_path,
            "query_string": request.query_string,
            "headers": request.headers,
            "state": self._app_state.copy(),
            "extensions": {
                DISCONNECTED_EXTENSION: self._is_disconnected,
                RECEIVED_EXTENSION: received_at,
            },
        }


def _address(name: Any) -> tuple[str, int | None] | None:
    """Return host and port; a Unix socket has a path instead, and its client has none."""
    match name:
        case (str(host), int(port), *_):
            return host, port
        case str(path) if path:
            return path, None
        case _:
            return None
