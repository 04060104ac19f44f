"""Tokens: JSON Web Tokens that an identity provider has signed."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import jwt
from jwt import PyJWTError

from graphql_api.access.errors import InvalidCredentialError
from graphql_api.access.jwks import JwksCache
from graphql_api.access.principal import Principal
from graphql_api.access.roles import Role

MAX_TOKEN_LENGTH = 8_192
"""Maximum length of a token in characters."""

MAX_SUBJECT_LENGTH = 255
"""Maximum length of a subject in characters (OpenID Connect Core 1.0, section 2)."""

CLOCK_SKEW = 10.0
"""Seconds by which the clocks of the provider and of this server may differ."""

_REQUIRED_CLAIMS = ("exp", "iss", "aud", "sub")

_REASONS: dict[type[PyJWTError], str] = {
    jwt.ExpiredSignatureError: "The token has expired: request a new one.",
    jwt.ImmatureSignatureError: "The token is not valid yet.",
    jwt.InvalidAudienceError: "The token is for another audience.",
    jwt.InvalidIssuerError: "The token is from another issuer.",
}
_MALFORMED = "The token is malformed, or its signature is wrong."


class TokenVerifier:
    """Verifies tokens of one issuer for one audience.

    `algorithms` are those accepted, all asymmetric. `role_claim` is the name of the claim with the role or
    roles, or the path to it with dots.
    """

    def __init__(
        self, keys: JwksCache, *, issuer: str, audience: str, algorithms: Sequence[str], role_claim: str
    ) -> None:
        self.keys = keys
        self.issuer = issuer
        self.audience = audience
        self.algorithms = algorithms
        self.role_claim = role_claim

    async def authenticate(self, token: str) -> Principal:
        """Return the principal of a token.

        Raise InvalidCredentialError if the token is not valid here, and VerificationUnavailableError if the
        keys of the provider could never be fetched.
        """
        if len(token) > MAX_TOKEN_LENGTH:
            raise InvalidCredentialError(
                f"The token is too long; at most {MAX_TOKEN_LENGTH:,} characters are allowed."
            )
        try:
            claims = await self._verify(token)
        except PyJWTError as error:
            raise InvalidCredentialError(_describe_error(error)) from None
        subject: str = claims["sub"]
        if not 0 < len(subject) <= MAX_SUBJECT_LENGTH or not subject.isprintable():
            raise InvalidCredentialError(
                f"The token's claim sub must have 1 to {MAX_SUBJECT_LENGTH} printable characters."
            )
        return Principal(subject, read_role(claims, self.role_claim), f"token:{subject}")

    async def run(self) -> None:
        """Keep the keys of the provider up to date, until cancelled."""
        await self.keys.run()

    async def _verify(self, token: str) -> Mapping[str, Any]:
        """Return the claims of a valid token, whose `sub` is a string. Raise PyJWTError otherwise."""
        header = jwt.get_unverified_header(token)
        algorithm: Any = header.get("alg")
        key_id: Any = header.get("kid")
        if algorithm not in self.algorithms:
            raise InvalidCredentialError(
                f"The token is not signed by {' or '.join(self.algorithms)} (JWT_ALGORITHMS)."
            )
        key = await self.keys.find(key_id, algorithm) if isinstance(key_id, str) else None
        if key is None:
            raise InvalidCredentialError(
                "The token is signed by a key that the identity provider does not have."
            )
        return jwt.decode(
            token,
            key,
            algorithms=self.algorithms,
            audience=self.audience,
            issuer=self.issuer,
            leeway=CLOCK_SKEW,
            options={"require": list(_REQUIRED_CLAIMS), "enforce_minimum_key_length": True},
        )


def _describe_error(error: PyJWTError) -> str:
    if isinstance(error, jwt.MissingRequiredClaimError):
        return f"The token has no claim {error.claim}."
    return _REASONS.get(type(error), _MALFORMED)


def read_role(claims: Mapping[str, Any], claim: str) -> Role:
    """Return the highest role in a claim: a role, several with spaces, or a list. Case does not matter.

    `claim` is the name of a claim, or a path with dots such as realm_access.roles. A token without a role of
    this API may do what the public may do.
    """
    value = claims.get(claim) if claim in claims else _follow_path(claims, claim)
    names = cast("list[Any]", value) if isinstance(value, list) else [value]
    words = [word for name in names if isinstance(name, str) for word in name.upper().split()]
    return max((Role[word] for word in words if word in Role.__members__), default=Role.PUBLIC)


def _follow_path(claims: Mapping[str, Any], path: str) -> Any:
    value: Any = claims
    for step in path.split("."):
        value = cast("Mapping[str, Any]", value).get(step) if isinstance(value, dict) else None
    return value
