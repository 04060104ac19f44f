"""The authenticator: it decides which principal sends a request."""

import asyncio
from typing import Protocol

from db.database import Database
from graphql_api.access.errors import InvalidCredentialError, MissingCredentialError
from graphql_api.access.keyring import KeyRing
from graphql_api.access.keys import KEY_PREFIX, is_key
from graphql_api.access.principal import PUBLIC, Principal


class TokenAuthenticator(Protocol):
    """Verifies tokens. It is a protocol so that a server without tokens does not load their libraries."""

    async def authenticate(self, token: str) -> Principal:
        """Return the principal of a token."""
        ...

    async def run(self) -> None:
        """Keep the keys of the provider up to date, until cancelled."""
        ...


class Authenticator:
    """Finds the principal of a request by its Authorization header.

    Without `public_access` a request without a credential is refused. Without `tokens` only access keys are
    accepted.
    """

    def __init__(
        self, key_ring: KeyRing, tokens: TokenAuthenticator | None = None, *, public_access: bool = True
    ) -> None:
        self.key_ring = key_ring
        self.tokens = tokens
        self.public_access = public_access

    async def authenticate(self, authorization: str | None, database: Database) -> Principal:
        """Return the principal for the value of the header, or for its absence.

        A key that this process does not hold is looked up in `database`. Raise AuthenticationError if the
        request is refused, VerificationUnavailableError if it cannot be decided, and what `database` raises.
        """
        if authorization is None:
            if self.public_access:
                return PUBLIC
            raise MissingCredentialError(
                "Queries need an access key: send it in the header Authorization: Bearer KEY."
            )
        scheme, _, credential = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise MissingCredentialError(
                "The Authorization header has no credential of the scheme Bearer: send Bearer KEY."
            )
        return await self._authenticate_credential(credential.strip(), database)

    async def run(self) -> None:
        """Keep the keys of clients and of the provider up to date, until cancelled."""
        keepers = (self.key_ring, self.tokens) if self.tokens is not None else (self.key_ring,)
        await asyncio.gather(*(each.run() for each in keepers))

    async def _authenticate_credential(self, credential: str, database: Database) -> Principal:
        if credential.startswith(KEY_PREFIX):
            if not is_key(credential):
                raise InvalidCredentialError("The access key is malformed: check that it is complete.")
            return await self.key_ring.authenticate(credential, database)
        if self.tokens is None:
            raise InvalidCredentialError(
                f"The credential is not an access key: keys start with {KEY_PREFIX}."
            )
        return await self.tokens.authenticate(credential)
