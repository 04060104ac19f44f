"""Documents of a client's role: built once for each role, compressed, and cached by clients by their ETag."""

import asyncio
import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from db.connections.cluster import Cluster
from graphql_api.access.authenticator import Authenticator
from graphql_api.access.roles import Role
from graphql_api.http.authentication import authenticate_request
from graphql_api.http.graphql_requests import joined_header
from graphql_api.http.gzip import accepts_gzip
from graphql_api.http.media_types import APPLICATION_JSON
from graphql_api.http.responses import HttpError


@dataclass(frozen=True, slots=True)
class RoleDocument:
    """A role's document, plain and compressed. `etag` is weak: it is the same for both."""

    plain: bytes
    gzipped: bytes
    etag: str

    @classmethod
    def from_text(cls, text: str) -> "RoleDocument":
        plain = text.encode()
        return cls(plain, gzip.compress(plain, mtime=0), f'W/"{sha256(plain).hexdigest()[:32]}"')


@dataclass(frozen=True, slots=True)
class DocumentKind:
    """A document that describes the schema: its path, its name in errors, and how its text is built.

    The headers are those of the response, without those that are the same for all documents.
    """

    path: str
    name: str
    media_type: str
    headers: Mapping[str, str]
    build: Callable[[Role], str]


def role_document_route(
    kind: DocumentKind, authenticator: Authenticator, cluster: Cluster, *, introspection: bool
) -> Route:
    """Return the route of a document. Without introspection it is not found."""

    @cache
    def document_for(role: Role) -> RoleDocument:
        return RoleDocument.from_text(kind.build(role))

    async def serve_document(request: Request) -> Response:
        try:
            if not introspection:
                raise HttpError(404, f"{kind.name} is not served: this server runs with INTROSPECTION=false.")
            session = cluster.open_session()
            try:
                principal = await authenticate_request(request.scope, authenticator, session)
            finally:
                session.cancel()
        except HttpError as error:
            return _error_response(error)
        # In a thread: the event loop must not be blocked for the 100 to 300 ms that the reference takes.
        document = await asyncio.to_thread(document_for, principal.role)
        return _document_response(request, kind, document)

    return Route(kind.path, serve_document)


def _document_response(request: Request, kind: DocumentKind, document: RoleDocument) -> Response:
    visibility = "private" if "authorization" in request.headers else "public"
    headers = {
        **kind.headers,
        "Cache-Control": f"{visibility}, no-cache",
        "ETag": document.etag,
        "Vary": "Accept-Encoding, Authorization",
        "X-Content-Type-Options": "nosniff",
    }
    known = request.headers.get("if-none-match", "")[:1000]
    if known.strip() == "*" or document.etag.removeprefix("W/") in known:
        return Response(status_code=304, headers=headers)
    body = document.plain
    if accepts_gzip(joined_header(request.scope, b"accept-encoding")[:1000]):
        body = document.gzipped
        headers["Content-Encoding"] = "gzip"
    return Response(body, headers=headers, media_type=kind.media_type)


def _error_response(error: HttpError) -> Response:
    raw = error.to_response(APPLICATION_JSON)
    response = Response(raw.body, raw.status)
    response.raw_headers = raw.build_headers()
    return response
