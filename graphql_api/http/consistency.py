"""Consistency tokens: a client brings the last one that it received, and never reads an older catalog.

Only a server with replicas has tokens. They are in a header and in `extensions.consistency`.
"""

from dataclasses import dataclass
from typing import Any

import orjson
from starlette.types import Scope

from db.connections.cluster import Cluster, TokenStatus
from db.connections.positions import Position
from db.connections.session import ReadSession
from db.connections.supervisor import PoolSupervisor
from db.errors import DatabaseError
from graphql_api.http.graphql_requests import GraphQLRequest, header_value
from graphql_api.http.responses import Header, HttpError, RawResponse, catalog_unavailable

HEADER = b"consistency-token"


@dataclass(frozen=True, slots=True)
class Consistency:
    """The token of a response, and the status of the token that its request brought."""

    token: str
    status: TokenStatus = TokenStatus.CURRENT

    def to_extension(self) -> dict[str, str]:
        return {"token": self.token, "status": self.status.value}

    def to_headers(self) -> list[Header]:
        """Return the headers of a response, which a shared cache must not give to another token."""
        return [(HEADER, self.token.encode()), (b"vary", HEADER)]


def read_token(scope: Scope, request: GraphQLRequest) -> Position | None:
    """Return the position that a request must see, by its header or else by its extension.

    A text that is no token of this version is ignored: clients keep tokens for longer than servers run.
    """
    text = header_value(scope, HEADER).decode("latin-1") or request.consistency_token
    return Position.from_token(text) if text else None


async def open_routed_session(cluster: Cluster, token: Position | None) -> tuple[ReadSession, TokenStatus]:
    """Return the session for a query's reads, and the status of its token.

    Raise HttpError if no server can be reached that has replayed the token's position.
    """
    try:
        route = await cluster.route(token)
    except DatabaseError as error:
        raise catalog_unavailable(error) from error
    return ReadSession(route.supervisor, cluster.primary), route.status


async def read_consistency(
    cluster: Cluster, supervisor: PoolSupervisor, status: TokenStatus = TokenStatus.CURRENT
) -> Consistency:
    """Return the token of everything that was visible at a server. Raise HttpError if the server is lost."""
    try:
        return Consistency((await cluster.read_position(supervisor)).to_token(), status)
    except DatabaseError as error:
        raise catalog_unavailable(error) from error


async def add_token_of_write(response: RawResponse, cluster: Cluster) -> None:
    """Add the token of a committed mutation to its response.

    The kept answer to an Idempotency-Key has no token: each response to it gets a new one. If the primary is
    lost after the commit, the response has none either.
    """
    try:
        consistency = await read_consistency(cluster, cluster.primary)
    except HttpError:
        return
    payload: dict[str, Any] = orjson.loads(response.body)
    payload.setdefault("extensions", {})["consistency"] = consistency.to_extension()
    response.body = orjson.dumps(payload)
    response.headers = [*response.headers, *consistency.to_headers()]
