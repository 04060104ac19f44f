"""The settings: one frozen object, read from the environment once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

from graphql_api.execution.limits import LIMITS, Limits


class SettingsError(ValueError):
    """A setting cannot be used; the message names its key."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a value must fulfil, and what to give instead of one that does not."""

    fulfilled: Callable[[Any], bool]
    advice: str


ANY = Rule(lambda _: True, "")
PORT = Rule(lambda value: 0 <= value <= 65535, "a number from 0 to 65535")
COUNT = Rule(lambda value: value >= 1, "at least 1")
PAGE = Rule(lambda value: 1 <= value <= LIMITS.page, f"a number from 1 to {LIMITS.page}")
PLACES = Rule(lambda value: value >= 0, "0 or more")
SECONDS = Rule(lambda value: 0 < value < float("inf"), "seconds above 0")
LEVEL = Rule(lambda value: value in ("debug", "info", "warning", "error"), "debug, info, warning or error")
ORIGINS = Rule(
    lambda value: all(map(is_origin, origins(value))), "origins like https://shop.example, with commas, or *"
)


def setting(default: Any, description: str, rule: Rule = ANY, *, shown: bool = True) -> Any:
    return field(default=default, repr=shown, metadata={"description": description, "rule": rule})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Each field is read from the environment variable of its name in capitals."""

    host: str = setting("127.0.0.1", "The address to listen on.")
    port: int = setting(8000, "The port to listen on; 0 picks a free one.", PORT)
    uds: Path | None = setting(None, "The Unix socket to listen on, in place of HOST and PORT.")
    workers: int = setting(1, "How many processes serve; each has a pool of its own.", COUNT)
    database_url: str | None = setting(
        None, "The PostgreSQL to use, as a URL; the embedded one if it is not set.", shown=False
    )
    data: Path = setting(Path(".data"), "The folder of the embedded PostgreSQL.")
    postgres_bin: Path | None = setting(
        None, "The bin folder of the PostgreSQL to embed; the installed wheel's if it is not set."
    )
    pool_size: int = setting(5, "How many connections to PostgreSQL are opened at the most.", COUNT)
    connection_wait: float = setting(1.0, "How many seconds a read waits for a connection.", SECONDS)
    command_timeout: float = setting(5.0, "After how many seconds a statement is given up.", SECONDS)
    request_timeout: float = setting(5.0, "After how many seconds a request is given up.", SECONDS)
    sender_timeout: float = setting(
        10.0, "How many seconds a client may take to send a request, or to take its answer.", SECONDS
    )
    keep_alive_timeout: float = setting(
        5.0, "How many seconds an idle connection of a client is kept open.", SECONDS
    )
    drain_timeout: float = setting(
        8.0, "How many seconds a server that ends waits for its last requests.", SECONDS
    )
    max_connections: int = setting(1_000, "How many connections of clients a process keeps open.", COUNT)
    max_requests: int = setting(64, "How many requests a process works on at once.", COUNT)
    max_waiting: int = setting(
        800, "How many more may wait until it works on them; an eighth of it when they always do.", PLACES
    )
    max_body: int = setting(
        100_000, "How many bytes a request's body may have, and its address: that 65,535 at the most.", COUNT
    )
    max_response: int = setting(10_000_000, "How many bytes an answer may have.", COUNT)
    max_source: int = setting(LIMITS.source, "How many characters a document may have.", COUNT)
    max_tokens: int = setting(LIMITS.tokens, "How many tokens it may have, comments included.", COUNT)
    max_operations: int = setting(LIMITS.operations, "How many operations it may have.", COUNT)
    max_fragments: int = setting(LIMITS.fragments, "How many fragments it may define.", COUNT)
    max_variables: int = setting(LIMITS.variables, "How many variables an operation may have.", COUNT)
    max_depth: int = setting(
        LIMITS.depth, "How deep its fields may nest, those of introspection aside.", COUNT
    )
    max_fields: int = setting(LIMITS.fields, "How many fields it may have, its fragments spread.", COUNT)
    max_aliases: int = setting(LIMITS.aliases, "How many aliases it may have, its fragments spread.", COUNT)
    max_directives: int = setting(
        LIMITS.directives, "How many directives it may have, its fragments spread.", COUNT
    )
    max_directives_in_place: int = setting(
        LIMITS.directives_in_place, "How many directives may stand in one place.", COUNT
    )
    max_comparisons: int = setting(
        LIMITS.comparisons, "How often fields of one name may be compared in validation.", COUNT
    )
    max_list: int = setting(LIMITS.list, "How many values a list in an argument may have.", COUNT)
    max_page: int = setting(LIMITS.page, "How many entries a page may have; 100 at the most.", PAGE)
    max_cost: int = setting(LIMITS.cost, "How many rows an operation may ask for.", COUNT)
    max_values: int = setting(LIMITS.values, "How many values, objects included, it may ask for.", COUNT)
    introspection: bool = setting(True, "Whether clients may read the schema by introspection.")
    suggestions: bool = setting(True, 'Whether errors suggest names ("Did you mean …").')
    cors_origins: str = setting(
        "", "The origins whose pages may ask, with commas between; * for all.", ORIGINS
    )
    metrics: bool = setting(False, "Whether /metrics tells, for Prometheus, how operations were run.")
    log_level: str = setting("info", "How much is logged: debug, info, warning or error.", LEVEL)

    def __post_init__(self) -> None:
        for entry in fields(self):
            value, rule = getattr(self, entry.name), entry.metadata["rule"]
            if not rule.fulfilled(value):
                shown = repr(value) if isinstance(value, str) else value
                raise SettingsError(f"{entry.name.upper()} is {shown}: give {rule.advice}.")

    @property
    def limits(self) -> Limits:
        return Limits(**{entry.name: getattr(self, f"max_{entry.name}") for entry in fields(Limits)})

    @property
    def origins(self) -> list[str]:
        return origins(self.cors_origins)

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Settings":
        """The settings in an environment; an empty variable counts as not set.

        Raises SettingsError naming the variable that cannot be used.
        """
        given: dict[str, Any] = {}
        for entry in fields(cls):
            key = entry.name.upper()
            if text := environment.get(key, "").strip():
                given[entry.name] = parsed(key, text, entry.type)
        return cls(**given)


def parsed(key: str, text: str, kind: Any) -> Any:
    if kind is bool:
        if text.lower() not in BOOLEANS:
            raise SettingsError(f"{key} is {text!r}: give true or false.")
        return BOOLEANS[text.lower()]
    if kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            raise SettingsError(f"{key} is {text!r}: give a number.") from None
    return Path(text) if Path in (kind, *get_args(kind)) else text


BOOLEANS = {"true": True, "yes": True, "on": True, "1": True} | dict.fromkeys(
    ("false", "no", "off", "0"), False
)


def origins(text: str) -> list[str]:
    return [origin.strip() for origin in text.split(",") if origin.strip()]


def is_origin(text: str) -> bool:
    parts = urlsplit(text)
    return text == "*" or (parts.scheme in ("http", "https") and text == f"{parts.scheme}://{parts.netloc}")
