"""Settings: one frozen object, read from the environment once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

from graphql_api.execution.limits import LIMITS, Limits


class SettingsError(ValueError):
    """The value of a setting is invalid. The message names the environment variable."""


@dataclass(frozen=True, slots=True)
class _Rule:
    """Checks a value with `is_valid`. `advice` describes the valid values in an error message."""

    is_valid: Callable[[Any], bool]
    advice: str


_ANY_VALUE = _Rule(lambda _: True, "")
_PORT_NUMBER = _Rule(lambda value: 0 <= value <= 65535, "a number from 0 to 65535")
_AT_LEAST_ONE = _Rule(lambda value: value >= 1, "at least 1")
_NON_NEGATIVE = _Rule(lambda value: value >= 0, "0 or more")
_POSITIVE_SECONDS = _Rule(lambda value: 0 < value < float("inf"), "seconds above 0")
_ASYMMETRIC_ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)
"""The algorithms of tokens. With HS256 a verifier could forge tokens; with none anybody could."""

_ALGORITHM_LIST = _Rule(
    lambda value: bool(_split_list(value)) and set(_split_list(value)) <= set(_ASYMMETRIC_ALGORITHMS),
    f"some of {', '.join(_ASYMMETRIC_ALGORITHMS)}, separated by commas",
)
_KEY_SET_LOCATION = _Rule(
    lambda value: value is None or "://" not in value or _is_address(value),
    "an http or https address without a password, or the path of a file",
)
_POSITIVE_RATE = _Rule(lambda value: 0 < value < float("inf"), "a number above 0")
_LOG_LEVEL = _Rule(
    lambda value: value in ("debug", "info", "warning", "error"), "debug, info, warning or error"
)
_TRUST_MODE = _Rule(lambda value: value in ("off", "log", "enforce"), "off, log or enforce")
_ORIGIN_LIST = _Rule(
    lambda value: all(map(_is_origin, _split_list(value))),
    "origins like https://shop.example, separated by commas, or *",
)


def _setting(default: Any, description: str, rule: _Rule = _ANY_VALUE, *, secret: bool = False) -> Any:
    """Return a field of Settings. A secret is left out of the repr."""
    return field(default=default, repr=not secret, metadata={"description": description, "rule": rule})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of a process. Each field is read from the environment variable of its name in capitals."""

    host: str = _setting("127.0.0.1", "Address to listen on.")
    port: int = _setting(8000, "Port to listen on; 0 selects a free port.", _PORT_NUMBER)
    uds: Path | None = _setting(None, "Path of the Unix socket to listen on, instead of HOST and PORT.")
    workers: int = _setting(
        1, "Number of server processes. Each has a separate connection pool.", _AT_LEAST_ONE
    )
    database_url: str | None = _setting(
        None, "URL of the PostgreSQL database (default: the embedded PostgreSQL).", secret=True
    )
    replica_urls: str = _setting(
        "",
        "URLs of the replicas that answer reads, separated by spaces; `hosts`: the hosts of DATABASE_URL.",
        secret=True,
    )
    max_replica_lag: float = _setting(
        5.0, "How far a replica that answers reads may be behind, in seconds.", _POSITIVE_SECONDS
    )
    max_replica_lag_bytes: int = _setting(
        64_000_000, "How far a replica that answers reads may be behind, in bytes of WAL.", _AT_LEAST_ONE
    )
    catch_up_timeout: float = _setting(
        0.05, "How long a request waits for a replica to catch up, in seconds.", _NON_NEGATIVE
    )
    direct_database_url: str | None = _setting(
        None,
        "URL of the same database without a pooler, for every command and for migrations.",
        secret=True,
    )
    data_dir: Path = _setting(Path(".data"), "Folder of the embedded PostgreSQL.")
    postgres_bin: Path | None = _setting(
        None, "Folder bin of the PostgreSQL to embed (default: the installed wheel's)."
    )
    pool_size: int = _setting(5, "Maximum number of connections to PostgreSQL per process.", _AT_LEAST_ONE)
    pool_timeout: float = _setting(
        1.0, "Timeout for acquiring a connection from the pool, in seconds.", _POSITIVE_SECONDS
    )
    command_timeout: float = _setting(5.0, "Timeout of a statement in seconds.", _POSITIVE_SECONDS)
    request_timeout: float = _setting(5.0, "Timeout of a request in seconds.", _POSITIVE_SECONDS)
    client_timeout: float = _setting(
        10.0, "Timeout in seconds for a client to send a request or to read its response.", _POSITIVE_SECONDS
    )
    keep_alive_timeout: float = _setting(
        5.0, "Timeout of an idle client connection in seconds.", _POSITIVE_SECONDS
    )
    drain_timeout: float = _setting(
        8.0, "How long a shutdown waits for running requests, in seconds.", _POSITIVE_SECONDS
    )
    max_connections: int = _setting(1_000, "Maximum number of client connections per process.", _AT_LEAST_ONE)
    max_concurrent_requests: int = _setting(
        64, "Maximum number of requests that a process runs concurrently.", _AT_LEAST_ONE
    )
    max_queued_requests: int = _setting(
        800, "Maximum queue length; reduced to 1/8 while the queue has not been empty for 5 s.", _NON_NEGATIVE
    )
    max_body_bytes: int = _setting(
        100_000, "Maximum size of a request body and of a URL in bytes (URL: at most 65,535).", _AT_LEAST_ONE
    )
    max_upload_bytes: int = _setting(
        5_000_000, "Maximum size of a request body of an editor or a manager in bytes.", _AT_LEAST_ONE
    )
    max_response_bytes: int = _setting(10_000_000, "Maximum size of a response in bytes.", _AT_LEAST_ONE)
    max_document_length: int = _setting(
        LIMITS.document_length, "Maximum length of a document in characters.", _AT_LEAST_ONE
    )
    max_tokens: int = _setting(
        LIMITS.tokens, "Maximum number of tokens in a document, including comments.", _AT_LEAST_ONE
    )
    max_operations: int = _setting(
        LIMITS.operations, "Maximum number of operations in a document.", _AT_LEAST_ONE
    )
    max_fragments: int = _setting(
        LIMITS.fragments, "Maximum number of fragment definitions in a document.", _AT_LEAST_ONE
    )
    max_variables: int = _setting(
        LIMITS.variables, "Maximum number of variables of an operation.", _AT_LEAST_ONE
    )
    max_depth: int = _setting(
        LIMITS.depth,
        "Maximum depth of nested fields in an operation, excluding introspection fields.",
        _AT_LEAST_ONE,
    )
    max_fields: int = _setting(
        LIMITS.fields,
        "Maximum number of fields in an operation, including those of its fragment spreads.",
        _AT_LEAST_ONE,
    )
    max_aliases: int = _setting(
        LIMITS.aliases,
        "Maximum number of aliases in an operation, including those of its fragment spreads.",
        _AT_LEAST_ONE,
    )
    max_directives: int = _setting(
        LIMITS.directives,
        "Maximum number of directives in an operation, including those of its fragment spreads.",
        _AT_LEAST_ONE,
    )
    max_directives_per_location: int = _setting(
        LIMITS.directives_per_location, "Maximum number of directives at one location.", _AT_LEAST_ONE
    )
    max_comparisons: int = _setting(
        LIMITS.comparisons,
        "Maximum number of comparisons between fields of the same name during validation.",
        _AT_LEAST_ONE,
    )
    max_list_argument: int = _setting(
        LIMITS.list_argument, "Maximum number of values in a list argument.", _AT_LEAST_ONE
    )
    max_cost: int = _setting(LIMITS.cost, "Maximum cost of an operation in rows.", _AT_LEAST_ONE)
    cost_capacity: int = _setting(
        0, "Cost that a client may ask for at once, in rows; 0: as much as it wants.", _NON_NEGATIVE
    )
    cost_restore_rate: float = _setting(
        1_000.0, "Cost that a client may ask for again each second, up to COST_CAPACITY.", _POSITIVE_RATE
    )
    trusted_proxies: int = _setting(
        0, "How many proxies in front of the server add to X-Forwarded-For; 0: none.", _NON_NEGATIVE
    )
    max_response_values: int = _setting(
        LIMITS.response_values,
        "Maximum number of values that an operation may request, including objects.",
        _AT_LEAST_ONE,
    )
    trusted_documents: str = _setting(
        "", "Files with the trusted documents (manifests), separated by commas."
    )
    trusted_documents_mode: str = _setting(
        "off",
        "Whether other documents run (`off`), run and are logged (`log`), or are refused (`enforce`).",
        _TRUST_MODE,
    )
    introspection: bool = _setting(True, "Whether clients may read the schema by introspection.")
    suggestions: bool | None = _setting(
        None, 'Whether errors suggest names ("Did you mean …"); by default as `INTROSPECTION`.'
    )
    explorer: bool = _setting(
        True, "Whether browsers get GraphiQL at the path of the API; otherwise a page says so."
    )
    storefront: bool = _setting(True, "Whether browsers get the example storefront at the root path.")
    cors_origins: str = _setting(
        "", "Origins allowed by CORS, separated by commas; * allows all.", _ORIGIN_LIST
    )
    public_access: bool = _setting(True, "Whether requests without an access key are answered.")
    jwt_issuer: str | None = _setting(None, "Issuer of the tokens to accept, as in their claim iss.")
    jwt_audience: str | None = _setting(None, "Audience of the tokens to accept, as in their claim aud.")
    jwt_jwks: str | None = _setting(
        None,
        "Address or file of the issuer's keys, a JSON Web Key Set.",
        _KEY_SET_LOCATION,
        secret=True,
    )
    jwt_algorithms: str = _setting(
        "RS256,ES256", "Algorithms of the tokens to accept, separated by commas.", _ALGORITHM_LIST
    )
    jwt_role_claim: str = _setting(
        "role", "Claim of a token with its role or roles, or the path to it with dots."
    )
    metrics: bool = _setting(False, "Whether /metrics serves counters of executed operations for Prometheus.")
    log_level: str = _setting("info", "Log level: debug, info, warning or error.", _LOG_LEVEL)

    def __post_init__(self) -> None:
        for entry in fields(self):
            value, rule = getattr(self, entry.name), entry.metadata["rule"]
            if not rule.is_valid(value):
                shown = repr(value) if isinstance(value, str) else value
                if not entry.repr:
                    shown = "not valid"
                raise SettingsError(f"{entry.name.upper()} is {shown}: give {rule.advice}.")
        tokens = {key: getattr(self, key.lower()) for key in ("JWT_ISSUER", "JWT_AUDIENCE", "JWT_JWKS")}
        missing = [key for key, value in tokens.items() if not value]
        if 0 < len(missing) < len(tokens):
            raise SettingsError(f"{missing[0]} is not set: set all of {', '.join(tokens)}, or none.")
        if self.trusted_documents_mode != "off" and not self.manifest_paths:
            raise SettingsError(
                f"TRUSTED_DOCUMENTS is not set: give the manifests for TRUSTED_DOCUMENTS_MODE="
                f"{self.trusted_documents_mode}."
            )

    @property
    def limits(self) -> Limits:
        return Limits(**{entry.name: getattr(self, f"max_{entry.name}") for entry in fields(Limits)})

    @property
    def suggests_names(self) -> bool:
        return self.introspection if self.suggestions is None else self.suggestions

    @property
    def origins(self) -> list[str]:
        return _split_list(self.cors_origins)

    @property
    def manifest_paths(self) -> list[Path]:
        return [Path(part) for part in _split_list(self.trusted_documents)]

    @property
    def token_algorithms(self) -> list[str]:
        return _split_list(self.jwt_algorithms)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Return the settings of an environment. An empty variable counts as not set.

        Raise SettingsError if the value of a variable is invalid.
        """
        values: dict[str, Any] = {}
        for entry in fields(cls):
            key = entry.name.upper()
            if text := environment.get(key, "").strip():
                values[entry.name] = _parse_value(key, text, entry.type)
        return cls(**values)


def _parse_value(key: str, text: str, field_type: Any) -> Any:
    if bool in (field_type, *get_args(field_type)):
        if text.lower() not in _BOOLEANS:
            raise SettingsError(f"{key} is {text!r}: give true or false.")
        return _BOOLEANS[text.lower()]
    if field_type in (int, float):
        try:
            return field_type(text)
        except ValueError:
            raise SettingsError(f"{key} is {text!r}: give a number.") from None
    return Path(text) if Path in (field_type, *get_args(field_type)) else text


_BOOLEANS = {"true": True, "yes": True, "on": True, "1": True} | dict.fromkeys(
    ("false", "no", "off", "0"), False
)


def _split_list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _is_address(text: str) -> bool:
    parts = urlsplit(text)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc


def _is_origin(text: str) -> bool:
    parts = urlsplit(text)
    return text == "*" or (parts.scheme in ("http", "https") and text == f"{parts.scheme}://{parts.netloc}")
