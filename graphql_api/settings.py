"""The settings: one frozen object, read from the environment once."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any


class SettingsError(ValueError):
    """A setting cannot be used; the message names its key."""


def setting(default: Any, description: str) -> Any:
    return field(default=default, metadata={"description": description})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Each field is read from the environment variable of its name in capitals."""

    host: str = setting("127.0.0.1", "The address to listen on.")
    port: int = setting(8000, "The port to listen on; 0 picks a free one.")
    database_url: str | None = field(
        default=None,
        repr=False,
        metadata={"description": "The PostgreSQL to use, as a URL; the embedded one if it is not set."},
    )
    data: Path = setting(Path(".data"), "The folder of the embedded PostgreSQL.")
    postgres_bin: Path | None = setting(
        None, "The bin folder of the PostgreSQL to embed; the installed wheel's if it is not set."
    )
    pool_size: int = setting(10, "How many connections to PostgreSQL are opened at the most.")
    command_timeout: float = setting(5.0, "After how many seconds a statement is given up.")
    log_level: str = setting("info", "How much is logged: debug, info, warning or error.")

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise SettingsError(f"PORT is {self.port}: give a number from 0 to 65535.")
        if self.pool_size < 1:
            raise SettingsError(f"POOL_SIZE is {self.pool_size}: give at least 1.")
        if not 0 < self.command_timeout < float("inf"):
            raise SettingsError(f"COMMAND_TIMEOUT is {self.command_timeout}: give seconds above 0.")
        if self.log_level not in ("debug", "info", "warning", "error"):
            raise SettingsError(f"LOG_LEVEL is {self.log_level!r}: give debug, info, warning or error.")

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
    if kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            raise SettingsError(f"{key} is {text!r}: give a number.") from None
    return text if kind is str or kind == str | None else Path(text)
