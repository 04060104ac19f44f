"""Authentication over HTTP: the Authorization header, and the responses to requests that are refused."""

from collections.abc import Sequence

from starlette.types import Scope

from db.database import Database
from db.errors import DatabaseError, StatementTimeoutError
from graphql_api.access.authenticator import Authenticator
from graphql_api.access.errors import (
    AuthenticationError,
    InvalidCredentialError,
    VerificationUnavailableError,
)
from graphql_api.access.principal import Principal
from graphql_api.http.responses import Header, HttpError, service_unavailable

# RFC 6750, section 3: a challenge has an error only if the request has a credential.
_CHALLENGE: Sequence[Header] = [(b"www-authenticate", b'Bearer realm="bookstore"')]
_INVALID_TOKEN: Sequence[Header] = [(b"www-authenticate", b'Bearer realm="bookstore", error="invalid_token"')]


async def authenticate_request(scope: Scope, authenticator: Authenticator, database: Database) -> Principal:
    """Return the principal of a request.

    Raise HttpError: 401 if the request is refused, 503 if that cannot be decided now.
    """
    values = [value for name, value in scope["headers"] if name == b"authorization"]
    if len(values) > 1:
        raise HttpError(400, f"The request has {len(values)} Authorization headers: send one.")
    try:
        return await authenticator.authenticate(values[0].decode("latin-1") if values else None, database)
    except AuthenticationError as error:
        headers = _INVALID_TOKEN if isinstance(error, InvalidCredentialError) else _CHALLENGE
        raise HttpError(401, str(error), headers, code="UNAUTHENTICATED") from None
    except VerificationUnavailableError as error:
        raise service_unavailable(str(error)) from error
    except DatabaseError as error:
        code = "TIMEOUT" if isinstance(error, StatementTimeoutError) else "SERVICE_UNAVAILABLE"
        raise service_unavailable("The access key cannot be checked now: retry later.", code) from error
