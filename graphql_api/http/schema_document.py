"""The schema of a client's role as a document, for tools that read a file: code generators, linters, editors.

Introspection does not show `@oneOf`, `@cost` and `@listSize`; the document has them.
"""

import gzip
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
from graphql_api.http.paths import SCHEMA_PATH
from graphql_api.http.responses import HttpError
from graphql_api.schema import schema_for

_HEADERS = {
    "Content-Disposition": 'inline; filename="schema.graphql"',
    "Vary": "Accept-Encoding, Authorization",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class SchemaDocument:
    """A role's schema, plain and compressed. `etag` is weak: it is the same for both."""

    plain: bytes
    gzipped: bytes
    etag: str


@cache
def schema_document(role: Role) -> SchemaDocument:
    """Return the document of a role, which is built once."""
    plain = f"{schema_for(role).as_str()}\n".encode()
    return SchemaDocument(plain, gzip.compress(plain, mtime=0), f'W/"{sha256(plain).hexdigest()[:32]}"')


def schema_route(authenticator: Authenticator, cluster: Cluster, *, introspection: bool) -> Route:
    """Return the route of the schema. Without introspection it is not found."""

    async def serve_schema(request: Request) -> Response:
        try:
            if not introspection:
                raise HttpError(404, "The schema is not served: this server runs with INTROSPECTION=false.")
            session = cluster.open_session()
            try:
                principal = await authenticate_request(request.scope, authenticator, session)
            finally:
                session.cancel()
        except HttpError as error:
            return _error_response(error)
        return _document_response(request, principal.role)

    return Route(SCHEMA_PATH, serve_schema, name="schema")


def _document_response(request: Request, role: Role) -> Response:
    document = schema_document(role)
    visibility = "private" if "authorization" in request.headers else "public"
    headers = {**_HEADERS, "Cache-Control": f"{visibility}, no-cache", "ETag": document.etag}
    known = request.headers.get("if-none-match", "")[:1000]
    if known.strip() == "*" or document.etag.removeprefix("W/") in known:
        return Response(status_code=304, headers=headers)
    body = document.plain
    if accepts_gzip(joined_header(request.scope, b"accept-encoding")[:1000]):
        body = document.gzipped
        headers["Content-Encoding"] = "gzip"
    return Response(body, headers=headers, media_type="text/plain")


def _error_response(error: HttpError) -> Response:
    raw = error.to_response(APPLICATION_JSON)
    response = Response(raw.body, raw.status)
    response.raw_headers = raw.build_headers()
    return response
