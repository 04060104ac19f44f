"""The Idempotency-Key header: it makes the retry of a mutation safe.

See https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/.
"""

from hashlib import sha256

import orjson
from starlette.types import Scope

from db.writes.answers import RequestKey
from graphql_api.access.principal import Principal
from graphql_api.http.graphql_requests import GraphQLRequest
from graphql_api.http.responses import HttpError

MAX_KEY_LENGTH = 255
"""Maximum length of an idempotency key in characters."""


def read_request_key(scope: Scope, request: GraphQLRequest, principal: Principal) -> RequestKey | None:
    """Return the idempotency key of a request, or None if it has none.

    Raise HttpError if the key is invalid.
    """
    values = [value for name, value in scope["headers"] if name == b"idempotency-key"]
    if not values:
        return None
    if len(values) > 1:
        raise HttpError(400, "The request has two Idempotency-Key headers: send one.")
    key = values[0].decode("latin-1").strip()
    if len(key) > 1 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not key or len(key) > MAX_KEY_LENGTH or not (key.isascii() and key.isprintable()):
        raise HttpError(
            400,
            f"The Idempotency-Key header has no valid key: send 1 to {MAX_KEY_LENGTH} printable ASCII "
            "characters, for example a UUID.",
        )
    return RequestKey(principal.identity, key, _hash_request(request))


def _hash_request(request: GraphQLRequest) -> bytes:
    asked = [request.query, request.operation_name, request.variables, request.wants_cost]
    return sha256(orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)).digest()
