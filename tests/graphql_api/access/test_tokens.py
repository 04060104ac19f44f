"""Tokens are accepted from one issuer, for one audience, with its keys and algorithms, until they expire."""

import base64
import json
import time
from collections.abc import Generator
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import HMACAlgorithm, RSAAlgorithm

from graphql_api.access.errors import InvalidCredentialError
from graphql_api.access.jwks import JwksCache
from graphql_api.access.principal import Principal
from graphql_api.access.roles import Role
from graphql_api.access.tokens import MAX_SUBJECT_LENGTH, MAX_TOKEN_LENGTH, TokenVerifier, read_role
from tests.graphql_api.access.key_server import (
    AUDIENCE,
    ISSUER,
    KeyServer,
    claims,
    private_key,
    public_jwk,
    run_key_server,
    sign,
)

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
MALFORMED = "The token is malformed, or its signature is wrong."
OTHER_ALGORITHM = "The token is not signed by RS256 or ES256 (JWT_ALGORITHMS)."
UNKNOWN_KEY = "The token is signed by a key that the identity provider does not have."


@pytest.fixture
def provider() -> Generator[KeyServer]:
    """A provider with an RSA key that may sign by any algorithm, and an EC key."""
    with run_key_server() as provider:
        provider.publish(public_jwk("rsa", "RS256"), public_jwk("ec", "ES256"))
        yield provider


def create_verifier(
    provider: KeyServer, algorithms: tuple[str, ...] = ("RS256", "ES256"), role_claim: str = "role"
) -> TokenVerifier:
    return TokenVerifier(
        JwksCache(provider.url, algorithms),
        issuer=ISSUER,
        audience=AUDIENCE,
        algorithms=algorithms,
        role_claim=role_claim,
    )


async def refusal(verifier: TokenVerifier, token: str) -> str:
    """Return why a token is refused."""
    with pytest.raises(InvalidCredentialError) as caught:
        await verifier.authenticate(token)
    assert caught.value.__cause__ is None
    return str(caught.value)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_a_token_of_each_algorithm_is_accepted(algorithm: str) -> None:
    with run_key_server() as provider:
        provider.publish(public_jwk("signing", algorithm))
        verifier = create_verifier(provider, (algorithm,))

        principal = await verifier.authenticate(sign("signing", algorithm))

    assert principal == Principal("alice", Role.EDITOR, "token:alice")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exp": timedelta(minutes=-1)}, "The token has expired: request a new one."),
        ({"exp": "never"}, MALFORMED),
        ({"exp": None}, "The token has no claim exp."),
        ({"nbf": timedelta(hours=1)}, "The token is not valid yet."),
        ({"iat": timedelta(hours=1)}, "The token is not valid yet."),
        ({"aud": "another"}, "The token is for another audience."),
        ({"aud": ["another", "third"]}, "The token is for another audience."),
        ({"aud": None}, "The token has no claim aud."),
        ({"iss": f"{ISSUER}/"}, "The token is from another issuer."),
        ({"iss": None}, "The token has no claim iss."),
        ({"sub": None}, "The token has no claim sub."),
        ({"sub": 7}, MALFORMED),
        ({"sub": ""}, "The token's claim sub must have 1 to 255 printable characters."),
        ({"sub": "a\0b"}, "The token's claim sub must have 1 to 255 printable characters."),
        (
            {"sub": "x" * (MAX_SUBJECT_LENGTH + 1)},
            "The token's claim sub must have 1 to 255 printable characters.",
        ),
    ],
    ids=str,
)
async def test_a_token_with_a_wrong_claim_is_refused(
    provider: KeyServer, changes: dict[str, Any], reason: str
) -> None:
    changes = {
        claim: int(time.time() + value.total_seconds()) if isinstance(value, timedelta) else value
        for claim, value in changes.items()
    }
    token = claims(**changes) if "sub" in changes else None
    signed = (
        jwt.api_jws.encode(
            json.dumps(token).encode(), private_key("ec", "ES256"), "ES256", headers={"kid": "ec"}
        )
        if token is not None
        else sign("ec", **changes)
    )

    assert await refusal(create_verifier(provider), signed) == reason


async def test_a_token_may_have_several_audiences_and_the_longest_subject(provider: KeyServer) -> None:
    subject = "x" * MAX_SUBJECT_LENGTH

    principal = await create_verifier(provider).authenticate(
        sign("ec", aud=["another", AUDIENCE], sub=subject)
    )

    assert principal.name == subject


def encode_part(value: object) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def forge(header: object, signature: bytes = b"") -> str:
    return ".".join([encode_part(header), encode_part(claims(role="manager")), encode_part(signature)])


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "", None, 7, ["RS256"], "HS256", "ES384"])
async def test_a_token_by_an_algorithm_that_is_not_allowed_is_refused(
    provider: KeyServer, algorithm: object
) -> None:
    token = forge({"alg": algorithm, "kid": "rsa"})

    assert await refusal(create_verifier(provider), token) == OTHER_ALGORITHM
    assert provider.requests == 0


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
async def test_a_token_with_an_hmac_by_the_public_key_is_refused(provider: KeyServer) -> None:
    public = private_key("rsa", "RS256").public_key()
    for secret in (
        public.public_bytes(Encoding.DER, PublicFormat.PKCS1),
        json.dumps(public_jwk("rsa", "RS256")).encode(),
    ):
        header, payload = encode_part({"alg": "HS256", "kid": "rsa"}), encode_part(claims())
        hmac = HMACAlgorithm(HMACAlgorithm.SHA256)
        signature = hmac.sign(f"{header}.{payload}".encode(), secret)

        token = f"{header}.{payload}.{encode_part(signature)}"

        assert await refusal(create_verifier(provider), token) == OTHER_ALGORITHM


async def test_a_symmetric_key_of_a_key_set_verifies_nothing() -> None:
    secret = b"x" * 64
    with run_key_server() as provider:
        provider.publish(
            {"kty": "oct", "kid": "secret", "alg": "HS256", "k": encode_part(secret)},
            {"kty": "oct", "kid": "secret", "alg": "RS256", "k": encode_part(secret)},
            public_jwk("ec"),
        )
        verifier = create_verifier(provider)
        hmac = jwt.encode(claims(), secret, "HS256", headers={"kid": "secret"})

        assert await refusal(verifier, hmac) == OTHER_ALGORITHM
        assert await refusal(verifier, forge({"alg": "RS256", "kid": "secret"}, secret)) == UNKNOWN_KEY


async def test_a_key_verifies_only_by_the_algorithm_that_it_names() -> None:
    algorithms = ("RS256", "RS512")
    with run_key_server() as provider:
        provider.publish(public_jwk("named", "RS256", alg="RS256"), public_jwk("any", "RS256"))
        verifier = create_verifier(provider, algorithms)

        accepted = [
            await verifier.authenticate(token)
            for token in (sign("named", "RS256"), sign("any", "RS256"), sign_by_rs512("any"))
        ]

        assert {principal.name for principal in accepted} == {"alice"}
        assert await refusal(verifier, sign_by_rs512("named")) == UNKNOWN_KEY


def sign_by_rs512(key_id: str) -> str:
    return jwt.encode(claims(), private_key(key_id, "RS256"), "RS512", headers={"kid": key_id})


async def test_a_token_whose_signature_is_of_another_key_or_content_is_refused(provider: KeyServer) -> None:
    verifier = create_verifier(provider)
    foreign = jwt.encode(claims(), private_key("foreign", "ES256"), "ES256", headers={"kid": "ec"})
    header, _, signature = sign("ec").split(".")
    changed = f"{header}.{encode_part(claims(role='manager'))}.{signature}"
    by_ec_as_rsa = forge({"alg": "RS256", "kid": "ec"})

    assert await refusal(verifier, foreign) == MALFORMED
    assert await refusal(verifier, changed) == MALFORMED
    assert await refusal(verifier, by_ec_as_rsa) == UNKNOWN_KEY


async def test_a_short_rsa_key_verifies_nothing() -> None:
    short = rsa.generate_private_key(65_537, 1_024)  # noqa: S505
    with run_key_server() as provider:
        provider.publish(RSAAlgorithm.to_jwk(short.public_key(), as_dict=True) | {"kid": "short"})
        with pytest.warns(jwt.warnings.InsecureKeyLengthWarning):
            token = jwt.encode(claims(), short, "RS256", headers={"kid": "short"})

        assert await refusal(create_verifier(provider), token) == MALFORMED


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "a.b.c",
        "..",
        "é.é.é",
        forge([]),
        forge(b"\xff"),
        forge(b"[" * 3_000),
        forge({"alg": "ES256", "kid": 7}),
        forge({"alg": "ES256", "kid": "ec", "crit": ["exp"]}),
    ],
)
async def test_a_malformed_token_is_refused_without_a_fetch(provider: KeyServer, token: str) -> None:
    assert await refusal(create_verifier(provider), token) == MALFORMED
    assert provider.requests == 0


async def test_a_token_that_names_no_key_is_refused_without_a_fetch(provider: KeyServer) -> None:
    assert await refusal(create_verifier(provider), forge({"alg": "ES256"})) == UNKNOWN_KEY
    assert provider.requests == 0


async def test_a_token_of_more_than_the_maximum_length_is_refused(provider: KeyServer) -> None:
    verifier = create_verifier(provider)

    assert await refusal(verifier, "x" * MAX_TOKEN_LENGTH) == MALFORMED
    assert await refusal(verifier, "x" * (MAX_TOKEN_LENGTH + 1)) == (
        "The token is too long; at most 8,192 characters are allowed."
    )


@pytest.mark.parametrize(
    ("claim", "value", "role"),
    [
        ("role", {"role": "manager"}, Role.MANAGER),
        ("role", {"role": "Editor"}, Role.EDITOR),
        ("role", {"role": "public"}, Role.PUBLIC),
        ("role", {"role": ["viewer", "editor", "manager"]}, Role.MANAGER),
        ("scope", {"scope": "openid editor"}, Role.EDITOR),
        ("realm_access.roles", {"realm_access": {"roles": ["editor", 7, None]}}, Role.EDITOR),
        ("https://shop.example/role", {"https://shop.example/role": "editor"}, Role.EDITOR),
        ("role", {}, Role.PUBLIC),
        ("role", {"role": "owner"}, Role.PUBLIC),
        ("role", {"role": 2}, Role.PUBLIC),
        ("role", {"role": {"manager": True}}, Role.PUBLIC),
        ("role", {"role": None, "x": "manager"}, Role.PUBLIC),
        ("a.b.c", {"a": {"b": "manager"}}, Role.PUBLIC),
    ],
)
def test_the_role_is_the_highest_in_the_claim(claim: str, value: dict[str, Any], role: Role) -> None:
    assert read_role(value, claim) is role
