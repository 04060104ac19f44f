"""HTTP responses, and errors that become responses without running an operation."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from graphql import GraphQLError
from starlette.types import Send

from db.errors import DatabaseError, StatementTimeoutError
from graphql_api.http.media_types import APPLICATION_JSON, GRAPHQL_RESPONSE_JSON

Header = tuple[bytes, bytes]

# Clients must not guess another media type. Caches must distinguish responses by the headers in Vary.
_COMMON_HEADERS: list[Header] = [
    (b"x-content-type-options", b"nosniff"),
    (b"vary", b"accept, accept-encoding, authorization"),
]


@dataclass(slots=True)
class RawResponse:
    """A response with a complete body. `headers` are added to those of every response."""

    body: bytes
    status: int = 200
    media_type: bytes = APPLICATION_JSON
    headers: Sequence[Header] = field(default=())

    def build_headers(self) -> list[Header]:
        if self.status == 204:  # No Content: a response without content-type and content-length
            return [*_COMMON_HEADERS, *self.headers]
        length = b"%d" % len(self.body)
        return [
            (b"content-type", self.media_type),
            (b"content-length", length),
            *_COMMON_HEADERS,
            *self.headers,
        ]

    async def send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status, "headers": self.build_headers()})
        await send({"type": "http.response.body", "body": self.body})


class HttpError(Exception):
    """The request is rejected with an HTTP status. `error` is the GraphQL error in the response.

    Create a new instance for each request: an exception that is raised again accumulates traceback frames.
    """

    def __init__(
        self,
        status: int,
        message: str,
        headers: Sequence[Header] = (),
        *,
        code: str = "BAD_REQUEST",
        extensions: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers
        self.error: dict[str, Any] = {"message": message, "extensions": {"code": code, **(extensions or {})}}

    @property
    def code(self) -> object:
        """Return `extensions.code` of the GraphQL error."""
        return self.error["extensions"].get("code")

    def to_response(self, media_type: bytes) -> RawResponse:
        return RawResponse(orjson.dumps({"errors": [self.error]}), self.status, media_type, self.headers)


class RequestError(HttpError):
    """The operation of a well-formed HTTP request cannot run, or its result cannot be sent.

    The status depends on the media type of the response: see `request_error_status`.
    """

    def __init__(
        self,
        message: str,
        code: str,
        extensions: dict[str, Any] | None = None,
        headers: Sequence[Header] = (),
    ) -> None:
        super().__init__(400, message, headers, code=code, extensions=extensions)

    @classmethod
    def from_graphql_error(cls, error: GraphQLError) -> "RequestError":
        """Return the request error for a GraphQL error."""
        request_error = cls(error.message, "BAD_REQUEST")
        request_error.error = dict(error.formatted)
        return request_error

    def to_response(self, media_type: bytes) -> RawResponse:
        body = orjson.dumps({"errors": [self.error]})
        return RawResponse(body, request_error_status(media_type), media_type, self.headers)


def request_error_status(media_type: bytes) -> int:
    """Return the status of a response without data.

    Many clients that accept application/json only do not show the errors of a response with another status
    than 200. With the media type of GraphQL the status says whether the operation ran.
    """
    return 400 if media_type is GRAPHQL_RESPONSE_JSON else 200


_RETRY_AFTER: Sequence[Header] = [(b"retry-after", b"1")]


def service_unavailable(message: str, code: str = "SERVICE_UNAVAILABLE") -> HttpError:
    """Return a 503 that asks the client to retry after a second."""
    return HttpError(503, message, _RETRY_AFTER, code=code)


def catalog_unavailable(error: DatabaseError) -> HttpError:
    """Return the 503 of an operation that the database could not run."""
    code = "TIMEOUT" if isinstance(error, StatementTimeoutError) else "SERVICE_UNAVAILABLE"
    return service_unavailable("The catalog is temporarily unavailable: retry later.", code)
